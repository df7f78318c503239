"""Send to servers that do random steps, and count what goes wrong.

    python bench/schedules.py [COUNT] [SEED]

COUNT is 10,000 by default. A server reads, writes parts of answers, pauses, closes and resets in a random order. A fault is a
second request or connection, "not sent" although the server received a byte, or "accepted" without a 202. The exit code is 1
if there is a fault.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

from support.servers import ACCEPTED, Server, answer, close, pause, read, refusal, reset, say  # noqa: E402 - see above

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION  # noqa: E402
from kshell.core.exchange import Delivery, Exchange  # noqa: E402
from kshell.core.models import Request, Secret  # noqa: E402
from kshell.transport.client import Route, send  # noqa: E402

HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"
STEPS = {
    "read": read, "close": close, "reset": reset, "pause": pause(0.005), "late": pause(0.08), "head": say(HEAD),
    "line": say(b"\r\n"), "length": say(b"Content-Length: 91\r\n\r\n"), "body": say(ACCEPTED), "half": say(ACCEPTED[:40]),
    "100": say(b"HTTP/1.1 100 Continue\r\n\r\n"), "noise": say(b"\xff"), "202": answer(202, ACCEPTED),
    "302": answer(302, b"", ("Location", "/elsewhere")), "400": answer(400, refusal("E110")), "503": answer(503, b"<html>"),
}  # fmt: skip


def faults(server: Server, exchange: Exchange) -> list[str]:
    """Return what is wrong with the outcome of one send."""
    wrong = ["a second request"] if len(server.requests) > 1 else []
    wrong += ["a second connection"] if server.connections > 1 else []
    wrong += ["not sent, but received"] if exchange.delivery is Delivery.NOT_SENT and server.received else []
    status = exchange.response.status if exchange.response else 0
    wrong += ["accepted without a 202"] if exchange.delivery is Delivery.ACCEPTED and status != 202 else []
    return wrong


def main(count: int, seed: int) -> int:
    """Print the deliveries and the faults of ``count`` sends."""
    chance = random.Random(seed)  # noqa: S311 - orders, not secrets
    deliveries: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    headers = (("Content-Type", "application/json"), ("api-key", Secret("env", "KEY")))
    for _ in range(count):
        names = chance.choices([*STEPS], k=chance.randrange(7))
        with Server(*(STEPS[name] for name in names)) as server:
            request = Request(SEND_AUTHENTICATION, f"{server.url}/v2/HX1IN/whatsapp/+1/messages", headers, {})
            exchange = send(request, "Akey", Route(0.06))
        deliveries[str(exchange.delivery)] += 1
        for fault in faults(server, exchange):
            wrong[f"{fault}: {' '.join(names)}"] += 1
    for name, number in [*deliveries.most_common(), *wrong.most_common()]:
        print(f"{number:6}  {name}")
    print(f"{sum(wrong.values())} faults of {count}")
    return 1 if wrong else 0


if __name__ == "__main__":
    typed = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*typed, *[10_000, 1][len(typed) :]))
