"""PMML models, scored by PMML4S in Java within this process; a block is one call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gristmill_runner.features import FRAME, Appetite
from gristmill_runner.loaders.java import start_java
from gristmill_runner.loaders.scorer import PREDICTION, PROBABILITY, Scorer
from gristmill_runner.protocol import Field, Spec

_MOST_SHOWN = 8


class PmmlScorer:
    """Answers with the fields of the model's ``Output``, or with prediction and probability where it has none."""

    libraries = ("pypmml",)

    def __init__(self, jpype: Any, model: Any) -> None:  # noqa: ANN401 - jpype comes untyped
        self._jpype, self._model = jpype, model
        inputs = list(model.inputFields())
        self._names = [str(field.name()) for field in inputs]
        fields = [Field(name=str(field.name()), type=str(field.dataType())) for field in inputs]
        self.appetite = Appetite(self._names, len(inputs), FRAME, fields=fields)
        self._known = dict(_known_values(model, inputs))
        self._own = not model.output().isEmpty()
        self._produced = [str(name) for name in model.outputNames()]
        self._classes = [f"probability_{value.toVal()}" for value in model.classes()]
        self.outputs = list(self._named({name: [] for name in self._produced}))

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the output fields.

        Raises:
            ValueError: a value is none of those that its field lists, and the model has nothing to put in its place.

        """
        columns = {name: _values(features[name]) for name in self._names}
        self._refuse_unknown(columns)
        rows = list(zip(*columns.values()))  # noqa: B905 - Python 3.9
        answer = self._asked(json.dumps({"columns": self._names, "data": rows}, allow_nan=False))
        told = list(zip(*answer["data"])) or [()] * len(answer["columns"])  # noqa: B905
        return self._named({name: list(values) for name, values in zip(answer["columns"], told)})  # noqa: B905

    def _asked(self, question: str) -> Any:  # noqa: ANN401
        try:
            return json.loads(str(self._model.predict(self._jpype.JString(question))))
        except self._jpype.JException as error:
            if "OutOfMemoryError" in type(error).__name__:
                raise MemoryError(str(error)) from None
            raise ValueError(str(error)) from None

    def _named(self, produced: Mapping[str, Any]) -> dict[str, Any]:
        predicted = [name for name in produced if name.startswith("predicted_")]
        if self._own or len(predicted) != 1:
            return dict(produced)
        named = {PREDICTION: produced[predicted[0]]}
        if self._classes and set(self._classes) <= set(produced):
            rows = zip(*(produced[name] for name in self._classes))  # noqa: B905 - Python 3.9
            named[PROBABILITY] = [list(row) for row in rows]
        return named

    def _refuse_unknown(self, columns: Mapping[str, list[Any]]) -> None:
        for name, known in self._known.items():
            unknown = [value for value in columns[name] if value is not None and str(value) not in known]
            if unknown:
                takes = ", ".join(sorted(known)[:_MOST_SHOWN]) + (", ..." if len(known) > _MOST_SHOWN else "")
                raise ValueError(f"column {name!r} holds {unknown[0]!r}, which the model does not know: {takes}")


def load_pmml(path: Path, spec: Spec) -> Scorer:
    """Load a PMML document."""
    import pypmml

    jars = sorted((Path(pypmml.__file__).parent / "jars").glob("*.jar"))
    jpype = start_java(spec, jars)
    try:
        return PmmlScorer(jpype, jpype.JClass("org.pmml4s.model.Model").fromFile(str(path)))
    except jpype.JException as error:
        raise ValueError(str(error).rpartition("Exception: ")[2]) from None


def _known_values(model: Any, inputs: list[Any]) -> Iterator[tuple[str, frozenset[str]]]:  # noqa: ANN401
    """Yield the values of fields that list them, where the model gives back nothing for any other."""
    schema = model.miningSchema()
    for field in inputs:
        mined = schema.get(field.name())
        listed = list(field.validValues() or [])
        strict = not mined.isEmpty() and str(mined.get().invalidValueTreatment()) == "returnInvalid"
        if listed and strict and field.isString():
            missing = str(field.missingValues().mkString("\0")).split("\0")  # a set of Scala's
            yield str(field.name()), frozenset(str(value.toVal()) for value in listed) | frozenset(missing)


def _values(column: Any) -> list[Any]:  # noqa: ANN401 - a pandas Series
    if column.dtype.kind == "M":
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
    return [None if value is None or value != value else value for value in column.tolist()]
