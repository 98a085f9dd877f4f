"""`.../deliveries` of jobs and channels: what was told, to whom, and how that went. An extension of the wire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from gristmill.api.envelope import instant, page_limit, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.jobs import listed, start_of
from gristmill.domain.delivery import DeliveryEntry
from gristmill.service import deliveries

router = Router(tag="Notifications")


@router.get("/v2/jobs/{job_id}/deliveries")
def page(
    ctx: Ctx,
    me: Me,
    job_id: str,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List the deliveries of a job's events, the newest event first."""
    size = page_limit(limit)
    found = deliveries.page(ctx, me, job_id, limit=size, start=start_of(mark))
    return listed(found.total, [_document(entry) for entry in found.items], found.next, size)


@router.get("/v2/notification_channels/{channel_id}/deliveries")
def page_of_channel(
    ctx: Ctx,
    me: Me,
    channel_id: str,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List what went over a channel, the newest event first."""
    size = page_limit(limit)
    found = deliveries.page_of_channel(ctx, me, channel_id, limit=size, start=start_of(mark))
    return listed(found.total, [_document(entry) for entry in found.items], found.next, size)


def _document(entry: DeliveryEntry) -> dict[str, Any]:
    delivery = entry.delivery
    return without_none(
        {
            "id": delivery.id,
            "event_id": delivery.event_id,
            "kind": str(entry.kind),
            "at": instant(entry.at),
            "run_id": entry.run_id,
            "target": delivery.target,
            "channel_id": delivery.channel_id,
            "channel_name": entry.channel_name,
            "state": str(delivery.state),
            "attempts": delivery.attempts,
            "last_error": entry.error,
            "last_attempt_at": instant(entry.last_attempt_at) or None,
            "next_attempt_at": instant(delivery.next_attempt_at) or None,
            "delivered_at": instant(delivery.delivered_at) or None,
        }
    )
