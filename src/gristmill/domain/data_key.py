"""The keys that secrets, tokens and links hang on, as they are kept: each wrapped by the server's own secret key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST = "first"
"""The id of keys from before there were any of their own: what they made names no key."""
KEPT_AFTER_RETIRING = timedelta(days=8)
"""Longer than anything lasts that was signed: a run's token has seven days."""


class Purpose(StrEnum):
    """What a key is for; one never serves two of these."""

    ENCRYPTION = "encryption"
    DIGESTS = "digests"
    TOKENS = "tokens"
    LINKS = "links"


RENEWED = (Purpose.ENCRYPTION, Purpose.TOKENS, Purpose.LINKS)
"""What a rotation makes anew. Digests stay: they can be made anew only from the secrets, which nobody keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A wrapped key; ``wrapped_by`` tells by which secret key. A retired one opens and makes nothing new."""

    id: str
    purpose: Purpose
    wrapped: str
    wrapped_by: str
    created_at: datetime
    retired_at: datetime | None = None
