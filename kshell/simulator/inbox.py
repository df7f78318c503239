"""The messages that the simulator accepted, limited in number and in bytes, and what became of them."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.simulator.payload import read_message
from kshell.simulator.statuses import Status, planned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kshell.core.models import Payload
    from kshell.simulator.payload import Message

    Listener = Callable[["Delivered", Mapping[str, int]], None]

INBOX_SIZE = 10_000  # messages
INBOX_BYTES = 16 << 20  # 16 MiB
_compact = json.JSONEncoder(separators=(",", ":")).encode


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
    """A message as it is stored. The rest of it is in ``body``, that of its request, and is read when it is asked for."""

    recipient: str
    sender: str
    message_id: str
    received: float
    fails_with: int
    body: bytes


class Inbox:
    """The newest messages: at most ``INBOX_SIZE``, and at most ``INBOX_BYTES`` of JSON. The oldest are dropped.

    The body of each request is stored, which needs far less memory than its payload. Its bytes count once for each
    recipient. The newest message is always kept. Several threads may use one inbox.

    A message's statuses follow from the time: they are ``delay`` seconds apart, and with 0 all of them exist at once.
    A listener gets the message of each request, with the id of its first recipient's, and the recipients with the codes.
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

    def add(self, recipients: Mapping[str, int], sender: str, message_id: str, message: Message, body: bytes) -> None:
        """Add ``message`` once for each of ``recipients``, in their order; each one's fails with its code, unless 0.

        ``body`` is that of the request, in which ``read_message`` finds the message again.
        """
        received = round(self.clock(), 3)
        most = min(INBOX_SIZE, INBOX_BYTES // len(body) + 1)  # enough to push out everything older
        kept = list(recipients.items())[-most:]
        with self._lock:
            number = self.added + len(recipients) - len(kept)
            if len(kept) < len(recipients):
                self._forget()
            for recipient, fails_with in kept:
                number += 1
                self._messages[number] = Kept(recipient, sender, message_id, received, fails_with, body)
                self._bytes += len(body)
                self.added = number
                self._drop_oldest()
        first = Delivered("", sender, message_id, *message[1:], number - len(recipients) + 1, received)
        for listener in self._listeners:
            listener(first, recipients)

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
            self._bytes -= len(self._messages.pop(self.added - len(self._messages) + 1).body)

    def lines(self, to: str = "", after: int = 0) -> Iterator[bytes]:
        """Yield the kept messages with an ``id`` over ``after``, oldest first, each as one line of JSON.

        With ``to``, yield only those to that recipient. Messages that are added meanwhile are not yielded, and those that
        are dropped meanwhile are left out, so that a slow reader keeps nothing in memory.
        """
        return filter(None, map(self.line, self._numbers(to, after)))

    def messages(self, to: str = "", after: int = 0) -> tuple[Delivered, ...]:
        """Return the messages of ``lines``."""
        return tuple(filter(None, map(self._message, self._numbers(to, after))))

    def _numbers(self, to: str, after: int) -> Iterator[int]:
        end = self.added
        while 0 < (after := self.next_number(after, to)) <= end:
            yield after

    def next_number(self, after: int, to: str = "") -> int:
        """Return the id of the oldest kept message with an id over ``after``, with ``to`` of those to that number, or 0."""
        with self._lock:
            numbers = range(max(after, self.added - len(self._messages)) + 1, self.added + 1)
            return next((number for number in numbers if not to or self._messages[number].recipient == to), 0)

    def line(self, number: int) -> bytes:
        """Return the message with an id as ``GET /inbox`` has it, one line of ASCII JSON; empty if it is not kept."""
        message = self._message(number)
        if not message:
            return b""
        first = dict.fromkeys(("id", "recipient", "received", "fails_with"))
        statuses = [status._asdict() for status in message.statuses]
        return _compact({**first, **message._asdict(), "statuses": statuses}).encode()

    def _message(self, number: int) -> Delivered | None:
        """Return the message with an id, read anew from its request; None if it is not kept."""
        kept = self.kept(number)
        if not kept:
            return None
        known = (number, kept.received, kept.fails_with, self.so_far(kept.received, kept.fails_with))
        return Delivered(kept.recipient, kept.sender, kept.message_id, *read_message(kept.body)[1:], *known)

    def kept(self, number: int) -> Kept | None:
        """Return the message with an id; None if it is not kept."""
        return self._messages.get(number)

    def last_before(self, moment: float, after: int) -> int:
        """Return the id of the newest message that was received by ``moment``, at most ``after``."""
        while after and (kept := self.kept(after)) and kept.received > moment:
            after -= 1
        return after

    def so_far(self, received: float, fails_with: int) -> tuple[Status, ...]:
        """Return the statuses that a message has now."""
        now = self.clock()
        return tuple(
            status for status in planned(received, self.delay, fails_with) if not self.delay or status.timestamp <= now
        )


def from_json(message: dict[str, Any]) -> Delivered:
    """Return the message of a line of ``GET /inbox``, whose JSON was read."""
    statuses = tuple(Status(**{**status, "errors": tuple(status["errors"])}) for status in message["statuses"])
    return Delivered(**{**message, "statuses": statuses})
