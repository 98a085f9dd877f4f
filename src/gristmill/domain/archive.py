"""What an archive may hold: names that stay inside, plain files, and no more than the limits."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from gristmill.domain.errors import Invalid

MOST_NAME_BYTES = 1_024
MOST_PART_BYTES = 255
MOST_DEPTH = 64
MOST_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 256 * 1024**2
"""Below this much unpacked data no ratio is too good: zeros compress a thousand times."""

_DRIVE = re.compile(r"[A-Za-z]:")


def refused(message: str) -> Invalid:
    """Return the refusal of an archive."""
    return Invalid(message, code="invalid_archive")


def inner_path(name: str) -> str:
    """Return a member's path inside the directory that it is unpacked to, ``""`` for that directory itself.

    Raises:
        Invalid: it is absolute, leaves the directory, or cannot be a file's name.

    """
    plain = name.replace("\\", "/")
    if plain.startswith("/") or _DRIVE.match(plain) or ".." in plain.split("/"):
        raise refused(f"The archive's member {name!r} would be written outside of its directory.")
    if "\0" in plain or len(plain.encode(errors="surrogateescape")) > MOST_NAME_BYTES:
        raise refused(f"The archive has a member whose name no file can have: {name[:80]!r}.")
    parts = [part for part in plain.split("/") if part not in {"", "."}]
    if len(parts) > MOST_DEPTH or any(len(part.encode(errors="surrogateescape")) > MOST_PART_BYTES for part in parts):
        raise refused(f"The archive has a member whose name no file can have: {name[:80]!r}.")
    return "/".join(parts)


def link_target(name: str, target: str, *, symbolic: bool) -> str:
    """Return the path that a link's target has inside the archive; hard links count from the top.

    Raises:
        Invalid: it points outside.

    """
    if target.startswith("/"):
        raise refused(f"The archive's link {name!r} points outside of its directory, to {target!r}.")
    start = posixpath.dirname(name) if symbolic else ""
    path = posixpath.normpath(posixpath.join(start, target))
    if path == ".." or path.startswith("../"):
        raise refused(f"The archive's link {name!r} points outside of its directory, to {target!r}.")
    return path


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts what comes out of an archive, and refuses the first byte or file over a limit. Sizes in bytes."""

    packed_bytes: int
    most_bytes: int
    most_files: int
    bytes: int = 0
    files: int = 0
    kinds: dict[str, bool] = field(default_factory=dict)

    def file(self, path: str, *, is_directory: bool = False) -> None:
        """Count a member.

        Raises:
            Invalid: it is one too many, or a file and a directory have the same path.

        """
        self.files += 1
        if self.files > self.most_files:
            raise too_large(f"The archive has more than {self.most_files} files.")
        parents = [path[:at] for at, letter in enumerate(path) if letter == "/"]
        for parent in [*parents, path] if is_directory else parents:
            if not self.kinds.setdefault(parent, True):
                raise refused(f"The archive's member {path!r} needs a directory where there is a file.")
        if not is_directory and self.kinds.get(path):
            raise refused(f"The archive's member {path!r} is a file where there is a directory.")
        self.kinds.setdefault(path, is_directory)

    def block(self, size: int) -> None:
        """Count unpacked bytes.

        Raises:
            Invalid: it is more than the limit, or more than such a small archive can honestly hold.

        """
        self.bytes += size
        if self.bytes > self.most_bytes:
            raise too_large(f"The archive unpacks to more than {self.most_bytes} bytes.")
        if self.bytes > max(RATIO_COUNTS_FROM_BYTES, MOST_RATIO * self.packed_bytes):
            raise too_large(f"The archive unpacks to more than {MOST_RATIO} times its size; it looks like a bomb.")


def too_large(message: str) -> Invalid:
    """Return the refusal of an archive that is over a limit."""
    return Invalid(message, code="archive_too_large")
