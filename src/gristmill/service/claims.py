"""What a worker says about its runs. Nothing it says counts once its fence is no longer the current one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from gristmill.content.content import Stored
from gristmill.domain.asset import Asset, AssetType, Attachment
from gristmill.domain.capacity import Capacity
from gristmill.domain.errors import NotFound
from gristmill.domain.progress import Progress
from gristmill.domain.row_totals import RowTotals
from gristmill.domain.run import ACTIVE, FINAL, Cause, IllegalTransition, Run, RunEvent, RunState, worker_gone
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.service.context import Context
from gristmill.store import assets, attachments, contents, lanes, run_contents, runs
from gristmill.store import claims as claim_store
from gristmill.store.claims import Claim as Claim
from gristmill.store.claims import HeldKey as HeldKey
from gristmill.store.claims import Room as Room
from gristmill.store.database import Connection
from gristmill.store.runs import Held, StaleFence, cause_document

WORKER_LOST = "worker_lost"
_AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A run that this worker holds, and all that it needs to do it.

    ``capped`` says what of its hardware the worker does not have; ``spec`` has then what it has. ``held`` is how the
    run was left when it was claimed.
    """

    run: Run
    held: Held
    spec: RunSpec
    worker_id: str
    capped: str | None = None

    @property
    def needs(self) -> Capacity:
        """What it reserves while it is at work."""
        return Capacity.of(cpus=self.spec.cpus, memory_bytes=self.spec.memory_limit_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """An output file that becomes a data asset when the run ends, or the new content of one that is there."""

    name: str
    description: str
    mime: str
    stored: Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an execution ended: one event, and what goes with it. ``rows`` are there where the run counts its rows."""

    event: RunEvent
    cause: Cause | None = None
    warning: str | None = None
    result: RunResult | None = None
    publication: Publication | None = None
    rows: RowTotals | None = None


class Settlement(StrEnum):
    """What became of an outcome: it counted, it had counted before, or the run belongs to someone else now."""

    COUNTED = "counted"
    COUNTED_BEFORE = "counted before"
    SUPERSEDED = "superseded"


def take(context: Context, worker_id: str, *, lease: timedelta, room: Room | None = None) -> Assignment | None:
    """Claim the next run for which there is room, or return None when none is free to start."""
    return next(iter(take_some(context, worker_id, lease=lease, room=room, most=1)), None)


def take_some(
    context: Context, worker_id: str, *, lease: timedelta, most: int, room: Room | None = None
) -> list[Assignment]:
    """Claim the next runs for which there is room together, up to ``most``, in one transaction."""
    taken: list[Assignment] = []
    with context.database.transaction() as connection:
        # Asked here: the wait for SQLite's one writer is no part of the lease.
        now = context.now()
        while len(taken) < most:
            found = claim_store.claim(connection, worker_id, now=now, expires_at=now + lease, room=room)
            if found is None:
                break
            taken.append(Assignment(run=found.run, held=found.held, spec=found.spec, worker_id=worker_id))
            room = room and room.without(taken[-1].needs)
    return taken


def renew(context: Context, worker_id: str, *, only: Collection[HeldKey], lease: timedelta) -> list[Claim]:
    """Extend this worker's leases on what it works at; the answer tells what is to be canceled, or is not its own now.

    A claim of which it knows nothing, because the answer to its claiming was lost, comes to its end.
    """
    with context.database.transaction() as connection:
        claim_store.renew(connection, worker_id, only=only, expires_at=context.now() + lease)
        return claim_store.held(connection, worker_id)


def held(context: Context, worker_id: str) -> list[Claim]:
    """Tell a worker what it holds and what was asked of it, without extending anything."""
    with context.database.snapshot() as connection:
        return claim_store.held(connection, worker_id)


def live(context: Context) -> set[tuple[str, str]]:
    """Return (run, fence) of every claim, with the fence as text, as it stands in a run directory's name."""
    with context.database.snapshot() as connection:
        return {(claim.run_id, str(claim.fence)) for claim in claim_store.all_claims(connection)}


def left(context: Context, run_id: str) -> Run | None:
    """Return the run whose directory was found, None if it is gone."""
    with context.database.snapshot() as connection:
        return runs.get(connection, run_id)


def keeps_rows(context: Context, run_id: str) -> bool:
    """Tell whether a run has kept what it had scored already."""
    with context.database.snapshot() as connection:
        found = runs.result(connection, run_id)
    return bool(found and found.kept_rows)


def add_left(context: Context, run_id: str, found: RunResult) -> bool:
    """Add what an attempt of a run left to its result; False if the run is gone, or has it already."""
    with context.database.transaction() as connection:
        if not runs.add_left(connection, run_id, found):
            return False
        run_contents.hold(connection, run_id, found.content_keys())
    return True


def started(context: Context, assignment: Assignment) -> None:
    """Note that the run's code starts. It may be called again when the database's answer was lost.

    Raises:
        StaleFence: the run is someone else's now.
        IllegalTransition: it was canceled meanwhile.

    """
    run = assignment.run
    try:
        with context.database.transaction() as connection:
            _start(connection, assignment, now=context.now())
    except IllegalTransition:
        with context.database.snapshot() as connection:
            now = runs.get(connection, run.id)
        # Under this worker's own fence nobody else has started it.
        if now is None or now.state is not RunState.RUNNING or now.fence != run.fence:
            raise


def _start(connection: Connection, assignment: Assignment, *, now: datetime) -> None:
    run, held, worker_id = assignment.run, assignment.held, assignment.worker_id
    advance = partial(runs.advance, connection, run.id, RunEvent.STARTED, now=now, actor=worker_id, fence=run.fence)
    # Most runs begin at once: then what was read when it was claimed is what there is, or the run has moved on.
    if timedelta(0) <= now - run.modified_at < _AT_ONCE:
        try:
            advance(held=held)
        except StaleFence:
            pass
        else:
            return
    advance()


def progress(context: Context, assignment: Assignment, found: Progress) -> None:
    """Note how far the run is."""
    with context.database.transaction() as connection:
        runs.report_progress(connection, assignment.run.id, found, fence=assignment.run.fence)


def still_ours(context: Context, assignment: Assignment) -> bool:
    """Tell whether the run is still this worker's, before something is done that only its holder may do."""
    run = assignment.run
    with context.database.snapshot() as connection:
        now = runs.get(connection, run.id)
    return now is not None and now.state in ACTIVE and now.fence == run.fence and now.worker_id == run.worker_id


def finish(context: Context, assignment: Assignment, outcome: Outcome) -> Settlement:
    """End the run: result asset, state, claim, history and totals in one transaction.

    It may be called again when the database's answer was lost: the second call finds what the first one did.
    """
    run = assignment.run
    try:
        with context.database.transaction() as connection:
            _settle(context, connection, assignment, outcome)
    except (StaleFence, NotFound):
        with context.database.snapshot() as connection:
            now = runs.get(connection, run.id)
        ours = now is not None and now.state in FINAL and now.fence == run.fence and now.worker_id == run.worker_id
        return Settlement.COUNTED_BEFORE if ours else Settlement.SUPERSEDED
    context.wake()
    return Settlement.COUNTED


def hand_back(context: Context, assignment: Assignment, *, lost: str | None = None) -> RunState:
    """Give the run up because this worker stops: it waits again, or ends where its code may not be repeated.

    ``lost`` tells of a misfortune, behind "The worker": the run had its attempt, for it may be what brought that about.
    """
    run_id, fence, why = assignment.run.id, assignment.run.fence, lost or "was stopped"
    with context.database.transaction() as connection:
        run = runs.get(connection, run_id)
        if run is None:
            raise StaleFence("The run is gone.")
        state = give_up(context, connection, run, fence, actor=assignment.worker_id, why=why, unasked=lost is not None)
    context.wake()
    return state


def give_up(
    context: Context,
    connection: Connection,
    run: Run,
    fence: int,
    *,
    actor: str,
    why: str,
    unasked: bool,
    held: Held | None = None,
) -> RunState:
    """Take a run from its worker, within a transaction that is open.

    One that is not ``unasked`` was no attempt: its worker did not die of it. ``held`` as in `store/runs.py`.

    Raises:
        StaleFence: it is no longer held under this fence.

    """
    if run.fence != fence or run.state not in ACTIVE:
        raise StaleFence("The run is no longer held.")
    counted = run.attempt if unasked else run.attempt - 1
    event = worker_gone(state=run.state, kind=run.kind, attempt=counted)
    changes: dict[str, object] = {"cause": cause_document(_worker_lost(run, why))} if event is RunEvent.LOST else {}
    if event is RunEvent.RETURNED:
        changes["attempt"] = counted
    state = runs.advance(
        connection, run.id, event, now=context.now(), actor=actor, fence=fence, changes=changes, held=held
    )
    if run.deleted_at and state in FINAL:
        remove_run(context, connection, run.id)
    return state


def repair_hints(context: Context, *, after: str, limit: int) -> tuple[str, int]:
    """Check the hints of the next lanes; returns where to go on, and how many hints were wrong."""
    with context.database.transaction() as connection:
        return lanes.repair_some(connection, after=after, limit=limit)


def _settle(context: Context, connection: Connection, assignment: Assignment, outcome: Outcome) -> None:
    run, now = assignment.run, context.now()
    result = outcome.result
    if outcome.publication:
        asset_id = _publish(context, connection, assignment, outcome.publication)
        result = replace(
            result or RunResult(),
            output_asset_id=asset_id,
            output_name=outcome.publication.name,
            output_key=outcome.publication.stored.key,
        )
    changes: dict[str, object] = {"warning": outcome.warning, "result": result.document() if result else None}
    if outcome.cause:
        changes["cause"] = cause_document(outcome.cause)
    if outcome.rows:
        changes |= {**outcome.rows.columns(), "rows_done": outcome.rows.done, "rows_total": outcome.rows.read}
    elif result and result.rows_scored is not None:
        changes |= {"rows_done": result.rows_scored, "rows_total": result.rows_read}
    held, actor = runs.lock(connection, run.id), assignment.worker_id
    runs.advance(connection, run.id, outcome.event, now=now, actor=actor, fence=run.fence, changes=changes, held=held)
    run_contents.hold(connection, run.id, result.content_keys() if result else ())
    if held.deleted_at:
        remove_run(context, connection, run.id)


def remove_run(context: Context, connection: Connection, run_id: str) -> None:
    """Delete a run that has ended, and let go of the content that it alone referred to."""
    held = run_contents.held(connection, run_id)
    runs.remove(connection, run_id)
    contents.discard(connection, held, context.now())


def _publish(context: Context, connection: Connection, assignment: Assignment, publication: Publication) -> str:
    now, run = context.now(), assignment.run
    asset_id = assignment.spec.output_asset_id
    if asset_id and assets.get(connection, asset_id):
        replaced = attachments.of_assets(connection, [asset_id])[asset_id]
        attachments.delete_these(connection, [attachment.id for attachment in replaced], now)
        assets.change(connection, asset_id, {"size": publication.stored.size, "modified_at": now})
    else:
        asset_id = context.new_id()
        assets.create(connection, _data_asset(asset_id, run, publication, now=now))
    assets.set_maker(connection, asset_id, job_id=run.job_id, run_id=run.id)
    attachments.create(connection, _attachment(context, asset_id, publication))
    return asset_id


def _data_asset(asset_id: str, run: Run, publication: Publication, *, now: object) -> Asset:
    stamps: Mapping[str, object] = {"created_at": now, "modified_at": now}
    return Asset(
        id=asset_id,
        space_id=run.space_id,
        type=AssetType.DATA_ASSET,
        name=publication.name,
        description=publication.description,
        owner_id=run.requester_id,
        entity={"data_asset": {"mime_type": publication.mime}},
        size=publication.stored.size,
        **stamps,  # type: ignore[arg-type]
    )


def _attachment(context: Context, asset_id: str, publication: Publication) -> Attachment:
    return Attachment(
        id=context.new_id(),
        asset_id=asset_id,
        name=publication.name,
        mime=publication.mime,
        content_key=publication.stored.key,
        size=publication.stored.size,
        sha256=publication.stored.sha256,
        complete=True,
        created_at=context.now(),
    )


def _worker_lost(run: Run, why: str) -> Cause:
    return Cause(
        code=WORKER_LOST,
        message=f"The worker {why} while the run was {run.state} (attempt {run.attempt}). A {run.kind} is not repeated "
        "unasked once its code has started; submit it again.",
    )
