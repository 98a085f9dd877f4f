"""Tables and links of Markdown, as the generated pages have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GENERATED = "<!-- Written by `make reference` from the code. What is changed here by hand is lost. -->\n"


def page(title: str, *parts: str, origin: str = GENERATED) -> str:
    """Return a whole page: the title, where it comes from, then the parts with an empty line between each."""
    return "\n\n".join([f"# {title}", origin.strip(), *(part.strip() for part in parts if part.strip())]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars and line ends within cells do it no harm."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |".replace("|  |", "| |") for row in rows]
    return "\n".join(lines)


def code(*words: str) -> str:
    """Return words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def plain(docstring: str | None) -> str:
    """Return a docstring's first paragraph as Markdown."""
    return " ".join((docstring or "").strip().split("\n\n")[0].split()).replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
