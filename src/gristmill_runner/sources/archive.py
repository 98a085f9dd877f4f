"""Zip archives: each member is an input of its own."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from gristmill_runner.failure import RunFailed
from gristmill_runner.sources.held_file import FileOnDisk, Member

_ARCHIVES = (".zip", ".tar", ".tgz", ".7z", ".rar")
_ENCRYPTED = 1


def members_of(held: FileOnDisk) -> list[Member]:
    """Return an archive's files, in its order; those of no use (directories, hidden and unsafe names) are ignored.

    Raises:
        RunFailed: ``input_unreadable``: it is no archive, protected, or holds another archive; ``no_input``: it is
            empty.

    """
    try:
        with zipfile.ZipFile(held.path) as archive:
            found = [each for each in archive.infolist() if not each.is_dir() and _is_wanted(each.filename)]
    except (zipfile.BadZipFile, OSError) as error:
        raise RunFailed("input_unreadable", f"{held.name} is not a zip archive: {error}") from error
    for each in found:
        if PurePosixPath(each.filename).suffix.lower() in _ARCHIVES or ".tar." in each.filename.lower():
            message = f"{held.name} holds another archive, {each.filename}: unpack that one first"
            raise RunFailed("input_unreadable", message)
        if each.flag_bits & _ENCRYPTED:
            raise RunFailed("input_unreadable", f"{each.filename} in {held.name} is protected by a password")
    if not found:
        raise RunFailed("no_input", f"{held.name} holds no file")
    return [Member(f"{held.name}/{each.filename}", Path(held.path), each.filename) for each in found]


def _is_wanted(name: str) -> bool:
    """Tell whether a name leads to a file within the archive's own tree that is not hidden."""
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return bool(parts) and not hidden and not name.startswith("/") and "\\" not in name and ":" not in parts[0]
