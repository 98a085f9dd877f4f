"""Batch scoring of large files and tables, each figure beside its limit in the same run.

    python -m bench.scoring [--rows 10000000] [--repeat 3] [--only csv,memory,resume,table,mlflow,ray]

csv     10,000,000 rows, 10 columns, logistic regression and LightGBM on two processors: at least 0.9 of a loop written
        by hand (`bench/peers/loop.py`), its upload excluded, everything else included (submit to completed).
memory  peak of all processes of the server together, at --rows and at four times as many: 1.5 GiB at most, and flat.
resume  canceled at half and repaired: less than 1.15 of the undisturbed total.
table   PostgreSQL, half as many rows, table to table: at least 0.8 of COPY out, predict and COPY in by hand.
mlflow  `mlflow models predict` on the same file takes at least three times as long.
ray     Ray Data's map_batches on the same file takes longer.

mlflow and ray run in an environment of their own (`.venv-bench`), which the first use makes.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import joblib
import numpy as np
import psutil
import pyarrow as pa
from pyarrow import csv
from tests.postgres import running_postgres

from bench.peers import tables
from bench.peers.environment import bench_python
from bench.server import Server

FEATURES = [f"x{number}" for number in range(8)]
LIMIT_BYTES = 1.5 * 2**30
_BATCH = 250_000
_LOOK_SECONDS = 0.1
_ENDED = frozenset({"completed", "failed", "canceled"})
_TYPES = {"logistic": "scikit-learn_1.9", "lightgbm": "lightgbm_4.7"}


def main() -> None:
    """Print each figure beside its limit."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--only", default="csv,memory,resume,table,mlflow,ray")
    arguments.add_argument("--folder", type=Path, help="where files are made; a temporary one by default")
    options = arguments.parse_args()
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(Path(folder), options.rows, options.repeat)
        for name in wanted:
            getattr(bench, name)()


class Bench:
    """The questions, over one file and two models."""

    def __init__(self, folder: Path, rows: int, repeat: int) -> None:
        self._folder, self._rows, self._repeat = folder, rows, repeat
        self._file = make_csv(folder / "rows.csv", rows)
        self._models = make_models(folder)

    def csv(self) -> None:
        """Score the file by the server and by hand, in turns."""
        for name, path in self._models.items():
            with Scored(self._folder, path, _TYPES[name]) as server:
                asset = server.upload(self._file)
                server.score(asset)  # so that zygote and scorers are up, as the loop's libraries are
                ours, theirs = [], []
                for _ in range(self._repeat):
                    ours.append(server.score(asset))
                    theirs.append(self._by_hand(path))
            self._row(f"CSV, {name}", ours, theirs, limit=0.9)

    def memory(self) -> None:
        """Measure the peak of all processes at two sizes."""
        for rows in (self._rows, 4 * self._rows):
            file = self._file if rows == self._rows else make_csv(self._folder / "many.csv", rows)
            with Scored(self._folder, self._models["logistic"], _TYPES["logistic"]) as server, Peak(server.pid) as peak:
                seconds = server.score(server.upload(file))
            ratio = peak.bytes / LIMIT_BYTES
            told = f"{peak.bytes / 2**20:,.0f} MiB of {LIMIT_BYTES / 2**20:,.0f}, ratio {ratio:.2f}"
            print(f"memory of all processes, {rows:,} rows ({seconds:.1f} s): {told}")

    def resume(self) -> None:
        """Cancel at half, repair, and add both up."""
        with Scored(self._folder, self._models["lightgbm"], _TYPES["lightgbm"]) as server:
            asset = server.upload(self._file)
            whole = server.score(asset)
            halves = server.score_in_two(asset)
        print(
            f"resume at half: {sum(halves):.1f} s against {whole:.1f} s, ratio {sum(halves) / whole:.2f} (limit 1.15)"
        )

    def table(self) -> None:
        """Score a table of PostgreSQL into another one, by the server and by hand."""
        rows, model = self._rows // 2, self._models["logistic"]
        folders = "GRISTMILL_DATA_FOLDERS"
        with (
            running_postgres() as postgres,
            Scored(self._folder, model, _TYPES["logistic"], **{folders: str(postgres.directory)}) as server,
        ):
            url = postgres.new_empty_database()
            by_hand_url = url.replace("+psycopg", "")
            tables.fill(by_hand_url, self._file, rows=rows)
            name = url.partition("@/")[2].partition("?")[0]
            connection = server.connect(host=str(postgres.directory), database=name, username="postgres")
            server.score_table(connection)
            ours, theirs = [], []
            for _ in range(self._repeat):
                ours.append(server.score_table(connection))
                theirs.append(tables.by_hand(by_hand_url, model))
        self._row("PostgreSQL, table to table", ours, theirs, limit=0.8, rows=rows)

    def mlflow(self) -> None:
        """Compare with `mlflow models predict`."""
        self._other("mlflow models predict", "mlflow_predict", times=3.0)

    def ray(self) -> None:
        """Compare with Ray Data."""
        self._other("Ray Data map_batches", "ray_data", times=1.0)

    def _other(self, label: str, peer: str, *, times: float) -> None:
        model = self._models["logistic"]
        with Scored(self._folder, model, _TYPES["logistic"]) as server:
            asset = server.upload(self._file)
            server.score(asset)
            ours = server.score(asset)
        target = self._folder / peer
        theirs = _printed([bench_python(), "-m", f"bench.peers.{peer}", str(model), str(self._file), str(target)])
        print(f"{label}: {theirs:.1f} s against {ours:.1f} s, ratio {theirs / ours:.1f} (limit {times:g})")

    def _by_hand(self, model: Path) -> float:
        target = self._folder / "by-hand.csv"
        seconds = _printed([sys.executable, "-m", "bench.peers.loop", str(model), str(self._file), str(target)])
        target.unlink()
        return seconds

    def _row(self, name: str, ours: list[float], theirs: list[float], *, limit: float, rows: int | None = None) -> None:
        rows = rows or self._rows
        mine, hand = statistics.median(ours), statistics.median(theirs)
        rate = rows / mine / 1e6
        told = f"{mine:.1f} s ({rate:.2f} M rows/s), by hand {hand:.1f} s, ratio {hand / mine:.2f} (limit {limit})"
        print(f"{name}, {rows:,} rows: {told}; ours {_spread(ours)}, by hand {_spread(theirs)}")


class Scored:
    """A server with one model, deployed."""

    def __init__(self, folder: Path, model: Path, model_type: str, **settings: str) -> None:
        self._place = tempfile.TemporaryDirectory(dir=folder)
        self._server = Server(Path(self._place.name), **settings)
        self._model, self._type = model, model_type

    def __enter__(self) -> Self:
        self._server.__enter__()
        self.pid = self._server.process.pid
        self._space = self._server.new_space()
        self._deployment = self._deployed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._place.cleanup()

    def upload(self, file: Path) -> str:
        """Make a data asset of a file; return its id."""
        scope = {"space_id": self._space}
        body = {"metadata": {"name": file.name, "asset_type": "data_asset"}, "entity": {"data_asset": {}}}
        asset = self._server.call("POST", "/v2/assets", params=scope, json=body)["metadata"]["asset_id"]
        place = f"/v2/assets/{asset}/attachments"
        kind = {"asset_type": "data_asset", "name": file.name}
        attachment = self._server.call("POST", place, params=scope, json=kind)
        with file.open("rb") as content:
            self._server.call("PUT", attachment["url1"], files={"file": (file.name, content, "file")})
        self._server.call("POST", f"{place}/{attachment['attachment_id']}/complete", params=scope)
        return str(asset)

    def score(self, asset: str) -> float:
        """Score a data asset into another one; return the seconds from the request to the end."""
        begun = time.perf_counter()
        job = self._begin(asset)
        self._end(job, "completed")
        seconds = time.perf_counter() - begun
        self._forget(job)
        return seconds

    def score_in_two(self, asset: str) -> tuple[float, float]:
        """Cancel a run at half and repair it; return the seconds of both."""
        begun = time.perf_counter()
        job = self._begin(asset)
        size = None
        while size is None or size["bytes_done"] < size["bytes_total"] / 2:
            time.sleep(_LOOK_SECONDS)
            size = (self._status(job).get("progress") or {}) if self._status(job) else None
            size = size if size and size.get("bytes_total") else None
        self._server.call("DELETE", f"/ml/v4/deployment_jobs/{job}", params={"space_id": self._space})
        self._end(job, "canceled")
        first = time.perf_counter() - begun
        platform = self._job(job)["entity"]["platform_job"]
        begun = time.perf_counter()
        path = f"/v2/jobs/{platform['job_id']}/runs"
        run = self._server.call("POST", f"{path}/{platform['run_id']}/repair")["asset_id"]
        while (found := self._server.call("GET", f"{path}/{run}")["entity"]["job_run"])["state"] != "Completed":
            assert found["state"] in {"Queued", "Starting", "Running"}, found
            time.sleep(_LOOK_SECONDS)
        return first, time.perf_counter() - begun

    def _deployed(self) -> str:
        named = f"gristmill-py3.{sys.version_info.minor}"
        fields = [{"name": name, "type": "double"} for name in FEATURES]
        document: dict[str, Any] = {"name": "m", "type": self._type, "space_id": self._space}
        document |= {"software_spec": {"name": named}, "schemas": {"input": [{"id": "1", "fields": fields}]}}
        model = self._server.call("POST", "/ml/v4/models", json=document)["metadata"]["id"]
        scope = {"space_id": self._space}
        self._server.call("PUT", f"/ml/v4/models/{model}/content", params=scope, content=_archive(self._model))
        hardware = {"name": "S"}  # two processors
        deployment = {"name": "d", "asset": {"id": model}, "batch": {}, "hardware_spec": hardware, **scope}
        return str(self._server.call("POST", "/ml/v4/deployments", json=deployment)["metadata"]["id"])

    def connect(self, **properties: str) -> str:
        """Make a connection to a database of PostgreSQL; return its id."""
        kind = self._server.call("GET", "/v2/datasource_types/postgresql")["metadata"]["asset_id"]
        body = {"name": "c", "datasource_type": kind, "properties": {**properties, "port": 5432, "password": "-"}}
        scope = {"space_id": self._space}
        return str(self._server.call("POST", "/v2/connections", params=scope, json=body)["metadata"]["asset_id"])

    def score_table(self, connection: str) -> float:
        """Score ``patients`` into a table of its own; return the seconds from the request to the end."""
        reference = {"type": "connection_asset", "connection": {"id": connection}}
        source = {**reference, "location": {"schema_name": "public", "table_name": "patients"}}
        target = {**reference, "location": {"schema_name": "public", "table_name": "scored", "write_mode": "truncate"}}
        begun = time.perf_counter()
        self._end(self._submit(source, target), "completed")
        return time.perf_counter() - begun

    def _begin(self, asset: str) -> str:
        source = {"type": "data_asset", "connection": {}, "location": {"href": f"/v2/assets/{asset}"}}
        target = {"type": "data_asset", "connection": {}, "location": {"name": "scored.csv"}}
        return self._submit(source, target)

    def _submit(self, source: dict[str, Any], target: dict[str, Any]) -> str:
        body = {
            "name": "bench",
            "space_id": self._space,
            "deployment": {"id": self._deployment},
            "scoring": {"input_data_references": [source], "output_data_reference": target},
        }
        return str(self._server.call("POST", "/ml/v4/deployment_jobs", json=body)["metadata"]["id"])

    def _job(self, job: str) -> Any:  # noqa: ANN401 - JSON
        return self._server.call("GET", f"/ml/v4/deployment_jobs/{job}", params={"space_id": self._space})

    def _status(self, job: str) -> dict[str, Any]:
        status: dict[str, Any] = self._job(job)["entity"]["scoring"]["status"]
        return status

    def _end(self, job: str, state: str) -> None:
        while (status := self._status(job))["state"] not in _ENDED:
            time.sleep(_LOOK_SECONDS)
        if status["state"] != state:
            raise httpx.HTTPError(f"the job {status['state']}: {status}")

    def _forget(self, job: str) -> None:
        """Delete the job and its output, so that disks do not fill."""
        output = self._job(job)["entity"]["scoring"]["output_data_reference"]["location"]["id"]
        scope: dict[str, Any] = {"space_id": self._space}
        self._server.call("DELETE", f"/v2/assets/{output}", params={**scope, "purge_on_delete": "true"})
        self._server.call("DELETE", f"/ml/v4/deployment_jobs/{job}", params={**scope, "hard_delete": "true"})


class Peak:
    """The most memory that a process and all below it held together, in bytes; what they share counts once."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            tree = [self._process, *self._process.children(recursive=True)]
            self.bytes = max(self.bytes, sum(_share(process) for process in tree))


def make_csv(path: Path, rows: int) -> Path:
    """Write an identifier, eight numbers and a category a row."""
    generator = np.random.default_rng(1)
    categories = pa.array(["north", "south", "east", "west"])
    plain = csv.WriteOptions(quoting_style="none", include_header=False)
    with path.open("wb") as file:
        file.write(",".join(["id", *FEATURES, "region"]).encode() + b"\n")
        writer: Any = None
        for first in range(0, rows, _BATCH):
            number = min(_BATCH, rows - first)
            columns = {"id": pa.array(np.arange(first, first + number))}
            columns |= {name: pa.array(generator.normal(size=number).round(4)) for name in FEATURES}
            columns["region"] = categories.take(pa.array(generator.integers(0, 4, number)))
            batch = pa.record_batch(columns)
            writer = writer or csv.CSVWriter(file, batch.schema, write_options=plain)
            writer.write(batch)
        writer.close()
    return path


def make_models(folder: Path) -> dict[str, Path]:
    """Fit a scaled logistic regression and a LightGBM classifier of 100 trees on the same data."""
    import pandas as pd
    from lightgbm import LGBMClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    generator = np.random.default_rng(2)
    frame = pd.DataFrame(generator.normal(size=(20_000, len(FEATURES))), columns=FEATURES)
    labels = (frame.sum(axis=1) + generator.normal(size=len(frame)) > 0).astype(int)
    fitted = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, labels),
        "lightgbm": LGBMClassifier(n_jobs=1, verbose=-1).fit(frame, labels),
    }
    for name, model in fitted.items():
        joblib.dump(model, folder / f"{name}.joblib")
    return {name: folder / f"{name}.joblib" for name in fitted}


def _archive(model: Path) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        packed.add(model, "model.joblib")
    return archive.getvalue()


def _share(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def _printed(command: list[str]) -> float:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def _spread(times: list[float]) -> str:
    return f"{min(times):.1f}-{max(times):.1f} s"


if __name__ == "__main__":
    main()
