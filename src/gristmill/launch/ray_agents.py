"""The worker's end of an agent on a node: it asks for news again and again, and takes silence for a loss."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

from gristmill.launch.launcher import ChildLost, LaunchFailed
from gristmill.launch.ray_agent import Agent, Setup, version
from gristmill.launch.ray_child import RayChild
from gristmill.launch.ray_cluster import Cluster, Node

_log = logging.getLogger("gristmill.launch")
_NEWS_SECONDS = 1.0
_START_SECONDS = 60.0
_LAUNCH_SECONDS = 120.0
_CLOSE_SECONDS = 10.0
_TELL_SECONDS = 5.0
_THREADS = 64


class AgentOnNode:
    """One agent, and the children that it has. ``lost`` is told once, when it is gone or has not answered for long.

    Raises:
        LaunchFailed: the node cannot work for us.
        ChildLost: it is gone.

    """

    def __init__(
        self, cluster: Cluster, node: Node, setup: Setup, *, silence_seconds: float, lost: Callable[[AgentOnNode], None]
    ) -> None:
        self.node = node
        self._cluster, self._silence_seconds, self._tell_lost = cluster, silence_seconds, lost
        self._lock = threading.Lock()
        self._children: dict[int, RayChild] = {}
        self._why: str | None = None
        self._closed = False
        self._actor = cluster.start(Agent, node.id, setup, threads=_THREADS)
        try:
            self._greet(setup)
        except (LaunchFailed, ChildLost):
            self._end_actor()
            raise
        self._listener = threading.Thread(target=self._listen, name=f"ray-{node.address}", daemon=True)
        self._listener.start()

    def launch(self, child: RayChild) -> None:
        """Have it start a child.

        Raises:
            LaunchFailed: it could not.
            ChildLost: it is gone, or does not answer.

        """
        with self._lock:
            if self._why is not None:
                raise ChildLost(self._why)
            self._children[child.number] = child
        refusal = self._call(_LAUNCH_SECONDS, "launch", child.number, child.order)
        if refusal is not None:
            self._children.pop(child.number, None)
            raise LaunchFailed(f"{refusal} (on the Ray node {self.node.address})")
        child.begun(self)

    def tell(self, what: str, number: int) -> None:
        """Have it ``terminate``, ``kill`` or ``release`` a run, and wait a moment until it has.

        A child that was released is there for the next run then.
        """
        with contextlib.suppress(ChildLost, LaunchFailed):  # the listener hears of it, too
            self._call(_TELL_SECONDS, what, number)

    def close(self) -> None:
        """End every child and the agent itself."""
        self._closed = True
        with contextlib.suppress(ChildLost):
            self._call(_CLOSE_SECONDS, "close")
        self._end_actor()
        self._listener.join(_CLOSE_SECONDS)

    def _greet(self, setup: Setup) -> None:
        greeting = self._call(_START_SECONDS, "hello")
        where = f"the Ray node {self.node.address}"
        if greeting.version != version():
            raise LaunchFailed(
                f"{where} has Gristmill {greeting.version}, this worker {version()}: install the same on all nodes"
            )
        if not greeting.sees:
            raise LaunchFailed(
                f"{where} does not see {setup.beacon.parent}: the data directory must be a folder that all nodes share"
            )

    def _listen(self) -> None:
        while True:
            try:
                news = self._call(_NEWS_SECONDS + self._silence_seconds, "news", _NEWS_SECONDS)
            except ChildLost as lost:
                self._lose(str(lost))
                return
            for number, ending in news.items():
                child = self._children.pop(number, None)
                if child is not None:
                    child.finish(ending)

    def _lose(self, why: str) -> None:
        with self._lock:
            self._why = why
            children, self._children = list(self._children.values()), {}
        self._tell_lost(self)
        if not self._closed:
            _log.warning("ray.node_lost", extra={"node": self.node.address, "runs": len(children), "reason": why})
        for child in children:
            child.finish(ChildLost(why))
        if not self._closed:
            self._end_actor()

    def _call(self, within_seconds: float, method: str, *arguments: object) -> Any:  # noqa: ANN401 - what it answers
        """Ask the agent something.

        Raises:
            ChildLost: it is gone, or does not answer in time.
            LaunchFailed: it could not begin.

        """
        where = f"The Ray node {self.node.address}"
        errors = self._cluster.ray.exceptions
        try:
            return self._cluster.ray.get(getattr(self._actor, method).remote(*arguments), timeout=within_seconds)
        except errors.GetTimeoutError:
            raise ChildLost(f"{where} did not answer for {within_seconds:g} s.") from None
        except errors.RayTaskError as error:
            raise LaunchFailed(f"the agent on {where[0].lower()}{where[1:]} failed: {_last_line(error)}") from error
        except errors.ActorDiedError as error:
            if "ModuleNotFoundError" in str(error):
                raise LaunchFailed(f"{where} has no Gristmill: pip install 'gristmill[ray]' there") from error
            raise ChildLost(f"{where} is gone.") from error
        except Exception as error:
            raise ChildLost(f"{where} does not answer ({type(error).__name__}).") from error

    def _end_actor(self) -> None:
        with contextlib.suppress(Exception):
            self._cluster.ray.kill(self._actor)


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
