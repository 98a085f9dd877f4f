"""Scripts: their language, the software specification that goes with it, and what their files must be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gristmill.domain.asset import Asset
from gristmill.domain.errors import Invalid
from gristmill.domain.script import Language, check_name, check_platform, language_of
from gristmill.domain.specification import SoftwareSpecification
from gristmill.service import python_source, software_specifications
from gristmill.store.database import Connection

MOST_BYTES = 16 * 1024**2
_SOFTWARE = "entity.script.software_spec"


def check(connection: Connection, asset: Asset) -> None:
    """Check what a script's entity says.

    Raises:
        Invalid: its language is not known, or its name or its software specification is of another one.

    """
    language = language_of(asset.entity)
    check_name(asset.name, language)
    software = _software(connection, asset)
    if software is not None:
        check_platform(language, software.name, software.platform, field=_SOFTWARE)


def python_of(connection: Connection, asset: Asset) -> str:
    """Return the version of Python that a script's software specification has, empty where it names none."""
    software = _software(connection, asset)
    return software.platform_version if software else ""


def check_upload(asset: Asset, path: Path, *, python: str) -> None:
    """Check a script's file; one in R shows only when it runs whether R can read it.

    Raises:
        Invalid: it is no text, or no Python where it should be.

    """
    if path.stat().st_size > MOST_BYTES:
        raise _refused(f"it has more than {MOST_BYTES} bytes; keep data in data assets")
    source = path.read_bytes()
    if b"\0" in source:
        raise _refused("it is no text")
    if language_of(asset.entity) is Language.PYTHON:
        fault = python_source.fault_of(source, python=python)
        if fault is not None:
            raise _refused(f"{fault} (its language is python3; a script in R says so in entity.script.language.name)")


def _software(connection: Connection, asset: Asset) -> SoftwareSpecification | None:
    described = asset.entity.get("script")
    reference = described.get("software_spec") if isinstance(described, Mapping) else None
    if not reference:
        return None
    named = reference if isinstance(reference, Mapping) else {}
    wanted = named.get("base_id") or named.get("id") or named.get("name")
    return software_specifications.find(connection, asset.space_id, wanted, field=_SOFTWARE)


def _refused(why: str) -> Invalid:
    return Invalid(f"The script cannot be run: {why}.", code="invalid_script", field="file")
