"""Group commit: writers of one process that queue for SQLite share a transaction, and one wait for the disk.

A commit waits some milliseconds for the disk, and nobody else may write meanwhile. So who is done while others of this
process queue leaves the transaction to the next of them, and whoever is done with nobody behind commits for all. Each
behind the first has a savepoint: one that fails takes nothing of the others along. Nobody returns before the commit.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

_MOST_SECONDS = 0.02


class GroupCommit:
    """The queue of the writers of one SQLite database in this process."""

    def __init__(self, engine: Engine, options: Mapping[str, object]) -> None:
        self._engine = engine
        self._options = options
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._open: _Group | None = None

    @contextmanager
    def writer(self) -> Iterator[Connection]:
        """Give a connection whose transaction is committed when the block has ended, or undone when it raised.

        Raises:
            DBAPIError: it could not be committed, nor anything that others did in the same transaction.

        """
        group, own = self._enter(), None
        try:
            with group.place():
                yield group.connection
        except BaseException as error:
            own = error
            raise
        finally:
            self._leave(group)
            group.await_end(own)

    def _enter(self) -> _Group:
        self._wait_for_turn()
        try:
            self._open = self._open or _Group(self._engine, self._options)
            return self._open
        except BaseException:
            self._turn.release()
            raise

    def _wait_for_turn(self) -> None:
        self._count(+1)
        try:
            self._turn.acquire()
        except BaseException:
            # Ctrl-C: somebody may have left an open transaction to this one.
            self._count(-1)
            with self._turn:
                self._end_open()
            raise
        self._count(-1)

    def _leave(self, group: _Group) -> None:
        """Hand the transaction on to who waits, or end it: with the turn, so that a queue forms meanwhile."""
        try:
            if not self._waiting or not group.may_go_on:
                self._end_open()
        finally:
            self._turn.release()

    def _end_open(self) -> None:
        group, self._open = self._open, None
        if group is not None:
            group.end()

    def _count(self, number: int) -> None:
        with self._counting:
            self._waiting += number


class _Group:
    """One transaction, and whether it has come to its end; used by who has the turn."""

    def __init__(self, engine: Engine, options: Mapping[str, object]) -> None:
        self._until = time.monotonic() + _MOST_SECONDS
        self._ended = threading.Event()
        self._is_new = True
        self._undone: BaseException | None = None
        self.failure: BaseException | None = None
        self._culprit: BaseException | None = None
        with ExitStack() as stack:
            self.connection = stack.enter_context(engine.connect())
            self.connection.execution_options(**options)
            stack.enter_context(self.connection.begin())
            self._stack = stack.pop_all()

    @property
    def may_go_on(self) -> bool:
        """Whether another may join: not for long, because other processes wait for the whole group."""
        return self.failure is None and self._undone is None and time.monotonic() < self._until

    def place(self) -> AbstractContextManager[None]:
        """Return what undoes the block's work if it raises.

        The first one needs no savepoint: with it the whole transaction is undone. Behind a savepoint SQLite takes time
        at each statement for all pages changed before, and there may be many where one writes for long.
        """
        is_first, self._is_new = self._is_new, False
        return self._whole() if is_first else self._savepoint()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._undone = error
            raise

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        raw: Any = self.connection.connection.driver_connection
        self._say(raw, "SAVEPOINT writer")
        if self.failure is not None:
            raise _failed_for_all(self.failure)
        try:
            yield
        except BaseException as error:
            self._say(raw, "ROLLBACK TO writer", after=error)
            self._say(raw, "RELEASE writer")
            raise
        self._say(raw, "RELEASE writer")

    def end(self) -> None:
        """Commit, or undo all where the transaction is lost or its only writer failed."""
        why = self.failure or self._undone
        try:
            if why is not None:
                self._stack.__exit__(type(why), why, why.__traceback__)
            else:
                self._stack.close()
        except BaseException as error:  # noqa: BLE001 - raised by each of those who wait for it
            self.failure = self.failure or error
        finally:
            self._ended.set()

    def await_end(self, own: BaseException | None) -> None:
        """Wait until the last of the group has ended it; raise what it failed of, unless that was ``own``."""
        self._ended.wait()
        if self.failure is not None and (own is None or own is not self._culprit):
            raise _failed_for_all(self.failure)

    def _say(self, raw: Any, statement: str, *, after: BaseException | None = None) -> None:  # noqa: ANN401
        """Tell SQLite; if it refuses, it has undone the whole transaction before, as it does on a full disk."""
        try:
            raw.execute(statement)
        except sqlite3.Error as error:
            if self.failure is None:
                self.failure = after if isinstance(after, DBAPIError) else OperationalError(statement, None, error)
                self._culprit = after


def _failed_for_all(failure: BaseException) -> BaseException:
    """Return an error of the writer's own: one that several threads raise would get the traces of all."""
    if isinstance(failure, DBAPIError):
        own = OperationalError("COMMIT", None, failure.orig or failure)
        own.__cause__ = failure
        return own
    return failure
