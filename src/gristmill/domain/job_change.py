"""What a change of a job changed, member by member, for people who ask what is otherwise since it last went well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gristmill.domain.job import Job

MOST_KEPT = 200
"""Changes of a job that are kept, the newest."""
_MOST_CHARACTERS = 2_000
_PLAIN = ("name", "description", "paused", "serving_name")
_DOCUMENTS = {"configuration": "configuration", "retention": "retention_policy", "notification": "notification"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChange:
    """A change: the version of the job that it made, when, by whom, and what.

    ``actor_name`` is None of one who is gone. Each of ``changes`` has ``field``, ``before`` and ``after``; the first,
    of version 0, has none: the job was made.
    """

    job_id: str
    version: int
    at: datetime
    actor_id: str
    changes: Sequence[Mapping[str, Any]]
    actor_name: str | None = None


def differences(before: Job, after: Job) -> list[dict[str, Any]]:
    """Return what differs, by the names of the wire; of secrets only that they do, of long values the beginning."""
    found = [(name, getattr(before, name), getattr(after, name)) for name in _PLAIN]
    for column, name in _DOCUMENTS.items():
        found += _members(name, getattr(before, column), getattr(after, column))
    found.append(("schedule", before.schedule, after.schedule))
    told = [_told(name, was, now) for name, was, now in found if was != now]
    if before.sealed_variables != after.sealed_variables:
        told.append({"field": "configuration.secret_env_variables", "before": None, "after": None})
    return told


def _members(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Iterator[tuple[str, Any, Any]]:
    was, now = before or {}, after or {}
    for member in sorted({*was, *now}):
        yield f"{name}.{member}", was.get(member), now.get(member)


def _told(name: str, before: Any, after: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"field": name, "before": _short(before), "after": _short(after)}


def _short(value: Any) -> Any:  # noqa: ANN401 - any JSON
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}..."
