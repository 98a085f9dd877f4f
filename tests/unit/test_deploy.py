"""What `deploy/` and its pages say, held against the settings, the commands and each other; nothing is started."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from gristmill.api.version import router
from gristmill.cli.main import application
from gristmill.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGES = [ROOT / "docs" / "how-to" / name for name in ("deploy.md", "back-up.md", "upgrade.md", "test-your-code.md")]
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix != ".json") + PAGES
SETTINGS = {f"GRISTMILL_{name.upper()}" for name in Settings.model_fields}
# Of the command line (docs/reference/cli.md), and of the build.
OTHERS = {"GRISTMILL_URL", "GRISTMILL_API_KEY", "GRISTMILL_CA", "GRISTMILL_SPACE", "GRISTMILL_NO_CONSOLE"}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "gristmill.yaml").read_text()))
SECRET = yaml.safe_load((DEPLOY / "kubernetes" / "secret.example.yaml").read_text())
CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
COMMANDS: Any = get_command(application)


def unit(name: str) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string((DEPLOY / "systemd" / name).read_text())
    return parsed


def of_kind(kind: str) -> Iterator[dict[str, Any]]:
    return (found for found in KUBERNETES if found["kind"] == kind)


def check_command(words: list[str]) -> None:
    """The words after ``gristmill`` are a command, and options that it has."""
    command = COMMANDS
    rest = list(words)
    while rest and hasattr(command, "get_command") and not rest[0].startswith("-"):
        named = command.get_command(None, rest[0])
        assert named is not None, f"gristmill {' '.join(words)}"
        command, rest = named, rest[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in rest:
        if word.startswith("--") and word != "--help":
            assert word.partition("=")[0] in known, f"gristmill {' '.join(words)}: {word}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_that_is_named_is_one(path: Path) -> None:
    named = set(re.findall(r"\bGRISTMILL_[A-Z_]+[A-Z]\b", path.read_text()))
    assert named - SETTINGS - OTHERS == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_is_one(path: Path) -> None:
    text = path.read_text().replace("\\\n", " ")
    lines = re.findall(r"(?:^|[`/] ?|\$ |exec |run |&& )gristmill ([a-z]+[^`\n\"')#|&;]*)", text, re.MULTILINE)
    for line in lines:
        check_command(shlex.split(line.replace("$(date -u +%Y%m%dT%H%M%SZ", "x")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    for name in re.findall(r"`(deploy/[\w./-]*)`", page.read_text()):
        assert (ROOT / name).exists(), name


def test_the_image_is_built_by_the_pinned_uv_and_has_no_root() -> None:
    (pinned,) = re.findall(r"^UV_VERSION := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"uv=={pinned}" in CONTAINERFILE
    assert CONTAINERFILE.count("FROM python:3.11-") == 2
    assert re.search(r"^USER 10001:10001$", CONTAINERFILE, re.MULTILINE)
    assert "HEALTHCHECK" in CONTAINERFILE
    assert json.loads(re.findall(r"^ENTRYPOINT (.+)$", CONTAINERFILE, re.MULTILINE)[0]) == ["gristmill"]
    check_command(json.loads(re.findall(r"^CMD (.+)$", CONTAINERFILE, re.MULTILINE)[0]))


def test_what_the_build_needs_gets_into_its_context() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    taken = {line[1:] for line in lines if line.startswith("!")}
    assert all((ROOT / name).exists() for name in taken)
    hook = (ROOT / "hatch_build.py").read_text()
    assert {"pyproject.toml", "uv.lock", "src", "console", "hatch_build.py", "README.md", "LICENSE"} <= taken
    assert "console" in hook


def test_probes_ask_what_the_server_answers() -> None:
    paths = {str(getattr(route, "path", "")) for route in router.routes}
    asked = set(re.findall(r"path: (/\w+)", (DEPLOY / "kubernetes" / "gristmill.yaml").read_text()))
    asked |= set(re.findall(r"127\.0\.0\.1:18080(/\w+)", CONTAINERFILE))
    assert asked == {"/healthz", "/readyz"} <= paths
    assert Settings.model_fields["http_port"].default == 18080
    assert Settings.model_fields["port"].default == 18443


def test_compose_has_a_server_and_two_workers_over_one_database_and_bucket() -> None:
    services = COMPOSE["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "gristmill"}
    assert {name: service["command"] for name, service in ours.items()} == {
        "serve": ["serve"],
        "worker-1": ["work"],
        "worker-2": ["work"],
    }
    shared = {name: value for name, value in ours["serve"]["environment"].items() if name != "GRISTMILL_ADMIN_API_KEY"}
    for service in ours.values():
        assert {**shared, **service["environment"]}.keys() - {"GRISTMILL_ADMIN_API_KEY"} == shared.keys()
        assert set(service["depends_on"]) == {"database", "objects"} <= services.keys()
        assert all("healthcheck" in services[name] for name in service["depends_on"])
        grace = float(service["environment"]["GRISTMILL_GRACE_SECONDS"])
        assert grace < float(service["stop_grace_period"].removesuffix("s"))
        assert service["cap_drop"] == ["ALL"]
    used = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}
    assert used == COMPOSE["volumes"].keys()
    asked = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "compose.env.example").read_text(), re.MULTILINE))


def test_the_units_start_what_there_is_and_wait_long_enough() -> None:
    service = unit("gristmill.service")["Service"]
    words = service["ExecStart"].split()
    assert words[0].endswith("/gristmill")
    check_command(words[1:])
    example = (DEPLOY / "systemd" / "gristmill.env.example").read_text()
    given = dict(re.findall(r"^([A-Z_]+)=(.+)$", example, re.MULTILINE))
    assert float(given["GRISTMILL_GRACE_SECONDS"]) < float(service["TimeoutStopSec"])
    assert given["GRISTMILL_DATA_DIR"] == f"/var/lib/{service['StateDirectory']}"
    settings = Settings.model_validate(
        {name.removeprefix("GRISTMILL_").lower(): value for name, value in given.items()}
    )
    assert settings.host == "0.0.0.0"
    backup = unit("gristmill-backup.service")["Service"]["ExecStart"]
    check_command(shlex.split(re.sub(r"\$\(.*?\)", "x", backup.partition("bin/gristmill ")[2].rstrip("'"))))
    assert "%%Y" in backup, "a percent sign is a specifier of systemd"
    assert unit("gristmill-backup.timer")["Timer"]["OnCalendar"]


def test_the_manifests_refer_to_each_other_and_run_without_rights() -> None:
    names = {(found["kind"], found["metadata"]["name"]) for found in [*KUBERNETES, SECRET]}
    templates = [found["spec"]["template"] for kind in ("Deployment", "StatefulSet") for found in of_kind(kind)]
    templates += [found["spec"]["jobTemplate"]["spec"]["template"] for found in of_kind("CronJob")]
    assert len(templates) == 3
    for template in templates:
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert f"USER {pod['securityContext']['runAsUser']}:" in CONTAINERFILE
        (container,) = pod["containers"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        sources = {(next(iter(source)), source[next(iter(source))]["name"]) for source in container["envFrom"]}
        assert sources == {("configMapRef", "gristmill"), ("secretRef", "gristmill")}
        assert {("ConfigMap", "gristmill"), ("Secret", "gristmill")} <= names
    for kind in ("Deployment", "StatefulSet"):
        for found in of_kind(kind):
            assert found["spec"]["selector"]["matchLabels"] == found["spec"]["template"]["metadata"]["labels"]
            check_command(found["spec"]["template"]["spec"]["containers"][0]["args"])
    _check_services()


def _check_services() -> None:
    (config,) = of_kind("ConfigMap")
    grace = float(config["data"]["GRISTMILL_GRACE_SECONDS"])
    pods = [found["spec"]["template"] for kind in ("Deployment", "StatefulSet") for found in of_kind(kind)]
    assert all(pod["spec"]["terminationGracePeriodSeconds"] > grace for pod in pods)
    for service in of_kind("Service"):
        chosen = service["spec"]["selector"].items()
        assert any(chosen <= pod["metadata"]["labels"].items() for pod in pods), service["metadata"]["name"]
    assert all(isinstance(value, str) for value in {**config["data"], **SECRET["stringData"]}.values())
    assert not config["data"].keys() & SECRET["stringData"].keys()


def test_the_workflow_is_one() -> None:
    workflow = yaml.safe_load((DEPLOY / "github-actions.yaml").read_text())
    # YAML 1.1 takes `on` for a boolean.
    assert set(workflow[True]) == {"push", "pull_request"}
    (job,) = workflow["jobs"].values()
    assert job["timeout-minutes"] <= 30
    assert any("pytest" in step.get("run", "") for step in job["steps"])
