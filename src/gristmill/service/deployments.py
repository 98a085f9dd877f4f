"""Deployments: made with a lane and a default job, changed, and taken down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain.asset import AssetType
from gristmill.domain.deployment import DEFAULT_MAX_RUNNING, Deployment, DeploymentState
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.job import Job, JobKind
from gristmill.domain.network import read_network
from gristmill.domain.page import Page
from gristmill.domain.space import Permission, Space
from gristmill.domain.user import Actor
from gristmill.domain.worker_labels import read_labels
from gristmill.service import hardware_specifications, schedule_keys
from gristmill.service.access import authorize, granted
from gristmill.service.context import Context
from gristmill.store import assets, attachments, jobs, lanes
from gristmill.store import deployments as deployment_store
from gristmill.store.database import Connection

DEPLOYABLE = (AssetType.MODEL, AssetType.FUNCTION, AssetType.SCRIPT)
MOST_RUNNING = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """What a client asks to deploy. ``batch`` is None where it asked for something else."""

    space_id: str
    name: str
    asset_id: str
    batch: Mapping[str, Any] | None
    asset_revision: int | None = None
    description: str = ""
    tags: Sequence[str] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] | None = None
    hybrid_hardware: Sequence[Mapping[str, Any]] | None = None
    serving_name: str | None = None


def create(context: Context, actor: Actor, new: NewDeployment) -> Deployment:
    """Deploy an asset for batch jobs. An asset without content gives a deployment that failed and says why.

    Raises:
        Invalid: not a batch deployment, or the asset, its revision or the hardware is unknown or unfit.
        Conflict: the serving name is taken.

    """
    with context.database.transaction() as connection:
        return add(context, connection, actor, new)


def add(context: Context, connection: Connection, actor: Actor, new: NewDeployment) -> Deployment:
    """Do so within a transaction; nothing is written where it is refused."""
    if new.batch is None:
        raise Invalid(
            "Gristmill makes batch deployments: send batch: {}. It has no online deployments.",
            code="online_deployment_not_supported",
            field="batch",
        )
    now = context.now()
    authorize(connection, actor, new.space_id, Permission.EDIT)
    asset_type = _deployable(connection, new.space_id, new.asset_id, new.asset_revision)
    _name_is_free(connection, new.serving_name)
    failure = _missing_content(connection, new.asset_id, new.asset_revision)
    deployment = Deployment(
        id=context.new_id(),
        space_id=new.space_id,
        asset_id=new.asset_id,
        asset_type=asset_type,
        asset_revision=new.asset_revision,
        name=new.name,
        description=new.description,
        tags=tuple(new.tags),
        custom=new.custom,
        batch=_checked_batch(new.batch),
        hardware=_hardware(connection, new.space_id, new.hardware),
        hybrid_hardware=new.hybrid_hardware,
        serving_name=new.serving_name,
        max_running=_max_running(new.batch),
        state=DeploymentState.FAILED if failure else DeploymentState.READY,
        failure=failure,
        owner_id=actor.user_id,
        created_at=now,
        modified_at=now,
    )
    lanes.create(connection, deployment.id, new.space_id, max_running=deployment.max_running)
    deployment_store.create(connection, deployment)
    jobs.create(connection, _default_job(context, deployment))
    return deployment


def get(context: Context, actor: Actor, space_id: str | None, deployment_id: str) -> Deployment:
    """Return a deployment that the actor can see; its serving name may stand for its id."""
    with context.database.snapshot() as connection:
        return visible(connection, actor, space_id, deployment_id, Permission.VIEW)


def page(
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    asset_id: str | None = None,
    serving_name: str | None = None,
    name: str | None = None,
) -> Page[Deployment]:
    """List the deployments of a space."""
    wanted = {"asset_id": asset_id, "serving_name": serving_name, "name": name}
    filters = {column: value for column, value in wanted.items() if value}
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return deployment_store.page(connection, space.id, limit=limit, start=start, filters=filters)


def serving_name_is_free(context: Context, serving_name: str) -> bool:
    """Tell whether a serving name can be taken; names are unique over all spaces."""
    with context.database.snapshot() as connection:
        return deployment_store.by_serving_name(connection, serving_name) is None


PATCHABLE = frozenset(
    {"name", "description", "tags", "custom", "asset", "hardware_spec", "batch", "batch/max_running", "batch/network"}
)


def change(
    context: Context, actor: Actor, space_id: str | None, deployment_id: str, wanted: Mapping[str, Any]
) -> Deployment:
    """Change a deployment. Runs that wait or work keep what they were frozen with."""
    now = context.now()
    with context.database.transaction() as connection:
        deployment = visible(connection, actor, space_id, deployment_id, Permission.EDIT)
        values = _changed(connection, deployment, wanted)
        deployment_store.change(connection, deployment.id, now, values)
        if "max_running" in values:
            lanes.set_limit(connection, deployment.id, values["max_running"])
        changed = deployment_store.get(connection, deployment.id)
    context.wake()
    assert changed is not None
    return changed


def delete(context: Context, actor: Actor, space_id: str | None, deployment_id: str) -> None:
    """Hide a deployment at once; its runs are stopped and it is purged with its jobs by the engine."""
    now = context.now()
    with context.database.transaction() as connection:
        deployment = visible(connection, actor, space_id, deployment_id, Permission.EDIT)
        values = {"state": str(DeploymentState.DELETING), "serving_name": None}
        deployment_store.change(connection, deployment.id, now, values)
        schedule_keys.revoke_with_deployment(context, connection, deployment.id)
    context.wake()


def visible(
    connection: Connection, actor: Actor, space_id: str | None, deployment_id: str, permission: Permission
) -> Deployment:
    """Return the deployment if the actor may do this to it.

    Raises:
        NotFound: it is not there, is in another space, or is not the actor's to see.

    """
    return visible_in(connection, actor, space_id, deployment_id, permission)[0]


def visible_in(
    connection: Connection, actor: Actor, space_id: str | None, deployment_id: str, permission: Permission
) -> tuple[Deployment, Space]:
    """Return the same, with the space that it is in."""
    found = deployment_store.seen(connection, deployment_id, actor.user_id)
    if found is None and (named := deployment_store.by_serving_name(connection, deployment_id)):
        found = deployment_store.seen(connection, named.id, actor.user_id)
    if found is not None:
        deployment, space, role = found
        granted(space, role, deployment.space_id, permission)
        if deployment.state is not DeploymentState.DELETING and space_id in {None, "", deployment.space_id}:
            return deployment, space
    raise NotFound(f"There is no deployment {deployment_id} in this space.", code="deployment_not_found")


def _changed(connection: Connection, deployment: Deployment, wanted: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, value in wanted.items():
        match path:
            case "asset":
                values |= _other_asset(connection, deployment, value)
            case "hardware_spec":
                values["hardware"] = _hardware(connection, deployment.space_id, value)
            case "batch":
                values |= {"batch": _checked_batch(value or {}), "max_running": _max_running(value or {})}
            case "batch/network":
                values["batch"] = _checked_batch({**values.get("batch", deployment.batch), "network": value})
            case "batch/max_running":
                batch = {**deployment.batch, "max_running": value}
                values |= {"batch": batch, "max_running": _max_running(batch)}
            case "name" if not value:
                raise Invalid("name: a deployment needs a name.", field="name")
            case _:
                values[path] = value if value is not None else {"tags": [], "custom": {}}.get(path, "")
    return values


def _other_asset(connection: Connection, deployment: Deployment, reference: Mapping[str, Any]) -> dict[str, Any]:
    asset_id, revision = str(reference.get("id", "")), reference.get("rev")
    number = int(revision) if revision is not None else None
    asset_type = _deployable(connection, deployment.space_id, asset_id, number)
    failure = _missing_content(connection, asset_id, number)
    state = DeploymentState.FAILED if failure else DeploymentState.READY
    values = {"asset_id": asset_id, "asset_revision": number, "asset_type": asset_type}
    return {**values, "failure": failure, "state": str(state)}


def _deployable(connection: Connection, space_id: str, asset_id: str, revision: int | None) -> str:
    asset = assets.get(connection, asset_id, revision=revision or 0)
    if asset is None or asset.space_id != space_id or asset.deleted_at is not None:
        what = f"asset {asset_id}" + (f" at revision {revision}" if revision else "")
        raise Invalid(f"asset.id: there is no {what} in this space.", code="asset_not_found", field="asset.id")
    if asset.type not in DEPLOYABLE:
        kinds = ", ".join(DEPLOYABLE)
        raise Invalid(
            f"asset.id: {asset.name} is a {asset.type}; a batch deployment takes one of {kinds}.",
            code="asset_not_deployable",
            field="asset.id",
        )
    return asset.type


def _missing_content(connection: Connection, asset_id: str, revision: int | None) -> str | None:
    content = attachments.content_of(connection, asset_id, revision=revision or 0)
    if content is not None:
        return None
    return f"Asset {asset_id} has no content: its upload never came. Upload it, then deploy it again."


def _hardware(connection: Connection, space_id: str, reference: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the wire's document with both id and name, checked to exist."""
    wanted = dict(reference or {"name": "S"})
    read_labels(wanted.get("labels"), "hardware_spec.labels")
    found = hardware_specifications.find(connection, space_id, wanted.get("id") or wanted.get("name"))
    return {**wanted, "id": found.id, "name": found.name}


def _checked_batch(batch: Mapping[str, Any]) -> Mapping[str, Any]:
    read_network(batch, where="batch")
    if not isinstance(batch.get("parameters", {}), Mapping):
        raise Invalid("batch.parameters: it is no object of names and values.", field="batch.parameters")
    return batch


def _max_running(batch: Mapping[str, Any]) -> int:
    limit = batch.get("max_running", DEFAULT_MAX_RUNNING)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MOST_RUNNING:
        raise Invalid(
            f"batch.max_running: {limit!r} is not a whole number from 1 to {MOST_RUNNING}.", field="batch.max_running"
        )
    return limit


def _name_is_free(connection: Connection, serving_name: str | None) -> None:
    if serving_name and deployment_store.by_serving_name(connection, serving_name):
        raise Conflict(f"The serving name {serving_name} is taken.", code="serving_name_taken", field="serving_name")


def _default_job(context: Context, deployment: Deployment) -> Job:
    return Job(
        id=context.new_id(),
        space_id=deployment.space_id,
        name=f"default job - {deployment.name}",
        kind=JobKind.DEFAULT,
        lane_id=deployment.id,
        deployment_id=deployment.id,
        asset_ref=deployment.id,
        owner_id=deployment.owner_id,
        created_at=deployment.created_at,
        modified_at=deployment.created_at,
    )
