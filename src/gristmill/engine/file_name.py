"""Names of files for what users have named."""

from __future__ import annotations

from pathlib import PurePosixPath


def file_name(name: str, number: int, taken: set[str]) -> str:
    """Return the asset's name as a plain file name that is not taken: names come from users, paths do not."""
    plain = PurePosixPath(name.replace("\\", "/")).name.replace("\0", "").encode()[:200].decode(errors="ignore")
    if plain in {"", ".", ".."}:
        plain = f"input-{number}"
    while plain in taken:
        plain = f"{number}-{plain}"
    taken.add(plain)
    return plain
