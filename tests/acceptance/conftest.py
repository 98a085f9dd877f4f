"""The acceptance ring: every test meets a server process of its own module, over TLS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.acceptance.rest import Rest
from tests.acceptance.server import Server, running


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
