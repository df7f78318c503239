"""Read the inbox of ``kshell sandbox`` over HTTP. Nothing secret is sent, and only to this machine."""

import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from kshell.core.endpoint import Endpoint
from kshell.core.errors import SetupError, UsageError
from kshell.core.exchange import Response
from kshell.core.models import Request, is_loopback
from kshell.simulator.inbox import from_json
from kshell.transport.client import Attempt, Route

_INBOX = Endpoint("inbox", "The simulator's inbox", "Read the simulator's messages", "GET", "/inbox")
_MOST = 32 << 20  # bytes; an inbox keeps 16 MiB of messages
_ANSWERS_WITHIN = 10.0  # seconds, beside the wait
_LONGEST_WAIT = 60.0  # seconds that the sandbox lets a request wait
_TEXTS = 10  # the first fields of ``Delivered`` are texts


def fetch_messages(base_url: str, to: str = "", *, wait: float = 0) -> list[dict[str, Any]]:
    """Return the messages that the sandbox at ``base_url`` keeps, oldest first, as JSON; with ``to`` those to that number.

    If there is none, it waits up to ``wait`` seconds for one. Raises ``UsageError`` for a URL that is not on this machine,
    ``SetupError`` if no sandbox answers there, and ``KeyboardInterrupt``.
    """
    if not (base_url.startswith("http://") and is_loopback(base_url)):
        hint = "kshell sandbox runs on this machine: http://127.0.0.1:PORT"
        raise UsageError(f"{base_url} is not on this machine", hint=hint)
    while True:
        turn = min(wait, _LONGEST_WAIT)
        messages = _fetched(base_url, {"to": to, "wait": f"{turn:g}"}, turn + _ANSWERS_WITHIN)
        wait -= turn
        if messages or wait <= 0:
            return messages


def _fetched(base_url: str, values: dict[str, str], timeout: float) -> list[dict[str, Any]]:
    query = urlencode({name: value for name, value in values.items() if value not in ("", "0")})
    url = f"{base_url.rstrip('/')}{_INBOX.path}{'?' if query else ''}{query}"
    attempt = Attempt(Request(_INBOX, url, (), {}), lambda: "", Route(timeout))
    exchange = attempt.run(_MOST)
    if exchange.interrupted:
        raise KeyboardInterrupt
    if attempt.received is None:
        details = [exchange.error.message] if exchange.error else []
        hint = f"start it: kshell sandbox --port {urlsplit(base_url).port or 80}"
        raise SetupError(f"no sandbox answers at {base_url}", hint=hint, details=details)
    return _messages(base_url, attempt.received)


def _messages(base_url: str, response: Response) -> list[dict[str, Any]]:
    try:
        messages: Any = json.loads(response.body) if response.status == _INBOX.success else None
        texts = [text for message in messages for text in from_json(message)[:_TEXTS]]
        if not isinstance(messages, list) or not all(isinstance(text, str) for text in texts):
            raise TypeError("not a list of messages")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        hint = (
            f"give the URL that kshell sandbox printed; another program has this one, which answers {response.status}"
        )
        raise SetupError(f"what answers at {base_url} is not kshell's sandbox", hint=hint) from None
    return messages
