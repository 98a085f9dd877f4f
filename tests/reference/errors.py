"""Every stable code of a refusal or a failure, with its statuses and sentences, as they stand in the source.

Codes stand in calls (``code="..."``, ``RunFailed("...", "a sentence")``), in classes (``code = "..."``), in documents
(``{"code": "...", "message": "..."}``) and in tables of what databases and statuses mean.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gristmill.api.errors import STATUSES

SOURCE = Path(__file__).parents[2] / "src"
_LEFT_OUT = {"cli", "versions"}
_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_OF_DATA = re.compile(r"data_(?!asset)[a-z_]+")
_FIRST_IS_A_CODE = {"RunFailed", "DataFailed", "PreviewFailed", "_failure", "_broken"}
_OF_PREVIEWS = {"PreviewFailed", "_failure"}  # a request waits for them, and is refused
_FILLED_IN = {"…_not_found": ("export_not_found", "import_not_found")}
_TELLS = re.compile(r"""\bcode\b|Failed\(|_failure\(|refusal\(|"data_""")
_WORD = re.compile(r"[A-Za-z]{2,}")
_STATUS = {kind.__name__: status for kind, status in STATUSES.items()}


@dataclass
class Code:
    """One code: ``statuses`` of requests that it refuses; ``elsewhere`` tells that runs or schedules fail with it."""

    name: str
    statuses: set[int] = field(default_factory=set)
    elsewhere: bool = False
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Use:
    code: str
    status: int | None = None
    sentence: str | None = None


@cache
def every_code() -> Mapping[str, Code]:
    """Return the codes by name."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    modules = {path: ast.parse(text) for path, text in texts.items() if _TELLS.search(text)}
    reader = _Reader(modules.values())
    found: dict[str, Code] = {}
    for path, module in modules.items():
        if _LEFT_OUT.isdisjoint(path.parts):
            for use in reader.uses(module, tables="data" in path.parts):
                for name in _FILLED_IN.get(use.code, (use.code,)):
                    _note(found.setdefault(name, Code(name)), use)
    return dict(sorted(found.items()))


def _note(code: Code, use: _Use) -> None:
    if use.status is None:
        code.elsewhere = True
    else:
        code.statuses.add(use.status)
    sentence = " ".join((use.sentence or "").split()).replace("……", "…")
    if len(_WORD.findall(sentence)) > 1 and sentence not in code.sentences:
        code.sentences.append(sentence)


class _Reader:
    """Reads uses of codes; knows the first base of each class, and the constants that stand for a text."""

    def __init__(self, modules: Iterable[ast.Module]) -> None:
        self._bases: dict[str, str] = {}
        self._constants: dict[str, str] = {}
        for module in modules:
            for node in ast.walk(module):
                if isinstance(node, ast.ClassDef) and node.bases:
                    self._bases[node.name] = ast.unparse(node.bases[0])
            self._constants |= {name: text for name, text in _assigned(module.body) if name.isupper()}

    def uses(self, module: ast.Module, *, tables: bool) -> Iterator[_Use]:
        """Yield the uses of a module; ``tables`` tells that codes of data stand in tables of it."""
        for scope in ast.walk(module):
            if isinstance(scope, ast.ClassDef):
                yield from self._of_class(scope)
            elif isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from self._of_function(scope)
            elif tables and isinstance(scope, ast.Constant) and _OF_DATA.fullmatch(str(scope.value)):
                yield _Use(str(scope.value))

    def _of_class(self, kind: ast.ClassDef) -> Iterator[_Use]:
        status = self._status(kind.name)
        for name, code in _assigned(kind.body):
            if name == "code" and status is not None:
                yield _Use(code, status, " ".join((ast.get_docstring(kind) or "").split("\n\n")[0].split()))

    def _of_function(self, function: ast.AST) -> Iterator[_Use]:
        """Yield the uses of a function, line after line: a name stands for the text that it was given last."""
        names = dict(self._constants)
        for node in sorted(ast.walk(function), key=lambda each: getattr(each, "lineno", 0)):
            names |= dict(_assigned([node]))
            yield from self._of_node(node, names)

    def _of_node(self, node: ast.AST, names: Mapping[str, str]) -> Iterator[_Use]:
        if isinstance(node, ast.Call):
            yield from self._of_call(node, names)
        elif isinstance(node, ast.Dict):
            yield from _of_document(node, names)

    def _of_call(self, call: ast.Call, names: Mapping[str, str]) -> Iterator[_Use]:
        named = {each.arg: _text(each.value, names) for each in call.keywords}
        words = [_text(each, names) for each in call.args]
        kind = ast.unparse(call.func).rpartition(".")[2]
        if kind == "refusal" and isinstance(call.args[0], ast.Constant) and words[1]:
            yield _Use(words[1], int(str(call.args[0].value)), words[2])
        elif named.get("code"):
            sentence = named.get("message") or named.get("reason") or next(iter(words), None)
            yield _Use(str(named["code"]), self._status(kind), sentence)
        elif kind in _FIRST_IS_A_CODE and words and words[0] and _CODE.fullmatch(words[0]):
            said = " ".join(word for word in words[1:] if word)
            yield _Use(words[0], 400 if kind in _OF_PREVIEWS else None, said)

    def _status(self, kind: str) -> int | None:
        while kind not in _STATUS and kind in self._bases:
            kind = self._bases[kind]
        return _STATUS.get(kind)


def _of_document(document: ast.Dict, names: Mapping[str, str]) -> Iterator[_Use]:
    """Yield the use of a cause, or those of a table from statuses to codes."""
    members = [(key, value) for key, value in zip(document.keys, document.values, strict=True) if key is not None]
    said = {str(key.value): _text(value, names) for key, value in members if isinstance(key, ast.Constant)}
    if said.get("code"):
        yield _Use(str(said["code"]), None, said.get("message"))
    for key, value in said.items():
        if key.isdigit() and value and 400 <= int(key) < 600:
            yield _Use(value, int(key))


def _assigned(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield names with the text that is assigned to them."""
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (text := _text(node.value, {})):
            yield node.targets[0].id, text


def _text(node: ast.expr, names: Mapping[str, str]) -> str | None:
    """Return a text as it is written, with a dash for what is filled in; None for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(each, names) for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_text(node.left, names) or '…'}{_text(node.right, names) or '…'}"
    return None


def _part(node: ast.expr, names: Mapping[str, str]) -> str:
    if isinstance(node, ast.FormattedValue):
        return (_text(node.value, names) if isinstance(node.value, ast.Name) else None) or "…"
    return str(node.value) if isinstance(node, ast.Constant) else "…"
