"""Workbooks in the formats that nothing here writes: Excel 97's binary file (.xls) and OpenDocument (.ods), by hand."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Iterator, Sequence
from html import escape

Cell = str | float | bool | dt.datetime | None
_SECTOR = 512
_NONE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - Excel knows no zones
_DATE = 1  # the number of the format in which a number is a date
_SPACES = "".join(
    f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
)

_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)


def ods(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Return an OpenDocument spreadsheet of one sheet."""
    lines = "".join(
        f"<table:table-row>{''.join(map(_open_cell, row))}</table:table-row>"  # a cell an element
        for row in rows
    )
    sheet = f'<table:table table:name="Sheet1">{lines}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
        archive.writestr("content.xml", f"<office:document-content{_SPACES}>{body}</office:document-content>")
    return packed.getvalue()


def xls(rows: Sequence[Sequence[Cell]]) -> bytes:
    """Return a workbook of Excel 97 with one sheet."""
    name = b"Sheet1"
    formats = [_record(0x00E0, struct.pack("<HH16x", 0, number)) for number in (0, 22)]
    before = _begin(5) + b"".join(formats)
    place = len(before) + 4 + 8 + len(name) + 4  # behind this record and the end of the globals
    sheets = _record(0x0085, struct.pack("<IBBBB", place, 0, 0, len(name), 0) + name)
    width = max(map(len, rows))
    area = _record(0x0200, struct.pack("<IIHHH", 0, len(rows), 0, width, 0))
    stream = before + sheets + _record(0x000A) + _begin(0x10) + area + b"".join(_cells(rows)) + _record(0x000A)
    return _compound(b"".join((stream, bytes(-len(stream) % _SECTOR), bytes(8 * _SECTOR))))


def _open_cell(value: Cell) -> str:
    match value:
        case None:
            return "<table:table-cell/>"
        case bool():
            told = f'office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
        case dt.datetime():
            told = f'office:value-type="date" office:date-value="{value.isoformat()}"'
        case str():
            return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        case _:
            told = f'office:value-type="float" office:value="{value}"'
    return f"<table:table-cell {told}/>"


def _cells(rows: Sequence[Sequence[Cell]]) -> Iterator[bytes]:
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                yield _cell(number, column, value)


def _cell(row: int, column: int, value: Cell) -> bytes:
    match value:
        case bool():
            return _record(0x0205, struct.pack("<HHHBB", row, column, 0, value, 0))
        case str():
            head = struct.pack("<HHHHB", row, column, 0, len(value), 1)
            return _record(0x0204, head + value.encode("utf-16-le"))
        case dt.datetime():
            days = (value - _FIRST_DAY) / dt.timedelta(days=1)
            return _record(0x0203, struct.pack("<HHHd", row, column, _DATE, days))
        case _:
            return _record(0x0203, struct.pack("<HHHd", row, column, 0, value))


def _begin(kind: int) -> bytes:
    return _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 0))


def _record(kind: int, content: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _compound(stream: bytes) -> bytes:
    """Return the file system in a file that holds one stream: its table, its directory, and the stream's sectors."""
    sectors = len(stream) // _SECTOR
    chain = [_TABLE, _END, *range(3, 2 + sectors), _END]
    assert len(chain) <= _SECTOR // 4, "one sector of the table is all that there is"
    table = struct.pack(f"<{_SECTOR // 4}I", *chain, *[_NONE] * (_SECTOR // 4 - len(chain)))
    root = _entry("Root Entry", kind=5, child=1, start=_END, size=0)
    directory = root + _entry("Workbook", kind=2, child=_NONE, start=2, size=len(stream)) + bytes(256)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<108I", *[_NONE] * 108)
    return head + table + directory + stream


def _entry(name: str, *, kind: int, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le")
    head = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, _NONE, _NONE, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
