"""The simulator as an ASGI application: the API at ``/v2/…``, and the pages beside it.

Requests that a page of another site may have made get a 403. The log line about a request contains no key, code or phone
number. ``BODY_LIMIT`` bounds one body, ``BODIES_LIMIT`` all bodies together.
"""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import Executor
from functools import lru_cache
from typing import Any

from kshell.core.exchange import Response
from kshell.core.models import is_loopback
from kshell.simulator.documented import FOREIGN, SERVER_ERROR
from kshell.simulator.inbox import Kept
from kshell.simulator.pages import Knowledge, Pages
from kshell.simulator.payload import BODY_LIMIT
from kshell.simulator.simulator import ACCEPTED_CODE, Simulator, refusal

Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Headers = list[tuple[str, str]]

BODIES_LIMIT = 32 << 20  # bytes
_SMALL = 16 << 10  # bytes: a body that is read sooner than it is handed to another thread
_LARGE = 64 << 10  # bytes: a body that is refused while there are too many
_AUTHORITY = re.compile(r"[A-Za-z0-9.:\[\]-]{1,300}")


class App:
    """The ASGI application. ``worker`` is the single thread in which the simulator reads large payloads."""

    def __init__(
        self, simulator: Simulator, on_request: Callable[[str], None], worker: Executor, knowledge: Knowledge
    ) -> None:
        self._simulator = simulator
        self._on_request = on_request
        self._worker = worker
        self._held = 0  # bytes of all bodies that are in memory
        self._thread = threading.local()  # ``reached``: the recipients of the request that this thread handles
        self._pages = Pages(simulator, on_request, knowledge, self._answer)

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not is_from_here(scope["headers"]):
            self._on_request("403 403, 0 recipients")
            await _send(refusal(FOREIGN), send)
        elif scope["path"].startswith("/v2/"):
            await self._answer(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def _answer(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer a request to the API, or to a path that does not exist; nothing if the client disconnected.

        The body is cut just over the size limit. While all bodies together exceed ``BODIES_LIMIT``, the response to a
        large one is WA500, "Please try again later".
        """
        body = bytearray()
        more = True
        try:
            while more and len(body) <= BODY_LIMIT:
                event = await receive()
                if event["type"] == "http.disconnect":
                    return
                body += event["body"]
                self._held += len(event["body"])
                if self._held > BODIES_LIMIT and len(body) > _LARGE:
                    response, line = refusal(SERVER_ERROR), "500 WA500, 0 recipients"
                    break
                more = event["more_body"]
            else:
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
                request = (scope["method"], scope["raw_path"].decode("latin-1"), headers, bytes(body))
                if len(body) <= _SMALL:
                    response, line = self._handle(request)
                else:
                    loop = asyncio.get_running_loop()
                    response, line = await loop.run_in_executor(self._worker, self._handle, request)
        finally:
            self._held -= len(body)
        self._on_request(line)
        await _send(response, send)

    def _handle(self, request: tuple[str, str, Headers, bytes]) -> tuple[Response, str]:
        """Return the simulator's response and a log line with the number of recipients, ``202 WA202, 2 recipients``."""
        self._thread.reached = 0
        response = self._simulator.handle(*request)
        reached = self._thread.reached
        code = ACCEPTED_CODE if response.status == 202 else json.loads(response.body)["code"]
        return response, f"{response.status} {code}, {reached} recipient{'' if reached == 1 else 's'}"

    def on_added(self, _id: int, _kept: Kept, recipients: Mapping[str, int]) -> None:
        """Count the recipients for the log, and wake those who wait for a message. The inbox calls this in any thread."""
        self._thread.reached = len(recipients)
        self._pages.watch.wake(recipients)


def is_from_here(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether there is one ``Host``, and it and every ``Origin`` are loopback. Names of headers are in lower case.

    A site whose name resolves to 127.0.0.1 (DNS rebinding) sends that name as ``Host``. A browser adds ``Origin`` to the
    requests of another site's page.
    """
    named = list(headers)
    hosts = [value for name, value in named if name == b"host"]
    origins = [value for name, value in named if name == b"origin"]
    return len(hosts) == 1 and _is_loopback_host(hosts[0]) and all(is_loopback(it.decode("latin-1")) for it in origins)


@lru_cache(16)
def _is_loopback_host(host: bytes) -> bool:
    text = host.decode("latin-1")
    return bool(_AUTHORITY.fullmatch(text)) and is_loopback(f"http://{text}")


async def _send(response: Response, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
