"""Whether the first bytes of a file look like what a model's type says. Plausible, not proven: nothing is loaded."""

from __future__ import annotations

import bz2
import lzma
import zlib

HEAD_BYTES = 8_192
"""How much of a file these questions want to see."""

_PICKLE_PROTOCOLS = range(2, 6)
_WIRE_TYPES = {0, 1, 2, 5}
_ONNX_FIELDS = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}


def is_pickle(head: bytes) -> bool:
    """Whether this is a pickle, bare or compressed in one of joblib's ways."""
    if head.startswith(b"\x04\x22\x4d\x18"):
        # LZ4: nothing in the standard library looks inside.
        return True
    start = _unpacked(head)
    return len(start) > 1 and start[0] == 0x80 and start[1] in _PICKLE_PROTOCOLS


def is_xgboost(head: bytes) -> bool:
    """Whether this is a saved booster: JSON, UBJSON or the old binary form."""
    return (head.lstrip().startswith(b"{") and b"learner" in head) or head.startswith((b"binf", b"CONFIG-offset:"))


def is_lightgbm(head: bytes) -> bool:
    """Whether this is a booster's text form."""
    return head.lstrip().startswith(b"tree") and b"version=" in head


def is_zip(head: bytes) -> bool:
    """Whether this is a zip file."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def is_gzip(head: bytes) -> bool:
    """Whether this is a gzip stream."""
    return head.startswith(b"\x1f\x8b")


def is_tar(head: bytes) -> bool:
    """Whether this is a tar file, as far as its first header says."""
    return head[257:262] == b"ustar" or _has_tar_checksum(head[:512])


def is_onnx(head: bytes) -> bool:
    """Whether the bytes begin like a protobuf ``ModelProto``: known fields, a version first."""
    position = 0
    fields: list[int] = []
    while position < len(head):
        key, after = _varint(head, position)
        if after < 0 and len(head) >= HEAD_BYTES:
            break
        number, wire_type = key >> 3, key & 7
        if after < 0 or number not in _ONNX_FIELDS or wire_type not in _WIRE_TYPES:
            return False
        fields.append(number)
        position = _skip(head, after, wire_type)
        if position < 0:
            return False
    return bool(fields) and (fields[0] in {1, 7, 8} or 7 in fields)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    return value, -1


def _skip(data: bytes, position: int, wire_type: int) -> int:
    match wire_type:
        case 0:
            # A number cut off by the end of the head is no fault.
            after = _varint(data, position)[1]
            return after if after >= 0 or len(data) - position >= 10 else len(data)
        case 1:
            return position + 8
        case 5:
            return position + 4
        case _:
            length, after = _varint(data, position)
            return after if after < 0 else after + length


def _unpacked(head: bytes) -> bytes:
    try:
        match head[:2]:
            case b"\x1f\x8b":
                return zlib.decompressobj(31).decompress(head, 64)
            case b"x\x01" | b"x^" | b"x\x9c" | b"x\xda":
                return zlib.decompressobj().decompress(head, 64)
            case b"BZ":
                return bz2.BZ2Decompressor().decompress(head, 64)
            case b"\xfd7" | b"]\x00":
                return lzma.LZMADecompressor().decompress(head, 64)
            case b"ZF":
                return b"\x80\x02"
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        return b""
    return head


def _has_tar_checksum(header: bytes) -> bool:
    try:
        stated = int(header[148:156].strip(b"\0 "), 8)
    except ValueError:
        return False
    return len(header) == 512 and stated == sum(header[:148]) + 8 * 32 + sum(header[156:])
