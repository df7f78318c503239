"""A connection that httptools parses, which takes half the time of h11. Importing it needs httptools.

Unlike h11, httptools and uvicorn limit nothing that a client sends, so the limits stand here.
"""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

UNPARSED = 64 << 10  # bytes, as h11 has it
HEADERS = 100
PIPELINED = 16


class FastConnection(HttpToolsProtocol):
    """A connection that limits a head, its headers, the trailers of a body, and the requests that wait for an answer."""

    _unparsed = 0  # bytes since the last whole head or piece of a body

    def data_received(self, data: bytes) -> None:
        """Parse bytes. Answer 400 and close if too many of them are neither a whole head nor a body."""
        self._unparsed += len(data)
        super().data_received(data)
        if (self._unparsed > UNPARSED or self._has_too_many_headers) and not self.transport.is_closing():
            self.send_400_response("Too large head.")

    @property
    def _has_too_many_headers(self) -> bool:
        """Whether there are too many headers so far, with the trailers."""
        return len(self.headers or ()) > HEADERS

    def on_headers_complete(self) -> None:
        """Hand over a request with one Host, as HTTP/1.1 demands. An exception is answered with 400."""
        if self._has_too_many_headers or len(self.pipeline) == PIPELINED:
            raise ValueError("too many headers, or requests without an answer")
        if [name for name, _ in self.headers].count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            raise ValueError("not one Host")
        self._unparsed = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Begin to count anew."""
        self._unparsed = 0
        super().on_body(body)
