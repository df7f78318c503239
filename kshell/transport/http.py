"""The only use of the HTTP libraries: open a connection, write one request, read its answer.

httpx reads URLs and makes the headers; httpcore, its layer of connections, opens sockets and TLS; h11 frames what is written
and read. The connections of httpx do not say when the first byte of a request is written, which decides what is known of it.

Proxy, netrc and certificate settings of the environment are ignored. Nothing is redirected or tried again.
"""

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from typing import NamedTuple

import h11
import httpcore
import httpx

from kshell import __version__
from kshell.core.models import Request, Secret

CLIENT_HEADERS = (("User-Agent", f"kshell/{__version__}"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))

_IDLE_SECONDS = 1.0  # an older connection may have been closed by the server, so it is not used again
_MOST_HEAD = 100 << 10  # bytes of an answer's head
_CHUNK = 64 << 10  # bytes that are read at a time


class Head(NamedTuple):
    """The status line and the headers of an answer, whose body is read from ``chunks``."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    chunks: Iterable[bytes]
    close: Callable[[], None]

    @property
    def encoding(self) -> str:
        """The values of ``Content-Encoding``, joined with commas."""
        return ", ".join(value for name, value in self.headers if name.lower() == "content-encoding")


def is_fault(error: BaseException) -> bool:
    """Whether the network or the server caused an error; a host name that IDNA refuses is a bare ``UnicodeError``."""
    of_connections = httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProxyError, h11.ProtocolError
    return isinstance(error, (*of_connections, httpx.InvalidURL, OSError, UnicodeError))


def is_timeout(error: BaseException | None) -> bool:
    """Whether an error is a timeout of the connection."""
    return isinstance(error, httpcore.TimeoutException)


class Connection:
    """A connection for the requests of one thread, one after the other, to one host through one proxy."""

    def __init__(self, url: str, proxy: str = "") -> None:
        self.socket: socket.socket | None = None  # a duplicate, because TLS takes over the socket itself
        self._url, self._proxy = url, proxy
        self._stream: httpcore.NetworkStream | None = None
        self._protocol = _protocol()
        self._expires = float("inf")

    def leads_to(self, url: str, proxy: str) -> bool:
        """Whether the connection is open, as far as this side knows, to the host of ``url`` through ``proxy``."""
        if self._stream is None or (_host_of(self._url), self._proxy) != (_host_of(url), proxy):
            return False
        # what comes unasked can only be the end of the connection
        return time.monotonic() <= self._expires and not self._stream.get_extra_info("is_readable")

    def send(self, request: Request, key: str, timeout: float, begin: Callable[[], None]) -> Head:
        """Write ``request`` and return the head of its answer. ``begin`` is called before the first byte, and may raise."""
        body = request.body.encode()
        head = _head_of(request.method, request.url, request.headers, key, len(body), self._proxy)
        stream = self._stream or self._open(timeout)
        whole = _written(self._protocol, head, body)
        begin()
        answer = _answer(stream, self._protocol, whole, timeout)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw_items())
        return Head(
            answer.status_code,
            answer.reason.decode("ascii", "ignore"),
            headers,
            self._chunks(stream, timeout),
            self._ended,
        )

    def _open(self, timeout: float) -> httpcore.NetworkStream:
        """Connect to the host, or to the proxy and, for an https URL, through its tunnel."""
        url, first = httpx.URL(self._url), httpx.URL(self._proxy or self._url)
        stream = self._stream = httpcore.SyncBackend().connect_tcp(
            first.raw_host.decode("ascii"), _port(first), timeout
        )
        self.socket = stream.get_extra_info("socket").dup()
        if first.scheme == "https":
            stream = self._stream = _with_tls(stream, first, timeout)
        if self._proxy and url.scheme == "https":
            _open_tunnel(stream, url, timeout)
            stream = self._stream = _with_tls(stream, url, timeout)
        return stream

    def _chunks(self, stream: httpcore.NetworkStream, timeout: float) -> Iterator[bytes]:
        while isinstance(event := _next_event(stream, self._protocol, timeout), h11.Data):
            yield bytes(event.data)

    def _ended(self) -> None:
        """Make the connection ready for the next request if the answer was read to its end, and nothing came after it."""
        states, (surplus, _) = {self._protocol.our_state, self._protocol.their_state}, self._protocol.trailing_data
        if states == {h11.DONE} and not surplus:
            self._protocol.start_next_cycle()
            self._expires = time.monotonic() + _IDLE_SECONDS
        else:
            self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            self._stream.close()
        if self.socket is not None:
            self.socket.close()
        self.socket = self._stream = None


def _host_of(url: str) -> str:
    """Return a URL up to its path."""
    return "/".join(url.split("/", 3)[:3])


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


# ---- opening


def _with_tls(stream: httpcore.NetworkStream, url: httpx.URL, timeout: float) -> httpcore.NetworkStream:
    import certifi

    return stream.start_tls(_tls_context(certifi.where()), url.raw_host.decode("ascii"), timeout)


@cache
def _tls_context(authorities: str) -> ssl.SSLContext:
    """Return the context of every https connection of this process; reading the file of authorities takes 13 ms."""
    context = ssl.create_default_context(cafile=authorities)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _open_tunnel(stream: httpcore.NetworkStream, url: httpx.URL, timeout: float) -> None:
    """Ask a proxy for a tunnel to the host of ``url``. Raises ``httpcore.ProxyError`` if it refuses."""
    host = b"[%b]" % url.raw_host if b":" in url.raw_host else url.raw_host
    target = b"%b:%d" % (host, _port(url))
    connect = h11.Request(method="CONNECT", target=target, headers=[(b"Host", target), (b"Accept", b"*/*")])
    protocol = _protocol()
    answer = _answer(stream, protocol, _written(protocol, connect, b""), timeout)
    if not 200 <= answer.status_code < 300:
        raise httpcore.ProxyError(f"{answer.status_code} {answer.reason.decode('ascii', 'ignore')}")


# ---- writing and reading, as h11 frames it


def _protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)


@lru_cache(maxsize=16)  # the rows of a run have one URL, and bodies of few lengths
def _head_of(
    method: str, url: str, given: tuple[tuple[str, str | Secret], ...], key: str, length: int, proxy: str
) -> h11.Request:
    """Return the request line and all headers of a request with a body of ``length`` bytes."""
    headers = [(name, key if isinstance(value, Secret) else value) for name, value in given]
    made = httpx.Request(method, url, headers=[*headers, *CLIENT_HEADERS], content=b"\0" * length)
    before_path = b"http://" + made.url.netloc if proxy and made.url.scheme == "http" else b""
    return h11.Request(method=method, target=before_path + made.url.raw_path, headers=made.headers.raw)


def _written(protocol: h11.Connection, head: h11.Request, body: bytes) -> bytes:
    """Return a request in one piece, so that a server reads it at once."""
    events = head, h11.Data(body), h11.EndOfMessage()
    return b"".join([protocol.send(event) or b"" for event in events])


def _answer(stream: httpcore.NetworkStream, protocol: h11.Connection, whole: bytes, timeout: float) -> h11.Response:
    """Write a request and return the head of its answer."""
    with suppress(httpcore.WriteError):  # a server may close the connection early and still have answered
        stream.write(whole, timeout)
    while not isinstance(event := _next_event(stream, protocol, timeout), h11.Response):
        pass  # such as 100 Continue
    return event


def _next_event(stream: httpcore.NetworkStream, protocol: h11.Connection, timeout: float) -> object:
    while (event := protocol.next_event()) is h11.NEED_DATA:
        data = stream.read(_CHUNK, timeout)
        if not data and protocol.their_state is h11.SEND_RESPONSE:
            raise h11.RemoteProtocolError("Server disconnected without sending a response.")
        protocol.receive_data(data)
    return event


def decoded(body: bytes, encoding: str, most: int) -> tuple[bytes, str]:
    """Return the first ``most`` bytes of an unpacked body, and a fault; kshell asks for no compression."""
    if encoding.lower() in ("", "identity"):
        return body, ""
    if encoding.lower() not in ("gzip", "deflate"):
        return body, f"it is encoded as {encoding}, which was not asked for"
    inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        plain = inflate.decompress(body[:most], most)
    except zlib.error:
        return body, f"it says it is encoded as {encoding}, but is not"
    return plain, "" if inflate.eof else f"it is compressed, and only its first {len(plain)} bytes were unpacked"
