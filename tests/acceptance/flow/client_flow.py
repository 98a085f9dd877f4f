"""What the steps of the flow over `ibm-watsonx-ai` share: the client, what was made so far, and files to work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
from ibm_watsonx_ai import APIClient, Credentials
from sklearn.linear_model import LogisticRegression
from tests.acceptance.flow.recorder import Recorder
from tests.make import eventually

FINAL = ("completed", "failed", "canceled")
CSV = "a,b\n1,0\n3,4\n"
CSV_ROWS = [[1, 0], [3, 4]]


@dataclass
class Flow:
    """One client in one mode. ``ids`` are the ids of what the steps made, by names of theirs."""

    mode: str
    credentials: dict[str, Any]
    work: Path
    ids: dict[str, str] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    recorder: Recorder = field(default_factory=lambda: Recorder("ibm-watsonx-ai"))

    def connect(self) -> None:
        """Make the client."""
        # Its types promise less than it returns.
        self.client: Any = self.recorder.client(APIClient(Credentials(**self.credentials)))

    @property
    def model(self) -> Any:
        """Return the estimator that most steps store: two columns, two classes."""
        if "model" not in self.made:
            inputs, labels = training_data()
            self.made["model"] = LogisticRegression().fit(inputs, labels)
        return self.made["model"]

    def file(self, name: str, content: str) -> Path:
        """Write a file."""
        path = self.work / name
        path.write_text(content)
        return path

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a POST that the client has no call for, as the client's user."""
        answer = httpx.post(
            self.credentials["url"] + path,
            json=body,
            headers={"Authorization": f"Bearer {self.client.token}"},
            verify=False,
        )
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def get(self, path: str) -> dict[str, Any]:
        """Send a GET that the client has no call for, as the client's user."""
        headers = {"Authorization": f"Bearer {self.client.token}"}
        answer = httpx.get(self.credentials["url"] + path, headers=headers, verify=False)
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    def ended(self, job_id: str, *, within: float = 60.0) -> dict[str, Any]:
        """Wait until a deployment job has ended; return its status."""
        last: dict[str, Any] = {}

        def is_over() -> bool:
            last.update(self.client.deployments.get_job_status(job_id))
            return last["state"] in FINAL

        eventually(is_over, within=within, every=0.2)
        return last

    def completed(self, job_id: str) -> dict[str, Any]:
        """Wait for a deployment job that must complete; return its document."""
        status = self.ended(job_id)
        assert status["state"] == "completed", status
        document: dict[str, Any] = self.client.deployments.get_job_details(job_id)
        return document

    def failure(self, job_id: str) -> dict[str, Any]:
        """Wait for a deployment job that must fail; return its first error."""
        status = self.ended(job_id)
        assert status["state"] == "failed", status
        error: dict[str, Any] = status["failure"]["errors"][0]
        return error


def training_data() -> tuple[pd.DataFrame, pd.Series]:
    """Return inputs and labels of the model that most steps store."""
    return pd.DataFrame({"a": [0, 1, 0, 1], "b": [1, 1, 0, 0]}), pd.Series([0, 1, 0, 1], name="y")


def same_predictions(document: dict[str, Any], model: Any, rows: list[list[Any]]) -> None:
    """Check the inline predictions of a job against the model itself."""
    (element,) = document["entity"]["scoring"]["predictions"]
    assert element["fields"] == ["prediction", "probability"], element["fields"]
    inputs = pd.DataFrame(rows, columns=["a", "b"])
    assert [row[0] for row in element["values"]] == model.predict(inputs).tolist()
    assert np.allclose([row[1] for row in element["values"]], model.predict_proba(inputs))
