"""Holds a library that opens its own connections to the addresses that the guard permits.

A library resolves names again after a check, follows redirects, and reads hosts from any part of a URL. So the check
stands where a connection begins: at the audit event that the interpreter raises for each (PEP 578). The hook does
nothing outside of ``only_permitted``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from gristmill.guard.address_guard import AddressGuard

_EVENTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class ConnectionRefused(PermissionError):
    """A connection to an address that is not permitted was held back."""


@dataclass(slots=True)
class Watch:
    """What was held back while it lasted."""

    guard: AddressGuard
    checked: Collection[str]
    refused: list[str] = field(default_factory=list)

    def pass_or_refuse(self, address: object) -> None:
        """Let a connection go on, or hold it back.

        Raises:
            ConnectionRefused: it goes to an address that is not permitted, or to a socket of this machine.

        """
        # sendmsg on a connected socket names no address: its connection was looked at.
        if address is None:
            return
        numeric = str(address[0]) if isinstance(address, tuple) and address else ""
        if numeric not in self.checked and not self.guard.permits(numeric):
            self.refused.append(numeric)
            raise ConnectionRefused("this address is not permitted; see GRISTMILL_ALLOWED_NETWORKS")


_watch: ContextVar[Watch | None] = ContextVar("gristmill_watch", default=None)


@contextmanager
def only_permitted(guard: AddressGuard, checked: Collection[str] = ()) -> Iterator[Watch]:
    """Hold back connections of this thread, and of those that get its context, to addresses that are not permitted.

    ``checked``: numeric addresses that were found good already, because a name was permitted.
    """
    _install()
    watch = Watch(guard, checked)
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


@functools.cache
def _install() -> None:
    sys.addaudithook(_on_event)


def _on_event(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS:
        watch = _watch.get()
        if watch is not None:
            watch.pass_or_refuse(arguments[1])
