"""PMML models, scored by PMML4S in Java within this process; a block is one call."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill_runner.features import FRAME, Appetite
from gristmill_runner.loaders.java import start_java, telling
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
        self._ranges = dict(_ranges(model, inputs))
        self._own = not model.output().isEmpty()
        self._produced = [str(name) for name in model.outputNames()]
        self._classes = [f"probability_{value.toVal()}" for value in model.classes()]
        self.outputs = list(self._named({name: [] for name in self._produced}))

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return the output fields.

        Raises:
            ValueError: a value is none of those that its field lists, or in none of its intervals, and the model has
                nothing to put in its place.

        """
        columns = {name: _values(features[name]) for name in self._names}
        self._refuse_unknown(columns)
        self._refuse_outside(columns)
        rows = list(zip(*columns.values()))  # noqa: B905 - Python 3.9
        answer = self._asked(json.dumps({"columns": self._names, "data": rows}, allow_nan=False))
        told = list(zip(*answer["data"])) or [()] * len(answer["columns"])  # noqa: B905
        return self._named({name: list(values) for name, values in zip(answer["columns"], told)})  # noqa: B905

    def _asked(self, question: str) -> Any:  # noqa: ANN401
        with telling(self._jpype, ValueError):
            return json.loads(str(self._model.predict(self._jpype.JString(question))))

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

    def _refuse_outside(self, columns: Mapping[str, list[Any]]) -> None:
        for name, (ranges, missing) in self._ranges.items():
            for value in columns[name]:
                number = None if value is None else float(value)
                if number is not None and number not in missing and not any(each.holds(number) for each in ranges):
                    takes = ", ".join(map(str, ranges[:_MOST_SHOWN]))
                    raise ValueError(
                        f"column {name!r} holds {value!r}, which is outside of what the model takes: {takes}"
                    )


@dataclass(frozen=True)
class _Range:
    """An interval of numbers; each end is part of it or not."""

    left: float
    right: float
    from_left: bool
    to_right: bool

    def holds(self, number: float) -> bool:
        above = number >= self.left if self.from_left else number > self.left
        return above and (number <= self.right if self.to_right else number < self.right)

    def __str__(self) -> str:
        return f"{'[' if self.from_left else '('}{self.left:g}, {self.right:g}{']' if self.to_right else ')'}"


def load_pmml(path: Path, spec: Spec) -> Scorer:
    """Load a PMML document."""
    import pypmml

    jars = sorted((Path(pypmml.__file__).parent / "jars").glob("*.jar"))
    jpype = start_java(spec, jars)
    with telling(jpype, lambda said: ValueError(said.rpartition("Exception: ")[2])):
        return PmmlScorer(jpype, jpype.JClass("org.pmml4s.model.Model").fromFile(str(path)))


def _known_values(model: Any, inputs: list[Any]) -> Iterator[tuple[str, frozenset[str]]]:  # noqa: ANN401
    """Yield the values of fields that list them, where the model gives back nothing for any other."""
    for field in inputs:
        listed = list(field.validValues() or [])
        if listed and field.isString() and _is_strict(model, field):
            yield str(field.name()), frozenset(str(value.toVal()) for value in listed) | _missing(field)


def _ranges(model: Any, inputs: list[Any]) -> Iterator[tuple[str, tuple[list[_Range], frozenset[float]]]]:  # noqa: ANN401
    """Yield the intervals of fields that have some, where the model gives back nothing for a number in none of them."""
    for field in inputs:
        intervals = list(field.intervals() or [])
        if intervals and field.isNumeric() and _is_strict(model, field):
            yield str(field.name()), ([_range(each) for each in intervals], frozenset(_numbers(_missing(field))))


def _range(interval: Any) -> _Range:  # noqa: ANN401
    told = str(interval)  # of the closures there is no other word that Java shows
    return _Range(float(interval.leftMargin()), float(interval.rightMargin()), told.startswith("["), told.endswith("]"))


def _is_strict(model: Any, field: Any) -> bool:  # noqa: ANN401
    mined = model.miningSchema().get(field.name())
    return not mined.isEmpty() and str(mined.get().invalidValueTreatment()) == "returnInvalid"


def _missing(field: Any) -> frozenset[str]:  # noqa: ANN401
    return frozenset(str(field.missingValues().mkString("\0")).split("\0"))  # a set of Scala's


def _numbers(texts: Iterable[str]) -> Iterator[float]:
    for text in texts:
        with contextlib.suppress(ValueError):
            yield float(text)


def _values(column: Any) -> list[Any]:  # noqa: ANN401 - a pandas Series
    if column.dtype.kind == "M":
        column = column.dt.strftime("%Y-%m-%dT%H:%M:%S")
    return [None if value is None or value != value else value for value in column.tolist()]
