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

import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from kshell.core.exchange import Response
from kshell.core.models import Payload
from kshell.simulator.documented import (
    FAILURES,
    INCORRECT_KEY,
    INCORRECT_PAYLOAD,
    MAGIC_KEYS,
    MAGIC_RECIPIENTS,
    MAGIC_SENDERS,
    MAGIC_SIDS,
    NO_SUCH_PATH,
    UNKNOWN_NUMBER,
    WRONG_METHOD,
    Failure,
)
from kshell.simulator.inbox import Delivered, Inbox
from kshell.simulator.payload import E164, Message, read_message
from kshell.simulator.statuses import META_TITLES, NO_SUCH_TEMPLATE, magic_code

ACCEPTED_CODE = "WA202"
_NEXT_LIMIT = 1_000


class _Next(NamedTuple):
    """An answer that was asked for: a name in ``FAILURES`` or a code of Meta's. Without ``to`` any message gets it."""

    to: str
    answer: str | int


_NOTHING = _Next("", 0)


def new_message_id() -> str:
    """Return a new random id of 76 bits in the form of the page's ``AXXXXXXXXXXXXXXXXXXX``."""
    return "A" + os.urandom(10).hex().upper()[1:]


class Simulator:
    """The API's side of one endpoint. It has no accounts; it keeps the inbox, ``kept``, and the answers asked for.

    The statuses of a message are ``delay`` seconds apart. With ``approved``, which maps names of templates to languages,
    a message with another template fails with 132001. Several threads may use one simulator.
    """

    def __init__(
        self,
        *,
        new_id: Callable[[], str] = new_message_id,
        delay: float = 0,
        clock: Callable[[], float] = time.time,
        approved: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._new_id = new_id
        self._approved = approved
        self._next: deque[_Next] = deque()
        self._next_lock = threading.Lock()
        self.kept = Inbox(delay, clock)

    @property
    def inbox(self) -> tuple[Delivered, ...]:
        """The newest accepted messages, oldest first: at most 10,000 messages and 16 MiB of JSON."""
        return self.kept.messages()

    def fail_next(self, answer: str | int, to: str = "") -> None:
        """Let the next correct request fail; with ``to``, the next one to that number.

        ``answer`` is the name of a documented failure, such as ``low-balance``: the request is refused. Or it is a code of
        Meta's, such as 131026: the request is accepted, and the message, with ``to`` the one to that number, fails with the
        code. What is asked for several times is done as many times. Raises ``ValueError`` for an unknown answer or number.
        """
        if not isinstance(answer, str | int) or (answer not in FAILURES and answer not in META_TITLES):
            known = ", ".join([*FAILURES, *map(str, META_TITLES)])
            raise ValueError(f"there is no answer {answer!r}; known are: {known}")
        if to and not E164.fullmatch(str(to)):
            raise ValueError(f"{to!r} is not a number in E.164 form, such as +919812345678")
        with self._next_lock:
            if len(self._next) == _NEXT_LIMIT:
                raise ValueError(f"{_NEXT_LIMIT} answers are waiting for their messages already")
            self._next.append(_Next(to, answer))

    def clear(self) -> None:
        """Forget every message and every answer that was asked for."""
        with self._next_lock:
            self._next.clear()
        self.kept.clear()

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
        if content_type.partition(";")[0].strip().lower() != "application/json":  # "The only allowed value"
            return refusal(INCORRECT_PAYLOAD)
        try:
            message = read_message(body)
        except (ValueError, RecursionError):
            return refusal(INCORRECT_PAYLOAD)
        asked = self._take_next(message.recipients)
        failure = FAILURES.get(str(asked.answer)) or next(
            (MAGIC_RECIPIENTS[number] for number in message.recipients if number in MAGIC_RECIPIENTS), None
        )
        return refusal(failure) if failure else self._deliver(sender, message, asked)

    def _take_next(self, recipients: Collection[str]) -> _Next:
        """Return what was asked for first of a message to one of ``recipients``, and forget it."""
        if not self._next:
            return _NOTHING
        with self._next_lock:
            asked = next((asked for asked in self._next if not asked.to or asked.to in recipients), _NOTHING)
            if asked in self._next:
                self._next.remove(asked)
        return asked

    def _deliver(self, sender: str, message: Message, asked: _Next) -> Response:
        """Add one message for each recipient to the inbox, all with the request's one message id."""
        message_id = self._new_id()
        approved = self._approved is None or message.language in self._approved.get(message.template_name, ())
        otherwise = 0 if approved else NO_SUCH_TEMPLATE
        fails_with = {number: magic_code(number) or otherwise for number in message.recipients}
        if asked.answer:
            fails_with |= dict.fromkeys([asked.to] if asked.to else message.recipients, int(asked.answer))
        self.kept.add(fails_with, sender, message_id, message)
        return _json_response(202, "Accepted", _ACCEPTED % message_id)


def accepted(message_id: str) -> Payload:
    """Return the JSON of the answer that accepts a request, as the page shows it."""
    return {"code": ACCEPTED_CODE, "message": "Request Accepted", "data": {"message_id": message_id}, "error": {}}


_ACCEPTED = json.dumps(accepted("%s"))


def _json_response(status: int, reason: str, answer: str, *headers: tuple[str, str]) -> Response:
    body = answer.encode()
    described = (("content-type", "application/json; charset=utf-8"), ("content-length", str(len(body))))
    return Response(status, reason, (*described, *headers), body)


def refusal(failure: Failure, *headers: tuple[str, str]) -> Response:
    """Return the response that refuses a request with ``failure`` and additional ``headers``."""
    return _json_response(failure.status, failure.reason, json.dumps(failure.body), *headers)


@lru_cache(16)  # a program has one path, or a few
def _address(target: str) -> tuple[str, str] | None:
    """Return the SID and the sender number in ``/v2/<sid>/whatsapp/<phone_number>/messages``; None for another path."""
    match [unquote(part) for part in target.partition("?")[0].split("/")]:
        case ["", "v2", sid, "whatsapp", sender, "messages"] if sid and sender:
            return sid, sender
    return None


def _once_each(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by lower-case name; the value of one that is given more than once is empty."""
    values: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        values[name] = "" if name in values else value.strip()
    return values


def _account_failure(key: str, sid: str, sender: str) -> Failure | None:
    if not key or not sid.isprintable():
        return INCORRECT_KEY  # "Incorrect SID or API key."
    known = MAGIC_KEYS.get(key) or MAGIC_SIDS.get(sid) or MAGIC_SENDERS.get(sender)
    return known or (None if E164.fullmatch(sender) else UNKNOWN_NUMBER)
