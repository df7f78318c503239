"""Load the simulator over HTTP: 64 clients send to a thousand phones while a hundred wait; then messages of 1 MiB.

Usage: python bench/sandbox.py [MESSAGES [LARGE [CALLBACKS]]]

By default 500,000 messages, 10,000 of 1 MiB, and 10,000 with callbacks and a delay of 0. It stops if a message is lost, if a
client that waits is answered without its message, if a callback is lost or out of order, or if the process has held more than
256 MB. The rates are printed and not judged, because they depend on the machine.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

CLIENTS = 64
CLIENTS_OF_LARGE = 16  # the simulator holds at most 32 MiB of bodies, and tells others to try again later
WAITING = 100
PHONES = 1_000
LARGE_TEXT = "x" * ((1 << 20) - 2_000)
MEMORY = 256 << 20  # bytes
HEAD = "POST /v2/HXSANDBOXIN/whatsapp/+15005550000/messages HTTP/1.1\r\nHost: localhost\r\napi-key: any\r\n"


def request(to: str, more: str = "") -> bytes:
    """Return a complete request that sends a message; ``more`` is text that makes it larger."""
    parameters = [{"type": "text", "text": "482913"}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    message = {"messaging_product": "whatsapp", "to": to, "template": template}
    body = json.dumps({"messaging_object": message, "more": more}).encode()
    return f"{HEAD}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read an answer with a length or in chunks; return its status and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = int(head.split(" ", 2)[1])
    if length := re.search(r"(?i)content-length: (\d+)", head):
        return status, await reader.readexactly(int(length[1]))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return status, body


async def send(port: int, numbers: range, more: str) -> None:
    """Send a message for each of ``numbers`` on one connection, each to another phone."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in numbers:
        writer.write(request(f"+9198{number % PHONES:06}", more))
        status, _ = await answer(reader)
        assert status == 202
    writer.close()


async def wait(port: int, number: int, rounds: int) -> int:
    """Wait ``rounds`` times for the next message to a phone; return how many came. Each comes after the one before."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    after = got = 0
    to = f"+9198{number:06}"
    for _ in range(rounds):
        writer.write(f"GET /inbox?to={to}&after={after}&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        status, body = await answer(reader)
        messages = json.loads(body)
        assert status == 200
        assert messages
        assert {message["recipient"] for message in messages} == {to}
        after, got = messages[-1]["id"], got + len(messages)
    writer.close()
    return got


async def load(port: int, messages: int, clients: int = CLIENTS, more: str = "") -> float:
    """Send messages while others wait, if the messages are many; return the seconds."""
    begun = time.perf_counter()
    rounds = min(5, messages // PHONES) if not more else 0
    waiting = [asyncio.create_task(wait(port, number, rounds)) for number in range(WAITING if rounds else 0)]
    await asyncio.gather(*(send(port, range(client, messages, clients), more) for client in range(clients)))
    await asyncio.gather(*waiting)
    return time.perf_counter() - begun


class Hook:
    """A server that counts the callbacks of each message and their order."""

    def __init__(self) -> None:
        self.statuses: defaultdict[str, list[str]] = defaultdict(list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one callback."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)content-length: (\d+)", head)
        assert length
        body = json.loads(await reader.readexactly(int(length[1])))
        self.statuses[body["message_id"]].append(body["status"])
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()


def started(*words: str) -> tuple[subprocess.Popen[str], int]:
    """Start ``kshell sandbox`` on a free port; return the process and the port."""
    program = [str(Path(sys.executable).parent / "kshell"), "sandbox", "--port", "0", "--quiet", *words]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)  # a bench that stops leaves nothing running
    assert process.stdout
    return process, int(process.stdout.readline().rpartition(":")[2])


def report(process: subprocess.Popen[str], what: str, count: int, seconds: float) -> None:
    """Print a row; stop if the process has held too much memory."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found
    most = int(found[1]) << 10
    print(f"{what:<36} {count:>9,} {count / seconds:>9,.0f}/s {most >> 20:>5} MiB at most")
    assert most < MEMORY


async def callbacks(count: int) -> None:
    """Send messages whose statuses are posted at once; each must arrive once and in order."""
    hook = Hook()
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0, backlog=1024)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    process, port = started("--callback", url, "--delay", "0")
    begun = time.perf_counter()
    await load(port, count)
    while sum(map(len, hook.statuses.values())) < 3 * count:
        await asyncio.sleep(0.1)
    report(process, "callbacks, three a message", 3 * count, time.perf_counter() - begun)
    await asyncio.sleep(0.5)
    assert len(hook.statuses) == count
    assert {tuple(statuses) for statuses in hook.statuses.values()} == {("sent", "delivered", "read")}
    process.terminate()
    assert process.wait(5) == 0


def main() -> None:
    """Run the three loads."""
    messages, large, called = [*map(int, sys.argv[1:]), *(500_000, 10_000, 10_000)[len(sys.argv) - 1 :]]
    process, port = started()
    report(process, "messages, 100 clients waiting", messages, asyncio.run(load(port, messages)))
    report(process, "messages of 1 MiB", large, asyncio.run(load(port, large, CLIENTS_OF_LARGE, LARGE_TEXT)))
    process.terminate()
    assert process.wait(5) == 0
    asyncio.run(callbacks(called))


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
