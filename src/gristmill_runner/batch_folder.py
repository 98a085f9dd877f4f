"""BATCH_OUTPUT_DIR and the variables around it: where user code finds its input, and what becomes of its output."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import ARCHIVE, BATCH, INPUTS, OUTPUTS, PAYLOAD, Cause, Result
from gristmill_runner.run_context import WORK, Run

# In the product's words, which its users look for.
_EMPTY = "BATCH_OUTPUT_DIR is empty, skipping content upload: the run has left nothing to store."


def run_in_batch(run: Run, execute: Callable[[], Cause | None]) -> Result:
    """Execute with the variables set; the files that are left are zipped, whether it went well or not."""
    announce(run)
    cause = execute()
    archive = pack(run)
    result: Result = {"outcome": "completed" if cause is None else "failed"}
    result["outputs"] = [archive] if archive and archive != ARCHIVE else []
    if cause is not None:
        result["cause"] = cause
    elif archive is None and (run.spec.get("output") or {}).get("kind") == "file":
        result["warning"] = _EMPTY
    return result


def announce(run: Run) -> None:
    """Make the folder and set the platform's variables, over whatever the user gave for these names."""
    payload = run.directory / PAYLOAD
    if not payload.exists():
        payload.write_text("{}", encoding="utf-8")
    (run.directory / BATCH).mkdir(parents=True, exist_ok=True)
    os.environ["BATCH_INPUT_DIR"] = str(run.directory / INPUTS)
    os.environ["BATCH_OUTPUT_DIR"] = str(run.directory / BATCH)
    os.environ["JOBS_PAYLOAD_FILE"] = str(payload)
    os.environ["WORKDIR"] = str(run.directory / WORK)


def pack(run: Run, *, path: str | None = None) -> str | None:
    """Zip the folder's content under plain names; return the archive's path below the run directory.

    It goes to ``path``, or where the run's output is asked for, or among the files that are kept with the run.
    """
    folder = run.directory / BATCH
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if not files:
        return None
    name = path or _output_path(run)
    draft = run.directory / OUTPUTS / ".archive.draft"
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    target = run.directory / name
    if target == folder:
        folder.rename(folder.with_name(f"{folder.name}.files"))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    return name


def file_of(asset: Path, suffixes: tuple[str, ...]) -> Path:
    """Return the one file of an asset that holds a script or a notebook.

    Raises:
        RunFailed: there is none, or there are several.

    """
    if asset.is_file():
        return asset
    inside = [file for file in sorted(asset.rglob("*")) if file.is_file()]
    # The client calls a script's attachment after the asset's id, without a suffix.
    files = [file for file in inside if file.suffix in suffixes] or inside
    if len(files) != 1:
        kind = " or ".join(suffixes)
        raise RunFailed("asset_missing", f"the content has {len(files)} files that end in {kind}; one is expected")
    return files[0]


def _output_path(run: Run) -> str:
    path = (run.spec.get("output") or {}).get("path")
    return f"{OUTPUTS}/{Path(path).name}" if path else ARCHIVE
