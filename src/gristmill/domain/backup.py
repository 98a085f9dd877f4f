"""What a backup says of itself: its manifest, and the list of the contents that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from gristmill.domain.errors import Conflict, Invalid

FILE = "manifest.json"
DATABASE_FILE = "database"
CONTENTS_FILE = "contents.jsonl"
CONTENT_FOLDER = "content"
KEY_FILE = "keys/secret.key"
TLS_FOLDER = "keys/tls"
FORMAT = "gristmill-backup"
VERSION = 1
SILENCE = timedelta(days=1)
"""A backup that has said nothing for so long was killed: content may be removed again."""


class BackupRefused(Conflict):
    """A backup cannot be made, or not be restored here; the message says why, and the way out."""

    code = "backup_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A file of a backup, or content. ``size`` in bytes, ``sha256`` in hexadecimal, "" where it was not computed."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A manifest. ``database`` is the dump and ``contents`` the list of contents, ``key`` being their files' names.

    ``dialect`` is the database's kind. ``referred`` is the place of content that was left where it is, None where it
    was copied. ``missing`` are keys that rows refer to and that the content store did not have. ``key_check`` tells the
    right secret key from others and gives nothing away of it; ``has_key`` says whether the backup holds the key itself.
    ``hold`` is the heartbeat by which the database knew of it: where that is, the restore has not come to its end.
    """

    made_at: datetime
    gristmill: str
    schema: str
    dialect: str
    database: Piece
    contents: Piece
    count: int
    size: int
    key_check: str
    hold: str
    has_key: bool = False
    referred: str | None = None
    missing: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return the manifest as it is written."""
        return {"format": FORMAT, "version": VERSION, **asdict(self), "made_at": self.made_at.isoformat()}


def read(document: object) -> Backup:
    """Return the backup that a manifest tells of.

    Raises:
        Invalid: it is none of ours, of a later version, or malformed.

    """
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise _refused("it is not the manifest of a backup")
    if document.get("version") != VERSION:
        raise _refused(
            f"its version is {document.get('version')}, and this Gristmill reads {VERSION}; restore with its own"
        )
    given = {name: value for name, value in document.items() if name not in {"format", "version"}}
    try:
        return Backup(
            **{
                **given,
                "made_at": datetime.fromisoformat(given["made_at"]),
                "database": Piece(**given["database"]),
                "contents": Piece(**given["contents"]),
                "missing": tuple(given["missing"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _refused(f"it is malformed ({error})") from error


def content_path(key: str) -> str:
    """Return where a piece of content lies in a backup."""
    return f"{CONTENT_FOLDER}/{key[:2]}/{key[2:4]}/{key}"


def _refused(why: str) -> Invalid:
    return Invalid(f"{FILE}: {why}.", code="invalid_backup", field=FILE)
