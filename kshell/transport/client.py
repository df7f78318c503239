"""The only access to the network: ``send(Request)`` returns an ``Exchange``, whatever the network does.

Nothing is sent twice: there is no retry and no redirect. A request is ``not-sent`` only if it failed before its first byte was
written. ``http`` holds the connections; the embedded simulator is called directly.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from kshell.api.answers import exchange_of
from kshell.core.errors import FateUnknownError, NotSentError, TransportError
from kshell.core.exchange import Delivery, Exchange, Response
from kshell.core.models import TIMEOUT, Request, Secret, is_loopback
from kshell.transport.connections import POLL, SEND_THREAD, KeptConnections
from kshell.transport.masked_answer import key_privacy, masked_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kshell.privacy.values import Private
    from kshell.transport.http import Connection, Head

    Handle = Callable[[str, str, Iterable[tuple[str, str]], bytes], Response]

MOST_BODY = 1024 * 1024  # bytes; a documented answer has less than a thousand
TOO_LONG = f"the server sent more than {MOST_BODY // 1024} KiB; the rest was not read"

_QUOTED = r"(?s):? (bytearray\()?b['\"].*"
_GRACE = 1.0  # seconds for an interrupted exchange to end


class Route(NamedTuple):
    """How to send: within ``timeout`` seconds, through ``proxy`` if it is given, or to ``handle`` in this process."""

    timeout: float = TIMEOUT
    proxy: str = ""
    handle: Handle | None = None


class _StoppedError(Exception):
    """Raised before the first byte when the caller has given up, so nothing is written."""


class Attempt:
    """One send. ``exchange`` is its result so far, at any moment, also in an interrupt handler.

    A separate thread sends while the caller waits. Without it, the lookup of a host name could be neither timed nor
    interrupted, and a Ctrl-C just before a wait for the network would be seen only after that wait. A thread that gets no
    Ctrl-C sends by itself over a connection that is open, which is quicker; ``KeptConnections`` ends it in time.
    """

    def __init__(
        self, request: Request, key: Callable[[], str], route: Route, private: Callable[[], Iterable[Private]] = tuple
    ) -> None:
        """Prepare a send. ``key`` resolves the API key; ``private`` returns the other private values in the request."""
        self.request = request
        self.private = private
        self.interrupted = False
        self.begun = False  # whether the API may have any of the request
        self._resolve_key = key
        self._key = ""
        self._route = route
        self._whole: Response | None = None  # from a cassette or from the embedded simulator
        self._head: Head | None = None
        self._body = bytearray()
        self._limit = MOST_BODY
        self._fault = ""
        self._error: Exception | None = None
        self._bug: Exception | None = None
        self._played = False
        self._expired = False
        self._stopped = False
        self._left = False  # whether the connection may be another attempt's
        self._under_way = threading.Lock()  # held until the end; a second Ctrl-C would break the wait for an Event
        self._lock = threading.RLock()  # orders the first byte and the decision to give up
        self._connection: Connection | None = None
        self._started = self._ended = time.perf_counter()

    @property
    def key(self) -> str:
        """The API key, resolved when it is first asked for. Raises ``SecretError``."""
        self._key = self._key or self._resolve_key()
        return self._key

    @property
    def live(self) -> bool:
        """Whether the message can reach a person: it goes neither to the embedded simulator nor to this machine."""
        return self._route.handle is None and not is_loopback(self.request.url)

    def play(self, response: Response) -> Exchange:
        """Use ``response`` as the answer, and send nothing."""
        self._whole, self._played = response, True
        self._ended = time.perf_counter()
        return self.exchange

    def run(self, most: int = MOST_BODY, connections: KeptConnections | None = None) -> Exchange:
        """Send once, and read at most ``most`` bytes of the answer's body; over a kept connection if ``connections`` has one.

        Raises ``SecretError`` before anything is sent. Never raises for a fault of the network or the server, or for Ctrl-C.
        """
        self._limit = most
        self.key  # noqa: B018 - raises before anything is sent, if the key cannot be resolved
        self._started = time.perf_counter()
        try:
            if self._route.handle is not None:
                self.begun = True  # the simulator gets the whole request at once
                self._whole = self._route.handle(*self._in_process())
            else:
                self._under_way.acquire()
                self._send(connections)
        except KeyboardInterrupt:
            with suppress(KeyboardInterrupt):  # a second Ctrl-C changes nothing
                self.interrupt()
                self._wait_for_end()
        self._ended = time.perf_counter()
        if self._bug:
            raise self._bug
        return self.exchange

    def interrupt(self) -> None:
        """Prevent the first byte, or break the connection. Another thread may call this; ``run`` returns soon then."""
        self.interrupted = True
        self._stop()

    def _in_process(self) -> tuple[str, str, list[tuple[str, str]], bytes]:
        address = urlsplit(self.request.url)
        target = f"{address.path}?{address.query}" if address.query else address.path
        headers = [(name, self.key if isinstance(value, Secret) else value) for name, value in self.request.headers]
        return self.request.method, target, headers, self.request.body.encode()

    def _send(self, connections: KeptConnections | None) -> None:
        if connections is None:
            threading.Thread(target=self._run, name=SEND_THREAD, daemon=True).start()
            self._wait()
            return
        self._connection = connections.take(self.request.url, self._route.proxy)
        if self._connection and threading.current_thread() is not threading.main_thread():
            connections.watch(self._stop_if_late)
            try:
                self._run(connections)
            finally:
                connections.unwatch(self._stop_if_late)
        else:
            connections.begin(partial(self._run, connections))
            self._wait()

    def _stop_if_late(self) -> None:
        """Break the connection if the time is over. Another thread calls this."""
        with self._lock:
            if not self._left and time.perf_counter() >= self._started + self._route.timeout:
                self._expired = True
                self._stop()

    def _wait(self) -> None:
        end = self._started + self._route.timeout
        while not self._under_way.acquire(timeout=min(POLL, max(end - time.perf_counter(), 0))):
            self._expired = time.perf_counter() >= end
            if self._expired or self.interrupted:
                self._stop()
                self._wait_for_end()
                return

    def _stop(self) -> None:
        """Prevent the first byte, or break the connection."""
        with self._lock:
            self._stopped = True
            if not self._left and self._connection and self._connection.socket:
                with suppress(OSError):  # it may be closed by now
                    self._connection.socket.shutdown(socket.SHUT_RDWR)

    def _wait_for_end(self) -> None:
        """Wait a moment for the result of a send that was stopped, unless it waits for a name or a connection."""
        if self.begun or (self._connection and self._connection.socket):
            self._under_way.acquire(timeout=_GRACE)

    def _run(self, connections: KeptConnections | None = None) -> None:
        from kshell.transport import http

        try:
            self._connection = self._connection or http.Connection(self.request.url, self._route.proxy)
            self._exchange_bytes(self._connection)
        except _StoppedError:
            pass
        except Exception as error:  # noqa: BLE001 - a bug is raised again in the caller's thread
            if http.is_fault(error):
                self._error = error
            else:
                self._bug = error
        finally:
            self._leave(connections)
            self._under_way.release()

    def _exchange_bytes(self, connection: Connection) -> None:
        head = self._head = connection.send(self.request, self.key, self._route.timeout, self._begin)
        try:
            self._read(head)
        finally:
            head.close()

    def _leave(self, connections: KeptConnections | None) -> None:
        """Give the connection back after an exchange without anything unusual; else close it."""
        with self._lock:
            self._left = True
            odd = self._error or self._bug or self._fault or self._stopped or self._head is None
        if self._connection is None:
            return
        if connections and not odd:
            connections.give_back(self._connection)
        else:
            self._connection.close()

    @property
    def exchange(self) -> Exchange:
        """The result so far. An attempt that was not sent by now is stopped, so that the result stays true."""
        with self._lock:
            self._stopped = self._stopped or not self.begun
        elapsed_ms = (self._ended - self._started) * 1000
        received = self.received
        if received is not None:
            exchange = exchange_of(self.request, cut_to_limit(received), elapsed_ms, interrupted=self.interrupted)
            mark = "replayed" if self._played else "simulated" if self._route.handle else ""
            masked = masked_exchange(exchange, self._key)
            return masked._replace(marks=(mark,)) if mark else masked
        delivery = Delivery.UNKNOWN if self.begun else Delivery.NOT_SENT
        return Exchange(self.request, None, delivery, elapsed_ms, self._transport_error(), self.interrupted)

    @property
    def received(self) -> Response | None:
        """The unmasked answer, or ``None`` if there is none. It may contain the API key, so only ``--raw`` shows it."""
        return self._whole or (self._response(self._head) if self._head is not None else None)

    def _begin(self) -> None:
        with self._lock:
            if self._stopped:
                raise _StoppedError
            self.begun = True

    def _read(self, head: Head) -> None:
        for chunk in head.chunks:
            self._body += chunk
            if len(self._body) > self._limit:
                self._fault = TOO_LONG
                return

    def _response(self, head: Head) -> Response:
        from kshell.transport.http import decoded

        body, fault = decoded(bytes(self._body[: self._limit]), head.encoding, MOST_BODY)
        if self._timed_out:
            fault = f"it was not complete after {self._route.timeout:g} s"
        elif self.interrupted:
            fault = "interrupted before it was complete"
        elif self._error is not None:
            fault = f"it broke off after {len(self._body)} bytes: {self._without_key(str(self._error))}"
        return Response(head.status, head.reason, head.headers, body, self._fault or fault)

    def _transport_error(self) -> TransportError:
        what, *causes = self._reasons()
        if self.begun:
            hint = "it may have been delivered: ask the recipient, or look in Kaleyra's reports, before you send again"
            prefix = "" if what.startswith("no answer") else "no answer: "
            return FateUnknownError(f"{prefix}{what}; the API may have the message", hint=hint, causes=causes)
        hint = "" if self.interrupted else _not_sent_hint(self.request.url, self._route.proxy)
        return NotSentError(f"not sent: {what}", hint=hint, causes=causes)

    @property
    def _timed_out(self) -> bool:
        """Whether the timeout has passed, for the waiting caller or for the connection."""
        from kshell.transport.http import is_timeout

        return self._expired or is_timeout(self._error)

    def _reasons(self) -> list[str]:
        if self.interrupted:
            return ["interrupted"]
        if self._timed_out:
            return [f"no answer within {self._route.timeout:g} s"]
        return [self._without_key(reason) for reason in _chain(self._error)] or ["it did not begin"]

    def _without_key(self, text: str) -> str:
        # h11 quotes bytes that it cannot read or write: they may contain the key, also in an answer that repeats it
        return key_privacy(self.key).hide_values(re.sub(_QUOTED, "", text))


def send(request: Request, key: str, route: Route) -> Exchange:
    """Send ``request`` once, with ``key`` in the header that refers to it."""
    return Attempt(request, lambda: key, route).run()


def cut_to_limit(response: Response) -> Response:
    """Return an answer with at most ``MOST_BODY`` bytes of its body, and the fault that says so if there were more."""
    if len(response.body) <= MOST_BODY:
        return response
    return response._replace(body=response.body[:MOST_BODY], fault=TOO_LONG)


def _chain(error: BaseException | None) -> list[str]:
    """Return the texts of an error and its causes, the outermost first, without those that an earlier one contains."""
    reasons: list[str] = []
    while error:
        text = re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".") or type(error).__name__
        if not any(text in reason for reason in reasons):
            reasons.append(text)
        error = error.__cause__ or error.__context__
    return reasons


def _not_sent_hint(url: str, proxy: str) -> str:
    if proxy:
        return f"the pod's proxy is {proxy}: is it right, and does it run?"
    base = "/".join(url.split("/", 3)[:3])
    if base.startswith("http://"):
        return f"is a server running at {base}? kshell sandbox --port {urlsplit(base).port or 80} starts the simulator there"
    return f"nothing of the message left this machine; check the network and the host: curl -sSI {base}"
