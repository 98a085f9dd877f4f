"""A database that fails when a test says so: at a statement, for good from a statement on, or after a commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from gristmill.store.database import Database


class Died(BaseException):
    """The process is gone: nothing that catches failures may catch this."""


@dataclass
class Faults:
    """Counts statements; the one numbered ``at`` (from 0) fails, and with ``lasting`` all after it."""

    engine: Engine
    at: int | None = None
    lasting: bool = False
    died: bool = False
    count: int = 0
    struck: bool = False
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        event.listen(self.engine, "before_cursor_execute", self._before)

    @contextmanager
    def armed(self, at: int, *, lasting: bool = False, died: bool = False) -> Iterator[None]:
        """Let it happen within the block."""
        self.at, self.lasting, self.died, self.count, self.struck = at, lasting, died, 0, False
        try:
            yield
        except (Died, OperationalError):
            assert self.struck
        finally:
            self.at = None

    def _before(self, _connection: Connection, _cursor: object, statement: str, *_: Any) -> None:
        self.statements.append(statement)
        number, self.count = self.count, self.count + 1
        if self.at is not None and (number == self.at or (self.lasting and number > self.at)):
            self.struck = True
            raise Died if self.died else OperationalError(statement, None, Exception("the database went away"))


class ForgetfulDatabase(Database):
    """Commits, and may lose the answer to it."""

    loses_answers = 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction; its end is not always heard of."""
        with super().transaction() as connection:
            yield connection
        if self.loses_answers:
            self.loses_answers -= 1
            raise OperationalError("COMMIT", None, Exception("the server closed the connection"))
