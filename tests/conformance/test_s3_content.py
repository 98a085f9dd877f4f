"""What is an object store's own: uploads in parts that a kill leaves, refusals, and keys that nobody reads."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import pytest
from tests.gate import Gate
from tests.s3 import READER_KEY, READER_SECRET, ObjectStore, bucket_of

from gristmill.content.bucket import Bucket
from gristmill.content.content import ContentUnreachable
from gristmill.content.s3 import S3Content

MIB = 1024**2

# Ends itself without warning before the n-th mebibyte of 20.
_KILLED = """
    import os, signal, sys
    from gristmill.content.bucket import Bucket
    from gristmill.content.s3 import S3Content
    url, endpoint, access_key, secret_key, number = sys.argv[1:]
    bucket = Bucket.of(url, endpoint=endpoint, region="us-east-1", access_key=access_key, secret_key=secret_key)
    def chunks():
        for index in range(20):
            if index == int(number):
                os.kill(os.getpid(), signal.SIGKILL)
            yield b"a" * 1024**2
    print(S3Content(bucket).put(chunks()).key)
"""


def _put_and_die(bucket: Bucket, *, at: int) -> str:
    url = f"s3://{bucket.name}/{bucket.prefix}"
    given = [url, bucket.endpoint, bucket.access_key, bucket.secret_key, str(at)]
    program = [sys.executable, "-c", textwrap.dedent(_KILLED), *given]
    ended = subprocess.run(program, capture_output=True, check=False, text=True)
    assert ended.returncode in {0, -9}, ended.stderr
    return ended.stdout.strip()


def test_a_kill_while_parts_are_sent_leaves_nothing_that_is_seen(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    content = S3Content(bucket)

    for number in (0, 7, 8, 17, 19):
        assert _put_and_die(bucket, at=number) == ""
    whole = _put_and_die(bucket, at=99)

    assert list(content.keys(older_than_seconds=-3600)) == [whole]
    assert content.size(whole) == 20 * MIB


def test_the_janitor_ends_uploads_of_writers_that_died_and_leaves_others_alone(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    content, store = S3Content(bucket), object_store.store(bucket.name)
    _put_and_die(bucket, at=19)
    before = object_store.unfinished_uploads(bucket.name)
    assert before

    assert content.discard_drafts(older_than_seconds=3600) == 0
    assert object_store.unfinished_uploads(bucket.name) == before
    # What somebody else is sending to this bucket, or to a neighbour of the prefix, is theirs.
    elsewhere = S3Content(replace(bucket, prefix="some/prefix-of-another/"))
    assert elsewhere.discard_drafts(older_than_seconds=-3600) == 0
    assert content.discard_drafts(older_than_seconds=-3600) == 1

    assert object_store.unfinished_uploads(bucket.name) == []
    assert [found for page in obstore.list(store) for found in page] == []


def test_objects_that_are_no_content_are_not_walked(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    object_store.store(bucket.name).put(f"{bucket.prefix}notes/read-me.txt", b"not ours")
    key = S3Content(bucket).put([b"ours"]).key

    assert list(S3Content(bucket).keys(older_than_seconds=-3600)) == [key]


def test_keys_of_the_walk_come_page_by_page(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    content = S3Content(bucket)
    kept = {content.put([b"x"]).key for _ in range(1100)}

    assert set(content.keys(older_than_seconds=-3600)) == kept


def test_wrong_keys_are_told_at_the_start_without_repeating_them(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    wrong = [
        replace(bucket, secret_key="not the right one"),
        replace(bucket, access_key=READER_KEY, secret_key=READER_SECRET),
        replace(bucket, endpoint="http://127.0.0.1:9"),
    ]

    for each in wrong[:2]:
        with pytest.raises(ContentUnreachable, match=f"for bucket {bucket.name}") as caught:
            S3Content(each).check()
        assert each.secret_key not in str(caught.value)
    assert bucket.secret_key not in repr(bucket)
    S3Content(bucket).check()
    assert list(S3Content(bucket).keys(older_than_seconds=-3600)) == []


def test_d4_whoever_is_patient_waits_for_a_store_that_comes_back(object_store: ObjectStore) -> None:
    bucket = bucket_of(object_store)
    gate = Gate(urlsplit(bucket.endpoint).port or 0)
    gate.open()
    content = S3Content(replace(bucket, endpoint=f"http://127.0.0.1:{gate.port}"))
    kept = content.put([b"before"]).key

    gate.shut()
    with pytest.raises(ContentUnreachable):
        b"".join(content.stream(kept))
    opening = threading.Timer(8, gate.open)
    opening.start()
    assert b"".join(content.patient().stream(kept)) == b"before"
    opening.join()
    gate.shut()


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "http://bucket", "s3://user@bucket", "s3://bucket?x=y"])
def test_what_names_no_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket"):
        Bucket.of(url, endpoint=None, region="eu-west-1", access_key="a", secret_key="b")


def test_a_file_that_changes_its_place_while_it_is_sent_is_sent_whole(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    whole = os.urandom(9 * MIB)
    (tmp_path / "file").write_bytes(whole)
    content = S3Content(bucket_of(object_store))

    key = content.put_file(tmp_path / "file").key
    (tmp_path / "file").unlink()

    with content.open(key) as file:
        assert file.read() == whole
