"""Documents of the store: as `dataclasses.asdict` would have them, to the letter of their JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from tests.make_queue import make_spec

from gristmill.domain.document import document_of
from gristmill.domain.environment import SoftwareEnvironment
from gristmill.domain.run_spec import InlineTable, KeptRows, ResultFile, RunResult, RunSpec

PACKAGES = {"numpy": "2.0", "scipy": "1.1"}
FILE = ResultFile(name="a.csv", mime="text/csv", size=3, content_key="k")


def test_a_document_is_what_asdict_makes_of_it() -> None:
    table = InlineTable(rows=2, fields=("a", "b"), members={"id": {"deep": [1, None, 2.5, True]}})
    kept = KeptRows(files=(FILE,), rows_done=1, rows_total=None)
    result = RunResult(predictions=(table,), packages=PACKAGES, files=[FILE], kept_rows=kept)
    assert document_of(result) == asdict(result)
    assert json.dumps(document_of(result)) == json.dumps(asdict(result))
    assert RunResult.of(json.loads(json.dumps(result.document()))).kept_rows == kept


def test_mappings_are_shared_and_not_copied() -> None:
    environment = SoftwareEnvironment(
        base_id="b", base_name="b", platform="python", platform_version="3.11", packages=PACKAGES
    )
    assert document_of(environment)["packages"] is PACKAGES


def test_a_specification_names_what_older_servers_do_not_know_only_where_it_says_something() -> None:
    plain = make_spec()
    assert not {"nodes", "traceparent"} & set(plain.document())
    assert RunSpec.of(plain.document()) == plain
    spread = replace(plain, nodes=2, traceparent="00-1-2-01")
    assert {"nodes", "traceparent"} <= set(spread.document())
    assert RunSpec.of(spread.document()) == spread
