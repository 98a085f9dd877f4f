"""The hardware specifications that every space has. Identifiers are the original's own where they are known."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from gristmill.domain.specification import HardwareSpecification

_NAMESPACE = uuid.UUID("6d1f4f0c-3f0b-5d5e-9c55-6b2f0f4f6a01")
_SINCE = datetime(2024, 1, 1, tzinfo=UTC)
_KNOWN = {
    "S": "e7ed1d6c-2e89-42d7-aed5-863b972c1d2b",
    "M": "c076e82c-b2a7-4d20-9c0f-1f0c2fdf5a24",
    "L": "a6c4923b-b8e4-444c-9f43-8a7ec3020110",
}


def _specification(name: str, cpus: int, gibibytes: int) -> HardwareSpecification:
    nodes = {
        "cpu": {"units": str(cpus), "model": ""},
        "mem": {"size": f"{gibibytes}Gi"},
        "gpu": {"num_gpu": 0},
        "num_nodes": 1,
    }
    return HardwareSpecification(
        id=_KNOWN.get(name) or str(uuid.uuid5(_NAMESPACE, name)),
        name=name,
        description=f"{cpus} CPU, {gibibytes} GiB of memory",
        created_at=_SINCE,
        cpus=float(cpus),
        memory_bytes=gibibytes * 1024**3,
        nodes=nodes,
    )


PREDEFINED_HARDWARE: tuple[HardwareSpecification, ...] = (
    _specification("XS", 1, 4),
    _specification("S", 2, 8),
    _specification("M", 4, 16),
    _specification("ML", 4, 32),
    _specification("L", 8, 32),
    _specification("XL", 16, 64),
)
