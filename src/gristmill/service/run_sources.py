"""What runs are made of: definitions, deployments, assets, contents. Each is read once for all the runs of a batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar, cast

from gristmill.domain.asset import HEAD, Asset, Attachment
from gristmill.domain.deployment import Deployment, DeploymentJobDefinition
from gristmill.domain.environment import SoftwareEnvironment
from gristmill.domain.job import Job, JobKind
from gristmill.domain.specification import HardwareSpecification, SoftwareSpecification
from gristmill.service import environments, hardware_specifications, software_specifications
from gristmill.store import assets, attachments, deployment_job_definitions, deployments
from gristmill.store.database import Connection

T = TypeVar("T")


class RunSources:
    """Reads through one connection and remembers what it read; it lives as long as one transaction or snapshot."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._read: dict[Hashable, Any] = {}

    def read_ahead(self, jobs: Sequence[Job]) -> None:
        """Read what runs of these jobs need, each kind of thing at one go."""
        of_deployments = [job for job in jobs if job.kind is JobKind.DEPLOYMENT]
        found = deployments.these(self.connection, [job.asset_ref for job in of_deployments])
        self._keep("deployment", [job.asset_ref for job in of_deployments], {one.id: one for one in found})
        wanted = [job.definition_id for job in of_deployments if job.definition_id]
        heads = deployment_job_definitions.these(self.connection, wanted)
        self._keep("definition", wanted, {one.id: one for one in heads})
        # Those at a frozen revision are few, and are read one by one.
        at_head = [job.asset_ref for job in jobs if job.kind is JobKind.ASSET and not job.configuration.get("version")]
        at_head += [deployment.asset_id for deployment in found if not deployment.asset_revision]
        there = assets.these(self.connection, at_head)
        self._keep("asset", [(one, HEAD) for one in at_head], {(asset.id, HEAD): asset for asset in there})
        contents = attachments.contents_of(self.connection, [asset.id for asset in there])
        self._keep("content", [(one, HEAD) for one in at_head], {(key, HEAD): value for key, value in contents.items()})

    def definition(self, definition_id: str) -> DeploymentJobDefinition | None:
        """Return a definition at its head."""
        return self._once(
            "definition", definition_id, lambda: deployment_job_definitions.get(self.connection, definition_id)
        )

    def deployment(self, deployment_id: str) -> Deployment | None:
        """Return a deployment, also one that is being deleted."""
        return self._once("deployment", deployment_id, lambda: deployments.get(self.connection, deployment_id))

    def asset(self, asset_id: str, revision: int = HEAD) -> Asset | None:
        """Return an asset at its head or at a revision, also one in the trash."""
        return self._once(
            "asset", (asset_id, revision), lambda: assets.get(self.connection, asset_id, revision=revision)
        )

    def content(self, asset_id: str, revision: int = HEAD) -> Attachment | None:
        """Return the newest complete attachment with content of its own."""
        return self._once(
            "content",
            (asset_id, revision),
            lambda: attachments.content_of(self.connection, asset_id, revision=revision),
        )

    def software(self, space_id: str, id_or_name: str) -> SoftwareSpecification:
        """Return a software specification that the space has.

        Raises:
            Invalid: it has none of this id or name.

        """
        return self._once(
            "software",
            (space_id, id_or_name),
            lambda: software_specifications.find(self.connection, space_id, id_or_name),
        )

    def environment(self, space_id: str, software: SoftwareSpecification) -> SoftwareEnvironment:
        """Return what a software specification means now.

        Raises:
            Conflict: a package extension has no file.

        """
        return self._once(
            "environment",
            (space_id, software.id),
            lambda: environments.freeze(self.connection, space_id, software),
        )

    def hardware(self, space_id: str, id_or_name: object) -> HardwareSpecification:
        """Return a hardware specification that the space has.

        Raises:
            Invalid: it has none of this id or name.

        """
        return self._once(
            "hardware",
            (space_id, str(id_or_name)),
            lambda: hardware_specifications.find(self.connection, space_id, id_or_name),
        )

    def _keep(self, kind: str, wanted: Iterable[Hashable], found: Any) -> None:  # noqa: ANN401 - a dict of one kind
        self._read |= {(kind, key): found.get(key) for key in wanted}

    def _once(self, kind: str, key: Hashable, read: Callable[[], T]) -> T:
        if (kind, key) not in self._read:
            self._read[kind, key] = read()
        return cast("T", self._read[kind, key])
