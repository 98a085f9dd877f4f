"""A scoring run over several nodes, each a launcher of this machine that can be lost: as complete as on one node."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.functions import ended, result_of
from tests.conformance.spreading import NUMBERS, check_complete, counted, go, scored, spread_run, told_of_loss
from tests.make import eventually

from gristmill.launch.environments import shipped
from gristmill.launch.launcher import Child, ChildLost, Ending, Order
from gristmill.launch.process import ProcessLauncher
from gristmill.launch.spread import SpreadChild
from gristmill_runner.protocol import LEDGER


class LosableChild:
    """A child whose node can go: it ends, and its waiting raises from then on."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.lost = False

    def lose(self) -> None:
        self.lost = True
        self._child.kill()

    def wait(self, timeout_seconds: float) -> Ending | None:
        ending = self._child.wait(timeout_seconds)
        if ending is not None and self.lost:
            self._child.release()
            raise ChildLost("The node is gone.")
        return ending

    def terminate(self) -> None:
        self._child.terminate()

    def kill(self) -> None:
        self._child.kill()

    def release(self) -> None:
        self._child.release()


class Nodes:
    """Launches over nodes; ``children`` are all that were launched, by the name of their directory."""

    def __init__(self, launcher: ProcessLauncher) -> None:
        self._launcher = launcher
        self.children: dict[str, LosableChild] = {}
        self.fragile = False

    def launch(self, order: Order) -> Child:
        if order.nodes > 1:
            return SpreadChild(self.launch, order)
        child = LosableChild(self._launcher.launch(order))
        self.children[order.directory.name] = child
        if self.fragile:
            child.lose()
        return child


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLauncher]:
    # In a box where this machine has them: the shares' directories must be found in there.
    with contextlib.closing(
        ProcessLauncher(directory=tmp_path_factory.mktemp("l"), environment=shipped(), sandbox="auto")
    ) as made:
        yield made


@pytest.fixture
def nodes(launcher: ProcessLauncher) -> Nodes:
    return Nodes(launcher)


def order(directory: Path, *, count: int = 2) -> Order:
    return Order(directory=directory, nodes=count, readable=(directory.parent / "model",))


def test_rows_are_scored_side_by_side_and_come_out_in_order(nodes: Nodes, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1")
    assert ended(nodes.launch(order(place, count=3))) == Ending()
    check_complete(place)
    blocks = scored(place)
    assert sum(rows for _, rows, _, _ in blocks) == NUMBERS
    shares = [sum(rows for node, rows, _, _ in blocks if node == each) for each in (1, 2, 3)]
    assert min(shares) > NUMBERS / 5


def test_node_that_is_lost_in_the_middle_costs_no_row(nodes: Nodes, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1", held=True)
    child = nodes.launch(order(place))
    eventually(lambda: len([block for block in scored(place) if block[0] == 2]) == 2, within=20)
    nodes.children["1.1"].lose()
    eventually(lambda: told_of_loss(place), within=20)
    go(place)
    assert ended(child) == Ending()
    check_complete(place)
    assert "The node is gone. Another one goes on with its share." in (place / "run.log").read_text()
    # The other one went on behind what was committed.
    assert "1.2" in nodes.children
    assert sum(rows for _, rows, _, _ in scored(place)) < NUMBERS * 1.2


def test_last_node_that_is_lost_is_replaced(nodes: Nodes, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1")
    child = nodes.launch(order(place))
    eventually(lambda: "1" in nodes.children, within=20)
    nodes.children["1"].lose()
    assert ended(child) == Ending()
    check_complete(place)


def test_run_that_loses_every_node_is_lost(nodes: Nodes, tmp_path: Path) -> None:
    nodes.fragile = True
    with pytest.raises(ChildLost, match="The node is gone"):
        nodes.launch(order(spread_run(tmp_path / "1"))).wait(30)


def test_bad_row_fails_the_run_as_on_one_node(nodes: Nodes, tmp_path: Path) -> None:
    one, spread = spread_run(tmp_path / "1", bad=300), spread_run(tmp_path / "2", bad=300)
    assert ended(nodes.launch(order(one, count=1))) == Ending()
    assert ended(nodes.launch(order(spread))) == Ending()
    assert result_of(spread)["cause"]["code"] == "row_failed"
    assert result_of(spread)["cause"]["message"] == result_of(one)["cause"]["message"]
    assert counted(result_of(spread))[0] == NUMBERS or counted(result_of(spread))[2] == 1


def test_cancel_keeps_what_was_done(nodes: Nodes, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1")
    child = nodes.launch(order(place))
    eventually(lambda: len(scored(place)) > 6, within=20)
    child.terminate()
    assert ended(child) == Ending()
    result = result_of(place)
    assert result["outcome"] == "canceled"
    done = counted(result)[1]
    assert 0 < done < NUMBERS
    assert (place / LEDGER).exists()


def test_kill_ends_all_of_it(nodes: Nodes, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1")
    child = nodes.launch(order(place))
    eventually(lambda: len(scored(place)) > 6, within=20)
    child.kill()
    ending = child.wait(20)
    assert ending is not None
    assert ending.signal == 9
    child.release()
    assert all(each.wait(0) is not None for each in nodes.children.values())
