"""A request for each route that is good enough that only rights can refuse it; ``$name`` is a thing of the world.

Without an entry a route gets its path, the things that its parameters are named for, and the space where it takes one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_JSON = "application/json"
_FOUND_NOTHING = (404,)
_HAS_ONE = (409,)


@dataclass(frozen=True)
class Request:
    """``things`` go into the path by the name of the parameter. Whoever may gets one of ``answers``, or a 2xx or 3xx.

    Without ``inside`` the space is not in the query. ``names_own`` holds parts of the body that name things.
    """

    things: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[int, ...] = ()


def _patch(path: str, value: Any) -> Request:
    return Request(json=[{"op": "replace", "path": path, "value": value}])


_ROWS = {"input_data": [{"fields": ["a", "b"], "values": [[1, 2]]}]}
_LOGIN = {"username": "$user_name", "api_key": "$key"}
_DERIVED = {"base_software_specification": {"guid": "f47ae1c3-198e-5718-b59d-2ea471561e9e"}}
_NODES = {"cpu": {"units": "1"}, "mem": {"size": "1Gi"}}
_SIGNED_READ, _SIGNED_WRITE = {"signature": "$read_signature"}, {"signature": "$write_signature"}
_MODEL, _FUNCTION, _SET = {"asset_id": "model"}, {"asset_id": "function"}, {"asset_id": "parameter_set"}
_SOFTWARE, _HARDWARE = {"specification_id": "software"}, {"specification_id": "hardware"}
_BARE = {"asset_id": "bare", "attachment_id": "bare_attachment"}
_TRASHED, _FLOW = {"asset_id": "trashed"}, {"job_id": "flow_job", "run_id": "flow_run"}
_KILLED, _SCORED = {"job_id": "model_job", "run_id": "killed_run"}, {"job_id": "model_job", "run_id": "model_run"}
_SHOWN = {"job_id": "model_job", "run_id": "shown_run"}
_WAITING = {"run_id": "waiting_run"}
_CONNECTION = {"name": "more", "datasource_type": "postgresql", "properties": {"host": "h", "database": "d"}}
_HOOK = {"name": "more", "type": "webhook", "settings": {"url": "https://hooks.example.com/y"}}
_FOLDER = {"folder_asset": {"connection_path": "/bucket", "connection_id": "$connection_id"}}
_PARAMETERS = {"name": "more", "parameters": [{"name": "p", "type": "string", "value": "v"}]}
_TWICE, _ONCE = ("asset_id", "item_id"), ("item_id",)
_ABSENT = {
    **dict.fromkeys(("ai_services", "experiments", "pipelines"), _TWICE),
    **dict.fromkeys(("remote_training_systems", "training_definitions", "trainings"), _ONCE),
}

_IDENTITY: Mapping[str, Request] = {
    "POST /icp4d-api/v1/authorize": Request(json=_LOGIN),
    "POST /identity/token": Request(form={"apikey": "$key"}),
    "POST /idprovider/v1/auth/identitytoken": Request(
        form={"grant_type": "password", "username": "$spare_name", "password": "correct horse battery"}
    ),
    "GET /v1/preauth/validateAuth": Request(headers={"Authorization": "Basic $basic"}),
    "POST /v1/session": Request(
        json={"username": "$user_name", "password": "$key"}, headers={"Sec-Fetch-Site": "same-origin"}
    ),
    "POST /v1/me/password": Request(json={"current": "$mine", "password": "a new long password"}),
    "POST /v1/api_keys": Request(json={"name": "more"}),
    "POST /v1/task_credentials": Request(json={"name": "t", "secret": {"api_key": "$mine"}}, answers=_HAS_ONE),
    "POST /v1/users": Request(json={"name": "somebody", "password": "a new long password"}),
    "DELETE /v1/users/{user_id}": Request(things={"user_id": "spare_user"}),
    "PATCH /v1/users/{user_id}": Request(json={"email": "owner@example.com"}),
    "POST /v2/spaces": Request(json={"name": "more"}),
    "PATCH /v2/spaces/{space_id}": _patch("/name", "renamed"),
    "POST /v2/spaces/{space_id}/members": Request(json={"members": [{"id": "$spare_user", "role": "viewer"}]}),
    "PATCH /v2/spaces/{space_id}/members/{member_id}": Request(
        things={"member_id": "other_member"}, json=[{"op": "replace", "path": "/role", "value": "viewer"}]
    ),
    "DELETE /v2/spaces/{space_id}/members/{member_id}": Request(things={"member_id": "other_member"}),
    "GET /v2/projects/{project_id}": Request(things={"project_id": "space_id"}),
}
_ML: Mapping[str, Request] = {
    "POST /ml/v4/models": Request(
        json={"name": "m", "type": "scikit-learn_1.3", "software_spec": {"name": "runtime-25.1-py3.12"}}
    ),
    "GET /ml/v4/models/{asset_id}": Request(things=_MODEL),
    "PATCH /ml/v4/models/{asset_id}": Request(
        things=_MODEL, json=[{"op": "replace", "path": "/name", "value": "renamed"}]
    ),
    "GET /ml/v4/models/{asset_id}/content": Request(things=_MODEL),
    "PUT /ml/v4/models/{asset_id}/content": Request(
        things={"asset_id": "bare_model"}, query={"content_format": "native"}, content="$archive"
    ),
    "GET /ml/v4/models/{asset_id}/download": Request(things=_MODEL),
    "GET /ml/v4/models/{asset_id}/revisions": Request(things=_MODEL),
    "POST /ml/v4/models/{asset_id}/revisions": Request(things=_MODEL, json={"commit_message": "x"}),
    "POST /ml/v4/functions": Request(json={"name": "f", "software_spec": {"name": "runtime-25.1-py3.12"}}),
    "GET /ml/v4/functions/{asset_id}": Request(things=_FUNCTION),
    "PATCH /ml/v4/functions/{asset_id}": Request(
        things=_FUNCTION, json=[{"op": "replace", "path": "/name", "value": "renamed"}]
    ),
    "GET /ml/v4/functions/{asset_id}/code": Request(things=_FUNCTION),
    "PUT /ml/v4/functions/{asset_id}/code": Request(things={"asset_id": "bare_function"}, content="$code"),
    "GET /ml/v4/functions/{asset_id}/download": Request(things=_FUNCTION),
    "GET /ml/v4/functions/{asset_id}/revisions": Request(things=_FUNCTION),
    "POST /ml/v4/functions/{asset_id}/revisions": Request(things=_FUNCTION, json={"commit_message": "x"}),
    "POST /ml/v4/deployments": Request(json={"name": "d", "asset": {"id": "$deployed_asset"}, "batch": {}}),
    "PATCH /ml/v4/deployments/{deployment_id}": _patch("/name", "renamed"),
    "DELETE /ml/v4/deployments/{deployment_id}": Request(things={"deployment_id": "idle_deployment"}),
    "POST /ml/v4/deployments/{deployment_id}/preview": Request(json={"scoring": _ROWS}),
    "POST /ml/v4/deployment_job_definitions": Request(
        json={"name": "d", "deployment": {"id": "$deployment_id"}, "scoring": _ROWS}
    ),
    "PATCH /ml/v4/deployment_job_definitions/{definition_id}": _patch("/name", "renamed"),
    "DELETE /ml/v4/deployment_job_definitions/{definition_id}": Request(things={"definition_id": "idle_definition"}),
    "POST /ml/v4/deployment_jobs": Request(
        json={"name": "j", "deployment": {"id": "$deployment_id"}, "scoring": _ROWS}
    ),
    **{
        f"GET /ml/v4/{kind}/{{{name}}}": Request(things={name: "model"}, answers=_FOUND_NOTHING)
        for kind, names in _ABSENT.items()
        for name in names
    },
    "GET /ml/v4/instances/{instance_id}": Request(things={"instance_id": "model"}),
    "GET /wx/v1/prompts/{prompt_id}": Request(things={"prompt_id": "model"}, answers=_FOUND_NOTHING),
    "GET /wx/v1-beta/prompts/{prompt_id}": Request(things={"prompt_id": "model"}, answers=_FOUND_NOTHING),
}
_ASSETS: Mapping[str, Request] = {
    "GET /signed/asset/{asset_id}/{attachment_id}": Request(query=_SIGNED_READ),
    "PUT /signed/asset/{asset_id}/{attachment_id}": Request(things=_BARE, query=_SIGNED_WRITE, content="a\n1\n"),
    "GET /signed/package_extension/{extension_id}": Request(
        things={"extension_id": "whole_extension"}, query={"signature": "$whole_signature"}
    ),
    "PUT /signed/package_extension/{extension_id}": Request(
        things={"extension_id": "spare_extension"}, query={"signature": "$spare_signature"}, content="name: x\n"
    ),
    "POST /v2/asset_exports": Request(json={"name": "ex", "assets": {"asset_ids": ["$asset_id"]}}),
    "POST /v2/asset_imports": Request(content="$export", headers={"content-type": "application/zip"}),
    "POST /v2/asset_types/{asset_type}/search": Request(json={"query": "*:*"}),
    "POST /v2/assets": Request(
        json={
            "metadata": {"name": "m", "asset_type": "data_asset"},
            "entity": {"data_asset": {"mime_type": "text/csv"}},
        }
    ),
    "PATCH /v2/assets/{asset_id}": _patch("/metadata/name", "renamed"),
    "POST /v2/assets/{asset_id}/attachments": Request(json={"asset_type": "data_asset", "name": "more.csv"}),
    "POST /v2/assets/{asset_id}/attachments/{attachment_id}/complete": Request(
        things={"asset_id": "sent", "attachment_id": "sent_attachment"}
    ),
    "PATCH /v2/assets/{asset_id}/attributes/{attribute}": Request(json=[{"op": "add", "path": "/note", "value": "x"}]),
    "POST /v2/assets/{asset_id}/revisions": Request(json={"commit_message": "x"}),
    "POST /v2/connections": Request(json=_CONNECTION, query={"test": "false"}),
    "PATCH /v2/connections/{connection_id}": _patch("/name", "renamed"),
    "POST /v2/folder_assets": Request(
        json={"metadata": {"name": "f", "asset_type": "folder_asset"}, "entity": _FOLDER}
    ),
    "POST /v2/parameter_sets": Request(json={"parameter_set": _PARAMETERS}),
    "GET /v2/parameter_sets/{asset_id}": Request(things=_SET),
    "PATCH /v2/parameter_sets/{asset_id}": Request(
        things=_SET, json=[{"op": "replace", "path": "/entity/parameter_set/description", "value": "x"}]
    ),
    "DELETE /v2/parameter_sets/{asset_id}": Request(things=_SET),
    "GET /v2/trashed_assets/{asset_id}": Request(things=_TRASHED),
    "DELETE /v2/trashed_assets/{asset_id}": Request(things=_TRASHED),
    "POST /v2/trashed_assets/{asset_id}/restore": Request(things=_TRASHED),
}
_SPECIFICATIONS: Mapping[str, Request] = {
    "GET /v2/software_specifications/{specification_id}": Request(things=_SOFTWARE),
    "DELETE /v2/software_specifications/{specification_id}": Request(things=_SOFTWARE),
    "POST /v2/software_specifications": Request(json={"name": "more", **_DERIVED}),
    "PUT /v2/software_specifications/{specification_id}/package_extensions/{extension_id}": Request(
        things={**_SOFTWARE, "extension_id": "whole_extension"}
    ),
    "DELETE /v2/software_specifications/{specification_id}/package_extensions/{extension_id}": Request(
        things=_SOFTWARE
    ),
    "GET /v2/hardware_specifications/{specification_id}": Request(things=_HARDWARE),
    "DELETE /v2/hardware_specifications/{specification_id}": Request(things=_HARDWARE),
    "POST /v2/hardware_specifications": Request(json={"name": "more", "nodes": _NODES}),
    "POST /v2/package_extensions": Request(json={"name": "more", "type": "conda_yml"}),
    "DELETE /v2/package_extensions/{extension_id}": Request(things={"extension_id": "spare_extension"}),
    "GET /v2/model_types": Request(query={"software_specification_id": "$software"}),
}
_JOBS: Mapping[str, Request] = {
    "POST /v2/jobs": Request(json={"job": {"name": "j", "asset_ref": "$script", "configuration": {}}}),
    "POST /v2/jobs/bulk_delete": Request(json={"job_ids": ["$model_job"]}),
    "PATCH /v2/jobs/{job_id}": _patch("/metadata/name", "renamed"),
    "POST /v2/jobs/{job_id}/runs": Request(json={"job_run": {}}),
    "GET /v2/jobs/{job_id}/retention_preview": Request(query={"amount": "1"}),
    "GET /v2/spaces/{space_id}/retention_preview": Request(query={"amount": "1"}),
    "POST /v2/jobs/{job_id}/runs/{run_id}/cancel": Request(things=_WAITING),
    "GET /v2/jobs/{job_id}/runs/{run_id}/first_rows": Request(things=_SHOWN),
    "GET /v2/jobs/{job_id}/runs/{run_id}/profile": Request(things=_SCORED),
    "GET /v2/jobs/{job_id}/runs/{run_id}/nodes/{node_id}/log": Request(things=_FLOW),
    "POST /v2/jobs/{job_id}/runs/{run_id}/repair": Request(things=_KILLED),
    "POST /v2/jobs/{job_id}/runs/{run_id}/rerun_rejected": Request(things=_SCORED),
    "POST /v2/schedule_previews": Request(json={"cron": "30 2 * * *", "zone": "Europe/Berlin"}),
    "POST /v2/notification_channels": Request(json=_HOOK),
    "PATCH /v2/notification_channels/{channel_id}": _patch("/name", "renamed"),
    "GET /v2/finds": Request(query={"text": "night"}),
    "POST /v2/notifications/{event_id}/read": Request(),
}
REQUESTS: Mapping[str, Request] = {**_IDENTITY, **_ML, **_ASSETS, **_SPECIFICATIONS, **_JOBS}
