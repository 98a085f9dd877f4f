"""Units of CPU and memory as hardware specifications write them: ``100m``, ``2``, ``4Gi``, ``512Mi``, ``1GB``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

MOST_CORES = 10_000
MOST_MEMORY_BYTES = 1024**5
MOST_NODES = 1_000

_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([A-Za-z]*)")
_BINARY = {"k": 1, "m": 2, "g": 3, "t": 4}


def cores(units: object, *, field: str = "nodes.cpu.units") -> float:
    """Return the number of CPU cores that ``"100m"``, ``"1"``, ``"1.5"`` or ``2`` stand for.

    Raises:
        Invalid: it is none of these, is zero, or is absurd.

    """
    number, suffix = _split(units, field, "Write cores (2, 0.5) or thousandths of a core (100m).")
    if suffix not in {"", "m"}:
        raise Invalid(
            f"{field}: {units!r} has the unit {suffix}; write cores (2, 0.5) or thousandths (100m).", field=field
        )
    value = number / 1000 if suffix == "m" else number
    if not 0 < value <= MOST_CORES:
        raise Invalid(f"{field}: {units!r} is not between 1m and {MOST_CORES} cores.", field=field)
    return value


def memory_bytes(size: object, *, field: str = "nodes.mem.size") -> int:
    """Return the bytes that ``"4Gi"``, ``"512Mi"``, ``"1GB"`` or a plain number of bytes stand for.

    Raises:
        Invalid: it is none of these, is zero, or is absurd.

    """
    number, suffix = _split(size, field, "Write a size such as 4Gi, 512Mi or 1GB.")
    factor = _factor(suffix)
    if factor is None:
        raise Invalid(f"{field}: {size!r} has the unit {suffix}; use Ki, Mi, Gi, Ti or KB, MB, GB, TB.", field=field)
    value = math.floor(number * factor)
    if not 0 < value <= MOST_MEMORY_BYTES:
        raise Invalid(f"{field}: {size!r} is not between 1 byte and 1024 Ti.", field=field)
    return value


def node(nodes: object) -> tuple[float, int]:
    """Return the cores and the bytes of memory of one node of the wire's ``nodes`` document.

    Raises:
        Invalid: a part is missing or malformed.

    """
    if not isinstance(nodes, Mapping):
        raise Invalid('nodes: send {"cpu": {"units": "1"}, "mem": {"size": "4Gi"}, "num_nodes": 1}.', field="nodes")
    number_of_nodes(nodes.get("num_nodes"), field="nodes.num_nodes")
    return cores(_part(nodes, "cpu", "units")), memory_bytes(_part(nodes, "mem", "size"))


def number_of_nodes(count: object, *, field: str) -> int | None:
    """Return how many nodes a document asks for, None where it does not say.

    Raises:
        Invalid: that is no number of nodes.

    """
    if count is None:
        return None
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_NODES:
        raise Invalid(f"{field}: {count!r} is not a whole number from 1 to {MOST_NODES}.", field=field)
    return count


def _part(nodes: Mapping[str, Any], outer: str, inner: str) -> object:
    part = nodes.get(outer)
    value = part.get(inner) if isinstance(part, Mapping) else None
    if value is None:
        raise Invalid(f"nodes.{outer}.{inner} is missing.", field=f"nodes.{outer}.{inner}")
    return value


def _split(value: object, field: str, advice: str) -> tuple[float, str]:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Invalid(f"{field}: {value!r} is no amount. {advice}", field=field)
    match = _NUMBER.fullmatch(str(value).strip())
    if match is None:
        raise Invalid(f"{field}: {value!r} is no amount. {advice}", field=field)
    return float(match[1]), match[2]


def _factor(suffix: str) -> int | None:
    letters = suffix.lower()
    power = _BINARY.get(letters[:1])
    match letters[1:]:
        case "" if letters in {"", "b"}:
            return 1
        case "i" | "ib" if power:
            return int(1024**power)
        # A bare K, M or G is the decimal unit, as Kubernetes reads it; a bare m would be thousandths of a byte.
        case "b" | "" if power and suffix != "m":
            return int(1000**power)
        case _:
            return None
