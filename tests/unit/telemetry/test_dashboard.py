"""The dashboard asks for metrics that are there, in expressions that parse, and leaves none of ours out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import promql_parser
import pytest

from gristmill.telemetry.metrics import METRICS, Kind, Scope
from gristmill.telemetry.reference import page

ROOT = Path(__file__).parents[3]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "gristmill.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
SERIES = {series: metric for metric in METRICS for series in metric.series}


def parsed(expression: str) -> promql_parser.Expr:
    """Parse an expression as Grafana sends it, when it has put its variables in."""
    return promql_parser.parse(expression.replace("$__rate_interval", "1m").replace("$job", "gristmill"))


def selectors(expression: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    """Return every selector of an expression, however deep."""
    parts: list[promql_parser.Expr] = []
    promql_parser.walk(expression, parts.append)
    return [part for part in parts if isinstance(part, promql_parser.VectorSelector)]


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS, ids=str)
def test_an_expression_asks_for_what_is_there(title: str, expression: str) -> None:
    found = selectors(parsed(expression))
    assert found, title
    for selector in found:
        name = selector.name or ""
        assert name in SERIES or name.startswith("process_"), f"{title}: {name}"
        if name in SERIES:
            known = {*SERIES[name].labels, "job", "instance"}
            assert {matcher.name for matcher in selector.matchers.matchers} <= known, title


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_what_is_of_the_installation_is_not_summed_over_processes(title: str, expression: str) -> None:
    """Every process tells it: the sum would grow with their number."""
    for name in re.findall(r"gristmill_\w+", expression):
        metric = SERIES[name]
        if metric.scope is Scope.INSTALLATION:
            assert re.search(rf"(max|min)( by \(\w+\))? \({name}\{{", expression), title
        elif metric.kind is not Kind.GAUGE:
            assert f"rate({name}" in expression, title


def test_every_metric_is_on_the_dashboard_in_its_own_words() -> None:
    asked = {SERIES[name].name for _, expression in EXPRESSIONS for name in re.findall(r"gristmill_\w+", expression)}
    assert {metric.name for metric in METRICS} - asked == set()
    for panel in PANELS:
        for target in panel["targets"]:
            grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
            labels = {label.strip() for group in grouped for label in group.split(",")} | {"instance"}
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels, panel["title"]


def test_panels_do_not_lie_over_each_other() -> None:
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_reference_page_is_what_the_list_says() -> None:
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == page(), "make metrics-page"
