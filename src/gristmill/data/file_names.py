"""Names of files below a bucket, a folder or a URL: parts with slashes between, none of which leads elsewhere."""

from __future__ import annotations

from gristmill.data.source import DataFailed

FIELD = "file_name"
_MOST_BYTES = 1024


def parts(name: str, *, field: str = FIELD) -> tuple[str, ...]:
    """Return the parts of a file's name.

    Raises:
        DataFailed: it is empty, too long, or one of its parts is no name of a file (``data_invalid``).

    """
    found = tuple(name.removeprefix("/").split("/"))
    for part in found:
        if not part:
            raise _refused(field, name, "is empty, ends with / or holds //; write it as folder/file.csv")
        if part in {".", ".."}:
            raise _refused(field, name, f"holds {part}; names lead down only, write it as folder/file.csv")
        if not part.isprintable():
            raise _refused(field, name, "holds control characters")
    if len(name.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise DataFailed("data_invalid", f"{field}: a name has {_MOST_BYTES} bytes at most.", field=field)
    return found


def folder_parts(path: str) -> tuple[str, ...]:
    """Return the parts of a path that is browsed: none for ``/``.

    Raises:
        DataFailed: one of them is no name.

    """
    inside = path.strip("/")
    return parts(inside, field="path") if inside else ()


def path_of(*names: str) -> str:
    """Return the path by which an entry is browsed, or named to be read."""
    return "/" + "/".join(names)


def _refused(field: str, name: str, why: str) -> DataFailed:
    return DataFailed("data_invalid", f"{field}: {name!r} {why}.", field=field)
