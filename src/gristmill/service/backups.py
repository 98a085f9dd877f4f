"""Backups: the database at one moment, then the content that it refers to, which is only ever added meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TextIO

from gristmill.content.content import ContentMissing
from gristmill.domain import backup as manifest
from gristmill.domain.backup import SILENCE, Backup, BackupRefused, Piece
from gristmill.service import data_keys
from gristmill.service.context import Context
from gristmill.store import backups as store
from gristmill.store import contents, heartbeats, migrate
from gristmill.store import data_keys as stored_keys
from gristmill.store.database import Connection, Database

_BEATS = "backup "
_AT_ONCE = 200
_STREAMS = 8
_BLOCK_BYTES = 1024 * 1024
_CHECKED = b"gristmill backup"


def make(context: Context, target: Path, *, key: bytes, with_keys: bool = False, referred: str | None = None) -> Backup:
    """Make the directory ``target`` a backup, beside servers that go on working; it appears when it is whole.

    ``key`` is the server's secret key, which the backup holds if it is ``with_keys``; else a restore needs it from
    elsewhere. ``referred`` names the place of the content, which is then listed and not copied.

    Raises:
        BackupRefused: there is something at ``target``, the schema is another than this version's, or the database
            cannot be copied.

    """
    _check_place(target)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    draft.mkdir(mode=0o700, parents=True)
    try:
        with _held(context) as name:
            made = _filled(context, draft, name, key=key, referred=referred)
        if with_keys:
            _keep_keys(context, draft, key)
            made = replace(made, has_key=True)
        written = json.dumps(made.document(), indent=1) + "\n"
        (draft / manifest.FILE).write_text(written, encoding="utf-8")
        # All that was written is on disk before it is called whole.
        os.sync()
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made


def check_schema(database: Database) -> None:
    """Check that a database has this version's schema.

    Raises:
        BackupRefused: it has another.

    """
    with database.snapshot() as connection:
        _checked_schema(connection)


def under_way(connection: Connection, now: datetime) -> bool:
    """Tell whether a backup is being made: until it is done, no content may go."""
    return heartbeats.any_alive(connection, _BEATS, since=now - SILENCE)


def key_check(key: bytes) -> str:
    """Return 64 hexadecimal digits that tell a secret key from others, and from which it cannot be guessed."""
    return hmac.new(key, _CHECKED, hashlib.sha256).hexdigest()


def measured(path: Path, key: str) -> Piece:
    """Return a file's size and hash."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return Piece(key=key, size=size, sha256=digest.hexdigest())


def _check_place(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupRefused(f"There is something at {target} already. Name a directory that does not exist.")


@contextmanager
def _held(context: Context) -> Iterator[str]:
    """Keep the janitors from removing content."""
    name = f"{_BEATS}{secrets.token_hex(8)}"
    with context.database.transaction() as connection:
        heartbeats.forget_dead(connection, _BEATS, before=context.now() - SILENCE)
        heartbeats.beat(connection, name, context.now())
    try:
        yield name
    finally:
        with context.database.transaction() as connection:
            heartbeats.forget(connection, name)


def _filled(context: Context, draft: Path, name: str, *, key: bytes, referred: str | None) -> Backup:
    made_at = context.now()
    with store.dumped(context.database, draft / manifest.DATABASE_FILE) as connection:
        schema = _checked_schema(connection)
        if not data_keys.fits(key, stored_keys.every(connection)):
            raise BackupRefused("The secret key was exchanged while the backup was made. Repeat it.")
        # Before content is copied, for which no snapshot of PostgreSQL should be kept.
        wanted = _listed(contents.all_referred_to(connection), draft / "keys.draft")
    count, size, missing = _copied(context, draft, wanted, name, copies=referred is None)
    wanted.unlink()
    return Backup(
        made_at=made_at,
        gristmill=version("gristmill"),
        schema=schema,
        dialect=context.database.dialect,
        database=measured(draft / manifest.DATABASE_FILE, manifest.DATABASE_FILE),
        contents=measured(draft / manifest.CONTENTS_FILE, manifest.CONTENTS_FILE),
        count=count,
        size=size,
        key_check=key_check(key),
        hold=name,
        referred=referred,
        missing=tuple(missing),
    )


def _checked_schema(connection: Connection) -> str:
    schema = migrate.revision(connection)
    if schema is None or schema != migrate.newest():
        raise BackupRefused(
            f"The database has schema {schema}, and this version's is {migrate.newest()}. Back up with the version "
            "that is at work, or bring the database up to date with `gristmill migrate`."
        )
    return schema


def _listed(keys: Iterator[str], path: Path) -> Path:
    with path.open("w", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in keys)
    return path


def _copied(context: Context, draft: Path, wanted: Path, name: str, *, copies: bool) -> tuple[int, int, list[str]]:
    """Copy or only list the contents; return how many there are, their bytes, and those that are not there."""
    count, size, missing = 0, 0, []
    with wanted.open(encoding="ascii") as keys, (draft / manifest.CONTENTS_FILE).open("w", encoding="ascii") as listed:
        while batch := [line.strip() for line in islice(keys, _AT_ONCE)]:
            there = [piece for piece in _taken(context, draft, batch, copies=copies) if piece]
            _write(listed, there)
            count, size = count + len(there), size + sum(piece.size for piece in there)
            missing += sorted(set(batch) - {piece.key for piece in there})
            with context.database.transaction() as connection:
                heartbeats.beat(connection, name, context.now())
    return count, size, missing


def _taken(context: Context, draft: Path, batch: Sequence[str], *, copies: bool) -> Iterator[Piece | None]:
    def take(key: str) -> Piece | None:
        if not copies:
            size = context.content.size(key)
            return Piece(key=key, size=size, sha256="") if size or _is_there(context, key) else None
        path = draft / manifest.content_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            context.content.materialize(key, path)
        except ContentMissing:
            return None
        return measured(path, key)

    with ThreadPoolExecutor(_STREAMS) as pool:
        yield from pool.map(take, batch)


def _is_there(context: Context, key: str) -> bool:
    try:
        context.content.open(key).close()
    except ContentMissing:
        return False
    return True


def _write(listed: TextIO, pieces: Sequence[Piece]) -> None:
    listed.writelines(json.dumps(asdict(piece)) + "\n" for piece in pieces)


def _keep_keys(context: Context, draft: Path, key: bytes) -> None:
    target = draft / manifest.KEY_FILE
    target.parent.mkdir(mode=0o700)
    target.touch(mode=0o600)
    target.write_bytes(key)
    tls = context.data_dir / "tls"
    if tls.is_dir():
        shutil.copytree(tls, draft / manifest.TLS_FOLDER)
