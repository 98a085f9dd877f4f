"""Keeps connections away from addresses that are not for their kind, whatever a URL says."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence

import httpx

from gristmill.domain.errors import Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_ADMINISTRATOR = "ask an administrator to add it to GRISTMILL_ALLOWED_NETWORKS."
_DEFAULT_PORTS = {"http": 80, "https": 443}
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# For protocols, for relays that are gone, and for documents; some versions of Python take them for public.
_NOT_PUBLIC = tuple(ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20"))
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?")
# What the system's resolver takes for an IPv4 address: 127.1, 2130706433, 0x7f000001, 0177.0.0.1.
_NUMERIC = re.compile(r"(.*\.)?(\d+|0x[0-9a-f]*)")
_SPECIAL = ("unspecified", "loopback", "link_local", "multicast", "reserved")
# Where clouds hand out the credentials of a machine, besides 169.254.169.254.
_METADATA = frozenset(ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254"))
_NOT_SPECIAL = frozenset({"private", "not public"})
_INSIDE = tuple(
    ipaddress.ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


class AddressRefused(Invalid):
    """The URL leads to an address that connections may not go to."""

    code = "address_refused"


class NameNotFound(Exception):
    """The name of a host cannot be resolved now; later it may."""


def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host name, as the system's resolver knows them, in its order.

    Raises:
        OSError: there is none, or the resolver does not answer.

    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_of_this_machine(address: str) -> bool:
    """Tell whether a numeric address is one of this machine's own, on whatever interface: only then it can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


class AddressGuard:
    """Says which addresses connections may go to: public ones, and those that an administrator permits.

    ``allowed`` holds host names and networks (CIDR); ``*`` permits every address. With ``private``, addresses of
    private networks are good too, save this machine's own. May be used from several threads.

    Raises:
        ValueError: an entry of ``allowed`` is none of these.

    """

    def __init__(
        self,
        allowed: Sequence[str] = (),
        *,
        private: bool = False,
        resolve: Resolve = system_resolve,
        is_own: Callable[[str], bool] = is_of_this_machine,
    ) -> None:
        self._private = private
        self._resolve = resolve
        self._is_own = is_own
        self._everything = False
        self._names: set[str] = set()
        self._networks: list[Network] = []
        for entry in allowed:
            self._allow(entry.strip())

    def check_url(self, url: str, *, field: str = "url") -> None:
        """Refuse a URL that is not http or https, or that leads to an address inside the house.

        A name that cannot be resolved now is let through: it is resolved and checked again whenever a message is sent.

        Raises:
            AddressRefused: says why and the way out; it is about ``field``.

        """
        try:
            parsed = parse(url)
            self.check_host(parsed.raw_host.decode("ascii"), parsed.port or _DEFAULT_PORTS[parsed.scheme])
        except AddressRefused as error:
            raise AddressRefused(f"{field}: {error.message}", field=field) from None

    def check_host(self, host: str, port: int = 443) -> None:
        """Refuse a host that leads to an address inside the house; one that cannot be resolved now is let through.

        Raises:
            AddressRefused: says why and the way out.

        """
        try:
            self.addresses(host, port)
        except NameNotFound:
            return

    def addresses(self, host: str, port: int) -> list[str]:
        """Resolve a host once, and return its addresses when all of them are permitted: connect to one of these.

        Raises:
            AddressRefused: one of them is not permitted.
            NameNotFound: there is none.

        """
        name = _name(host)
        found = self._find(name, port)
        if name not in self._names:
            for address in found:
                self._check(name, address)
        return [str(address) for address in found]

    def permits(self, address: str) -> bool:
        """Return whether a connection may go to a numeric address. A name is refused: nobody knows where it leads."""
        try:
            numeric = ipaddress.ip_address(address)
        except ValueError:
            return False
        return self._everything or self._refusal(numeric) is None

    def _allow(self, entry: str) -> None:
        if entry == "*":
            self._everything = True
            return
        try:
            self._networks.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            self._names.add(_allowed_name(entry))

    def _find(self, name: str, port: int) -> list[Address]:
        literal = _literal(name)
        if literal is not None:
            return [literal]
        try:
            found = [ipaddress.ip_address(text) for text in self._resolve(name, port)]
        except (OSError, UnicodeError) as error:
            raise NameNotFound(f"the host name {name} cannot be resolved") from error
        if not found:
            raise NameNotFound(f"the host name {name} has no address")
        return found

    def _check(self, name: str, address: Address) -> None:
        refusal = None if self._everything else self._refusal(address)
        if refusal is not None:
            # The address that a name has inside the house is nothing to tell a stranger.
            kind = "another" if self._private else "a public"
            raise AddressRefused(f"{name} leads to {refusal}. Give {kind} address, or {_ADMINISTRATOR}")

    def _refusal(self, address: Address) -> str | None:
        meant = _meant(address)
        if any(form in network for form in (address, meant) for network in self._networks):
            return None
        kind = _kind(meant)
        if self._private and (kind is None or (kind in _NOT_SPECIAL and _is_inside(meant))):
            return "an address of this server" if self._is_own(str(meant)) else None
        return kind and f"an address that is {kind}"


def parse(url: str) -> httpx.URL:
    """Return a URL that may be connected to: http or https, a host, no user and no password.

    Raises:
        AddressRefused: it is none; the message does not repeat it.

    """
    if "\\" in url or any(character.isspace() or not character.isprintable() for character in url):
        raise AddressRefused(
            "a URL holds no spaces, backslashes or control characters; write them as %20 and the like."
        )
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise AddressRefused("this is not a URL; write it as https://host/path.") from None
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.host:
        raise AddressRefused("a URL begins with https:// or http:// and a host; write it as https://host/path.")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise AddressRefused("the port of a URL is a number from 1 to 65535.")
    if parsed.userinfo:
        raise AddressRefused("leave the user and the password out of the URL.")
    return parsed


def _kind(address: Address) -> str | None:
    """Return what an address is; None for a public one."""
    for kind in _SPECIAL:
        if getattr(address, f"is_{kind}"):
            return kind.replace("_", "-")
    if address in _METADATA:
        return "link-local"
    if address.is_private:
        return "private"
    usual = address.version == 4 or address in _GLOBAL_UNICAST
    public = usual and address.is_global and not any(address in network for network in _NOT_PUBLIC)
    return None if public else "not public"


def _is_inside(address: Address) -> bool:
    return any(address in network for network in _INSIDE)


def _name(host: str) -> str:
    """Return a host as resolvers know it: in small ASCII letters, without the dot at its end."""
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_host = ""
    name = ascii_host.strip("[]").lower().rstrip(".")
    if not _HOST_NAME.fullmatch(name) and ":" not in name:
        raise AddressRefused("the host of the URL is not a host name.")
    return name


def _allowed_name(entry: str) -> str:
    try:
        name = _name(entry)
    except AddressRefused:
        name = ""
    if not _HOST_NAME.fullmatch(name) or _NUMERIC.fullmatch(name):
        raise ValueError(
            f"{entry!r} is no host name and no network; write hooks.example.org, 10.1.0.0/16, fd00::/8 or *"
        )
    return name


def _literal(name: str) -> Address | None:
    """Return the address that a host is by itself, in any spelling that a resolver takes; None for a name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(name):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        raise AddressRefused(f"{name} is not an address; write it as four numbers, such as 192.0.2.10.") from None


def _meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for (mapped, 6to4, NAT64), or else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    carried = address.ipv4_mapped or address.sixtofour
    if carried is None and address in _NAT64:
        carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return carried or address
