"""Documents of flows: what is read from them, and what is refused with the node's name and the way out."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from tests.unit.flow.documents import Json, code_node, document, own_node, super_node, written

from gristmill.domain.errors import Invalid
from gristmill.domain.flow import Flow, NodeKind, tags_of
from gristmill.domain.flow_document import document_among, read_flow


def read(*nodes: Json, **more: object) -> Flow:
    return read_flow(written(document(*nodes, **more)))  # type: ignore[arg-type]


def needs(flow: Flow) -> dict[str, tuple[str, ...]]:
    return {node.id: node.needs for node in flow.nodes}


def test_what_elyra_writes_is_read_as_it_stands() -> None:
    load = code_node("load", outputs=["data/raw.csv"], env_vars=[{"env_var": "A", "value": "1"}, "B=2=3"])
    train = code_node("train", after=["load"], ending="ipynb", mounted_volumes=[{"any": "thing"}])
    flow = read(
        train, load, code_node("report", after=["train"], ending="r"), defaults=[{"env_var": "A", "value": "0"}]
    )
    assert [node.kind for node in flow.nodes] == [NodeKind.PYTHON, NodeKind.NOTEBOOK, NodeKind.R]
    assert [node.file for node in flow.nodes] == ["load.py", "train.ipynb", "report.r"]
    assert flow.nodes[0].variables == {"A": "1", "B": "2=3"}
    assert flow.nodes[1].variables == {"A": "0"}
    assert flow.nodes[0].outputs == ("data/raw.csv",)
    assert flow.nodes[0].label == "load node"
    assert needs(flow) == {"load": (), "train": ("load",), "report": ("train",)}


def test_our_own_nodes_have_results_with_names() -> None:
    sql = own_node("sql", "gristmill-sql", query="SELECT 1", data_assets=["orders.csv"])
    score = own_node("score", "gristmill-model-scoring", after=["sql"], model="drugs", output="p.parquet")
    flow = read(sql, score)
    assert flow.nodes[0].settings == {"query": "SELECT 1", "output": "result.csv"}
    assert flow.nodes[0].data_assets == ("orders.csv",)
    assert flow.nodes[1].settings == {"model": "drugs", "output": "p.parquet"}


def test_a_binding_hands_on_a_data_asset() -> None:
    binding = {"id": "source", "type": "binding", "data_asset": {"ref": "orders.csv"}, "outputs": [{"id": "outPort"}]}
    flow = read(binding, own_node("sql", "gristmill-sql", after=["source"], query="SELECT 1"))
    assert (flow.nodes[0].kind, flow.nodes[0].asset) == (NodeKind.DATA, "orders.csv")


@pytest.mark.parametrize("with_bindings", [True, False])
def test_super_nodes_are_opened(with_bindings: bool) -> None:
    """Whether its ports name bindings of the sub-flow or not, the links lead through."""
    entry = {"id": "entry", "type": "binding", "outputs": [{"id": "outPort"}]}
    leave = {"id": "leave", "type": "binding", "inputs": [{"id": "p", "links": [{"node_id_ref": "y"}]}]}
    x = code_node("x", after=["entry"] if with_bindings else [])
    nodes = [x, code_node("y", after=["x"]), *([entry, leave] if with_bindings else [])]
    refs = ("entry", "leave") if with_bindings else None
    inner = {"id": "inner", "nodes": nodes}
    flow = read(
        code_node("a"), super_node("s", "inner", after=["a"], refs=refs), code_node("b", after=["s"]), more=[inner]
    )
    assert needs(flow) == {"a": (), "s.x": ("a",), "s.y": ("s.x",), "b": ("s.y",)}


@given(some.permutations(["a", "b", "c", "d", "e"]))
def test_nodes_come_after_those_that_they_need_however_they_are_listed(order: list[str]) -> None:
    before = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"]}
    flow = read(*(code_node(name, after=before[name]) for name in order))
    places = {node.id: place for place, node in enumerate(flow.nodes)}
    assert all(places[needed] < places[name] for name in before for needed in before[name])


def test_each_node_has_a_short_name_of_its_own() -> None:
    flow = read(code_node("a"), code_node("b"), code_node("c"))
    labels = ["load.py", "load.ipynb", "../[x]\n"]
    tags = tags_of([replace(node, label=label) for node, label in zip(flow.nodes, labels, strict=True)])
    assert (tags["a"], tags["b"]) == ("load", "load-2")
    assert not set(tags["c"]) & set("/\\[]\n")


CIRCLE = (code_node("a", after=["b"]), code_node("b", after=["a"]))
NOT_INSIDE = "leads out of the directory"
REFUSED = [
    (
        "a node of unknown type",
        [own_node("a", "execute-cobol-node")],
        "Node 'a node' (a): its type 'execute-cobol-node'",
    ),
    ("a circle", CIRCLE, "it waits for itself"),
    ("a node linked to itself", [code_node("a", after=["a"])], "it waits for itself"),
    ("a link to nowhere", [code_node("a", after=["gone"])], "Node 'a node' (a): it is linked to 'gone', which is not"),
    ("two nodes of one id", [code_node("a"), code_node("a")], "Node 'a node' (a): two nodes have this id"),
    ("no id", [code_node("")], "its id is missing"),
    ("no file", [code_node("a", filename="")], "filename: name the file"),
    ("a file of another kind", [code_node("a", filename="a.txt")], "filename: 'a.txt' does not end in .py"),
    ("an output outside", [code_node("a", outputs=["../b"])], NOT_INSIDE),
    ("outputs that are no list", [code_node("a", outputs="b")], "outputs: it is not a list"),
    ("a variable without a name", [code_node("a", env_vars=[{"value": "1"}])], "env_vars:"),
    ("no nodes", [], "it has no nodes"),
    ("SQL without a query", [own_node("a", "gristmill-sql", data_assets=["x"])], "query: write"),
    ("SQL without input", [own_node("a", "gristmill-sql", query="SELECT 1")], "it has no input. Link a node to it"),
    (
        "scoring without a model",
        [own_node("a", "gristmill-model-scoring", data_assets=["x"])],
        "a model or a deployment",
    ),
    (
        "a result in a format that cannot be written",
        [own_node("a", "gristmill-sql", query="SELECT 1", data_assets=["x"], output="x.xlsx")],
        "output: 'x.xlsx' is not the name",
    ),
    ("a result outside", [own_node("a", "gristmill-sql", query="S", data_assets=["x"], output="../x.csv")], "output:"),
    (
        "a binding behind a connection",
        [{"id": "a", "type": "binding", "connection": {"ref": "x"}}],
        "a binding names a data",
    ),
    ("a sub-flow that is not there", [super_node("s", "gone")], "its sub-flow 'gone' is not in the document"),
    ("a sub-flow that holds itself", [super_node("s", "primary")], "its sub-flow holds itself"),
    ("inputs that are no list", [{**code_node("a"), "inputs": {"x": 1}}], "it is not a list of objects"),
]


@pytest.mark.parametrize(("nodes", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_is_refused_with_the_node_and_the_way_out(nodes: list[Json], words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(*nodes)
    assert words in refusal.value.message
    assert refusal.value.code == "invalid_flow"


def test_a_link_to_a_port_that_is_not_there_is_refused() -> None:
    target = code_node("b", after=["a"])
    target["inputs"][0]["links"][0]["port_id_ref"] = "other"
    with pytest.raises(Invalid, match="linked to the port 'other' of 'a node', which is not there"):
        read(code_node("a"), target)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no json", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no pipeline-flow document"),
        (written({"doc_type": "other"}), "no pipeline-flow document"),
        (written(document(version="2.0")), "version '2.0'"),
        (written(document(primary_pipeline="gone")), "primary_pipeline: there is no pipeline 'gone'"),
        (written(document(pipelines={})), "pipelines: it is not a list"),
        (written(document(more=[{"id": "primary"}])), "two have the id 'primary'"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words.replace("(", r"\(")):
        read_flow(content)


WORDS = "id type op inputs links app_data component_parameters node_id_ref subflow_ref data_asset env_vars outputs"
ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.sampled_from(WORDS.split()), inner),
)


@given(ANYTHING)
def test_whatever_a_node_is_nothing_but_a_refusal_comes_of_it(content: object) -> None:
    made = document()
    more = content if isinstance(content, dict) else {"app_data": content, "inputs": content}
    made["pipelines"][0]["nodes"] = [{"id": "a", "op": "execute-python-node", **more}]
    with suppress(Invalid):
        read_flow(written(made))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.pipeline", "x.json", "__MACOSX/a.pipeline"], "a.pipeline"),
        (["flow.json", "data.json"], "flow.json"),
        (["deep/flow.json"], "deep/flow.json"),
        (["a.json"], None),
        (["a.pipeline", "b.pipeline"], None),
    ],
)
def test_a_zip_has_one_document(names: list[str], found: str | None) -> None:
    if found is not None:
        assert document_among(names) == found
        return
    with pytest.raises(Invalid, match="the zip has"):
        document_among(names)
