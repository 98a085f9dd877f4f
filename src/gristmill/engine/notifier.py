"""The notifier: from an event to the inbox, the mailbox and the webhook. Any number of them may run."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

from gristmill.domain.delivery import Delivery
from gristmill.service import deliveries, events
from gristmill.service.context import Context

AT_ONCE = 16
"""How many messages one process sends at once: a few slow receivers must not hold up the others."""
_log = logging.getLogger("gristmill.engine")


class Notifier:
    """Sounds alarms, routes events, and sends what is due on a few threads of its own.

    ``ring`` asks for the next step: it is called when a thread has become free.
    """

    def __init__(self, context: Context, *, ring: Callable[[], None] | None = None) -> None:
        self._context = context
        self._ring = ring
        self._at_work: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._stopped = False

    @property
    def idle(self) -> bool:
        """Whether nothing is being sent."""
        with self._changed:
            return self._at_work.total() == 0

    def step(self) -> int:
        """Do all of the routing that is due, and begin to send what may be sent now; return how much there was."""
        done = 0
        while sounded := events.sound_alarms(self._context):
            done += sounded
        while routed := events.route(self._context):
            done += routed
        return done + self._send_due()

    def stop(self, within_seconds: float) -> None:
        """Begin no further attempt, and wait for those being made. One that lasts longer is made again elsewhere."""
        with self._changed:
            self._stopped = True
            self._changed.wait_for(lambda: self._at_work.total() == 0, within_seconds)

    def _send_due(self) -> int:
        with self._changed:
            at_work = dict(self._at_work)
            free = 0 if self._stopped else AT_ONCE - self._at_work.total()
        if not free or not deliveries.any_due(self._context):
            return 0
        taken = deliveries.take(self._context, free=free, at_work=at_work)
        for delivery in taken:
            with self._changed:
                self._at_work[delivery.sink] += 1
            # Of the background, so that a receiver that hangs cannot hold up the end of the process.
            threading.Thread(target=self._send, args=(delivery,), name="gristmill-sender", daemon=True).start()
        return len(taken)

    def _send(self, delivery: Delivery) -> None:
        try:
            deliveries.send(self._context, delivery)
        except Exception:  # noqa: BLE001 - the delivery is due again when its lease is over
            _log.exception("delivery.not_settled", extra={"delivery": delivery.id})
        finally:
            with self._changed:
                self._at_work[delivery.sink] -= 1
                self._changed.notify_all()
            if self._ring:
                self._ring()
