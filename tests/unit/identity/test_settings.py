from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from gristmill.settings import Settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GRISTMILL_")]:
        monkeypatch.delenv(name)


def test_defaults_listen_on_loopback_and_keep_everything_in_one_directory() -> None:
    settings = Settings()

    assert (settings.host, settings.port, settings.http_port, settings.tls) == ("127.0.0.1", 18443, 18080, True)
    assert settings.database == f"sqlite:///{Path.cwd() / 'gristmill-data' / 'gristmill.db'}"
    assert settings.worker_slots >= 4


def test_the_environment_is_read_and_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRISTMILL_PORT", "1234")
    monkeypatch.setenv("GRISTMILL_GRACE_SECONDS", "5")

    settings = Settings(port=99)

    assert (settings.port, settings.grace_seconds) == (99, 5)


@pytest.mark.parametrize("off", ["", "none", "off", "None"])
def test_the_plain_port_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    monkeypatch.setenv("GRISTMILL_HTTP_PORT", off)

    assert Settings().http_port is None


def test_what_is_set_to_nothing_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "TLS_CERT", "TLS_KEY", "DATABASE_URL", "ADMIN_API_KEY", "WORKER_SLOTS", "TLS"):
        monkeypatch.setenv(f"GRISTMILL_{name}", "")

    assert Settings() == Settings.model_construct(**Settings().model_dump())
    assert Settings().port == 18443
    assert Settings().tls_cert is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 70000},
        {"port": "x"},
        {"worker_slots": 0},
        {"lease_seconds": 0},
        {"tls_cert": "c.pem"},
        {"log_level": "loud"},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_labels_of_a_worker_are_read_and_held_against_their_form() -> None:
    assert Settings(worker_labels=" gpu, eu-1 ,").labels == ("gpu", "eu-1")
    with pytest.raises(ValidationError, match=r"'GPU 1' is no label"):
        Settings(worker_labels="eu,GPU 1")


def test_keys_of_the_bucket_are_not_shown() -> None:
    assert "do not show" not in repr(Settings(content_secret_key="do not show"))
