"""What user code left in its run directory, whatever its ending: read as files of a stranger, and kept."""

from __future__ import annotations

import logging
import mimetypes
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from gristmill.content.content import Stored
from gristmill.domain.run_spec import ResultFile
from gristmill.service.context import Context
from gristmill_runner import protocol

KINDS = frozenset({"python_script", "r_script", "notebook", "code_package", "flow"})
"""Kinds of user code whose files are kept, also when it failed, was stopped or was killed."""
_log = logging.getLogger("gristmill.engine")
_MOST_FILES = 100
_BLOCK_BYTES = 1024 * 1024
_NOTEBOOK = ".ipynb"
_MIMES = {_NOTEBOOK: "application/x-ipynb+json", ".html": "text/html", ".zip": "application/zip"}


class RunFiles:
    """The files of one run directory. Nothing is followed out of it: links and devices are left alone."""

    def __init__(self, context: Context, directory: Path, *, output_path: str | None) -> None:
        """Take up the directory; ``output_path`` is where the run's output was asked for, below the directory."""
        self._context = context
        self._directory = directory
        self._results = directory / protocol.RESULTS
        self._asked = directory / output_path if output_path else None
        self._stored: dict[Path, Stored] = {}

    def main(self) -> tuple[str, Stored] | None:
        """Return what an output asset gets, with its type: the executed notebook, or else the archive of the output."""
        path = self.main_path()
        if path is None:
            return None
        return _MIMES[_NOTEBOOK if path.parent == self._results else ".zip"], self._store(path)

    def main_path(self) -> Path | None:
        """Return the file that the output is made of, if the run left something."""
        notebook = next((path for path in self._kept() if path.suffix == _NOTEBOOK), None)
        if notebook is not None:
            return notebook
        archive = self._asked
        if archive is None or not _is_plain(archive):
            archive = self._directory / "rest.zip"
            self._pack_rest(archive)
        return archive if _is_plain(archive) else None

    def all(self) -> tuple[ResultFile, ...]:
        """Keep the files of the run's results and return them."""
        if self._asked is None or any(path.suffix == _NOTEBOOK for path in self._kept()):
            self._pack_rest(self._directory / protocol.ARCHIVE)
        return tuple(self._file(path) for path in self._kept()[:_MOST_FILES])

    def _file(self, path: Path) -> ResultFile:
        stored = self._store(path)
        mime = _MIMES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return ResultFile(name=path.name, mime=mime, size=stored.size, content_key=stored.key)

    def _store(self, path: Path) -> Stored:
        """Put a file's bytes once, whoever asks for them."""
        if path not in self._stored:
            self._stored[path] = self._context.content.put_file(path)
        return self._stored[path]

    def _kept(self) -> list[Path]:
        if not _is_plain(self._results, directory=True):
            return []
        there = {path for path in self._results.iterdir() if _is_plain(path) and path.name.isprintable()}
        return sorted(there | {path for path in self._stored if path.parent == self._results})

    def _pack_rest(self, archive: Path) -> None:
        """Zip what was left in BATCH_OUTPUT_DIR where the run itself could not."""
        folder = self._directory / protocol.BATCH
        if archive in self._stored or _is_plain(archive) or not _is_plain(folder, directory=True):
            return
        draft = self._directory / "rest.draft"
        draft.unlink(missing_ok=True)
        try:
            if _pack(folder, draft):
                archive.parent.mkdir(exist_ok=True)
                draft.replace(archive)
        except (OSError, ValueError):
            # What a run left must not keep it from ending.
            _log.exception("run.files_not_kept", extra={"directory": self._directory.name})


def _pack(folder: Path, target: Path) -> int:
    """Zip the plain files below the folder; return how many there are."""
    number = 0
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for name, file in _plain_files(folder):
            with file, archive.open(name, "w", force_zip64=True) as packed:
                while block := file.read(_BLOCK_BYTES):
                    packed.write(block)
            number += 1
    return number


def _plain_files(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    for place, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            try:
                # Without waiting for the writer of a pipe, and without following a link.
                descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError:
                continue
            file = os.fdopen(descriptor, "rb")
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                yield str(path.relative_to(folder)).encode(errors="replace").decode(), file
            else:
                file.close()


def _is_plain(path: Path, *, directory: bool = False) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return stat.S_ISDIR(mode) if directory else stat.S_ISREG(mode)
