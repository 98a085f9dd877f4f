"""Why a command ends without success: one line for its user, and an exit code for programs."""

from __future__ import annotations

FAILED, USAGE, CANCELED, TIMED_OUT, INTERRUPTED = 1, 2, 3, 124, 130


class CommandFailed(Exception):
    """The message is printed as it is; the process ends with ``exit_code``."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Refused(CommandFailed):
    """The server answered that it will not; ``status`` is the HTTP status, ``code`` the wire's stable code."""

    def __init__(self, message: str, *, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Unreachable(CommandFailed):
    """No answer came: nobody listens there, the connection broke, or the certificate is not trusted."""


def told(error: OSError) -> str:
    """Return what the system says of a file, in a sentence that begins with its name."""
    return f"{error.filename}: {error.strerror}." if error.filename else f"{error}."
