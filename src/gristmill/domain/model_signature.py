"""What the content of a model says of its own input: read out of descriptions, never by loading the model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gristmill.domain.model_schema import Field

SCHEMA_ID = "model_content"
"""The id of an input schema that was read from the content; new content takes its place."""

_MLFLOW_OWN = ("sklearn", "xgboost", "lightgbm", "onnx")
_PYTHON = "python_function"
_XGBOOST_NAMES = re.compile(r'"feature_names":(\[[^\[\]]*\]),"feature_types":(\[[^\[\]]*\])')
_LIGHTGBM_LINE = re.compile(r"^(feature_names|feature_infos|pandas_categorical)[=:](.*)$", re.MULTILINE)
_ANY = "any"


def with_schema(entity: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, Any]:
    """Return a model's entity with the input fields that its content told; a schema that its user gave stays."""
    schemas = entity.get("schemas") if isinstance(entity.get("schemas"), Mapping) else {}
    assert isinstance(schemas, Mapping)
    inputs = schemas.get("input") or []
    given = [schema for schema in inputs if not (isinstance(schema, Mapping) and schema.get("id") == SCHEMA_ID)]
    told = [{"id": SCHEMA_ID, "type": "struct", "fields": [{"name": each.name, "type": each.type} for each in fields]}]
    if given or _has_training_schema(entity) or not fields:
        told = given
    if told == inputs:
        return dict(entity)
    return {**entity, "schemas": {"output": [], **schemas, "input": told}}


def of_mlflow(document: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of an MLmodel file's signature; none where it does not name each of them."""
    signature = document.get("signature")
    text = signature.get("inputs") if isinstance(signature, Mapping) else None
    columns = _json(text) if isinstance(text, str) else text
    if not isinstance(columns, list):
        return ()
    fields = [Field(each["name"], _mlflow_type(each)) for each in columns if _is_named(each)]
    return tuple(fields) if len(fields) == len(columns) else ()


def mlflow_files(document: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the flavour that will be loaded and the file it names.

    None where it is a Python function; the flavour is empty where there is none that can be loaded.
    """
    flavors = document.get("flavors")
    if not isinstance(flavors, Mapping):
        return "", ""
    for name in _MLFLOW_OWN:
        if isinstance(settings := flavors.get(name), Mapping):
            return name, str(settings.get("pickled_model" if name == "sklearn" else "data") or "")
    return None if _PYTHON in flavors else ("", ", ".join(map(str, flavors)))


def of_xgboost(head: bytes) -> tuple[Field, ...]:
    """Return the fields of a booster saved as JSON, where its beginning has all of them."""
    found = _XGBOOST_NAMES.search(head.decode("utf-8", errors="replace"))
    names, types = (_json(found[1]), _json(found[2])) if found else (None, None)
    if not isinstance(names, list) or not isinstance(types, list) or not names:
        return ()
    types = types if len(types) == len(names) else ["float"] * len(names)
    return tuple(Field(str(name), _ANY if type_ == "c" else "double") for name, type_ in zip(names, types, strict=True))


def of_lightgbm(head: bytes) -> tuple[Field, ...]:
    """Return the fields of a booster saved as text, where its beginning has all of them."""
    lines = {match[1]: match[2].split() for match in _LIGHTGBM_LINE.finditer(head.decode("utf-8", errors="replace"))}
    names, infos = lines.get("feature_names", []), lines.get("feature_infos", [])
    invented = names == [f"Column_{position}" for position in range(len(names))]
    if invented or len(names) != len(infos):
        return ()
    types = ("double" if info.startswith("[") else _ANY for info in infos)
    return tuple(Field(name, type_) for name, type_ in zip(names, types, strict=True))


def _has_training_schema(entity: Mapping[str, Any]) -> bool:
    references = entity.get("training_data_references")
    first = references[0] if isinstance(references, list) and references else None
    schema = first.get("schema") if isinstance(first, Mapping) else None
    return isinstance(schema, Mapping) and bool(schema.get("fields"))


def _is_named(column: object) -> bool:
    return isinstance(column, Mapping) and isinstance(column.get("name"), str)


def _mlflow_type(column: Mapping[str, Any]) -> str:
    tensor = column.get("tensor-spec")
    if not isinstance(tensor, Mapping):
        named = str(column.get("type") or "")
        return _ANY if named in {"array", "object", "map"} else named
    flat = all(size in (-1, 1) for size in tensor.get("shape") or [])
    return str(tensor.get("dtype")) if flat else "tensor"


def _json(text: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(text)
    except ValueError:
        return None
