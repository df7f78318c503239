"""POST the status callbacks of accepted messages to one URL.

Each status is posted once, those of one message in order. Nothing is signed, repeated or redirected: the vendor documents
neither a signature nor a retry. Each post has a connection of its own, so that a server that handles one at a time stays free.
"""

import heapq
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import urlsplit

from kshell.core.errors import UsageError
from kshell.simulator.callbacks import About, status_callback
from kshell.simulator.inbox import Inbox, Kept
from kshell.simulator.statuses import planned

QUEUE_LIMIT = 50_000  # messages that wait for a status
POST_SECONDS = 5.0  # for connecting, for writing and for reading the status line
_THREADS = 4


class _Due(NamedTuple):
    """A status number ``step`` of a message that is to be posted at ``moment`` of the monotonic clock."""

    moment: float
    id: int
    step: int
    about: About
    received: float
    fails_with: int


@contextmanager
def callbacks_to(url: str, inbox: Inbox, log: Callable[[str], None]) -> Iterator[None]:
    """Post the statuses of messages that are added until the block ends. ``log`` gets a line about each post.

    A post that is under way at the end is not waited for. Raises ``UsageError`` if ``url`` is not an address to post to.
    """
    callbacks = _Callbacks(_poster(url), inbox, log)
    try:
        with inbox.listening(callbacks.on_added):
            yield
    finally:
        callbacks.close()


class _Callbacks:
    """Posts the statuses of an inbox's messages from a few threads."""

    def __init__(self, post: Callable[[bytes], str], inbox: Inbox, log: Callable[[str], None]) -> None:
        self._post = post
        self._inbox = inbox
        self._log = log
        self._open = True
        self._queue: list[_Due] = []  # a heap; of each message the next status alone, which keeps their order
        self._changed = threading.Condition()
        for _ in range(_THREADS):
            threading.Thread(target=self._run, daemon=True, name="kshell callbacks").start()

    def on_added(self, first: int, kept: Kept, recipients: Mapping[str, int]) -> None:
        """Plan the statuses of one request's messages. The inbox calls this in any thread."""
        moment = time.monotonic() + self._inbox.delay
        refs = (kept.message.ref, kept.message.ref1, kept.message.ref2)
        for number, (recipient, fails_with) in enumerate(recipients.items(), start=first):
            about = About(recipient, kept.sender, kept.message_id, *refs)
            self._put(_Due(moment, number, 0, about, kept.received, fails_with))

    def close(self) -> None:
        """Post nothing more."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _put(self, due: _Due) -> None:
        with self._changed:
            full = not due.step and len(self._queue) >= QUEUE_LIMIT
            if not full:
                heapq.heappush(self._queue, due)
                self._changed.notify()
        if full:
            self._log(f"callbacks of a message to {_masked(due.about.recipient)} dropped: {QUEUE_LIMIT} are waiting")

    def _run(self) -> None:
        while due := self._next():
            statuses = planned(due.received, self._inbox.delay, due.fails_with)
            status = statuses[due.step]
            if due.id <= self._inbox.cleared:
                continue
            answer = self._post(json.dumps(status_callback(due.about, status)).encode())
            self._log(f"callback {status.status} for {_masked(due.about.recipient)}: {answer}")
            if due.step + 1 < len(statuses):
                self._put(due._replace(moment=due.moment + self._inbox.delay, step=due.step + 1))

    def _next(self) -> _Due | None:
        """Wait for the next status that is due. Return None when there is nothing to post any more."""
        with self._changed:
            while self._open:
                left = self._queue[0].moment - time.monotonic() if self._queue else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._queue)
                self._changed.wait(left)
        return None


def _poster(url: str) -> Callable[[bytes], str]:
    """Return a function that posts a body to ``url`` and returns what came of it in a few words. It never raises."""
    try:
        parts = urlsplit(url)
        host, port, https = parts.hostname or "", parts.port, parts.scheme == "https"
        path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        proper = (
            parts.scheme in ("http", "https") and host and not parts.username and url.isascii() and url.isprintable()
        )
        if not proper or " " in url:
            raise ValueError
    except ValueError:
        hint = "write http://HOST:PORT/PATH or https://HOST/PATH, without a user and a password"
        raise UsageError("callbacks cannot be posted to this URL", hint=hint) from None
    connect = http.client.HTTPSConnection if https else http.client.HTTPConnection

    def post(body: bytes) -> str:
        connection = connect(host, port, timeout=POST_SECONDS)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json", "Connection": "close"})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"no answer ({_reason(error)})"
        finally:
            connection.close()
        return f"{status}, not followed" if 300 <= status < 400 else str(status)

    return post


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"none within {POST_SECONDS:.0f} s"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _masked(number: str) -> str:
    """Return ``+91XXXXXXXX78``: enough to recognise the number, too little to call."""
    return f"{number[:3]}{'X' * (len(number) - 5)}{number[-2:]}"
