"""Wait for messages and statuses of an inbox without asking again and again."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from kshell.simulator.inbox import Inbox
from kshell.simulator.statuses import planned

_MOST_STATUSES = 3


class Event(NamedTuple):
    """A ``message`` with its JSON, or a ``status`` with that of the status. ``id`` is the message's."""

    event: str
    id: int
    data: str


class Watch:
    """The coroutines that wait for messages in ``inbox``, all of one event loop. Without any a message costs nothing."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}  # by recipient; "" for any

    def wake(self, recipients: Mapping[str, int]) -> None:
        """Wake those who wait for a message to one of ``recipients``. Any thread may call this."""
        if self._waiting and self._loop:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._wake, recipients)

    def _wake(self, recipients: Mapping[str, int]) -> None:
        awaited = self._waiting.keys() & {"", *recipients} if len(recipients) > 1 else ("", *recipients)
        for name in awaited:
            for waiting in self._waiting.get(name, ()):
                if not waiting.done():
                    waiting.set_result(None)

    @contextmanager
    def _added(self, to: str) -> Iterator[asyncio.Future[None]]:
        """Yield a future that is done when a message to ``to`` was added."""
        self._loop = asyncio.get_running_loop()
        future = self._loop.create_future()
        waiting = self._waiting.setdefault(to, set())
        waiting.add(future)
        try:
            yield future
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(to, None)

    async def message(self, to: str, after: int, seconds: float) -> None:
        """Return when there is a message to ``to`` with an id over ``after``, or when the seconds are over."""
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        while True:
            with self._added(to) as added:
                left = deadline - now()
                if left <= 0 or self.inbox.next_line(after, to):
                    return
                await asyncio.wait({added}, timeout=left)

    async def events(self, after: int | None = None) -> AsyncIterator[Event]:
        """Yield each message with an id over ``after``, by default the coming ones, and each status when it comes.

        Statuses that are still to come of earlier messages are yielded too. A reader that is too slow misses what the inbox
        drops meanwhile; nothing is kept for it.
        """
        inbox, delay = self.inbox, self.inbox.delay
        # a cursor for each step: the id of the last message that was yielded, of the last one whose first status was, …
        cursors = [inbox.added if after is None else min(after, inbox.added)]
        cursors += [
            inbox.last_before(inbox.clock() - delay * step, cursors[0]) for step in range(1, _MOST_STATUSES + 1)
        ]
        while True:
            with self._added("") as added:
                coming = [
                    (kept.received + delay * step, number, step)
                    for step, cursor in enumerate(cursors)
                    if (number := inbox.next_number(cursor)) and (kept := inbox.kept(number))
                ]
                due, number, step = min(coming, default=(0, 0, 0))
                left = due - inbox.clock() if step and delay else 0
                if not number or left > 0:
                    await asyncio.wait({added}, timeout=left if number else None)
                    continue
            cursors[step] = number
            if event := self._event(number, step):
                yield event

    def _event(self, number: int, step: int) -> Event | None:
        """Return the message, or its status number ``step``; None if it has no such status or was dropped."""
        kept, line = self.inbox.kept(number), self.inbox.next_line(number - 1)
        if not kept or not line:
            return None
        if not step:
            return Event("message", number, line[1].decode())
        statuses = planned(kept.received, self.inbox.delay, kept.fails_with)[step - 1 : step]
        about = {"id": number, "message_id": kept.message_id, "recipient": kept.recipient}
        return Event("status", number, json.dumps(about | statuses[0]._asdict())) if statuses else None
