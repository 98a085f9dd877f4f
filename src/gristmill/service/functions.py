"""Functions: the rules that `ml_assets` asks for. Their code is a Python file, mostly compressed with gzip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.asset import AssetType
from gristmill.domain.errors import Invalid
from gristmill.service import python_source
from gristmill.service.archives import Packing, members, packing_of
from gristmill.service.ml_assets import Kind, Upload
from gristmill.service.model_content import Checked

MOST_SOURCE_BYTES = 16 * 1024**2


def _check_entity(entity: Mapping[str, Any]) -> None:
    if entity.get("type", "python") != "python":
        raise Invalid(f"type: a function is of type python, not {entity['type']}.", field="type")


def _check_content(upload: Upload) -> Checked:
    fault = python_source.fault_of(_source(upload), python=upload.python)
    if fault is not None:
        raise _refused(fault)
    return Checked("code.py")


def _source(upload: Upload) -> bytes:
    with upload.path.open("rb") as stream:
        packing = packing_of(stream)
        if packing not in {Packing.GZIP, Packing.PLAIN}:
            raise _refused(f"it is a {packing} archive; send one .py file, compressed with gzip")
        source = b"".join(_read(member.stream) for member in members(stream, limits=upload.limits) if member.stream)
    if not source.strip():
        raise _refused("the file is empty")
    return source


def _read(stream: Any) -> bytes:  # noqa: ANN401 - any readable
    source = bytearray()
    while block := stream.read(MOST_SOURCE_BYTES):
        source += block
        if len(source) > MOST_SOURCE_BYTES:
            raise _refused(f"it has more than {MOST_SOURCE_BYTES} bytes")
    return bytes(source)


def _refused(why: str) -> Invalid:
    return Invalid(f"The function's code cannot be used: {why}.", code="invalid_function_code", field="code")


FUNCTION = Kind(
    type=AssetType.FUNCTION,
    noun="function",
    roots=("software_spec", "schemas", "custom", "documentation", "type", "sample_scoring_input", "input_data_schema"),
    check_entity=_check_entity,
    check_content=_check_content,
)
