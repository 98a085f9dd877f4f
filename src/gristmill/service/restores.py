"""Restores: a backup becomes a server's database, content and key, in a place where there is nothing yet."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from gristmill.content.content import Content
from gristmill.domain import backup as manifest
from gristmill.domain.backup import Backup, BackupRefused, Piece
from gristmill.domain.errors import Invalid
from gristmill.service.backups import key_check, measured
from gristmill.store import migrate

_AT_ONCE = 200
_STREAMS = 8
_BLOCK_BYTES = 1024 * 1024


def opened(source: Path, *, dialect: str) -> Backup:
    """Return the backup in a directory, once its database and its list of contents are what its manifest says.

    Raises:
        Invalid: it is no backup, or damaged.
        BackupRefused: it is of a newer version, or of the other kind of database.

    """
    try:
        found = manifest.read(json.loads((source / manifest.FILE).read_bytes()))
    except FileNotFoundError as error:
        raise Invalid(
            f"{source} has no {manifest.FILE}: it is no backup, or not a whole one.", field="source"
        ) from error
    except ValueError as error:
        raise Invalid(f"{source / manifest.FILE} is no JSON: {error}.", field="source") from error
    if not migrate.knows(found.schema):
        raise BackupRefused(
            f"The backup has schema {found.schema}, which this version does not know: Gristmill {found.gristmill} made "
            "it. Restore with that version or a later one."
        )
    if found.dialect != dialect:
        raise BackupRefused(
            f"The backup is of a database of {found.dialect}, and GRISTMILL_DATABASE_URL names one of {dialect}. "
            "Restore it to the same kind."
        )
    for piece in (found.database, found.contents):
        if not (source / piece.key).is_file() or measured(source / piece.key, piece.key) != piece:
            raise _damaged(source / piece.key)
    return found


def key_for(source: Path, backup: Backup, *, given: bytes | None) -> bytes:
    """Return the secret key: the one that was given, else the one in the backup.

    Raises:
        BackupRefused: there is none, or it is another than the one that the backup was made under.

    """
    kept = source / manifest.KEY_FILE
    key = given or (kept.read_bytes().strip() if backup.has_key and kept.is_file() else None)
    if key is None:
        raise BackupRefused(
            "The backup does not hold the secret key, without which no stored secret can be read and no API key "
            "proved. Give it with --key-file (the old server's secret.key), or in GRISTMILL_SECRET_KEY."
        )
    if key_check(key) != backup.key_check:
        raise BackupRefused("The secret key is another than the one that the backup was made under.")
    return key


def check_content_is_ours(content: Content, source: Path, backup: Backup) -> None:
    """Check that the content store holds nothing but what the backup brings: a restore that broke off may go on.

    Raises:
        BackupRefused: it holds something else.

    """
    if backup.referred is not None:
        return
    if next((key for key in content.keys(older_than_seconds=-3600)), None) is None:
        return
    listed = {piece.key for piece in pieces(source)}
    other = next((key for key in content.keys(older_than_seconds=-3600) if key not in listed), None)
    if other is not None:
        raise BackupRefused(f"There is other content already ({other}). Restore to an empty folder or prefix.")


def pieces(source: Path) -> Iterator[Piece]:
    """Yield what a backup lists of contents."""
    with (source / manifest.CONTENTS_FILE).open(encoding="ascii") as listed:
        for line in listed:
            yield Piece(**json.loads(line))


def check_contents(content: Content, source: Path, backup: Backup) -> None:
    """Check that all contents are there, and are what they were; those that stayed where they are by their sizes.

    Raises:
        Invalid: one is not.

    """
    for piece in pieces(source):
        path = source / manifest.content_path(piece.key)
        if backup.referred is not None:
            if content.size(piece.key) != piece.size:
                raise Invalid(f"{backup.referred} has no content {piece.key} of {piece.size} bytes.", field="source")
        elif not path.is_file() or measured(path, piece.key) != piece:
            raise _damaged(path)


def put_back(content: Content, source: Path, backup: Backup) -> None:
    """Put the contents into the content store, each once its hash is the right one; what is there already stays.

    Raises:
        Invalid: one is damaged, or not there.

    """
    if backup.referred is not None:
        check_contents(content, source, backup)
        return
    listed = pieces(source)
    with ThreadPoolExecutor(_STREAMS) as pool:
        while batch := list(islice(listed, _AT_ONCE)):
            list(pool.map(lambda piece: _put_one(content, source, piece), batch))


def put_keys_back(source: Path, data_dir: Path, key: bytes) -> None:
    """Write the secret key, and the certificates if the backup has them, into the data directory.

    Raises:
        BackupRefused: there is another key already.

    """
    path = data_dir / "secret.key"
    if path.exists():
        if path.read_bytes().strip() != key:
            raise BackupRefused(f"{path} is another key already. Restore to an empty data directory.")
    else:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    if (source / manifest.TLS_FOLDER).is_dir() and not (data_dir / "tls").exists():
        shutil.copytree(source / manifest.TLS_FOLDER, data_dir / "tls")


def _put_one(content: Content, source: Path, piece: Piece) -> None:
    path = source / manifest.content_path(piece.key)
    digest = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                yield block
        if digest.hexdigest() != piece.sha256:
            # Before the store has its last block: what raises here is not kept.
            raise _damaged(path)

    if content.size(piece.key) != piece.size or not piece.size:
        try:
            content.put_back(piece.key, blocks(), size=piece.size)
        except FileNotFoundError as error:
            raise _damaged(path) from error


def _damaged(path: Path) -> Invalid:
    return Invalid(
        f"{path} is not there, or not what it was when the backup was made. Take another backup.",
        code="damaged_backup",
        field="source",
    )
