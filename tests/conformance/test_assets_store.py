"""The stores of assets and what belongs to them, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from gristmill.domain import search_query
from gristmill.domain.asset import Asset, Attachment
from gristmill.domain.errors import Invalid
from gristmill.domain.export import Export, ExportKind
from gristmill.domain.specification import HardwareSpecification, PackageExtension, SoftwareSpecification
from gristmill.store import (
    asset_search,
    assets,
    attachments,
    contents,
    exports,
    hardware_specifications,
    package_extensions,
    software_specifications,
)
from gristmill.store.database import ConstraintViolated, Database
from gristmill.store.schema import spaces, users

NOW = datetime(2026, 11, 22, 8, 35, tzinfo=UTC)


def _id() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def space_id(database: Database) -> str:
    user, space = _id(), _id()
    with database.transaction() as connection:
        connection.execute(
            insert(users).values(
                id=user, name="u", display_name="u", administrator=False, disabled=False, created_at=NOW
            )
        )
        connection.execute(
            insert(spaces).values(
                id=space,
                name="s",
                description="",
                type="cpd",
                tags=[],
                stage={},
                compute=[],
                state="active",
                creator_id=user,
                created_at=NOW,
                modified_at=NOW,
            )
        )
    return space


def _asset(space_id: str, **members: Any) -> Asset:
    base = Asset(
        id=_id(), space_id=space_id, type="data_asset", name="a", owner_id="u", created_at=NOW, modified_at=NOW
    )
    return replace(base, **{"tags": [], **members})


def _attachment(asset: Asset, key: str | None = "k1", **members: Any) -> Attachment:
    base = Attachment(
        id=_id(), asset_id=asset.id, name="n", created_at=NOW, content_key=key, size=3, sha256="0" * 64, complete=True
    )
    return replace(base, **members)


def test_an_asset_comes_back_as_it_went_in(database: Database, space_id: str) -> None:
    asset = _asset(
        space_id, name="Ünïcode", description="d", tags=["a", "b"], entity={"data_asset": {"n": [1, None, 1.5]}}, size=7
    )
    with database.transaction() as connection:
        assets.create(connection, asset)
    with database.snapshot() as connection:
        assert assets.get(connection, asset.id) == asset
        assert assets.get(connection, asset.id, revision=1) is None
        assert assets.get(connection, _id()) is None
        assert assets.named(connection, space_id, "data_asset", "Ünïcode") == asset
        assert assets.named(connection, space_id, "script", "Ünïcode") is None


def test_pages_follow_each_other_without_gap_or_double(database: Database, space_id: str) -> None:
    # Half of them have the same time: the id decides.
    made = [_asset(space_id, name=str(n), created_at=NOW + timedelta(seconds=n // 2)) for n in range(9)]
    with database.transaction() as connection:
        for asset in made:
            assets.create(connection, asset)
        assets.create(connection, _asset(space_id, type="script"))
        assets.create(connection, _asset(space_id, deleted_at=NOW))
    seen: list[Asset] = []
    start = None
    with database.snapshot() as connection:
        while True:
            page = assets.page(connection, space_id, "data_asset", limit=2, start=start)
            seen += page.items
            start = page.next
            if start is None:
                break
        assert seen == sorted(made, key=lambda asset: (asset.created_at, asset.id))
        assert len(assets.all_of_space(connection, space_id, limit=100).items) == 10
        assert len(assets.trash(connection, space_id, limit=100).items) == 1
        with pytest.raises(Invalid):
            assets.page(connection, space_id, "data_asset", limit=2, start="x")


def test_a_revision_keeps_the_document_and_the_content(database: Database, space_id: str) -> None:
    asset = _asset(space_id, entity={"v": 1})
    with database.transaction() as connection:
        assets.create(connection, asset)
        attachments.create(connection, _attachment(asset))
        attachments.create(connection, _attachment(asset, None, complete=False, name="not yet"))
        frozen = assets.freeze(connection, asset, message="one", at=NOW, new_id=_id)
        assets.change(connection, asset.id, {"entity": {"v": 2}, "name": "b"})
        head = attachments.of_asset(connection, asset.id)
        attachments.delete_these(connection, [attachment.id for attachment in head], NOW)
    assert (frozen.revision, frozen.latest_revision) == (1, 1)
    with database.snapshot() as connection:
        found = assets.get(connection, asset.id, revision=1)
        assert found is not None
        assert (found.entity, found.name, found.commit_message, found.committed_at) == ({"v": 1}, "a", "one", NOW)
        kept = attachments.of_asset(connection, asset.id, revision=1)
        assert [attachment.content_key for attachment in kept] == ["k1"]
        assert attachments.of_asset(connection, asset.id) == []
        assert attachments.content_of(connection, asset.id) is None
        assert attachments.content_of(connection, asset.id, revision=1) == kept[0]
        assert contents.referred_to(connection, ["k1"]) == {"k1"}
        assert attachments.size_of(connection, asset.id) == 0


def test_revisions_made_at_the_same_time_have_different_numbers(database: Database, space_id: str) -> None:
    asset = _asset(space_id)
    with database.transaction() as connection:
        assets.create(connection, asset)
    start, numbers = threading.Barrier(4), []

    def freeze() -> None:
        start.wait(timeout=10)
        with database.transaction() as connection:
            numbers.append(assets.freeze(connection, asset, message=None, at=NOW, new_id=_id).revision)

    threads = [threading.Thread(target=freeze) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(numbers) == [1, 2, 3, 4]
    with database.snapshot() as connection:
        head = assets.get(connection, asset.id)
        assert head is not None
        page = assets.revisions(connection, head, limit=3)
        assert ([item.revision for item in page.items], page.next, page.total) == ([1, 2, 3], "3", 4)
        assert [item.revision for item in assets.revisions(connection, head, limit=3, start="3").items] == [4]


def test_purging_lets_content_go_that_nothing_else_has(database: Database, space_id: str) -> None:
    one, two = _asset(space_id), _asset(space_id)
    with database.transaction() as connection:
        for asset, key in ((one, "shared"), (one, "own"), (two, "shared")):
            if assets.get(connection, asset.id) is None:
                assets.create(connection, asset)
            attachments.create(connection, _attachment(asset, key))
        assert contents.of_space(connection, space_id) == ["own", "shared"]
        assets.purge(connection, [one.id], NOW)
        assets.purge(connection, [], NOW)
    with database.transaction() as connection:
        assert assets.get(connection, one.id) is None
        gone = contents.discarded(connection, before=NOW + timedelta(seconds=1), limit=10)
        assert contents.referred_to(connection, gone) == {"shared"}
        contents.discard(connection, ["own", "own", None], NOW)
        contents.forget(connection, gone)
        assert contents.discarded(connection, before=NOW + timedelta(seconds=1), limit=10) == []


def test_a_search_finds_by_name_tag_and_id(database: Database, space_id: str) -> None:
    made = [
        _asset(space_id, name="Abc 100%", tags=["x"], created_at=NOW),
        _asset(space_id, name="abcd", tags=["x", "y"], created_at=NOW + timedelta(seconds=1)),
        _asset(space_id, name="b_c", type="script", created_at=NOW + timedelta(seconds=2)),
    ]
    with database.transaction() as connection:
        for asset in made:
            assets.create(connection, asset)

    def names(query: str, type_name: str = "asset", sort: str = "name") -> list[str]:
        with database.snapshot() as connection:
            page = asset_search.search(
                connection,
                space_id,
                type_name,
                search_query.parse(query),
                sort=search_query.sort_column(sort),
                limit=10,
                start=None,
            )
        assert page.total == len(page.items)
        return [asset.name for asset in page.items]

    assert names("ABC*", sort="-created_at") == ["abcd", "Abc 100%"]
    assert names("*%") == ["Abc 100%"]
    assert names("b_c") == ["b_c"]
    assert names("?bc") == []
    assert names("asset.tags:x AND asset.tags:y") == ["abcd"]
    assert names(f"asset.asset_id:{made[2].id}") == ["b_c"]
    assert names("*:*", "script") == ["b_c"]


def test_specifications_are_the_spaces_own(database: Database, space_id: str) -> None:
    software = SoftwareSpecification(
        id=_id(), name="sw", space_id=space_id, base_id="base", package_extension_ids=["e"], created_at=NOW
    )
    hardware = HardwareSpecification(
        id=_id(), name="hw", space_id=space_id, cpus=0.1, memory_bytes=2**40, nodes={"n": 1}, created_at=NOW
    )
    entity = {"software_spec": {"id": software.id}}
    script = {"script": {"software_spec": {"base_id": software.id}}}
    with database.transaction() as connection:
        software_specifications.create(connection, software)
        hardware_specifications.create(connection, hardware)
        assets.create(connection, _asset(space_id, name="m", type="wml_model", entity=entity))
        assets.create(connection, _asset(space_id, name="s", type="script", entity=script))
        assets.create(connection, _asset(space_id, name="d"))
    with database.snapshot() as connection:
        for reference in (software.id, "sw"):
            assert software_specifications.find(connection, space_id, reference) == software
        assert software_specifications.find(connection, _id(), "sw") is None
        for reference in (hardware.id, "hw"):
            assert hardware_specifications.find(connection, space_id, reference) == hardware
        assert software_specifications.assets_using(connection, space_id, software.id) == ["m", "s"]
        assert software_specifications.derived_from(connection, space_id, "base") == ["sw"]
        assert software_specifications.extending(connection, space_id, "e") == ["sw"]
        assert software_specifications.page(connection, space_id, name="x", limit=5).items == []
    with pytest.raises(ConstraintViolated), database.transaction() as connection:
        hardware_specifications.create(connection, replace(hardware, id=_id()))
    with database.transaction() as connection:
        software_specifications.set_package_extensions(connection, software.id, [])
        hardware_specifications.remove(connection, hardware.id)
        assert hardware_specifications.count(connection, space_id) == 0
        changed = software_specifications.find(connection, space_id, "sw")
        assert changed is not None
        assert list(changed.package_extension_ids) == []


def test_package_extensions_and_exports_let_their_content_go(database: Database, space_id: str) -> None:
    extension = PackageExtension(id=_id(), space_id=space_id, name="pe", type="conda_yml", created_at=NOW)
    export = Export(
        id=_id(), space_id=space_id, kind=ExportKind.EXPORT, name="e", owner_id="u", created_at=NOW, content_key="zip"
    )
    with database.transaction() as connection:
        package_extensions.create(connection, extension)
        package_extensions.set_content(connection, extension, key="one", size=3, at=NOW)
        uploaded = package_extensions.get(connection, extension.id)
        assert uploaded is not None
        package_extensions.set_content(connection, uploaded, key="two", size=4, at=NOW)
        package_extensions.complete(connection, extension.id)
        exports.create(connection, export)
    with database.transaction() as connection:
        assert exports.get(connection, export.id) == export
        assert exports.page(connection, space_id, ExportKind.IMPORT, limit=5).items == []
        found = package_extensions.named(connection, space_id, "pe")
        assert found == replace(extension, content_key="two", size=4, complete=True)
        assert contents.of_space(connection, space_id) == ["two", "zip"]
        package_extensions.remove(connection, found, NOW)
        exports.remove(connection, export, NOW)
        later = NOW + timedelta(seconds=1)
        assert contents.discarded(connection, before=later, limit=10) == ["one", "two", "zip"]
