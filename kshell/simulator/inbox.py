"""The messages that the simulator delivered, limited in number and in bytes."""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.core.models import Payload

INBOX_SIZE = 1_000  # messages
INBOX_BYTES = 16 << 20  # 16 MiB


class Delivered(NamedTuple):
    """A message that one recipient got. ``payload`` is what the API keeps of the request: cut, overridden, with defaults."""

    recipient: str
    sender: str
    message_id: str
    template_name: str
    language: str
    body_code: str
    button_code: str
    payload: Payload


class Inbox:
    """The newest messages: at most ``INBOX_SIZE``, and at most ``INBOX_BYTES`` of JSON. The oldest are dropped.

    Each message is stored as one line of ASCII JSON, which needs far less memory than a parsed payload. Its bytes count once
    for each recipient. The newest message is always kept. Several threads may use one inbox.
    """

    def __init__(self) -> None:
        self.added = 0  # all messages since the start, including dropped ones
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, recipients: Sequence[str], delivered: Delivered) -> None:
        """Add ``delivered`` once for each of ``recipients``, in their order."""
        fields = delivered._asdict()
        del fields["recipient"]
        rest = json.dumps(fields, separators=(",", ":")).encode()[1:]
        kept = recipients[-min(INBOX_SIZE, INBOX_BYTES // len(rest) + 1) :]  # enough to push out everything older
        with self._lock:
            if len(kept) < len(recipients):
                self._lines.clear()
                self._bytes = 0
            self.added += len(recipients)
            for number in kept:
                self._lines.append(b'{"recipient":%s,%s' % (json.dumps(number).encode(), rest))
                self._bytes += len(self._lines[-1])
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        while len(self._lines) > INBOX_SIZE or (self._bytes > INBOX_BYTES and len(self._lines) > 1):
            self._bytes -= len(self._lines.popleft())

    def next_line(self, number: int) -> tuple[int, bytes] | None:
        """Return the oldest kept message whose number is ``number`` or higher: its number and its line of JSON.

        The first message of all has the number 0. Return ``None`` if there is no such message.
        """
        with self._lock:
            oldest = self.added - len(self._lines)
            number = max(number, oldest)
            return (number, self._lines[number - oldest]) if number < self.added else None

    def messages(self) -> tuple[Delivered, ...]:
        """Return every message that is kept, oldest first."""
        with self._lock:
            lines = tuple(self._lines)
        return tuple(Delivered(**json.loads(line)) for line in lines)
