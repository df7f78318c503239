"""Count, at a loopback server, how often each recipient was sent a message."""

from __future__ import annotations

import json
import socket
from collections import Counter
from typing import TYPE_CHECKING

from support.servers import ACCEPTED, answer, read

if TYPE_CHECKING:
    from support.servers import Connection, Server


def accept_all(connection: Connection) -> None:
    """Accept every message of a connection, which stays open."""
    while connection.stream.recv(1, socket.MSG_PEEK):
        read(connection)
        answer(202, ACCEPTED)(connection)


def messages_by_recipient(server: Server) -> Counter[str]:
    """Return how many messages the server received for each number, also those that it did not answer."""
    payloads = (json.loads(received.body) for received in server.requests)
    return Counter(payload["messaging_object"]["to"] for payload in payloads)


def rows_csv(count: int, first: int = 0) -> str:
    """Return the text of a CSV file with so many rows, each with a number and a code of its own."""
    return "to,otp\n" + "".join(f"+9198{number:08},{number:06}\n" for number in range(first, first + count))
