"""ONNX models, whichever framework they were exported from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.features import FRAME, MATRIX, Appetite
from gristmill_runner.loaders.scorer import PREDICTION, PROBABILITY
from gristmill_runner.protocol import Field, Spec

_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int16)": "int16",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
}
_LABELS = ("tensor(int64)", "tensor(string)")


class OnnxScorer:
    """Feeds one tensor of all columns, or a tensor a column, as the model's inputs ask."""

    libraries = ("onnxruntime",)

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - onnxruntime comes untyped
        self._session = session
        self._inputs, results = session.get_inputs(), session.get_outputs()
        single = len(self._inputs) == 1
        width = _width(self._inputs[0]) if single else len(self._inputs)
        names = None if single else [node.name for node in self._inputs]
        fields = [] if single else [Field(name=node.name, type=_word(node)) for node in self._inputs]
        self.appetite = Appetite(names=names, width=width, shape=MATRIX if single else FRAME, fields=fields)
        self.outputs = _output_names(results)

    def predict(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return ``prediction`` and ``probability`` where the outputs are those, else the outputs by their names."""
        rows, step = len(features), self._batch_rows()
        if step is None or rows == step:
            return self._run(features)
        if rows % step:
            raise RunFailed("schema_mismatch", f"the model takes exactly {step} rows at a time")
        parts = [self._run(features[start : start + step]) for start in range(0, rows, step)]
        return {name: [row for part in parts for row in part[name]] for name in self.outputs}

    def _run(self, features: Any) -> dict[str, Any]:  # noqa: ANN401
        if len(self._inputs) == 1:
            feed = {self._inputs[0].name: _tensor(features, self._inputs[0])}
        else:
            feed = {node.name: _tensor(features[node.name].to_numpy(), node) for node in self._inputs}
        answers = self._session.run(None, feed)
        return {name: _by_row(answers[position]) for position, name in enumerate(self.outputs)}

    def _batch_rows(self) -> int | None:
        """Return the number of rows that the model was exported for, or None where it takes any."""
        first = (self._inputs[0].shape or [None])[0]
        return first if isinstance(first, int) and first > 0 else None


def load_onnx(path: Path, spec: Spec) -> OnnxScorer:
    """Load an ONNX file for the processor; idle threads do not spin, since other children need the cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if (spec.get("scorers") or 1) > 1:  # there is one a processor
        options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return OnnxScorer(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))


def _word(node: Any) -> str:  # noqa: ANN401
    """Return the type of a column that is an input of its own; one that holds lists has none of ours."""
    flat = all(not isinstance(size, int) or size == 1 for size in (node.shape or [])[1:])
    return {"str": "string"}.get(_TYPES.get(node.type, ""), _TYPES.get(node.type, "")) if flat else "tensor"


def _width(node: Any) -> int | None:  # noqa: ANN401
    last = node.shape[-1] if len(node.shape) == 2 else None
    return last if isinstance(last, int) and last > 0 else None


def _output_names(results: list[Any]) -> list[str]:
    """Name a lone output prediction, a label with its scores prediction and probability, others as the model does."""
    if len(results) == 1:
        return [PREDICTION]
    label_first = results[0].type in _LABELS and len(results[0].shape or []) <= 1
    if len(results) == 2 and label_first and results[1].type not in _LABELS:
        return [PREDICTION, PROBABILITY]
    return [node.name for node in results]


def _tensor(values: Any, node: Any) -> Any:  # noqa: ANN401
    """Return the values in the input's type and rank; a cell may itself be a nested list (images, sequences)."""
    import numpy as np

    element = _TYPES.get(node.type)
    if element is None:
        raise RunFailed("unsupported_model", f"the model's input {node.name!r} is a {node.type}, which cannot be fed")
    if values.dtype == object and len(values) and isinstance(values.flat[0], (list, np.ndarray)):
        values = np.array(values.tolist())
    if element == "str":
        return np.array([_texts(row) for row in values.reshape(len(values), -1)], dtype=object)
    return _shaped(values.astype(element), node)


def _shaped(values: Any, node: Any) -> Any:  # noqa: ANN401
    """Give a table the rank that the input wants: a lone column of lists loses its axis, flat columns are folded."""
    rank = len(node.shape or [])
    if values.ndim == rank + 1 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim == 1 and rank == 2:
        return values.reshape(-1, 1)
    sizes = (node.shape or [])[1:]
    if values.ndim == 2 and rank > 2 and all(isinstance(size, int) for size in sizes):
        return values.reshape(-1, *sizes)
    return values


def _texts(row: Any) -> list[str]:  # noqa: ANN401
    return ["" if value is None or value != value else str(value) for value in row]


def _by_row(answer: Any) -> Any:  # noqa: ANN401
    """Return an entry a row: a map of class to score becomes its scores, a lone column loses its axis."""
    if isinstance(answer, list):
        return [list(row.values()) if isinstance(row, dict) else row for row in answer]
    return answer[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer
