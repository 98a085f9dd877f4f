"""Letting go of content that was put before a transaction which then did not take it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from gristmill.domain.errors import GristmillError
from gristmill.service.context import Context
from gristmill.store import contents

_log = logging.getLogger("gristmill.contents")


def let_go(context: Context, keys: Iterable[str], error: BaseException | None = None) -> None:
    """Remove content that no row took, because of ``error`` or because it was not needed.

    A refusal of ours was rolled back for certain. After any other error nobody knows whether the database committed:
    its answer may have been lost. Then the keys are noted, and the janitor removes what no row refers to.
    """
    loose = list(keys)
    if error is None or isinstance(error, GristmillError):
        for key in loose:
            context.content.delete(key)
        return
    try:
        note(context, loose)
    except Exception:  # noqa: BLE001 - bytes that stay do no harm; the first error is the one to tell
        _log.exception("contents.not_noted", extra={"count": len(loose)})


def note(context: Context, keys: Sequence[str]) -> None:
    """Note content that may be loose: the janitor removes what no row refers to by then."""
    if keys:
        with context.database.transaction() as connection:
            contents.discard(connection, keys, context.now())
