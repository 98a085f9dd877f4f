"""The Apprise library, imported late and kept away from the server's files: from a URL to a service to tell."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from gristmill.deliver.guarded_sockets import only_permitted
from gristmill.domain.errors import Invalid
from gristmill.guard.address_guard import AddressGuard

if TYPE_CHECKING:
    from apprise import AppriseAsset, AppriseResult, NotifyBase

LOCAL_SCHEMAS = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "rsyslog", "syslog", "vapid", "windows"}
)
"""Services that reach the desktop, the logs or the files of the machine that the server runs on."""
_SCHEMA = re.compile(r"([a-z0-9]{1,20})://", re.IGNORECASE)
_STEP_SECONDS = 10.0


class ServiceRefused(Invalid):
    """The URL is not one of an Apprise service that can be used here."""

    code = "service_refused"


def service_of(url: str, guard: AddressGuard, *, total_seconds: float) -> NotifyBase:
    """Return the service of a URL. Its constructor may connect only to where the guard permits.

    Raises:
        ServiceRefused: no such service, a URL that lacks something, or a local service. Never repeats the URL.

    """
    parts = _parts(url)
    with only_permitted(guard):
        made = _library().Apprise.instantiate(url, asset=_asset(total_seconds))
    if made is None:
        raise ServiceRefused(_what_is_missing(parts["schema"]))
    service = cast("NotifyBase", made)
    # Whatever the URL says: the notifier decides whether and when to try again, and a failure is told as one.
    service.redirects, service.retry, service.optional = False, 0, False
    service.socket_connect_timeout = min(service.socket_connect_timeout, _STEP_SECONDS)
    service.socket_read_timeout = min(service.socket_read_timeout, _STEP_SECONDS)
    return service


def hosts(service: NotifyBase) -> list[str]:
    """Return the hosts that the URL names. Services of one provider hold a token where others hold the host."""
    named = [getattr(service, "smtp_host", None)]
    if "host" in service.template_tokens:
        named.append(service.host)
    return [host for host in named if isinstance(host, str) and host]


def tell(service: NotifyBase, *, title: str, body: str, mood: str, total_seconds: float) -> AppriseResult:
    """Tell one service; ``mood`` is one of info, success, warning, failure."""
    sender = _library().Apprise(asset=service.asset)
    sender.add(service)
    told = sender.notify(title=title, body=body, notify_type=mood, body_format="text", timeout=total_seconds)
    return cast("AppriseResult", told)


@functools.cache
def _library() -> Any:  # noqa: ANN401 - a module; importing it takes half a second
    import apprise
    from apprise.manager_attachment import AttachmentManager

    # Some URLs may name a file to take a template or a key from: the server's own files are not for its users.
    files: Any = AttachmentManager
    files().remove("file", unload=False)
    # What it says about a failure goes into the delivery log; in the server's log it could say too much.
    logging.getLogger("apprise").propagate = False
    return apprise


def _asset(total_seconds: float) -> AppriseAsset:
    made = _library().AppriseAsset(
        app_id="Gristmill",
        app_desc="Gristmill",
        storage_mode="memory",
        service_timeout=total_seconds,
        allow_templates=False,
        http_redirects=False,
        pgp_autogen=False,
        pem_autogen=False,
    )
    return cast("AppriseAsset", made)


def _parts(url: str) -> Mapping[str, Any]:
    _library()
    from apprise.plugins import url_to_dict

    found = _SCHEMA.match(url)
    if found is None:
        raise ServiceRefused("an Apprise URL begins with the name of a service and ://.")
    schema = found[1].lower()
    read: Any = url_to_dict
    parts = None if schema in LOCAL_SCHEMAS else read(url)
    if schema in LOCAL_SCHEMAS or (parts and parts["schema"] in LOCAL_SCHEMAS):
        raise ServiceRefused(f"{schema}:// reaches the machine that the server runs on; choose another service.")
    if not parts:
        raise ServiceRefused(_what_is_missing(schema))
    return cast("Mapping[str, Any]", parts)


def _what_is_missing(schema: str) -> str:
    from apprise.manager_plugins import NotificationManager

    registry: Any = NotificationManager
    known = registry()
    if schema not in known:
        return f"{schema}:// is no service that Apprise knows; see github.com/caronc/apprise."
    service = known[schema]
    if not service.enabled:
        return f"{schema}:// needs a package that the server does not have; ask an administrator to install it."
    forms = " or ".join(str(form) for form in list(service.templates)[:2]).replace("{schema}", schema)
    return f"this is not a whole URL of {service.service_name}; it looks like {forms}, and names no file."
