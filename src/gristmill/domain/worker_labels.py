"""Labels: what a worker says of itself, and what a run asks of the worker that takes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from gristmill.domain.errors import Invalid

_LABEL = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}")
_MOST = 20


def read_labels(given: Any, where: str) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    """Return the labels of a JSON array, sorted and each once.

    Raises:
        Invalid: it is none, or one of them is no label.

    """
    if given is None:
        return ()
    if not isinstance(given, list | tuple) or len(given) > _MOST:
        raise Invalid(f"{where}: it is an array of at most {_MOST} labels of workers.", field=where)
    for label in given:
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            message = f"{where}: {label!r} is no label; one has up to 40 of a-z, 0-9, dots and hyphens, like gpu."
            raise Invalid(message, field=where)
    return tuple(sorted(set(given)))


def labels_text(labels: Iterable[str]) -> str:
    """Return labels as one text, by which equal sets are equal; the empty text for none."""
    return " ".join(sorted(set(labels)))


def offered_text(labels: Collection[str]) -> str:
    """Return a worker's labels so that a pattern finds any selection of them: each with a space on both sides."""
    return "".join(f" {label} " for label in sorted(set(labels)))


def labels_of(text: str) -> tuple[str, ...]:
    """Return the labels in either text."""
    return tuple(text.split())
