"""What the simulator serves beside the API: the phone page, the inbox, its events, and answers to ask for.

Every page loads nothing from elsewhere and runs nothing that a message holds: see the policy in its headers.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from sse_starlette import EventSourceResponse
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from kshell.simulator.documented import (
    FAILURES,
    MAGIC_KEYS,
    MAGIC_RECIPIENTS,
    MAGIC_SENDERS,
    MAGIC_SIDS,
    SERVER_ERROR,
    Failure,
)
from kshell.simulator.statuses import META_TITLES
from kshell.simulator.watching import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping

    from starlette.requests import Request

    from kshell.simulator.inbox import Inbox
    from kshell.simulator.simulator import Simulator

    Event = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Event]]
    Send = Callable[[Event], Awaitable[None]]

WAITING_LIMIT = 150  # requests that wait or get events
LONGEST_WAIT = 60.0  # seconds
_NEXT_LIMIT = 4 << 10  # bytes of a body of POST /next
_PIECE = 64 << 10  # bytes: the most of a response that is sent at once
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_SECURITY = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Knowledge(NamedTuple):
    """What the simulator serves and does not know: the meanings of Meta's codes, and the endpoint as OpenAPI in JSON."""

    meanings: Mapping[int, str] = {}
    openapi: str = ""


class Pages:
    """The pages as an ASGI application. ``otherwise`` answers for every other path."""

    def __init__(
        self, simulator: Simulator, on_request: Callable[[str], None], knowledge: Knowledge, otherwise: Any
    ) -> None:
        self._simulator = simulator
        self._on_request = on_request
        self._knowledge = knowledge
        self.watch = Watch(simulator.kept)
        self._waiting = 0  # requests that wait, or get events
        routes = [
            Route("/", self._front),
            Route("/phone.css", _file),
            Route("/phone.js", _file),
            Route("/inbox", self._inbox, methods=["GET", "DELETE"]),
            Route("/inbox/events", self._events),
            Route("/next", self._next, methods=["POST"]),
            Route("/openapi.json", self._openapi),
        ]
        self._paths = {route.path for route in routes}
        self._router = Router(routes, redirect_slashes=False)
        self._otherwise = otherwise

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer one request, and write the line about it."""
        if scope["path"] not in self._paths:
            await self._otherwise(scope, receive, send)
            return
        name = scope["path"].strip("/") or ("phone page" if _wants_html(scope) else "about")

        async def described(event: Event) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event["headers"], *_SECURITY_HEADERS]
                self._on_request(f"{event['status']} {name}")
            await send(event)

        await self._router(scope, receive, described)

    async def _front(self, request: Request) -> Response:
        if _wants_html(request.scope):
            return Response(_read("phone.html"), media_type="text/html")
        return _json(self._about())

    async def _openapi(self, _: Request) -> Response:
        return Response(self._knowledge.openapi, media_type="application/json")

    async def _inbox(self, request: Request) -> Response:
        """The messages as a JSON list, one on each line, or forget them; with ``wait``, wait for one."""
        if request.method == "DELETE":
            self._simulator.clear()
            return Response(status_code=204)
        query = request.query_params
        try:
            after, seconds = int(query.get("after", 0)), float(query.get("wait", 0))
            if after < 0 or not 0 <= seconds <= LONGEST_WAIT:
                raise ValueError
        except ValueError:
            return _refused(
                400, "query", f"after is the id of a message; wait is in seconds, from 0 to {LONGEST_WAIT:.0f}"
            )
        to = query.get("to", "").strip()
        to = f"+{to}" if to[:1].isdigit() else to  # in a query a plus stands for a space
        if seconds and not await self._waited(request, to, after, seconds):
            return _busy()
        lines = _pieces(self._simulator.kept, to, after)
        return StreamingResponse(lines, media_type="application/json") if request.method == "GET" else _json([])

    async def _waited(self, request: Request, to: str, after: int, seconds: float) -> bool:
        """Wait for a message, for the end of the time or of the connection. Return whether there was room to wait."""
        if self._waiting >= WAITING_LIMIT:
            return False
        tasks = [
            asyncio.ensure_future(self.watch.message(to, after, seconds)),
            asyncio.ensure_future(_disconnected(request)),
        ]
        with self._room():
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
        return True

    async def _events(self, request: Request) -> Any:
        if self._waiting >= WAITING_LIMIT:
            return _busy()
        last = request.headers.get("last-event-id", "")
        response = EventSourceResponse(
            self._stream(int(last) if last.isdecimal() and len(last) < 16 else None), sep="\n"
        )

        async def answer(scope: Event, receive: Receive, send: Send) -> None:
            with self._room():
                await response(scope, receive, send)

        return answer

    async def _stream(self, after: int | None) -> AsyncIterator[dict[str, str]]:
        async for event in self.watch.events(after):
            yield {"event": event.event, "id": str(event.id), "data": event.data}

    @contextmanager
    def _room(self) -> Iterator[None]:
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _next(self, request: Request) -> Response:
        """Keep an answer for the next message."""
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > _NEXT_LIMIT:
                return _refused(413, "body", f"the body has more than {_NEXT_LIMIT} bytes")
        try:
            answer, to = _asked(bytes(body))
            self._simulator.fail_next(answer, to)
        except ValueError as error:
            return _refused(400, "next", str(error))
        return Response(status_code=204)

    def _about(self) -> dict[str, Any]:
        """Return a description of the simulator, with the magic values and the meanings of Meta's codes."""

        def shown(magic: Mapping[str, Failure]) -> dict[str, str]:
            return {value: f"{failure.title}, {failure.code}" for value, failure in magic.items()}

        meanings = self._knowledge.meanings
        return {
            "name": "kshell sandbox",
            "what": "a simulator of the Send Authentication Template Messages API; nobody gets a message",
            "messages": "POST /v2/<sid>/whatsapp/<phone_number>/messages",
            "inbox": "GET /inbox",
            "pages": [
                "GET /inbox?to=+91…&after=<id>&wait=S",
                "GET /inbox/events",
                "DELETE /inbox",
                "POST /next",
                "GET /openapi.json",
            ],
            "magic": {
                "to": shown(MAGIC_RECIPIENTS),
                "api-key": shown(MAGIC_KEYS),
                "sid": shown(MAGIC_SIDS),
                "phone_number": shown(MAGIC_SENDERS),
            },
            "failing": "a message to +1500<code>0 is accepted, and fails with that code of Meta's",
            "errors": {str(code): meanings.get(code, title) for code, title in META_TITLES.items()},
        }


_SECURITY_HEADERS = [(name.encode(), value.encode()) for name, value in _SECURITY.items()]


def _wants_html(scope: Event) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


async def _file(request: Request) -> Response:
    name = request.scope["path"].strip("/")
    return Response(_read(name), media_type="text/css" if name.endswith(".css") else "text/javascript")


def _read(name: str) -> str:
    return files("kshell.simulator").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value, indent=2) + "\n", status, media_type="application/json")


def _refused(status: int, name: str, why: str) -> Response:
    """Return a refusal in the form of the API's."""
    return _json({"code": str(status), "message": why, "data": {}, "error": {name: why}}, status)


def _busy() -> Response:
    return _json(SERVER_ERROR.body, SERVER_ERROR.status)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _asked(body: bytes) -> tuple[str | int, str]:
    """Return the answer and the recipient that a body of POST /next names. Raises ``ValueError`` for another body."""
    form = 'write {"answer": "low-balance"} or {"status": "failed", "code": 131026}; "to" names a recipient'
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(f"the body is not JSON: {form}") from None
    match asked:
        case {"answer": str(answer), **rest} if answer in FAILURES:
            pass
        case {"status": "failed", "code": int(answer), **rest} if answer in META_TITLES:
            pass
        case {"answer": _}:
            raise ValueError(f"answer is one of {', '.join(FAILURES)}")
        case {"status": "failed", "code": _}:
            raise ValueError(f"code is one of {', '.join(map(str, META_TITLES))}")
        case _:
            raise ValueError(form)
    to = rest.pop("to", "")
    if rest or not isinstance(to, str):
        raise ValueError(form)
    return answer, to


async def _pieces(inbox: Inbox, to: str, after: int) -> AsyncIterator[bytes]:
    """Yield a JSON list of messages in pieces of about 64 KiB.

    Other requests are served between two pieces. At most one message more is held, so a slow reader costs little memory.
    """
    text, between = b"[", b"\n"
    for line in inbox.lines(to, after):
        text += between + line
        between = b",\n"
        if len(text) >= _PIECE:
            for start in range(0, len(text), _PIECE):
                yield text[start : start + _PIECE]
                await asyncio.sleep(0)
            text = b""
    yield text + (b"]\n" if between == b"\n" else b"\n]\n")
