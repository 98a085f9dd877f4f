"""Values as the JSON documents that the store keeps."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any


def document_of(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """Return a dataclass as a document: its fields by their names, dataclasses in them or in their sequences likewise.

    `dataclasses.asdict` does the same and copies every mapping on the way, which takes ten times as long for the
    hundreds of packages of an environment. What is returned shares its mappings with ``value``: it is to be read.
    """
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def _plain(value: object) -> object:
    if isinstance(value, str | int | float) or value is None:
        return value
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return document_of(value) if is_dataclass(value) else value
