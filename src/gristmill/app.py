"""The composition root: puts a server together from its settings, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from uvicorn.loops.auto import auto_loop_factory

from gristmill import telemetry, tls
from gristmill.api import console
from gristmill.api.app import create_api
from gristmill.api.listeners import Listener, bind, serve
from gristmill.content.bucket import SCHEME, Bucket
from gristmill.content.content import Content
from gristmill.content.folder import FolderContent
from gristmill.content.s3 import S3Content
from gristmill.data.places import Places
from gristmill.deliver.email import Mail
from gristmill.domain.capacity import Capacity
from gristmill.domain.errors import GristmillError
from gristmill.engine.bell import Bell
from gristmill.engine.engine import Engine
from gristmill.engine.janitor import Janitor
from gristmill.engine.schema_watch import SchemaWatch
from gristmill.guard.address_guard import AddressGuard
from gristmill.launch.environment_store import EnvironmentStore
from gristmill.launch.environments import shipped
from gristmill.launch.interpreters import Interpreters
from gristmill.launch.process import ProcessLauncher
from gristmill.service import environments, retention, users
from gristmill.service.context import Context, Keeping, Limits
from gristmill.service.environments import Environments
from gristmill.service.outlets import DirectOutlets
from gristmill.service.secrets import Secrets, master_key
from gristmill.settings import DATABASE_FILE, Settings
from gristmill.store import health
from gristmill.store.database import Database
from gristmill.store.migrate import NewerSchema, migrate

LOOPBACK = "127.0.0.1"
Announce = Callable[[str], None]


class CannotStart(Exception):
    """The server cannot start; the message says why, and the way out."""


def run(settings: Settings, announce: Announce, *, api: bool, engine: bool) -> None:
    """Run the API, the engine, or both, until SIGTERM or SIGINT. ``announce`` gets the lines for whoever started it.

    Raises:
        CannotStart: a port is in use, the database does not answer, or a setting does not fit.

    """
    telemetry.configure(settings.log_level, sys.stderr)
    # First of all, so that a second server on the same ports ends before it touches anything.
    sockets = _bind_all(settings) if api else []
    context = compose(settings)
    try:
        new_key = users.bootstrap(context, settings.admin_api_key)
        if new_key:
            announce(f"The API key of the user admin, shown only this once: {new_key}")
        listeners = _listeners(settings, sockets)
        # Code that runs asks there; an engine by itself knows only what it was told.
        url = settings.public_url or (_url(settings, listeners[0]) if listeners else None)
        context = replace(context, public_url=url)
        bell = Bell(context)
        context = replace(context, wake=bell.ring)
        worker = _engine(context, settings) if engine else None
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(_until_stopped(context, settings, announce, listeners=listeners, engine=worker, bell=bell))
    finally:
        context.database.close()


def clean(settings: Settings, announce: Announce, *, dry_run: bool) -> None:
    """Do all that the janitor finds to do, or only tell it. ``announce`` gets a line for each job of which runs go.

    Raises:
        CannotStart: the database does not answer, or a setting does not fit.

    """
    telemetry.configure(settings.log_level, sys.stderr)
    context = compose(settings)
    try:
        gone: Counter[tuple[str, str]] = Counter()
        for job in retention.would_go(context) if dry_run else Janitor(context).rounds():
            gone[job.job_name, job.job_id] += job.runs
        what = "would go" if dry_run else "went"
        for (name, job_id), number in sorted(gone.items()):
            announce(f"{name} ({job_id}): {number} runs {what}")
        announce(f"{gone.total()} runs of {len(gone)} jobs {what}.")
    finally:
        context.database.close()


def compose(settings: Settings) -> Context:
    """Return the ports of the use cases, over a database that has this version's schema.

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
        return Context(
            database=prepare_database(settings.database),
            content=_content(settings, data_dir),
            secrets=Secrets(master_key(data_dir, settings.secret_key)),
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


def _content(settings: Settings, data_dir: Path) -> Content:
    where = settings.content
    if where is None or not where.startswith(SCHEME):
        folder = data_dir / "content" if where is None else Path(where)
        if not folder.is_absolute():
            raise CannotStart(f"GRISTMILL_CONTENT: {where} is neither s3://bucket nor the absolute path of a folder.")
        return FolderContent(folder)
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
        CannotStart: it does not answer, or was written by a newer version.

    """
    try:
        database = health.connect(url)
        migrate(database)
    except health.DatabaseUnusable as error:
        raise CannotStart(f"The database cannot be used: {error}. Check GRISTMILL_DATABASE_URL.") from error
    except NewerSchema as error:
        raise CannotStart(str(error)) from error
    return database


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
    watch = SchemaWatch(context)
    watch.start()
    async with asyncio.TaskGroup() as group:
        if listeners:
            api = create_api(context, public_url=settings.public_url, stopping=stop.is_set)
            group.create_task(
                serve(
                    api,
                    listeners,
                    stop=stop,
                    on_ready=lambda: announce("\n".join(_ready_lines(settings, listeners))),
                    grace_seconds=settings.grace_seconds,
                )
            )
        else:
            announce("Gristmill is at work.")
        await stop.wait()
        if engine:
            await asyncio.to_thread(engine.stop)
        await asyncio.to_thread(bell.stop)
        await asyncio.to_thread(watch.stop)


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


def _bind_all(settings: Settings) -> list[socket.socket]:
    """Bind the API's port, and the plain one on loopback if it is wanted."""
    sockets = [_bind(settings.host, settings.port, setting="port")]
    if settings.http_port is not None:
        sockets.append(_bind(LOOPBACK, settings.http_port, setting="http_port"))
    return sockets


def _bind(host: str, port: int, *, setting: str) -> socket.socket:
    try:
        return bind(host, port)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "is in use by another program" if in_use else f"cannot be listened on: {error.strerror or error}"
        way_out = (
            f"Choose another with --{setting.replace('_', '-')} or GRISTMILL_{setting.upper()}; 0 takes any free one."
        )
        raise CannotStart(f"Port {port} of {host} {reason}. {way_out}") from error


def _listeners(settings: Settings, sockets: Sequence[socket.socket]) -> list[Listener]:
    plain = [Listener(socket=one) for one in sockets]
    if not sockets or not settings.tls:
        return plain
    if settings.tls_cert:
        _check_certificate(settings)
        secured = Listener(socket=sockets[0], certificate=settings.tls_cert, key=settings.tls_key)
    else:
        identity = tls.ensure(_tls_directory(settings), _names(settings), now=datetime.now(UTC))
        secured = Listener(socket=sockets[0], certificate=identity.server)
    return [secured, *plain[1:]]


def _check_certificate(settings: Settings) -> None:
    assert settings.tls_cert
    try:
        # An encrypted key would be asked for at the terminal; here there is none.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key, lambda: ""
        )
    except OSError as error:
        pair = f"The certificate {settings.tls_cert} with the key {settings.tls_key}"
        raise CannotStart(f"{pair} cannot be used: {error}.") from error


def _names(settings: Settings) -> list[str]:
    """Return the host names and addresses that the certificate is for."""
    public = urlsplit(settings.public_url or "").hostname
    given = [name for name in (settings.host, public) if name and not _any_address(name)]
    return ["localhost", LOOPBACK, "::1", socket.gethostname(), *given]


def _ready_lines(settings: Settings, listeners: Sequence[Listener]) -> list[str]:
    """Return where the API is, and the console: at the plain port, which needs no certificate that browsers know."""
    if not console.is_built():
        return [_ready_line(settings, listeners[0]), console.NOT_BUILT]
    plain = f"http://{LOOPBACK}:{listeners[-1].port}" if len(listeners) > 1 else _url(settings, listeners[0])
    return [_ready_line(settings, listeners[0]), f"The console is at {plain}{console.PATH}"]


def _ready_line(settings: Settings, main: Listener) -> str:
    line = f"Gristmill is ready at {_url(settings, main)}"
    if main.certificate is None:
        return line
    if settings.tls_cert:
        return f"{line} (certificate: {settings.tls_cert})"
    return f"{line} (CA: {_tls_directory(settings) / 'ca.pem'})"


def _url(settings: Settings, main: Listener) -> str:
    host = socket.gethostname() if _any_address(settings.host) else settings.host
    scheme = "http" if main.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{main.port}"


def _any_address(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _tls_directory(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "tls"


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
    return Engine(
        context,
        launcher=ProcessLauncher(
            directory=directory,
            environment=shipped(),
            sandbox=settings.sandbox,
            served=context.data_dir / "runs",
            # Code that speaks to the server needs to trust it.
            readable=[*settings.readable_paths, _tls_directory(settings) / "ca.pem"],
        ),
        environments=environments_of(context, settings),
        slots=settings.worker_slots,
        lease_seconds=settings.lease_seconds,
        grace_seconds=settings.grace_seconds,
        disk_bytes=settings.run_disk_bytes,
        offers=Capacity.of(cpus=settings.worker_cpus, memory_bytes=settings.worker_memory_bytes),
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
