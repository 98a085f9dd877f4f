"""Ray Jobs: each run is a process of its own, and a key is a resource of which the node has two."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ray.job_submission import JobStatus, JobSubmissionClient

from bench.peers.processes import free_port, running
from bench.peers.small_runs import PER_KEY, Start

_TRIAL = "trial"
_ENTRYPOINT = """python -c 'import time; print("began", time.time())'"""


@contextmanager
def up(start: Start) -> Iterator[OfRay]:
    """Start a node of its own, which holds as many as the keys allow."""
    os.environ.update(RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0")
    dashboard = free_port()
    resources = {f"key-{key}": PER_KEY for key in range(start.keys)}
    command = ["-m", "ray.scripts.scripts", "start", "--head", "--block", "--disable-usage-stats"]
    command += ["--node-ip-address", "127.0.0.1", "--port", str(free_port()), "--dashboard-port", str(dashboard)]
    command += ["--ray-client-server-port", str(free_port()), "--dashboard-agent-listen-port", str(free_port())]
    command += ["--min-worker-port", "0", "--max-worker-port", "0", "--temp-dir", str(start.folder)]
    # A processor is not what is to be waited for.
    command += ["--num-cpus", str(start.at_once), "--resources", json.dumps(resources)]
    address = f"http://127.0.0.1:{dashboard}"
    with running(command, start.folder / "log", ready=_takes_jobs(address)):
        yield OfRay(JobSubmissionClient(address))


class OfRay:
    """Submits over the REST API of jobs."""

    def __init__(self, client: JobSubmissionClient) -> None:
        self._client = client

    def submit(self, key: int) -> str:
        """Submit a job that reserves one of the key's two."""
        return str(self._client.submit_job(entrypoint=_ENTRYPOINT, entrypoint_resources={f"key-{key}": 1}))

    def ended(self, number: int) -> bool:
        """Count the jobs that are over."""
        over = [job.submission_id for job in self._client.list_jobs() if JobStatus(job.status).is_terminal()]
        return len(set(over) - {_TRIAL}) >= number

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read the times that the jobs printed."""
        return [self._begun(run) for run in runs]

    def _begun(self, run: str) -> float:
        logs = self._client.get_job_logs(run)
        line = next(line for line in logs.splitlines() if line.startswith("began "))
        return float(line.split()[1])


def _takes_jobs(address: str) -> Callable[[], bool]:
    def takes_jobs() -> bool:
        try:
            JobSubmissionClient(address).submit_job(entrypoint="true", submission_id=_TRIAL)
        except (OSError, RuntimeError):
            return False
        return True

    return takes_jobs
