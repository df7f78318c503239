"""The API stated a second time, from its page alone: ``Simulator.handle`` takes a request and returns the answer.

Nothing of kshell's own rules is used here, so that the checker and the simulator can disagree. Sentences in quotes are
the page's. What the page leaves open is decided here:

1.  Order: path, method, key, SID, sender number, content type, payload, recipients. The first fault is the answer.
2.  Any SID, any key that is not empty and any E.164 sender number are right, but for the magic ones; a magic account
    fails the same way whatever it sends. Of several magic recipients the first decides, and then nobody gets anything.
3.  ``X`` stands for a digit of a number, as on the page.
4.  A path the page does not have is a 404 and any method but POST a 405, in the shape of the page's failures. A query
    is ignored; every part of the path may be percent-encoded.
5.  A header given twice counts as not given. Parameters of the content type (``; charset=…``) are ignored. A wrong
    content type is WA400.
6.  WA400 is also a body that is over 1 MiB, nested deeper than 32 levels, not UTF-8, not one JSON object, has a key
    twice, or holds what JSON or Unicode has no place for (``NaN``, half a surrogate pair).
7.  A field the page does not name is accepted and kept. ``null`` is a value of the wrong type, not a missing field.
    A mandatory text is not empty.
8.  "This value must appear twice": both places hold the same code. In the page's sample they are masked differently
    (``J$FpXXXX``, ``J$FXXXXp``): where both codes hold a run of ``XXXX``, every ``X`` equals any character.
9.  ``parameters`` is an array of one object, as in the page's sample, and not the object its tables name.
10. There are one ``body`` and 1 to 10 ``button`` components in any order, no two buttons with one ``index``, and no
    others; all three values of ``sub_type`` are taken.
11. A ``type`` left out is kept as ``template``: the page's "defaults to text" contradicts its only allowed value.
12. Recipients are separated by a comma alone. One that is not E.164 refuses the whole request; one named twice gets one
    message.
13. ``ref``, ``ref1``, ``ref2`` and ``wa_source`` that are not text are WA400. ``wa_source`` is compared exactly, so
    ``Zoho`` and ``API`` become ``API`` too; left out, it stays out.
"""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.models import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kshell.core.models import Json, Payload


class Failure(NamedTuple):
    """An answer that refuses. ``title`` is its heading on the page; its error is ``{error_key: error_text}``."""

    name: str
    title: str
    status: int
    reason: str
    code: str
    message: str
    error_key: str
    error_text: str
    data_is_list: bool = False

    @property
    def body(self) -> Payload:
        """The answer's JSON, as the page shows it."""
        data: Json = [] if self.data_is_list else {}
        return {
            "code": self.code,
            "message": self.message,
            "data": data,
            "error": {self.error_key: self.error_text},
        }


_KEY = "Incorrect SID or API key."
_NUMBER = "Phone number is not present or does not belong to the account."
_BALANCE = "Please check your balance, You have a low balance!"
_TYPE = "API is not available for given customer.Please contact support for more info"
_VERSION = (
    "The phone number you're using is associated with different Version of our WA API. "
    "Please use the appropriate endpoint."
)

# fmt: off
INCORRECT_KEY = Failure(
    "incorrect-key", "401 Unauthorized",
    401, "Unauthorized", "RBC001", _KEY, "error", _KEY, data_is_list=True,
)
UNKNOWN_NUMBER = Failure(
    "unknown-number", "401 Unauthorized phone number",
    401, "Unauthorized", "WA401", _NUMBER, "phone_number", _NUMBER,
)
INCORRECT_PAYLOAD = Failure(
    "incorrect-payload", "400 Incorrect payload",
    400, "Bad Request", "WA400", "Refer to correct payload format", "payload", "Incorrect payload format",
)
SERVER_ERROR = Failure(
    "server-error", "500 Internal Server Error",
    500, "Internal Server Error", "WA500", "Please try again later", "error", "Internal server error",
)
LOW_BALANCE = Failure(
    "low-balance", "400 Low balance",
    400, "Bad Request", "E110", _BALANCE, "balance", _BALANCE,
)
ACCOUNT_TYPE = Failure(
    "account-type", "401 Unauthorised Account type",
    401, "Unauthorized", "WA-401", _TYPE, "account", _TYPE,
)
NUMBER_VERSION = Failure(
    "number-version", "401 Unauthorized phone number version",
    401, "Unauthorized", "WA-401", _VERSION, "phone_number", _VERSION,
)

# Not on the page: what any HTTP server answers.
NO_SUCH_PATH = Failure(
    "no-such-path", "404 Not Found",
    404, "Not Found", "404", "Not found", "path", "There is /v2/<sid>/whatsapp/<phone_number>/messages",
)
WRONG_METHOD = Failure(
    "wrong-method", "405 Method Not Allowed",
    405, "Method Not Allowed", "405", "Method not allowed", "method", "There is POST",
)
# fmt: on

FAILURES: Mapping[str, Failure] = {
    failure.name: failure
    for failure in (
        INCORRECT_KEY,
        UNKNOWN_NUMBER,
        INCORRECT_PAYLOAD,
        SERVER_ERROR,
        LOW_BALANCE,
        ACCOUNT_TYPE,
        NUMBER_VERSION,
    )
}
"""Every failure the page documents, by name, in the page's order."""

MAGIC_RECIPIENTS: Mapping[str, Failure] = {
    "+15005550001": INCORRECT_KEY,
    "+15005550002": UNKNOWN_NUMBER,
    "+15005550003": INCORRECT_PAYLOAD,
    "+15005550004": SERVER_ERROR,
    "+15005550005": LOW_BALANCE,
    "+15005550006": ACCOUNT_TYPE,
    "+15005550007": NUMBER_VERSION,
}
"""Numbers that are nobody's: a message to one of them fails so."""

MAGIC_KEYS: Mapping[str, Failure] = {"Aincorrect00000000000000000000000": INCORRECT_KEY}
"""API keys that fail so."""

MAGIC_SIDS: Mapping[str, Failure] = {
    "HXINCORRECTPAYLOADIN": INCORRECT_PAYLOAD,
    "HXSERVERERRORIN": SERVER_ERROR,
    "HXLOWBALANCEIN": LOW_BALANCE,
    "HXACCOUNTTYPEIN": ACCOUNT_TYPE,
}
"""SIDs of accounts that fail so."""

MAGIC_SENDERS: Mapping[str, Failure] = {
    "+15005550002": UNKNOWN_NUMBER,
    "+15005550007": NUMBER_VERSION,
}
"""Sender numbers that fail so: the same numbers as among the recipients."""

INBOX_SIZE = 1_000
BODY_LIMIT = 1 << 20
_DEPTH_LIMIT = 32
_CODE_LIMIT = 15
_REF_LIMIT = 255
_BUTTON_LIMIT = 10
_SUB_TYPES = ("quick_reply", "url", "catalog")
_SOURCES = (
    "api",
    "clevertap",
    "zoho",
    "webengage",
    "shopify",
    "leadsquared",
    "responsys",
    "braze",
    "hubspot",
    "salesforce",
    "zapier",
    "eloqua",
    "moengage",
)
_E164 = re.compile(r"\+[1-9][0-9X]{6,14}")


class Delivered(NamedTuple):
    """What one recipient got. ``payload`` is what the API keeps of the request: cut, overridden, defaults filled in."""

    recipient: str
    sender: str
    message_id: str
    template_name: str
    language: str
    body_code: str
    button_code: str
    payload: Payload


class _Message(NamedTuple):
    recipients: tuple[str, ...]
    template_name: str
    language: str
    body_code: str
    button_code: str
    payload: Payload


def new_message_id() -> str:
    """An id like the page's ``AXXXXXXXXXXXXXXXXXXX``."""
    import secrets  # costs more to import than the rest of this module

    return "A" + "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(19))


class Simulator:
    """The API's side of one endpoint. It knows no accounts and keeps nothing but the inbox."""

    def __init__(self, *, new_id: Callable[[], str] = new_message_id) -> None:
        self._new_id = new_id
        # A deque takes new entries and is copied without a lock: scripts send from several threads.
        self._inbox: deque[Delivered] = deque(maxlen=INBOX_SIZE)

    @property
    def inbox(self) -> tuple[Delivered, ...]:
        """What the recipients got, oldest first: the newest thousand."""
        return tuple(self._inbox)

    def handle(self, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
        """The answer to a request; ``target`` is as on the request line. No request makes it raise."""
        address = _address(target)
        if address is None:
            return _refusal(NO_SUCH_PATH)
        if method != "POST":
            return _refusal(WRONG_METHOD, ("allow", "POST"))
        sent = _once_each(headers)
        failure = _account_failure(sent.get("api-key", ""), *address)
        if failure:
            return _refusal(failure)
        return self._take(address[1], sent.get("content-type", ""), body)

    def _take(self, sender: str, content_type: str, body: bytes) -> Response:
        """The answer to a right account that posts ``body``."""
        try:
            message = _message(content_type, body)
        except (ValueError, RecursionError):
            return _refusal(INCORRECT_PAYLOAD)
        failure = next((MAGIC_RECIPIENTS[number] for number in message.recipients if number in MAGIC_RECIPIENTS), None)
        return _refusal(failure) if failure else self._deliver(sender, message)

    def _deliver(self, sender: str, message: _Message) -> Response:
        """One message id for the request, one entry of the inbox for each recipient."""
        message_id = self._new_id()
        self._inbox.extend([Delivered(number, sender, message_id, *message[1:]) for number in message.recipients])
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


def _refusal(failure: Failure, *headers: tuple[str, str]) -> Response:
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
    known = MAGIC_KEYS.get(key) or MAGIC_SIDS.get(sid) or MAGIC_SENDERS.get(sender)
    return known or (None if _E164.fullmatch(sender) else UNKNOWN_NUMBER)


# From here on a ValueError says that the payload is incorrect.


def _message(content_type: str, body: bytes) -> _Message:
    """The message in ``body``."""
    if content_type.partition(";")[0].strip().lower() != "application/json":  # "The only allowed value"
        raise ValueError("not application/json")
    payload = _parsed(body)
    messaging = _object(payload, "messaging_object")
    messaging.setdefault("recipient_type", "individual")  # "Default is individual."
    messaging.setdefault("type", "template")
    _one_of(messaging, "messaging_product", "whatsapp")
    _one_of(messaging, "recipient_type", "individual")
    _one_of(messaging, "type", "template")
    recipients = _recipients(_text(messaging, "to"))
    template = _object(messaging, "template")
    if "extra_info" in payload:
        _override(_object(payload, "extra_info"))
    language = _text(_object(template, "language"), "code")
    return _Message(recipients, _text(template, "name"), language, *_codes(template), payload)


def _parsed(body: bytes) -> Payload:
    """The one JSON object in ``body``."""
    if len(body) > BODY_LIMIT:
        raise ValueError("too large")
    payload = json.loads(body.decode(), object_pairs_hook=_without_duplicates)
    json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()  # raises for NaN and for half a surrogate pair
    if not isinstance(payload, dict) or _deeper_than(_DEPTH_LIMIT, payload):
        raise ValueError("not an object, or too deep")
    return payload


def _without_duplicates(pairs: list[tuple[str, Json]]) -> Payload:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice")
    return members


def _deeper_than(levels: int, value: Json) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    members = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(levels - 1, member) for member in members)


def _object(parent: Payload, name: str) -> Payload:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _objects(parent: Payload, name: str, *, most: int) -> list[Payload]:
    """The array of 1 to ``most`` objects that ``parent`` holds under ``name``."""
    value = parent.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise ValueError(f"{name} is not an array of 1 to {most}")
    objects = [member for member in value if isinstance(member, dict)]
    if len(objects) != len(value):
        raise ValueError(f"{name} holds other than objects")
    return objects


def _string(parent: Payload, name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    return value


def _text(parent: Payload, name: str) -> str:
    value = _string(parent, name)
    if not value:
        raise ValueError(f"{name} is empty")
    return value


def _one_of(parent: Payload, name: str, *allowed: str) -> None:
    if parent.get(name) not in allowed:
        raise ValueError(f"{name} is none of {allowed}")


def _recipients(to: str) -> tuple[str, ...]:
    """The numbers in ``to``, each once."""
    # "You can add multiple recipients, separate each number using the comma (,) delimiter."
    recipients = tuple(dict.fromkeys(to.split(",")))
    if not all(map(_E164.fullmatch, recipients)):
        raise ValueError("to is not in E164 format")
    return recipients


def _override(extra: Payload) -> None:
    """What the API changes in ``extra_info`` rather than refuse it."""
    # "if the length of the string exceeds 255 characters, it will be truncated."
    for name in ("ref", "ref1", "ref2"):
        if name in extra:
            extra[name] = _string(extra, name)[:_REF_LIMIT]
    # "any other value other than above specified values, then the system will override that as the "API"."
    if "wa_source" in extra:
        source = _string(extra, "wa_source")
        extra["wa_source"] = source if source in _SOURCES else "API"


def _codes(template: Payload) -> tuple[str, str]:
    """The code in the body and the one in the buttons."""
    components = _objects(template, "components", most=1 + _BUTTON_LIMIT)
    bodies = [component for component in components if component.get("type") == "body"]
    buttons = [component for component in components if component.get("type") == "button"]
    if len(bodies) != 1 or len(buttons) != len(components) - 1 or not buttons:
        raise ValueError("components are not one body and its buttons")
    _check_places(buttons)
    in_body, *in_buttons = [_code(component) for component in (*bodies, *buttons)]
    if not all(_same(in_body, code) for code in in_buttons):
        raise ValueError("the code differs")  # "This value must appear twice in the payload."
    return in_body, in_buttons[0]


def _check_places(buttons: list[Payload]) -> None:
    """Every button has a known kind and a place of its own."""
    # "You can have up to 10 buttons using index values of 0 to 9."
    places = [button.get("index") for button in buttons]
    for button, place in zip(buttons, places, strict=True):
        _one_of(button, "sub_type", *_SUB_TYPES)
        # True is an int to Python and 0.0 equals 0; to JSON neither is an integer.
        if type(place) is not int or not 0 <= place < _BUTTON_LIMIT or places.count(place) > 1:
            raise ValueError("index is not an integer of its own from 0 to 9")


def _code(component: Payload) -> str:
    """The one-time password in a component's only parameter."""
    [parameter] = _objects(component, "parameters", most=1)
    _one_of(parameter, "type", "text")
    code = _text(parameter, "text")
    if len(code) > _CODE_LIMIT:  # "Maximum 15 characters."
        raise ValueError("the code is too long")
    return code


def _same(one: str, other: str) -> bool:
    """Whether two places hold one code. Codes that are both masked, as on the page, are compared where they can be."""
    if "XXXX" not in one or "XXXX" not in other or len(one) != len(other):
        return one == other
    return all(left == right or "X" in (left, right) for left, right in zip(one, other, strict=True))
