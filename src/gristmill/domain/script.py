"""The language of a script, which its entity tells; and whether file and software specification go with it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from gristmill.domain.errors import Invalid

FIELD = "entity.script.language.name"


class Language(StrEnum):
    """The languages of scripts; the values are the platforms of software specifications."""

    PYTHON = "python"
    R = "r"


SHOWN = {Language.PYTHON: "python3", Language.R: "R"}
"""The languages by the names that the wire has for them."""
_ENDINGS = {".py": Language.PYTHON, ".r": Language.R}


def language_of(entity: Mapping[str, Any]) -> Language:
    """Return the language that an asset's entity names, Python where it names none.

    Raises:
        Invalid: scripts of that language cannot be run.

    """
    script = entity.get("script")
    language = script.get("language") if isinstance(script, Mapping) else None
    name = (language.get("name") if isinstance(language, Mapping) else language) or "python3"
    lowered = str(name).lower()
    if lowered == "r":
        return Language.R
    if lowered.rstrip("0123456789. ") == "python":
        return Language.PYTHON
    raise Invalid(f"{FIELD}: scripts are in python3 or in R, not in {name}.", code="unknown_language", field=FIELD)


def check_name(name: str, language: Language) -> None:
    """Check that a script's file has the ending of its language, or none that is known.

    Raises:
        Invalid: it has the other one's.

    """
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    meant = _ENDINGS.get(ending, language)
    if meant is not language:
        message = (
            f"{FIELD}: {name} has the ending of a script in {SHOWN[meant]}, but its language is {SHOWN[language]}. "
            f"Say {SHOWN[meant]}, and choose a software specification of that language."
        )
        raise Invalid(message, code="other_language", field=FIELD)


def check_platform(language: Language, specification: str, platform: str, *, field: str) -> None:
    """Check that a software specification can run scripts of the language.

    Raises:
        Invalid: it is of the other one.

    """
    if platform in set(Language) and platform != language:
        message = (
            f"{field}: {specification} is for scripts in {SHOWN[Language(platform)]}, and this one is in "
            f"{SHOWN[language]}. Choose a specification of its language."
        )
        raise Invalid(message, code="other_language", field=field)
