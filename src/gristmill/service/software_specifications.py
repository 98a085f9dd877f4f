"""Software specifications: the predefined ones, this server's own environment, and those that spaces derive."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import distributions
from typing import Any

from gristmill.domain.asset_document import description_of, name_of
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.predefined_software import PREDEFINED_SOFTWARE, identifier
from gristmill.domain.space import Permission
from gristmill.domain.specification import SoftwareSpecification
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import package_extensions
from gristmill.store import software_specifications as store
from gristmill.store.database import Connection


@cache
def own_environment() -> SoftwareSpecification:
    """Return the specification of the environment that this server itself runs in; read once, for it cannot change."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"gristmill-py{version}"
    packages = {
        distribution.metadata["Name"]: distribution.version
        for distribution in distributions()
        if distribution.metadata["Name"]
    }
    return SoftwareSpecification(
        id=identifier(name),
        name=name,
        description=f"Python {version} with the packages that this server was installed with",
        platform="python",
        platform_version=version,
        packages=dict(sorted(packages.items(), key=lambda item: item[0].lower())),
        life_cycle={"available": {"since_version": "5.3"}},
        created_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


def find(
    connection: Connection, space_id: str, id_or_name: object, *, field: str = "software_spec"
) -> SoftwareSpecification:
    """Return the specification of this id or name, predefined or of the space, for those who refer to it.

    A derived one comes with its base's platform and packages.

    Raises:
        Invalid: there is none; ``field`` says where it was named.

    """
    found = _find(connection, space_id, id_or_name)
    if found is None:
        raise Invalid(
            f"{field}: there is no software specification {id_or_name} here. "
            f"Predefined are {', '.join(specification.name for specification in _predefined())}.",
            code="software_specification_not_found",
            field=field,
        )
    return found


def of_run(context: Context, space_id: str, specification_id: str) -> SoftwareSpecification:
    """Return the specification that a run was frozen with, for the engine; a deleted one is only a name by then."""
    with context.database.snapshot() as connection:
        found = _find(connection, space_id, specification_id)
    return found or SoftwareSpecification(
        id=specification_id, name=specification_id, created_at=datetime(2024, 1, 1, tzinfo=UTC)
    )


def lineage(connection: Connection, space_id: str, specification: SoftwareSpecification) -> list[SoftwareSpecification]:
    """Return a specification, what it is derived from, and so on: the predefined one is the last."""
    chain = [specification]
    while (base_id := chain[-1].base_id) and base_id not in {entry.id for entry in chain}:
        predefined = next((entry for entry in _predefined() if entry.id == base_id), None)
        base = predefined or store.find(connection, space_id, base_id)
        if base is None:
            break
        chain.append(base)
    return chain


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> SoftwareSpecification:
    """Derive a specification from another one and package extensions.

    Raises:
        Invalid: there is no base, or an extension is unknown.
        Conflict: the name is taken.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        return add(context, connection, space.id, document)


def add(context: Context, connection: Connection, space_id: str, document: Mapping[str, Any]) -> SoftwareSpecification:
    """Do so within a transaction, for whom the space is known to be open."""
    name = name_of(document)
    if _find(connection, space_id, name):
        raise Conflict(f"There is a software specification named {name} already.", code="name_taken", field="name")
    field = "base_software_specification"
    base = find(connection, space_id, _reference(document.get(field)), field=field)
    extensions = document.get("package_extensions") or []
    if not isinstance(extensions, list):
        raise Invalid("package_extensions: it is a list of {guid}.", field="package_extensions")
    specification = SoftwareSpecification(
        id=context.new_id(),
        space_id=space_id,
        name=name,
        description=description_of(document),
        base_id=base.id,
        package_extension_ids=_extensions(connection, space_id, [_reference(entry) for entry in extensions]),
        created_at=context.now(),
    )
    store.create(connection, specification)
    return _with_base(specification, base)


def get(context: Context, actor: Actor, space_id: str | None, specification_id: str) -> SoftwareSpecification:
    """Return a specification that the space has.

    Raises:
        NotFound: it has none of this id.

    """
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return _get(connection, space.id, specification_id)


def page(
    context: Context, actor: Actor, space_id: str | None, *, name: str | None, limit: int, start: str | None = None
) -> Page[SoftwareSpecification]:
    """List the specifications: on the first page the predefined ones come first."""
    first = [] if start else [entry for entry in _predefined() if name in {None, entry.name}]
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        custom = store.page(connection, space.id, name=name, limit=limit, start=start)
        derived = [_completed(connection, space.id, entry) for entry in custom.items]
        total = len(_predefined()) + store.count(connection, space.id)
    items = [*first, *derived]
    return Page(items=items, next=custom.next, total=total if name is None else len(items))


def delete(context: Context, actor: Actor, space_id: str | None, specification_id: str) -> None:
    """Delete a derived specification.

    Raises:
        NotFound: the space has none of this id.
        Conflict: it is predefined, or assets run with it.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        found = _own(connection, space.id, specification_id)
        names = store.assets_using(connection, space.id, specification_id)
        names += store.derived_from(connection, space.id, specification_id)
        if names:
            raise Conflict(
                f"{found.name} is needed by {', '.join(names[:10])}. Change or delete those first.",
                code="software_specification_in_use",
            )
        store.remove(connection, specification_id)


def set_extension(
    context: Context, actor: Actor, space_id: str | None, specification_id: str, extension_id: str, *, present: bool
) -> None:
    """Add a package extension to a derived specification, or take it away; doing so twice is fine.

    Raises:
        NotFound: one of the two is not in the space.
        Conflict: the specification is a predefined one.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        found = _own(connection, space.id, specification_id)
        if present:
            _extensions(connection, space.id, [extension_id])
        others = [entry for entry in found.package_extension_ids if entry != extension_id]
        store.set_package_extensions(connection, found.id, [*others, extension_id] if present else others)


def _predefined() -> Sequence[SoftwareSpecification]:
    return (*PREDEFINED_SOFTWARE, own_environment())


def _find(connection: Connection, space_id: str, id_or_name: object) -> SoftwareSpecification | None:
    for specification in _predefined():
        if id_or_name in {specification.id, specification.name}:
            return specification
    found = store.find(connection, space_id, str(id_or_name)) if id_or_name else None
    return _completed(connection, space_id, found) if found else None


def _get(connection: Connection, space_id: str, specification_id: str) -> SoftwareSpecification:
    found = _find(connection, space_id, specification_id)
    if found is None or found.id != specification_id:
        raise NotFound(
            f"There is no software specification {specification_id} in this space.",
            code="software_specification_not_found",
        )
    return found


def _own(connection: Connection, space_id: str, specification_id: str) -> SoftwareSpecification:
    found = _get(connection, space_id, specification_id)
    if found.space_id is None:
        raise Conflict(
            f"{found.name} is a predefined software specification; it stays as it is. Derive your own from it.",
            code="predefined",
        )
    return found


def _completed(connection: Connection, space_id: str, derived: SoftwareSpecification) -> SoftwareSpecification:
    """Give a derived specification what it has from its base, however many steps that is away."""
    return _with_base(derived, lineage(connection, space_id, derived)[-1])


def _with_base(derived: SoftwareSpecification, base: SoftwareSpecification) -> SoftwareSpecification:
    return replace(
        derived, platform=base.platform, platform_version=base.platform_version, packages=dict(base.packages)
    )


def _extensions(connection: Connection, space_id: str, extension_ids: Sequence[object]) -> list[str]:
    for extension_id in extension_ids:
        found = package_extensions.get(connection, str(extension_id))
        if found is None or found.space_id != space_id:
            raise Invalid(
                f"package_extensions: there is no package extension {extension_id} in this space.",
                code="package_extension_not_found",
                field="package_extensions",
            )
    return [str(extension_id) for extension_id in dict.fromkeys(extension_ids)]


def _reference(document: object) -> object:
    if not isinstance(document, Mapping):
        return None
    return document.get("guid") or document.get("id") or document.get("asset_id") or document.get("name")
