"""Software environments: what a run is frozen with, whether that has to be built, and from what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from gristmill.domain.errors import Invalid
from gristmill.domain.requirements import combined, pinned

RUNNER_PACKAGES = ("ipykernel", "joblib", "numpy", "pandas", "pyarrow", "python-calamine", "xlsxwriter")
"""What the child program needs to read rows, load models, be a notebook's kernel and write results: in every one."""

LIBRARIES = (*RUNNER_PACKAGES, "lightgbm", "onnxruntime", "scikit-learn", "scipy", "xgboost-cpu")
"""What custom specifications have of the shipped environment, in the very versions that ship."""

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedExtension:
    """A package extension as it was when a run was created."""

    name: str
    type: str
    content_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareEnvironment:
    """What a run's specification meant when the run was created: its base, and the extensions from the base up."""

    base_id: str
    base_name: str
    platform: str
    platform_version: str
    packages: Mapping[str, str] = field(default_factory=dict)
    extensions: Sequence[AddedExtension] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild an environment from its document."""
        extensions = tuple(AddedExtension(**extension) for extension in document["extensions"])
        return cls(**{**document, "extensions": extensions})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFile:
    """A wheel or source archive of a user's own; ``member`` is its path within the content, None: it is all of it."""

    name: str
    sha256: str
    content_key: str
    member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What a package extension's file asks for. ``found_only`` files are there to be found, not all to be installed."""

    requirements: Sequence[str] = ()
    python: str | None = None
    files: Sequence[PackageFile] = ()
    found_only: bool = False

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild an addition from its document."""
        return cls(**{**document, "files": tuple(PackageFile(**file) for file in document["files"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """From what an environment is built: requirement lines, and files that are ``installed`` or only ``found``."""

    python_version: str
    requirements: Sequence[str] = ()
    installed: Sequence[PackageFile] = ()
    found: Sequence[PackageFile] = ()

    def key(self, interpreter: str) -> str:
        """Return the name of what is built with an interpreter: the same inputs have the same name, in hexadecimal."""
        files = [sorted((file.name, file.sha256, file.member or "") for file in each) for each in self._files()]
        inputs = [_FORMAT, self.python_version, interpreter, list(self.requirements), files]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def document(self) -> dict[str, Any]:
        """Return the recipe as a JSON document, for people who look."""
        return asdict(self)

    def _files(self) -> tuple[Sequence[PackageFile], Sequence[PackageFile]]:
        return self.installed, self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """The environment that the server itself runs in. With ``built``, predefined specifications do not share it."""

    specification_id: str
    python_version: str
    packages: Mapping[str, str]
    built: bool = False

    def serves(self, environment: SoftwareEnvironment) -> bool:
        """Tell whether runs of an environment run here."""
        if environment.extensions:
            return False
        return environment.platform != "python" or self._is_base_of(environment)

    def libraries(self) -> dict[str, str]:
        """Return the libraries among its packages, with their versions."""
        return {name: self.packages[name] for name in LIBRARIES if name in self.packages}

    def base(self, environment: SoftwareEnvironment) -> list[str]:
        """Return the requirements of an environment's base: what ships, or what the base's list says."""
        if self._is_base_of(environment):
            return pinned(self.libraries())
        return combined(RUNNER_PACKAGES, pinned(environment.packages))

    def _is_base_of(self, environment: SoftwareEnvironment) -> bool:
        if environment.base_id == self.specification_id:
            return True
        return not self.built and environment.platform_version == self.python_version


def recipe_of(environment: SoftwareEnvironment, additions: Sequence[Addition], shipped: Shipped) -> Recipe:
    """Return from what an environment is built.

    Raises:
        Invalid: an extension wants another Python than the base has, or the base is none of Python's.

    """
    if environment.platform != "python":
        message = f"{environment.base_name}: packages can be added to specifications of Python only."
        raise Invalid(message, code="base_not_python", field="base_software_specification")
    for extension, addition in zip(environment.extensions, additions, strict=True):
        if addition.python not in {None, environment.platform_version}:
            raise Invalid(
                f"Package extension {extension.name} asks for Python {addition.python}, but {environment.base_name} "
                f"has {environment.platform_version}. Choose a base that has it, or leave the version out.",
                code="other_python",
                field="package_extensions",
            )
    lines = [line for addition in additions for line in addition.requirements]
    installed = [file for addition in additions if not addition.found_only for file in addition.files]
    names = [file.name.partition("-")[0] for file in installed]
    return Recipe(
        python_version=environment.platform_version,
        requirements=tuple(combined(shipped.base(environment), lines, added_names=names)),
        installed=tuple(installed),
        found=tuple(file for addition in additions if addition.found_only for file in addition.files),
    )
