"""Requirements: the lines of requirements files, read strictly; what is refused is named by its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from gristmill.domain.errors import Invalid

_NAME = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?=[<>=!~;@(]|--hash|$)")
_REMOTE = re.compile(r"@\s*(?:git\+)?https?://")
_INDEX_OPTIONS = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--trusted-host")
_FILE_OPTIONS = ("-r", "--requirement", "-c", "--constraint")
# Two distributions of one module: who asks for the one does not want the other beside it.
_SAME_MODULE = {"xgboost": "xgboost-cpu", "xgboost-cpu": "xgboost", "onnxruntime-gpu": "onnxruntime"}


def read_requirements(text: str, *, where: str) -> list[str]:
    """Return the requirements of a requirements file, without comments, one a line.

    Raises:
        Invalid: a line is none, or reaches for what a build cannot have; ``where`` and the line are named.

    """
    return [check_requirement(line, where=where, number=number) for number, line in _lines(text)]


def check_requirement(line: str, *, where: str, number: int) -> str:
    """Return one requirement as it came.

    Raises:
        Invalid: it is none, or reaches for what a build cannot have.

    """
    fault = _fault(line)
    if fault:
        raise Invalid(f"{where}, line {number}: {line!r} {fault}", code="bad_requirement", field=where)
    return line


def requirement_name(line: str) -> str:
    """Return the name of a requirement's package in its normal form: lower case, words joined by ``-``."""
    found = _NAME.match(line)
    return normal_name(found[1] if found else line)


def normal_name(name: str) -> str:
    """Return a package's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(packages: Mapping[str, str]) -> list[str]:
    """Return requirements for listed versions: ``1.26`` means any 1.26, three parts or more mean exactly these."""
    listed = {normal_name(name): version for name, version in packages.items()}
    return [_pin(name, version) for name, version in sorted(listed.items()) if name != "python"]


def combined(base: Iterable[str], added: Sequence[str], *, added_names: Iterable[str] = ()) -> list[str]:
    """Return the requirements of a base with others added; a package that those name is not held by the base."""
    named = {requirement_name(line) for line in added} | {normal_name(name) for name in added_names}
    named |= {_SAME_MODULE[name] for name in named if name in _SAME_MODULE}
    return [*(line for line in base if requirement_name(line) not in named), *added]


def _pin(name: str, version: str) -> str:
    if not version:
        return name
    return f"{name}=={version}" if version.count(".") > 1 or "+" in version else f"{name}=={version}.*"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines, each with the number of its first line."""
    joined, begun = "", 0
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        begun = begun or number
        joined += line.removesuffix("\\").rstrip() + " "
        if line.endswith("\\"):
            continue
        if joined.strip():
            yield begun, joined.strip()
        joined, begun = "", 0
    if joined.strip():
        yield begun, joined.strip()


def _fault(line: str) -> str | None:
    option = re.split(r"[\s=]", line, maxsplit=1)[0]
    if option in _INDEX_OPTIONS:
        return "sets a package index; indexes are the administrator's to set. Take the line out."
    if option in _FILE_OPTIONS:
        return "names another file, which is not here. Put its lines into this one."
    if line.startswith("-"):
        return "is an option; only requirements are read. Take the line out."
    if "${" in line:
        return "has a variable, which is not set here. Write its value."
    found = _NAME.match(line)
    if found is None:
        return "is no requirement: write a package's name, and its version, like pandas==2.3.1. " + _LOCAL
    if line[found.end() :].startswith("@") and not _REMOTE.match(line, found.end()):
        return "is on a disk that the build cannot see. " + _LOCAL
    return None


_LOCAL = "Send your own wheels as a pip_zip or custom_library package extension."
