"""Whether an uploaded file is what its model's type says, as far as can be told without loading it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from gristmill.domain import file_signatures as signatures
from gristmill.domain.errors import Invalid
from gristmill.domain.model_schema import Field
from gristmill.domain.model_signature import of_lightgbm, of_xgboost
from gristmill.domain.model_types import ModelFamily, family
from gristmill.service import mlflow_content
from gristmill.service.archives import Member, Packing, members, packing_of
from gristmill.service.context import Limits
from gristmill.service.onnx_outline import onnx_fields
from gristmill.service.pmml_outline import MODELS, PmmlOutline

_DESCRIBING_BYTES = 1024 * 1024
"""How much of a booster is looked through for the names of its columns; they stand at its beginning."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A model file that was read to its end. ``name`` is what it is called from now on.

    ``doubt`` is a warning, if any; ``fields`` are the columns that it takes, as far as it says so itself.
    """

    name: str
    doubt: str | None = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one file of a model must be like, and how to say it to people; ``fields`` reads what it takes."""

    wanted: str
    accepts: Callable[[str, bytes], bool]
    name: str
    fields: Callable[[IO[bytes]], tuple[Field, ...]] | None = None
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    path: str
    size: int
    fits: bool
    fields: tuple[Field, ...] = ()
    description: bytes | None = None


def check(path: Path, model_type: str, *, limits: Limits) -> Checked:
    """Read the file to its end and hold it against the type; what MLflow saved is told by its description.

    Raises:
        Invalid: it is broken or empty, unpacks to more than the limits allow, or nothing in it looks like such a model.

    """
    kind = family(model_type)
    rule = _RULES[kind]
    with path.open("rb") as stream:
        packing = packing_of(stream)
        looks = [_look(member, rule) for member in members(stream, limits=limits) if not member.is_directory]
    if not any(look.size for look in looks):
        raise _unfit(model_type, rule, "the file holds nothing")
    descriptions = {look.path: look.description for look in looks if look.description is not None}
    if descriptions and kind not in _TAKEN_AS_THEY_ARE:
        told = mlflow_content.check(descriptions, [look.path for look in looks])
        return Checked(f"content.{packing}", told.doubt, told.fields)
    return _checked(model_type, rule, looks, packing)


def _checked(model_type: str, rule: _Rule, looks: list[_Look], packing: Packing) -> Checked:
    alone = packing in {Packing.PLAIN, Packing.GZIP}
    name = rule.name if alone else f"content.{packing}"
    fitting = [look for look in looks if look.fits]
    if fitting:
        return Checked(name, fields=fitting[0].fields if len(fitting) == 1 else ())
    # An archive whose files are rightly named is taken: what its user means by them shows when it is loaded.
    if rule.accepts is _is_onnx and any(look.path.endswith(".onnx") for look in looks) and not alone:
        return Checked(name, doubt="The .onnx file does not begin like an ONNX model; a run will probably fail.")
    found = ", ".join(repr(look.path) for look in looks[:5] if look.path)
    raise _unfit(model_type, rule, f"there is none among {found}" if found else "the file is none")


def _look(member: Member, rule: _Rule) -> _Look:
    if member.stream is None:
        return _Look(member.path, 0, fits=False)
    head = _read(member.stream, signatures.HEAD_BYTES)
    if member.path.rsplit("/", 1)[-1] == mlflow_content.DESCRIPTION:
        description = head + _read(member.stream, mlflow_content.MOST_BYTES - len(head))
        return _Look(member.path, len(head), fits=False, description=description)
    if rule.accepts is _is_pmml:
        outline = _outline(head, member.stream)
        return _Look(member.path, len(head), fits=outline.is_pmml, fields=outline.fields)
    fits = bool(head) and rule.accepts(member.path, head)
    fields = rule.fields(cast("IO[bytes]", _Rejoined(head, member.stream))) if fits and rule.fields else ()
    return _Look(member.path, len(head), fits=fits, fields=fields)


class _Rejoined(io.RawIOBase):
    """A stream of which the head was read before."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def read(self, size: int = -1, /) -> bytes:
        return self._head.read(size) or self._rest.read(size)


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read that much, or to the end: compressed streams give less at a time than they were asked for."""
    parts: list[bytes] = []
    while size > 0 and (block := stream.read(size)):
        parts.append(block)
        size -= len(block)
    return b"".join(parts)


def _anything(_path: str, head: bytes) -> bool:
    return bool(head)


def _is_nothing(_path: str, _head: bytes) -> bool:
    return False


def _is_estimator(_path: str, head: bytes) -> bool:
    return signatures.is_pickle(head)


def _is_xgboost(_path: str, head: bytes) -> bool:
    return signatures.is_xgboost(head) or signatures.is_pickle(head)


def _is_lightgbm(_path: str, head: bytes) -> bool:
    return signatures.is_lightgbm(head) or signatures.is_pickle(head)


def _is_onnx(path: str, head: bytes) -> bool:
    return (path.endswith(".onnx") or not path) and signatures.is_onnx(head)


def _is_pmml(_path: str, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _outline(head: bytes, stream: IO[bytes]) -> PmmlOutline:
    """Parse a whole document.

    Raises:
        Invalid: it is not well formed, or its model is of a kind that is not scored.

    """
    outline = PmmlOutline()
    if not _is_pmml("", head):
        return outline
    outline.read(head, stream)
    if outline.is_pmml and outline.model not in MODELS:
        what = f"a {outline.model}, which is not scored here" if outline.model else "no model"
        message = f"The PMML file holds {what}; models that are: {', '.join(MODELS)}."
        raise Invalid(message, code="invalid_model_content")
    return outline


def _beginning(read: Callable[[bytes], tuple[Field, ...]]) -> Callable[[IO[bytes]], tuple[Field, ...]]:
    return lambda stream: read(_read(stream, _DESCRIBING_BYTES))


def _unfit(model_type: str, rule: _Rule, why: str) -> Invalid:
    message = f"This is no model of type {model_type}: it needs {rule.wanted}, and {why}.{rule.way_out}"
    return Invalid(message, code="invalid_model_content")


def _exported(framework: str, by: str) -> _Rule:
    """Return the rule of a framework that is not run itself."""
    way_out = f" Models of {framework} are run as ONNX: export it with {by}, and store the .onnx file."
    return _Rule("an .onnx file", _is_onnx, "model.onnx", onnx_fields, way_out)


_ANY = _Rule("at least one file", _anything, "content")
_TENSORFLOW = _exported("TensorFlow", "tf2onnx.convert")
_TAKEN_AS_THEY_ARE = {ModelFamily.SPARK, ModelFamily.SPSS, ModelFamily.OPTIMIZATION, ModelFamily.HYBRID}
_RULES: dict[ModelFamily, _Rule] = {
    ModelFamily.SCIKIT_LEARN: _Rule("a pickle or joblib file", _is_estimator, "model.pkl"),
    ModelFamily.XGBOOST: _Rule(
        "an XGBoost JSON, UBJSON or binary file, a pickle or joblib file",
        _is_xgboost,
        "model",
        _beginning(of_xgboost),
    ),
    ModelFamily.LIGHTGBM: _Rule(
        "a LightGBM text file, a pickle or joblib file", _is_lightgbm, "model", _beginning(of_lightgbm)
    ),
    ModelFamily.ONNX: _Rule("an .onnx file", _is_onnx, "model.onnx", onnx_fields),
    ModelFamily.TENSORFLOW: _TENSORFLOW,
    ModelFamily.KERAS: _TENSORFLOW,
    ModelFamily.PYTORCH: _exported("PyTorch", "torch.onnx.export"),
    ModelFamily.PMML: _Rule("an XML file whose root is PMML", _is_pmml, "model.xml"),
    ModelFamily.MLFLOW: _Rule("the folder that MLflow saved, with its file MLmodel", _is_nothing, "content"),
    ModelFamily.SPARK: _ANY,
    ModelFamily.SPSS: _ANY,
    ModelFamily.OPTIMIZATION: _ANY,
    ModelFamily.HYBRID: _ANY,
}
