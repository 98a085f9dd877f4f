"""The software environment of a run: frozen with it, then found or built when the run starts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gristmill.domain.environment import (
    AddedExtension,
    Addition,
    PackageFile,
    Recipe,
    Shipped,
    SoftwareEnvironment,
    recipe_of,
)
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.specification import PackageExtension, SoftwareSpecification
from gristmill.launch.build import BuildFailed
from gristmill.launch.build_log import Tell
from gristmill.launch.environment_store import EnvironmentStore, Hold, Wish
from gristmill.launch.interpreters import PythonMissing
from gristmill.service import extension_files, software_specifications
from gristmill.service.context import Context
from gristmill.store import package_extensions
from gristmill.store.database import Connection


class EnvironmentFailed(Exception):
    """A run cannot have its environment. ``code`` is the cause's, the message a sentence for the run's user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def freeze(connection: Connection, space_id: str, software: SoftwareSpecification) -> SoftwareEnvironment:
    """Return what a specification means now: its base, and the content of the extensions from the base up.

    Raises:
        Conflict: the base is gone, or an extension has no file, or its upload is not complete.

    """
    *derived, base = software_specifications.lineage(connection, space_id, software)
    if base.space_id is not None:
        message = f"{base.name} is derived from a software specification that is gone. Derive it from another."
        raise Conflict(message, code="software_specification_not_found", field="software_spec")
    ids = [extension_id for entry in reversed(derived) for extension_id in entry.package_extension_ids]
    extensions = [_extension(connection, extension_id, software) for extension_id in dict.fromkeys(ids)]
    return SoftwareEnvironment(
        base_id=base.id,
        base_name=base.name,
        platform=base.platform,
        platform_version=base.platform_version,
        packages=dict(base.packages) if base.id != software_specifications.own_environment().id else {},
        extensions=tuple(
            AddedExtension(name=found.name, type=found.type, content_key=str(found.content_key)) for found in extensions
        ),
    )


def content_keys(spec: RunSpec) -> list[str]:
    """Return the keys of the content that a run's environment is made from."""
    return [extension.content_key for extension in spec.environment.extensions] if spec.environment else []


def of_this_server(*, built: bool) -> Shipped:
    """Return what ships with this server; with ``built``, predefined specifications do not share it."""
    own = software_specifications.own_environment()
    return Shipped(
        specification_id=own.id, python_version=own.platform_version, packages=dict(own.packages), built=built
    )


@dataclass(frozen=True, slots=True)
class Environments:
    """The environments of one worker. Those that no run used for ``unused`` are removed."""

    context: Context
    store: EnvironmentStore
    shipped: Shipped
    unused: timedelta

    def offered(self) -> list[str]:
        """Return the versions of Python that are known to be here."""
        return sorted({self.shipped.python_version, *self.store.versions})

    def hold(self, spec: RunSpec, *, tell: Tell, stopped: Callable[[], bool]) -> Hold | None:
        """Return the environment that a run was frozen with, after building it where it is not there.

        None stands for the shipped one. The first words that ``tell`` gets say where the run works.

        Raises:
            EnvironmentFailed: it cannot be had.
            BuildStopped: ``stopped`` said so meanwhile.

        """
        if spec.environment is None or self.shipped.serves(spec.environment):
            tell(_shared(spec))
            return None
        try:
            wish = Wish(recipe=self.recipe(spec.environment), lay_out=self._lay_out, tell=tell, stopped=stopped)
            held = self.store.hold(wish)
        except Invalid as error:
            raise EnvironmentFailed("environment_failed", error.message) from error
        except PythonMissing as error:
            raise EnvironmentFailed("python_missing", f"{spec.specification_name}: {error}") from error
        except BuildFailed as error:
            message = f"The environment of {spec.specification_name} cannot be built: {error}"
            raise EnvironmentFailed("environment_failed", message) from error
        count = len(held.environment.packages)
        tell(f"Software specification {spec.specification_name}: {held.environment.name}, {count} packages.\n".encode())
        return held

    def recipe(self, environment: SoftwareEnvironment) -> Recipe:
        """Return from what an environment is built.

        Raises:
            Invalid: an extension cannot be read, or does not go with the base.

        """
        additions = [self._addition(extension) for extension in environment.extensions]
        return recipe_of(environment, additions, self.shipped)

    def remove_unused(self) -> int:
        """Remove the environments that were not used for long; return how many went."""
        extension_files.forget(self.context, older_than_seconds=self.unused.total_seconds())
        return self.store.remove_unused(older_than_seconds=self.unused.total_seconds())

    def _addition(self, extension: AddedExtension) -> Addition:
        where = f"package extension {extension.name}"
        return extension_files.addition(self.context, extension.content_key, type_=extension.type, where=where)

    def _lay_out(self, file: PackageFile, path: Path) -> None:
        extension_files.lay_out(self.context, file, path)


def _shared(spec: RunSpec) -> bytes:
    """Return a word for where a run does not get the very packages that its specification lists."""
    own = software_specifications.own_environment()
    if spec.specification_id == own.id:
        return b""
    return (
        f"Software specification {spec.specification_name}: run here in {own.name}, whose packages may be newer.\n"
    ).encode()


def _extension(connection: Connection, extension_id: str, software: SoftwareSpecification) -> PackageExtension:
    found = package_extensions.get(connection, extension_id)
    if found is None or not found.complete or found.content_key is None:
        name = found.name if found else extension_id
        raise Conflict(
            f"{software.name} adds the package extension {name}, whose file is not there yet. Complete its upload.",
            code="package_extension_incomplete",
            field="software_spec",
        )
    return found
