"""What is peculiar to object stores: keys and their rights, buckets, addresses, and what the store may not do to us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.conformance.data.file_places import MIB, FilePlace, get, large_file, put
from tests.conformance.data.relay import relay
from tests.conformance.data.web import running_web
from tests.conformance.sinks import trust
from tests.make import eventually
from tests.ports import free_port
from tests.s3 import READABLE_BUCKET, READER_KEY, READER_SECRET, SECRET_KEY, ObjectStore

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import DataFailed, FileName, Files
from gristmill.domain import datasource_types
from gristmill.guard.address_guard import AddressGuard

TYPES = ["amazons3", "bluemixcloudobjectstorage", "cloudobjectstorage", "generics3"]
READER = {"access_key": READER_KEY, "secret_key": READER_SECRET}


@pytest.fixture
def place(object_store: ObjectStore, tmp_path: Path) -> FilePlace:
    bucket = object_store.new_bucket()
    return FilePlace("generics3", object_store.properties(bucket), tmp_path, bucket=bucket, store=object_store)


def failure(place: FilePlace, path: Path, name: str = "some", **changed: Any) -> DataFailed:
    """Try whether the place can be reached, and to read something from it."""

    def reach() -> None:
        with place.open(**changed) as files:
            files.test()
            files.fetch(FileName(name=name), path)

    with pytest.raises(DataFailed) as failed:
        reach()
    assert SECRET_KEY not in failed.value.message
    return failed.value


@pytest.mark.parametrize("kind", TYPES)
def test_each_type_of_object_store_is_read(place: FilePlace, tmp_path: Path, kind: str) -> None:
    put(replace(place, kind=kind), "some", b"thing", tmp_path)
    assert get(replace(place, kind=kind), "some", tmp_path) == b"thing"
    datasource_types.check(datasource_types.find(kind), place.properties)


def test_a_wrong_secret_is_told_from_a_wrong_key(place: FilePlace, tmp_path: Path) -> None:
    put(place, "some", b"thing", tmp_path)
    secret = failure(place, tmp_path / "got", secret_key="wrong-secret")
    key = failure(place, tmp_path / "got", access_key="wrong-key")
    assert secret.code == key.code == "data_access_denied"
    assert "secret_key does not belong" in secret.message
    assert "access_key is not known" in key.message
    assert "wrong-secret" not in secret.message
    with place.open(secret_key="wrong") as files, pytest.raises(DataFailed, match="secret_key"):
        files.browse("/")
    with place.open(secret_key="wrong") as files, pytest.raises(DataFailed, match="secret_key"):
        files.store(FileName(name="some"), Path(__file__))


def test_missing_rights_are_named(place: FilePlace, object_store: ObjectStore, tmp_path: Path) -> None:
    object_store.store(READABLE_BUCKET).put("open", b"1")
    reader = replace(place, properties={**place.properties, **READER}, bucket=READABLE_BUCKET)
    with (
        reader.open() as files,
        pytest.raises(DataFailed, match=f"no right .* object some in bucket {READABLE_BUCKET}"),
    ):
        files.store(FileName(name="some", bucket=READABLE_BUCKET), Path(__file__))
    assert failure(reader, tmp_path / "got").code == "data_access_denied"
    with reader.open(bucket=READABLE_BUCKET) as files:
        assert files.fetch(FileName(name="open"), tmp_path / "got") == 1


def test_a_missing_bucket_is_told_from_a_missing_object(place: FilePlace, tmp_path: Path) -> None:
    missing = failure(place, tmp_path / "got", bucket="never-made")
    assert (missing.code, "there is no bucket never-made" in missing.message) == ("data_not_found", True)
    absent = failure(place, tmp_path / "got", name="folder/absent.csv")
    assert (absent.code, "no object folder/absent.csv in bucket" in absent.message) == ("data_not_found", True)


def test_a_bucket_is_that_of_the_name_or_else_of_the_connection(
    place: FilePlace, object_store: ObjectStore, tmp_path: Path
) -> None:
    other = object_store.new_bucket()
    object_store.store(other).put("some", b"other")
    with place.open() as files:
        files.fetch(FileName(name="some", bucket=other), tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b"other"
    refused = failure(place, tmp_path / "got", bucket="")
    assert (refused.code, refused.field) == ("data_invalid", "bucket")


def test_buckets_are_listed_as_far_as_the_keys_may(place: FilePlace) -> None:
    with place.open() as files:
        buckets = files.browse("/", limit=1000)
    assert {(entry.name, entry.type) for entry in buckets} >= {(place.bucket, "bucket"), (READABLE_BUCKET, "bucket")}
    with place.open(**READER, bucket=READABLE_BUCKET) as files:
        assert [entry.path for entry in files.browse("/")] == [f"/{READABLE_BUCKET}"]


def test_a_page_of_a_large_bucket_reads_no_more_than_it_needs(place: FilePlace, object_store: ObjectStore) -> None:
    assert place.bucket
    store = object_store.store(place.bucket)
    for number in range(1300):
        store.put(f"many/{number:04}", b"")
    for name in ("before", "many-more/x", "manyfold", "zz/y"):
        store.put(name, b"")
    with place.open() as files:
        # In which order a folder stands beside a name that goes on is for each store to say.
        names = [entry.name for entry in files.browse(place.root())]
        page = files.browse(place.root("many"), offset=1290, limit=20)
    assert sorted(names) == ["before", "many", "many-more", "manyfold", "zz"]
    assert [entry.name for entry in page] == [f"{number:04}" for number in range(1290, 1300)]


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "http://"}, "url"),
        ({"url": "ftp://store.example.org"}, "url"),
        ({"url": "http://user:word@store.example.org"}, "url"),
        ({"url": "http://127.0.0.1/bucket"}, "url"),
        ({"url": "http://169.254.169.254"}, "url"),
        ({"access_key": ""}, "access_key"),
        ({"secret_key": ""}, "secret_key"),
        ({"access_key": "", "secret_key": "", "api_key": "iam"}, "api_key"),
        ({"access_key": "", "secret_key": "", "credentials": "{}"}, "credentials"),
        ({"endpoint_folder": "x"}, "endpoint_folder"),
        ({"ssl_certificate": "none"}, "ssl_certificate"),
    ],
)
def test_properties_are_checked(place: FilePlace, tmp_path: Path, properties: dict[str, str], field: str) -> None:
    refused = failure(place, tmp_path / "got", **properties)
    assert (refused.code, refused.field) == ("data_invalid", f"properties.{field}")


def test_keys_may_come_as_credentials_of_a_service(place: FilePlace) -> None:
    keys = {"access_key_id": place.properties["access_key"], "secret_access_key": SECRET_KEY}
    with place.open(access_key="", secret_key="", credentials=json.dumps({"cos_hmac_keys": keys})) as files:
        files.test()


def test_an_endpoint_that_does_not_answer_ends_soon(place: FilePlace, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    failed = failure(place, tmp_path / "got", url=url)
    assert failed.code == "data_unreachable"
    assert url.removeprefix("http://") in failed.message
    assert failure(place, tmp_path / "got", url="http://name.invalid").code == "data_unreachable"


def test_what_is_no_object_store_is_told_so(place: FilePlace, tmp_path: Path) -> None:
    with running_web() as web:
        assert failure(place, tmp_path / "got", url=f"http://127.0.0.1:{web.port}").code == "data_failed"


def test_a_private_authority_is_trusted_when_the_connection_says_so(
    place: FilePlace, object_store: ObjectStore, tmp_path: Path
) -> None:
    own = trust(tmp_path / "tls")
    with relay(int(object_store.url.rpartition(":")[2]), tls=own.server) as front:
        url = f"https://localhost:{front.port}"
        failed = failure(place, tmp_path / "got", url=url)
        assert (failed.code, "certificate is not trusted" in failed.message) == ("data_unreachable", True)
        with place.open(url=url) as files, pytest.raises(DataFailed, match="certificate is not trusted"):
            files.browse("/")
        with place.open(url=url, ssl_certificate=(tmp_path / "tls" / "ca.pem").read_text()) as files:
            files.store(FileName(name="some"), Path(__file__))
            assert [entry.name for entry in files.browse(place.root())] == ["some"]
            assert files.browse("/")


def test_a_failed_upload_takes_its_parts_back(place: FilePlace, object_store: ObjectStore, tmp_path: Path) -> None:
    large = large_file(tmp_path / "large", 48 * MIB)
    assert place.bucket
    with relay(int(object_store.url.rpartition(":")[2]), refuses=lambda first: b"partNumber=5" in first) as front:
        with place.open(url=f"http://127.0.0.1:{front.port}") as files, pytest.raises(DataFailed):
            files.store(FileName(name="large"), large)
        assert any(b"partNumber=1&" in line for line in front.first_lines)
    bucket = place.bucket
    assert eventually(lambda: not object_store.unfinished_uploads(bucket), within=5)
    with place.open() as files:
        assert files.browse(place.root()) == []


class GivenUp(Exception):
    """The upload was no longer wanted."""


class WantedUntil:
    """Is told when an upload is no longer wanted; ``too_late`` once it was asked for the last time."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.too_late = False

    def look(self) -> None:
        if self.over.is_set():
            raise GivenUp

    def commit(self) -> None:
        self.look()
        self.too_late = True


@pytest.mark.parametrize("held", [b"partNumber=", b"partNumber=5&"], ids=["all parts", "the last part"])
def test_an_upload_that_is_given_up_ends_at_once_and_leaves_nothing(
    place: FilePlace, object_store: ObjectStore, tmp_path: Path, held: bytes
) -> None:
    large = large_file(tmp_path / "large", 40 * MIB)
    assert place.bucket
    bucket, wanted = place.bucket, WantedUntil()
    with (
        relay(int(object_store.url.rpartition(":")[2]), holds=lambda first: held in first) as front,
        place.open(url=f"http://127.0.0.1:{front.port}") as files,
        ThreadPoolExecutor(1) as pool,
    ):
        storing = pool.submit(files.store, FileName(name="large"), large, wanted)
        # A slow store: some parts have begun, and not one ends.
        eventually(lambda: any(held in line for line in front.first_lines), within=20)
        assert not wait([storing], 0.5).done
        wanted.over.set()
        with pytest.raises(GivenUp):
            storing.result(timeout=2)
        assert not wanted.too_late
        assert object_store.unfinished_uploads(bucket) == []
    with place.open() as files:
        assert files.browse(place.root()) == []


def test_an_upload_is_asked_for_a_last_time_when_all_has_arrived(
    place: FilePlace, object_store: ObjectStore, tmp_path: Path
) -> None:
    large = large_file(tmp_path / "large", 24 * MIB)

    class Late(WantedUntil):
        def commit(self) -> None:
            self.parts = sum(b"partNumber" in line for line in front.first_lines)
            raise GivenUp

    late = Late()
    with relay(int(object_store.url.rpartition(":")[2])) as front:
        with place.open(url=f"http://127.0.0.1:{front.port}") as files, pytest.raises(GivenUp):
            files.store(FileName(name="large"), large, late)
        assert late.parts == 3
        assert not any(b"POST" in line and b"uploadId" in line for line in front.first_lines)
    assert place.bucket
    assert object_store.unfinished_uploads(place.bucket) == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_store_cannot_send_us_elsewhere(place: FilePlace, tmp_path: Path, status: int) -> None:
    places = Places(guard=AddressGuard(["127.0.0.1"], private=True))
    with running_web() as store, running_web(host="127.0.0.2") as inside:
        store.redirects, store.redirect_status = {"*": f"http://127.0.0.2:{inside.port}/secrets"}, status
        properties = {**place.properties, "url": f"http://127.0.0.1:{store.port}"}
        with cast(Files, connect("generics3", properties, places=places)) as files:
            for reach in (
                files.test,
                lambda: files.browse("/"),
                lambda: files.fetch(FileName(name="some"), tmp_path / "got"),
                lambda: files.store(FileName(name="some"), Path(__file__)),
            ):
                with pytest.raises(DataFailed):
                    reach()
        assert store.requests
    assert inside.requests == []


def test_keys_of_the_servers_environment_are_not_used(place: FilePlace, tmp_path: Path) -> None:
    put(place, "some", b"thing", tmp_path)
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SESSION_TOKEN": "another",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_SKIP_SIGNATURE": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "*",
    }
    script = Path(__file__).with_name("file_process.py")
    words = [place.kind, json.dumps(place.properties), str(tmp_path), "fetch", place.bucket or "", "some"]
    subprocess.run(
        [sys.executable, str(script), *words, str(tmp_path / "got")],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (tmp_path / "got").read_bytes() == b"thing"
