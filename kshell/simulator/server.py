"""Serve the simulator over HTTP with uvicorn, for curl, browsers and other programs.

Besides the API, ``GET /`` describes the simulator and its magic values, and ``GET /inbox`` returns the delivered messages
as a JSON list.
The log line about a request contains no key, code or phone number.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from kshell.core.errors import UsageError
from kshell.core.models import Response
from kshell.simulator.documented import MAGIC_KEYS, MAGIC_RECIPIENTS, MAGIC_SENDERS, MAGIC_SIDS
from kshell.simulator.payload import BODY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from kshell.simulator.documented import Failure
    from kshell.simulator.simulator import Simulator

    Event = dict[str, Any]
    Receive = Callable[[], Awaitable[Event]]
    Send = Callable[[Event], Awaitable[None]]


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
    with _bound(host, port) as listener:
        config = uvicorn.Config(
            _app(simulator, on_request),
            http="h11",
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


def _app(simulator: Simulator, on_request: Callable[[str], None]) -> Callable[[Event, Receive, Send], Awaitable[None]]:
    """Return the ASGI application."""

    async def app(scope: Event, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return
        response, line = _answer(simulator, scope, body)
        headers = [(name.encode(), value.encode()) for name, value in response.headers]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})
        on_request(line)

    return app


async def _body(receive: Receive) -> bytes | None:
    """Return the request's body, cut just over the size limit; None if the client disconnected."""
    body = bytearray()
    more = True
    while more and len(body) <= BODY_LIMIT:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body += event["body"]
        more = event["more_body"]
    return bytes(body)


def _answer(simulator: Simulator, scope: Event, body: bytes) -> tuple[Response, str]:
    """Return the response to a request, and the log line about it."""
    method, target = scope["method"], scope["raw_path"].decode("latin-1")
    if method in {"GET", "HEAD"} and target == "/":
        return _page(_about()), "200 about"
    if method in {"GET", "HEAD"} and target == "/inbox":
        return _page([delivered._asdict() for delivered in simulator.inbox]), "200 inbox"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    response = simulator.handle(method, target, headers, body)
    return response, _line(simulator, response)


def _about() -> dict[str, object]:
    """Return a description of the simulator, with the magic values."""

    def shown(magic: Mapping[str, Failure]) -> dict[str, str]:
        return {value: f"{failure.title}, {failure.code}" for value, failure in magic.items()}

    return {
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


def _page(content: object) -> Response:
    body = json.dumps(content, indent=2).encode() + b"\n"
    return Response(200, "OK", (("content-type", "application/json"), ("content-length", str(len(body)))), body)


def _line(simulator: Simulator, response: Response) -> str:
    """Return a log line with the answer and the number of recipients reached: ``202 WA202, 2 recipients``."""
    answer = json.loads(response.body)
    message_id = answer["data"]["message_id"] if response.status == 202 else None
    reached = sum(delivered.message_id == message_id for delivered in simulator.inbox)
    return f"{response.status} {answer['code']}, {reached} recipient{'' if reached == 1 else 's'}"
