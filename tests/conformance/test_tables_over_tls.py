"""Databases that are reached over TLS: by an authority that the connection names, and by no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.conformance.sinks import trust
from tests.conformance.table_databases import TableDatabase, mariadb_database, postgres_database, read, write
from tests.mariadb import running_mariadb
from tests.postgres import running_postgres

from gristmill.data.source import DataFailed

NAME = "localhost"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of an authority, and of a certificate by it for one name."""
    directory = tmp_path_factory.mktemp("authority")
    trust(directory, NAME)
    return directory


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def strict(request: pytest.FixtureRequest, authority: Path) -> Iterator[TableDatabase]:
    """A database that lets nobody in without TLS; nothing is said of certificates yet."""
    with ExitStack() as stack:
        if request.param == "mariadb":
            server = stack.enter_context(running_mariadb(authority / "server.pem"))
            made = stack.enter_context(mariadb_database(server))
            yield replace(made, properties={**made.properties, "host": NAME})
            return
        postgres = stack.enter_context(running_postgres(authority / "server.pem"))
        made = stack.enter_context(postgres_database(postgres))
        yield replace(made, properties={**made.properties, "host": NAME, "port": postgres.port})


def certificate(directory: Path) -> str:
    return (directory / "ca.pem").read_text()


def refusal(database: TableDatabase, **properties: object) -> DataFailed:
    with pytest.raises(DataFailed) as refused:
        database.open(**properties)
    return refused.value


def test_the_right_authority_lets_us_in(strict: TableDatabase, authority: Path) -> None:
    own = replace(strict, properties={**strict.properties, "ssl": True, "ssl_certificate": certificate(authority)})
    write(own, "t", pa.table({"a": [1, 2]}), publication="p")
    assert read(own, "t")["a"].to_pylist() == [1, 2]


def test_another_authority_is_an_error_that_says_so(strict: TableDatabase, tmp_path: Path) -> None:
    trust(tmp_path, NAME)
    refused = refusal(strict, ssl=True, ssl_certificate=certificate(tmp_path))
    assert refused.code == "data_unreachable"
    assert "its certificate is not from an authority that is trusted" in refused.message


def test_a_certificate_for_another_name_is_an_error_that_says_so(strict: TableDatabase, authority: Path) -> None:
    refused = refusal(strict, host="127.0.0.1", ssl=True, ssl_certificate=certificate(authority))
    assert refused.code == "data_unreachable"
    assert "its certificate is for another name" in refused.message


def test_what_is_no_certificate_is_named(strict: TableDatabase) -> None:
    refused = refusal(strict, ssl=True, ssl_certificate="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
    assert (refused.code, refused.field) == ("data_invalid", "properties.ssl_certificate")


def test_the_check_can_be_switched_off(strict: TableDatabase, tmp_path: Path) -> None:
    trust(tmp_path, NAME)
    options = {"ssl": True, "ssl_certificate": certificate(tmp_path), "ssl_certificate_validation": False}
    with strict.open(host="127.0.0.1", **options) as source:
        source.test()


@pytest.mark.parametrize("strict", ["postgresql"], indirect=True)  # PyMySQL encrypts wherever the server can
def test_without_tls_nobody_gets_in(strict: TableDatabase) -> None:
    assert refusal(strict, ssl=False, sslmode="disable").code == "data_access_denied"
