"""A server of its own for a bench, and the few calls that benches make."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

_KEY = "bench"
_READY = re.compile(r"https://[^ ]+")


class Server:
    """Runs as long as the block, as `gristmill up` or in two processes; the client speaks TLS and is logged in."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._two = False
        self._settings = settings

    def apart(self) -> Self:
        """Let API and engine have a process each."""
        self._two = True
        return self

    def __enter__(self) -> Self:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GRISTMILL_")}
        environment |= {"GRISTMILL_DATA_DIR": str(self._folder / "data"), "GRISTMILL_PORT": "0"}
        environment |= {"GRISTMILL_HTTP_PORT": "0", "GRISTMILL_ADMIN_API_KEY": _KEY, **self._settings}
        self.process = _started("serve" if self._two else "up", environment)
        ready = _line(self.process, "is ready")
        self.worker = _started("work", environment) if self._two else None
        if self.worker:
            _line(self.worker, "is at work")
        found = _READY.search(ready)
        assert found
        self.client = httpx.Client(base_url=found.group(), verify=False, timeout=600)
        token = self.call("POST", "/icp4d-api/v1/authorize", json={"username": "admin", "api_key": _KEY})["token"]
        self.client.headers["authorization"] = f"Bearer {token}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        for process in filter(None, (self.process, self.worker)):
            process.terminate()
            process.wait(60)

    def call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - any JSON
        """Return the answer's JSON; a refusal is an error."""
        answer = self.client.request(method, path, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def new_space(self) -> str:
        """Make a space and return its id."""
        return str(self.call("POST", "/v2/spaces", json={"name": "bench"})["metadata"]["id"])


def _started(command: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "gristmill", command]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)


def _line(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout
    return next(line for line in process.stdout if words in line)


def store_model(server: Server, space: str, *, specification: str | None = None) -> str:
    """Store a small logistic regression, deploy it, and return the deployment's id."""
    document = {
        "name": "m",
        "type": "scikit-learn_1.9",
        "space_id": space,
        "software_spec": {"name": specification or f"gristmill-py3.{sys.version_info.minor}"},
    }
    model = server.call("POST", "/ml/v4/models", json=document)["metadata"]["id"]
    scope = {"space_id": space}
    server.call("PUT", f"/ml/v4/models/{model}/content", params=scope, content=_archive())
    deployment = {"name": "d", "space_id": space, "asset": {"id": model}, "batch": {}}
    return str(server.call("POST", "/ml/v4/deployments", json=deployment)["metadata"]["id"])


def _archive() -> bytes:
    import joblib
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(pd.DataFrame({"a": [0, 1, 0, 1], "b": [1, 1, 0, 0]}), [0, 1, 0, 1])
    dumped, archive = io.BytesIO(), io.BytesIO()
    joblib.dump(model, dumped)
    with tarfile.open(fileobj=archive, mode="w:gz") as packed:
        entry = tarfile.TarInfo("model.joblib")
        entry.size = dumped.tell()
        dumped.seek(0)
        packed.addfile(entry, dumped)
    return archive.getvalue()
