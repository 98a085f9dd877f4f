"""Environments are built once, whatever asks at once or dies; a failure says why; what nobody uses goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from tests.make import eventually
from tests.make_packages import make_project, make_slow_project, make_wheel

from gristmill.domain.environment import PackageFile, Recipe
from gristmill.launch.build import BuildFailed, BuildStopped
from gristmill.launch.environment_store import EnvironmentStore, Hold, Wish
from gristmill.launch.interpreters import Interpreters, PythonMissing

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER_PYTHONS = [f"3.{minor}" for minor in (9, 12) if f"3.{minor}" != PYTHON]


class Site:
    """A store with a wheel to install; ``said`` is what builds say to those who ask."""

    def __init__(self, root: Path, **options: float) -> None:
        root.mkdir(exist_ok=True)
        self.root = root / "environments"
        self.wheel = make_wheel(root, "tinything", code="version = '1.0'\ndef main():\n    print('tiny')\n")
        self.store = EnvironmentStore(self.root, Interpreters(), **options)

    def recipe(self, *, sha256: str = "0", python: str = PYTHON, path: Path | None = None) -> Recipe:
        path = path or self.wheel
        file = PackageFile(name=path.name, sha256=sha256, content_key=str(path))
        return Recipe(python_version=python, installed=(file,))

    def hold(
        self,
        recipe: Recipe | None = None,
        *,
        said: list[bytes] | None = None,
        stopped: Callable[[], bool] = lambda: False,
        lay_out: Callable[[PackageFile, Path], object] | None = None,
    ) -> Hold:
        said = [] if said is None else said
        lay = lay_out or (lambda file, path: shutil.copy(file.content_key, path))
        wish = Wish(
            recipe=recipe or self.recipe(),
            lay_out=lambda file, path: (lay(file, path), None)[1],
            tell=said.append,
            stopped=stopped,
        )
        return self.store.hold(wish)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def ran(hold: Hold, code: str) -> str:
    command = [str(hold.environment.python), "-I", "-B", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_wheel_of_ones_own_is_built_into_an_environment_once(site: Site) -> None:
    said: list[bytes] = []
    with site.hold(said=said) as first:
        assert ran(first, "import tinything; print(tinything.version)") == "1.0"
        script = first.environment.python.with_name("say-tinything")
        assert subprocess.check_output([script], text=True) == "tiny\n"  # it was built under another path
        assert first.environment.packages == {"tinything": "1.0"}
        assert first.environment.name.startswith(f"py{PYTHON}-")
        assert list(first.environment.python.parents[1].rglob("tinything.*.pyc"))
    told = b"".join(said).decode()
    assert told.startswith(f"Building the software environment with Python {PYTHON}.\n")
    assert "+ tinything==1.0" in told
    said.clear()
    with site.hold(said=said) as second:
        assert second.environment == first.environment
    assert said == []
    assert not list(site.root.glob("*.draft")) + list(site.root.glob("*.inputs"))


def test_other_inputs_are_another_environment(site: Site) -> None:
    with site.hold(site.recipe()) as one, site.hold(site.recipe(sha256="1")) as other:
        assert one.environment.name != other.environment.name
        assert one.environment.python != other.environment.python


def test_an_environment_is_read_only(site: Site) -> None:
    with site.hold() as held:
        root = held.environment.python.parents[1]
    directories = [path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()]
    own = [path for path in root.rglob("*.pyc") if path.stat().st_nlink == 1]
    assert own
    assert [path for path in [root, *directories, *own] if path.stat().st_mode & 0o222] == []
    assert os.access(held.environment.python, os.X_OK)


def test_the_zip_of_a_project_is_built_too(site: Site, tmp_path: Path) -> None:
    recipe = site.recipe(path=make_project(tmp_path, "linalg"))
    with site.hold(recipe) as held:
        assert ran(held, "import linalg; print(linalg.answer)") == "42"


def test_a_package_of_the_index_is_found_as_uv_is_set_up(site: Site) -> None:
    with site.hold(Recipe(python_version=PYTHON, requirements=("cowsay==6.1",))) as held:
        assert held.environment.packages == {"cowsay": "6.1"}


def test_twenty_threads_build_once(site: Site) -> None:
    begin = threading.Barrier(20)
    builds: list[Path] = []

    def lay_out(file: PackageFile, path: Path) -> None:
        builds.append(path)
        shutil.copy(file.content_key, path)

    def ask(said: list[bytes]) -> str:
        begin.wait()
        with site.hold(said=said, lay_out=lay_out) as held:
            return held.environment.name

    heard: list[list[bytes]] = [[] for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        names = set(pool.map(ask, heard))
    assert len(names) == 1
    assert len(builds) == 1
    # Whoever waited heard the build too; only one that came when it was over heard nothing.
    assert sum(b"Building" in b"".join(said) for said in heard) > 1


ASKER = """
import shutil, sys
from pathlib import Path
from gristmill.domain.environment import PackageFile, Recipe
from gristmill.launch.environment_store import EnvironmentStore, Wish
from gristmill.launch.interpreters import Interpreters
root, wheel, marks = map(Path, sys.argv[1:])
python = "%d.%d" % sys.version_info[:2]
def lay_out(file, path):
    with (marks / "laid").open("a") as mark:
        mark.write("x")
    if (marks / "hang").exists():
        import time
        time.sleep(600)
    shutil.copy(file.content_key, path)
recipe = Recipe(
    python_version=python, installed=(PackageFile(name=wheel.name, sha256="0", content_key=str(wheel)),)
)
(marks / "ready").touch()
wish = Wish(recipe=recipe, lay_out=lay_out, tell=lambda said: None, stopped=lambda: False)
with EnvironmentStore(root, Interpreters()).hold(wish) as held:
    print(held.environment.name)
"""


def asker(site: Site, marks: Path, *, package: Path | None = None) -> subprocess.Popen[str]:
    variables = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    command = [sys.executable, "-c", ASKER, str(site.root), str(package or site.wheel), str(marks)]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True)


def test_three_processes_build_once(site: Site, tmp_path: Path) -> None:
    askers = [asker(site, tmp_path) for _ in range(3)]
    names = {process.communicate(timeout=60)[0] for process in askers}
    assert [process.returncode for process in askers] == [0, 0, 0]
    assert len(names) == 1
    assert (tmp_path / "laid").read_text() == "x"  # the wheel was laid out for one build alone


def test_a_builder_that_is_killed_leaves_nothing_in_the_way(site: Site, tmp_path: Path) -> None:
    (tmp_path / "hang").touch()
    process = asker(site, tmp_path)
    eventually(lambda: (tmp_path / "laid").exists(), within=30)
    said: list[bytes] = []
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: site.hold(said=said))
        eventually(lambda: b"Building" in b"".join(said), within=10)
        assert not waiting.done()  # another process builds
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with waiting.result(timeout=60) as held:
            assert ran(held, "import tinything; print(tinything.version)") == "1.0"
    assert not list(site.root.glob("*.draft")) + list(site.root.glob("*.inputs"))


def test_d1_a_builder_that_is_killed_takes_all_of_its_build_along(site: Site, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    package = make_slow_project(tmp_path, "slow", begun=begun)
    process = asker(site, tmp_path, package=package)
    eventually(begun.exists, within=30)
    tree = psutil.Process(process.pid).children(recursive=True)
    assert len(tree) >= 4  # the guard, uv, the project's own code and its daemon
    process.send_signal(signal.SIGKILL)
    process.communicate()
    eventually(lambda: not any(_works(one) for one in tree), within=10)
    again = asker(site, tmp_path, package=package)
    assert again.communicate(timeout=60)[0].strip()


def _works(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_build_that_fails_says_so_in_the_words_of_the_resolver(site: Site) -> None:
    said: list[bytes] = []
    recipe = Recipe(python_version=PYTHON, requirements=("no-such-package-of-gristmill==1",))
    with pytest.raises(BuildFailed, match="no-such-package-of-gristmill") as failed:
        site.hold(recipe, said=said)
    assert str(failed.value).startswith("error: ")
    assert len(str(failed.value)) < 1_100
    assert b"no-such-package-of-gristmill" in b"".join(said)


def test_a_failure_is_remembered_for_a_short_time_only(tmp_path: Path) -> None:
    site = Site(tmp_path, retry_seconds=0.5)
    builds: list[Path] = []

    def broken(_file: PackageFile, path: Path) -> None:
        builds.append(path)
        path.write_bytes(b"no wheel")

    for _ in range(2):
        said: list[bytes] = []
        with pytest.raises(BuildFailed):
            site.hold(lay_out=broken, said=said)
        assert b"tinything" in b"".join(said)  # the second one hears the words of the first one's build
    assert len(builds) == 1
    with site.hold(site.recipe(sha256="mended")):
        pass
    time.sleep(0.6)
    with site.hold() as held:
        assert held.environment.packages == {"tinything": "1.0"}


def test_those_who_waited_for_a_build_that_fails_do_not_repeat_it(site: Site) -> None:
    builds: list[Path] = []

    def broken(_file: PackageFile, path: Path) -> None:
        builds.append(path)
        path.write_bytes(b"no wheel")

    def ask(_number: int) -> bool:
        with pytest.raises(BuildFailed):
            site.hold(lay_out=broken)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))
    assert len(builds) == 1


def test_a_build_ends_when_nobody_wants_it_and_the_next_one_builds(site: Site, tmp_path: Path) -> None:
    project = make_project(tmp_path, "slow")
    recipe = site.recipe(path=project)
    hanging = tmp_path / "hanging"

    def slow(_file: PackageFile, path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            code = f"import time; open({str(hanging)!r}, 'w').close(); time.sleep(600)\n"
            archive.writestr("slow-0.1/setup.py", code)

    begun = time.monotonic()
    with pytest.raises(BuildStopped):
        site.hold(recipe, lay_out=slow, stopped=hanging.exists)
    assert time.monotonic() - begun < 60
    assert not list(site.root.glob("*.draft")) + list(site.root.glob("*.inputs")) + list(site.root.glob("*.failed"))
    with site.hold(recipe) as held:
        assert held.environment.packages == {"slow": "0.1"}


def test_a_build_that_takes_too_long_fails(tmp_path: Path) -> None:
    site = Site(tmp_path, build_seconds=0.0)
    with pytest.raises(BuildFailed, match="longer than 0 s"):
        site.hold()


def test_what_nobody_used_for_long_is_removed_and_what_is_in_use_is_not(site: Site) -> None:
    with site.hold() as held:
        age(site, days=40)
        assert site.store.remove_unused(older_than_seconds=30 * 86_400) == 0
        assert held.environment.python.exists()
    with site.hold():
        pass
    assert site.store.remove_unused(older_than_seconds=30 * 86_400) == 0  # used a moment ago
    age(site, days=40)
    assert site.store.remove_unused(older_than_seconds=30 * 86_400) == 1
    assert list(site.root.iterdir()) == []
    with site.hold() as held:
        assert ran(held, "import tinything; print(tinything.version)") == "1.0"


def age(site: Site, *, days: float) -> None:
    for lock in site.root.glob("*.lock"):
        os.utime(lock, (time.time() - days * 86_400,) * 2)


def test_a_python_that_is_not_here_is_named_with_the_way_to_register_it(site: Site, tmp_path: Path) -> None:
    with pytest.raises(PythonMissing, match=r"Python 3\.2 is not on this worker.*GRISTMILL_PYTHONS=3\.2=/path/to"):
        site.hold(site.recipe(python="3.2"))
    wrong = Interpreters({"3.2": Path(sys.executable), "3.3": tmp_path / "python"})
    for version in ("3.2", "3.3"):
        with pytest.raises(PythonMissing, match="does not answer as one"):
            wrong.find(version)
    assert Interpreters({PYTHON: Path(sys.executable)}).find(PYTHON).path == Path(sys.executable)


def test_another_python_of_this_machine_is_used() -> None:
    """Where there is no other one, this shows nothing: the version of the server is found in any case."""
    found = {}
    for version in (PYTHON, *OTHER_PYTHONS):
        try:
            found[version] = Interpreters().find(version)
        except PythonMissing:
            continue
    assert PYTHON in found
    for version, interpreter in found.items():
        said = subprocess.check_output([interpreter.path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        assert said.decode().strip() == version
