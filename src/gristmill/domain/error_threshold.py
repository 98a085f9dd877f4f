"""How many rows of a run may be rejected before the run fails: a number of rows, or a share of those that it reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gristmill.domain.errors import Invalid

MEMBER = "error_threshold"
_PERCENT = re.compile(r"\s*(\d{1,3}(?:\.\d{1,9})?)\s*%\s*")
_WHOLE = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorThreshold:
    """``rows`` that may be rejected, or a ``share`` of those read, above 0 and up to 1; the other is None."""

    rows: int | None = 0
    share: float | None = None

    def allows(self, *, rejected: int, read: int) -> bool:
        """Tell whether so many rejected rows are not too many for a run that has read so many."""
        return rejected <= (self.share * read if self.share is not None else self.rows or 0)

    def __str__(self) -> str:
        """Say it as a user would."""
        if self.share is not None:
            return f"{self.share * _WHOLE:.6g} %"
        return "1 row" if self.rows == 1 else f"{self.rows or 0:,} rows"

    def document(self) -> dict[str, Any]:
        """Return what the store and the child keep: ``{"rows": 5}`` or ``{"share": 0.02}``."""
        return {"share": self.share} if self.share is not None else {"rows": self.rows or 0}

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> Self:
        """Rebuild it; None is a run from before there was one: no row may be rejected."""
        given = document or {}
        return cls(rows=None if "share" in given else given.get("rows", 0), share=given.get("share"))


def read_error_threshold(value: object, *, where: str) -> ErrorThreshold | None:
    """Read a whole number of rows, a share between 0 and 1, or a text such as "2 %"; None where nothing is given.

    Raises:
        Invalid: it is none of these; ``where`` names the field.

    """
    match value:
        case None:
            return None
        case bool():
            pass
        case int() if value >= 0:
            return ErrorThreshold(rows=value)
        case float() if math.isfinite(value) and (value == 0 or value > 1) and value.is_integer():
            return ErrorThreshold(rows=int(value))
        case float() if 0 < value < 1:
            return ErrorThreshold(rows=None, share=value)
        case str() if (found := _PERCENT.fullmatch(value)) and float(found[1]) <= _WHOLE:
            share = float(found[1]) / _WHOLE
            return ErrorThreshold(rows=None, share=share) if share else ErrorThreshold()
    raise Invalid(
        f'{where}: {value!r} is neither a whole number of rows, nor a share between 0 and 1, nor a text like "2 %".',
        field=where,
    )


def read_of_scoring(scoring: Mapping[str, Any] | None, *, where: str = "scoring") -> ErrorThreshold | None:
    """Return what a scoring section says: in itself, or in its ``scoring_parameters``, as the client sends it.

    Raises:
        Invalid: it is no threshold.

    """
    parameters = (scoring or {}).get("scoring_parameters")
    inner = parameters.get(MEMBER) if isinstance(parameters, Mapping) else None
    in_parameters = read_error_threshold(inner, where=f"{where}.scoring_parameters.{MEMBER}")
    own = read_error_threshold((scoring or {}).get(MEMBER), where=f"{where}.{MEMBER}")
    return own or in_parameters


def read_of_configuration(configuration: Mapping[str, Any]) -> ErrorThreshold | None:
    """Return what a configuration of a job or a run says: in itself, or in its ``scoring``.

    Raises:
        Invalid: it is no threshold.

    """
    scoring = configuration.get("scoring")
    in_scoring = read_of_scoring(scoring if isinstance(scoring, Mapping) else None, where="configuration.scoring")
    return read_error_threshold(configuration.get(MEMBER), where=f"configuration.{MEMBER}") or in_scoring
