"""The composition root: puts a server together from its settings, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from uvicorn.loops.auto import auto_loop_factory

from gristmill import listening, watch
from gristmill.api.app import create_api
from gristmill.api.listeners import Listener, serve
from gristmill.content.bucket import SCHEME, Bucket
from gristmill.content.content import Content
from gristmill.content.folder import FolderContent
from gristmill.content.s3 import S3Content
from gristmill.data.places import Places
from gristmill.deliver.email import Mail
from gristmill.domain.errors import GristmillError
from gristmill.engine.bell import Bell
from gristmill.engine.engine import Engine
from gristmill.engine.janitor import Janitor
from gristmill.engine.key_watch import KeyWatch
from gristmill.engine.schema_watch import SchemaWatch
from gristmill.guard.address_guard import AddressGuard
from gristmill.launch.environment_store import EnvironmentStore
from gristmill.launch.interpreters import Interpreters
from gristmill.launch.ray_cluster import ClusterUnusable
from gristmill.launchers import launcher_of, offer_of
from gristmill.service import data_keys, environments, retention, users
from gristmill.service.context import Context, Keeping, Limits
from gristmill.service.environments import Environments
from gristmill.service.outlets import DirectOutlets
from gristmill.settings import DATABASE_FILE, Settings
from gristmill.settings import CannotStart as CannotStart
from gristmill.store import health
from gristmill.store.database import Database
from gristmill.store.migrate import SchemaUnfit, migrate

Announce = Callable[[str], None]


def run(settings: Settings, announce: Announce, *, api: bool, engine: bool) -> None:
    """Run the API, the engine, or both, until SIGTERM or SIGINT. ``announce`` gets the lines for whoever started it.

    Raises:
        CannotStart: a port is in use, the database does not answer, or a setting does not fit.

    """
    watch.begin_logs(settings)
    # First of all, so that a second server on the same ports ends before it touches anything.
    sockets = listening.bind_all(settings) if api else []
    with ExitStack() as unless_composed:
        for socket in sockets:
            unless_composed.callback(socket.close)
        context = watch.watched(compose(settings), settings)
        unless_composed.callback(context.database.close)
        # Before a key is made that is shown once.
        listeners = listening.listeners(settings, sockets)
        end_metrics = watch.serve_metrics(context, settings)
        unless_composed.pop_all()
    try:
        new_key = users.bootstrap(context, settings.admin_api_key)
        if new_key:
            announce(f"The API key of the user admin, shown only this once: {new_key}")
        # Code that runs asks there; an engine by itself knows only what it was told.
        url = settings.public_url or (listening.url(settings, listeners[0]) if listeners else None)
        context = replace(context, public_url=url)
        bell = Bell(context)
        context = replace(context, wake=bell.ring)
        worker = _engine(context, settings) if engine else None
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(_until_stopped(context, settings, announce, listeners=listeners, engine=worker, bell=bell))
    finally:
        end_metrics()
        context.traces.close()
        context.database.close()


def clean(settings: Settings, announce: Announce, *, dry_run: bool) -> None:
    """Do all that the janitor finds to do, or only tell it. ``announce`` gets a line for each job of which runs go.

    Raises:
        CannotStart: the database does not answer, or a setting does not fit.

    """
    watch.begin_logs(settings)
    # What it cancels is told, too.
    context = watch.watched(compose(settings), settings)
    try:
        gone: Counter[tuple[str, str]] = Counter()
        for job in retention.would_go(context) if dry_run else Janitor(context).rounds():
            gone[job.job_name, job.job_id] += job.runs
        what = "would go" if dry_run else "went"
        for (name, job_id), number in sorted(gone.items()):
            announce(f"{name} ({job_id}): {number} runs {what}")
        announce(f"{gone.total()} runs of {len(gone)} jobs {what}.")
    finally:
        context.traces.close()
        context.database.close()


def compose(settings: Settings, *, open_database: Callable[[str], Database] | None = None) -> Context:
    """Return the ports of the use cases, over a database with this version's schema, or as ``open_database`` has it.

    Raises:
        CannotStart: the database does not answer or is newer, or a setting does not fit.

    """
    data_dir = settings.data_dir.resolve()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "staging").mkdir(exist_ok=True)
        if not settings.database_url:
            # SQLite gives the files beside it the same mode.
            (data_dir / DATABASE_FILE).touch(mode=0o600)
        database = (open_database or prepare_database)(settings.database)
        return Context(
            database=database,
            content=content_of(settings, data_dir),
            secrets=data_keys.open_ring(database, data_dir, settings.secret_key, now=datetime.now(UTC)),
            data_dir=data_dir,
            limits=_limits(settings),
            outlets=_outlets(settings),
            keeping=Keeping(
                run_days=settings.retention_days,
                event_days=settings.events_days,
                session_hours=settings.session_hours,
            ),
            places=_places(settings),
        )
    except GristmillError as error:
        raise CannotStart(error.message) from error
    except OSError as error:
        raise CannotStart(f"The data directory {data_dir} cannot be used: {error}.") from error


def content_of(settings: Settings, data_dir: Path) -> Content:
    """Return the content store; raises ``CannotStart`` where it cannot be used."""
    where = settings.content
    if where is None or not where.startswith(SCHEME):
        folder = data_dir / "content" if where is None else Path(where)
        if not folder.is_absolute():
            raise CannotStart(f"GRISTMILL_CONTENT: {where} is neither s3://bucket nor the absolute path of a folder.")
        try:
            return FolderContent(folder)
        except OSError as error:
            raise CannotStart(f"The folder for content {folder} cannot be used: {error.strerror}.") from error
    if not settings.content_access_key or not settings.content_secret_key:
        raise CannotStart("GRISTMILL_CONTENT_ACCESS_KEY and GRISTMILL_CONTENT_SECRET_KEY: a bucket needs both.")
    try:
        content = S3Content(
            Bucket.of(
                where,
                endpoint=settings.content_endpoint,
                region=settings.content_region,
                access_key=settings.content_access_key,
                secret_key=settings.content_secret_key,
            )
        )
        content.check()
    except (ValueError, OSError) as error:
        raise CannotStart(f"GRISTMILL_CONTENT cannot be used: {error} Check GRISTMILL_CONTENT_*.") from error
    return content


def prepare_database(url: str) -> Database:
    """Return the database behind a URL, with this version's schema.

    Raises:
        CannotStart: it does not answer, was written by a newer version or another program, or may not be changed.

    """
    database = open_database(url)
    try:
        migrate(database)
    except SchemaUnfit as error:
        database.close()
        raise CannotStart(str(error)) from error
    return database


def open_database(url: str) -> Database:
    """Return the database behind a URL as it is; raises ``CannotStart`` where it does not answer."""
    try:
        return health.connect(url)
    except health.DatabaseUnusable as error:
        raise CannotStart(f"The database cannot be used: {error}. Check GRISTMILL_DATABASE_URL.") from error


async def _until_stopped(
    context: Context,
    settings: Settings,
    announce: Announce,
    *,
    listeners: Sequence[Listener],
    engine: Engine | None,
    bell: Bell,
) -> None:
    stop = _stop_on_signals()
    if engine:
        engine.start()
        context = replace(context, wake=engine.ring)
    bell.start(engine.wake if engine else None)
    watchers = (SchemaWatch(context), KeyWatch(context))
    for watcher in watchers:
        watcher.start()
    async with asyncio.TaskGroup() as group:
        if listeners:
            api = create_api(
                context,
                public_url=settings.public_url,
                stopping=stop.is_set,
                metrics_token=settings.metrics_token,
            )
            group.create_task(
                serve(
                    api,
                    listeners,
                    stop=stop,
                    on_ready=lambda: announce("\n".join(listening.ready_lines(settings, listeners))),
                    grace_seconds=settings.grace_seconds,
                )
            )
        else:
            announce("Gristmill is at work.")
        await stop.wait()
        if engine:
            await asyncio.to_thread(engine.stop)
        await asyncio.to_thread(bell.stop)
        for watcher in watchers:
            await asyncio.to_thread(watcher.stop)


def _stop_on_signals() -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets; a second one ends the process at once."""
    stop = asyncio.Event()

    def told(number: int) -> None:
        if stop.is_set():
            # Children notice: the pipe that they hold ends with this process.
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told, number)
    return stop


def environments_of(context: Context, settings: Settings) -> Environments:
    """Return the software environments that are built in the data directory."""
    store = EnvironmentStore(
        context.data_dir / "environments",
        Interpreters(settings.interpreters),
        build_seconds=settings.environment_build_seconds,
    )
    ours = environments.of_this_server(built=settings.predefined_environments == "built")
    return Environments(context, store, ours, timedelta(days=settings.environment_days))


def _engine(context: Context, settings: Settings) -> Engine:
    directory = context.data_dir / "launcher"
    directory.mkdir(mode=0o700, exist_ok=True)
    # Code that speaks to the server needs to trust it.
    readable = [*settings.readable_paths, listening.tls_directory(settings) / "ca.pem"]
    try:
        chosen = launcher_of(settings, directory, served=context.data_dir / "runs", readable=readable)
    except ClusterUnusable as error:
        raise CannotStart(str(error)) from error
    settings = chosen.settings
    if isinstance(context.content, S3Content):
        # A run waits for a store that restarts; a client is told after some seconds that it is away.
        context = replace(context, content=context.content.patient())
    return Engine(
        context,
        launcher=chosen.launcher,
        environments=environments_of(context, settings),
        slots=settings.worker_slots,
        lease_seconds=settings.lease_seconds,
        grace_seconds=settings.grace_seconds,
        disk_bytes=settings.run_disk_bytes,
        least_free_bytes=settings.worker_free_disk_bytes,
        offers=offer_of(settings),
        offers_now=chosen.offers_now,
        labels=settings.labels,
        poll_seconds=settings.poll_seconds,
    )


def _outlets(settings: Settings) -> DirectOutlets:
    try:
        mail = Mail(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        return DirectOutlets(mail=mail, guard=AddressGuard(settings.networks_allowed), public_url=settings.public_url)
    except ValueError as error:
        where = "GRISTMILL_SMTP_URL, GRISTMILL_MAIL_FROM or GRISTMILL_ALLOWED_NETWORKS"
        raise CannotStart(f"Messages cannot be sent: {error}. Check {where}.") from error


def _places(settings: Settings) -> Places:
    """Return the folders of connections; none of them may hold what is the server's own."""
    data_dir = settings.data_dir.resolve()
    for folder in settings.folders_of_connections:
        if not folder.is_absolute() or not folder.is_dir():
            raise CannotStart(f"GRISTMILL_DATA_FOLDERS: {folder} is not the absolute path of a folder.")
        if data_dir.is_relative_to(folder.resolve()) or folder.resolve().is_relative_to(data_dir):
            raise CannotStart(f"GRISTMILL_DATA_FOLDERS: {folder} holds the server's own data, or lies within it.")
    guard = AddressGuard(settings.networks_allowed, private=True)
    return Places(folders=settings.folders_of_connections, guard=guard)


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.max_body_bytes,
        inline_bytes=settings.max_inline_bytes,
        upload_bytes=settings.max_upload_bytes,
    )
