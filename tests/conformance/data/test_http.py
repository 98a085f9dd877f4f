"""Files of the web, from a real server that breaks off, redirects, stalls and changes its mind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conformance.data.file_places import INSIDE
from tests.conformance.data.web import Web, running_web
from tests.conformance.sinks import trust
from tests.make import eventually
from tests.ports import free_port

from gristmill.data import http
from gristmill.data.connect import connect
from gristmill.data.http import Http
from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import DataFailed, FileName
from gristmill.guard.address_guard import AddressGuard

CONTENT = bytes(range(256)) * 4000
PASSWORD = "pass-word-of-the-web"


@pytest.fixture
def web() -> Iterator[Web]:
    with running_web() as running:
        running.content = CONTENT
        yield running


def open_web(web: Web, path: str = "", *, guard: AddressGuard = INSIDE, **properties: Any) -> Http:
    url = f"http://127.0.0.1:{web.port}{path}"
    return http.connect(Properties({"url": url, **properties}), guard, stall_seconds=0.3, wait_seconds=0.01)


def fetch(files: Http, path: Path, name: str = "some.csv", *, limit_bytes: int | None = None) -> bytes:
    with files:
        number = files.fetch(FileName(name=name), path, limit_bytes=limit_bytes)
    content = path.read_bytes()
    assert len(content) == number
    return content


def failure(files: Http, path: Path, name: str = "some.csv") -> DataFailed:
    with pytest.raises(DataFailed) as failed:
        fetch(files, path, name)
    assert PASSWORD not in failed.value.message
    return failed.value


@pytest.mark.parametrize(
    ("base", "name", "asked"),
    [
        ("", "a.csv", "/a.csv"),
        ("/", "a.csv", "/a.csv"),
        ("/data", "deep/a b%.csv", "/data/deep/a%20b%25.csv"),
        ("/data/", "患者.csv", "/data/%E6%82%A3%E8%80%85.csv"),
        ("/whole.csv", "", "/whole.csv"),
        ("/data?signature=x%2Fy", "a.csv", "/data/a.csv?signature=x%2Fy"),
    ],
)
def test_a_file_is_read_below_the_url(web: Web, tmp_path: Path, base: str, name: str, asked: str) -> None:
    assert fetch(open_web(web, base), tmp_path / "got", name) == CONTENT
    assert [path for path, _ in web.requests] == [asked]
    assert open_web(web, base).size(FileName(name=name)) == len(CONTENT)


@pytest.mark.parametrize("name", ["../up", "a/../../up", "//host/path", "a\nb"])
def test_names_lead_down_only(web: Web, tmp_path: Path, name: str) -> None:
    assert failure(open_web(web), tmp_path / "got", name).code == "data_invalid"
    assert web.requests == []


@pytest.mark.parametrize("header", ["ETag", "Last-Modified"])
def test_a_download_goes_on_where_it_broke_off(web: Web, tmp_path: Path, header: str) -> None:
    web.breaks_after, web.version_header = 300_000, header
    assert fetch(open_web(web), tmp_path / "got") == CONTENT
    assert [headers.get("range") for _, headers in web.requests] == [
        None,
        "bytes=300000-",
        "bytes=600000-",
        "bytes=900000-",
    ]


def test_a_file_that_changed_is_read_from_its_beginning(web: Web, tmp_path: Path) -> None:
    web.breaks_after, web.versions = 600_000, ['"one"', '"two"']
    assert fetch(open_web(web), tmp_path / "got") == CONTENT
    assert [headers.get("range") for _, headers in web.requests] == [None, "bytes=600000-", "bytes=600000-"]


@pytest.mark.parametrize("version", [None, 'W/"weak"'])
def test_without_a_sign_of_the_version_nothing_is_pieced_together(
    web: Web, tmp_path: Path, version: str | None
) -> None:
    web.breaks_after = 600_000
    if version is None:
        web.version_header = None
    else:
        web.versions = [version]
    assert failure(open_web(web), tmp_path / "got").code == "data_unreachable"
    assert all("range" not in headers for _, headers in web.requests)
    assert len(web.requests) > 2


def test_a_server_that_stalls_is_given_up(web: Web, tmp_path: Path) -> None:
    web.breaks_after, web.stalls, web.ranges = 0, True, False
    failed = failure(open_web(web), tmp_path / "got")
    assert (failed.code, "did not answer in time" in failed.message) == ("data_unreachable", True)


def test_a_server_that_is_busy_is_asked_again(web: Web, tmp_path: Path) -> None:
    web.statuses = [503, 429]
    assert fetch(open_web(web), tmp_path / "got") == CONTENT
    web.statuses = [503] * 20
    assert "it answered 503" in failure(open_web(web), tmp_path / "got").message
    assert web.statuses


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "data_access_denied"), (403, "data_access_denied"), (404, "data_not_found"), (418, "data_failed")],
)
def test_refusals_are_told_apart(web: Web, tmp_path: Path, status: int, code: str) -> None:
    web.statuses = [status]
    failed = failure(open_web(web), tmp_path / "got")
    assert (failed.code, str(status) in failed.message, "some.csv" in failed.message) == (code, True, True)
    assert len(web.requests) == 1


def test_a_user_and_a_password_open_the_way(web: Web, tmp_path: Path) -> None:
    web.authorization = "Basic YWRhOnBhc3Mtd29yZC1vZi10aGUtd2Vi"
    assert fetch(open_web(web, username="ada", password=PASSWORD), tmp_path / "got") == CONTENT
    assert failure(open_web(web, username="eve", password=PASSWORD), tmp_path / "got").code == "data_access_denied"


def test_the_beginning_alone_can_be_fetched(web: Web, tmp_path: Path) -> None:
    assert fetch(open_web(web), tmp_path / "got", limit_bytes=1000) == CONTENT[:1000]


def test_redirects_are_followed_a_few_times(web: Web, tmp_path: Path) -> None:
    web.redirects = {f"/{number}": f"/{number + 1}" for number in range(5)}
    assert fetch(open_web(web), tmp_path / "got", "0") == CONTENT
    web.redirects["/5"] = "/6"
    assert "redirects more than 5 times" in failure(open_web(web), tmp_path / "got", "0").message


def test_a_redirect_to_another_server_gets_no_password(web: Web, tmp_path: Path) -> None:
    with running_web() as other:
        web.redirects = {"*": f"http://127.0.0.1:{other.port}/there"}
        assert fetch(open_web(web, username="ada", password=PASSWORD), tmp_path / "got") == other.content
    assert "authorization" in web.requests[0][1]
    assert "authorization" not in other.requests[0][1]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.2:{port}/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/", "http://0/"],
)
def test_a_redirect_to_a_forbidden_address_is_not_followed(web: Web, tmp_path: Path, target: str) -> None:
    with running_web(host="127.0.0.2") as inside:
        web.redirects = {"*": target.format(port=inside.port)}
        guard = AddressGuard(["127.0.0.1"], private=True)
        failed = failure(open_web(web, guard=guard), tmp_path / "got")
    assert (failed.code, inside.requests) == ("data_invalid", [])


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://user:word@127.0.0.1/", ""])
def test_a_redirect_to_what_is_no_url_of_the_web_is_not_followed(web: Web, tmp_path: Path, target: str) -> None:
    web.redirects = {"*": target}
    assert failure(open_web(web), tmp_path / "got").code == "data_failed"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/x", "http://169.254.169.254/", "http://localhost:{port}/"])
def test_this_server_and_its_credentials_are_out_of_reach(web: Web, url: str) -> None:
    with pytest.raises(DataFailed) as refused:
        connect("http", {"url": url.format(port=web.port)}, places=Places())
    assert (refused.value.code, refused.value.field) == ("data_invalid", "properties.url")
    assert web.requests == []


@pytest.mark.parametrize("url", ["", "some.csv", "ftp://example.org/", "http://user:word@example.org/"])
def test_a_url_is_checked(url: str) -> None:
    with pytest.raises(DataFailed) as refused:
        connect("http", {"url": url}, places=Places())
    assert (refused.value.code, refused.value.field) == ("data_invalid", "properties.url")


def test_a_private_authority_is_trusted_when_the_connection_says_so(tmp_path: Path) -> None:
    own = trust(tmp_path / "tls")
    authority = (tmp_path / "tls" / "ca.pem").read_text()
    with running_web(tls=own.server) as web:
        url = f"https://localhost:{web.port}"
        failed = failure(open_web(web, url=url), tmp_path / "got")
        assert (failed.code, "certificate" in failed.message) == ("data_unreachable", True)
        assert fetch(open_web(web, url=url, ssl_certificate=authority), tmp_path / "got") == web.content
        web.redirects = {"*": "http://127.0.0.1/"}
        assert "plain http" in failure(open_web(web, url=url, ssl_certificate=authority), tmp_path / "got").message
        with pytest.raises(DataFailed, match=r"properties\.ssl_certificate"):
            open_web(web, ssl_certificate="none")


def test_what_is_larger_than_a_download_may_be_is_refused(web: Web, tmp_path: Path) -> None:
    for web.tells_length in (True, False):
        files = open_web(web)
        small = Http(files._url, files._getter, most_bytes=1000)
        assert "more than 1000 bytes" in failure(small, tmp_path / "got").message
        assert (tmp_path / "got").stat().st_size < 300_000


def test_a_connection_that_is_closed_ends_a_download(web: Web, tmp_path: Path) -> None:
    web.breaks_after, web.stalls, web.ranges = 1000, True, False
    files = open_web(web)
    failed: list[DataFailed] = []

    def run() -> None:
        with pytest.raises(DataFailed) as raised:
            files.fetch(FileName(name="x"), tmp_path / "got")
        failed.append(raised.value)

    thread = threading.Thread(target=run)
    thread.start()
    eventually(lambda: web.requests, within=5)
    with files:
        pass
    thread.join(10)
    assert failed


def test_the_web_is_neither_listed_nor_written(web: Web) -> None:
    with open_web(web) as files:
        files.test()
        for refused in (files.browse, lambda: files.store(FileName(name="x"), Path(__file__))):
            with pytest.raises(DataFailed) as failed:
                refused()
            assert failed.value.code == "data_type_unsupported"


def test_a_server_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    failed = failure(open_web(Web(port=free_port())), tmp_path / "got")
    assert failed.code == "data_unreachable"
    with pytest.raises(DataFailed):
        open_web(Web(port=free_port())).test()
