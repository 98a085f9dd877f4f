"""What an export of a whole space tells beside its assets: specifications, channels, deployments, definitions, jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain.channel import NotificationChannel
from gristmill.domain.deployment import Deployment, DeploymentJobDefinition
from gristmill.domain.errors import Invalid
from gristmill.domain.job import Job
from gristmill.domain.specification import HardwareSpecification, PackageExtension, SoftwareSpecification

MEMBER = "parts"
SECTIONS = (
    "package_extensions",
    "software_specifications",
    "hardware_specifications",
    "channels",
    "deployments",
    "definitions",
    "jobs",
)
"""In the order in which they refer to each other."""
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The sections of an export, by name; each entry has at least an ``id`` and a ``name``."""

    space_id: str = ""
    sections: Mapping[str, Sequence[Part]] = field(default_factory=dict)

    def of(self, section: str) -> Sequence[Part]:
        """Return the entries of a section."""
        return self.sections.get(section, ())


def document(parts: Parts) -> dict[str, Any]:
    """Return them as they stand in a manifest."""
    return {"space_id": parts.space_id, **{name: list(parts.of(name)) for name in SECTIONS}}


def read(found: object) -> Parts:
    """Return the parts of a manifest; one without has none.

    Raises:
        Invalid: a section is malformed; names it.

    """
    if found is None:
        return Parts()
    if not isinstance(found, Mapping):
        raise _malformed(MEMBER)
    for name in SECTIONS:
        entries = found.get(name, [])
        if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
            raise _malformed(f"{MEMBER}.{name}")
    return Parts(space_id=str(found.get("space_id", "")), sections={name: found.get(name, []) for name in SECTIONS})


def with_ids(value: Any, ids: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Return a document in which each id that is a key of ``ids``, alone or within a text, is what it leads to."""
    if isinstance(value, str):
        return _UUID.sub(lambda found: ids.get(found[0], found[0]), value)
    if isinstance(value, Mapping):
        return {name: with_ids(inner, ids) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [with_ids(inner, ids) for inner in value]
    return value


def of_extension(extension: PackageExtension) -> dict[str, Any]:
    """Return the entry of a package extension whose upload is complete."""
    return {**_named(extension), "type": extension.type, "path": f"contents/{extension.id}"}


def of_software(specification: SoftwareSpecification, *, base_name: str) -> dict[str, Any]:
    """Return the entry of a software specification; its base is named: names are what two servers have in common."""
    extensions = list(specification.package_extension_ids)
    return {**_named(specification), "base": base_name, "package_extension_ids": extensions}


def of_hardware(specification: HardwareSpecification) -> dict[str, Any]:
    """Return the entry of a hardware specification."""
    return {**_named(specification), "nodes": dict(specification.nodes)}


def of_channel(channel: NotificationChannel) -> dict[str, Any]:
    """Return the entry of a channel; where it leads is a secret of most, and stays behind."""
    members = {"id": channel.id, "name": channel.name, "type": str(channel.type)}
    return {
        **members,
        "settings": {} if channel.sealed else dict(channel.settings),
    }


def of_deployment(deployment: Deployment) -> dict[str, Any]:
    """Return the entry of a deployment."""
    return {
        **_named(deployment),
        "asset_id": deployment.asset_id,
        "asset_revision": deployment.asset_revision,
        "tags": list(deployment.tags),
        "custom": dict(deployment.custom),
        "batch": dict(deployment.batch),
        "hardware": dict(deployment.hardware),
        "hybrid_hardware": list(deployment.hybrid_hardware) if deployment.hybrid_hardware else None,
        "serving_name": deployment.serving_name,
    }


def of_definition(definition: DeploymentJobDefinition) -> dict[str, Any]:
    """Return the entry of a definition's head."""
    inner = {"deployment_id": definition.deployment_id, "tags": list(definition.tags)}
    return {**_named(definition), **inner, "document": dict(definition.document)}


def of_job(job: Job, *, secret_names: Sequence[str]) -> dict[str, Any]:
    """Return the entry of a job; of its secret variables there are the names."""
    return {
        **_named(job),
        "asset_ref": job.asset_ref,
        "asset_ref_type": job.asset_ref_type,
        "configuration": dict(job.configuration),
        "retention": dict(job.retention) if job.retention else None,
        "notification": dict(job.notification),
        "schedule": dict(job.schedule) if job.schedule else None,
        "serving_name": job.serving_name,
        "secret_variables": sorted(secret_names),
    }


def _named(thing: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever has these three
    return {"id": thing.id, "name": thing.name, "description": thing.description}


def _is_entry(entry: object) -> bool:
    return isinstance(entry, Mapping) and all(isinstance(entry.get(name), str) for name in ("id", "name"))


def _malformed(where: str) -> Invalid:
    return Invalid(f"manifest.json: {where} is malformed.", code="invalid_export_file", field="manifest.json")
