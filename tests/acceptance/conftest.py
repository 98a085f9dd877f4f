"""The acceptance ring: every test meets a server of its own module, over TLS, in the world that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.acceptance.rest import Rest
from tests.acceptance.server import Server, running
from tests.acceptance.worlds import ALONE, ClusterWorld, World, standing, within


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the world in the ids of all tests, where it is not that of one machine."""
    wanted = metafunc.config.getoption("--world")
    if wanted != ALONE and "world" in metafunc.fixturenames:
        metafunc.parametrize("world", [wanted], indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is about one machine, with the reason, where there are many."""
    for item in items:
        alone = item.get_closest_marker("not_on_cluster")
        if alone and config.getoption("--world") != ALONE:
            item.add_marker(pytest.mark.skip(reason=f"not on a cluster: {alone.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """What all servers of the ring stand on."""
    if request.config.getoption("--world") == ALONE:
        yield standing()
        return
    postgres, object_store, ray = (request.getfixturevalue(name) for name in ("postgres", "object_store", "ray"))
    # Two runs of the default specification fit at once, and a third one on the other node.
    ray.add(cpus=4, gib=16)
    with within(ClusterWorld(postgres, object_store, ray)) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over a fresh data directory, the same for all tests of a module."""
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def rest(server: Server) -> Iterator[Rest]:
    """A session of the first administrator, in a space of the module's own."""
    with Rest(server) as session:
        session.enter_new_space()
        yield session
