"""What the files of package extensions ask for: read once, and remembered beside the content that never changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from gristmill.domain import file_signatures
from gristmill.domain.conda_file import read_conda
from gristmill.domain.environment import Addition, PackageFile
from gristmill.domain.errors import Invalid
from gristmill.domain.requirements import read_requirements
from gristmill.service.context import Context
from gristmill.service.zip_directory import opened_zip

_MOST_TEXT_BYTES = 2**20
_MOST_FILES = 1_000
_BLOCK_BYTES = 2**20
_WHEEL = re.compile(r"([^/]+)\.dist-info/WHEEL$")
_PROJECT_FILES = frozenset({"setup.py", "pyproject.toml"})
_PACKAGE_ENDINGS = (".whl", ".tar.gz", ".zip")
_REQUIREMENTS = "requirements.txt"


def addition(context: Context, content_key: str, *, type_: str, where: str) -> Addition:
    """Return what an extension's file asks for. ``where`` is what refusals call it.

    Raises:
        Invalid: the file is not of its type, or asks for something that cannot be had; the line is named.
        ContentMissing: the file is gone.

    """
    remembered = context.data_dir / "cache" / "extensions" / f"{content_key.replace('/', '-')}.json"
    if remembered.exists():
        return Addition.of(json.loads(remembered.read_text(encoding="utf-8")))
    read = _READERS[type_](context, content_key, where)
    remembered.parent.mkdir(parents=True, exist_ok=True)
    draft = remembered.with_name(f"{remembered.name}.{uuid.uuid4().hex}")
    draft.write_text(json.dumps(asdict(read)), encoding="utf-8")
    draft.replace(remembered)
    return read


def forget(context: Context, *, older_than_seconds: float) -> None:
    """Remove what was remembered so long ago; what is needed again is read again."""
    for remembered in (context.data_dir / "cache" / "extensions").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # another server of this data directory was first
            if time.time() - remembered.stat().st_mtime >= older_than_seconds:
                remembered.unlink()


def lay_out(context: Context, file: PackageFile, path: Path) -> None:
    """Lay a package file down under its own name."""
    if file.member is None:
        context.content.materialize(file.content_key, path)
        return
    with (
        context.content.open(file.content_key) as stream,
        zipfile.ZipFile(stream) as archive,
        archive.open(file.member) as source,
        path.open("wb") as target,
    ):
        shutil.copyfileobj(source, target, _BLOCK_BYTES)


def _conda(context: Context, content_key: str, where: str) -> Addition:
    found = read_conda(_text(context, content_key, where), where=where)
    return Addition(requirements=found.requirements, python=found.python)


def _requirements(context: Context, content_key: str, where: str) -> Addition:
    return Addition(requirements=read_requirements(_text(context, content_key, where), where=where))


def _packages(context: Context, content_key: str, where: str) -> Addition:
    """Read an archive: a wheel, a source archive, or a zip file that holds any number of both."""
    with context.content.open(content_key) as stream:
        head = stream.read(file_signatures.HEAD_BYTES)
        stream.seek(0)
        sha256 = _sha256(stream)
        whole = PackageFile(name="", sha256=sha256, content_key=content_key)
        if file_signatures.is_gzip(head):
            return Addition(files=[_named(whole, _source_name(sha256, ".tar.gz"))])
        try:
            with opened_zip(stream, most_files=context.limits.archive_files) as archive:
                most_bytes = context.limits.archive_bytes
                if sum(member.file_size for member in archive.infolist()) > most_bytes:
                    raise _invalid(where, f"it holds more than {most_bytes} bytes.")
                return _zipped(archive, whole, where)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise _invalid(where, f"it is no wheel, source archive or zip file of those: {error}.") from error


_READERS: dict[str, Callable[[Context, str, str], Addition]] = {
    "conda_yml": _conda,
    "requirements_txt": _requirements,
    "pip_zip": _packages,
    "custom_library": _packages,
}


def _zipped(archive: zipfile.ZipFile, whole: PackageFile, where: str) -> Addition:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    wheel = next((found[1] for name in names if (found := _WHEEL.match(name))), None)
    if wheel:
        return Addition(files=[_named(whole, _wheel_name(archive, wheel, where))])
    if any(PurePosixPath(name).name in _PROJECT_FILES and name.count("/") < 2 for name in names):
        return Addition(files=[_named(whole, _source_name(whole.sha256, ".zip"))])
    files = list(_members(names, whole))
    listed = next((name for name in names if PurePosixPath(name).name == _REQUIREMENTS), None)
    if len(files) > _MOST_FILES or not (files or listed):
        raise _invalid(where, f"there are {len(files)} wheels and source archives in it; 1 to {_MOST_FILES} can be.")
    if listed is None:
        return Addition(files=files)
    if archive.getinfo(listed).file_size > _MOST_TEXT_BYTES:
        raise _invalid(where, f"its {listed} is larger than {_MOST_TEXT_BYTES} bytes.")
    text = _decoded(archive.read(listed), where)
    return Addition(requirements=read_requirements(text, where=f"{where}: {listed}"), files=files, found_only=True)


def _members(names: list[str], whole: PackageFile) -> Iterator[PackageFile]:
    for name in names:
        plain = PurePosixPath(name.replace("\\", "/")).name
        if plain.endswith(_PACKAGE_ENDINGS) and not plain.startswith("."):
            yield PackageFile(name=plain, sha256=whole.sha256, content_key=whole.content_key, member=name)


def _wheel_name(archive: zipfile.ZipFile, stem: str, where: str) -> str:
    """Return a wheel's file name, which is part of what it says and does not come with an upload."""
    with archive.open(f"{stem}.dist-info/WHEEL") as file:
        # Never the whole: it may be a bomb.
        text = _decoded(file.read(_MOST_TEXT_BYTES), where)
    tags = [found[1].split("-") for found in re.finditer(r"^Tag:\s*([\w.]+-[\w.]+-[\w.]+)\s*$", text, re.MULTILINE)]
    if not tags or not re.fullmatch(r"[\w.]+-[\w.!+]+", stem):
        raise _invalid(where, "the wheel does not say for which Python it is.")
    return f"{stem}-{'-'.join('.'.join(dict.fromkeys(parts)) for parts in zip(*tags, strict=True))}.whl"


def _source_name(sha256: str, ending: str) -> str:
    """Name a source archive with no dash: what follows one is taken for a version, and ``5172a883`` is one."""
    return f"source_{sha256[:8]}{ending}"


def _named(file: PackageFile, name: str) -> PackageFile:
    return PackageFile(name=name, sha256=file.sha256, content_key=file.content_key)


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    stream.seek(0)
    return digest.hexdigest()


def _text(context: Context, content_key: str, where: str) -> str:
    with context.content.open(content_key) as stream:
        content = stream.read(_MOST_TEXT_BYTES + 1)
    if len(content) > _MOST_TEXT_BYTES:
        raise _invalid(where, f"the file is larger than {_MOST_TEXT_BYTES} bytes.")
    return _decoded(content, where)


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(where, "the file is not text in UTF-8.") from error


def _invalid(where: str, fault: str) -> Invalid:
    return Invalid(f"{where}: {fault}", code="bad_package_extension", field=where)
