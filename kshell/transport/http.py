"""The only use of httpx, and of httpcore, its layer of connections: open a connection, write one request, read its answer.

Proxy, netrc and certificate settings of the environment are ignored. Nothing is redirected or tried again.
"""

import socket
import ssl
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from typing import Any, NamedTuple, cast

import httpcore
import httpx

from kshell import __version__
from kshell.core.models import Request, Secret

CLIENT_HEADERS = (("User-Agent", f"kshell/{__version__}"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))

_IDLE_SECONDS = 1.0  # an older connection may have been closed by the server, so it is not used again


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
    of_connections = (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.ConnectionNotAvailable,
    )
    return isinstance(error, (*of_connections, httpx.InvalidURL, OSError, UnicodeError))


def is_timeout(error: BaseException | None) -> bool:
    """Whether an error is a timeout of the connection."""
    return isinstance(error, httpcore.TimeoutException)


class Connection:
    """A connection for the requests of one thread, one after the other, to one host through one proxy."""

    def __init__(self, url: str, proxy: str = "") -> None:
        self.socket: socket.socket | None = None  # a duplicate, because TLS takes over the socket itself
        self._leads_to = _host_of(url), proxy
        self.begin: Callable[[], None] = lambda: None  # called before the first byte of a request
        layers = sum(address.startswith("https:") for address in (url, proxy))
        backend = _Backend(lambda stream: self._opened(stream, layers))
        self._connection = _pool(backend, url, proxy).create_connection(_parsed(url).origin)

    def leads_to(self, url: str, proxy: str) -> bool:
        """Whether the connection is open, as far as this side knows, to the host of ``url`` through ``proxy``."""
        dead = self._connection.has_expired() or self._connection.is_closed()
        return not dead and self._leads_to == (_host_of(url), proxy)

    def send(self, request: Request, key: str, timeout: float, begin: Callable[[], None]) -> Head:
        """Write ``request`` and return the head of its answer. ``begin`` is called before the first byte, and may raise."""
        self.begin = begin
        body = request.body.encode()
        wire = httpcore.Request(
            request.method,
            _parsed(request.url),
            headers=_headers(request.method, request.url, request.headers, key, len(body)),
            content=body,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write"), timeout)},
        )
        return _head(self._connection.handle_request(wire))

    def _opened(self, stream: httpcore.NetworkStream, layers: int) -> httpcore.NetworkStream:
        self.socket = stream.get_extra_info("socket").dup()
        return _Stream(stream, layers, self)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class _Backend(httpcore.NetworkBackend):
    """Opens streams, and returns what ``opened`` makes of them."""

    def __init__(self, opened: Callable[[httpcore.NetworkStream], httpcore.NetworkStream]) -> None:
        self._opened = opened
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(self, *address: Any, **options: Any) -> httpcore.NetworkStream:
        return self._opened(self._sockets.connect_tcp(*address, **options))


class _Stream(httpcore.NetworkStream):
    """A stream that writes a request in one piece, and calls ``begin`` of its connection before the first byte.

    The request goes over the stream after the last of ``tls_layers``; a CONNECT to a proxy, over an earlier one, is not the
    request itself.
    """

    def __init__(self, stream: httpcore.NetworkStream, tls_layers: int, connection: Connection) -> None:
        self._stream = stream
        self._tls_layers = tls_layers
        self._connection = connection
        self._unwritten: list[bytes] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._unwritten.append(buffer)
        self._timeout = timeout

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._unwritten:
            self._write_all()
        return self._stream.read(max_bytes, timeout)

    def _write_all(self) -> None:
        if not self._tls_layers:
            self._connection.begin()
        whole = b"".join(self._unwritten)
        self._unwritten.clear()
        with suppress(httpcore.WriteError):  # a server may close the connection early and still have answered
            self._stream.write(whole, self._timeout)

    def start_tls(self, *context: Any, **options: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*context, **options), self._tls_layers - 1, self._connection)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()


def _pool(backend: _Backend, url: str, proxy: str) -> httpcore.ConnectionPool:
    """Return what makes connections to the host of ``url``; a pool itself would open and close them unasked."""
    tls = _tls(url)
    if not proxy:
        return httpcore.ConnectionPool(tls, keepalive_expiry=_IDLE_SECONDS, network_backend=backend)
    through = httpx.Proxy(proxy)
    return httpcore.HTTPProxy(
        _parsed(proxy),
        through.raw_auth,
        ssl_context=tls,
        proxy_ssl_context=_tls(proxy),
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=backend,
    )


def _head(answer: httpcore.Response) -> Head:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers)
    reason = bytes(answer.extensions["reason_phrase"]).decode("ascii", "ignore")
    return Head(answer.status, reason, headers, cast("Iterable[bytes]", answer.stream), answer.close)


def _host_of(url: str) -> str:
    """Return a URL up to its path."""
    return "/".join(url.split("/", 3)[:3])


@lru_cache(maxsize=4)  # the rows of a run have one URL
def _parsed(url: str) -> httpcore.URL:
    parsed = httpx.URL(url)
    return httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)


@lru_cache(maxsize=16)  # and bodies of few lengths
def _headers(
    method: str, url: str, given: tuple[tuple[str, str | Secret], ...], key: str, length: int
) -> list[tuple[bytes, bytes]]:
    """Return all headers of a request with a body of ``length`` bytes."""
    headers = [(name, key if isinstance(value, Secret) else value) for name, value in given]
    return httpx.Request(method, url, headers=[*headers, *CLIENT_HEADERS], content=b"\0" * length).headers.raw


def _tls(url: str) -> ssl.SSLContext | None:
    if not url.startswith("https:"):
        return None
    import certifi

    return _tls_context(certifi.where())


@cache
def _tls_context(authorities: str) -> ssl.SSLContext:
    """Return the context of every https connection of this process; reading the file of authorities takes 13 ms."""
    return ssl.create_default_context(cafile=authorities)


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
