"""The rules that the API's page states about this payload. The rules of the table of fields run first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kshell.api.authentication.fields import (
    COMPONENTS,
    E164,
    FIELDS,
    INDEX,
    INDEX_RANGE,
    LANGUAGE_CODE,
    LANGUAGES,
    OTP_LIMIT,
    REF_LIMIT,
    TO,
    TYPE,
    WA_SOURCE,
    WA_SOURCES,
)
from kshell.api.payload import numbers_at, texts_at
from kshell.api.rules import rule_decorator, rules_of_fields, type_of
from kshell.core.endpoint import Hit, pointers_of
from kshell.core.errors import did_you_mean, listed
from kshell.core.pointers import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.core.pointers import Located

_MOST_BUTTONS = len(INDEX_RANGE)
_CODES = pointers_of(FIELDS, "code")
_CUT = tuple(field for field in FIELDS if field.cut_at)

RULES = rules_of_fields(FIELDS)
rule = rule_decorator(RULES)


@rule(
    "type-omitted",
    "warning",
    "A template message has the type template.",
    'messaging_object: "If omitted, defaults to text"',
)
def _type_omitted(located: Located) -> Iterator[Hit]:
    for pointer, value in located[TYPE]:
        if value is MISSING:
            yield Hit(pointer, "type is left out, which the page says means text", "add it: template")


# ---- recipients


@rule(
    "to-e164",
    "error",
    "Every recipient is a number in E.164 form; commas separate several.",
    "messaging_object: to_number",
)
def _to_e164(located: Located) -> Iterator[Hit]:
    numbers = numbers_at(located, [TO])
    for number in numbers:
        if not number.strip() and len(numbers) > 1:
            yield Hit(TO, "a comma has no number beside it", "remove the comma")
        elif number and not re.fullmatch(E164, number):  # field-missing reports an empty number
            yield Hit(TO, f"{number!r} is not a number in E.164 form", _number_fix(number))


def _number_fix(number: str) -> str:
    if number.count("+") > 1:
        return "write a comma between recipients, and no blank"
    bare = re.sub(r"[\s().-]|;.*", "", number)
    bare = re.sub(r"\d", lambda digit: str(int(digit[0])), bare)  # digits of every script
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    if re.fullmatch(E164, bare):
        return f"write {bare}"
    # add a plus only if the result is a valid number: 9812345678 has no country code
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
    "to-impossible", "warning", "A number has a length that its country uses.", 'to_number: "A valid WhatsApp number"'
)
def _to_impossible(located: Located) -> Iterator[Hit]:
    numbers = [number for number in numbers_at(located, [TO]) if re.fullmatch(E164, number)]
    if not numbers:
        return
    import phonenumbers

    for number in numbers:
        try:
            possible = phonenumbers.is_possible_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            possible = False
        if not possible:
            yield Hit(TO, f"no country has a number like {number}", "count the digits once more")


@rule("to-repeated", "warning", "A recipient is named once.", "messaging_object: to_number")
def _to_repeated(located: Located) -> Iterator[Hit]:
    numbers = numbers_at(located, [TO])
    for number in dict.fromkeys(numbers):
        if numbers.count(number) > 1:
            message = f"{number} is named {numbers.count(number)} times, and may get as many messages"
            yield Hit(TO, message, "name it once")


# ---- components and the code


@rule(
    "components",
    "error",
    "There is one body and at least one button, at most ten.",
    "Request Format; button-components",
)
def _components(located: Located) -> Iterator[Hit]:
    for pointer, value in located[COMPONENTS]:
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
    "The body and the button hold the same code.",
    '"must appear twice in the payload"',
)
def _otp_twice(located: Located) -> Iterator[Hit]:
    for holder in ("body", "button"):
        for pointer, value in located[f"{COMPONENTS}/{holder}/parameters"]:
            if isinstance(value, list) and len(value) != 1:
                yield Hit(pointer, f"the {holder} has {len(value)} parameters; the code is the only one", "write one")
            elif isinstance(value, list) and not isinstance(value[0], dict):
                fix = 'write {"type": "text", "text": CODE}'
                yield Hit(f"{pointer}/0", f"the {holder}'s parameter is {type_of(value[0])}, not an object", fix)
    codes = texts_at(located, _CODES)
    for pointer, code in codes[1:]:
        if code != codes[0][1]:
            yield Hit(pointer, "this code differs from the first one", "write the same code in both")


@rule(
    "otp-length", "error", f"A code has at most {OTP_LIMIT} characters.", 'one_time_password: "Maximum 15 characters"'
)
def _otp_length(located: Located) -> Iterator[Hit]:
    for pointer, code in texts_at(located, _CODES):
        if len(code) > OTP_LIMIT:
            yield Hit(pointer, f"the code has {len(code)} characters", f"use at most {OTP_LIMIT}")


@rule(
    "otp-control", "error", "A code is one line of visible characters.", "one_time_password: delivered to the customer"
)
def _otp_control(located: Located) -> Iterator[Hit]:
    for pointer, code in texts_at(located, _CODES):
        odd = [character for character in code if not character.isprintable()]
        if odd:
            shown = listed(f"U+{ord(character):04X}" for character in dict.fromkeys(odd))
            yield Hit(pointer, f"the code has invisible characters: {shown}", "use letters, digits and signs")


@rule(
    "otp-media",
    "warning",
    "A code has no emoji and no URL.",
    "Meta: no URLs, media or emoji in authentication parameters",
)
def _otp_media(located: Located) -> Iterator[Hit]:
    for pointer, code in texts_at(located, _CODES):
        if any(ord(character) >= 0x2190 for character in code) or re.search(r"://|\bwww\.", code):
            yield Hit(pointer, "WhatsApp accepts no emoji and no URL in a code", "use letters, digits and signs")


@rule("index-range", "error", "A button's index is an integer from 0 to 9.", 'index_value: "index values of 0 to 9"')
def _index_range(located: Located) -> Iterator[Hit]:
    seen: list[object] = []
    for pointer, value in located[INDEX]:
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if value not in INDEX_RANGE:
            yield Hit(pointer, f"index is {value}", "write 0 to 9")
        if value in seen:
            yield Hit(pointer, f"another button also has index {value}", "give each button its own")
        seen.append(value)


# ---- extra_info and language


@rule(
    "ref-cut",
    "warning",
    f"A ref has at most {REF_LIMIT} characters; a longer one is cut.",
    '"exceeds 255 characters, it will be truncated"',
)
def _ref_cut(located: Located) -> Iterator[Hit]:
    for field in _CUT:
        for pointer, value in texts_at(located, [field.pointer]):
            if len(value) > field.cut_at:
                end = value[field.cut_at - 12 : field.cut_at]
                message = (
                    f"{field.name} has {len(value)} characters and is cut after the {field.cut_at}th, after {end!r}"
                )
                yield Hit(pointer, message, f"use at most {field.cut_at}")


@rule(
    "wa-source",
    "warning",
    "wa_source is one of the thirteen that the API knows.",
    '"the system will override that as the "API""',
)
def _wa_source(located: Located) -> Iterator[Hit]:
    for pointer, value in texts_at(located, [WA_SOURCE]):
        if value not in WA_SOURCES:
            near = did_you_mean(value.lower(), WA_SOURCES)
            yield Hit(
                pointer, f"the API will replace {value!r} by API", near or f"write one of {listed(WA_SOURCES, most=13)}"
            )


@rule(
    "language-code",
    "warning",
    "WhatsApp supports the language.",
    "template_language_code; Meta's list of languages",
)
def _language(located: Located) -> Iterator[Hit]:
    for pointer, value in texts_at(located, [LANGUAGE_CODE]):
        if value and value not in LANGUAGES:
            near = did_you_mean(value.replace("-", "_"), LANGUAGES)
            yield Hit(
                pointer, f"{value!r} is not a WhatsApp language that kshell knows", near or "look the code up at Meta"
            )
