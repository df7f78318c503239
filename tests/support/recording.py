"""A loopback server that keeps every request and answers as the API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

ACCEPTED = b'{"code":"WA202","message":"Request Accepted","data":{"message_id":"A1"},"error":{}}'


class Received(NamedTuple):
    """The parts of a request that are compared: headers by lower-case name, the body as JSON."""

    method: str
    target: str
    content_type: str
    key: str
    json: Any


class Recorder:
    """A recording server: ``url`` is its base URL, ``requests`` its requests in order, ``status`` what it answers."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.requests: list[Received] = []
        self.status = 202

    def take(self) -> list[Received]:
        """Return the requests since the last call."""
        taken, self.requests = self.requests, []
        return taken


@contextmanager
def recording() -> Iterator[Recorder]:
    """Yield a recording server on a free port; it stops when the block ends."""
    recorder = Recorder("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            try:
                value = json.loads(body)
            except ValueError:
                value = body
            headers = self.headers
            recorder.requests.append(
                Received(self.command, self.path, headers.get("content-type", ""), headers.get("api-key", ""), value)
            )
            self.send_response(recorder.status)
            self.send_header("content-type", "application/json")
            if recorder.status in range(300, 400):
                self.send_header("location", f"{recorder.url}/elsewhere")
            self.send_header("content-length", str(len(ACCEPTED)))
            self.end_headers()
            self.wfile.write(ACCEPTED)

        do_GET = do_POST  # noqa: N815 - the name that the base class looks for

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    with Server(("127.0.0.1", 0), Handler) as server:
        recorder.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join()
