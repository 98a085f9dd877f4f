"""Names inside archives, patches, search queries, file signatures: pure things that users' texts go through."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import posixpath
import tarfile
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain import archive, asset_document, datasource_types, file_signatures, model_types, search_query
from gristmill.domain.errors import Invalid
from gristmill.domain.search_query import SearchField, Term

PATHS = st.text(alphabet=st.sampled_from("ab./\\:C \0é"), max_size=20)
PICKLE = pickle.dumps({"a": list(range(100))}, protocol=4)


@given(PATHS)
def test_inner_paths_stay_inside(name: str) -> None:
    try:
        path = archive.inner_path(name)
    except Invalid:
        return
    joined = posixpath.normpath(posixpath.join("/target", path))
    assert joined == "/target" or joined.startswith("/target/")
    assert "\\" not in path
    assert archive.inner_path(path) == path


@given(PATHS, PATHS, st.booleans())
def test_link_targets_stay_inside(name: str, target: str, symbolic: bool) -> None:
    try:
        path = archive.link_target(archive.inner_path(name), target, symbolic=symbolic)
    except Invalid:
        return
    assert not path.startswith(("/", "../"))
    assert path != ".."


@pytest.mark.parametrize("name", ["a" * 256, "/".join(["a"] * 65), "a/" * 600, "C:x", "\\\\server\\x"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(Invalid):
        archive.inner_path(name)


def test_a_tally_stops_at_its_limits() -> None:
    tally = archive.Tally(packed_bytes=1, most_bytes=10, most_files=2)
    tally.block(10)
    with pytest.raises(Invalid, match="more than 10 bytes"):
        tally.block(1)
    tally.file("a")
    tally.file("b/c")
    with pytest.raises(Invalid, match="more than 2 files"):
        tally.file("d")


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "replace", "path": "/name", "value": "b"}], {"name": "b"}),
        ([{"op": "add", "path": "/e/x/y", "value": 1}], {"e": {"x": {"y": 1}, "l": [1, 2]}}),
        ([{"op": "add", "path": "/e/l/-", "value": 3}], {"e": {"l": [1, 2, 3]}}),
        ([{"op": "replace", "path": "/e/l/0", "value": 9}], {"e": {"l": [9, 2]}}),
        ([{"op": "remove", "path": "/e/l/1"}], {"e": {"l": [1]}}),
        ([{"op": "remove", "path": "/e/l"}], {"e": {}}),
        ([{"op": "add", "path": "/e/a~1b", "value": 1}], {"e": {"a/b": 1, "l": [1, 2]}}),
    ],
)
def test_patches(operations: list[dict[str, Any]], expected: dict[str, Any]) -> None:
    document = {"name": "a", "id": 1, "e": {"l": [1, 2]}}
    changed = asset_document.patched(document, operations, roots=("name", "e"))
    assert changed == {**document, **expected}
    assert document == {"name": "a", "id": 1, "e": {"l": [1, 2]}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/id", "value": 1},
        {"op": "replace", "path": "/eee", "value": 1},
        {"op": "replace", "path": "/e/l/5", "value": 1},
        {"op": "replace", "path": "/e/l/x", "value": 1},
        {"op": "replace", "path": "/e/l/0/x", "value": 1},
        {"op": "move", "path": "/name", "from": "/id"},
        {"op": "replace", "path": "/name"},
        {"path": "/name"},
        "x",
    ],
)
def test_patches_that_lead_nowhere(operation: Any) -> None:
    with pytest.raises(Invalid):
        asset_document.patched({"name": "a", "id": 1, "e": {"l": [1, 2]}}, [operation], roots=("name", "e"))


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("*:*", ()),
        ("", ()),
        (None, ()),
        ("asset.name:Abc*", (Term(SearchField.NAME, ("Abc", "")),)),
        ('asset.tags:"a b"', (Term(SearchField.TAG, ("a b",)),)),
        ("a\\*b", (Term(SearchField.NAME, ("a*b",)),)),
        ("*:* AND asset.asset_id:x", (Term(SearchField.ID, ("x",)),)),
    ],
)
def test_queries(query: str | None, terms: tuple[Term, ...]) -> None:
    assert search_query.parse(query) == terms


@given(st.text(max_size=60))
def test_any_query_is_read_or_refused(query: str) -> None:
    with suppress(Invalid):
        assert all(term.parts for term in search_query.parse(query))


@pytest.mark.parametrize("query", ["a b", "AND a", "a OR b", "NOT a", "(a)", "x.y:z", "a:b:c", "x" * 2_000, 7])
def test_queries_that_are_not_spoken(query: object) -> None:
    with pytest.raises(Invalid):
        search_query.parse(query)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles_are_known_however_they_are_compressed(protocol: int) -> None:
    plain = pickle.dumps({"a": list(range(100))}, protocol=protocol)
    for packed in (plain, gzip.compress(plain), zlib.compress(plain), bz2.compress(plain), lzma.compress(plain)):
        assert file_signatures.is_pickle(packed)


@given(st.binary(max_size=200))
def test_signatures_take_any_bytes(head: bytes) -> None:
    for question in (
        file_signatures.is_pickle,
        file_signatures.is_xgboost,
        file_signatures.is_lightgbm,
        file_signatures.is_onnx,
        file_signatures.is_tar,
    ):
        assert question(head) in {True, False}


def test_tars_are_known_by_their_headers() -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=form) as packed:
            packed.addfile(tarfile.TarInfo("a"))
        assert file_signatures.is_tar(buffer.getvalue())
    assert not file_signatures.is_tar(PICKLE * 10)
    assert not file_signatures.is_tar(b"")


def test_real_onnx_models_are_known() -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3_000]) for name in "xy"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]))
    content = model.SerializeToString()
    assert file_signatures.is_onnx(content[: file_signatures.HEAD_BYTES])
    assert not file_signatures.is_onnx(b"not really onnx")


@pytest.mark.parametrize(
    "name", ["scikit-learn", "do", "doxygen_1", "xgboost2", "", None, 7, "pmml_", "Scikit-learn_1"]
)
def test_model_types_that_are_none_or_barely_one(name: object) -> None:
    if name in {"scikit-learn", "do"}:
        assert model_types.family(name)
        return
    with pytest.raises(Invalid, match="Unsupported model type"):
        model_types.family(name)


def test_datasource_types_are_each_found_by_name_and_id() -> None:
    for kind in datasource_types.DATASOURCE_TYPES:
        assert datasource_types.find(kind.id) is datasource_types.find(kind.name) is kind
        assert len({entry.name for entry in kind.properties}) == len(kind.properties)
    assert "password" in datasource_types.masked(datasource_types.find("postgresql"))
