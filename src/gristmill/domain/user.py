"""Users, their API keys and task credentials, and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person or a service that signs in. ``password_hash`` is Argon2, None where only keys are used."""

    id: str
    name: str
    display_name: str
    administrator: bool
    created_at: datetime
    password_hash: str | None = None
    disabled: bool = False
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who makes a request: the user, and the wire (``cpd`` or ``cloud``) that its token was given out for.

    ``of_run``: it is code of a run, which acts for the user that started it and is not that user's own.
    """

    user_id: str
    user_name: str
    administrator: bool = False
    mode: str = "cpd"
    of_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key; the secret itself is known only on the day it is made. ``hint`` is its first characters."""

    id: str
    user_id: str
    name: str
    hint: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCredential:
    """The credential that a user's jobs run with. The secret stays encrypted in the store."""

    id: str
    user_id: str
    name: str
    description: str
    type: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that is signed in. ``digest`` is that of the secret in its cookie, ``proof`` what it was given for."""

    digest: str
    user_id: str
    proof: str
    created_at: datetime
    expires_at: datetime
