"""Answer every request with the same 202, over connections that stay open: a server that costs next to nothing.

Usage: python bench/server.py [--delay SECONDS] [--tls CERTIFICATE KEY]

It prints its base URL and runs until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import ssl

BODY = b'{"code": "WA202", "message": "Request Accepted", "data": {"message_id": "AXXXXXXXXXXXXXXXXXXX"}, "error": {}}'
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class Answers(asyncio.Protocol):
    """A connection."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self.unread, 0, end + 2)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.unread) < whole:
                return
            self.take(self.unread[end + 4 : whole])
            self.unread = self.unread[whole:]
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.transport.write, ANSWER)
            else:
                self.transport.write(ANSWER)

    def take(self, body: bytes) -> None:
        """Do nothing with the body of a request."""


async def main() -> None:
    """Serve on a free port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--tls", nargs=2)
    given = parser.parse_args()
    tls = None
    if given.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*given.tls)
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: Answers(given.delay), "127.0.0.1", 0, ssl=tls, backlog=256)
    port = listening.sockets[0].getsockname()[1]
    print(f"{'https' if tls else 'http'}://127.0.0.1:{port}", flush=True)
    await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
