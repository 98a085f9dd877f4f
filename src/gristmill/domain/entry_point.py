"""The file of a code package with which it begins."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Any

from gristmill.domain.errors import Invalid

FIELD = "configuration.entrypoint"
ENDINGS = (".py", ".ipynb", ".R", ".r")
_MOST_SHOWN = 10


def read_entry_point(wanted: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return the path that a configuration names, None where it names none.

    Raises:
        Invalid: it is no path inside a package.

    """
    if wanted is None or wanted == "":
        return None
    if not isinstance(wanted, str):
        raise Invalid(f"{FIELD}: it is the path of a file in the package, a text.", field=FIELD)
    path = posixpath.normpath(wanted)
    if path.startswith(("/", "../")) or path in {".", ".."}:
        raise Invalid(f"{FIELD}: {wanted!r} leads out of the package; paths count from its top.", field=FIELD)
    return path


def check_entry_point(path: str | None, names: Iterable[str]) -> None:
    """Check that a package of these files can begin with this one.

    Raises:
        Invalid: it has no such file, or the file is neither script nor notebook; those that are get listed.

    """
    inside = [posixpath.normpath(name.replace("\\", "/")) for name in names if not name.endswith("/")]
    candidates = sorted(name for name in inside if name.endswith(ENDINGS))
    if path in candidates:
        return
    shown = ", ".join(candidates[:_MOST_SHOWN]) + (", ..." if len(candidates) > _MOST_SHOWN else "")
    fit = f"It may be one of: {shown}." if candidates else "The package has no file that ends in .py, .ipynb or .R."
    if path is None:
        raise Invalid(f"{FIELD}: name the file that the package begins with. {fit}", field=FIELD)
    reason = "is neither a script nor a notebook" if path in inside else "is not in the package"
    raise Invalid(f"{FIELD}: {path} {reason}. {fit}", field=FIELD)
