"""A Ray cluster as the launcher uses it: connected to with a deadline, its nodes, and room that is reserved on one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import dataclass
from typing import Any, Self

from gristmill.domain.capacity import Capacity

_ANSWER_SECONDS = 5.0
_CONNECT_SECONDS = 60.0
_NOTHING_CPUS = 0.001  # Ray keeps no room of nothing
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # With Ray's own values a call over a connection that was cut off stays pending for ever.
    "RAY_grpc_client_keepalive_time_ms": "2000",
    "RAY_grpc_client_keepalive_timeout_ms": "2000",
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
}
"""Ray's settings of this process; nodes are started with the same ones."""

# Ray would kill an actor's own children first of all, and with them what ends the trees of users' code.
_OF_ACTORS = {"RAY_kill_child_processes_on_worker_exit": "false"}


class ClusterUnusable(Exception):
    """The Ray cluster cannot be used; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive, and all that it has."""

    id: str
    address: str
    has: Capacity


class Room:
    """Processors and memory that are reserved on one node, as soon as one has them, until ``give_back``."""

    def __init__(self, ray: Any, group: Any) -> None:  # noqa: ANN401 - Ray's own
        self._ray, self._group = ray, group

    def node(self) -> str | None:
        """Return the id of the node; None while none has room."""
        # What it is waiting for may be impossible by now; it is looked at again and again, with the nodes that live.
        table = self._ray.util.placement_group_table(self._group)
        return table["bundles_to_node_id"][0] or None if table["state"] == "CREATED" else None

    def give_back(self) -> None:
        """Let others have it. What Ray does not hear by now it frees when this process ends."""
        with contextlib.suppress(Exception):
            self._ray.util.remove_placement_group(self._group)


class Cluster:
    """The connection of this process, of which there is one."""

    def __init__(self, ray: Any, *, ours: bool) -> None:  # noqa: ANN401 - Ray's module
        self._ray, self._ours = ray, ours

    @classmethod
    def connect(cls, address: str) -> Self:
        """Connect to the cluster at ``host:port``, or ``auto`` for the one of this machine.

        Raises:
            ClusterUnusable: Ray is not installed, does not answer, or refuses us.

        """
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            import ray
        except ImportError as error:
            raise ClusterUnusable(
                f"Ray is not installed ({error}): pip install 'gristmill[ray]' here and on every node."
            ) from error
        if ray.is_initialized():
            return cls(ray, ours=False)
        check(address)
        _connect(ray, address)
        return cls(ray, ours=True)

    @property
    def ray(self) -> Any:  # noqa: ANN401 - Ray's module
        """Ray itself."""
        return self._ray

    def nodes(self) -> list[Node]:
        """Return the nodes that are alive."""
        return [_node(found) for found in self._ray.nodes() if found["Alive"]]

    def has(self) -> Capacity:
        """Return what all nodes have together."""
        nodes = self.nodes()
        return Capacity(
            millicores=sum(node.has.millicores for node in nodes),
            memory_bytes=sum(node.has.memory_bytes for node in nodes),
        )

    def room(self, need: Capacity, *, rather: str | None) -> Room:
        """Ask for so much on one node, on ``rather`` where that has it."""
        bundle = {"CPU": need.millicores / 1000 or _NOTHING_CPUS}
        if need.memory_bytes:
            bundle["memory"] = need.memory_bytes
        group = self._ray.util.placement_group([bundle], strategy="STRICT_PACK", _soft_target_node_id=rather)
        return Room(self._ray, group)

    def start(self, actor: type, node: str, *arguments: object, threads: int) -> Any:  # noqa: ANN401 - an actor's handle
        """Start an actor on a node, which it does not outlive, and which it takes nothing of."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        there = NodeAffinitySchedulingStrategy(node, soft=False)
        options = {"num_cpus": 0, "max_restarts": 0, "max_concurrency": threads, "scheduling_strategy": there}
        options["runtime_env"] = {"env_vars": _OF_ACTORS}
        return self._ray.remote(actor).options(**options).remote(*arguments)

    def close(self) -> None:
        """Hang up, if it was us who connected."""
        if self._ours:
            self._ray.shutdown()


def check(address: str) -> None:
    """See whether anybody listens: Ray itself would try for minutes.

    Raises:
        ClusterUnusable: nobody does, or that is no address.

    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "://" in address or not host or not port.isdecimal():
        raise ClusterUnusable(
            f"GRISTMILL_RAY_ADDRESS: {address!r} is neither host:port of the cluster's head nor auto. "
            "Gristmill's worker has to be on a node of the cluster itself; Ray's client (ray://) will not do."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_SECONDS).close()
    except OSError as error:
        raise ClusterUnusable(
            f"GRISTMILL_RAY_ADDRESS: no Ray cluster answers at {address} ({error}). "
            "Is `ray start --head` running there?"
        ) from error


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401 - Ray's module
    failures: list[Exception] = []

    def connect() -> None:
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False)
        except Exception as error:  # noqa: BLE001 - Ray raises what it likes
            failures.append(error)

    thread = threading.Thread(target=connect, name="ray-connect", daemon=True)
    thread.start()
    thread.join(_CONNECT_SECONDS)
    if thread.is_alive():
        raise ClusterUnusable(
            f"GRISTMILL_RAY_ADDRESS: the Ray cluster at {address} listens, but takes no connection within "
            f"{_CONNECT_SECONDS:g} s. Give the address that `ray start --head` printed; 127.0.0.1 will not do."
        )
    if failures:
        reason = " ".join(str(failures[0]).split())
        raise ClusterUnusable(
            f"GRISTMILL_RAY_ADDRESS: the Ray cluster at {address} cannot be used: {reason} "
            "Is a Ray node running on this machine too, and is RAY_AUTH_TOKEN the cluster's?"
        )


def _node(found: dict[str, Any]) -> Node:
    resources = found["Resources"]
    has = Capacity.of(cpus=resources.get("CPU", 0), memory_bytes=int(resources.get("memory", 0)))
    return Node(found["NodeID"], found["NodeManagerAddress"], has)
