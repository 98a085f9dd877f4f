"""The page of the run directory, from the description that server and child share (`gristmill_runner/protocol.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gristmill_runner import protocol
from tests.reference.markdown import code, page, plain, table

_ABOUT = """
The run directory is the protocol between the worker and the child process that runs a user's code: the worker lays it
out, the child finds there all that it may know, and leaves there all that it has to say. It holds no key and no
password of the server. All documents are JSON; members that do not apply are left out.
"""
_FILE = re.compile(r"^    (?P<name>\S.*?)  +(?P<means>\S.*)$")
_EXITS = {
    protocol.EXIT_COMPLETED: "the run completed; `result.json` says so too",
    protocol.EXIT_FAILED: "it failed",
    protocol.EXIT_CANCELED: "it was told to stop, and did",
    protocol.EXIT_PROTOCOL: "the directory is of another version of the protocol, or not a run directory",
}


def text() -> str:
    """Return the page."""
    documents = [kind for kind in vars(protocol).values() if hasattr(kind, "__required_keys__")]
    return page(
        "The run directory",
        _ABOUT,
        f"This is version {protocol.VERSION} of it.",
        "## Files",
        table(["file", "what it is"], [[code(name), means] for name, means in _files()]),
        "## How the child ends",
        table(["exit code", "means"], [[code(str(number)), means] for number, means in sorted(_EXITS.items())]),
        *(part for kind in sorted(documents, key=_place) for part in _document(kind)),
    )


def _files() -> Iterator[tuple[str, str]]:
    """Return each file with what it is, from the module's docstring, where they stand in two columns."""
    found: list[list[str]] = []
    for line in (protocol.__doc__ or "").splitlines():
        if new := _FILE.match(line):
            found.append([new["name"], new["means"]])
        elif line.startswith("     ") and found:
            found[-1][1] += f" {line.strip()}"
    return ((name, means.replace("``", "`")) for name, means in found)


def _place(kind: type) -> int:
    first = ["Spec", "Result", "Reply"]
    return first.index(kind.__name__) if kind.__name__ in first else len(first)


def _document(kind: type) -> list[str]:
    named = [[code(name), code(str(of))] for name, of in kind.__annotations__.items()]
    about = [plain(part) for part in (kind.__doc__ or "").strip().split("\n\n")]
    return [f"## `{kind.__name__}`", *about, table(["member", "type"], [[name, _type(of)] for name, of in named])]


def _type(written: str) -> str:
    return re.sub(r"ForwardRef\('([^']*)'[^)]*\)", r"\1", written)
