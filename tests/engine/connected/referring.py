"""Runs that refer to what is behind a connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from gristmill.data import arrow_file
from gristmill.domain.asset import AssetType
from gristmill.domain.run_spec import RunResult
from gristmill.service import connections, runs
from gristmill.service.runs import RunDetails
from gristmill_runner import protocol
from tests.engine.conftest import Works
from tests.make_work import COMPLETED, Script

SECRET = "s3cret-of-the-database"


PATIENTS = pa.table({"age": [1, 2, 3, 4, 5]})


def connection(works: Works, type_name: str = "postgresql") -> str:
    properties = {
        "postgresql": {"host": "h", "username": "u", "password": SECRET, "database": "d"},
        "generics3": {"access_key": "a", "secret_key": SECRET, "bucket": "own"},
    }[type_name]
    document = {"name": "the data", "datasource_type": type_name, "properties": properties}
    shop = works.shop
    return connections.create(shop.context, shop.actor, shop.space_id, document).id


def table(connection_id: str, name: str = "patients", **location: str) -> dict[str, Any]:
    place = {"schema_name": "public", "table_name": name, **location}
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": place}


def file(connection_id: str, name: str, **location: str) -> dict[str, Any]:
    place = {"file_name": name, **location}
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": place}


def submitted(works: Works, script: Script, **options: Any) -> RunDetails:
    works.launcher.script = script
    works.launcher.gate.set()
    kind = options.pop("kind", AssetType.MODEL)
    return works.shop.submit(works.shop.deploy(kind=kind), **options)


def finished(works: Works, script: Script, **options: Any) -> RunDetails:
    found = submitted(works, script, **options)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    return works.shop.look(found.run.deployment_job_id)


def scores(rows: int = 2) -> Callable[[Path], protocol.Result]:
    def script(directory: Path) -> protocol.Result:
        path = protocol.read_spec(directory)["output"]["path"]
        batches = [pa.record_batch({"score": [float(number)]}) for number in range(rows)]
        arrow_file.write(directory / path, batches, schema=lambda: None, tell=lambda _rows: None)
        return {**COMPLETED, "outputs": [path]}

    return script


def log_of(works: Works, found: RunDetails) -> str:
    return b"".join(runs.log(works.shop.context, works.shop.actor, found.run.job_id, found.run.id)).decode()


def result_of(found: RunDetails) -> RunResult:
    assert found.result
    return found.result
