"""Makes what an export of a whole space has beside its assets, within the transaction of the import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from gristmill.content.content import Stored
from gristmill.domain.channel import ChannelType, read_settings
from gristmill.domain.errors import Conflict, GristmillError, Invalid
from gristmill.domain.export_parts import Part, Parts, with_ids
from gristmill.domain.notification import Notification
from gristmill.domain.schedule_document import of_document
from gristmill.domain.specification import PackageExtension
from gristmill.domain.user import Actor
from gristmill.service import (
    channels,
    deployment_job_definitions,
    deployments,
    hardware_specifications,
    jobs,
    notifications,
    software_specifications,
)
from gristmill.service.channels import NewChannel
from gristmill.service.context import Context
from gristmill.service.deployment_job_definitions import NewDefinition
from gristmill.service.deployments import NewDeployment
from gristmill.service.jobs import NewJob
from gristmill.store import channels as channel_store
from gristmill.store import deployment_job_definitions as definition_store
from gristmill.store import deployments as deployment_store
from gristmill.store import hardware_specifications as hardware_store
from gristmill.store import jobs as job_store
from gristmill.store import package_extensions as extension_store
from gristmill.store import software_specifications as software_store
from gristmill.store.database import Connection


@dataclass(slots=True, kw_only=True)
class PartsWork:
    """An import at work. ``ids`` leads from ids of the export to those here; ``stored`` are the zip's files, by path.

    ``made`` counts what was made, by section; ``skipped`` and ``attention`` say what was not, and what is left to do.
    """

    context: Context
    connection: Connection
    actor: Actor
    space_id: str
    ids: dict[str, str]
    stored: Mapping[str, Stored]
    used: set[str]
    skipped: list[dict[str, str]]
    made: dict[str, int] = field(default_factory=dict)
    attention: list[dict[str, str]] = field(default_factory=list)

    def note(self, section: str, name: str, text: str) -> None:
        """Note something that is left to do."""
        self.attention.append({"name": name, "type": section, "note": text})


Maker = Callable[[PartsWork, Part], str]


def before_assets(work: PartsWork, parts: Parts) -> None:
    """Make what assets may refer to."""
    _each(work, "package_extensions", parts.of("package_extensions"), _extension)
    _software(work, parts)
    _each(work, "hardware_specifications", parts.of("hardware_specifications"), _hardware)
    _each(work, "channels", parts.of("channels"), _channel)


def after_assets(work: PartsWork, parts: Parts) -> None:
    """Make what refers to assets."""
    _each(work, "deployments", parts.of("deployments"), _deployment)
    _each(work, "definitions", parts.of("definitions"), _definition)
    _each(work, "jobs", parts.of("jobs"), _job)


class _ThereAlready(Exception):
    """The space has one of this name; ``args[0]`` is its id."""


def _each(work: PartsWork, section: str, entries: Any, make: Maker) -> None:  # noqa: ANN401 - entries
    for entry in entries:
        try:
            work.ids[entry["id"]] = make(work, with_ids(entry, work.ids))
            work.made[section] = work.made.get(section, 0) + 1
        except _ThereAlready as found:
            work.ids[entry["id"]] = found.args[0]
            _skip(work, section, entry, "the space has one of this name already")
        except GristmillError as error:
            _skip(work, section, entry, error.message)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            _skip(work, section, entry, f"its entry is malformed ({error!r})")


def _skip(work: PartsWork, section: str, entry: Part, reason: str) -> None:
    work.skipped.append({"name": entry["name"], "asset_type": section, "reason": reason})


def _extension(work: PartsWork, entry: Part) -> str:
    if same := extension_store.named(work.connection, work.space_id, entry["name"]):
        raise _ThereAlready(same.id)
    stored = work.stored.get(entry["path"])
    if stored is None:
        raise Invalid("its file is not in the zip, or not what its type says")
    extension = PackageExtension(
        id=work.context.new_id(),
        space_id=work.space_id,
        name=entry["name"],
        description=entry.get("description", ""),
        type=entry["type"],
        content_key=stored.key,
        size=stored.size,
        complete=True,
        created_at=work.context.now(),
    )
    extension_store.create(work.connection, extension)
    work.used.add(entry["path"])
    return extension.id


def _software(work: PartsWork, parts: Parts) -> None:
    """Make the specifications, each after the one that it is derived from."""
    left = list(parts.of("software_specifications"))
    while left:
        waiting = {entry["name"] for entry in left}
        ready = [entry for entry in left if entry.get("base") not in waiting - {entry["name"]}] or left
        _each(work, "software_specifications", ready, _one_software)
        left = [entry for entry in left if entry not in ready]


def _one_software(work: PartsWork, entry: Part) -> str:
    if same := software_store.find(work.connection, work.space_id, entry["name"]):
        raise _ThereAlready(same.id)
    document = {
        "name": entry["name"],
        "description": entry.get("description", ""),
        "base_software_specification": {"guid": _base(work, entry)},
        "package_extensions": [{"guid": extension} for extension in entry["package_extension_ids"]],
    }
    return software_specifications.add(work.context, work.connection, work.space_id, document).id


def _base(work: PartsWork, entry: Part) -> str:
    field_name = "base_software_specification"
    return software_specifications.find(work.connection, work.space_id, entry["base"], field=field_name).id


def _hardware(work: PartsWork, entry: Part) -> str:
    if same := hardware_store.find(work.connection, work.space_id, entry["name"]):
        raise _ThereAlready(same.id)
    return hardware_specifications.add(work.context, work.connection, work.space_id, entry).id


def _channel(work: PartsWork, entry: Part) -> str:
    if same := channel_store.named(work.connection, work.space_id, entry["name"]):
        raise _ThereAlready(same.id)
    if entry["type"] != ChannelType.EMAIL:
        raise Invalid("where it leads is a secret, which no export holds; make it again")
    kind, settings = ChannelType.EMAIL, read_settings(ChannelType.EMAIL, entry.get("settings"))
    work.context.outlets.check(kind, settings)
    new = NewChannel(space_id=work.space_id, name=entry["name"], type=kind, settings=settings)
    return channels.add(work.context, work.connection, work.actor, new, kind=kind).id


def _deployment(work: PartsWork, entry: Part) -> str:
    # Also one that failed.
    same = deployment_store.page(work.connection, work.space_id, limit=1, filters={"name": entry["name"]}).items
    if same:
        raise _ThereAlready(same[0].id)
    serving_name = entry.get("serving_name")
    if serving_name and deployment_store.by_serving_name(work.connection, serving_name):
        work.note("deployments", entry["name"], f"its serving name {serving_name} is taken, so it has none")
        serving_name = None
    if entry.get("asset_revision"):
        revision = entry["asset_revision"]
        work.note(
            "deployments", entry["name"], f"it had revision {revision} of its asset, and has the newest content now"
        )
    new = NewDeployment(
        space_id=work.space_id,
        name=entry["name"],
        description=entry.get("description", ""),
        asset_id=entry["asset_id"],
        tags=entry.get("tags", ()),
        custom=entry.get("custom", {}),
        batch=entry["batch"],
        hardware=_by_name(entry.get("hardware")),
        hybrid_hardware=entry.get("hybrid_hardware"),
        serving_name=serving_name,
    )
    return deployments.add(work.context, work.connection, work.actor, new).id


def _by_name(reference: Part | None) -> dict[str, Any] | None:
    """Name a specification rather than identify it."""
    return {name: value for name, value in reference.items() if name != "id"} if reference else None


def _definition(work: PartsWork, entry: Part) -> str:
    new = NewDefinition(
        space_id=work.space_id,
        deployment_id=entry["deployment_id"],
        name=entry["name"],
        description=entry.get("description", ""),
        tags=entry.get("tags", ()),
        document=entry["document"],
    )
    if same := definition_store.named(work.connection, new.deployment_id, entry["name"]):
        raise _ThereAlready(same.id)
    return deployment_job_definitions.add(work.context, work.connection, work.actor, new).id


def _job(work: PartsWork, entry: Part) -> str:
    if same := job_store.named(work.connection, work.space_id, entry["name"]):
        raise _ThereAlready(same.id)
    new = NewJob(
        space_id=work.space_id,
        name=entry["name"],
        description=entry.get("description", ""),
        asset_ref=entry["asset_ref"],
        asset_ref_type=entry["asset_ref_type"],
        configuration=entry["configuration"],
        retention=entry.get("retention"),
        notification=_notification(work, entry),
        schedule=of_document(entry["schedule"]) if entry.get("schedule") else None,
        serving_name=_free_name(work, entry),
        paused=bool(entry.get("schedule")),
    )
    try:
        made = jobs.add(work.context, work.connection, work.actor, new).id
    except Conflict as error:
        raise Invalid(error.message) from error
    if new.schedule:
        work.note("jobs", entry["name"], "its schedule is paused, so that not two spaces run it; resume it here")
    if names := entry.get("secret_variables"):
        work.note("jobs", entry["name"], f"set its secret environment variables again: {', '.join(map(str, names))}")
    return made


def _free_name(work: PartsWork, entry: Part) -> str | None:
    name = entry.get("serving_name")
    if name and job_store.by_serving_name(work.connection, name):
        work.note("jobs", entry["name"], f"its serving name {name} is taken, so it has none")
        return None
    return name


def _notification(work: PartsWork, entry: Part) -> dict[str, Any]:
    """Return a job's wishes, without the channels and users that are not here."""
    wanted = Notification.of(entry.get("notification") or {})
    known = {channel.id for channel in channel_store.some(work.connection, work.space_id, wanted.channels)}
    there = [channel_id for channel_id in wanted.channels if channel_id in known]
    recipients = notifications.reachable(work.context, work.connection, work.space_id, wanted.recipients)
    gone = len(wanted.channels) + len(wanted.recipients) - len(there) - len(recipients)
    if gone:
        work.note("jobs", entry["name"], f"{gone} of its channels and recipients are not here; choose others")
    return {**asdict(wanted), "channels": there, "recipients": recipients}
