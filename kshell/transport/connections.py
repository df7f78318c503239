"""Keep connections between the messages of a run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from kshell.transport.http import Connection


class KeptConnections:
    """Connections that are used again for the next message. Several threads may use them.

    There are as many connections as there are messages sent at a time. One is closed after anything unusual.
    """

    def __init__(self) -> None:
        self._free: list[Connection] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        while self._free:
            self._free.pop().close()

    def take(self, url: str, proxy: str) -> Connection:
        """Return a connection for one request: the one that was used last, or a new one."""
        from kshell.transport.http import Connection, scheme_of

        with suppress(IndexError):
            free = self._free.pop()
            if (free.scheme, free.proxy) == (scheme_of(url), proxy):
                return free
            free.close()
        return Connection(url, proxy)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if self._closed:
            connection.close()
        else:
            self._free.append(connection)
