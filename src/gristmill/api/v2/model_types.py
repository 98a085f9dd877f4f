"""`/v2/model_types`: which types of model there are to choose from. An extension of the wire."""

from __future__ import annotations

from pydantic import BaseModel

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.model_types import offered
from gristmill.service import software_specifications

router = Router(prefix="/v2/model_types", tag="models")


class ModelTypeDocument(BaseModel):
    """A type; one that is not ``runnable`` can be stored, and its runs fail."""

    name: str
    family: str
    runnable: bool


class ModelTypes(BaseModel):
    """The types, those that are used most first."""

    results: list[ModelTypeDocument]


@router.get("")
def page(ctx: Ctx, me: Me, software_specification_id: str, space_id: str | None = None) -> ModelTypes:
    """List the types of model, with the versions that the packages of a software specification have."""
    found = software_specifications.get(ctx, me, space_id, software_specification_id)
    shown = [
        ModelTypeDocument(name=each.name, family=str(each.family), runnable=each.runnable)
        for each in offered(found.packages)
    ]
    return ModelTypes(results=shown)
