from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from gristmill.domain.errors import Forbidden, Invalid, Unauthenticated
from gristmill.service.master_key import master_key
from gristmill.service.secrets import Secrets, SecretUnreadable

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECRETS = Secrets(b"one key")
OTHERS = Secrets(b"another key")


def test_what_is_encrypted_is_readable_with_the_same_key_only() -> None:
    encrypted = SECRETS.encrypt("pässword")

    assert "word" not in encrypted
    assert Secrets(b"one key").decrypt(encrypted) == "pässword"
    with pytest.raises(SecretUnreadable):
        OTHERS.decrypt(encrypted)


def test_a_digest_finds_a_secret_again_and_depends_on_the_key() -> None:
    assert SECRETS.digest("k") == SECRETS.digest("k")
    assert len(SECRETS.digest("k")) == 64
    assert SECRETS.digest("k") not in {OTHERS.digest("k"), SECRETS.digest("l")}


def test_a_token_is_a_jwt_whose_claims_the_client_can_read() -> None:
    token = SECRETS.sign({"sub": "u", "exp": int(NOW.timestamp()) + 1})

    assert token.count(".") == 2
    assert jwt.decode(token, options={"verify_signature": False})["exp"] == int(NOW.timestamp()) + 1
    assert SECRETS.read(token, now=NOW)["sub"] == "u"


def test_a_token_that_is_old_or_foreign_or_changed_or_unsigned_is_refused() -> None:
    claims = {"sub": "u", "exp": int(NOW.timestamp()) + 1}
    token = SECRETS.sign(claims)

    with pytest.raises(Unauthenticated, match="expired"):
        SECRETS.read(token, now=NOW + timedelta(seconds=1))
    unsigned = jwt.encode(claims, "", algorithm="none")
    for bad in (OTHERS.sign(claims), token[:-4] + "AAAA", unsigned, "no token", "", SECRETS.sign({"sub": "u"})):
        with pytest.raises(Unauthenticated):
            SECRETS.read(bad, now=NOW)


def test_a_signed_path_opens_that_path_only_and_only_in_time() -> None:
    signature = SECRETS.sign_path("PUT /signed/a", NOW + timedelta(minutes=5))

    SECRETS.check_path("PUT /signed/a", signature, now=NOW)
    with pytest.raises(Forbidden, match="expired"):
        SECRETS.check_path("PUT /signed/a", signature, now=NOW + timedelta(minutes=5))
    later = f"{int(signature.partition('.')[0]) + 99}.{signature.partition('.')[2]}"
    foreign = OTHERS.sign_path("PUT /signed/a", NOW + timedelta(minutes=5))
    for path, bad in [
        ("GET /signed/a", signature),
        ("PUT /signed/b", signature),
        *(("PUT /signed/a", bad) for bad in (later, foreign, "", ".", "x.y", "12", "é.é")),
    ]:
        with pytest.raises(Forbidden):
            SECRETS.check_path(path, bad, now=NOW)


def test_the_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: master_key(tmp_path, None), range(32)))

    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_given_key_wins_over_the_file_and_must_be_long(tmp_path: Path) -> None:
    assert master_key(tmp_path, "x" * 32) == b"x" * 32
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Invalid, match="GRISTMILL_SECRET_KEY"):
        master_key(tmp_path, "short")
