"""What a notebook must be so that it can ever be run; said when its content comes, not when it fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

MOST_BYTES = 256 * 1024**2
"""A notebook is one document, which is read as a whole; data belongs into data assets."""
_VERSIONS = (3, 4)


def check_notebook(content: bytes) -> None:
    """Check that the bytes are a notebook of a known version that names its kernel.

    Raises:
        Invalid: they are not; the message says what to do.

    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(f"The content is no notebook: it is no JSON ({error}).") from error
    if not isinstance(document, Mapping) or not isinstance(document.get("nbformat"), int):
        raise _refused("The content is no notebook: it has no nbformat.")
    if document["nbformat"] not in _VERSIONS:
        known = " and ".join(str(version) for version in _VERSIONS)
        raise _refused(f"The notebook has nbformat {document['nbformat']}; known are {known}. Save it as nbformat 4.")
    cells = document.get("cells" if document["nbformat"] == _VERSIONS[-1] else "worksheets")
    if not isinstance(cells, list):
        raise _refused("The notebook has no cells.")
    if not _kernel(document.get("metadata")):
        raise _refused("The notebook names no kernel in metadata.kernelspec; choose one in Jupyter and save it.")


def _kernel(metadata: Any) -> object:  # noqa: ANN401 - any JSON
    if not isinstance(metadata, Mapping):
        return None
    spec, language = metadata.get("kernelspec"), metadata.get("language_info")
    named = [part.get("name") for part in (spec, language) if isinstance(part, Mapping)]
    # Version 3 was Python's alone, and named its kernel only later.
    return next(iter(filter(None, [*named, metadata.get("kernel_info")])), None)


def _refused(message: str) -> Invalid:
    return Invalid(message, code="invalid_notebook")
