"""Which routes the audit log tells of, as what: ``noun.verb``. What they change is noted by `service/audit.py`."""

from __future__ import annotations

from collections.abc import Mapping

_USERS, _KEYS, _CREDENTIALS = "/v1/users", "/v1/api_keys", "/v1/task_credentials"
_SPACES, _CHANNELS, _CONNECTIONS = "/v2/spaces", "/v2/notification_channels", "/v2/connections"
_JOBS, _RUN = "/v2/jobs", "/v2/jobs/{job_id}/runs/{run_id}"
_DEPLOYMENTS, _DEPLOYMENT_JOBS = "/ml/v4/deployments", "/ml/v4/deployment_jobs"

ACTIONS: Mapping[tuple[str, str], str] = {
    ("POST", _USERS): "user.create",
    ("PATCH", f"{_USERS}/{{user_id}}"): "user.change",
    ("DELETE", f"{_USERS}/{{user_id}}"): "user.delete",
    ("POST", "/v1/me/password"): "user.change",
    ("DELETE", "/v1/me/sessions"): "session.end",
    ("POST", _KEYS): "api_key.create",
    ("DELETE", f"{_KEYS}/{{key_id}}"): "api_key.revoke",
    ("POST", _CREDENTIALS): "task_credential.create",
    ("DELETE", f"{_CREDENTIALS}/{{credential_id}}"): "task_credential.delete",
    ("POST", _SPACES): "space.create",
    ("PATCH", f"{_SPACES}/{{space_id}}"): "space.change",
    ("DELETE", f"{_SPACES}/{{space_id}}"): "space.delete",
    ("POST", f"{_SPACES}/{{space_id}}/members"): "member.add",
    ("PATCH", f"{_SPACES}/{{space_id}}/members/{{member_id}}"): "member.change",
    ("DELETE", f"{_SPACES}/{{space_id}}/members/{{member_id}}"): "member.remove",
    ("POST", _CHANNELS): "channel.create",
    ("PATCH", f"{_CHANNELS}/{{channel_id}}"): "channel.change",
    ("DELETE", f"{_CHANNELS}/{{channel_id}}"): "channel.delete",
    ("POST", _CONNECTIONS): "connection.create",
    ("PATCH", f"{_CONNECTIONS}/{{connection_id}}"): "connection.change",
    ("DELETE", f"{_CONNECTIONS}/{{connection_id}}"): "connection.delete",
    ("POST", _DEPLOYMENTS): "deployment.create",
    ("PATCH", f"{_DEPLOYMENTS}/{{deployment_id}}"): "deployment.change",
    ("DELETE", f"{_DEPLOYMENTS}/{{deployment_id}}"): "deployment.delete",
    ("POST", _JOBS): "job.create",
    ("PATCH", f"{_JOBS}/{{job_id}}"): "job.change",
    ("DELETE", f"{_JOBS}/{{job_id}}"): "job.delete",
    ("POST", f"{_JOBS}/bulk_delete"): "job.delete",
    ("POST", f"{_JOBS}/{{job_id}}/runs"): "run.start",
    ("POST", f"{_RUN}/rerun"): "run.start",
    ("POST", f"{_RUN}/repair"): "run.start",
    ("POST", _DEPLOYMENT_JOBS): "run.start",
    ("POST", f"{_RUN}/cancel"): "run.cancel",
    ("DELETE", f"{_DEPLOYMENT_JOBS}/{{deployment_job_id}}"): "run.cancel",
    ("DELETE", _RUN): "run.delete",
    ("POST", f"{_RUN}/pin"): "run.pin",
    ("DELETE", f"{_RUN}/pin"): "run.unpin",
}
