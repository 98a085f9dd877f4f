"""The signature in an MLmodel file: columns with types, or tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gristmill_runner.protocol import Field


def input_fields(document: Mapping[str, Any]) -> list[Field]:
    """Return the input columns, in order; none where the signature does not name each of them."""
    columns = _columns(document, "inputs")
    if not all(isinstance(column.get("name"), str) for column in columns):
        return []
    return [Field(name=column["name"], type=_type(column)) for column in columns]


def optional_names(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the input columns that need not be there."""
    return frozenset(
        str(column.get("name")) for column in _columns(document, "inputs") if column.get("required") is False
    )


def output_names(document: Mapping[str, Any]) -> list[str]:
    """Return the names of the output columns that have one."""
    return [column["name"] for column in _columns(document, "outputs") if isinstance(column.get("name"), str)]


def _columns(document: Mapping[str, Any], side: str) -> list[Mapping[str, Any]]:
    signature = document.get("signature")
    text = signature.get(side) if isinstance(signature, Mapping) else None
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        found = None
    return [column for column in found if isinstance(column, Mapping)] if isinstance(found, list) else []


def _type(column: Mapping[str, Any]) -> str:
    tensor = column.get("tensor-spec")
    if not isinstance(tensor, Mapping):
        return str(column.get("type") or "")
    flat = all(size in (-1, 1) for size in tensor.get("shape") or [])
    return str(tensor.get("dtype")) if flat else "tensor"
