"""What the demo does with the client: train, store, deploy, score rows inline, score a table; and tells of it."""

from __future__ import annotations

import contextlib
import io
import logging
import ssl
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gristmill.cli import demo_drugs as drugs

if TYPE_CHECKING:
    from gristmill.cli.demo_server import Address

TABLE, RESULT = "patients.csv", "predictions.csv"
JOB_SECONDS = 600.0
_FINAL = frozenset({"completed", "failed", "canceled"})
_LOOK_SECONDS = 0.2


class DemoFailed(Exception):
    """The demo cannot go on; the message says what the server or the client said."""


class Story:
    """One telling of the demo, in a space of its own. ``stays``: whether the server outlives it."""

    def __init__(self, address: Address, rows: int, *, stays: bool) -> None:
        self._address = address
        self._rows = rows
        self._stays = stays
        # Standard output by name: what others print while the client works is caught.
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)

    def tell(self) -> None:
        """Do it all.

        Raises:
            DemoFailed: the server refused something, or a job did not complete.

        """
        try:
            with _quiet(), tempfile.TemporaryDirectory() as work:
                self._work = Path(work)
                self._connect()
                self._train()
                self._deploy()
                self._score_inline()
                self._score_table()
                self._say_how_to_go_on()
        except DemoFailed:
            raise
        except Exception as error:
            raise DemoFailed(f"The demo failed. {type(error).__name__}: {error}") from error

    def _connect(self) -> None:
        from ibm_watsonx_ai import APIClient, Credentials

        address = self._address
        verify = str(address.ca) if address.ca else True
        credentials = Credentials(
            url=address.url, username=address.user, api_key=address.api_key, instance_id="openshift", verify=verify
        )
        self._client: Any = APIClient(credentials)
        spaces = self._client.spaces
        name = f"Drug demo {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
        made = spaces.store({spaces.ConfigurationMetaNames.NAME: name}, background_mode=False)
        self._space_id = spaces.get_id(made)
        self._client.set.default_space(self._space_id)
        self._say("Space", f"{name}  ({self._space_id})")

    def _train(self) -> None:
        people, unseen = drugs.patients(4_000, seed=1), drugs.patients(1_000, seed=2)
        self._model = drugs.train(people, drugs.drugs(people, seed=1))
        right = float((self._model.predict(unseen) == drugs.drugs(unseen, seed=2)).mean())
        self._say("Trained", f"a scikit-learn pipeline on {len(people):,} patients; right on {right:.0%} of others")

    def _deploy(self) -> None:
        client = self._client
        names = client.repository.ModelMetaNames
        software = client.software_specifications.get_id_by_name(f"gristmill-py3.{sys.version_info.minor}")
        meta = {names.NAME: "Drug classifier", names.TYPE: "scikit-learn_1.6", names.SOFTWARE_SPEC_ID: software}
        people = drugs.patients(10, seed=1)
        target = drugs.drugs(people, seed=1)
        stored = client.repository.store_model(
            model=self._model, meta_props=meta, training_data=people, training_target=target
        )
        model_id = client.repository.get_model_id(stored)
        self._say("Stored", f"model {model_id}")
        names = client.deployments.ConfigurationMetaNames
        meta = {names.NAME: "Drug deployment", names.BATCH: {}, names.HARDWARE_SPEC: {"name": "S"}}
        made = client.deployments.create(model_id, meta_props=meta, background_mode=True)
        self._deployment_id = client.deployments.get_id(made)
        self._say("Deployed", f"batch deployment {self._deployment_id}")

    def _score_inline(self) -> None:
        names = self._client.deployments.ScoringMetaNames
        inline = [{"fields": list(drugs.FIELDS), "values": drugs.EXAMPLE}]
        begun = time.monotonic()
        document = self._completed({names.NAME: "two patients, inline", names.INPUT_DATA: inline})
        self._say("Job 1", f"two patients sent inline: completed in {time.monotonic() - begun:.1f} s")
        (element,) = document["entity"]["scoring"]["predictions"]
        for patient, (drug, chances) in zip(drugs.EXAMPLE, element["values"], strict=True):
            self._say("", f"{patient} -> {drug} ({max(chances):.0%})")

    def _score_table(self) -> None:
        people = drugs.patients(self._rows, seed=3)
        people.to_csv(self._work / TABLE, index=False)
        assets = self._client.data_assets
        href = assets.get_href(assets.create(TABLE, str(self._work / TABLE)))
        names = self._client.deployments.ScoringMetaNames
        meta = {
            names.NAME: f"{self._rows} patients, from a table",
            names.INPUT_DATA_REFERENCES: [{"type": "data_asset", "connection": {}, "location": {"href": href}}],
            names.OUTPUT_DATA_REFERENCE: {"type": "data_asset", "connection": {}, "location": {"name": RESULT}},
        }
        begun = time.monotonic()
        document = self._completed(meta, rows=self._rows)
        self._say("Job 2", f"{self._rows:,} patients of {TABLE}: completed in {time.monotonic() - begun:.1f} s")
        location = document["entity"]["scoring"]["output_data_reference"]["location"]
        self._result_id = location["href"].partition("?")[0].rpartition("/")[2]
        self._check(people)

    def _check(self, people: Any) -> None:  # noqa: ANN401 - a data frame
        """Hold the table of results against the model itself, here."""
        import pandas as pd

        content = self._client.data_assets.get_content(self._result_id)
        predicted = pd.read_csv(io.BytesIO(content))["prediction"]
        same = int((predicted.to_numpy() == self._model.predict(people)).sum()) if len(predicted) == len(people) else 0
        if same != len(people):
            raise DemoFailed(f"Only {same} of {len(people)} predictions are what the model predicts here.")
        shares = predicted.value_counts(normalize=True)
        self._say("", ", ".join(f"{drug} {share:.0%}" for drug, share in shares.items()))
        self._say("", f"all {len(people):,} are what model.predict() says here")

    def _completed(self, meta: dict[str, Any], *, rows: int | None = None) -> dict[str, Any]:
        deployments = self._client.deployments
        job_id = deployments.get_job_id(deployments.create_job(self._deployment_id, meta))
        status = self._watch(job_id, rows)
        if status["state"] != "completed":
            why = status.get("message", {}).get("text", "")
            raise DemoFailed(f"Job {job_id} ended as {status['state']}. {why}")
        document: dict[str, Any] = deployments.get_job_details(job_id)
        return document

    def _watch(self, job_id: str, rows: int | None) -> dict[str, Any]:
        deadline = time.monotonic() + JOB_SECONDS
        with self._bar(rows) as bar:
            while time.monotonic() < deadline:
                status: dict[str, Any] = self._client.deployments.get_job_status(job_id)
                done = rows if status["state"] == "completed" else status.get("progress", {}).get("rows_done", 0)
                bar.update(bar.task_ids[0], completed=done, description=status["state"])
                if status["state"] in _FINAL:
                    return status
                time.sleep(_LOOK_SECONDS)
        raise DemoFailed(f"Job {job_id} has not ended within {JOB_SECONDS:.0f} s.")

    def _bar(self, rows: int | None) -> Progress:
        columns = (TextColumn("  {task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        shown = rows is not None and self._console.is_terminal
        bar = Progress(*columns, console=self._console, transient=True, disable=not shown)
        bar.add_task("queued", total=rows)
        return bar

    def _say_how_to_go_on(self) -> None:
        self._say("Result", f"data asset {self._result_id} ({RESULT})")
        self._print(
            "",
            "Download it with the client:",
            f'  client.set.default_space("{self._space_id}")',
            f'  client.data_assets.download("{self._result_id}", "{RESULT}")',
        )
        if self._stays:
            authority = f"--cacert {self._address.ca} " if self._address.ca else ""
            self._print("or, for some minutes from now, with curl:")
            self._print(f"  curl {authority}-o {RESULT} '{self._signed_url()}'")
        self._print("", "docs/how-to/first-job.md says how to connect a client of your own.")

    def _signed_url(self) -> str:
        """Return the link to the result's bytes that the server signs for a while."""
        attachment = self._client.data_assets.get_details(self._result_id)["attachments"][0]
        answer = httpx.get(
            f"{self._address.url}/v2/assets/{self._result_id}/attachments/{attachment['id']}",
            params={"space_id": self._space_id},
            headers={"Authorization": f"Bearer {self._client.token}"},
            verify=ssl.create_default_context(cafile=self._address.ca),
        )
        return str(httpx.URL(self._address.url).join(answer.raise_for_status().json()["url"]))

    def _say(self, what: str, told: str) -> None:
        self._print(f"  {what:<9} {told}")

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._console.print(line, markup=False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the client's own talk away: it prints, logs and warns much that is not for the demo's reader."""
    logging.getLogger("ibm_watsonx_ai").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
