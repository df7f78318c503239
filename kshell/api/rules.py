"""Rules: payload -> findings. What the API page states about a payload, each statement a function.

A rule does no I/O and changes nothing. The facts it checks by stand in ``fields``; cutting refs is ``cut_refs``, which
the rule ``ref-cut`` announces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from kshell.api.fields import E164, FIELDS, INDEX_RANGE, LANGUAGES, OTP_LIMIT, REF_LIMIT, WA_SOURCES, Field
from kshell.core.errors import did_you_mean, listed
from kshell.core.models import Finding, Json, Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REFS = ("ref", "ref1", "ref2")
_COMPONENTS = "/messaging_object/template/components"
_MOST_BUTTONS = len(INDEX_RANGE)


class Hit(NamedTuple):
    """Where a rule is broken, what is wrong there, and what to write instead."""

    pointer: str
    message: str
    fix: str


class Rule(NamedTuple):
    """``says`` is the rule in a sentence, ``page`` the page's own words or place that it rests on."""

    code: str
    severity: Literal["error", "warning"]
    says: str
    page: str
    find: Callable[[Payload], Iterator[Hit]]


RULES: dict[str, Rule] = {}


def rule(
    code: str, severity: Literal["error", "warning"], says: str, page: str
) -> Callable[[Callable[[Payload], Iterator[Hit]]], Callable[[Payload], Iterator[Hit]]]:
    """Enter a function into ``RULES``."""

    def enter(find: Callable[[Payload], Iterator[Hit]]) -> Callable[[Payload], Iterator[Hit]]:
        RULES[code] = Rule(code, severity, says, page, find)
        return find

    return enter


def check(payload: Payload) -> tuple[Finding, ...]:
    """Every finding on ``payload``, errors first."""
    found = (
        Finding(known.severity, known.code, hit.pointer, hit.message, hit.fix)
        for known in RULES.values()
        for hit in known.find(payload)
    )
    return tuple(sorted(found, key=lambda finding: finding.severity))


def cut_refs(payload: Payload) -> Payload:
    """``payload`` with ``ref``, ``ref1`` and ``ref2`` cut at 255 characters, as the API does."""
    extra = payload.get("extra_info")
    if not isinstance(extra, dict):
        return payload
    return {**payload, "extra_info": {name: _cut(value) if name in REFS else value for name, value in extra.items()}}


def _cut(value: Json) -> Json:
    return value[:REF_LIMIT] if isinstance(value, str) else value


# ---- where things stand in a payload


class _Missing:
    """What stands at a pointer where nothing stands."""


MISSING = _Missing()


def places_of(payload: Payload, pointer: str) -> Iterator[tuple[str, Json | _Missing]]:
    """Every (pointer, value) that a field's pointer means; a field that its parent lacks is ``MISSING``."""
    steps = pointer.split("/")[1:]
    spots: list[tuple[str, Json | _Missing]] = [("", payload)]
    for step in steps:
        spots = [found for path, value in spots for found in _step(path, value, step)]
    yield from spots


def _step(path: str, value: Json | _Missing, step: str) -> Iterator[tuple[str, Json | _Missing]]:
    if isinstance(value, dict):
        yield f"{path}/{token(step)}", value.get(step, MISSING)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if step == "*" or (isinstance(item, dict) and item.get("type") == step):
                yield f"{path}/{position}", item


def token(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")  # RFC 6901


def codes_of(payload: Payload) -> list[tuple[str, str]]:
    """(pointer, code) for every place of the payload that holds a one-time password, in order."""
    texts = (field.pointer for field in FIELDS if field.name == "one_time_password")
    spots = [spot for pointer in texts for spot in places_of(payload, pointer)]
    return [(pointer, value) for pointer, value in spots if isinstance(value, str)]


def recipients_of(payload: Payload) -> list[str]:
    """The recipients, as the payload names them: split at commas."""
    (_, value), *_ = [*places_of(payload, "/messaging_object/to"), ("", MISSING)]
    return value.split(",") if isinstance(value, str) else []


# ---- what the tables say of every field

_SHAPES: dict[str, tuple[type, ...]] = {"object": (dict,), "list": (list,), "text": (str,), "integer": (int,)}


def _in_payload() -> Iterator[Field]:
    return (field for field in FIELDS if field.pointer)


@rule("field-missing", "error", "A mandatory field is there.", "the column Mandatory? of every table")
def _missing(payload: Payload) -> Iterator[Hit]:
    for field in _in_payload():
        for pointer, value in places_of(payload, field.pointer):
            if value is MISSING and field.mandatory:
                yield Hit(pointer, f"{field.name} is missing, and mandatory", f"add it, such as {field.example}")
            if value == "" and field.mandatory:
                yield Hit(pointer, f"{field.name} is empty, and mandatory", f"write a value, such as {field.example}")


@rule("field-type", "error", "A field has the type that its table gives.", "the column Data Type of every table")
def _type(payload: Payload) -> Iterator[Hit]:
    for field in _in_payload():
        for pointer, value in places_of(payload, field.pointer):
            if value is MISSING or (isinstance(value, _SHAPES[field.kind]) and not isinstance(value, bool)):
                continue
            found = f": {value!r}" if isinstance(value, str) else ""
            fix = (
                f"write a whole number, such as {field.example}"
                if field.kind == "integer"
                else f"write {field.example}"
            )
            yield Hit(pointer, f"{field.name} is {_shape(value)}, not {field.kind}{found}", fix)


def _shape(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


@rule("field-value", "error", "A field that allows only certain values has one of them.", '"Only allowed value is …"')
def _value(payload: Payload) -> Iterator[Hit]:
    for field in _in_payload():
        for pointer, value in places_of(payload, field.pointer):
            if field.allowed and isinstance(value, str) and value and value not in field.allowed:
                yield Hit(pointer, f"{field.name} is {value!r}", f"write {' or '.join(field.allowed)}")


@rule("field-unknown", "warning", "A field is one that the page has.", "Request Format")
def _unknown(payload: Payload) -> Iterator[Hit]:
    known: dict[str, list[str]] = {}
    for field in _in_payload():
        parent, _, name = field.pointer.rpartition("/")
        known.setdefault(parent, []).append(name)
    for parent, names in known.items():
        for pointer, value in places_of(payload, parent) if parent else [("", payload)]:
            for name in value if isinstance(value, dict) else ():
                if name not in names:
                    near = did_you_mean(name, names)
                    yield Hit(f"{pointer}/{token(name)}", f"the page has no field {name!r} here", near or "remove it")


@rule(
    "type-omitted",
    "warning",
    "A template message says that it is one.",
    'messaging_object: "If omitted, defaults to text"',
)
def _type_omitted(payload: Payload) -> Iterator[Hit]:
    for pointer, value in places_of(payload, "/messaging_object/type"):
        if value is MISSING:
            yield Hit(pointer, "type is left out, which the page says means text", "add it: template")


# ---- recipients


@rule(
    "to-e164",
    "error",
    "Every recipient is a number in E.164 form; commas separate several.",
    "messaging_object: to_number",
)
def _to_e164(payload: Payload) -> Iterator[Hit]:
    numbers = recipients_of(payload)
    for number in numbers:
        if not number.strip() and len(numbers) > 1:
            yield Hit("/messaging_object/to", "a comma has no number beside it", "remove the comma")
        elif number and not re.fullmatch(E164, number):  # field-missing tells of a payload without any
            yield Hit("/messaging_object/to", f"{number!r} is not a number in E.164 form", _number_fix(number))


def _number_fix(number: str) -> str:
    if number.count("+") > 1:
        return "write a comma between recipients, and no blank"
    bare = re.sub(r"[\s().-]|;.*", "", number)
    bare = re.sub(r"\d", lambda digit: str(int(digit[0])), bare)  # digits of every script
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    if re.fullmatch(E164, bare):
        return f"write {bare}"
    # only a number that exists so has its country code already: 9812345678 may be any country's
    if re.fullmatch(E164, f"+{bare}") and _exists(f"+{bare}"):
        return f"write +{bare}"
    return "write + and 7 to 15 digits, the country code first, such as +919812345678"


def _exists(number: str) -> bool:
    import phonenumbers  # its country tables take a fifth of a start to load

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


@rule(
    "to-impossible", "warning", "A number of that length exists in its country.", 'to_number: "A valid WhatsApp number"'
)
def _to_impossible(payload: Payload) -> Iterator[Hit]:
    numbers = [number for number in recipients_of(payload) if re.fullmatch(E164, number)]
    if not numbers:
        return
    import phonenumbers

    for number in numbers:
        try:
            possible = phonenumbers.is_possible_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            possible = False
        if not possible:
            yield Hit("/messaging_object/to", f"no country has a number like {number}", "count the digits once more")


@rule("to-repeated", "warning", "A recipient is named once.", "messaging_object: to_number")
def _to_repeated(payload: Payload) -> Iterator[Hit]:
    numbers = recipients_of(payload)
    for number in dict.fromkeys(numbers):
        if numbers.count(number) > 1:
            message = f"{number} is named {numbers.count(number)} times, and may get as many messages"
            yield Hit("/messaging_object/to", message, "name it once")


# ---- components and the code


@rule(
    "components",
    "error",
    "There is one body and at least one button, at most ten.",
    "Request Format; button-components",
)
def _components(payload: Payload) -> Iterator[Hit]:
    for pointer, value in places_of(payload, _COMPONENTS):
        if not isinstance(value, list):
            continue
        types = [item.get("type") if isinstance(item, dict) else None for item in value]
        if types.count("body") != 1:
            yield Hit(pointer, f"there are {types.count('body')} components of type body", "write exactly one")
        if not 1 <= types.count("button") <= _MOST_BUTTONS:
            yield Hit(pointer, f"there are {types.count('button')} components of type button", "write 1 to 10")
        for position, kind in enumerate(types):
            if kind not in ("body", "button"):
                yield Hit(f"{pointer}/{position}", f"a component of type {kind!r}", "write body or button")


@rule(
    "otp-twice",
    "error",
    "The code is in the body and in the button, and it is the same.",
    '"must appear twice in the payload"',
)
def _otp_twice(payload: Payload) -> Iterator[Hit]:
    for holder in ("body", "button"):
        for pointer, value in places_of(payload, f"{_COMPONENTS}/{holder}/parameters"):
            if isinstance(value, list) and len(value) != 1:
                yield Hit(pointer, f"the {holder} has {len(value)} parameters; the code is the only one", "write one")
            elif isinstance(value, list) and not isinstance(value[0], dict):
                fix = 'write {"type": "text", "text": CODE}'
                yield Hit(f"{pointer}/0", f"the {holder}'s parameter is {_shape(value[0])}, not an object", fix)
    codes = codes_of(payload)
    for pointer, code in codes[1:]:
        if code != codes[0][1]:
            yield Hit(pointer, "the code here is another than in the first place", "write the same code in both")


@rule(
    "otp-length", "error", f"A code has at most {OTP_LIMIT} characters.", 'one_time_password: "Maximum 15 characters"'
)
def _otp_length(payload: Payload) -> Iterator[Hit]:
    for pointer, code in codes_of(payload):
        if len(code) > OTP_LIMIT:
            yield Hit(pointer, f"the code has {len(code)} characters", f"use at most {OTP_LIMIT}")


@rule(
    "otp-control", "error", "A code is one line of visible characters.", "one_time_password: delivered to the customer"
)
def _otp_control(payload: Payload) -> Iterator[Hit]:
    for pointer, code in codes_of(payload):
        odd = [character for character in code if not character.isprintable()]
        if odd:
            shown = listed(f"U+{ord(character):04X}" for character in dict.fromkeys(odd))
            yield Hit(pointer, f"the code holds what nobody can see or type: {shown}", "use letters, digits and signs")


@rule(
    "otp-media",
    "warning",
    "A code holds no emoji and no address.",
    "Meta: no URLs, media or emoji in authentication parameters",
)
def _otp_media(payload: Payload) -> Iterator[Hit]:
    for pointer, code in codes_of(payload):
        if any(ord(character) >= 0x2190 for character in code) or re.search(r"://|\bwww\.", code):
            yield Hit(pointer, "WhatsApp takes no emoji and no address in a code", "use letters, digits and signs")


@rule("index-range", "error", "A button's index is an integer from 0 to 9.", 'index_value: "index values of 0 to 9"')
def _index_range(payload: Payload) -> Iterator[Hit]:
    seen: list[object] = []
    for pointer, value in places_of(payload, f"{_COMPONENTS}/button/index"):
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if value not in INDEX_RANGE:
            yield Hit(pointer, f"index is {value}", "write 0 to 9")
        if value in seen:
            yield Hit(pointer, f"index {value} is another button's too", "give each button its own")
        seen.append(value)


# ---- what goes beside the message


@rule(
    "ref-cut",
    "warning",
    f"A ref has at most {REF_LIMIT} characters; what is longer is cut.",
    '"exceeds 255 characters, it will be truncated"',
)
def _ref_cut(payload: Payload) -> Iterator[Hit]:
    for name in REFS:
        for pointer, value in places_of(payload, f"/extra_info/{name}"):
            if isinstance(value, str) and len(value) > REF_LIMIT:
                kept = value[REF_LIMIT - 12 : REF_LIMIT]
                message = f"{name} has {len(value)} characters and is cut after the {REF_LIMIT}th, after {kept!r}"
                yield Hit(pointer, message, f"use at most {REF_LIMIT}")


@rule(
    "wa-source",
    "warning",
    "wa_source is one of the thirteen that the API knows.",
    '"the system will override that as the "API""',
)
def _wa_source(payload: Payload) -> Iterator[Hit]:
    for pointer, value in places_of(payload, "/extra_info/wa_source"):
        if isinstance(value, str) and value not in WA_SOURCES:
            near = did_you_mean(value.lower(), WA_SOURCES)
            yield Hit(
                pointer, f"the API will replace {value!r} by API", near or f"write one of {listed(WA_SOURCES, most=13)}"
            )


@rule(
    "language-code",
    "warning",
    "The language is one that WhatsApp has.",
    "template_language_code; Meta's list of languages",
)
def _language(payload: Payload) -> Iterator[Hit]:
    for pointer, value in places_of(payload, "/messaging_object/template/language/code"):
        if isinstance(value, str) and value and value not in LANGUAGES:
            near = did_you_mean(value.replace("-", "_"), LANGUAGES)
            yield Hit(
                pointer, f"WhatsApp has no language {value!r} that kshell knows", near or "look the code up at Meta"
            )
