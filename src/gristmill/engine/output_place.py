"""Where a run's results go: in its directory, and from there."""

from __future__ import annotations

from dataclasses import replace

from gristmill.domain import output_name as templates
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.run_spec import RunSpec
from gristmill.engine.file_name import file_name
from gristmill.engine.run_files import KINDS
from gristmill.service.claims import Assignment
from gristmill_runner import protocol

_DEFAULT_NAME, _ARCHIVE_NAME = "results.csv", "outputs.zip"
_TABLE = f"{protocol.OUTPUTS}/table.arrow"


def is_asset(spec: RunSpec) -> bool:
    """Tell whether the results become a data asset of the space, or its new content."""
    return spec.output_reference is not None and spec.connected_output is None and not spec.output_left


def output_path(assignment: Assignment) -> str | None:
    """Return where in the run directory the results go, if they go anywhere; for code, as one archive."""
    spec = assignment.spec
    if spec.output_reference is None or spec.output_left:
        return None
    if spec.connected_output is not None and spec.connected_output.data.table is not None:
        return _TABLE
    return f"{protocol.OUTPUTS}/{file_name(output_name(assignment), 0, set())}"


def output_name(assignment: Assignment) -> str:
    """Return the name of the data asset, or of the file, that is to hold the results."""
    spec = assignment.spec
    if spec.connected_output is not None:
        return connected_output(assignment).name
    location = (spec.output_reference or {}).get("location") or {}
    return _filled(assignment, str(location.get("name") or _DEFAULT_NAME))


def connected_output(assignment: Assignment) -> ConnectedData:
    """Return what a connected output is called for this run, the templates in its names filled."""
    output = assignment.spec.connected_output
    assert output is not None, "asked only of runs that have one"
    members = ("table", "schema", "file", "bucket")
    names = {member: getattr(output.data, member) for member in members}
    return replace(output.data, **{key: _filled(assignment, name) for key, name in names.items() if name is not None})


def _filled(assignment: Assignment, name: str) -> str:
    attachment_name = _ARCHIVE_NAME if assignment.spec.kind in KINDS else _DEFAULT_NAME
    return templates.filled(name, assignment.run, attachment_name=attachment_name)
