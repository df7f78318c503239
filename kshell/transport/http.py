"""The only use of httpx: open a connection, write one request, read its answer.

Proxy, netrc and certificate settings of the environment are ignored. Nothing is redirected or tried again.
"""

import socket
import ssl
import zlib
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

import httpx

from kshell import __version__
from kshell.core.models import Request, Secret

Trace = Callable[[str, dict[str, Any]], None]

CLIENT_HEADERS = (("User-Agent", f"kshell/{__version__}"), ("Accept", "*/*"), ("Accept-Encoding", "identity"))
Head = httpx.Response
"""The status line and headers of an answer, whose body is read separately."""

_IDLE_SECONDS = 1.0  # an older connection may have been closed by the server, so it is not used again


def is_fault(error: BaseException) -> bool:
    """Whether the network or the server caused an error; a host name that IDNA refuses is a bare ``UnicodeError``."""
    return isinstance(error, (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError))


def is_timeout(error: BaseException | None) -> bool:
    """Whether an error is a timeout of httpx."""
    return isinstance(error, httpx.TimeoutException)


class Connection:
    """A connection for the requests of one thread, one after the other, to one host through one proxy."""

    def __init__(self, url: str, proxy: str = "") -> None:
        self.scheme = scheme_of(url)
        self.proxy = proxy
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_SECONDS)
        # a client would add cookies, redirects and authentication, none of which are wanted
        self._transport = httpx.HTTPTransport(
            verify=_tls(self.scheme), trust_env=False, proxy=proxy or None, limits=limits
        )
        self.socket: socket.socket | None = None  # a duplicate, because TLS takes over the socket itself

    def send(self, request: Request, key: str, timeout: float, trace: Trace) -> Head:
        """Write ``request`` and return the head of its answer. ``trace`` is called at each step, and may raise."""
        body = request.body.encode()
        wire = httpx.Request(
            request.method,
            _parsed(request.url),
            headers=_headers(request.method, request.url, request.headers, key, len(body)),
            stream=httpx.ByteStream(body),
            extensions={"trace": trace, "timeout": httpx.Timeout(timeout).as_dict()},
        )
        head = self._transport.handle_request(wire)
        del wire.extensions["trace"]  # all was written; the answer refers to the request, and would refer to its reader
        return head

    def connected(self, stream: Any) -> None:
        """Keep a duplicate of the socket of a connection that was opened now."""
        self.forget_socket()
        self.socket = stream.get_extra_info("socket").dup()

    def forget_socket(self) -> None:
        """Close the duplicate of the socket."""
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()
        self.forget_socket()


def scheme_of(url: str) -> str:
    """Return the scheme of a URL, such as ``https``."""
    return url.partition(":")[0]


@lru_cache(maxsize=4)  # the rows of a run have one URL
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


@lru_cache(maxsize=16)  # and bodies of few lengths
def _headers(
    method: str, url: str, given: tuple[tuple[str, str | Secret], ...], key: str, length: int
) -> httpx.Headers:
    """Return all headers of a request with a body of ``length`` bytes."""
    headers = [(name, key if isinstance(value, Secret) else value) for name, value in given]
    return httpx.Request(method, _parsed(url), headers=[*headers, *CLIENT_HEADERS], content=b"\0" * length).headers


def _tls(scheme: str) -> ssl.SSLContext:
    if scheme != "https":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no certificates: http:// needs none, and loading them is slow
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
