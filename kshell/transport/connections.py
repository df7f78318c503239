"""Keep connections, and the threads that send, between the messages of a run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from kshell.transport.http import Connection


SEND_THREAD = "kshell send"  # the name of a thread that sends a request
POLL = 0.1  # seconds between two looks at the clock, or for a Ctrl-C


class _Sender(threading.Thread):
    """A thread of ``connections`` that does one piece of work after the other."""

    def __init__(self, connections: KeptConnections) -> None:
        super().__init__(name=SEND_THREAD, daemon=True)
        self.work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._connections = connections
        self.start()

    def run(self) -> None:
        """Do each piece of work, until it is None or the connections are closed."""
        while work := self.work.get():
            work()
            if not self._connections.wants(self):
                return


class KeptConnections:
    """Connections that are used again for the next message. Several threads may use them.

    There are as many connections as there are messages sent at a time. One is closed after anything unusual.
    """

    def __init__(self) -> None:
        self._free: list[Connection] = []
        self._idle: list[_Sender] = []  # threads that wait for work
        self._watched: dict[Callable[[], None], None] = {}
        self._watch: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        while self._free:
            self._free.pop().close()
        while self._idle:
            self._idle.pop().work.put(None)

    def begin(self, work: Callable[[], None]) -> None:
        """Do ``work`` in a thread that waits for some, or in a new one."""
        try:
            sender = self._idle.pop()
        except IndexError:
            sender = _Sender(self)
        sender.work.put(work)

    def watch(self, stop_if_late: Callable[[], None]) -> None:
        """Call ``stop_if_late`` every ``POLL`` seconds, until ``unwatch``."""
        self._watched[stop_if_late] = None
        if self._watch is None:
            self._watch = threading.Thread(target=self._watch_all, name="kshell watch", daemon=True)
            self._watch.start()

    def unwatch(self, stop_if_late: Callable[[], None]) -> None:
        """Call ``stop_if_late`` no more."""
        del self._watched[stop_if_late]

    def _watch_all(self) -> None:
        while not self._closed:
            for stop_if_late in [*self._watched]:
                stop_if_late()
            time.sleep(POLL)

    def wants(self, sender: _Sender) -> bool:
        """Keep a thread that has no work, unless the connections are closed."""
        if not self._closed:
            self._idle.append(sender)
        return not self._closed

    def take(self, url: str, proxy: str) -> Connection | None:
        """Return the connection that was used last, if it is still open and leads to the same host; else close it."""
        with suppress(IndexError):
            free = self._free.pop()
            if free.leads_to(url, proxy):
                return free
            free.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if self._closed:
            connection.close()
        else:
            self._free.append(connection)
