"""Hardware specifications: the predefined ones of every space, and those that a space has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain import hardware_units
from gristmill.domain.asset_document import description_of, name_of
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.page import Page
from gristmill.domain.predefined_hardware import PREDEFINED_HARDWARE
from gristmill.domain.space import Permission
from gristmill.domain.specification import HardwareSpecification
from gristmill.domain.user import Actor
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.store import hardware_specifications as store
from gristmill.store.database import Connection


def find(connection: Connection, space_id: str, id_or_name: object) -> HardwareSpecification:
    """Return the specification of this id or name, predefined or of the space, for those who refer to it.

    Raises:
        Invalid: there is none.

    """
    found = _find(connection, space_id, id_or_name)
    if found is None:
        raise _not_found(id_or_name)
    return found


def _not_found(id_or_name: object) -> Invalid:
    code = "hardware_specification_not_found"
    names = ", ".join(specification.name for specification in PREDEFINED_HARDWARE)
    if id_or_name:
        return Invalid(
            f"hardware_spec: there is no hardware specification {id_or_name} here. Every space has {names}.",
            code=code,
            field="hardware_spec",
        )
    return Invalid(
        f"hardware_spec: neither id nor name is given. Every space has {names}.", code=code, field="hardware_spec"
    )


def create(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> HardwareSpecification:
    """Make a custom specification.

    Raises:
        Invalid: a unit or number is malformed.
        Conflict: the name is taken.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        return add(context, connection, space.id, document)


def add(context: Context, connection: Connection, space_id: str, document: Mapping[str, Any]) -> HardwareSpecification:
    """Do so within a transaction, for whom the space is known to be open."""
    cpus, memory_bytes = hardware_units.node(document.get("nodes"))
    name = name_of(document)
    if _find(connection, space_id, name):
        raise Conflict(f"There is a hardware specification named {name} already.", code="name_taken", field="name")
    specification = HardwareSpecification(
        id=context.new_id(),
        space_id=space_id,
        name=name,
        description=description_of(document),
        nodes=document["nodes"],
        cpus=cpus,
        memory_bytes=memory_bytes,
        created_at=context.now(),
    )
    store.create(connection, specification)
    return specification


def get(context: Context, actor: Actor, space_id: str | None, specification_id: str) -> HardwareSpecification:
    """Return a specification that the space has.

    Raises:
        NotFound: it has none of this id.

    """
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = _find(connection, space.id, specification_id)
    if found is None or found.id != specification_id:
        raise _missing(specification_id)
    return found


def page(
    context: Context, actor: Actor, space_id: str | None, *, name: str | None, limit: int, start: str | None = None
) -> Page[HardwareSpecification]:
    """List the specifications: on the first page the predefined ones come first."""
    first = [] if start else [entry for entry in PREDEFINED_HARDWARE if name in {None, entry.name}]
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        custom = store.page(connection, space.id, name=name, limit=limit, start=start)
        total = len(PREDEFINED_HARDWARE) + store.count(connection, space.id)
    items = [*first, *custom.items]
    return Page(items=items, next=custom.next, total=total if name is None else len(items))


def delete(context: Context, actor: Actor, space_id: str | None, specification_id: str) -> None:
    """Delete a custom specification; deployments and runs keep what they were made with.

    Raises:
        NotFound: the space has none of this id.
        Conflict: it is a predefined one.

    """
    with context.database.transaction() as connection:
        space = authorize(connection, actor, space_id, Permission.EDIT)
        found = _find(connection, space.id, specification_id)
        if found is None or found.id != specification_id:
            raise _missing(specification_id)
        if found.space_id is None:
            raise Conflict(f"{found.name} is a predefined hardware specification; it stays.", code="predefined")
        store.remove(connection, specification_id)


def _find(connection: Connection, space_id: str, id_or_name: object) -> HardwareSpecification | None:
    for specification in PREDEFINED_HARDWARE:
        if id_or_name in {specification.id, specification.name}:
            return specification
    return store.find(connection, space_id, str(id_or_name)) if id_or_name else None


def _missing(specification_id: str) -> NotFound:
    return NotFound(
        f"There is no hardware specification {specification_id} in this space.", code="hardware_specification_not_found"
    )
