"""Every refusal of Gristmill, in one tree. `api/errors.py` maps the branches to HTTP statuses.

GristmillError
 ├ Invalid            the request is wrong: names the field and the way out
 │  └ TooLarge        a body over a limit
 ├ Unauthenticated    no valid token, key or password
 │  └ LockedOut       too many wrong ones: says when to try again
 ├ Forbidden          visible, but not for this role
 ├ NotFound           not there, or not visible to this user
 ├ Conflict           there, but not in this state
 ├ Busy               too much of it at the moment: says when to try again
 └ NoRoom             a disk is full: nothing was changed
"""

from __future__ import annotations

import errno
from datetime import datetime

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class GristmillError(Exception):
    """A refusal with a stable ``code``, a sentence for people, and the field that it is about."""

    code = "error"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.field = field


class Invalid(GristmillError):
    """The request is wrong."""

    code = "invalid_request"


class TooLarge(Invalid):
    """The body is over a limit."""

    code = "body_too_large"


class Unauthenticated(GristmillError):
    """No valid token, key or password."""

    code = "authentication_failed"


class LockedOut(Unauthenticated):
    """Too many wrong passwords in a row for this user name; ``retry_seconds`` is how long none is looked at."""

    code = "locked_out"

    def __init__(self, until: datetime, *, retry_seconds: int) -> None:
        super().__init__(f"Too many wrong passwords for this user name. Try again after {until:%H:%M:%S} UTC.")
        self.retry_seconds = retry_seconds


class Forbidden(GristmillError):
    """The user may see it, but not do this."""

    code = "forbidden"


class NotFound(GristmillError):
    """It is not there, or not for this user to see."""

    code = "not_found"


class Conflict(GristmillError):
    """It is there, but its state forbids this."""

    code = "conflict"


class Busy(GristmillError):
    """There is too much of this at the moment; ``retry_seconds`` is when to try again."""

    code = "too_many_requests"

    def __init__(self, message: str, *, code: str, retry_seconds: int) -> None:
        super().__init__(message, code=code)
        self.retry_seconds = retry_seconds


class NoRoom(GristmillError):
    """A disk of the server's, or of its database, is full."""

    code = "insufficient_storage"

    def __init__(self) -> None:
        super().__init__(
            "There is no room left on the disk of the server, or of its database. Nothing was changed: "
            "let the administrator make room, and try again."
        )

    @staticmethod
    def is_told_by(error: BaseException) -> bool:
        """Tell whether something could not be written for want of room, in these words or in those of the system."""
        return isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in _FULL)


class TaskCredentialMissing(Forbidden):
    """A deployment job needs a valid task credential of its user."""

    code = "task_credentials_missing"

    def __init__(self) -> None:
        super().__init__(
            "You have no valid task credential, and a deployment job runs with one. Add it with "
            "client.task_credentials.store(), or with POST /v1/task_credentials "
            '{"name": "...", "type": "iam_api_key", "secret": {"api_key": "<one of your API keys>"}}.'
        )
