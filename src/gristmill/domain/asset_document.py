"""Reading and patching the documents that clients send for assets: names, descriptions, tags, and inner paths."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gristmill.domain.errors import Invalid
from gristmill.domain.json_patch import changes

MOST_NAME_CHARACTERS = 1_000
MOST_TAGS = 64
SEALED = "sealed"
"""The member of a stored entity that holds encrypted secrets; nothing that leaves the server has it."""


def unsealed(entity: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity as it may be shown."""
    return {name: value for name, value in entity.items() if name != SEALED}


def name_of(document: Mapping[str, Any], *, field: str = "name") -> str:
    """Return the document's name.

    Raises:
        Invalid: it has none, or one that is no text.

    """
    name = document.get("name")
    if not isinstance(name, str) or not name.strip():
        raise Invalid(f"{field}: give it a name, a text that is not empty.", field=field)
    if len(name) > MOST_NAME_CHARACTERS:
        raise Invalid(f"{field}: the name has more than {MOST_NAME_CHARACTERS} characters.", field=field)
    return name


def description_of(document: Mapping[str, Any], *, field: str = "description") -> str:
    """Return the description, empty where there is none."""
    text = document.get("description") or ""
    if not isinstance(text, str):
        raise Invalid(f"{field}: the description is a text, not {text!r}.", field=field)
    return text


def tags_of(document: Mapping[str, Any], *, field: str = "tags") -> list[str]:
    """Return the tags, none where there are none."""
    tags = document.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid(f"{field}: tags are a list of texts.", field=field)
    if len(tags) > MOST_TAGS:
        raise Invalid(f"{field}: there are more than {MOST_TAGS} tags.", field=field)
    return tags


def patched(
    document: Mapping[str, Any], operations: Sequence[Mapping[str, Any]], *, roots: Collection[str]
) -> dict[str, Any]:
    """Return the document with a JSON patch done to it; only paths at or below ``roots`` may change.

    Raises:
        Invalid: an operation is malformed, leads nowhere, or is about something else; the message names it.

    """
    if not isinstance(operations, list) or not all(isinstance(operation, Mapping) for operation in operations):
        raise Invalid('The body is a JSON patch: [{"op": "replace", "path": "/name", "value": "..."}].', field="body")
    asked = [str(operation.get("path", "")).strip("/") for operation in operations]
    allowed = {*roots, *(path for path in asked if any(path.startswith(f"{root}/") for root in roots))}
    result = copy.deepcopy(dict(document))
    for operation in operations:
        for path, value in changes([operation], allowed=allowed).items():
            _set(result, path, value, remove=operation.get("op") == "remove")
    return result


def _set(document: dict[str, Any], path: str, value: Any, *, remove: bool) -> None:  # noqa: ANN401 - any JSON
    *outer, last = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    place: Any = document
    for part in outer:
        place = _inner(place, part, path)
    if isinstance(place, list):
        _set_in_list(place, last, value, remove=remove, path=path)
    elif not isinstance(place, dict):
        raise Invalid(f"/{path} leads into a plain value.", field=path)
    elif remove:
        place.pop(last, None)
    else:
        place[last] = value


def _inner(place: Any, part: str, path: str) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(place, dict):
        if place.get(part) is None:
            place[part] = {}
        return place[part]
    if isinstance(place, list) and part.isdecimal() and int(part) < len(place):
        return place[int(part)]
    raise Invalid(f"/{path} leads nowhere: there is no {part!r}.", field=path)


def _set_in_list(place: list[Any], last: str, value: Any, *, remove: bool, path: str) -> None:  # noqa: ANN401
    if last == "-" and not remove:
        place.append(value)
        return
    if not last.isdecimal() or int(last) >= len(place):
        raise Invalid(f"/{path} leads nowhere: the list has {len(place)} elements.", field=path)
    if remove:
        del place[int(last)]
    else:
        place[int(last)] = value
