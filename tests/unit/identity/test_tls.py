from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from gristmill import tls

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
NAMES = ["localhost", "127.0.0.1", "::1", "grist.example"]


def _server(identity: tls.Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.server.read_bytes())


def _verified(identity: tls.Identity, name: x509.GeneralName, at: datetime) -> bool:
    store = Store(x509.load_pem_x509_certificates(identity.ca.read_bytes()))
    builder = PolicyBuilder().store(store).time(at)
    assert isinstance(name, (x509.DNSName, x509.IPAddress))
    return bool(builder.build_server_verifier(name).verify(_server(identity), []))


def test_the_certificate_is_verified_by_the_authority_for_every_name(tmp_path: Path) -> None:
    identity = tls.ensure(tmp_path / "tls", NAMES, now=NOW)

    alternatives = _server(identity).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert len(list(alternatives)) == len(NAMES)
    assert all(_verified(identity, name, NOW) for name in alternatives)


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    tls.ensure(tmp_path / "tls", NAMES, now=NOW)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "tls").iterdir()}
    assert modes["ca.key"] == modes["server.pem"] == 0o600
    assert set(modes) == {"ca.key", "ca.pem", "server.pem", "lock"}


def test_the_certificate_is_kept_until_thirty_days_before_its_end_and_the_authority_beyond(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, NAMES, now=NOW)
    certificate, authority = _server(first), first.ca.read_bytes()
    end = certificate.not_valid_after_utc

    assert end - certificate.not_valid_before_utc <= timedelta(days=825)
    assert _server(tls.ensure(tmp_path, reversed(NAMES), now=end - timedelta(days=30))) == certificate
    renewed = tls.ensure(tmp_path, NAMES, now=end - timedelta(days=30) + timedelta(seconds=1))
    assert _server(renewed) != certificate
    assert renewed.ca.read_bytes() == authority
    assert _verified(renewed, x509.DNSName("localhost"), end)


def test_other_names_make_another_certificate_by_the_same_authority(tmp_path: Path) -> None:
    first = tls.ensure(tmp_path, NAMES, now=NOW)
    certificate, authority = _server(first), first.ca.read_bytes()

    second = tls.ensure(tmp_path, [*NAMES, "other.example"], now=NOW)

    assert _server(second) != certificate
    assert second.ca.read_bytes() == authority
    assert _verified(second, x509.DNSName("other.example"), NOW)


def test_servers_that_start_at_once_share_one_authority_and_certificate(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: tls.ensure(tmp_path, NAMES, now=NOW).server.read_bytes(), range(16)))

    assert len(set(made)) == 1
