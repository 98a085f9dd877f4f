"""The software specifications that every space has, under the original's names, so that its users' code finds them.

Packages are the main libraries of the original's runtimes, by the versions that their model types name; the full lists
are not public. Identifiers are the original's own where they are known, else derived from the name.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gristmill.domain.specification import SoftwareSpecification

_NAMESPACE = uuid.UUID("6d1f4f0c-3f0b-5d5e-9c55-6b2f0f4f6a02")
_KNOWN = {
    "runtime-24.1-py3.11": "45f12dfe-aa78-5b8d-9f38-0ee223c47309",
    "runtime-24.1-r4.3": "c9679e95-1b5e-590d-a6ce-0c15dc870a0a",
    "runtime-25.1-py3.12": "f47ae1c3-198e-5718-b59d-2ea471561e9e",
}
_R_PACKAGES = (
    "base",
    "compiler",
    "datasets",
    "graphics",
    "grDevices",
    "methods",
    "parallel",
    "stats",
    "tools",
    "utils",
)


def identifier(name: str) -> str:
    """Return the id of the predefined specification of this name: the same on every server."""
    return _KNOWN.get(name) or str(uuid.uuid5(_NAMESPACE, name))


def _python(name: str, version: str, life_cycle: Mapping[str, Any], **packages: str) -> SoftwareSpecification:
    return SoftwareSpecification(
        id=identifier(name),
        name=name,
        description=f"{name}: Python {version}",
        platform="python",
        platform_version=version,
        packages={package.replace("_", "-"): number for package, number in packages.items()},
        life_cycle=life_cycle,
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


def _r(name: str, version: str, life_cycle: Mapping[str, Any]) -> SoftwareSpecification:
    return SoftwareSpecification(
        id=identifier(name),
        name=name,
        description=f"{name}: R {version}",
        platform="r",
        platform_version=version,
        packages=dict.fromkeys(_R_PACKAGES, version),
        life_cycle=life_cycle,
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


def _available(since: str) -> dict[str, Any]:
    return {"available": {"since_version": since}}


def _deprecated(replacement: str, since: str) -> dict[str, Any]:
    return {"deprecated": {"since_version": since}, "replacement_name": replacement}


PREDEFINED_SOFTWARE: tuple[SoftwareSpecification, ...] = (
    _python("runtime-25.1-py3.12", "3.12", _available("5.2"), python="3.12", scikit_learn="1.6", xgboost="2.1"),
    _python(
        "runtime-24.1-py3.11",
        "3.11",
        _available("5.0"),
        python="3.11",
        numpy="1.26",
        pandas="2.1",
        scikit_learn="1.3",
        scipy="1.11",
        xgboost="2.0",
        torch="2.1",
        tensorflow="2.14",
    ),
    _r("runtime-25.1-r4.4", "4.4", _available("5.2")),
    _r("runtime-24.1-r4.3", "4.3", _available("5.0")),
    _python(
        "runtime-23.1-py3.10",
        "3.10",
        _deprecated("runtime-25.1-py3.12", "5.1"),
        python="3.10",
        numpy="1.23",
        pandas="1.5",
        scikit_learn="1.1",
        xgboost="1.6",
        tensorflow="2.12",
    ),
    _python(
        "runtime-22.1-py3.9",
        "3.9",
        _deprecated("runtime-25.1-py3.12", "4.8"),
        python="3.9",
        numpy="1.20",
        pandas="1.3",
        scikit_learn="1.0",
        xgboost="1.5",
        tensorflow="2.7",
    ),
    # In cloud mode the client looks both of these up before it stores an R script.
    _r("runtime-22.1-r3.6", "3.6", _deprecated("runtime-25.1-r4.4", "4.8")),
    _r("default_r3.6", "3.6", _deprecated("runtime-25.1-r4.4", "4.0")),
)
