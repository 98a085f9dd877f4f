"""Wheels and source archives of a test's own, so that a build needs no package index."""

from __future__ import annotations

import zipfile
from pathlib import Path

_SETUP = "from setuptools import setup\nsetup(name={name!r}, version={version!r}, py_modules=[{name!r}])\n"


def make_wheel(folder: Path, name: str, *, version: str = "1.0", code: str = "", needs: str = "") -> Path:
    """Write a wheel of one module."""
    stem = f"{name}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += f"Requires-Dist: {needs}\n" if needs else ""
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", code or f"version = {version!r}\n")
        archive.writestr(f"{stem}.dist-info/METADATA", metadata)
        archive.writestr(f"{stem}.dist-info/WHEEL", wheel)
        archive.writestr(f"{stem}.dist-info/entry_points.txt", f"[console_scripts]\nsay-{name} = {name}:main\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def make_project(folder: Path, name: str, *, version: str = "0.1", setup: str = _SETUP) -> Path:
    """Write the zip of a project, as ``python setup.py sdist --formats=zip`` does."""
    path = folder / f"{name}-{version}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}/setup.py", setup.format(name=name, version=version))
        archive.writestr(f"{name}-{version}/{name}.py", "answer = 42\n")
    return path


def make_slow_project(folder: Path, name: str, *, begun: Path) -> Path:
    """Write the zip of a project whose first build starts a daemon, says so by a file, and never ends; later ones do.

    It builds itself without any other package.
    """
    first = f"""
    begun = Path({str(begun)!r})
    if not begun.exists():
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        begun.touch()
        time.sleep(600)
"""
    return _make_own_builder(folder, name, first=first)


def make_counting_project(folder: Path, name: str, *, builds: Path) -> Path:
    """Write the zip of a project that builds itself, and adds a line to a file each time."""
    first = f"""
    with Path({str(builds)!r}).open("a") as file:
        file.write("built\\n")
"""
    return _make_own_builder(folder, name, first=first)


def _make_own_builder(folder: Path, name: str, *, first: str) -> Path:
    backend = f"""
import os, time, zipfile
from pathlib import Path

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
{first.strip(chr(10))}
    stem = "{name}-1.0"
    with zipfile.ZipFile(Path(wheel_directory, stem + "-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("{name}.py", "version = '1.0'\\n")
        info = stem + ".dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        tags = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", tags)
        wheel.writestr(info + "RECORD", "")
    return stem + "-py3-none-any.whl"
"""
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    system += f'[project]\nname = "{name}"\nversion = "1.0"\n'
    path = folder / f"{name}-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-1.0/pyproject.toml", system)
        archive.writestr(f"{name}-1.0/backend.py", backend)
    return path


def zipped(path: Path, *files: Path, **texts: str) -> Path:
    """Write a zip file of files, and of texts by their names (``requirements_txt`` for requirements.txt)."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"packages/{file.name}")
        for name, text in texts.items():
            archive.writestr(name.replace("_", "."), text)
    return path
