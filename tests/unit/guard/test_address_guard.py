"""Which addresses messages may go to, in every spelling."""

from __future__ import annotations

import pytest

from gristmill.guard.address_guard import AddressGuard, AddressRefused, NameNotFound, is_of_this_machine

PUBLIC = "93.184.216.34"
NAMES = {
    "hooks.example.org": [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"],
    "inside.example.org": ["10.1.2.3"],
    "half.example.org": [PUBLIC, "127.0.0.1"],
    "carrier.example.org": ["100.64.0.1"],
    "nat64.example.org": ["64:ff9b::a00:1"],
    "nat64-public.example.org": ["64:ff9b::5db8:d822"],
    "zone.example.org": ["fe80::1%eth0"],
}


def resolve(host: str, _port: int) -> list[str]:
    if host not in NAMES:
        raise OSError("no such name")
    return NAMES[host]


def guard(*allowed: str) -> AddressGuard:
    return AddressGuard(allowed, resolve=resolve)


REFUSED = [
    "http://127.0.0.1/",
    "http://127.0.0.1:9000/x",
    "http://127.8.9.10/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.5.4/",
    "http://192.168.0.1/",
    "http://3232235521/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://192.0.0.8/",
    "http://198.18.0.1/",
    "http://203.0.113.5/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:c0a8:1::1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::5db8:d822]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
    "http://inside.example.org/",
    "http://half.example.org/",
    "http://INSIDE.example.org./",
    "http://carrier.example.org/",
    "http://nat64.example.org/",
    "http://zone.example.org/",
    "http://hooks.example.org@127.0.0.1/",
    "http://127.0.0.1#@hooks.example.org/",
    "http://127.0.0.1\\@hooks.example.org/",
    "http://user:password@hooks.example.org/",
    "http://hooks.example.org /",
    "http://hooks.example.org/\n",
    "http://127。0。0。1/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127%2e0%2e0%2e1/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    "http:///x",
    "http://",
    "//hooks.example.org/",
    "hooks.example.org",
    "",
    "ftp://hooks.example.org/",
    "file:///etc/passwd",
    "gopher://hooks.example.org/",
    "javascript:alert(1)",
    "http://hooks.example.org:99999/",
    "http://[::1/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_leads_inside_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        guard().check_url(url, field="settings.url")
    assert caught.value.field == "settings.url"
    assert caught.value.message.startswith("settings.url: ")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/services/x",
        "HTTPS://HOOKS.EXAMPLE.ORG:8443/?a=b",
        "http://hooks.example.org./",
        f"http://{PUBLIC}/",
        "http://1572395042/",  # the same, as one number
        "http://[2606:2800:220:1:248:1893:25c8:1946]/",
        "http://[::ffff:93.184.216.34]/",
        "http://nat64-public.example.org/",
        "https://not-there-yet.example.org/",
        "https://münchen.example.org/",
    ],
)
def test_a_url_that_leads_outside_or_nowhere_yet_is_let_through(url: str) -> None:
    guard().check_url(url)


def test_a_refusal_names_the_way_out_and_keeps_the_inner_address_to_itself() -> None:
    with pytest.raises(AddressRefused) as caught:
        guard().check_url("http://inside.example.org/")
    assert "GRISTMILL_ALLOWED_NETWORKS" in caught.value.message
    assert "10.1.2.3" not in caught.value.message


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.0.0.0/8", "http://inside.example.org/"),
        ("10.1.2.3", "http://inside.example.org/"),
        ("inside.example.org", "http://inside.example.org/"),
        ("Inside.Example.org.", "http://inside.example.org/"),
        ("10.0.0.0/8", "http://[::ffff:10.0.0.1]/"),
        ("fd00::/8", "http://[fd00::1]/"),
        ("127.0.0.1/8", "http://2130706433/"),
        ("*", "http://169.254.169.254/"),
    ],
)
def test_an_administrator_permits_names_and_networks(allowed: str, url: str) -> None:
    guard(allowed).check_url(url)


def test_what_is_permitted_permits_nothing_else() -> None:
    for url in ("http://127.0.0.1/", "http://172.16.0.1/", "http://half.example.org/"):
        with pytest.raises(AddressRefused):
            guard("10.0.0.0/8", "inside.example.org").check_url(url)
    with pytest.raises(AddressRefused):
        guard("*").check_url("file:///etc/passwd")


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "http://x/", "a b", "", "1.2.3", "0x7f.1"])
def test_a_wrong_entry_is_not_taken_for_something_else(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host name and no network"):
        AddressGuard([entry])


def test_addresses_are_the_ones_that_were_checked() -> None:
    assert guard().addresses("hooks.example.org", 443) == NAMES["hooks.example.org"]
    with pytest.raises(NameNotFound):
        guard().addresses("not-there-yet.example.org", 443)


@pytest.mark.parametrize("name", ["", "localhost", "x" * 64 + ".example.org", "a..b"])
def test_the_systems_resolver_leads_to_no_other_error(name: str) -> None:
    with pytest.raises((AddressRefused, NameNotFound)):
        AddressGuard().addresses(name, 80)


def test_a_name_is_no_address_to_connect_to() -> None:
    assert guard().permits(PUBLIC)
    assert not guard().permits("127.0.0.1")
    assert not guard().permits("hooks.example.org")


def data_guard(*allowed: str) -> AddressGuard:
    own = {"10.9.9.9", "93.184.216.99", "fd00::9"}
    return AddressGuard(allowed, private=True, resolve=resolve, is_own=own.__contains__)


@pytest.mark.parametrize("host", ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "[fd00::1]", PUBLIC])
def test_data_may_come_from_private_networks(host: str) -> None:
    data_guard().check_url(f"http://{host}/")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "224.0.0.1",
        "198.18.0.1",
    ],
)
def test_data_may_not_come_from_here_or_from_what_tells_credentials(host: str) -> None:
    with pytest.raises(AddressRefused, match="Give another address, or ask an administrator"):
        data_guard().check_url(f"http://{host}/")


@pytest.mark.parametrize("host", ["10.9.9.9", "93.184.216.99", "[fd00::9]"])
def test_data_may_not_come_from_the_server_by_its_outer_address(host: str) -> None:
    with pytest.raises(AddressRefused, match="an address of this server"):
        data_guard().check_url(f"http://{host}/")
    data_guard(host.strip("[]")).check_url(f"http://{host}/")


def test_an_address_of_this_machine_is_known_as_such() -> None:
    assert is_of_this_machine("127.0.0.1")
    assert not is_of_this_machine("192.0.2.1")
