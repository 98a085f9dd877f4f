"""The wire without a client between: what a curl user sends, for cases that the real clients cannot produce."""

from __future__ import annotations

import gzip
import io
import ssl
import tarfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import joblib
from tests.acceptance.server import API_KEY, Server
from tests.make import eventually

FINAL = frozenset({"completed", "failed", "canceled"})
SPECIFICATION = "runtime-24.1-py3.11"
Json = dict[str, Any]


class Rest:
    """One user's session, in the space that it made (or in the one that it is given)."""

    def __init__(self, server: Server, *, api_key: str = API_KEY, user: str = "admin", space_id: str = "") -> None:
        trust = ssl.create_default_context(cafile=str(server.ca))
        self.http = httpx.Client(base_url=server.url, verify=trust, timeout=120)
        answer = self.http.post("/icp4d-api/v1/authorize", json={"username": user, "api_key": api_key})
        self.http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
        self.space_id = space_id

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def call(self, method: str, path: str, *, expect: int, **request: Any) -> Json:
        """Send a request in the space; the status must be the expected one."""
        request["params"] = {"space_id": self.space_id, **request.get("params", {})}
        answer = self.http.request(method, path, **request)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else {}

    def enter_new_space(self) -> str:
        """Make a space, and work in it from now on."""
        made = self.call("POST", "/v2/spaces", expect=202, json={"name": f"space {uuid.uuid4().hex[:8]}"})
        self.space_id = made["metadata"]["id"]
        return self.space_id

    def add_user(self, name: str, *, role: str | None = None) -> str:
        """Add a user, a member of the space where a role is given; return an API key of it."""
        user_id = self.call("POST", "/v1/users", expect=201, json={"name": name})["id"]
        key = self.call("POST", "/v1/api_keys", expect=201, json={"name": "key", "user_id": user_id})["api_key"]
        if role:
            member = {"id": name, "type": "user", "role": role}
            path = f"/v2/spaces/{self.space_id}/members"
            self.call("POST", path, expect=200, json={"members": [member]})
        return str(key)

    def model(
        self,
        estimator: object,
        *,
        fields: Sequence[tuple[str, str]] = (),
        modules: Mapping[str, str] | None = None,
        model_type: str = "scikit-learn_1.3",
    ) -> str:
        """Store an estimator as a model, with the source of modules that it needs; return the model's id."""
        pickled = io.BytesIO()
        joblib.dump(estimator, pickled)
        files = {"model.joblib": pickled.getvalue()}
        files |= {f"{name}.py": source.encode() for name, source in (modules or {}).items()}
        schema = [{"id": "1", "type": "struct", "fields": [{"name": name, "type": kind} for name, kind in fields]}]
        made = self.call(
            "POST",
            "/ml/v4/models",
            expect=201,
            json={
                "name": "model",
                "type": model_type,
                "software_spec": {"name": SPECIFICATION},
                "space_id": self.space_id,
                **({"schemas": {"input": schema}} if fields else {}),
            },
        )
        model_id = str(made["metadata"]["id"])
        self.call("PUT", f"/ml/v4/models/{model_id}/content", expect=201, content=tar_gz(files))
        return model_id

    def function(self, source: str) -> str:
        """Store a function; return its id."""
        body = {"name": "function", "software_spec": {"name": SPECIFICATION}, "space_id": self.space_id}
        function_id = str(self.call("POST", "/ml/v4/functions", expect=201, json=body)["metadata"]["id"])
        self.call("PUT", f"/ml/v4/functions/{function_id}/code", expect=201, content=gzip.compress(source.encode()))
        return function_id

    def data_asset(self, name: str, content: bytes) -> str:
        """Store a file; return the data asset's id."""
        metadata = {"name": name, "asset_type": "data_asset", "origin_country": "us", "asset_category": "USER"}
        body = {"metadata": metadata, "entity": {"data_asset": {"mime_type": "text/csv"}}}
        asset_id = str(self.call("POST", "/v2/assets", expect=201, json=body)["metadata"]["asset_id"])
        place = f"/v2/assets/{asset_id}/attachments"
        body = {"asset_type": "data_asset", "name": name, "mime": "text/csv"}
        attachment = self.call("POST", place, expect=201, json=body)
        signed = httpx.URL(attachment["url1"])
        self.http.put(signed, files={"file": (name, content, "file")}).raise_for_status()
        self.call("POST", f"{place}/{attachment['attachment_id']}/complete", expect=200)
        return asset_id

    def specification(self, package: Path) -> str:
        """Store a software specification that adds the zip of a project to the default one; return its id."""
        made = self.call("POST", "/v2/package_extensions", expect=201, json={"name": "own", "type": "pip_zip"})
        extension = made["metadata"]["asset_id"]
        signed = httpx.URL(made["entity"]["package_extension"]["href"])
        self.http.put(signed, content=package.read_bytes()).raise_for_status()
        self.call("POST", f"/v2/package_extensions/{extension}/upload_complete", expect=204)
        body = {
            "name": "custom",
            "package_extensions": [{"guid": extension}],
            "base_software_specification": {"name": SPECIFICATION},
        }
        answer = self.call("POST", "/v2/software_specifications", expect=201, json=body)
        return str(answer["metadata"]["asset_id"])

    def content(self, asset_id: str) -> bytes:
        """Return the bytes of a data asset."""
        asset = self.call("GET", f"/v2/assets/{asset_id}", expect=200)
        attachment_id = asset["attachments"][0]["id"]
        attachment = self.call("GET", f"/v2/assets/{asset_id}/attachments/{attachment_id}", expect=200)
        return self.http.get(httpx.URL(attachment["url"])).raise_for_status().content

    def data_assets_named(self, name: str) -> list[Json]:
        """Return the data assets of this name."""
        body = {"query": f'asset.name:"{name}"', "limit": 200}
        found = self.call("POST", "/v2/asset_types/data_asset/search", expect=200, json=body)["results"]
        return [asset for asset in found if asset["metadata"]["name"] == name]

    def deployment(self, asset_id: str, **batch: Any) -> str:
        """Make a batch deployment; return its id."""
        body = {"name": "deployment", "space_id": self.space_id, "asset": {"id": asset_id}, "batch": batch}
        made = self.call("POST", "/ml/v4/deployments", expect=202, json={**body, "hardware_spec": {"name": "S"}})
        assert made["entity"]["status"]["state"] == "ready", made
        return str(made["metadata"]["id"])

    def submit(self, deployment_id: str, scoring: Json, *, expect: int = 202, **members: Any) -> Json:
        """Submit a deployment job; return the answer."""
        body = {"name": "job", "space_id": self.space_id, "deployment": {"id": deployment_id}, "scoring": scoring}
        return self.call("POST", "/ml/v4/deployment_jobs", expect=expect, json={**body, **members})

    def job(self, job_id: str) -> Json:
        """Return a deployment job with everything."""
        return self.call("GET", f"/ml/v4/deployment_jobs/{job_id}", expect=200)

    def state(self, job_id: str) -> str:
        """Return a deployment job's state; its rows stay on the server."""
        path = f"/ml/v4/deployment_jobs/{job_id}"
        answer = self.call("GET", path, expect=200, params={"include": "status"})
        return str(answer["entity"]["scoring"]["status"]["state"])

    def ended(self, job_id: str, *, within: float = 60.0) -> Json:
        """Wait until a deployment job has ended; return its status."""
        eventually(lambda: self.state(job_id) in FINAL, within=within, every=0.1)
        status: Json = self.job(job_id)["entity"]["scoring"]["status"]
        return status

    def log(self, job: Json) -> list[str]:
        """Return the lines of a deployment job's log, as far as it is written."""
        place = job["entity"]["platform_job"]
        path = f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}/logs"
        return list(self.call("GET", path, expect=200)["results"])

    def job_run(self, job: Json) -> Json:
        """Return what the jobs API says of a deployment job's run."""
        place = job["entity"]["platform_job"]
        found = self.call("GET", f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}", expect=200)
        return dict(found["entity"]["job_run"])


def tar_gz(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of the files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def reference(asset_id: str) -> Json:
    """Return an input reference to a data asset."""
    return {"type": "data_asset", "connection": {}, "location": {"href": f"/v2/assets/{asset_id}"}}


def output(name: str) -> Json:
    """Return an output reference by name."""
    return {"type": "data_asset", "connection": {}, "location": {"name": name}}


def cause(status: Json) -> tuple[str, str]:
    """Return code and message of why a job failed."""
    assert status["state"] == "failed", status
    error = status["failure"]["errors"][0]
    return error["code"], error["message"]


def refusal(answer: Json) -> tuple[str, str]:
    """Return code and message of a refusal."""
    return answer["errors"][0]["code"], answer["errors"][0]["message"]
