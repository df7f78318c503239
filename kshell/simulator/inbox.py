"""The messages that the simulator accepted, limited in number and in bytes, and what became of them."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from kshell.core.models import Payload
from kshell.simulator.payload import Message, compact
from kshell.simulator.statuses import Status, planned

Listener = Callable[[int, "Kept", Mapping[str, int]], None]

INBOX_SIZE = 10_000  # messages
INBOX_BYTES = 16 << 20  # 16 MiB


class Delivered(NamedTuple):
    """A message to one recipient. ``payload`` is what the API keeps of the request: cut, overridden, with defaults.

    ``id`` numbers all messages of a simulator from 1; the recipients of one request share a ``message_id``. ``code`` stands
    in the text, ``button_code`` in the first button. ``received`` is in Unix seconds. ``fails_with`` is Meta's code if the
    message does not reach the phone, else 0. ``statuses`` are those so far, oldest first.
    """

    recipient: str
    sender: str
    message_id: str
    template_name: str
    language: str
    code: str
    button_code: str
    ref: str
    ref1: str
    ref2: str
    payload: Payload
    id: int = 0
    received: float = 0
    fails_with: int = 0
    statuses: tuple[Status, ...] = ()


class Kept(NamedTuple):
    """A message as it is stored."""

    recipient: str
    sender: str
    message_id: str
    received: float
    fails_with: int
    message: Message


class Inbox:
    """The newest messages: at most ``INBOX_SIZE``, and at most ``INBOX_BYTES`` of JSON. The oldest are dropped.

    The bytes of a payload count once for each recipient. The newest message is always kept. Several threads may use one inbox.

    A message's statuses follow from the time: they are ``delay`` seconds apart, and with 0 all of them exist at once.
    A listener gets, of each request, the id of the first message, the last one, and the recipients with the codes.
    """

    def __init__(self, delay: float = 0, clock: Callable[[], float] = time.time) -> None:
        self.delay = delay
        self.clock = clock
        self.added = 0  # all messages since the start, including dropped ones: the newest one's id
        self.cleared = 0  # the id of the newest message that ``clear`` forgot
        self._listeners: tuple[Listener, ...] = ()
        self._messages: dict[int, Kept] = {}  # by id; the ids have no gap
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, recipients: Mapping[str, int], sender: str, message_id: str, message: Message) -> None:
        """Add ``message`` once for each of ``recipients``, in their order; each one's fails with its code, unless 0."""
        received = round(self.clock(), 3)
        size = len(message.payload)
        most = min(INBOX_SIZE, INBOX_BYTES // size + 1)  # enough to push out everything older
        kept = list(recipients.items())[-most:]
        with self._lock:
            number = self.added + len(recipients) - len(kept)
            if len(kept) < len(recipients):
                self._forget()
            for recipient, fails_with in kept:
                number += 1
                last = self._messages[number] = Kept(recipient, sender, message_id, received, fails_with, message)
                self._bytes += size
                self.added = number
                self._drop_oldest()
        for listener in self._listeners:
            listener(number - len(recipients) + 1, last, recipients)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Call ``listener`` for each request until the block ends, in the thread that adds its message."""
        self._listeners = (*self._listeners, listener)
        try:
            yield
        finally:
            self._listeners = tuple(other for other in self._listeners if other != listener)

    def clear(self) -> None:
        """Forget every message. The ids go on from where they were."""
        with self._lock:
            self.cleared = self.added
            self._forget()

    def _forget(self) -> None:
        self._messages.clear()
        self._bytes = 0

    def _drop_oldest(self) -> None:
        while len(self._messages) > INBOX_SIZE or (self._bytes > INBOX_BYTES and len(self._messages) > 1):
            self._bytes -= len(self._messages.pop(self.added - len(self._messages) + 1).message.payload)

    def lines(self, to: str = "", after: int = 0) -> Iterator[bytes]:
        """Yield the kept messages with an ``id`` over ``after``, oldest first, each as one line of JSON.

        With ``to``, yield only those to that recipient. Messages that are added meanwhile are not yielded, and those that
        are dropped meanwhile are left out, so that a slow reader keeps nothing in memory.
        """
        end = self.added
        while (found := self.next_line(after, to)) and found[0] <= end:
            after = found[0]
            yield found[1]

    def next_line(self, after: int, to: str = "") -> tuple[int, bytes] | None:
        """Return the id and the line of JSON of the oldest kept message with an id over ``after``, or None."""
        with self._lock:
            for number in range(max(after, self.added - len(self._messages)) + 1, self.added + 1):
                kept = self._messages[number]
                if not to or kept.recipient == to:
                    return number, self._line(number, kept)
        return None

    def next_number(self, after: int) -> int:
        """Return the id of the oldest kept message with an id over ``after``, or 0."""
        with self._lock:
            number = max(after, self.added - len(self._messages)) + 1
            return number if number <= self.added else 0

    def kept(self, number: int) -> Kept | None:
        """Return the message with an id; None if it is not kept."""
        return self._messages.get(number)

    def last_before(self, moment: float, after: int) -> int:
        """Return the id of the newest message that was received by ``moment``, at most ``after``."""
        while after and (kept := self.kept(after)) and kept.received > moment:
            after -= 1
        return after

    def _line(self, number: int, kept: Kept) -> bytes:
        """Return the message, with the statuses that it has now, as one line of ASCII JSON."""
        about = {"id": number, "recipient": kept.recipient, "received": kept.received, "fails_with": kept.fails_with}
        about |= {"sender": kept.sender, "message_id": kept.message_id}
        about |= dict(zip(Message._fields[1:-1], kept.message[1:-1], strict=True))
        now = self.clock()
        statuses = [
            status._asdict()
            for status in planned(kept.received, self.delay, kept.fails_with)
            if not self.delay or status.timestamp <= now
        ]
        parts = (compact(about)[:-1].encode(), kept.message.payload, compact(statuses).encode())
        return b'%s,"payload":%s,"statuses":%s}' % parts

    def messages(self, to: str = "", after: int = 0) -> tuple[Delivered, ...]:
        """Return the messages of ``lines``."""
        return tuple(from_json(json.loads(line)) for line in self.lines(to, after))


def from_json(message: dict[str, Any]) -> Delivered:
    """Return a message of ``GET /inbox``."""
    statuses = tuple(Status(**{**status, "errors": tuple(status["errors"])}) for status in message["statuses"])
    return Delivered(**{**message, "statuses": statuses})
