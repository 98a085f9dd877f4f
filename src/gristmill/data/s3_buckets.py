"""The buckets of an object store: ListBuckets by a signed URL, as the library itself looks into one bucket only."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
import obstore

from gristmill.data import file_names, http_get
from gristmill.data.http_get import Broken, Getter
from gristmill.data.s3_account import S3Account
from gristmill.data.s3_store import open_store
from gristmill.data.s3_trouble import of_code
from gristmill.data.source import DataFailed, Entry
from gristmill.guard.address_guard import AddressGuard

_MOST_BYTES = 16 * 1024**2
_OK = 200
_SIGNED_FOR = timedelta(minutes=1)
_NAME = re.compile(r"<Bucket>.*?<Name>([^<]*)</Name>", re.DOTALL)
_CODE = re.compile(r"<Code>([A-Za-z0-9]+)</Code>")


class MayNotList(DataFailed):
    """The keys are good, but have no right to list buckets."""


def entries(account: S3Account, guard: AddressGuard) -> list[Entry]:
    """Return all buckets in the order of their names; the connection's own where the keys may not list them."""
    try:
        found = names(account, guard)
    except MayNotList:
        if account.bucket is None:
            raise
        found = [account.bucket]
    return [Entry(name=name, type="bucket", path=file_names.path_of(name)) for name in found]


def names(account: S3Account, guard: AddressGuard) -> list[str]:
    """Return the names of all buckets.

    Raises:
        DataFailed: the store cannot be reached, or refuses.

    """
    # Signing asks nobody, so it needs no way out.
    root = open_store(account, "all", proxy="http://127.0.0.1:9", at_root=True)
    url = httpx.URL(obstore.sign(root, "GET", "", _SIGNED_FOR))
    getter = Getter(guard=guard, tls=http_get.trust(account.certificate), follow=False)
    try:
        with getter.get(url, {}) as answer:
            text = answer.beginning(_MOST_BYTES).decode("utf-8", "replace")
            if answer.status != _OK:
                raise _refused(account, answer.status, text)
    except Broken as error:
        raise DataFailed("data_unreachable", f"{account.host}: {http_get.story(error)}.") from None
    return sorted(html.unescape(name) for name in _NAME.findall(text))


def _refused(account: S3Account, status: int, text: str) -> DataFailed:
    code = _CODE.search(text)
    if code and code[1] == "AccessDenied":
        return MayNotList("data_access_denied", f"{account.host}: these keys may not list buckets; name one.")
    known = code and of_code(code[1], account, "")
    return known or DataFailed("data_failed", f"{account.host} answered {status} when asked for its buckets.")
