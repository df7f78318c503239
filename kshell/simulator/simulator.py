"""Simulate the API from its page alone: ``Simulator.handle`` takes a request and returns the response.

The simulator does not use kshell's rules, so the checker and the simulator can disagree. Sentences in quotes are the
page's. The page leaves the following open; the simulator decides it (``payload`` does so for the payload):

1.  Order: path, method, key, SID, sender number, content type, payload, recipients. The first fault is the answer.
2.  Any SID of printable characters, any key that is not empty and any E.164 sender number are accepted, except the magic
    ones. A SID with a control character, or another that cannot be printed, is RBC001. A magic account always gets the
    same failure. Of several magic recipients the first decides, and nobody gets a message.
3.  ``X`` may replace a digit of a number, as on the page.
4.  The answer to an unknown path is 404 and to any method but POST 405, in the form of the page's failures. A query is
    ignored; every part of the path may be percent-encoded.
5.  A header that is given twice counts as missing. Parameters of the content type (``; charset=…``) are ignored. A wrong
    content type is WA400.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kshell.core.models import Response
from kshell.simulator.documented import (
    INCORRECT_KEY,
    INCORRECT_PAYLOAD,
    MAGIC_KEYS,
    MAGIC_RECIPIENTS,
    MAGIC_SENDERS,
    MAGIC_SIDS,
    NO_SUCH_PATH,
    UNKNOWN_NUMBER,
    WRONG_METHOD,
)
from kshell.simulator.inbox import Delivered, Inbox
from kshell.simulator.payload import E164, read_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kshell.core.models import Payload
    from kshell.simulator.documented import Failure
    from kshell.simulator.payload import Message


def new_message_id() -> str:
    """Return a new id in the form of the page's ``AXXXXXXXXXXXXXXXXXXX``."""
    import secrets  # costs more to import than the rest of this module

    return "A" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(19))


class Simulator:
    """The API's side of one endpoint. It has no accounts, and keeps only the inbox: ``kept``."""

    def __init__(self, *, new_id: Callable[[], str] = new_message_id) -> None:
        self._new_id = new_id
        self.kept = Inbox()

    @property
    def inbox(self) -> tuple[Delivered, ...]:
        """The newest delivered messages, oldest first: at most 1,000 messages and 16 MiB of JSON."""
        return self.kept.messages()

    def handle(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
        """Return the response to a request; ``target`` is as on the request line. Never raises."""
        address = _address(target)
        if address is None:
            return refusal(NO_SUCH_PATH)
        if method != "POST":
            return refusal(WRONG_METHOD, ("allow", "POST"))
        sent = _once_each(headers)
        failure = _account_failure(sent.get("api-key", ""), *address)
        if failure:
            return refusal(failure)
        return self._take(address[1], sent.get("content-type", ""), body)

    def _take(self, sender: str, content_type: str, body: bytes) -> Response:
        """Return the response to a valid account that posts ``body``."""
        try:
            message = read_message(content_type, body)
        except (ValueError, RecursionError):
            return refusal(INCORRECT_PAYLOAD)
        failure = next((MAGIC_RECIPIENTS[number] for number in message.recipients if number in MAGIC_RECIPIENTS), None)
        return refusal(failure) if failure else self._deliver(sender, message)

    def _deliver(self, sender: str, message: Message) -> Response:
        """Add one message for each recipient to the inbox, all with the request's one message id."""
        message_id = self._new_id()
        self.kept.add(message.recipients, Delivered("", sender, message_id, *message[1:]))
        answer: Payload = {
            "code": "WA202",
            "message": "Request Accepted",
            "data": {"message_id": message_id},
            "error": {},
        }
        return _json_response(202, "Accepted", answer)


def _json_response(status: int, reason: str, answer: Payload, *headers: tuple[str, str]) -> Response:
    body = json.dumps(answer).encode()
    described = (("content-type", "application/json; charset=utf-8"), ("content-length", str(len(body))))
    return Response(status, reason, (*described, *headers), body)


def refusal(failure: Failure, *headers: tuple[str, str]) -> Response:
    """Return the response that refuses a request with ``failure`` and additional ``headers``."""
    return _json_response(failure.status, failure.reason, failure.body, *headers)


def _address(target: str) -> tuple[str, str] | None:
    """Return the SID and the sender number in ``/v2/<sid>/whatsapp/<phone_number>/messages``; None for another path."""
    from urllib.parse import unquote

    match [unquote(part) for part in target.partition("?")[0].split("/")]:
        case ["", "v2", sid, "whatsapp", sender, "messages"] if sid and sender:
            return sid, sender
    return None


def _once_each(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by lower-case name, without those given more than once."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value.strip())
    return {name: texts[0] for name, texts in values.items() if len(texts) == 1}


def _account_failure(key: str, sid: str, sender: str) -> Failure | None:
    if not key or not sid.isprintable():
        return INCORRECT_KEY  # "Incorrect SID or API key."
    known = MAGIC_KEYS.get(key) or MAGIC_SIDS.get(sid) or MAGIC_SENDERS.get(sender)
    return known or (None if E164.fullmatch(sender) else UNKNOWN_NUMBER)
