"""Starts children on the nodes of a Ray cluster: Ray keeps room for them, an agent on each node starts them."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gristmill.domain.capacity import Capacity
from gristmill.launch import boxes
from gristmill.launch.confinement import Sandbox
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Child, ChildLost, Ending, LaunchFailed, Order
from gristmill.launch.ray_agent import Setup
from gristmill.launch.ray_agents import AgentOnNode
from gristmill.launch.ray_child import RayChild
from gristmill.launch.ray_cluster import Cluster, Node, Room
from gristmill.launch.run_log import RunLog
from gristmill.launch.spread import SpreadChild
from gristmill_runner.protocol import LOG

_LOOK_SECONDS = 0.1
_SAY_AFTER_SECONDS = 1.0
_MARGIN = 1.5  # so much longer than we do, an agent waits before it takes silence for the end
_LOG_BYTES = 2**20
_MOST_WARM_KEYS = 1024
_LONG_SECONDS = 3600.0


class RayLauncher:
    """Implements ``Launcher`` over a Ray cluster.

    ``directory`` must be one that every node sees under the same path, as all run directories must; agents have theirs
    below it. Without an ``environment`` runs work in what is installed on their node. An agent that has not answered
    for ``silence_seconds`` is taken for lost, and its children with it. What launchers of this machine that were
    killed left below ``directory`` goes at the beginning, run directories back to their places in ``served``.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        directory: Path,
        environment: Environment | None = None,
        sandbox: Sandbox = "off",
        readable: Sequence[Path] = (),
        silence_seconds: float = 10.0,
        served: Path | None = None,
    ) -> None:
        self._cluster = cluster
        self._silence_seconds = silence_seconds
        _clear(directory, served)
        self._directory = directory / f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._directory.mkdir(mode=0o700, parents=True)
        self._beacon = self._directory / "beacon"
        self._beacon.touch()
        self._environment, self._sandbox, self._readable = environment, sandbox, tuple(readable)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._agents: dict[str, AgentOnNode] = {}
        self._starting: dict[str, threading.Lock] = {}
        self._children: set[RayChild] = set()
        self._warm: dict[str, str] = {}
        self._nodes_of: dict[RayChild, str] = {}
        self._closed = False

    def launch(self, order: Order) -> Child:
        """Start a child for the order as soon as a node has room for it; returns at once.

        Raises:
            LaunchFailed: the launcher is closed. Other reasons are told by the child's ``wait``.

        """
        nodes = self._nodes_for(order)
        with self._lock:
            if self._closed:
                raise LaunchFailed("the launcher is closed")
            if nodes > 1:
                return SpreadChild(self.launch, replace(order, nodes=nodes))
            child = RayChild(next(self._numbers), order)
            self._children.add(child)
        threading.Thread(target=self._serve, args=(child,), name=f"ray-run-{child.number}", daemon=True).start()
        return child

    def close(self) -> None:
        """End every child, at work or idle, and wait until they are gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            children, agents = list(self._children), list(self._agents.values())
        enders = [threading.Thread(target=agent.close) for agent in agents]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        for child in children:
            child.finish(Ending(signal=signal.SIGKILL))
        shutil.rmtree(self._directory, ignore_errors=True)
        self._cluster.close()

    def _nodes_for(self, order: Order) -> int:
        """Return over how many nodes the order is spread: as it says, and no more than are large enough."""
        if order.nodes == 1:
            return 1
        with contextlib.suppress(Exception):  # whatever Ray raises: the child hears of it, too
            return min(order.nodes, sum(_need(order).fits(node.has) for node in self._cluster.nodes()))
        return 1

    def _serve(self, child: RayChild) -> None:
        """Keep room for a child from before its beginning until its end."""
        room = None
        try:
            self._check_fits(self._cluster.nodes(), _need(child.order))
            room = self._cluster.room(_need(child.order), rather=self._rather(child))
            node = self._seat(child, room)
            if node is None:
                child.finish(Ending(signal=signal.SIGTERM))
                return
            self._note_warm(child.order, node.id)
            with self._lock:
                self._nodes_of[child] = node.id
            self._agent(node).launch(child)
            while not child.over:
                child.wait(_LONG_SECONDS)
        except (LaunchFailed, ChildLost) as failure:
            child.finish(failure)
        except Exception as error:  # noqa: BLE001 - whatever Ray raises, nothing may wait for this child for ever
            child.finish(ChildLost(f"The Ray cluster failed ({type(error).__name__}: {error})."))
        finally:
            if room is not None:
                room.give_back()
            with self._lock:
                self._children.discard(child)
                self._nodes_of.pop(child, None)

    def _rather(self, child: RayChild) -> str | None:
        """Return the node where a child had best be: with its model, or apart from others of its run."""
        order = child.order
        if order.apart is None:
            return self._warm.get(order.warm_key or "")
        need, nodes = _need(order), self._cluster.nodes()
        with self._lock:
            beside = {node for other, node in self._nodes_of.items() if other.order.apart == order.apart}
            fitting = (node.id for node in nodes if need.fits(node.has) and node.id not in beside)
            found = next(fitting, None)
            if found is not None:
                self._nodes_of[child] = found
        return found

    def _seat(self, child: RayChild, room: Room) -> Node | None:
        """Wait until a node has room; None when nobody wants the child any more."""
        need, begun, said = _need(child.order), time.monotonic(), False
        while not child.unwanted and not self._closed:
            found = room.node()
            nodes = {node.id: node for node in self._cluster.nodes()} if found or said else {}
            if found in nodes:
                return nodes[found]
            if said:
                self._check_fits(list(nodes.values()), need)
            elif time.monotonic() - begun > _SAY_AFTER_SECONDS:
                said = True
                with closing(RunLog(child.order.directory / LOG, _LOG_BYTES)) as log:
                    log.write(f"Waiting until a node of the Ray cluster has {need} free.\n".encode())
            time.sleep(_LOOK_SECONDS)
        return None

    def _check_fits(self, nodes: Sequence[Node], need: Capacity) -> None:
        if any(need.fits(node.has) for node in nodes):
            return
        have = "; ".join(f"{node.address} has {node.has}" for node in nodes) or "none is alive"
        raise LaunchFailed(f"no node of the Ray cluster is large enough for {need}: {have}")

    def _agent(self, node: Node) -> AgentOnNode:
        """Return the node's agent, a new one where it has none."""
        with self._lock:
            starting = self._starting.setdefault(node.id, threading.Lock())
        with starting:
            agent = self._agents.get(node.id)
            if agent is None:
                silence = self._silence_seconds
                agent = AgentOnNode(self._cluster, node, self._setup(node), silence_seconds=silence, lost=self._forget)
                with self._lock:
                    self._agents[node.id] = agent
        if self._closed:
            agent.close()
            raise LaunchFailed("the launcher is closed")
        return agent

    def _setup(self, node: Node) -> Setup:
        return Setup(
            directory=self._directory / f"{node.id[:16]}-{uuid.uuid4().hex[:8]}",
            beacon=self._beacon,
            environment=self._environment,
            sandbox=self._sandbox,
            readable=self._readable,
            silence_seconds=self._silence_seconds * _MARGIN,
        )

    def _forget(self, agent: AgentOnNode) -> None:
        with self._lock:
            if self._agents.get(agent.node.id) is agent:
                del self._agents[agent.node.id]

    def _note_warm(self, order: Order, node: str) -> None:
        """Remember where the child of a key is, for the next run of it."""
        if order.warm_key is None:
            return
        with self._lock:
            self._warm.pop(order.warm_key, None)
            self._warm[order.warm_key] = node
            if len(self._warm) > _MOST_WARM_KEYS:
                del self._warm[next(iter(self._warm))]


def _clear(directory: Path, served: Path | None) -> None:
    left = [found for found in directory.glob(f"{socket.gethostname()}-*") if _is_left(found)]
    if served is not None and served.is_dir():
        boxes.give_all_back(served, lambda inside: any(inside.is_relative_to(found) for found in left))
    for found in left:
        shutil.rmtree(found, ignore_errors=True)


def _is_left(launchers: Path) -> bool:
    """Tell whether the process that made a directory is gone; its agents have ended, or soon will have."""
    owner = launchers.name.rsplit("-", 2)[1]
    return owner == str(os.getpid()) or not Path(f"/proc/{owner}").exists()


def _need(order: Order) -> Capacity:
    return Capacity.of(cpus=order.cpus, memory_bytes=order.memory_limit_bytes)
