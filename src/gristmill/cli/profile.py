"""Who the user is and where the server is: a file that only its owner can read, and the environment, which wins."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from gristmill.cli.failures import CommandFailed

DEFAULT_URL = "https://127.0.0.1:18443"
_FILE = "profile.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A login. ``ca`` is the absolute path of the certificate that proves the server, where that is a private one."""

    url: str
    api_key: str = field(repr=False)
    ca: str | None = None
    space_id: str | None = None


def folder(environment: Mapping[str, str]) -> Path:
    """Return the directory of the profile: GRISTMILL_CONFIG_DIR, or gristmill in the user's configuration."""
    if own := environment.get("GRISTMILL_CONFIG_DIR"):
        return Path(own)
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "gristmill"


def kept(environment: Mapping[str, str]) -> Profile | None:
    """Return the login that was kept, None where there is none.

    Raises:
        CommandFailed: the file cannot be read, or is no profile.

    """
    path = folder(environment) / _FILE
    known = {member.name for member in fields(Profile)}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Profile(**{name: value for name, value in document.items() if name in known})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}. `gristmill login` writes it anew.") from error


def current(environment: Mapping[str, str]) -> Profile:
    """Return the login that counts: the environment's, else the kept one.

    What was kept for one server is never used with another: GRISTMILL_URL of a different server needs its own key.

    Raises:
        CommandFailed: there is no login.

    """
    given, found = environment.get("GRISTMILL_URL"), kept(environment)
    url = normal(given, where="GRISTMILL_URL") if given else None
    if url and (found is None or found.url != url):
        found = Profile(url=url, api_key="")
    api_key = environment.get("GRISTMILL_API_KEY") or (found.api_key if found else "")
    if found is None or not api_key:
        where = f" to {found.url}" if found else ""
        raise CommandFailed(
            f"You are not logged in{where}. Use `gristmill login`, or set GRISTMILL_URL and GRISTMILL_API_KEY."
        )
    ca = environment.get("GRISTMILL_CA") or found.ca
    return Profile(url=found.url, api_key=api_key, ca=ca, space_id=found.space_id)


def keep(environment: Mapping[str, str], profile: Profile) -> Path:
    """Write the login, readable for its owner only; return where.

    Raises:
        CommandFailed: nothing can be written there.

    """
    place = folder(environment)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A temporary file is its owner's alone from the start, and the rename replaces one that was not.
        descriptor, name = tempfile.mkstemp(dir=place, prefix=f".{_FILE}")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(profile), file, indent=1)
        return Path(name).replace(place / _FILE)
    except OSError as error:
        way_out = "Name another directory with GRISTMILL_CONFIG_DIR, or set GRISTMILL_URL and GRISTMILL_API_KEY"
        raise CommandFailed(f"The login cannot be kept in {place}: {error.strerror}. {way_out}.") from error


def forget(environment: Mapping[str, str]) -> bool:
    """Remove the login; tell whether there was one."""
    path = folder(environment) / _FILE
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def normal(url: str, *, where: str = "--url") -> str:
    """Return the URL, which came by the option or variable ``where``, as it is kept.

    Raises:
        CommandFailed: it has no scheme or one that is not spoken, no host, or what no URL has.

    """
    try:
        parts = urlsplit(url)
        # Reading a port checks it.
        is_whole = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_whole = False
    if not is_whole or not url.isprintable() or " " in url:
        raise CommandFailed(f"{where}: {url!r} is not the URL of a server; write it like {DEFAULT_URL}.")
    return url.rstrip("/")
