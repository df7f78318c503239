"""Serve the simulator over HTTP with uvicorn, for curl, browsers and other programs.

Where uvloop and httptools are installed (the extra ``fast``), they are used, and the answers take half the time.

These limits bound the memory and the response time: ``REQUEST_SECONDS`` for an unfinished request or an unread response,
``CONNECTIONS`` for open connections, and those of the application and of the inbox.
"""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import cast

import uvicorn

from kshell.core.errors import UsageError
from kshell.core.signals import ENDING
from kshell.simulator.app import App
from kshell.simulator.joined_writes import JoinedWrites
from kshell.simulator.pages import Knowledge
from kshell.simulator.simulator import Simulator

try:
    from kshell.simulator.fast_connection import FastConnection as Connection
except ImportError:
    from uvicorn.protocols.http.h11_impl import H11Protocol as Connection  # type: ignore[assignment]

REQUEST_SECONDS = 10.0
CONNECTIONS = 200
_numbers = count()  # of connections


def serve(
    simulator: Simulator,
    port: int,
    *,
    on_ready: Callable[[str], None],
    on_request: Callable[[str], None],
    knowledge: Knowledge = Knowledge(),  # noqa: B008 - a named tuple does not change
) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP. ``on_ready`` gets the base URL, ``on_request`` a log line about each request.

    Port 0 means any free port. Raises ``UsageError`` if the port cannot be opened.
    """
    server = HttpServer(simulator, port, on_request=on_request, knowledge=knowledge)
    with _stopped_by_signals(server):
        server.run(on_ready)


class HttpServer:
    """A simulator that listens on ``url``. ``run`` answers what is asked there, until ``stop`` is called by any thread.

    Raises ``UsageError`` if the port cannot be opened.
    """

    def __init__(
        self,
        simulator: Simulator,
        port: int,
        *,
        on_request: Callable[[str], None],
        knowledge: Knowledge = Knowledge(),  # noqa: B008
    ) -> None:
        self._listener = _bound(port)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._worker = ThreadPoolExecutor(max_workers=1)
        app = App(simulator, on_request, self._worker, knowledge)
        self._listening = simulator.kept.listening(app.on_added)
        config = uvicorn.Config(
            app,
            http=_Connection,
            loop="auto",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=0,  # an open connection does not delay the end
        )
        self._server = _Server(config)

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Answer requests. ``on_ready`` gets the base URL first; an exception of it ends the server."""
        with self._listener, self._worker, self._listening:
            self._server.on_listening = lambda: on_ready(self.url)
            self._server.run(sockets=[self._listener])

    def stop(self) -> None:
        """End ``run`` within a tenth of a second, or as soon as it begins."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """A uvicorn server that calls ``on_listening`` when it listens."""

    on_listening: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        try:
            self.on_listening()
        except BaseException:
            for server in self.servers:  # uvloop does not end while one is open
                server.close()
            raise

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Stop, and do nothing more: uvicorn would raise the signal again at the end, sse_starlette stop later servers too."""
        self.should_exit = True


class _Connection(Connection):
    """A connection that is dropped if its client is too slow, or if it waits for its client while too many are open."""

    _opened: int
    _since: float  # the time of the loop at which the time limit began
    _timer: asyncio.TimerHandle

    @property
    def waits_for_client(self) -> bool:
        """Whether the request is incomplete, or the client does not read the response."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body or self.flow.write_paused

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection. If too many are open, drop the oldest one that waits for its client."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self.loop)))
        self._opened = next(_numbers)  # the clock of uvloop gives many the same time
        self._since = self.loop.time()
        self._check_later(REQUEST_SECONDS)
        opened = [
            other for other in self.connections if isinstance(other, _Connection) and not other.transport.is_closing()
        ]
        waiting = [other for other in opened if other.waits_for_client]
        if len(opened) > CONNECTIONS:
            min(waiting, key=lambda other: other._opened).transport.abort()

    def on_response_complete(self) -> None:
        """Start the time limit of the next request on this connection."""
        self._since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._timer.cancel()
        super().connection_lost(exc)

    def _check_later(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._drop_if_slow)

    def _drop_if_slow(self) -> None:
        left = self._since + REQUEST_SECONDS - self.loop.time()
        if left <= 0 and self.waits_for_client:
            self.transport.abort()
        else:
            self._check_later(left if left > 0 else REQUEST_SECONDS)


def _bound(port: int) -> socket.socket:
    """Return a socket that listens on ``port`` of this machine alone; on a failure uvicorn would end the process."""
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        why, hint = os.strerror(error.errno or 0), "for a free port, type: kshell sandbox --port 0"
        raise UsageError(f"port {port} on 127.0.0.1 cannot be opened: {why}", hint=hint) from None


@contextmanager
def _stopped_by_signals(server: HttpServer) -> Iterator[None]:
    """Make the signals that end a command stop ``server`` and have no other effect.

    Uvicorn handles SIGINT and SIGTERM too, but only while it serves. A signal that the process ignores stays ignored.
    """
    in_main = threading.current_thread() is threading.main_thread()  # only the main thread may handle signals
    handled = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN] if in_main else []
    before = {number: signal.signal(number, lambda *_: server.stop()) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
