"""The page on security names tests: each of them is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
THREATS = (
    "User code",
    "Models are code",
    "Uploaded archives",
    "Stolen and guessed credentials",
    "Other tenants",
    "The browser",
    "Webhooks and connections to inner addresses",
)


def test_each_test_that_the_page_on_security_names_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", (ROOT / "docs/explanation/security.md").read_text())
    assert named
    gone = [name for file, name in named if not _is_there(file, name)]
    assert gone == []


def test_each_threat_has_a_test_and_says_what_is_not_done() -> None:
    _, *threats = (ROOT / "docs/explanation/security.md").read_text().split("\n## ")
    names = [threat.partition("\n")[0] for threat in threats]
    assert set(THREATS) <= set(names)
    for name, threat in zip(names, threats, strict=True):
        assert "**Done.**" in threat, name
        assert "**Not done.**" in threat, name
        assert "`test_" in threat, name


def test_whoever_encrypts_is_known_to_the_rotation() -> None:
    sources = (ROOT / "src/gristmill").rglob("*.py")
    found = {path.stem for path in sources if "context.secrets.encrypt(" in path.read_text()}
    assert found == {"channels", "connections", "jobs", "task_credentials"}, "add its column to store/sealed.py"


def test_what_is_installed_is_locked_with_a_digest() -> None:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    installed = [package for package in packages if "virtual" not in package["source"]]
    files = {
        package["name"]: [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        for package in installed
        if "editable" not in package["source"]
    }
    assert [name for name, found in files.items() if not found or not all("hash" in each for each in found)] == []


def _is_there(file: str, name: str) -> bool:
    return any(f"def {name}(" in path.read_text() for path in (ROOT / "tests").rglob(file))
