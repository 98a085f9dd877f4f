"""The jobs API over the client of data integration, `ibm-watsonx-data-integration`, in an environment of its own.

It knows projects only, and takes a space for one.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from ibm_watsonx_data_integration.common.auth import ICP4DAuthenticator
from ibm_watsonx_data_integration.cpd_models.job_model.job_model import JobRunState, Schedule
from ibm_watsonx_data_integration.platform import Platform
from tests.acceptance.flow.recorder import Recorder
from tests.acceptance.flow.steps import Steps, refused, run
from tests.make import eventually

step = Steps()
EXCLUDED = [0, 6]
NEXT_YEAR = datetime.now().year + 1  # noqa: DTZ005 - the client speaks of the machine's own time


@dataclass
class JobsFlow:
    """The client, and what the steps made; the space and its script are there before."""

    url: str
    space_id: str
    script_id: str
    made: dict[str, Any] = field(default_factory=dict)
    platform: Any = None

    @property
    def api(self) -> Any:
        """Return the client's own access to the jobs API."""
        return self.platform._job_api

    @property
    def query(self) -> dict[str, str]:
        """Return what the client names the space by."""
        return {"project_id": self.space_id}

    def create(self, name: str, **members: Any) -> Any:
        """Make a job of the script as the client does for its own kinds of assets."""
        job = {"name": name, "asset_ref": self.script_id, "asset_ref_type": "script", "configuration": {}, **members}
        return self.api.create_job(json.dumps({"job": job}), self.query).json()

    def again(self) -> Any:
        """Return the job as the server has it now."""
        return self.made["project"].jobs.get(job_id=self.made["id"])


@step("Platform")
def _(flow: JobsFlow) -> None:
    auth = ICP4DAuthenticator(
        url=flow.url, username="admin", zen_api_key=os.environ["API_KEY"], disable_ssl_verification=True
    )
    flow.platform = Platform(auth=auth, base_url=flow.url, base_api_url=flow.url)


@step("projects.get")
def _(flow: JobsFlow) -> None:
    flow.made["project"] = flow.platform.projects.get(project_id=flow.space_id)
    assert flow.made["project"].project_id == flow.space_id


@step("projects.get_all")
def _(flow: JobsFlow) -> None:
    assert flow.space_id in [project.project_id for project in flow.platform.projects.get_all()]


@step("create_job with schedule, retention and notification")
def _(flow: JobsFlow) -> None:
    made = flow.create(
        "j",
        description="d",
        configuration={"env_variables": ["A=1"]},
        schedule="*/15 * * * *",
        schedule_info={"repeat": True, "startOn": 1700000000000},
        retention_policy={"days": 7},
        notification_types={"success": True, "warning": False, "failure": True},
    )
    flow.made["id"] = made["metadata"]["asset_id"]
    for number in range(2):
        flow.create(f"j{number}")


@step("project.jobs: number, list, filters, get")
def _(flow: JobsFlow) -> None:
    jobs = flow.made["project"].jobs
    assert len(jobs) == 3
    assert {job.name for job in jobs} == {"j", "j0", "j1"}
    assert len(jobs.get_all(asset_ref=flow.script_id)) == 3
    assert len(jobs.get_all(job_type="notebook")) == 0
    flow.made["job"] = job = jobs.get(job_id=flow.made["id"])
    assert (job.job_schedule.repeat_mode, job.job_schedule.repeat_value) == ("minutely", 15)
    assert job.retention_policy.days == 7
    assert job.configuration.env_variables == ["A=1"]
    assert len(job.future_scheduled_runs) == 5


@step("jobs page after page")
def _(flow: JobsFlow) -> None:
    assert len({job.job_id for job in flow.made["project"].jobs.get_all(limit=1)}) == 3


@step("job.edit_configuration: schedule with excluded days, retention, notification")
def _(flow: JobsFlow) -> None:
    schedule = Schedule(
        start_date=datetime(NEXT_YEAR, 1, 1, 10, 0),  # noqa: DTZ001 - the client wants it so
        repeat_mode="daily",
        repeat_value=time(9, 30),
        exclude_days=EXCLUDED,
    )
    flow.made["job"].edit_configuration(retention_amount=5, notify_success=False, schedule=schedule)
    job = flow.again()
    assert job.schedule == "30 9 * * 1,2,3,4,5"
    assert job.job_schedule.exclude_days == EXCLUDED
    assert (job.retention_policy.amount, job.retention_policy.days) == (5, None)
    assert (job.notification_types.success, job.notification_types.failure) == (False, True)
    first = datetime.fromisoformat(job.future_scheduled_runs[0])
    assert (first.year, first.hour, first.minute, first.weekday() < 5) == (NEXT_YEAR, 9, 30, True)


@step("job.edit_configuration: both retentions are refused by the server, too")
def _(flow: JobsFlow) -> None:
    both = [{"op": "add", "path": "/entity/job/retention_policy", "value": {"days": 1, "amount": 1}}]
    with refused("retention_policy"):
        flow.api.update_job(flow.made["id"], json.dumps(both), flow.query)


@step("job.edit_configuration: once, and not at all")
def _(flow: JobsFlow) -> None:
    begin = datetime(NEXT_YEAR, 1, 1, 10, 0)  # noqa: DTZ001 - the client wants it so
    flow.made["job"].edit_configuration(schedule=Schedule(start_date=begin))
    assert len(flow.again().future_scheduled_runs) == 1
    flow.made["job"].edit_configuration(schedule=Schedule())
    assert flow.again().future_scheduled_runs == []


@step("project.update_job: another name")
def _(flow: JobsFlow) -> None:
    job = flow.again()
    job.name = "renamed"
    flow.made["project"].update_job(job)
    assert flow.again().name == "renamed"


@step("job.start")
def _(flow: JobsFlow) -> None:
    started = flow.made["job"].start(name="r1", description="by hand", configuration={"env_variables": ["B=2"]})
    assert started.state in JobRunState.active_states()
    flow.made["run"] = flow.made["job"].job_runs.get(job_run_id=started.job_run_id)
    assert flow.made["run"].metadata.name == "r1"
    assert flow.made["run"].configuration.env_variables == ["A=1", "B=2"]


@step("run.refresh_status until it has ended")
def _(flow: JobsFlow) -> None:
    started = flow.made["run"]

    def is_over() -> bool:
        started.refresh_status()
        return started.state in JobRunState.terminal_states()

    eventually(is_over, within=60, every=0.2)
    assert started.state is JobRunState.Completed


@step("job.job_runs: number, list, by state")
def _(flow: JobsFlow) -> None:
    runs = flow.made["job"].job_runs
    assert len(runs) == 1
    assert [each.state for each in runs] == [JobRunState.Completed]
    assert len(runs.get_all(states=["Starting", "Running"])) == 0
    assert len(runs.get_all(states=["Completed", "CompletedWithErrors"])) == 1


@step("the log")
def _(flow: JobsFlow) -> None:
    log = flow.api.get_job_run_logs(flow.made["run"].job_run_id, flow.made["id"], flow.query).json()
    assert log["results"][-3:] == ["A is 1", "B is 2", "done"]
    assert log["total_count"] == len(log["results"])


@step("run.cancel")
def _(flow: JobsFlow) -> None:
    started = flow.made["job"].start(name="r2", configuration={"env_variables": ["SLEEP=300"]})
    assert started.cancel().status_code == 204

    def is_canceled() -> bool:
        started.refresh_status()
        return bool(started.state is JobRunState.Canceled)

    eventually(is_canceled, within=60, every=0.2)


@step("deletion of a run and of jobs")
def _(flow: JobsFlow) -> None:
    flow.made["job"].delete_job_run(flow.made["run"])
    assert len(flow.made["job"].job_runs) == 1
    flow.made["project"].delete_job(flow.made["job"])
    assert {job.name for job in flow.made["project"].jobs} == {"j0", "j1"}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    flow = JobsFlow(sys.argv[1], space_id=sys.argv[2], script_id=sys.argv[3])
    sys.exit(run([step], flow, Recorder("ibm-watsonx-data-integration")))
