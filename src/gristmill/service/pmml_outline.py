"""Reads a PMML document as a stream: what kind of model it is, and the fields that it takes. Nothing is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO
from xml.parsers import expat

from gristmill.domain.errors import Invalid
from gristmill.domain.model_schema import Field

_BLOCK_BYTES = 256 * 1024
_NO_MODELS = {"Header", "MiningBuildTask", "DataDictionary", "TransformationDictionary", "Extension"}
_USED = {"active", "order", "frequencyWeight"}
MODELS = (
    *("AnomalyDetectionModel", "AssociationModel", "ClusteringModel", "GeneralRegressionModel", "MiningModel"),
    *("NaiveBayesModel", "NearestNeighborModel", "NeuralNetwork", "RegressionModel", "RuleSetModel", "Scorecard"),
    *("SupportVectorMachineModel", "TreeModel"),
)
"""The kinds of model that are scored."""


class PmmlOutline:
    """Parses a document to its end. ``model`` is the element of its first model, None where it has none."""

    def __init__(self) -> None:
        self.is_pmml = False
        self.model: str | None = None
        self._path: list[str] = []
        self._types: dict[str, str] = {}
        self._taken: list[str] = []

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that the model takes, in its order."""
        return tuple(Field(name, self._types[name]) for name in self._taken if name in self._types)

    def read(self, head: bytes, stream: IO[bytes]) -> None:
        """Read the whole document; ``head`` is what was read of it before.

        Raises:
            Invalid: it is not well formed, or declares entities of its own.

        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = _refuse_entity
        try:
            parser.Parse(head, False)
            while block := stream.read(_BLOCK_BYTES):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise Invalid(f"The PMML file is not well-formed XML: {error}.", code="invalid_model_content") from error

    def _begin(self, qualified: str, attributes: Mapping[str, str]) -> None:
        name = qualified.rpartition(" ")[2]
        self._path.append(name)
        match self._path:
            case ["PMML"]:
                self.is_pmml = True
            case ["PMML", "DataDictionary", "DataField"]:
                self._types[attributes.get("name", "")] = attributes.get("dataType", "")
            case ["PMML", element] if element not in _NO_MODELS and self.model is None:
                self.model = element
            case ["PMML", element, "MiningSchema", "MiningField"] if element == self.model:
                if attributes.get("usageType", "active") in _USED:
                    self._taken.append(attributes.get("name", ""))

    def _end(self, _qualified: str) -> None:
        self._path.pop()


def _refuse_entity(name: str, *_rest: object) -> None:
    raise Invalid(f"The PMML file declares the entity {name!r}; write it out.", code="invalid_model_content")
