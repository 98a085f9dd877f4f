"""Names of outputs with templates in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain import output_name
from gristmill.domain.errors import Invalid
from gristmill.domain.run import Run, RunState

NOW = datetime(2026, 11, 22, 9, 0, 5, tzinfo=UTC)


def run(name: str = "nightly") -> Run:
    return Run(
        id="run-1",
        deployment_job_id="job-1",
        job_id="platform-1",
        space_id="space-1",
        lane_id="lane",
        place=1,
        name=name,
        kind="model",
        state=RunState.RUNNING,
        requester_id="u",
        created_at=NOW,
        modified_at=NOW,
    )


def test_templates_are_filled() -> None:
    name = (
        "${job_id}/${run_id}-${platform_job_id}-${space_id}-${deployment_id}-${name}-${update_time}-${attachment_name}"
    )
    filled = output_name.filled(name, run(), attachment_name="results.csv")
    assert filled == "job-1/run-1-platform-1-space-1--nightly-2026-11-22T090005Z-results.csv"
    assert output_name.filled("$run_id {run_id} plain", run(), attachment_name="") == "$run_id {run_id} plain"


@given(st.text())
def test_values_are_plain_in_names_of_files(name: str) -> None:
    filled = output_name.filled("${name}.csv", run(name), attachment_name="")
    assert not set(filled) & set("/\\:${}\0\n")
    assert filled.endswith(".csv")


def test_unknown_templates_are_named() -> None:
    output_name.check("${job_id}-${update_time}", where="w")
    with pytest.raises(Invalid, match=r"w: there is no template \$\{today\}; there are \$\{job_id\}"):
        output_name.check("scores-${today}.csv", where="w")
    for each in output_name.VARIABLES:
        output_name.check(f"${{{each}}}", where="w")
