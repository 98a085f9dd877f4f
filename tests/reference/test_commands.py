"""Commands that stand in the documents are there, with every option that is given to them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from gristmill.cli.main import application

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`(gristmill [^`]+)`")
_GIVEN = re.compile(r"(?:^|[;&|(]\s*|\$ |^\.venv/bin/)(gristmill [a-z].*)")
_PLACEHOLDER = {"COMMAND"}
COMMANDS = get_command(application)


def told(text: str) -> Iterator[str]:
    """Yield the commands of a document: those of its blocks, and those within sentences."""
    for block in _BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if found := _GIVEN.search(line.strip()):
                yield re.split(r" #| \|\|? | && | >", found[1])[0]
    yield from _INLINE.findall(text)


def fault(line: str) -> str | None:
    """Return what is wrong with a command line: no such command, or no such option."""
    words = shlex.split(line)[1:]
    command: Any = COMMANDS
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        if words[0] in _PLACEHOLDER:
            return None
        found = command.get_command(None, words[0])
        if found is None:
            return f"{line}: there is no command {words[0]}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    strange = {word.partition("=")[0] for word in words if word.startswith("--")} - known - {"--help", "--version"}
    return f"{line}: there is no {', '.join(sorted(strange))}" if strange else None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_of_a_document_is_there(path: Path) -> None:
    lines = [line for line in told(path.read_text(encoding="utf-8")) if "..." not in line and "`" not in line]
    assert [found for line in lines if (found := fault(line))] == []
