"""Reads a pickle without running it: which packages it needs, and which scikit-learn wrote it."""

from __future__ import annotations

import bz2
import contextlib
import importlib.util
import lzma
import pickletools
import re
import zlib
from collections.abc import Callable
from pathlib import Path

_LOOKED_AT_BYTES = 64 * 2**20
_SKLEARN_VERSION = re.compile(
    rb"_sklearn_version(?:\x94|q.|r....)?(?:\x8c.|X....)([0-9][0-9A-Za-z.+-]{0,20})", re.DOTALL
)
_COMPRESSIONS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", lambda content: zlib.decompressobj(31).decompress(content, _LOOKED_AT_BYTES)),
    (b"x", lambda content: zlib.decompressobj().decompress(content, _LOOKED_AT_BYTES)),
    (b"BZ", lambda content: bz2.BZ2Decompressor().decompress(content, _LOOKED_AT_BYTES)),
    (b"\xfd7zXZ", lambda content: lzma.LZMADecompressor().decompress(content, _LOOKED_AT_BYTES)),
)


def content_of(path: Path) -> bytes:
    """Return the first part of a pickle, decompressed where joblib compressed it."""
    with path.open("rb") as file:
        content = file.read(_LOOKED_AT_BYTES)
    for magic, decompress in _COMPRESSIONS:
        if content.startswith(magic):
            with contextlib.suppress(zlib.error, OSError, lzma.LZMAError):
                return decompress(content)
    return content


def sklearn_version(content: bytes) -> str | None:
    """Return the scikit-learn version that the pickle's estimators carry."""
    found = _SKLEARN_VERSION.search(content)
    return found.group(1).decode("ascii") if found else None


def missing_packages(content: bytes) -> list[str]:
    """Return the top-level packages that the pickle names and this environment does not have."""
    roots = dict.fromkeys(name.split(".")[0] for name in _modules(content))
    return [root for root in roots if not _is_importable(root)]


def _modules(content: bytes) -> list[str]:
    """Return the modules named up to the first array, whose raw bytes are no opcodes."""
    found: list[str] = []
    texts: list[str | None] = []  # as the unpickler would push them; other objects are None
    memo: dict[object, str | None] = {}
    with contextlib.suppress(ValueError, IndexError, UnicodeDecodeError, AttributeError):
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "GLOBAL":
                found.append(str(argument).split(" ")[0])
            elif opcode.name == "STACK_GLOBAL":
                found.append(texts[-2] or "")
            if opcode.name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
                memo[len(memo) if argument is None else argument] = texts[-1]
            else:
                texts.append(memo.get(argument) if opcode.name.endswith("GET") else _text(argument))
    return [module for module in found if module]


def _text(argument: object) -> str | None:
    return argument if isinstance(argument, str) else None


def _is_importable(root: str) -> bool:
    try:
        return importlib.util.find_spec(root) is not None
    except (ImportError, ValueError):
        return False
