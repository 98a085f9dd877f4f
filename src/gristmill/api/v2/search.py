"""`/v2/asset_types/{type}/search`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, ConfigDict

from gristmill.api.envelope import without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.asset_envelope import envelope
from gristmill.api.v2.job_document import run_document
from gristmill.api.v2.jobs import documents
from gristmill.domain.asset import AssetType
from gristmill.domain.page import MAX_LIMIT
from gristmill.service import job_runs, jobs
from gristmill.service.asset_access import AssetWithAttachments
from gristmill.service.asset_search import Search, search
from gristmill.service.context import Context

router = Router(tag="search")


class SearchBody(BaseModel):
    """What a client searches; ``bookmark`` comes from the page before."""

    model_config = ConfigDict(extra="ignore")

    query: str | None = None
    include: str | None = None
    sort: str | None = None
    limit: int | None = None
    bookmark: str | None = None


@router.post("/v2/asset_types/{asset_type}/search")
def find(
    ctx: Ctx, me: Me, asset_type: str, body: Annotated[SearchBody | None, Body()] = None, space_id: str | None = None
) -> dict[str, Any]:
    """Return a page of assets; ``next`` is the whole body of the request for the page after it."""
    body = body or SearchBody()
    included = {word.strip() for word in (body.include or "").split(",")}
    # Clients read the connection type from the entity without asking for it.
    with_entity = not included - {""} or "entity" in included
    limit = max(1, min(body.limit or MAX_LIMIT, MAX_LIMIT))
    wanted = Search(
        type=asset_type,
        query=body.query or "*:*",
        sort=body.sort,
        limit=limit,
        bookmark=body.bookmark,
        with_attachments="attachments" in included,
    )
    found = search(ctx, me, space_id, wanted)
    shown = [envelope(item, attachments="attachments" in included, entity=with_entity) for item in found.items]
    if with_entity:
        _with_jobs(ctx, found.items, shown)
    answer: dict[str, Any] = {"total_rows": found.total, "results": shown}
    if found.next:
        again = {"query": wanted.query, "include": body.include, "sort": body.sort, "limit": limit}
        answer["next"] = without_none({**again, "bookmark": found.next})
    return answer


def _with_jobs(ctx: Context, found: Sequence[AssetWithAttachments], shown: list[dict[str, Any]]) -> None:
    """Give jobs and runs among the assets the entities that their own routes show."""
    jobs_found = [item.asset.id for item in found if item.asset.type == AssetType.JOB]
    runs_found = [item.asset.id for item in found if item.asset.type == AssetType.JOB_RUN]
    entities = {job["asset_id"]: job["entity"] for job in documents(ctx, jobs.named(ctx, jobs_found))}
    for run, parent in job_runs.named(ctx, runs_found):
        entities[run.id] = run_document(run, parent)["entity"]
    for answer in shown:
        answer["entity"] = entities.get(answer["asset_id"], answer["entity"])
