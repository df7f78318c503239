"""A loopback server that does a list of steps and keeps every byte that it receives.

``with Server(read, answer(202, BODY)) as server:`` does these steps, in order, for every connection. ``server.url`` is its
base URL, ``server.requests`` has the complete requests, and ``server.received`` every byte, read by a step or not.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    Step = Callable[["Connection"], None]

ACCEPTED = b'{"code": "WA202", "message": "Request Accepted", "data": {"message_id": "A1"}, "error": {}}'
_PATIENCE = 60  # seconds; longer than each client's
PAGE_SAMPLE = b"""{
"code":"WA202"
"message":"Request Accepted",
"data":{
"message_id":"AXXXXXXXXXXXXXXXXXXX"
}
"error":{}
}"""


def refusal(code: str, error: dict[str, str] | None = None) -> bytes:
    """Return the body of a failure, as the API writes it."""
    return json.dumps({"code": code, "message": "no", "data": {}, "error": error or {}}).encode()


class Received(NamedTuple):
    """A request that was received completely."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        """Return the values of a header, whose name is compared without case."""
        return [value for known, value in self.headers if known.lower() == name]


class Connection:
    """One accepted connection."""

    def __init__(self, stream: socket.socket, server: Server) -> None:
        self.stream = stream
        self.server = server
        self.pending = b""

    def receive(self) -> bytes:
        """Return the next bytes, empty at the end, and add them to the server's ``received``."""
        data = self.stream.recv(65536)
        self.server.received += data
        return data


class Server:
    """A thread that accepts on a free loopback port until the ``with`` block ends."""

    def __init__(
        self, *steps: Step, tls: ssl.SSLContext | None = None, backlog: int = 8, host: str = "127.0.0.1"
    ) -> None:
        self.steps = steps
        self.requests: list[Received] = []
        self.received = b""
        self.connections = 0
        self.reached = threading.Event()  # set by the step ``reach``
        self.stopped = threading.Event()
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=backlog)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Server:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                stream, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(stream,)))
                self._threads[-1].start()

    def _serve(self, stream: socket.socket) -> None:
        with stream, suppress(OSError):
            stream.settimeout(_PATIENCE)
            secured = self._tls.wrap_socket(stream, server_side=True) if self._tls else stream
            with secured:
                connection = Connection(secured, self)
                for step in self.steps:
                    step(connection)
                secured.settimeout(0.05)
                while connection.receive():
                    pass


def read(connection: Connection) -> None:
    """Read one request to its end and keep it."""
    data = connection.pending
    while b"\r\n\r\n" not in data:
        more = connection.receive()
        if not more:
            return
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    method, target, _ = first.split(" ")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    size = int(length[1]) if length else 0
    while len(body) < size:
        more = connection.receive()
        if not more:
            return
        body += more
    connection.pending = body[size:]
    connection.server.requests.append(Received(method, target, headers, body[:size]))


def say(data: bytes) -> Step:
    """Return a step that writes these bytes."""
    return lambda connection: connection.stream.sendall(data)


def answer(status: int, body: bytes = b"", *headers: tuple[str, str], length: int | None = None) -> Step:
    """Return a step that writes an answer; ``length`` replaces the true content length."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name}: {value}" for name, value in (headers or (("Content-Type", "application/json"),))]
    return say("\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def tunnel_to(port: int) -> Step:
    """Return the step of a proxy after a CONNECT: it agrees, and passes bytes to and from a port of this machine."""

    def step(connection: Connection) -> None:
        connection.stream.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as onward:
            back = threading.Thread(target=_pass_on, args=(onward, connection.stream))
            back.start()
            _pass_on(connection.stream, onward)
            back.join()

    return step


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def pause(seconds: float) -> Step:
    """Return a step that waits, at most until the server is stopped."""

    def step(connection: Connection) -> None:
        connection.server.stopped.wait(seconds)

    return step


def drip(data: bytes, seconds: float = 0.05) -> Step:
    """Return a step that writes one byte at a time."""

    def step(connection: Connection) -> None:
        for byte in data:
            if connection.server.stopped.wait(seconds):
                return
            connection.stream.sendall(bytes([byte]))

    return step


def flood(chunk: bytes, megabytes: int, sent: list[int] | None = None) -> Step:
    """Return a step that writes ``chunk`` until so many megabytes are written; ``sent`` gets the number of bytes."""

    def step(connection: Connection) -> None:
        written = 0
        try:
            while written < megabytes << 20:
                connection.stream.sendall(chunk)
                written += len(chunk)
        finally:
            if sent is not None:
                sent.append(written)

    return step


def reach(connection: Connection) -> None:
    """Set the server's event ``reached``."""
    connection.server.reached.set()


def hang(connection: Connection) -> None:
    """Do nothing until the server is stopped, or for a minute."""
    connection.server.stopped.wait(_PATIENCE)


def reset(connection: Connection) -> None:
    """End the connection with RST."""
    connection.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.stream.close()


def close(connection: Connection) -> None:
    """Close the sending side, after the request was read."""
    connection.stream.shutdown(socket.SHUT_WR)


def bomb(megabytes: int) -> bytes:
    """Return a gzip stream that unpacks to so many megabytes of JSON text."""
    return gzip.compress(b'{"code": "' + b"A" * (megabytes << 20) + b'"}', compresslevel=9)


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a loopback port on which no program listens or can listen until the block ends."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def settled(server: Server, process: subprocess.Popen[Any]) -> None:
    """Wait until the server reached its step and the process has read all that came and taken each signal, or has ended."""
    assert server.reached.wait(_PATIENCE)
    if Path("/proc/self/task").exists():
        assert wait_until(lambda: _rests(process) and not time.sleep(0.02) and _rests(process))
    else:
        time.sleep(0.5)


def _rests(process: subprocess.Popen[Any]) -> bool:
    """Return whether a process has ended, or every thread of it waits for something other than the processor."""
    if process.poll() is not None:
        return True
    try:
        stats = [(task / "stat").read_text() for task in Path(f"/proc/{process.pid}/task").iterdir()]
    except OSError:  # a thread has just ended
        return False
    return all(stat.rpartition(")")[2].split()[0] == "S" for stat in stats)


def unused_port() -> int:
    """Return a loopback port for a program. No system gives one of these to who asks for any port."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - a port, not a secret
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_until(true: Callable[[], bool], seconds: float = _PATIENCE) -> bool:
    """Return whether ``true`` returns true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def local_pod(url: str, *, proxy: str = "", name: str = "local") -> str:
    """Write a pod into the user's own folder, which kshell trusts; return its name."""
    file = Path(os.environ["XDG_CONFIG_HOME"]) / "kshell" / "profiles" / "pods" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"base_url: {url}\n" + (f"proxy: {proxy}\n" if proxy else ""), encoding="utf-8")
    return name
