from __future__ import annotations

import stat
from pathlib import Path

import pytest

from gristmill.cli import profile
from gristmill.cli.failures import CommandFailed
from gristmill.cli.profile import Profile

LOGIN = Profile(url="https://a.test", api_key="secret", ca="/ca.pem", space_id="s")


def environment(place: Path, **given: str) -> dict[str, str]:
    return {"GRISTMILL_CONFIG_DIR": str(place), **given}


def test_only_its_owner_can_read_a_login_also_where_others_could_before(tmp_path: Path) -> None:
    place = environment(tmp_path / "new")
    path = profile.keep(place, LOGIN)
    path.chmod(0o644)

    assert profile.keep(place, LOGIN) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["profile.json"]
    assert profile.kept(place) == LOGIN


def test_a_login_is_where_the_user_keeps_configurations(tmp_path: Path) -> None:
    assert profile.folder({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "gristmill"
    assert profile.folder({}) == Path.home() / ".config" / "gristmill"
    assert profile.folder(environment(tmp_path, XDG_CONFIG_HOME="/x")) == tmp_path


def test_the_environment_wins(tmp_path: Path) -> None:
    profile.keep(environment(tmp_path), LOGIN)

    assert profile.current(environment(tmp_path)) == LOGIN
    found = profile.current(environment(tmp_path, GRISTMILL_API_KEY="other", GRISTMILL_CA="/other.pem"))
    assert (found.url, found.api_key, found.ca, found.space_id) == ("https://a.test", "other", "/other.pem", "s")


def test_a_key_is_never_sent_to_another_server_than_its_own(tmp_path: Path) -> None:
    profile.keep(environment(tmp_path), LOGIN)

    with pytest.raises(CommandFailed, match=r"not logged in to https://b\.test"):
        profile.current(environment(tmp_path, GRISTMILL_URL="https://b.test"))
    other = environment(tmp_path, GRISTMILL_URL="https://b.test/", GRISTMILL_API_KEY="k")
    assert profile.current(other) == Profile(url="https://b.test", api_key="k")
    assert profile.current(environment(tmp_path, GRISTMILL_URL="https://a.test/")) == LOGIN


def test_without_a_login_the_way_to_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="gristmill login"):
        profile.current(environment(tmp_path))
    assert not profile.forget(environment(tmp_path))


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"url": "https://a.test"}'])
def test_a_file_that_is_no_login_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "profile.json").write_text(content)
    with pytest.raises(CommandFailed, match=r"profile.json cannot be read"):
        profile.kept(environment(tmp_path))
    assert profile.forget(environment(tmp_path))


def test_a_newer_login_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text('{"url": "https://a.test", "api_key": "k", "colour": "blue"}')
    assert profile.kept(environment(tmp_path)) == Profile(url="https://a.test", api_key="k")


def test_a_login_does_not_show_its_key() -> None:
    assert "secret" not in repr(LOGIN)


def test_a_url_needs_a_scheme() -> None:
    assert profile.normal("https://a.test/") == "https://a.test"
    with pytest.raises(CommandFailed, match="https://127"):
        profile.normal("a.test:18443")


@pytest.mark.parametrize(
    "url",
    ["https://a.test\n", "https://a.test\nX: y", "https://a .test", "https://", "https://a:b", "https://[::1", "x"],
)
def test_a_url_of_the_environment_that_is_none_is_refused_by_its_variable(tmp_path: Path, url: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        profile.current(environment(tmp_path, GRISTMILL_URL=url, GRISTMILL_API_KEY="k"))
    assert str(refused.value).startswith(f"GRISTMILL_URL: {url!r} is not the URL of a server")
    assert "\n" not in str(refused.value)
