"""What a schedule stands on: the API key made for it, the key's user with its rights, and what it is to run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gristmill.domain.space import Permission, Role, allows

LONGEST_NAME = 255
_AGAIN = "An editor of the space sets the schedule again, which makes a new key."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A scheduled job and the facts that its next tick depends on, as they are at one moment.

    ``user_name`` is None when whoever set the schedule is gone; ``role`` when it is no active member of the space.
    ``key_found`` says whether the key is there and is that user's; ``target_found`` whether what the job runs is fit.
    """

    job_id: str
    job_name: str
    space_id: str
    version: int
    next_tick_at: datetime | None
    user_id: str | None
    user_name: str | None
    disabled: bool
    key_found: bool
    key_revoked: bool
    credential_found: bool
    role: Role | None
    space_paused: bool
    target_found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """Why ticks are refused: a stable code, and a sentence that says who must do what."""

    code: str
    reason: str


def key_name(job_name: str) -> str:
    """Return the name under which a schedule's key is listed."""
    return f"Schedule of {job_name}"[:LONGEST_NAME]


def lacking_right(standing: Standing) -> Breakage | None:
    """Return why the schedule's runs may not be queued for its user; None when they may."""
    user = standing.user_name
    if user is None:
        return Breakage(code="user_gone", reason=f"The user who set the schedule is gone. {_AGAIN}")
    if standing.disabled:
        return _broken("user_disabled", user, "is disabled", f"An administrator enables {user}, or an editor")
    if not standing.key_found:
        return Breakage(code="key_missing", reason=f"The schedule has no API key. {_AGAIN}")
    if standing.key_revoked:
        return Breakage(
            code="key_revoked", reason=f"The API key that was made for the schedule by {user} was revoked. {_AGAIN}"
        )
    if standing.role is None:
        return _broken(
            "no_member", user, "is no member of the space", f"An admin of the space adds {user}, or an editor"
        )
    if not allows(standing.role, Permission.OPERATE_RUNS):
        what = f"is only {standing.role} in the space"
        return _broken("role_too_low", user, what, f"An admin of the space makes {user} job_operator, or an editor")
    if not standing.credential_found:
        way_out = f"{user} stores one with POST /v1/task_credentials, or an editor"
        return _broken("task_credential_missing", user, "has no task credential", way_out)
    return None


def breakage(standing: Standing) -> Breakage | None:
    """Return why the next tick would be refused as things are; None when it would not."""
    found = lacking_right(standing)
    if found or standing.target_found:
        return found
    return Breakage(
        code="target_gone",
        reason="What the job runs is gone or not ready: its asset, deployment or definition. An editor of the space "
        "brings it back, or gives the job another.",
    )


def subject_of(standing: Standing, broken: Breakage, since: datetime) -> str:
    """Return the subject of the event that tells of a breakage: one for each moment at which it broke."""
    return f"schedule/{standing.job_id}/{standing.version}/{broken.code}/{since.isoformat()}"


def _broken(code: str, user: str, what: str, way_out: str) -> Breakage:
    reason = f"{user}, who set the schedule, {what}. {way_out} of the space sets the schedule again."
    return Breakage(code=code, reason=reason)
