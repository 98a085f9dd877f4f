"""Deployments with real content, and a launcher that does what a test tells it, for tests of the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill.domain.asset import Asset, AssetType, Attachment
from gristmill.domain.deployment import Deployment
from gristmill.domain.user import Actor
from gristmill.launch.launcher import Child, Ending, Order
from gristmill.service import deployments, inline_tables, spaces
from gristmill.service.context import Context
from gristmill.service.deployment_jobs import NewDeploymentJob, submit
from gristmill.service.deployments import NewDeployment
from gristmill.service.runs import RunDetails, details
from gristmill.service.spaces import NewSpace
from gristmill.store import assets, attachments, users
from gristmill_runner import protocol

COMPLETED = protocol.Result(version=1, outcome="completed", python="3.11", packages={}, rows={"read": 1, "scored": 1})
Script = Callable[[Path], protocol.Result | Ending]


@dataclass
class ScriptedChild:
    """Ends as its script says, once it is allowed to."""

    order: Order
    script: Script
    gate: threading.Event
    signals: list[str] = field(default_factory=list)
    ending: Ending | None = None
    released: bool = False

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Play the script when the gate opens; a child that was told to stop ends at once."""
        if self.ending is None and (self.signals or self.gate.wait(timeout_seconds)):
            self.ending = Ending(signal=15) if self.signals else self._play()
        return self.ending

    def terminate(self) -> None:
        """Note it."""
        self.signals.append("TERM")

    def kill(self) -> None:
        """Note it."""
        self.signals.append("KILL")

    def release(self) -> None:
        """Note it."""
        self.released = True

    def _play(self) -> Ending:
        played = self.script(self.order.directory)
        if isinstance(played, Ending):
            return played
        protocol.write_result(self.order.directory, played)
        return Ending()


@dataclass
class ScriptedLauncher:
    """Launches children that follow ``script``; ``gate`` holds them all until it is set."""

    script: Script = lambda _directory: COMPLETED
    gate: threading.Event = field(default_factory=threading.Event)
    children: list[ScriptedChild] = field(default_factory=list)

    def launch(self, order: Order) -> Child:
        """Start a scripted child."""
        child = ScriptedChild(order, self.script, self.gate)
        self.children.append(child)
        return child

    def close(self) -> None:
        """Nothing is left to end."""


@dataclass(frozen=True)
class Shop:
    """A context with a space, and who owns it."""

    context: Context
    actor: Actor
    space_id: str

    def deploy(
        self,
        *,
        kind: AssetType = AssetType.MODEL,
        batch: Mapping[str, Any] | None = None,
        content: bytes = b"something",
    ) -> Deployment:
        """Store an asset with a little content and deploy it."""
        asset_id = self._asset(kind, content=content)
        new = NewDeployment(space_id=self.space_id, name="d", asset_id=asset_id, batch=batch or {})
        return deployments.create(self.context, self.actor, new)

    def submit(self, deployment: Deployment, **options: Any) -> RunDetails:
        """Submit a one-row inline job, or what the options say."""
        if "input_references" not in options:
            table = inline_tables.keep(self.context, ["[1, 2]"], fields=["a", "b"], members={})
            options = {"inline": (table,), **options}
        new = NewDeploymentJob(space_id=self.space_id, deployment_id=deployment.id, name="job", **options)
        run, _spec = submit(self.context, self.actor, new)
        return self.look(run.deployment_job_id)

    def look(self, deployment_job_id: str) -> RunDetails:
        """Return a run as it is now."""
        return details(self.context, self.actor, self.space_id, deployment_job_id)

    def data_asset(self, name: str, content: bytes) -> str:
        """Store a data asset and return its id."""
        return self._asset(AssetType.DATA_ASSET, name=name, content=content)

    def script(self) -> str:
        """Store a Python script and return its id."""
        return self._asset(AssetType.SCRIPT, name="s.py", content=b"print('hi')\n")

    def _asset(self, kind: AssetType, *, name: str = "a", content: bytes = b"something") -> str:
        now = datetime.now(UTC)
        stored = self.context.content.put([content])
        asset = Asset(
            id=self.context.new_id(),
            space_id=self.space_id,
            type=kind,
            name=name,
            owner_id=self.actor.user_id,
            created_at=now,
            modified_at=now,
            size=stored.size,
            entity={"type": "scikit-learn_1.9", "software_spec": {"name": "runtime-24.1-py3.11"}},
        )
        attachment = Attachment(
            id=self.context.new_id(),
            asset_id=asset.id,
            name=name,
            created_at=now,
            content_key=stored.key,
            size=stored.size,
            sha256=stored.sha256,
            complete=True,
        )
        with self.context.database.transaction() as connection:
            assets.create(connection, asset)
            attachments.create(connection, attachment)
        return asset.id


def open_shop(context: Context) -> Shop:
    """Make a space for the administrator."""
    with context.database.snapshot() as connection:
        admin = users.by_name(connection, "admin")
    assert admin
    actor = Actor(user_id=admin.id, user_name=admin.name, administrator=True)
    space = spaces.create(context, actor, NewSpace(name="shop"))
    return Shop(context, actor, space.id)
