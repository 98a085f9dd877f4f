"""Finds the model's file in what the client uploaded, and tells by type, name and first bytes how to load it."""

from __future__ import annotations

from pathlib import Path

from gristmill_runner.failure import RunFailed

PICKLE, XGBOOST, LIGHTGBM, ONNX, PMML, MLFLOW = "pickle", "xgboost", "lightgbm", "onnx", "pmml", "mlflow"
DESCRIPTION = "MLmodel"

_SUFFIXES = {
    ".pkl": PICKLE,
    ".pickle": PICKLE,
    ".joblib": PICKLE,
    ".json": XGBOOST,
    ".ubj": XGBOOST,
    ".bst": XGBOOST,
    ".xgb": XGBOOST,
    ".txt": LIGHTGBM,
    ".lgb": LIGHTGBM,
    ".onnx": ONNX,
    ".xml": PMML,
    ".pmml": PMML,
}
_PICKLE_STARTS = (b"\x80", b"\x1f\x8b", b"x\x9c", b"x\x01", b"x\xda", b"x^", b"BZh", b"\xfd7zXZ", b"\x04\x22\x4d\x18")
_STARTS = (
    (_PICKLE_STARTS, PICKLE),
    ((b"tree\n",), LIGHTGBM),
    ((b"{", b"binf"), XGBOOST),
    ((b"<", b"\xef\xbb\xbf<"), PMML),
)
_NATIVE = ("tensorflow", "keras", "pytorch")
_WAY_OUT = "; models of {} are run as ONNX: export it (torch.onnx.export, tf2onnx.convert) and store the .onnx file"


def find_model(asset: Path, asset_type: str) -> tuple[Path, str]:
    """Return the model's file and its kind; what MLflow saved is told by its description, whatever the type says.

    Raises:
        RunFailed: ``model_load_failed``, there is no such file or more than one.

    """
    files = [asset] if asset.is_file() else _visible_files(asset)
    described = _descriptions(files)
    if len(described) == 1:
        return described[0], MLFLOW
    kinds = {file: kind for file in files if (kind := _kind_of(file, alone=len(files) == 1)) is not None}
    fitting = [file for file in kinds if kinds[file] in _kinds_for(asset_type)]
    if len(fitting) == 1:
        return fitting[0], kinds[fitting[0]]
    names = ", ".join(str(file.relative_to(asset)) if file != asset else file.name for file in fitting or files)
    found = (
        f"several model files: {names}" if fitting else f"no model file that can be loaded, but: {names or 'nothing'}"
    )
    native = next((name for name in _NATIVE if asset_type.lower().startswith(name)), None)
    way_out = _WAY_OUT.format(native) if native and not fitting else ""
    raise RunFailed("model_load_failed", f"the model's content ({asset_type or 'of no type'}) has {found}{way_out}")


def _descriptions(files: list[Path]) -> list[Path]:
    """Return the MLmodel files that are nearest to the top."""
    found = [file for file in files if file.name == DESCRIPTION]
    depth = min((len(file.parts) for file in found), default=0)
    return [file for file in found if len(file.parts) == depth]


def _visible_files(asset: Path) -> list[Path]:
    inside = [(file, file.relative_to(asset).parts) for file in sorted(asset.rglob("*")) if file.is_file()]
    return [file for file, parts in inside if not any(part.startswith((".", "__MACOSX")) for part in parts)]


def _kinds_for(asset_type: str) -> tuple[str, ...]:
    name = asset_type.lower()
    if "onnx" in name or name.startswith(_NATIVE):
        return (ONNX,)
    if name.startswith("pmml"):
        return (PMML,)
    if name.startswith("mlflow"):
        return ()  # its description was looked for before
    if name.startswith("xgboost"):
        return (PICKLE, XGBOOST)
    if name.startswith("lightgbm"):
        return (PICKLE, LIGHTGBM)
    return (PICKLE,) if name.startswith("scikit") else (PICKLE, XGBOOST, LIGHTGBM, ONNX, PMML)


def _kind_of(file: Path, *, alone: bool) -> str | None:
    """Judge by the first bytes where they are telling, else by the name; ONNX has no telling ones."""
    with file.open("rb") as content:
        start = content.read(8)
    by_name = _SUFFIXES.get(file.suffix.lower())
    if by_name is None and not alone:
        return PICKLE if start.startswith(b"\x80") else None
    by_content = next((kind for starts, kind in _STARTS if start.startswith(starts)), None)
    return by_name if by_name == ONNX else by_content or by_name
