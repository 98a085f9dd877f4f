"""The audit log. What a request changes is noted within the transaction that changes it, so nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from gristmill.domain.audit import Act, AuditEvent, AuditFilter, Change, Outcome
from gristmill.domain.page import Page
from gristmill.domain.user import Actor
from gristmill.service.access import administrators_only
from gristmill.service.context import Context
from gristmill.store import audit
from gristmill.store.database import Connection
from gristmill.store.trail import followed


def attended(context: Context, act: Act) -> Context:
    """Return the context for a request that sets out to do this: its transactions note what they did."""

    @contextmanager
    def attend(connection: Connection) -> Iterator[None]:
        with followed(connection, act.noun) as changes:
            yield
        audit.add(connection, [_event(context, act, Outcome.DONE, change) for change in changes])

    return replace(context, database=context.database.attended(attend))


def refused(context: Context, act: Act, *, path: str) -> None:
    """Note that somebody may not do what it set out to do."""
    with context.database.transaction() as connection:
        audit.add(connection, [_event(context, act, Outcome.REFUSED, Change(target_id="", details=[path]))])


def noted(context: Context, connection: Connection, act: Act, *, details: Sequence[str] = ()) -> None:
    """Note, within a transaction that is open, what was done by no request."""
    audit.add(connection, [_event(context, act, Outcome.DONE, Change(target_id="", details=details))])


def signed_in(context: Context, connection: Connection, *, user_id: str, user_name: str, by: str) -> None:
    """Note, within a transaction that is open, that somebody proved who it is, and by what."""
    act = Act("session.begin", context.address, Actor(user_id=user_id, user_name=user_name))
    audit.add(connection, [_event(context, act, Outcome.DONE, Change(target_id="", details=[by]))])


def not_signed_in(context: Context, user_name: str | None) -> None:
    """Note that somebody gave a wrong password or key; the name is as it was given, and may be nobody's."""
    act = Act("session.begin", context.address, Actor(user_id="", user_name=user_name or ""))
    with context.database.transaction() as connection:
        audit.add(connection, [_event(context, act, Outcome.REFUSED)])


def page(
    context: Context, actor: Actor, wanted: AuditFilter, *, limit: int, start: str | None = None
) -> Page[AuditEvent]:
    """List the audit log, the newest first.

    Raises:
        Forbidden: the actor is no administrator.

    """
    administrators_only(actor)
    with context.database.snapshot() as connection:
        return audit.page(connection, wanted, limit=limit, start=start)


def _event(context: Context, act: Act, outcome: Outcome, change: Change | None = None) -> AuditEvent:
    actor, change = act.actor, change or Change(target_id="")
    return AuditEvent(
        id=context.new_id(),
        at=context.now(),
        actor_id=(actor.user_id if actor else None) or None,
        actor_name=_line(actor.user_name if actor else "", 255),
        address=_line(act.address, 64) if act.address else None,
        action=act.action,
        outcome=outcome,
        target_id=change.target_id or None,
        target_name=change.target_name,
        space_id=change.space_id,
        details=_details(change.details),
    )


def _details(details: Sequence[str]) -> list[str]:
    return [_line(each, 300) for each in details]


def _line(text: str, most: int) -> str:
    return text.replace("\x00", "")[:most]
