"""Conda's environment files, as far as pip can do what they ask: Python's version and the pip part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from gristmill.domain.errors import Invalid
from gristmill.domain.requirements import check_requirement

_IGNORED_SECTIONS = frozenset({"name", "channels", "prefix"})
_PYTHON = re.compile(r"python\s*={0,3}\s*(\d+\.\d+)?[\d.*]*$")
_PIP = re.compile(r"pip(\s*[=<>!~].*)?$")
_PIP_SECTION = "pip:"


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaFile:
    """What a conda file asks for. ``python`` is a version like 3.11, None where it does not say."""

    python: str | None
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str

    @property
    def is_entry(self) -> bool:
        return self.text.startswith("- ")

    @property
    def entry(self) -> str:
        return self.text[2:].strip().strip("'\"").strip()


def read_conda(text: str, *, where: str) -> CondaFile:
    """Read an environment file.

    Raises:
        Invalid: it wants a package of conda's, or is not written an entry a line; ``where`` and the line are named.

    """
    python: str | None = None
    requirements: list[str] = []
    pip_indent: int | None = None
    for line in _dependencies(text, where):
        if not line.is_entry:
            _refuse(where, line, "cannot be read: write each dependency on a line of its own, after '- '.")
        if pip_indent is not None and line.indent > pip_indent:
            requirements.append(check_requirement(line.entry, where=where, number=line.number))
            continue
        pip_indent = line.indent if line.entry == _PIP_SECTION else None
        if pip_indent is None:
            python = _conda_entry(line, where) or python
    return CondaFile(python=python, requirements=tuple(requirements))


def _conda_entry(line: _Line, where: str) -> str | None:
    """Return the version that an entry asks of Python; None for pip itself. Everything else is conda's own."""
    found = _PYTHON.match(line.entry)
    if found:
        return found[1]
    if not _PIP.match(line.entry):
        _refuse(
            where, line, "is a package of conda's, which are not installed here. Move it to the pip part ('- pip:')."
        )
    return None


def _dependencies(text: str, where: str) -> Iterator[_Line]:
    section = ""
    for line in _lines(text):
        heading = re.match(r"([A-Za-z_]+)\s*:\s*(.*)$", line.text)
        if line.indent == 0 and heading:
            section = heading[1]
            _check_heading(line, section, heading[2], where)
        elif section == "dependencies":
            yield line
        elif section not in _IGNORED_SECTIONS:
            _refuse(where, line, "cannot be read: there is 'name', 'channels' and 'dependencies' to give.")


def _check_heading(line: _Line, section: str, value: str, where: str) -> None:
    if section != "dependencies" and section not in _IGNORED_SECTIONS:
        _refuse(where, line, "cannot be read: there is 'name', 'channels' and 'dependencies' to give.")
    if section == "dependencies" and value not in {"", "[]"}:
        _refuse(where, line, "cannot be read: write each dependency on a line of its own, after '- '.")


def _lines(text: str) -> Iterator[_Line]:
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).rstrip()
        if line and line != "---":
            yield _Line(number, len(line) - len(line.lstrip()), line.lstrip())


def _refuse(where: str, line: _Line, fault: str) -> NoReturn:
    raise Invalid(f"{where}, line {line.number}: {line.text!r} {fault}", code="bad_requirement", field=where)
