"""How fast a run sends: at most so many messages a second, and not while the API asks for a pause.

On a live pod a recipient gets at most one message in ``RECIPIENT_SECONDS``, as Meta limits it.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from kshell.api.payload import recipients_of
from kshell.scripts.script_run import FROM_LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.core.exchange import Exchange, Response
    from kshell.session.session import Sender
    from kshell.transport.client import Attempt

LIVE_RATE = 80.0  # messages a second that Meta allows a business number by default
RECIPIENT_SECONDS = 6.0
PAUSE_SECONDS = 5.0  # after a 429 that does not say how long

_SECONDS = re.compile(r"\d{1,9}\Z", re.ASCII)
_LATE = 0.02  # seconds that a thread may wake up late, and that the next message makes up for
_SHOWN = 0.5  # seconds; a shorter wait is not shown


class Pace:
    """The pace of a run, for all of its threads.

    ``rate`` is in messages a second; 0 means no limit, and None ``LIVE_RATE`` on a live pod and no limit elsewhere. ``show``
    gets a text that says what a longer wait is for.
    """

    def __init__(
        self,
        rate: float | None = None,
        show: Callable[[str], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.show = show
        self._rate = rate
        self._clock = clock
        self._next = 0.0  # the time of the next message
        self._paused_until = 0.0
        self._recipients: OrderedDict[str, float] = OrderedDict()  # when each may get its next message
        self._ended = False
        self._changed = threading.Condition()

    def sender(self, send: Sender) -> Sender:
        """Return a sender that waits before ``send``, and that makes the run wait after a 429."""

        def send_in_time(attempt: Attempt) -> Exchange:
            live = attempt.live
            recipients = recipients_of(attempt.request.endpoint, attempt.request.payload) if live else ()
            self.wait(recipients, LIVE_RATE if live and self._rate is None else self._rate or 0)
            exchange = send(attempt)
            response = exchange.response
            if response and response.status == 429 and not {"simulated", FROM_LEDGER} & {*exchange.marks}:
                self.pause(seconds_asked_for(response))
            return exchange

        return send_in_time

    def wait(self, recipients: Sequence[str], rate: float) -> None:
        """Wait until a message to ``recipients`` may be sent. Raises ``KeyboardInterrupt`` if the run ends before."""
        with self._changed:
            while True:
                now = self._clock()
                if self._ended:
                    raise KeyboardInterrupt
                at, reason = self._earliest(recipients)
                if at <= now:
                    break
                if at - now >= _SHOWN:
                    self.show(f"waiting {at - now:.0f} s: {reason}")
                self._changed.wait(at - now)
            if rate:
                self._next = max(self._next, now - min(_LATE, 1 / rate)) + 1 / rate
            for recipient in recipients:
                self._recipients[recipient] = now + RECIPIENT_SECONDS
                self._recipients.move_to_end(recipient)
            while self._recipients and next(iter(self._recipients.values())) <= now:
                self._recipients.popitem(last=False)

    def pause(self, seconds: float) -> None:
        """Send nothing for so many seconds."""
        with self._changed:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def end(self) -> None:
        """End every wait, now and later."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _earliest(self, recipients: Sequence[str]) -> tuple[float, str]:
        own = max((self._recipients.get(recipient, 0.0) for recipient in recipients), default=0.0)
        return max(
            (self._next, "the limit of --rate"),
            (own, f"a recipient gets one message in {RECIPIENT_SECONDS:.0f} s"),
            (self._paused_until, "the API has answered 429, too many requests"),
        )


def seconds_asked_for(response: Response) -> float:
    """Return the seconds that ``Retry-After`` names, as a number or as a date; else ``PAUSE_SECONDS``."""
    asked = next((text.strip() for name, text in response.headers if name.lower() == "retry-after"), "")
    if _SECONDS.match(asked):
        return float(asked)
    with suppress(ValueError, OverflowError):
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    return PAUSE_SECONDS
