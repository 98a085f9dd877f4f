"""Real processes and what they stand on: PostgreSQL and an object store, or SQLite and a folder; and a mail server."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gristmill.content.bucket import Bucket
from gristmill.content.content import Content
from gristmill.content.folder import FolderContent
from gristmill.content.s3 import S3Content
from tests.acceptance.server import API_KEY
from tests.chaos.faults import Targets
from tests.chaos.member import Member
from tests.conformance.sinks import MailSink, mail_sink
from tests.disk import own_disk
from tests.gate import Gate
from tests.ports import free_port
from tests.postgres import running_postgres
from tests.s3 import ACCESS_KEY, SECRET_KEY, running_object_store

LEASE_SECONDS = 2.0
_COMMON = {
    "admin_api_key": API_KEY,
    "secret_key": "the same secret key on all of the servers",
    "lease_seconds": str(LEASE_SECONDS),
    "grace_seconds": "5",
    "worker_cpus": "8",
    "worker_memory_bytes": str(64 * 2**30),
    # User code notes outside of its run what it did, which in a box it could not.
    "sandbox": "off",
    "mail_from": "jobs@example.org",
}


@dataclass(frozen=True)
class World:
    """All that is up; ``trace`` is where user code notes what it does."""

    directory: Path
    members: list[Member]
    mails: MailSink
    targets: Targets
    database_url: str
    content: Content

    @property
    def trace(self) -> Path:
        return self.directory / "trace"

    @property
    def doors(self) -> list[Member]:
        """Those that answer requests."""
        return [member for member in self.members if member.command != "work"]


@contextmanager
def sqlite_world(directory: Path) -> Iterator[World]:
    """One server over SQLite and a folder."""
    data = directory / "server"
    with ExitStack() as stack:
        disk = stack.enter_context(own_disk(data))
        mails, mail_gate = _mails(stack)
        member = _member(directory, "server", "up", {"smtp_url": f"smtp://127.0.0.1:{mail_gate.port}"})
        stack.callback(_end, [member])
        member.start()
        targets = Targets([member], {"the mail server": mail_gate}, [disk], None, LEASE_SECONDS)
        url = f"sqlite:///{data / 'gristmill.db'}"
        yield World(directory, [member], mails, targets, url, FolderContent(data / "content"))


@contextmanager
def postgresql_world(directory: Path) -> Iterator[World]:
    """Two servers and two workers over a PostgreSQL and an object store of their own."""
    with ExitStack() as stack:
        mails, mail_gate = _mails(stack)
        postgres, store = stack.enter_context(running_postgres()), stack.enter_context(running_object_store())
        database_url, bucket = postgres.new_empty_database(), store.new_bucket()
        postgres.keep_commits(database_url)
        store_gate = _gate(stack, int(urlsplit(store.url).port or 0))
        place, endpoint = f"s3://{bucket}/gristmill", f"http://127.0.0.1:{store_gate.port}"
        settings = {
            "database_url": database_url,
            "content": place,
            "content_endpoint": endpoint,
            "content_access_key": ACCESS_KEY,
            "content_secret_key": SECRET_KEY,
            "smtp_url": f"smtp://127.0.0.1:{mail_gate.port}",
        }
        disks = [stack.enter_context(own_disk(directory / name)) for name in ("server-2", "worker-2")]
        commands = {"server-1": "serve", "server-2": "serve", "worker-1": "work", "worker-2": "work"}
        members = [_member(directory, name, command, settings) for name, command in commands.items()]
        stack.callback(_end, members)
        for member in members:
            member.start()
        gates = {"the mail server": mail_gate, "the object store": store_gate}
        content = S3Content(
            Bucket.of(place, endpoint=endpoint, region="us-east-1", access_key=ACCESS_KEY, secret_key=SECRET_KEY)
        )
        targets = Targets(members, gates, disks, postgres, LEASE_SECONDS)
        yield World(directory, members, mails, targets, database_url, content)


WORLDS = {"sqlite": sqlite_world, "postgresql": postgresql_world}


def _mails(stack: ExitStack) -> tuple[MailSink, Gate]:
    mails = stack.enter_context(mail_sink())
    return mails, _gate(stack, mails.port)


def _gate(stack: ExitStack, target: int) -> Gate:
    gate = Gate(target)
    gate.open()
    stack.callback(gate.shut)
    return gate


def _member(directory: Path, name: str, command: str, settings: dict[str, str]) -> Member:
    place = {} if command == "work" else {"port": str(free_port())}
    return Member(command, directory / name, {**_COMMON, **settings, **place})


def _end(members: list[Member]) -> None:
    for member in members:
        if member.process is not None and member.process.poll() is None:
            member.signal(signal.SIGCONT)
            member.kill()
        shutil.rmtree(member.directory / "runs", ignore_errors=True)
