"""What the conformance ring needs beside what every ring does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.table_databases import (
    TYPES,
    TableDatabase,
    file_database,
    mariadb_database,
    postgres_database,
)


@pytest.fixture(params=TYPES)
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableDatabase]:
    """An empty database of each kind that connections may lead to."""
    match request.param:
        case "postgresql":
            with postgres_database(request.getfixturevalue("postgres")) as made:
                yield made
        case "mariadb":
            with mariadb_database(request.getfixturevalue("mariadb")) as made:
                yield made
        case kind:
            yield file_database(kind, tmp_path)
