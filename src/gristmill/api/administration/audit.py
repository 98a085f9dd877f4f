"""`/v1/audit_events`: who did what, for administrators. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.audit import AuditFilter, Outcome
from gristmill.domain.page import MAX_LIMIT
from gristmill.service import audit

router = Router(prefix="/v1/audit_events", tag="Administration")


class AuditLine(BaseModel):
    """A line of the audit log. Names are as they were then; ``details`` are the members that changed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime
    actor_id: str | None
    actor_name: str
    address: str | None
    action: str
    outcome: Outcome
    target_id: str | None
    target_name: str | None
    space_id: str | None
    details: list[str]


class AuditLines(BaseModel):
    """A page of the audit log; ``next`` is the mark of the page after it."""

    results: list[AuditLine]
    next: str | None


@router.get("")
def page(  # the filters
    ctx: Ctx,
    me: Me,
    user: str | None = None,
    action: str | None = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 50,
    start: str | None = None,
) -> AuditLines:
    """List the audit log, the newest first; ``action`` is one, or a noun (``user``) for all that was done to those."""
    wanted = AuditFilter(actor_name=user or None, action=action or None, since=since, until=until)
    found = audit.page(ctx, me, wanted, limit=limit, start=start or None)
    return AuditLines(results=[AuditLine.model_validate(each) for each in found.items], next=found.next)
