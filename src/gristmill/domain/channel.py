"""Channels: the ways by which a space tells people and programs outside of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from gristmill.domain.email_address import read_address
from gristmill.domain.errors import Invalid

SECRET_PREFIX = "whsec_"  # noqa: S105 - the start of each, as Standard Webhooks says
_SECRET_BYTES = range(24, 65)
_MOST_ADDRESSES = 50
_LONGEST_URL = 2_000
_HIDDEN = "/..."


class ChannelType(StrEnum):
    """How a space's channel reaches people. ``apprise`` is any service that the Apprise library knows."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    APPRISE = "apprise"


_MEMBERS: Mapping[ChannelType, frozenset[str]] = {
    ChannelType.EMAIL: frozenset({"addresses"}),
    ChannelType.WEBHOOK: frozenset({"url", "secret"}),
    ChannelType.APPRISE: frozenset({"url"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationChannel:
    """A channel of a space. ``settings`` may be shown to its members; ``sealed`` are the secret ones, encrypted."""

    id: str
    space_id: str
    name: str
    type: ChannelType
    owner_id: str
    created_at: datetime
    modified_at: datetime
    settings: Mapping[str, Any] = field(default_factory=dict)
    sealed: str | None = None


def read_type(given: Any) -> ChannelType:  # noqa: ANN401 - any JSON
    """Return the type of a channel.

    Raises:
        Invalid: there is no such type.

    """
    try:
        return ChannelType(given)
    except ValueError as error:
        raise Invalid(f"type: {given!r} is none of {', '.join(ChannelType)}.", field="type") from error


def read_settings(kind: ChannelType, given: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return a channel's settings, checked as far as their looks go.

    Raises:
        Invalid: one is unknown, missing or malformed; the field is named.

    """
    if not isinstance(given, Mapping):
        raise Invalid("settings: it is an object of names and values.", field="settings")
    settings = {name: value for name, value in given.items() if value is not None}
    for name in settings.keys() - _MEMBERS[kind]:
        known = ", ".join(sorted(_MEMBERS[kind]))
        raise Invalid(f"settings.{name}: a channel of type {kind} has {known}.", field=f"settings.{name}")
    if kind is ChannelType.EMAIL:
        return {"addresses": _addresses(settings.get("addresses"))}
    checked = {"url": _url(kind, settings.get("url"))}
    return {**checked, "secret": _secret(settings["secret"])} if "secret" in settings else checked


def shown(kind: ChannelType, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what members may see: where a channel leads, without the parts of its URL that may be secret."""
    if kind is ChannelType.EMAIL:
        return dict(settings)
    url = urlsplit(settings["url"])
    if kind is ChannelType.APPRISE:
        return {"url": f"{url.scheme}:/{_HIDDEN}"}
    port = f":{url.port}" if url.port else ""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return {"url": f"{url.scheme}://{host}{port}{_HIDDEN}"}


def _addresses(given: Any) -> list[str]:  # noqa: ANN401 - any JSON
    where = "settings.addresses"
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_ADDRESSES:
        raise Invalid(f"{where}: give 1 to {_MOST_ADDRESSES} e-mail addresses in an array.", field=where)
    return list(dict.fromkeys(read_address(one, where=f"{where}[{number}]") for number, one in enumerate(given)))


def _url(kind: ChannelType, given: Any) -> str:  # noqa: ANN401 - any JSON
    where = "settings.url"
    if not isinstance(given, str) or not given or len(given) > _LONGEST_URL:
        raise Invalid(
            f"{where}: a channel of type {kind} needs a URL of at most {_LONGEST_URL} characters.", field=where
        )
    try:
        parts = urlsplit(given)
        fits = bool(parts.scheme) and (
            kind is ChannelType.APPRISE or _is_http(parts.scheme, parts.hostname, parts.port)
        )
    except ValueError:
        fits = False
    if not fits:
        example = "slack://..." if kind is ChannelType.APPRISE else "https://example.com/hook"
        raise Invalid(f"{where}: this is no URL like {example}.", field=where)
    if given.endswith(_HIDDEN):
        raise Invalid(f"{where}: this is what is shown of a URL; give the whole of it.", field=where)
    return given


def _is_http(scheme: str, host: str | None, _port: int | None) -> bool:
    return scheme in {"http", "https"} and bool(host)


def _secret(given: Any) -> str:  # noqa: ANN401 - any JSON
    where = "settings.secret"
    text = given.removeprefix(SECRET_PREFIX) if isinstance(given, str) else ""
    try:
        fits = given.startswith(SECRET_PREFIX) and len(base64.b64decode(text, validate=True)) in _SECRET_BYTES
    except (AttributeError, binascii.Error, ValueError):
        fits = False
    if not fits:
        raise Invalid(
            f"{where}: a signing secret is {SECRET_PREFIX} and then 24 to 64 bytes in base64. Leave it out, and one is "
            "made.",
            field=where,
        )
    return str(given)
