"""Who the user is and where the server is: a file that only its owner can read, and the environment, which wins."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

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
    url, found = environment.get("GRISTMILL_URL"), kept(environment)
    if url and (found is None or found.url != normal(url)):
        found = Profile(url=normal(url), api_key="")
    api_key = environment.get("GRISTMILL_API_KEY") or (found.api_key if found else "")
    if found is None or not api_key:
        where = f" to {found.url}" if found else ""
        raise CommandFailed(
            f"You are not logged in{where}. Use `gristmill login`, or set GRISTMILL_URL and GRISTMILL_API_KEY."
        )
    ca = environment.get("GRISTMILL_CA") or found.ca
    return Profile(url=found.url, api_key=api_key, ca=ca, space_id=found.space_id)


def keep(environment: Mapping[str, str], profile: Profile) -> Path:
    """Write the login, readable for its owner only; return where."""
    place = folder(environment)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A temporary file is its owner's alone from the start, and the rename replaces one that was not.
    descriptor, name = tempfile.mkstemp(dir=place, prefix=f".{_FILE}")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(profile), file, indent=1)
    return Path(name).replace(place / _FILE)


def forget(environment: Mapping[str, str]) -> bool:
    """Remove the login; tell whether there was one."""
    path = folder(environment) / _FILE
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def normal(url: str) -> str:
    """Return the URL as it is kept.

    Raises:
        CommandFailed: it has no scheme, or one that is not spoken.

    """
    if not url.startswith(("https://", "http://")):
        raise CommandFailed(f"{url} is not the URL of a server; write it like {DEFAULT_URL}.")
    return url.rstrip("/")
