"""Whether an uploaded file is what its model's type says, as far as can be told without loading it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.parsers import expat

from gristmill.domain import file_signatures as signatures
from gristmill.domain.errors import Invalid
from gristmill.domain.model_types import ModelFamily, family
from gristmill.service.archives import Member, Packing, members, packing_of
from gristmill.service.context import Limits

_XML_BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Checked:
    """A model file that was read to its end. ``name`` is what it is called from now on; ``doubt`` a warning, if any."""

    name: str
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one file of a model must be like, and how to say it to people."""

    wanted: str
    accepts: Callable[[str, bytes], bool]
    name: str


def check(path: Path, model_type: str, *, limits: Limits) -> Checked:
    """Read the file to its end and hold it against the type.

    Raises:
        Invalid: it is broken or empty, unpacks to more than the limits allow, or nothing in it looks like such a model.

    """
    rule = _RULES[family(model_type)]
    with path.open("rb") as stream:
        packing = packing_of(stream)
        looks = [_look(member, rule) for member in members(stream, limits=limits) if not member.is_directory]
    if not any(look.size for look in looks):
        raise _unfit(model_type, rule, "the file holds nothing")
    alone = packing in {Packing.PLAIN, Packing.GZIP}
    name = rule.name if alone else f"content.{packing}"
    if any(look.fits for look in looks):
        return Checked(name)
    # An archive whose files are rightly named is taken: what its user means by them shows when it is loaded.
    onnx = family(model_type) is ModelFamily.ONNX and any(look.path.endswith(".onnx") for look in looks)
    if onnx and not alone:
        return Checked(name, doubt="The .onnx file does not begin like an ONNX model; a run will probably fail.")
    found = ", ".join(repr(look.path) for look in looks[:5] if look.path)
    raise _unfit(model_type, rule, f"there is none among {found}" if found else "the file is none")


@dataclass(frozen=True, slots=True)
class _Look:
    path: str
    size: int
    fits: bool


def _look(member: Member, rule: _Rule) -> _Look:
    if member.stream is None:
        return _Look(member.path, 0, fits=False)
    head = _read(member.stream, signatures.HEAD_BYTES)
    if rule.accepts is _is_pmml:
        return _Look(member.path, len(head), fits=_is_pmml_whole(head, member.stream))
    return _Look(member.path, len(head), fits=bool(head) and rule.accepts(member.path, head))


def _read(stream: IO[bytes], size: int) -> bytes:
    """Read that much, or to the end: compressed streams give less at a time than they were asked for."""
    parts: list[bytes] = []
    while size > 0 and (block := stream.read(size)):
        parts.append(block)
        size -= len(block)
    return b"".join(parts)


def _anything(_path: str, head: bytes) -> bool:
    return bool(head)


def _is_estimator(_path: str, head: bytes) -> bool:
    return signatures.is_pickle(head)


def _is_xgboost(_path: str, head: bytes) -> bool:
    return signatures.is_xgboost(head) or signatures.is_pickle(head)


def _is_lightgbm(_path: str, head: bytes) -> bool:
    return signatures.is_lightgbm(head) or signatures.is_pickle(head)


def _is_onnx(path: str, head: bytes) -> bool:
    return (path.endswith(".onnx") or not path) and signatures.is_onnx(head)


def _is_tensorflow(path: str, head: bytes) -> bool:
    rightly_named = path.endswith((".pb", ".pbtxt", ".tflite", ".keras", ".index"))
    return rightly_named or signatures.is_hdf5(head) or signatures.is_zip(head)


def _is_pytorch(path: str, head: bytes) -> bool:
    return signatures.is_zip(head) or signatures.is_pickle(head) or _is_onnx(path, head)


def _is_mlflow(path: str, head: bytes) -> bool:
    return path.rsplit("/", 1)[-1] == "MLmodel" and bool(head)


def _is_pmml(_path: str, head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _is_pmml_whole(head: bytes, stream: IO[bytes]) -> bool:
    """Parse the whole document: its root is PMML, it is well formed, and it declares no entities of its own."""
    if not _is_pmml("", head):
        return False
    roots: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, _attributes: roots.append(name) if not roots else None
    parser.EntityDeclHandler = _refuse_entity
    try:
        parser.Parse(head, False)
        while block := stream.read(_XML_BLOCK_BYTES):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Invalid(f"The PMML file is not well-formed XML: {error}.", code="invalid_model_content") from error
    return roots[:1] == ["PMML"] or bool(roots and roots[0].endswith(" PMML"))


def _refuse_entity(name: str, *_rest: object) -> None:
    raise Invalid(f"The PMML file declares the entity {name!r}; write it out.", code="invalid_model_content")


def _unfit(model_type: str, rule: _Rule, why: str) -> Invalid:
    return Invalid(
        f"This is no model of type {model_type}: it needs {rule.wanted}, and {why}.", code="invalid_model_content"
    )


_ANY = _Rule("at least one file", _anything, "content")
_TENSORFLOW = _Rule("a SavedModel, HDF5 or Keras file", _is_tensorflow, "model.h5")
_RULES: dict[ModelFamily, _Rule] = {
    ModelFamily.SCIKIT_LEARN: _Rule("a pickle or joblib file", _is_estimator, "model.pkl"),
    ModelFamily.XGBOOST: _Rule("an XGBoost JSON, UBJSON or binary file, a pickle or joblib file", _is_xgboost, "model"),
    ModelFamily.LIGHTGBM: _Rule("a LightGBM text file, a pickle or joblib file", _is_lightgbm, "model"),
    ModelFamily.ONNX: _Rule("an .onnx file", _is_onnx, "model.onnx"),
    ModelFamily.TENSORFLOW: _TENSORFLOW,
    ModelFamily.KERAS: _TENSORFLOW,
    ModelFamily.PYTORCH: _Rule("a file of torch.save, a pickle or an .onnx file", _is_pytorch, "model.pt"),
    ModelFamily.PMML: _Rule("an XML file whose root is PMML", _is_pmml, "model.xml"),
    ModelFamily.MLFLOW: _Rule("a file named MLmodel", _is_mlflow, "MLmodel"),
    ModelFamily.SPARK: _ANY,
    ModelFamily.SPSS: _ANY,
    ModelFamily.OPTIMIZATION: _ANY,
    ModelFamily.HYBRID: _ANY,
}
