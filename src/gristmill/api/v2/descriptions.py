"""The descriptions of routes that clients of the Common Core read before they list anything: OpenAPI, as JSON.

The files are named as YAML, of which JSON is a part.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Response
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from gristmill.api.router import Router
from gristmill.api.session import Me
from gristmill.api.v2 import job_runs, jobs, projects

router = Router(tag="Service")


@router.get("/v2/jobs/docs/schemas/v2-swagger.yaml", include_in_schema=False)
def of_jobs(_me: Me) -> Response:
    """Describe the routes of jobs and their runs."""
    return _answer(_described("Jobs", [*jobs.router.routes, *job_runs.router.routes]))


@router.get("/v2/projects/docs/schemas/v2-projects-api-openapi.yml", include_in_schema=False)
def of_projects(_me: Me) -> Response:
    """Describe the routes of projects; the client looks for parameters where a reference says."""
    document = _described("Projects", projects.router.routes)
    parameters = document.setdefault("components", {}).setdefault("parameters", {})
    for path in document["paths"].values():
        for operation in path.values():
            operation["parameters"] = [_referred(parameter, parameters) for parameter in operation["parameters"]]
    return _answer(document)


def _described(title: str, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    return get_openapi(title=title, version="2", routes=routes)


def _referred(parameter: dict[str, Any], parameters: dict[str, Any]) -> dict[str, str]:
    """Put a parameter among the others, and return the reference to it."""
    parameters[parameter["name"]] = parameter
    return {"$ref": f"#/components/parameters/{parameter['name']}"}


def _answer(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document, indent=1), media_type="application/yaml")
