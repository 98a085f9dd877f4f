"""Functions: the rules that `ml_assets` asks for. Their code is a Python file, mostly compressed with gzip."""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Any

from gristmill.domain.asset import AssetType
from gristmill.domain.errors import Invalid
from gristmill.service.archives import Packing, members, packing_of
from gristmill.service.ml_assets import Kind, Upload
from gristmill.service.model_content import Checked

MOST_SOURCE_BYTES = 16 * 1024**2


def _check_entity(entity: Mapping[str, Any]) -> None:
    if entity.get("type", "python") != "python":
        raise Invalid(f"type: a function is of type python, not {entity['type']}.", field="type")


def _check_content(upload: Upload) -> Checked:
    try:
        ast.parse(_source(upload), filename="code.py")
    except SyntaxError as error:
        if not _is_newer(upload.python):
            where = f"line {error.lineno}" if error.lineno else "the code"
            raise _refused(f"{where}: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _refused(str(error) or "it is nested too deeply") from error
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


def _is_newer(python: str) -> bool:
    """Whether code for this Python may use what this server's Python cannot parse."""
    numbers = tuple(int(part) for part in python.split(".")[:2] if part.isdecimal())
    return len(numbers) == 2 and numbers > sys.version_info[:2]


def _refused(why: str) -> Invalid:
    return Invalid(f"The function's code cannot be used: {why}.", code="invalid_function_code", field="code")


FUNCTION = Kind(
    type=AssetType.FUNCTION,
    noun="function",
    roots=("software_spec", "schemas", "custom", "documentation", "type", "sample_scoring_input", "input_data_schema"),
    check_entity=_check_entity,
    check_content=_check_content,
)
