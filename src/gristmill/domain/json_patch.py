"""JSON patch as the wire uses it: ``add`` and ``replace`` set a member, ``remove`` clears it; others are refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gristmill.domain.errors import Invalid


def changes(operations: Sequence[Mapping[str, Any]], *, allowed: Collection[str]) -> dict[str, Any]:
    """Return what the operations set, by path without its leading slash; a removed member is None.

    Raises:
        Invalid: an operation is malformed, or its path is not one of ``allowed``; nothing was changed.

    """
    return dict(_change(number, operation, allowed) for number, operation in enumerate(operations))


def _change(number: int, operation: Mapping[str, Any], allowed: Collection[str]) -> tuple[str, Any]:
    path = str(operation.get("path", "")).strip("/")
    if path not in allowed:
        known = ", ".join(f"/{name}" for name in sorted(allowed))
        raise Invalid(f"[{number}].path: /{path} cannot be patched here; these can: {known}.", field=f"[{number}].path")
    match operation.get("op"):
        case "add" | "replace" if "value" in operation:
            return path, operation["value"]
        case "remove":
            return path, None
        case "add" | "replace":
            raise Invalid(f"[{number}].value: the operation on /{path} has no value.", field=f"[{number}].value")
        case other:
            raise Invalid(f"[{number}].op: {other!r} is none of add, replace, remove.", field=f"[{number}].op")
