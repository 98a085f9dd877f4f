"""Backups and restores of a server's own data, for the commands `gristmill backup` and `gristmill restore`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from gristmill import app
from gristmill.cli.own_data import SQLITE, check_there_is_a_server, sqlite_file
from gristmill.domain.backup import Backup, BackupRefused
from gristmill.service import backups, restored_state, restores
from gristmill.service.master_key import master_key
from gristmill.settings import Settings
from gristmill.store import backups as store
from gristmill.store.database import Database

Announce = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Afterwards:
    """What becomes of ticks since the backup, and whether every space is paused until somebody has looked."""

    makes_up_ticks: bool = False
    pauses: bool = False


def back_up(settings: Settings, announce: Announce, target: Path, *, with_keys: bool, without_content: bool) -> int:
    """Make a backup; ``announce`` gets lines for whoever asked for it. Return the exit code.

    Raises:
        GristmillError, CannotStart: it cannot be made.

    """
    check_there_is_a_server(settings)
    with closing(app.open_database(settings.database)) as database:
        backups.check_schema(database)
    context = app.compose(settings, open_database=app.open_database)
    with closing(context.database):
        key = master_key(context.data_dir, settings.secret_key)
        referred = _place_of_content(settings) if without_content else None
        made = backups.make(context, target.absolute(), key=key, with_keys=with_keys, referred=referred)
    for line in _told(made, target):
        announce(line)
    return 1 if made.missing else 0


def restore(
    settings: Settings,
    announce: Announce,
    source: Path,
    *,
    key_file: Path | None,
    afterwards: Afterwards,
    dry_run: bool,
) -> None:
    """Restore a backup to where nothing is yet, or only check it; ``announce`` gets lines for whoever asked for it.

    Raises:
        GristmillError, CannotStart: it cannot be done; a restore that broke off may be repeated.

    """
    dialect = "sqlite" if settings.database.startswith("sqlite") else "postgresql"
    found = restores.opened(source, dialect=dialect)
    given = key_file.read_bytes().strip() if key_file else (settings.secret_key or "").encode() or None
    key = restores.key_for(source, found, given=given)
    content = app.content_of(settings, _data_dir(settings, make=not dry_run))
    is_loaded = _is_loaded(settings, found)
    restores.check_content_is_ours(content, source, found)
    if dry_run:
        restores.check_contents(content, source, found)
        announce(f"The backup of {found.made_at:%Y-%m-%d %H:%M} UTC is whole, and can be restored here.")
        return
    if not settings.secret_key:
        restores.put_keys_back(source, settings.data_dir.resolve(), key)
    restores.put_back(content, source, found)
    if is_loaded:
        _settle(settings, found, afterwards)
    else:
        _load(settings, source, found, afterwards)
    announce(f"The backup of {found.made_at:%Y-%m-%d %H:%M} UTC is restored: {found.count} contents.")
    announce("Its runs that were at work wait again, or have failed and say why. Start the server.")


def _told(made: Backup, target: Path) -> list[str]:
    where = f"left in {made.referred}" if made.referred else "copied"
    lines = [
        f"The backup is {target}: the {made.dialect} database, and {made.count} contents ({made.size} bytes), {where}."
    ]
    if made.has_key:
        lines.append("It holds the secret key and the certificates: whoever reads it reads all secrets. Keep it so.")
    else:
        lines.append(
            "It does not hold the secret key, which a restore needs: keep secret.key of the data directory too."
        )
    if made.missing:
        lines.append(f"{len(made.missing)} contents are not in the store, and so not in it; first {made.missing[0]}.")
    return lines


def _place_of_content(settings: Settings) -> str:
    return settings.content or str(settings.data_dir.resolve() / "content")


def _data_dir(settings: Settings, *, make: bool) -> Path:
    directory = settings.data_dir.resolve()
    if make:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _is_loaded(settings: Settings, found: Backup) -> bool:
    """Check that there is no database yet, or only what a restore of this backup left that broke off; tell which."""
    if settings.database.startswith(SQLITE):
        file = sqlite_file(settings)
        empty, loaded = not file.exists() or file.stat().st_size == 0, False
    else:
        with closing(app.open_database(settings.database)) as database:
            empty = store.is_empty(database)
            loaded = not empty and store.is_ours(database) and _is_unsettled(database, found)
    if not empty and not loaded:
        raise BackupRefused("There is a database already. Restore to an empty data directory, or an empty database.")
    return loaded


def _is_unsettled(database: Database, found: Backup) -> bool:
    with database.snapshot() as connection:
        return restored_state.is_unsettled(connection, found)


def _load(settings: Settings, source: Path, found: Backup, afterwards: Afterwards) -> None:
    dump = source / found.database.key
    if not settings.database.startswith(SQLITE):
        store.load(settings.database, dump)
        _settle(settings, found, afterwards)
        return
    file = sqlite_file(settings)
    draft = file.with_name(f"{file.name}.restoring")
    for left in (draft, *(Path(f"{draft}{end}") for end in ("-wal", "-shm"))):
        left.unlink(missing_ok=True)
    url = f"{SQLITE}{draft}"
    store.load(url, dump)
    _settle(settings.model_copy(update={"database_url": url}), found, afterwards)
    # The last of all: until then there is no database here that a server could begin with.
    os.sync()
    draft.rename(file)


def _settle(settings: Settings, found: Backup, afterwards: Afterwards) -> None:
    context = app.compose(settings)
    with closing(context.database):
        restored_state.settle(context, found, makes_up_ticks=afterwards.makes_up_ticks, pauses=afterwards.pauses)
