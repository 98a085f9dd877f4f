"""Any service that the Apprise library knows: chats, phones, and other people's servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gristmill.deliver import apprise_library
from gristmill.deliver.channel import DeliveryFailed, Message
from gristmill.deliver.guarded_sockets import only_permitted
from gristmill.deliver.http_status import is_permanent
from gristmill.deliver.reason import one_line, reason, url_secrets
from gristmill.domain.errors import Invalid
from gristmill.domain.event import EventKind
from gristmill.guard.address_guard import AddressGuard, NameNotFound

if TYPE_CHECKING:
    from apprise import AppriseResult, NotifyBase

_MOODS = {str(EventKind.SUCCEEDED): "success", str(EventKind.WARNED): "warning", str(EventKind.FAILED): "failure"}
_STATUS = re.compile(r"\berror=(\d{3})\b")


class AppriseService:
    """Implements ``Channel`` with one Apprise URL. An attempt takes at most ``total_seconds``.

    Raises:
        ServiceRefused: no such service, a URL that lacks something, or a service of this machine. The URL is not told.
        AddressRefused: its host is at an address that the guard refuses.

    """

    def __init__(self, url: str, guard: AddressGuard, *, total_seconds: float = 25.0, field: str = "url") -> None:
        self._url = url.strip()
        self._guard = guard
        self._total_seconds = total_seconds
        try:
            for host in apprise_library.hosts(self._service()):
                guard.check_host(host)
        except Invalid as error:
            raise type(error)(f"{field}: {error.message}", field=field) from None

    def send(self, message: Message) -> None:
        """Tell the service.

        Raises:
            DeliveryFailed: permanent when it answered with a status that will stay, or when the guard refuses an
                address; otherwise temporary, for Apprise does not say more.

        """
        try:
            # Services keep a connection or a log-in between calls; one for each call can be used from any thread.
            service = self._service()
            checked = self._checked(service)
        except Invalid as error:
            raise DeliveryFailed(self._reason(error.message), permanent=True) from None
        except NameNotFound as error:
            raise DeliveryFailed(self._reason(str(error)), permanent=False) from None
        with only_permitted(self._guard, checked) as watch:
            result = self._tell(service, message)
        if not result:
            raise self._failed(service, result, refused=bool(watch.refused))

    def _service(self) -> NotifyBase:
        return apprise_library.service_of(self._url, self._guard, total_seconds=self._total_seconds)

    def _checked(self, service: NotifyBase) -> set[str]:
        return {address for host in apprise_library.hosts(service) for address in self._guard.addresses(host, 443)}

    def _tell(self, service: NotifyBase, message: Message) -> AppriseResult:
        title = one_line(message.title)
        return apprise_library.tell(
            service,
            title=title,
            body=message.text or title,
            mood=_MOODS.get(message.kind, "info"),
            total_seconds=self._total_seconds,
        )

    def _failed(self, service: NotifyBase, result: AppriseResult, *, refused: bool) -> DeliveryFailed:
        name = str(service.service_name)
        if refused:
            story = f"{name}: it leads to an address inside the house; see GRISTMILL_ALLOWED_NETWORKS"
            return DeliveryFailed(self._reason(story), permanent=True)
        told = [entry.message for entry in result.logs()]
        statuses = [int(status) for line in told for status in _STATUS.findall(line)]
        permanent = bool(statuses) and all(is_permanent(status) for status in statuses)
        return DeliveryFailed(self._reason(f"{name}: {'; '.join(told) or 'no answer'}"), permanent=permanent)

    def _reason(self, story: str) -> str:
        return reason(story, url_secrets(self._url))
