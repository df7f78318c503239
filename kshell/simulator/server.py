"""Serve the simulator over HTTP with uvicorn, for curl, browsers and other programs.

Besides the API, ``GET /`` describes the simulator and its magic values, and ``GET /inbox`` returns the delivered messages
as a JSON list.
The log line about a request contains no key, code or phone number.

Requests that a page of another site may have made get a 403. These limits bound the memory and the response time:
``BODY_LIMIT`` for one body, ``BODIES_LIMIT`` for all bodies together, ``REQUEST_SECONDS`` for an unfinished request or an
unread response, ``CONNECTIONS`` for open connections, and the limits of the inbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from kshell.core.errors import UsageError
from kshell.core.models import Response, is_loopback
from kshell.simulator.documented import FOREIGN, MAGIC_KEYS, MAGIC_RECIPIENTS, MAGIC_SENDERS, MAGIC_SIDS, SERVER_ERROR
from kshell.simulator.payload import BODY_LIMIT
from kshell.simulator.simulator import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Executor

    from kshell.simulator.documented import Failure
    from kshell.simulator.inbox import Inbox
    from kshell.simulator.simulator import Simulator

    Event = dict[str, Any]
    Receive = Callable[[], Awaitable[Event]]
    Send = Callable[[Event], Awaitable[None]]
    Headers = list[tuple[str, str]]

REQUEST_SECONDS = 10.0
CONNECTIONS = 200
BODIES_LIMIT = 32 << 20  # bytes
_PIECE = 64 << 10  # bytes: the most of a response that is sent at once, and the least that makes a body large
_AUTHORITY = re.compile(r"[A-Za-z0-9.:\[\]-]+")


def serve(
    simulator: Simulator,
    host: str,
    port: int,
    *,
    on_ready: Callable[[str], None],
    on_request: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM. ``on_ready`` gets the base URL, ``on_request`` a log line about each request.

    Port 0 means any free port. Raises ``UsageError`` if the port cannot be opened.
    """
    with _bound(host, port) as listener, ThreadPoolExecutor(max_workers=1) as worker:
        config = uvicorn.Config(
            _app(simulator, on_request, worker),
            http=_Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=0,  # an open connection does not delay the end
        )
        server = _Server(config, lambda: on_ready(_base_url(listener)))
        with _stopped_by_signals(server):
            server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A uvicorn server that calls ``on_listening`` when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()


class _Connection(H11Protocol):
    """A connection that is dropped if its client is too slow, or if it waits for its client while too many are open."""

    _opened: float
    _timer: asyncio.TimerHandle

    @property
    def waits_for_client(self) -> bool:
        """Whether the request is incomplete, or the client does not read the response."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection. If too many are open, drop the oldest one that waits for its client."""
        super().connection_made(transport)
        self._opened = self.loop.time()
        self._start_timer()
        opened = [
            other for other in self.connections if isinstance(other, _Connection) and not other.transport.is_closing()
        ]
        waiting = [other for other in opened if other.waits_for_client]
        if len(opened) > CONNECTIONS:
            min(waiting, key=lambda other: other._opened).transport.abort()

    def on_response_complete(self) -> None:
        """Start the time limit of the next request on this connection."""
        self._timer.cancel()
        self._start_timer()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._drop_if_slow)

    def _drop_if_slow(self) -> None:
        if self.waits_for_client:
            self.transport.abort()
        else:
            self._start_timer()


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``; on a failure uvicorn would end the process."""
    if not 0 <= port <= 65_535:  # getaddrinfo reads 70000 as 4464
        raise _port_error(host, port, "there is no such port")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return _listening(socket.socket(family, kind, protocol), address)
    except OSError as error:
        raise _port_error(host, port, error.strerror or str(error)) from None
    except UnicodeError:
        raise _port_error(host, port, "there is no such host") from None


def _listening(listener: socket.socket, address: Any) -> socket.socket:
    try:
        if os.name == "posix":  # on Windows the option lets two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener


def _port_error(host: str, port: int, why: str) -> UsageError:
    hint = "for a free port, type: kshell sandbox --port 0"
    return UsageError(f"port {port} on {host} cannot be opened: {why}", hint=hint)


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Make SIGINT and SIGTERM stop ``server`` and have no other effect.

    Uvicorn alone would handle them only while it serves, and would raise the one that stopped it again at the end.
    """
    in_main = threading.current_thread() is threading.main_thread()  # only the main thread may handle signals
    handled = (signal.SIGINT, signal.SIGTERM) if in_main else ()
    before = {number: signal.signal(number, server.handle_exit) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _app(
    simulator: Simulator, on_request: Callable[[str], None], worker: Executor
) -> Callable[[Event, Receive, Send], Awaitable[None]]:
    """Return the ASGI application. ``worker`` is the single thread in which the simulator reads payloads."""
    api = _Api(simulator, worker)

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        method, target = scope["method"], scope["raw_path"].decode("latin-1")
        page = target if method in {"GET", "HEAD"} else ""
        if not is_from_here(headers):
            await _send(refusal(FOREIGN), send)
            on_request("403 403, 0 recipients")
        elif page == "/":
            await _send(_about(), send)
            on_request("200 about")
        elif page == "/inbox":
            await _send_inbox(simulator.kept, send, with_body=method == "GET")
            on_request("200 inbox")
        elif answer := await api.answer(method, target, headers, receive):
            await _send(answer[0], send)
            on_request(answer[1])

    return app


class _Api:
    """The simulator, with a limit for the bodies of all requests together."""

    def __init__(self, simulator: Simulator, worker: Executor) -> None:
        self._simulator = simulator
        self._worker = worker
        self._held = 0  # bytes of all bodies that are in memory

    async def answer(self, method: str, target: str, headers: Headers, receive: Receive) -> tuple[Response, str] | None:
        """Return the response to a request and the log line about it; ``None`` if the client disconnected.

        The body is cut just over the size limit. While all bodies together exceed ``BODIES_LIMIT``, the response to a
        large one is WA500, "Please try again later".
        """
        body = bytearray()
        more = True
        try:
            while more and len(body) <= BODY_LIMIT:
                event = await receive()
                if event["type"] == "http.disconnect":
                    return None
                body += event["body"]
                self._held += len(event["body"])
                if self._held > BODIES_LIMIT and len(body) > _PIECE:
                    return refusal(SERVER_ERROR), "500 WA500, 0 recipients"
                more = event["more_body"]
            request = (method, target, headers, bytes(body))
            return await asyncio.get_running_loop().run_in_executor(self._worker, _handle, self._simulator, request)
        finally:
            self._held -= len(body)


def is_from_here(headers: Iterable[tuple[str, str]]) -> bool:
    """Whether ``Host`` and every ``Origin`` in ``headers`` are loopback. Names of headers are in lower case.

    A site whose name resolves to 127.0.0.1 (DNS rebinding) sends that name as ``Host``. A browser adds ``Origin`` to the
    requests of another site's page.
    """
    named = list(headers)
    hosts = [f"http://{value}" if _AUTHORITY.fullmatch(value) else "" for name, value in named if name == "host"]
    origins = [value for name, value in named if name == "origin"]
    try:
        return len(hosts) == 1 and all(map(is_loopback, (*hosts, *origins)))
    except ValueError:  # brackets without an address
        return False


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_inbox(inbox: Inbox, send: Send, *, with_body: bool) -> None:
    """Send ``inbox`` as a JSON list, piece by piece.

    Other requests are served between two pieces. Only one message is held at a time, so a slow reader costs little memory.
    """
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for piece in _pieces(inbox) if with_body else ():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


def _pieces(inbox: Inbox) -> Iterator[bytes]:
    """Yield a JSON list of the messages in ``inbox``, one on each line, in pieces of at most 64 KiB."""
    before = b"[\n"
    for line in inbox.lines():
        text = before + line
        yield from (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _handle(simulator: Simulator, request: tuple[str, str, Headers, bytes]) -> tuple[Response, str]:
    """Return the simulator's response, and a log line with the number of recipients reached: ``202 WA202, 2 recipients``."""
    before = simulator.kept.added
    response = simulator.handle(*request)
    reached = simulator.kept.added - before
    code = json.loads(response.body)["code"]
    return response, f"{response.status} {code}, {reached} recipient{'' if reached == 1 else 's'}"


def _about() -> Response:
    """Return a description of the simulator, with the magic values."""

    def shown(magic: Mapping[str, Failure]) -> dict[str, str]:
        return {value: f"{failure.title}, {failure.code}" for value, failure in magic.items()}

    about = {
        "name": "kshell sandbox",
        "what": "a simulator of the Send Authentication Template Messages API; nobody gets a message",
        "messages": "POST /v2/<sid>/whatsapp/<phone_number>/messages",
        "inbox": "GET /inbox",
        "magic": {
            "to": shown(MAGIC_RECIPIENTS),
            "api-key": shown(MAGIC_KEYS),
            "sid": shown(MAGIC_SIDS),
            "phone_number": shown(MAGIC_SENDERS),
        },
    }
    body = json.dumps(about, indent=2).encode() + b"\n"
    return Response(200, "OK", (("content-type", "application/json"), ("content-length", str(len(body)))), body)
