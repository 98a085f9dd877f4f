"""A run gets the environment that its specification meant when it was queued; its build is the beginning of its log."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import sys
import zipfile
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gristmill.domain.errors import Conflict
from gristmill.domain.predefined_software import PREDEFINED_SOFTWARE
from gristmill.domain.run import RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.launch.environment_store import EnvironmentStore
from gristmill.launch.environments import Environment
from gristmill.launch.interpreters import Interpreters
from gristmill.service import environments, package_extensions, purge, runs, software_specifications
from gristmill.service.claims import Assignment
from gristmill.service.environments import Environments
from gristmill.service.runs import RunDetails
from gristmill.store import assets
from tests.engine.conftest import LEASE, Works
from tests.make import eventually
from tests.make_packages import make_counting_project, make_project, make_wheel, zipped

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass
class House:
    """Works whose runs get environments of their own. What ships has no libraries, so builds need no index."""

    works: Works
    folder: Path
    environments: Environments

    def worker(self) -> Worker:
        works, context = self.works, self.works.shop.context

        def execute(assignment: Assignment) -> Execution:
            return Execution(context, works.launcher, assignment, self.environments)

        return Worker(context, context.new_id(), execute, slots=4, lease=LEASE)

    def extension(self, name: str, type_: str, path: Path) -> str:
        shop = self.works.shop
        made = package_extensions.create(shop.context, shop.actor, shop.space_id, {"name": name, "type": type_})
        package_extensions.upload(shop.context, made.id, path)
        package_extensions.complete(shop.context, shop.actor, shop.space_id, made.id)
        return made.id

    def text(self, name: str, type_: str, text: str) -> str:
        path = self.folder / f"{name}.txt"
        path.write_text(text)
        return self.extension(name, type_, path)

    def wheel(self, name: str, *, version: str = "1.0", needs: str = "") -> str:
        folder = self.folder / f"{name}-{version}"
        folder.mkdir()
        path = make_wheel(folder, name, version=version, needs=needs)
        return self.extension(f"{name} {version}", "custom_library", path)

    def specification(self, *extensions: str, name: str = "custom", base: str | None = None) -> str:
        own = software_specifications.own_environment().name
        document = {
            "name": name,
            "package_extensions": [{"guid": extension} for extension in extensions],
            "base_software_specification": {"name": base or own},
        }
        shop = self.works.shop
        return software_specifications.create(shop.context, shop.actor, shop.space_id, document).id

    def submit(self, specification_id: str) -> RunDetails:
        shop = self.works.shop
        deployment = shop.deploy()
        with shop.context.database.transaction() as connection:
            entity = {"type": "scikit-learn_1.9", "software_spec": {"id": specification_id}}
            assets.change(connection, deployment.asset_id, {"entity": entity})
        return shop.submit(deployment)

    def work(self) -> None:
        self.works.launcher.gate.set()
        worker = self.worker()
        assert worker.step() >= 1
        eventually(lambda: worker.idle, within=90)
        worker.stop(5)

    def look(self, submitted: RunDetails) -> RunDetails:
        return self.works.shop.look(submitted.run.deployment_job_id)

    def log(self, submitted: RunDetails) -> str:
        shop, run = self.works.shop, submitted.run
        return b"".join(runs.log(shop.context, shop.actor, run.job_id, run.id)).decode()

    def environment(self, number: int = -1) -> Environment:
        """Return where the launcher was told to run a child."""
        found = self.works.launcher.children[number].order.environment
        assert found is not None
        return found


@pytest.fixture
def house(works: Works, tmp_path: Path) -> House:
    context = works.shop.context
    shipped = replace(environments.of_this_server(built=False), packages={})
    store = EnvironmentStore(context.data_dir / "environments", Interpreters())
    folder = tmp_path / "packages"
    folder.mkdir()
    return House(works, folder, Environments(context, store, shipped, timedelta(days=30)))


def failed(house: House, submitted: RunDetails) -> tuple[str, str]:
    found = house.look(submitted)
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    return found.run.cause.code, found.run.cause.message


def test_a_run_of_a_custom_specification_works_in_an_environment_of_its_own(house: House) -> None:
    submitted = house.submit(house.specification(house.wheel("tiny")))
    house.work()
    found = house.look(submitted)
    assert found.run.state is RunState.COMPLETED
    assert house.environment().packages == {"tiny": "1.0"}
    assert found.result
    assert found.result.packages == {"python": "3.11", "tiny": "1.0"}
    lines = house.log(submitted).splitlines()
    assert lines[0].startswith("Building the software environment")
    assert lines[-1] == f"Software specification custom: {house.environment().name}, 1 packages."


def test_the_next_run_finds_it_ready(house: House) -> None:
    specification = house.specification(house.wheel("tiny"))
    house.submit(specification)
    house.work()
    again = house.submit(specification)
    house.work()
    assert house.environment(0) == house.environment(1)
    assert house.log(again).splitlines() == [f"Software specification custom: {house.environment().name}, 1 packages."]


def test_predefined_specifications_share_what_ships_and_say_so(house: House) -> None:
    name = next(each.name for each in PREDEFINED_SOFTWARE if each.platform_version == PYTHON)
    predefined = house.submit(name)
    house.work()
    assert [child.order.environment for child in house.works.launcher.children] == [None]
    assert f"Software specification {name}: run here in gristmill-py{PYTHON}" in house.log(predefined)


def test_an_edit_of_the_specification_does_not_change_a_run_that_waits(house: House) -> None:
    shop = house.works.shop
    old, new = house.wheel("tiny"), house.wheel("tiny", version="2.0")
    specification = house.specification(old)
    waiting = house.submit(specification)
    for extension, present in ((new, True), (old, False)):
        software_specifications.set_extension(
            shop.context, shop.actor, shop.space_id, specification, extension, present=present
        )
    package_extensions.delete(shop.context, shop.actor, shop.space_id, old)
    house.works.clock.advance(days=2)
    purge.loose_contents(shop.context)  # the run holds what the extension let go
    later = house.submit(specification)
    house.work()
    packages = {house.look(each).run.id: house.look(each).result for each in (waiting, later)}
    assert [result and result.packages["tiny"] for result in packages.values()] == ["1.0", "2.0"]


def test_a_build_that_fails_fails_the_run_with_its_words(house: House) -> None:
    submitted = house.submit(house.specification(house.wheel("tiny", needs="no-such-package-of-gristmill")))
    house.work()
    code, message = failed(house, submitted)
    assert code == "environment_failed"
    assert message.startswith("The environment of custom cannot be built: error: ")
    assert "no-such-package-of-gristmill" in message
    log = house.log(submitted)
    assert log.startswith("Building the software environment")
    assert log.endswith(f"environment_failed: {message}\n")
    assert house.works.launcher.children == []


def test_a_python_that_is_missing_is_named_at_once(house: House, tmp_path: Path) -> None:
    name = next(each.name for each in PREDEFINED_SOFTWARE if each.platform_version not in {PYTHON, "4.4"})
    nowhere = Interpreters(dict.fromkeys(("3.9", "3.10", "3.11", "3.12", "3.13"), tmp_path / "nowhere"))
    house.environments = replace(house.environments, store=EnvironmentStore(tmp_path / "e", nowhere))
    submitted = house.submit(name)
    house.work()
    code, message = failed(house, submitted)
    assert code == "python_missing"
    assert message.startswith(f"{name}: Python 3.")
    assert "GRISTMILL_PYTHONS=3." in message
    assert message in house.log(submitted)


def test_cancel_ends_a_run_that_waits_for_a_build(house: House) -> None:
    shop = house.works.shop
    marker = house.folder / "building"
    setup = f"import time\nopen({str(marker)!r}, 'w').close()\ntime.sleep(600)\n"
    extension = house.extension("slow", "pip_zip", make_project(house.folder, "slow", setup=setup))
    submitted = house.submit(house.specification(extension))
    worker = house.worker()
    worker.step()
    eventually(marker.exists, within=60)
    assert house.look(submitted).run.state is RunState.STARTING
    live = runs.log(shop.context, shop.actor, submitted.run.job_id, submitted.run.id)
    assert b"".join(live).startswith(b"Building the software environment")
    runs.cancel(shop.context, shop.actor, shop.space_id, submitted.run.deployment_job_id, delete=False)
    worker.pulse()
    eventually(lambda: worker.idle, within=10)
    assert house.look(submitted).run.state is RunState.CANCELED
    assert house.log(submitted).startswith("Building the software environment")
    assert house.works.launcher.children == []
    worker.stop(5)


def test_a_worker_that_stops_gives_a_run_back_that_waits_for_a_build(house: House) -> None:
    marker = house.folder / "building"
    setup = f"import time\nopen({str(marker)!r}, 'w').close()\ntime.sleep(600)\n"
    extension = house.extension("slow", "pip_zip", make_project(house.folder, "slow", setup=setup))
    submitted = house.submit(house.specification(extension))
    worker = house.worker()
    worker.step()
    eventually(marker.exists, within=60)
    worker.stop(0)
    assert house.look(submitted).run.state is RunState.QUEUED


def test_a_specification_whose_extension_has_no_file_cannot_be_run(house: House) -> None:
    shop = house.works.shop
    made = package_extensions.create(shop.context, shop.actor, shop.space_id, {"name": "empty", "type": "conda_yml"})
    specification = house.specification(made.id)
    with pytest.raises(Conflict, match="custom adds the package extension empty, whose file is not there yet"):
        house.submit(specification)


def requirements_of(house: House, *extensions: str) -> tuple[list[str], list[str], list[str]]:
    submitted = house.submit(house.specification(*extensions))
    spec: RunSpec = submitted.spec
    assert spec.environment
    recipe = house.environments.recipe(spec.environment)
    installed, found = ([file.name for file in files] for files in (recipe.installed, recipe.found))
    return list(recipe.requirements), installed, found


def test_every_type_of_extension_is_read(house: House) -> None:
    conda = house.text("conda", "conda_yml", f"dependencies:\n- python={PYTHON}\n- pip:\n  - cowsay==6.1\n")
    lines = house.text("lines", "requirements_txt", "regex\n")
    wheels = [make_wheel(house.folder, name) for name in ("one", "two")]
    both = house.extension("both", "pip_zip", zipped(house.folder / "both.zip", *wheels))
    listed = zipped(house.folder / "listed.zip", make_wheel(house.folder, "three"), requirements_txt="three>=1\n")
    chosen = house.extension("chosen", "pip_zip", listed)
    single = house.wheel("four")
    requirements, installed, found = requirements_of(house, conda, lines, both, chosen, single)
    assert requirements == ["cowsay==6.1", "regex", "three>=1"]
    assert installed == ["one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl", "four-1.0-py3-none-any.whl"]
    assert found == ["three-1.0-py3-none-any.whl"]


def test_a_project_is_built_whatever_its_hash_looks_like(house: House) -> None:
    """Resolvers take ``source-5172a883.zip`` for version 5172a883 of "source"."""
    path = make_counting_project(house.folder, "counted", builds=house.folder / "builds")
    for number in itertools.count():
        with zipfile.ZipFile(path, "a") as archive:
            archive.comment = b"%d" % number
        if re.fullmatch(r"\d+a\d+", hashlib.sha256(path.read_bytes()).hexdigest()[:8]):
            break
    submitted = house.submit(house.specification(house.extension("own", "pip_zip", path)))
    house.work()
    assert house.look(submitted).run.state is RunState.COMPLETED, house.log(submitted)
    assert house.environment().packages == {"counted": "1.0"}


def test_wheels_of_a_zip_file_are_found_by_its_requirements(house: House) -> None:
    wheels = [make_wheel(house.folder, "one", needs="two==1.0"), make_wheel(house.folder, "two")]
    wheels.append(make_wheel(house.folder, "unwanted"))
    archive = zipped(house.folder / "all.zip", *wheels, requirements_txt="one\n")
    house.submit(house.specification(house.extension("all", "pip_zip", archive)))
    house.work()
    assert house.environment().packages == {"one": "1.0", "two": "1.0"}


def test_extensions_of_a_base_come_too(house: House) -> None:
    house.specification(house.wheel("tiny"), name="base")
    house.submit(house.specification(house.wheel("more"), base="base"))
    house.work()
    assert house.environment().packages == {"more": "1.0", "tiny": "1.0"}


def test_what_no_run_used_for_long_goes_and_is_built_again_from_the_extension(house: House) -> None:
    specification = house.specification(house.wheel("tiny"))
    house.submit(specification)
    house.work()
    assert house.environments.remove_unused() == 0
    at_once = replace(house.environments, unused=timedelta(0))
    assert at_once.remove_unused() == 1
    assert list((house.works.shop.context.data_dir / "cache" / "extensions").iterdir()) == []
    again = house.submit(specification)
    house.work()
    assert house.look(again).run.state is RunState.COMPLETED
    assert house.log(again).startswith("Building the software environment")


def test_what_a_run_is_frozen_with_survives_the_store(house: House) -> None:
    submitted = house.submit(house.specification(house.wheel("tiny")))
    spec = submitted.spec
    assert RunSpec.of(json.loads(json.dumps(spec.document()))) == spec
    assert spec.environment
    assert [extension.type for extension in spec.environment.extensions] == ["custom_library"]
