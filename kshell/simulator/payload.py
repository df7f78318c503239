"""Read the message in the body of a request, or raise ``ValueError`` if the page calls the payload incorrect.

Sentences in quotes are the page's. The page leaves the following open; the simulator decides it:

1.  The answer is WA400 also to a body that is over 1 MiB, nested deeper than 32 levels, not UTF-8, not one JSON object,
    has a key twice, or holds a value that JSON or Unicode does not allow (``NaN``, half a surrogate pair).
2.  A field that the page does not name is accepted and kept. ``null`` is a value of the wrong type, not a missing field.
    A mandatory text is not empty.
3.  "This value must appear twice": both places hold the same code. In the page's sample they are masked differently
    (``J$FpXXXX``, ``J$FXXXXp``): if both codes contain ``XXXX``, every ``X`` equals any character.
4.  ``parameters`` is an array of one object, as in the page's sample, and not an object, as in its tables.
5.  Components are one ``body`` and 1 to 10 ``button`` in any order, and no others. Two buttons cannot have one
    ``index``; all three values of ``sub_type`` are accepted.
6.  A missing ``type`` becomes ``template``: the page's "defaults to text" contradicts its only allowed value.
7.  Only a comma separates recipients. One recipient that is not E.164 refuses the whole request; a repeated one gets
    one message.
8.  ``ref``, ``ref1``, ``ref2`` and ``wa_source`` that are not text are WA400. ``wa_source`` is compared exactly, so
    ``Zoho`` and ``API`` become ``API`` too; a missing one stays missing.
"""

import json
import re
from math import isfinite
from typing import NamedTuple

from kshell.core.models import Json, Payload

BODY_LIMIT = 1 << 20  # bytes
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
_NO_LINES = bytes.maketrans(b"\r\n", b"  ")
compact = json.JSONEncoder(separators=(",", ":")).encode
E164 = re.compile(r"\+[1-9][0-9X]{6,14}")


class Message(NamedTuple):
    """A correct message. ``payload`` is what the API keeps of the request: cut, overridden, with defaults.

    It is one line of ASCII JSON, which needs far less memory than the object.
    """

    recipients: tuple[str, ...]
    template_name: str
    language: str
    code: str
    button_code: str
    ref: str
    ref1: str
    ref2: str
    payload: bytes


def read_message(body: bytes) -> Message:
    """Return the message in ``body``. Raise ``ValueError``, or ``RecursionError`` for deep nesting, if it is incorrect."""
    payload = _parsed(body)
    messaging = _object(payload, "messaging_object")
    extra = _object(payload, "extra_info") if "extra_info" in payload else {}
    sent = {**messaging}, {**extra}
    messaging.setdefault("recipient_type", "individual")  # "Default is individual."
    messaging.setdefault("type", "template")
    _one_of(messaging, "messaging_product", "whatsapp")
    _one_of(messaging, "recipient_type", "individual")
    _one_of(messaging, "type", "template")
    recipients = _recipients(_text(messaging, "to"))
    template = _object(messaging, "template")
    refs = _overridden(extra)
    language = _text(_object(template, "language"), "code")
    codes = _codes(template)
    same = body.isascii() and sent == (messaging, extra)
    kept = body.translate(_NO_LINES) if same else compact(payload).encode()
    return Message(recipients, _text(template, "name"), language, *codes, *refs, kept)


def _parsed(body: bytes) -> Payload:
    """Return the JSON object in ``body``."""
    if len(body) > BODY_LIMIT:
        raise ValueError("too large")
    text = body.decode()
    payload = _decode(text)
    if "\\u" in text:
        json.dumps(payload, ensure_ascii=False).encode()  # raises for half a surrogate pair
    may_be_deep = text.count("{") + text.count("[") > _DEPTH_LIMIT
    if not isinstance(payload, dict) or (may_be_deep and _deeper_than(_DEPTH_LIMIT, payload)):
        raise ValueError("not an object, or too deep")
    return payload


def _without_duplicates(pairs: list[tuple[str, Json]]) -> Payload:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key twice")
    return members


def _finite(number: str) -> float:
    """Return a number with a fraction or an exponent. Raise ``ValueError`` for ``NaN``, ``Infinity`` and ``1e999``."""
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"{number} is not a number")
    return value


_decode = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_float=_finite, parse_constant=_finite).decode


def _deeper_than(levels: int, value: Json) -> bool:
    """Whether arrays and objects stand in each other more than ``levels`` deep. A loop takes a quarter of recursion's time."""
    members = [value]
    for _ in range(levels):
        if not members:
            break
        parents = (parent for parent in members if isinstance(parent, (dict, list)))
        members = [member for parent in parents for member in (parent.values() if isinstance(parent, dict) else parent)]
    return any(isinstance(member, (dict, list)) for member in members)


def _object(parent: Payload, name: str) -> Payload:
    value = parent.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} is not an object")
    return value


def _objects(parent: Payload, name: str, *, most: int) -> list[Payload]:
    """Return the array of 1 to ``most`` objects that ``parent`` holds under ``name``."""
    value = parent.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise ValueError(f"{name} is not an array of 1 to {most}")
    objects = [member for member in value if isinstance(member, dict)]
    if len(objects) != len(value):
        raise ValueError(f"{name} holds a value that is not an object")
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
        raise ValueError(f"{name} is not one of {allowed}")


def _recipients(to: str) -> tuple[str, ...]:
    """Return the numbers in ``to``, each once."""
    # "You can add multiple recipients, separate each number using the comma (,) delimiter."
    recipients = tuple(dict.fromkeys(to.split(",")))
    if not all(map(E164.fullmatch, recipients)):
        raise ValueError("to is not in E164 format")
    return recipients


def _overridden(extra: Payload) -> tuple[str, str, str]:
    """Apply the changes that the API makes to ``extra_info``; return its refs, those that are missing as empty text."""
    # "any other value other than above specified values, then the system will override that as the "API"."
    if "wa_source" in extra:
        source = _string(extra, "wa_source")
        extra["wa_source"] = source if source in _SOURCES else "API"
    return _ref(extra, "ref"), _ref(extra, "ref1"), _ref(extra, "ref2")


def _ref(extra: Payload, name: str) -> str:
    """Return a ref as it is kept; empty text if it is missing."""
    # "if the length of the string exceeds 255 characters, it will be truncated."
    if name in extra:
        extra[name] = _string(extra, name)[:_REF_LIMIT]
        return _string(extra, name)
    return ""


def _codes(template: Payload) -> tuple[str, str]:
    """Return the code in the body and the one in the buttons."""
    components = _objects(template, "components", most=1 + _BUTTON_LIMIT)
    bodies = [component for component in components if component.get("type") == "body"]
    buttons = [component for component in components if component.get("type") == "button"]
    if len(bodies) != 1 or len(buttons) != len(components) - 1 or not buttons:
        raise ValueError("components are not one body and its buttons")
    _check_indexes(buttons)
    in_body, *in_buttons = [_code(component) for component in (*bodies, *buttons)]
    if not all(_same(in_body, code) for code in in_buttons):
        raise ValueError("the code differs")  # "This value must appear twice in the payload."
    return in_body, in_buttons[0]


def _check_indexes(buttons: list[Payload]) -> None:
    """Raise ``ValueError`` unless every button has a known kind and an index that no other button has."""
    # "You can have up to 10 buttons using index values of 0 to 9."
    indexes = [button.get("index") for button in buttons]
    for button, index in zip(buttons, indexes, strict=True):
        _one_of(button, "sub_type", *_SUB_TYPES)
        # in Python True is an int and 0.0 equals 0; in JSON neither is an integer
        if type(index) is not int or not 0 <= index < _BUTTON_LIMIT or indexes.count(index) > 1:
            raise ValueError("index is not a unique integer from 0 to 9")


def _code(component: Payload) -> str:
    """Return the one-time password in a component's only parameter."""
    [parameter] = _objects(component, "parameters", most=1)
    _one_of(parameter, "type", "text")
    code = _text(parameter, "text")
    if len(code) > _CODE_LIMIT:  # "Maximum 15 characters."
        raise ValueError("the code is too long")
    return code


def _same(one: str, other: str) -> bool:
    """Whether two codes are equal. If both are masked, as on the page, an ``X`` equals any character."""
    if "XXXX" not in one or "XXXX" not in other or len(one) != len(other):
        return one == other
    return all(left == right or "X" in (left, right) for left, right in zip(one, other, strict=True))
