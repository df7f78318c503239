"""The least application that checks a message as the API's page demands: what the simulator over HTTP is compared with.

Usage: python bench/bare_app.py

It is served by uvicorn as kshell serves its simulator: over httptools and uvloop if they are installed. It keeps nothing, does
not look for half surrogate pairs and deep nesting, and answers only ``POST /v2/<sid>/whatsapp/<phone_number>/messages``. It
prints its base URL and runs until it is ended.
"""

from __future__ import annotations

import json
import os
import re
import socket
from typing import Any

import uvicorn

MOST_BODY = 1 << 20  # bytes
PATH = re.compile(r"/v2/([^/]+)/whatsapp/([^/]+)/messages")
NUMBER = re.compile(r"\+[1-9][0-9X]{6,14}")
HEADERS = [(b"content-type", b"application/json; charset=utf-8")]
HOSTS = re.compile(rb"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")
NO_ACCOUNT = {"code": "RBC001", "message": "Incorrect SID or API key.", "data": []}
WRONG = {"code": "WA400", "message": "Refer to correct payload format", "data": {}}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request."""
    body, more = b"", True
    while more and len(body) <= MOST_BODY:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    status, answer = answered(scope, body)
    text = json.dumps(answer).encode()
    length = (b"content-length", str(len(text)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*HEADERS, length]})
    await send({"type": "http.response.body", "body": text})


def answered(scope: Any, body: bytes) -> tuple[int, Any]:
    """Return the status and the JSON of the answer."""
    headers = dict(scope["headers"])
    if not HOSTS.fullmatch(headers.get(b"host", b"")) or b"origin" in headers:
        return 403, WRONG
    address = PATH.fullmatch(scope["path"])
    if not address or scope["method"] != "POST":
        return 404, WRONG
    if not headers.get(b"api-key") or not NUMBER.fullmatch(address[2]):
        return 401, NO_ACCOUNT
    try:
        if headers[b"content-type"].partition(b";")[0] != b"application/json" or len(body) > MOST_BODY:
            return 400, WRONG
        check(json.loads(body, object_pairs_hook=without_duplicates, parse_constant=refuse))
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return 400, WRONG
    message_id = "A" + os.urandom(10).hex().upper()[1:]
    return 202, {"code": "WA202", "message": "Request Accepted", "data": {"message_id": message_id}, "error": {}}


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises ``ValueError`` if it has a key twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def check(payload: Any) -> None:
    """Raise an error if the payload is incorrect."""
    message = payload["messaging_object"]
    kinds = (message["messaging_product"], message.get("recipient_type", "individual"), message.get("type", "template"))
    demand(kinds == ("whatsapp", "individual", "template"))
    demand(all(map(NUMBER.fullmatch, message["to"].split(","))))
    template = message["template"]
    text(template["name"])
    text(template["language"]["code"])
    body, *buttons = sorted(template["components"], key=lambda component: component["type"])
    demand(body["type"] == "body" and 1 <= len(buttons) <= 10)
    demand(len({*map(index, buttons)}) == len(buttons) and len({*map(code, (body, *buttons))}) == 1)
    extra = payload.get("extra_info", {})
    demand(all(isinstance(extra.get(name, ""), str) for name in ("ref", "ref1", "ref2", "wa_source")))


def index(button: Any) -> int:
    """Return the index of a button."""
    demand(button["type"] == "button" and button["sub_type"] in ("url", "quick_reply", "catalog"))
    number = button["index"]
    demand(type(number) is int and 0 <= number < 10)
    return int(number)


def code(component: Any) -> str:
    """Return the code in a component."""
    [parameter] = component["parameters"]
    demand(parameter["type"] == "text" and len(parameter["text"]) <= 15)
    return text(parameter["text"])


def text(value: Any) -> str:
    """Return a text that is not empty."""
    demand(isinstance(value, str) and value)
    return str(value)


def demand(holds: object) -> None:
    """Raise ``ValueError`` if a condition does not hold."""
    if not holds:
        raise ValueError


def refuse(constant: str) -> None:
    """Raise ``ValueError`` for NaN and Infinity, which are not JSON."""
    raise ValueError(constant)


def main() -> None:
    """Serve on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False, proxy_headers=False
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
