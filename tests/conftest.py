"""What every ring starts from: a context over a fresh database, and a client of the whole app that is logged in."""

from __future__ import annotations

import gc
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

with warnings.catch_warnings():
    # It asks for httpx's successor, which the clients under test do not use.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

from gristmill.api.app import create_api
from gristmill.content.folder import FolderContent
from gristmill.launch.ray import RayLauncher
from gristmill.launch.ray_cluster import Cluster
from gristmill.service import users
from gristmill.service.context import Context
from gristmill.service.secrets import Secrets
from gristmill.store.database import Database
from gristmill.store.migrate import migrate
from tests.acceptance.worlds import WORLDS
from tests.clean_databases import CleanDatabases
from tests.conformance.functions import QUICK
from tests.mariadb import MariadbServer, running_mariadb
from tests.people import ADMIN_API_KEY, log_in
from tests.postgres import Postgres, running_postgres
from tests.ray_cluster import RayCluster, launching, running_ray
from tests.s3 import ObjectStore, running_object_store

_NEEDS_RAY = re.compile(r"/test_ray_|\[ray[]-]")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take ``--screenshots FOLDER``, where tests of the console keep pictures of all that they look at, and so on."""
    parser.addoption("--latency", metavar="MS", type=int, default=0, help="answer each browser that much later")
    parser.addoption("--screenshots", metavar="FOLDER", help="keep pictures of every page of the console here")
    parser.addoption("--compatibility", metavar="FILE", help="write the page on compatibility here, of what happens")
    parser.addoption("--world", choices=WORLDS, default=WORLDS[0], help="what the acceptance ring's servers stand on")


class _RayTogether(LoadFileScheduling):  # type: ignore[misc]
    """Deals out tests file by file, but all that need the Ray cluster to one process: it takes long to start."""

    def _split_scope(self, nodeid: str) -> str:
        return "ray" if _NEEDS_RAY.search(nodeid) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Keep the tests of Ray together."""
    return _RayTogether(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Never look for garbage among what was imported and collected: that takes a tenth of the time of the tests."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Look for it again at the end: libraries complain of what is left then."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server for the whole session."""
    with running_postgres(vacuums=False) as server:
        yield server


@pytest.fixture(scope="session")
def clean_databases(postgres: Postgres) -> CleanDatabases:
    """Empty databases on it, which are used again."""
    return CleanDatabases(postgres)


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """An S3-compatible object store for the whole session."""
    with running_object_store() as store:
        yield store


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """A MariaDB server for the whole session."""
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def ray() -> Iterator[RayCluster]:
    """A Ray cluster of two nodes for the whole session."""
    with running_ray() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cluster(ray: RayCluster) -> Iterator[Cluster]:
    """A connection to the Ray cluster."""
    connected = Cluster.connect(ray.address)
    yield connected
    connected.close()


@pytest.fixture
def ray_launcher(cluster: Cluster, tmp_path: Path) -> Iterator[RayLauncher]:
    """A launcher over the Ray cluster, for small functions; it takes nodes for lost within seconds."""
    with launching(cluster, tmp_path / "l", QUICK) as made:
        yield made


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "gristmill.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.snapshot() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with this version's schema, on each of the two."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "gristmill.db")
        yield f"sqlite:///{tmp_path / 'gristmill.db'}"
        return
    clean: CleanDatabases = request.getfixturevalue("clean_databases")
    with clean.one(new="new_database" in request.keywords) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with this version's schema, on each of the two."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def context(database: Database, tmp_path: Path) -> Context:
    """A context with real ports; the administrator ``admin`` is there."""
    made = Context(
        database=database,
        content=FolderContent(tmp_path / "content"),
        secrets=Secrets(b"a secret key for tests, and only for tests"),
        data_dir=tmp_path,
    )
    (tmp_path / "staging").mkdir()
    users.bootstrap(made, ADMIN_API_KEY)
    return made


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    """A client of the whole app, logged in as ``admin``."""
    with TestClient(create_api(context)) as made:
        log_in(made, ADMIN_API_KEY)
        yield made
