"""From what users write, a name or an id, to what the wire wants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from gristmill.cli import pages
from gristmill.cli.failures import CommandFailed, Refused
from gristmill.cli.output import at, text

if TYPE_CHECKING:
    from gristmill.cli.client import Client, Json

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_ALIKE = 10
_MOST_OF_ONE_NAME = 200
_NOT_FOUND = 404
_NO_ASSETS = frozenset({"job", "job_run"})
"""What the wire's search counts among assets; they have commands of their own."""


def segment(value: str) -> str:
    """Return a value as one segment of a path."""
    return quote(value, safe="")


def is_id(value: str) -> bool:
    """Whether a value is an id rather than a name."""
    return bool(_ID.fullmatch(value))


def space(client: Client, name_or_id: str) -> str:
    """Return the id of a space.

    Raises:
        CommandFailed: there is none of this name, or several.

    """
    if is_id(name_or_id):
        return name_or_id
    found = pages.resources(client, "/v2/spaces", limit=_MOST_ALIKE, name=name_or_id)
    return str(at(_only(found.items, f"space named {name_or_id}", "metadata.id"), "metadata.id"))


def asset(client: Client, space_id: str, name_or_id: str) -> Json:
    """Return an asset of the space, of any type."""
    if is_id(name_or_id):
        return client.get(f"/v2/assets/{name_or_id}", space_id=space_id)
    same = assets_named(client, space_id, name_or_id)
    only = _only(same, f"asset named {name_or_id} in this space", "metadata.asset_id", "metadata.asset_type")
    return client.get(f"/v2/assets/{at(only, 'metadata.asset_id')}", space_id=space_id)


def assets_named(client: Client, space_id: str, name: str) -> list[Json]:
    """Return the assets of the space that have this very name."""
    found = _named(client, space_id, "asset", name)
    return [each for each in found if at(each, "metadata.asset_type") not in _NO_ASSETS]


def asset_id(client: Client, space_id: str, name_or_id: str) -> str:
    """Return the id of an asset of the space; an id is taken as it is."""
    if is_id(name_or_id):
        return name_or_id
    return str(at(asset(client, space_id, name_or_id), "metadata.asset_id"))


def deployment(client: Client, space_id: str, name_or_id: str) -> str:
    """Return the id of a deployment of the space; its serving name will do too."""
    if is_id(name_or_id):
        return name_or_id
    path = "/ml/v4/deployments"
    for key in ("name", "serving_name"):
        found = pages.resources(client, path, limit=_MOST_ALIKE, space_id=space_id, **{key: name_or_id}).items
        if found:
            break
    return str(at(_only(found, f"deployment named {name_or_id} in this space", "metadata.id"), "metadata.id"))


def job(client: Client, space_id: str, name_or_id: str) -> str:
    """Return the id of a job of the space; its serving name will do too."""
    if is_id(name_or_id):
        return name_or_id
    found = _named(client, space_id, "job", name_or_id)
    if not found:
        asked = {"space_id": space_id, "serving_name": name_or_id}
        found = pages.results(client, "/v2/jobs", limit=_MOST_ALIKE, **asked).items
    return str(at(_only(found, f"job named {name_or_id} in this space", "metadata.asset_id"), "metadata.asset_id"))


def connection(client: Client, space_id: str, name_or_id: str) -> str:
    """Return the id of a connection of the space."""
    if is_id(name_or_id):
        return name_or_id
    found = _named(client, space_id, "connection", name_or_id)
    only = _only(found, f"connection named {name_or_id} in this space", "metadata.asset_id")
    return str(at(only, "metadata.asset_id"))


def channel(client: Client, space_id: str, name_or_id: str) -> str:
    """Return the id of a notification channel of the space."""
    if is_id(name_or_id):
        return name_or_id
    found = pages.results(client, "/v2/notification_channels", limit=_MOST_OF_ONE_NAME, space_id=space_id).items
    same = [each for each in found if each.get("name") == name_or_id]
    return str(_only(same, f"channel named {name_or_id} in this space", "id")["id"])


def run(client: Client, space_id: str | None, identifier: str) -> Json:
    """Return the deployment job of a run, without its rows, by its id in either API.

    The wire finds a run by its id in the jobs API under its job only, so the space is asked for that job first.
    """
    wanted = segment(identifier)
    try:
        return client.get(f"/ml/v4/deployment_jobs/{wanted}", include="output_data_reference")
    except Refused as error:
        if error.status != _NOT_FOUND or not space_id:
            raise
    for job in pages.results(client, "/v2/jobs", limit=1, space_id=space_id, run_id=identifier).items:
        found = client.get(f"/v2/jobs/{at(job, 'metadata.asset_id')}/runs/{wanted}")
        job_id = at(found, "entity.job_run.runtime_job_id")
        return client.get(f"/ml/v4/deployment_jobs/{job_id}", include="output_data_reference")
    raise CommandFailed(f"There is no run {identifier} in this space.")


def _named(client: Client, space_id: str, asset_type: str, name: str) -> list[Json]:
    quoted = re.sub(r'(["\\])', r"\\\1", name)
    query = f'asset.name:"{quoted}"'
    found = pages.search(client, asset_type, space_id=space_id, query=query, limit=_MOST_OF_ONE_NAME).items
    return [each for each in found if at(each, "metadata.name") == name]


def _only(found: list[Json], what: str, *paths: str) -> Json:
    if not found:
        raise CommandFailed(f"There is no {what}.")
    if len(found) > 1:
        alike = ", ".join(" ".join(text(at(each, path)) for path in paths) for each in found)
        raise CommandFailed(f"There is more than one {what}; give the id: {alike}.")
    return found[0]
