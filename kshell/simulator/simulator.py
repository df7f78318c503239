"""The API stated a second time, from its page alone: ``Simulator.handle`` takes a request and returns the answer.

Nothing of kshell's own rules is used here, so that the checker and the simulator can disagree. Sentences in quotes are
the page's. What the page leaves open is decided here, and for the payload in ``payload``:

1.  Order: path, method, key, SID, sender number, content type, payload, recipients. The first fault is the answer.
2.  Any SID of printable characters, any key that is not empty and any E.164 sender number are right, but for the magic
    ones; a magic account fails the same way whatever it sends. A SID that holds a control character or another that
    cannot be printed is RBC001. Of several magic recipients the first decides, and then nobody gets anything.
3.  ``X`` stands for a digit of a number, as on the page.
4.  A path the page does not have is a 404 and any method but POST a 405, in the shape of the page's failures. A query
    is ignored; every part of the path may be percent-encoded.
5.  A header given twice counts as not given. Parameters of the content type (``; charset=…``) are ignored. A wrong
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
    """An id like the page's ``AXXXXXXXXXXXXXXXXXXX``."""
    import secrets  # costs more to import than the rest of this module

    return "A" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(19))


class Simulator:
    """The API's side of one endpoint. It knows no accounts and keeps nothing but the inbox, ``kept``."""

    def __init__(self, *, new_id: Callable[[], str] = new_message_id) -> None:
        self._new_id = new_id
        self.kept = Inbox()

    @property
    def inbox(self) -> tuple[Delivered, ...]:
        """What the recipients got, oldest first: the newest 1,000 messages, and of those the newest 16 MiB of JSON."""
        return self.kept.messages()

    def handle(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
        """The answer to a request; ``target`` is as on the request line. No request makes it raise."""
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
        """The answer to a right account that posts ``body``."""
        try:
            message = read_message(content_type, body)
        except (ValueError, RecursionError):
            return refusal(INCORRECT_PAYLOAD)
        failure = next((MAGIC_RECIPIENTS[number] for number in message.recipients if number in MAGIC_RECIPIENTS), None)
        return refusal(failure) if failure else self._deliver(sender, message)

    def _deliver(self, sender: str, message: Message) -> Response:
        """One message id for the request, one entry of the inbox for each recipient."""
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
    """The answer that refuses a request for ``failure``, with further ``headers``."""
    return _json_response(failure.status, failure.reason, failure.body, *headers)


def _address(target: str) -> tuple[str, str] | None:
    """The SID and the sender number in ``/v2/<sid>/whatsapp/<phone_number>/messages``."""
    from urllib.parse import unquote

    match [unquote(part) for part in target.partition("?")[0].split("/")]:
        case ["", "v2", sid, "whatsapp", sender, "messages"] if sid and sender:
            return sid, sender
    return None


def _once_each(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name, but those given more than once."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value.strip())
    return {name: given[0] for name, given in values.items() if len(given) == 1}


def _account_failure(key: str, sid: str, sender: str) -> Failure | None:
    if not key:
        return INCORRECT_KEY
    unprintable = None if sid.isprintable() else INCORRECT_KEY  # "Incorrect SID or API key."
    known = MAGIC_KEYS.get(key) or unprintable or MAGIC_SIDS.get(sid) or MAGIC_SENDERS.get(sender)
    return known or (None if E164.fullmatch(sender) else UNKNOWN_NUMBER)
