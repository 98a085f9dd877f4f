"""What scripts, notebooks, packages and flows must be made of, looked at when it comes and when a job is to run it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from gristmill.domain.asset import Asset, AssetType, Attachment
from gristmill.domain.entry_point import check_entry_point
from gristmill.domain.errors import Invalid
from gristmill.domain.notebook_document import MOST_BYTES, check_notebook
from gristmill.service import flows, scripts
from gristmill.service.archives import Packing, members, packing_of
from gristmill.service.context import Context, Limits


def check_upload(asset: Asset, path: Path, *, limits: Limits, python: str = "") -> None:
    """Check a file that is to become an asset's content; ``python`` is the version that is to run a script.

    Raises:
        Invalid: a notebook, a script or a flow is none, or a code package is no zip, or one that cannot be unpacked
            safely.

    """
    match asset.type:
        case AssetType.NOTEBOOK:
            if path.stat().st_size > MOST_BYTES:
                message = f"The notebook has more than {MOST_BYTES // 1024**2} MiB; keep data in data assets."
                raise Invalid(message, code="invalid_notebook")
            check_notebook(path.read_bytes())
        case AssetType.CODE_PACKAGE:
            with path.open("rb") as stream:
                _check_package(stream, limits)
        case AssetType.SCRIPT:
            scripts.check_upload(asset, path, python=python)
        case AssetType.FLOW | AssetType.ORCHESTRATION_FLOW:
            flows.check_upload(path, limits=limits)


def check_beginning(context: Context, asset: Asset, content: Attachment | None, entrypoint: str | None) -> None:
    """Check that a code package has the file that it is to begin with.

    Raises:
        Invalid: it has not; the files that it may begin with are listed.

    """
    if asset.type != AssetType.CODE_PACKAGE or content is None or content.content_key is None:
        return
    with context.content.open(content.content_key) as stream:
        check_entry_point(entrypoint, _names(stream, context.limits))


def _check_package(stream: BinaryIO, limits: Limits) -> None:
    if packing_of(stream) is not Packing.ZIP:
        raise Invalid("A code package is a zip file; this is none.", code="invalid_archive")
    for _member in members(stream, limits=limits):
        pass


def _names(stream: BinaryIO, limits: Limits) -> list[str]:
    if packing_of(stream) is Packing.ZIP:
        with zipfile.ZipFile(stream) as archive:
            return archive.namelist()
    return [member.path for member in members(stream, limits=limits) if not member.is_directory]
