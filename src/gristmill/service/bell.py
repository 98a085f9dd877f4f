"""The bell that tells other processes that there may be something to do. It may be missed: everybody also looks."""

from __future__ import annotations

from contextlib import AbstractContextManager

from gristmill.service.context import Context
from gristmill.store import bell
from gristmill.store.bell import Listener as Listener


def reaches_others(context: Context) -> bool:
    """Tell whether a ring is heard in other processes."""
    return bell.reaches_others(context.database)


def ring(context: Context, sender: str) -> None:
    """Ring in all processes that listen."""
    bell.ring(context.database, sender)


def listen(context: Context, sender: str) -> AbstractContextManager[Listener]:
    """Begin to listen, in the process that rings as ``sender``."""
    return bell.listen(context.database, sender)
