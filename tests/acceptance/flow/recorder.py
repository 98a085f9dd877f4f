"""Notes which calls of a client came back in steps that passed, and which requests it sent: for the compatibility page.

Nothing of the client is changed: its user holds a stand-in that passes every call on, and requests are read from the
log lines of the library that sends them. Standard library only: the older client's environment runs this too.
"""

from __future__ import annotations

import inspect
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

RECORD = "recorded.json"
_HTTPX = re.compile(r"HTTP Request: (\w+) https?://[^/]+(/[^?\s\"]*)")
_URLLIB3 = re.compile(r"\"(\w+) (/[^?\s\"]*)\S* HTTP/[\d.]+\" \d+")


@dataclass
class Recorder:
    """What one client did: ``calls`` by name, and whether each came back; ``requests`` as method and path."""

    package: str
    mode: str = ""
    calls: dict[str, bool] = field(default_factory=dict)
    requests: set[tuple[str, str]] = field(default_factory=set)
    steps: list[str] = field(default_factory=list)
    offered: set[str] = field(default_factory=set)
    _client: Any = None
    _now: list[tuple[str, bool]] = field(default_factory=list)

    def listen(self) -> None:
        """Take note of requests from now on."""
        for name, level in (("httpx", logging.INFO), ("urllib3.connectionpool", logging.DEBUG)):
            logger = logging.getLogger(name)
            logger.setLevel(level)
            logger.propagate = False
            logger.addHandler(_Requests(self.requests))

    def client(self, client: Any) -> Any:
        """Return a stand-in for a client; what its members offer is noted at the end, when those in use are there."""
        self._client = client
        return Recorded(client, "", _package(client), self.note)

    def other(self, name: str, thing: Any) -> Any:
        """Return a stand-in for something else of the client's that steps call."""
        self.offered |= {f"{name}.{call}" for call in _calls(thing)}
        return Recorded(thing, name, _package(thing), self.note)

    def note(self, call: str, *, came_back: bool) -> None:
        """Note a call of the present step."""
        self._now.append((call, came_back))

    def end_step(self, name: str, *, passed: bool) -> None:
        """Keep what was noted during a step, if it passed; what was refused in it was meant to be."""
        for call, came_back in self._now if passed else ():
            self.calls[call] = self.calls.get(call, False) or came_back
        self.steps += [name] if passed else []
        self._now.clear()

    def write(self, folder: Path) -> None:
        """Write it all down, as JSON."""
        members = vars(self._client) if self._client is not None else {}
        used = {name: each for name, each in members.items() if _is_of(each, _package(self._client))}
        self.offered |= {f"{name}.{call}" for name, each in used.items() for call in _calls(each)}
        document = {
            "client": f"{self.package} {version(self.package)}",
            "mode": self.mode,
            "calls": self.calls,
            "offered": sorted(self.offered),
            "unused": sorted(_members(type(self._client)) - set(members)),
            "requests": sorted(self.requests),
            "steps": self.steps,
        }
        (folder / RECORD).write_text(json.dumps(document, indent=1), encoding="utf-8")


class Recorded:
    """Stands in for a client or a member of it, and passes everything on."""

    def __init__(self, target: Any, name: str, module: str, note: Callable[..., None]) -> None:
        self._target, self._name, self._module, self._note = target, name, module, note

    def __getattr__(self, name: str) -> Any:
        """Return a member: a stand-in for one of the client's own, a noted call, or the value itself."""
        value, full = getattr(self._target, name), f"{self._name}.{name}".lstrip(".")
        if inspect.isroutine(value):
            return self._noted(full, value)
        return Recorded(value, full, self._module, self._note) if _is_of(value, self._module) else value

    def _noted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def pass_on(*arguments: Any, **named: Any) -> Any:
            try:
                answer = call(*arguments, **named)
            except BaseException:
                self._note(name, came_back=False)
                raise
            self._note(name, came_back=True)
            return answer

        return pass_on


class _Requests(logging.Handler):
    def __init__(self, found: set[tuple[str, str]]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if sent := _HTTPX.search(text) or _URLLIB3.search(text):
            self._found.add((sent[1], sent[2]))


def _package(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]


def _members(kind: type) -> set[str]:
    """Return the names of members that are made when they are first asked for."""
    return {name for name, each in vars(kind).items() if isinstance(each, cached_property) and not name.startswith("_")}


def _is_of(value: Any, module: str) -> bool:
    """Tell whether it is a member with calls of the client's package; what compares, such as a version, is a value."""
    kind = type(value)
    return kind.__module__.partition(".")[0] == module and "__eq__" not in vars(kind) and bool(_calls(value))


def _calls(member: Any) -> list[str]:
    """Return the public methods of a client's member that its own package defines."""
    found = inspect.getmembers(type(member), inspect.isfunction)
    return [name for name, call in found if not name.startswith("_") and call.__module__.startswith("ibm")]
