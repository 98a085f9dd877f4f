"""Software and hardware specifications, and package extensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareSpecification:
    """Interpreter and packages that an asset runs with. ``space_id`` is None for the predefined ones.

    ``packages`` maps package names to exact versions; ``base_id`` names the specification that a custom one extends.
    ``life_cycle`` is the wire's document (``available``, ``deprecated``, ...), empty for custom ones.
    """

    id: str
    name: str
    created_at: datetime
    platform: str = "python"
    platform_version: str = ""
    description: str = ""
    space_id: str | None = None
    base_id: str | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    package_extension_ids: Sequence[str] = ()
    life_cycle: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareSpecification:
    """CPU, memory and nodes that a run may use. ``space_id`` is None for the predefined ones.

    ``nodes`` is the wire's document; ``cpus`` counts cores (0.1 is 100m), ``memory_bytes`` is per node.
    """

    id: str
    name: str
    created_at: datetime
    cpus: float
    memory_bytes: int
    nodes: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    space_id: str | None = None

    @property
    def number_of_nodes(self) -> int:
        """How many nodes like this a run may use."""
        return int(self.nodes.get("num_nodes") or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageExtension:
    """Packages to add to a base specification: ``type`` conda_yml, pip_zip or custom_library."""

    id: str
    space_id: str
    name: str
    type: str
    created_at: datetime
    description: str = ""
    content_key: str | None = None
    size: int = 0
    complete: bool = False
