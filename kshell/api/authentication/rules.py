"""The rules that the API's page states about this payload. The rules of the table of fields run first."""

import re
from collections.abc import Iterator

from kshell.api.authentication.fields import (
    COMPONENTS,
    E164,
    FIELDS,
    INDEX,
    INDEX_RANGE,
    LANGUAGE_CODE,
    LANGUAGES,
    NAME_LIMIT,
    OTP_LIMIT,
    TEMPLATE_NAME,
    TO,
    TYPE,
    WA_SOURCE,
    WA_SOURCES,
)
from kshell.api.authentication.numbers import Planned, number_fix, planned
from kshell.api.payload import MISSING, Located, numbers_at, texts_at
from kshell.api.rules import rule_decorator, rules_of_fields, type_of
from kshell.core.endpoint import Hit
from kshell.core.errors import did_you_mean, listed
from kshell.core.json_text import Json
from kshell.core.models import Account

_MOST_BUTTONS = len(INDEX_RANGE)
_CODES = tuple(field.pointer for field in FIELDS if field.role == "code")
_CUT = {field.pointer: field for field in FIELDS if field.cut_at}

RULES = rules_of_fields(FIELDS)
rule = rule_decorator(RULES)


@rule("type-omitted", "warning", 'messaging_object: "If omitted, defaults to text"', prevents="131047")
def _type_omitted(located: Located) -> Iterator[Hit]:
    """A template message has the type template."""
    for pointer, value in located[TYPE]:
        if value is MISSING:
            yield Hit(pointer, "type is left out, which the page says means text", "add it: template")


# ---- recipients


@rule("to-e164", "error", "messaging_object: to_number", TO, prevents="131026")
def _to_e164(located: Located) -> Iterator[Hit]:
    """Every recipient is a number in E.164 form; commas separate several."""
    numbers = numbers_at(located, [TO])
    for number in numbers:
        if not number.strip() and len(numbers) > 1:
            yield Hit(TO, "a comma has no number beside it", "remove the comma")
        elif number and not re.fullmatch(E164, number):  # field-missing reports an empty number
            yield Hit(TO, f"{number!r} is not a number in E.164 form", number_fix(number))


def _known_numbers(located: Located) -> Iterator[tuple[str, Planned | None]]:
    """Yield each recipient that is in E.164 form, and what its country's numbering plan says of it."""
    return ((number, planned(number)) for number in numbers_at(located, [TO]) if re.fullmatch(E164, number))


@rule("to-impossible", "warning", 'to_number: "A valid WhatsApp number"', TO, prevents="131026")
def _to_impossible(located: Located) -> Iterator[Hit]:
    """A number has a length that its country uses."""
    for number, known in _known_numbers(located):
        if not known or not known.possible:
            yield Hit(TO, f"no country has a number like {number}", "count the digits once more")


@rule("to-trunk", "warning", 'to_number: "A valid WhatsApp number"', TO)
def _to_trunk(located: Located) -> Iterator[Hit]:
    """After the country code comes no trunk prefix, such as the 0 in +44 (0)7911 123456."""
    for number, known in _known_numbers(located):
        if known and known.e164 != number:
            prefix = f"{number} has a prefix after +{known.country} that is dialled only inside the country"
            yield Hit(TO, prefix, f"write {known.e164}" if known.valid else "leave that prefix out")


@rule("to-repeated", "warning", "messaging_object: to_number", TO)
def _to_repeated(located: Located) -> Iterator[Hit]:
    """A recipient is named once."""
    numbers = numbers_at(located, [TO])
    for number in dict.fromkeys(numbers):
        if numbers.count(number) > 1:
            message = f"{number} is named {numbers.count(number)} times, and may get as many messages"
            yield Hit(TO, message, "name it once")


@rule("to-sender", "warning", "Meta: the sender cannot be its own recipient", TO, prevents="131021", of_account=True)
def _to_sender(located: Located, account: Account) -> Iterator[Hit]:
    """A recipient is not the number that sends."""
    for number, _ in _known_numbers(located):
        if number == account.phone_number:
            yield Hit(TO, f"{number} is the account's own number, which sends", "name another recipient")


# ---- components and the code


@rule("components", "error", "Request Format; button-components", prevents="132000")
def _components(located: Located) -> Iterator[Hit]:
    """There is one body and at least one button, at most ten."""
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


def _parameters(located: Located) -> Iterator[tuple[str, str, list[Json]]]:
    """Yield the component, the pointer and the items of every list of parameters."""
    for holder in ("body", "button"):
        for pointer, value in located[f"{COMPONENTS}/{holder}/parameters"]:
            if isinstance(value, list):
                yield holder, pointer, value


def _code(located: Located) -> str:
    """Return what a message calls the text of a parameter: of several parameters in one component, none need be a code."""
    return "this text" if any(len(items) > 1 for _, _, items in _parameters(located)) else "the code"


@rule("otp-twice", "error", '"must appear twice in the payload"', *_CODES, prevents="132000")
def _otp_twice(located: Located) -> Iterator[Hit]:
    """The body and the button hold the same code."""
    for holder, pointer, items in _parameters(located):
        if len(items) != 1:
            yield Hit(pointer, f"the {holder} has {len(items)} parameters; the code is the only one", "write one")
        elif not isinstance(items[0], dict):
            fix = 'write {"type": "text", "text": CODE}'
            yield Hit(f"{pointer}/0", f"the {holder}'s parameter is {type_of(items[0])}, not an object", fix)
    codes = texts_at(located, _CODES)
    for pointer, code in codes[1:]:
        if code != codes[0][1] and _code(located) == "the code":
            yield Hit(pointer, "this code differs from the first one", "write the same code in both")


@rule("otp-length", "error", 'one_time_password: "Maximum 15 characters"', *_CODES, prevents="132005")
def _otp_length(located: Located) -> Iterator[Hit]:
    """A code has at most 15 characters."""
    for pointer, code in texts_at(located, _CODES):
        if len(code) > OTP_LIMIT:
            yield Hit(pointer, f"{_code(located)} has {len(code)} characters", f"use at most {OTP_LIMIT}")


@rule("otp-control", "error", "one_time_password: delivered to the customer", *_CODES, prevents="132012")
def _otp_control(located: Located) -> Iterator[Hit]:
    """A code is one line of visible characters."""
    for pointer, code in texts_at(located, _CODES):
        if not code.isprintable():
            odd = dict.fromkeys(character for character in code if not character.isprintable())
            shown = listed(f"U+{ord(character):04X}" for character in odd)
            yield Hit(pointer, f"{_code(located)} has invisible characters: {shown}", "use letters, digits and signs")


@rule("otp-media", "warning", "Meta: no URLs, media or emoji in authentication parameters", *_CODES, prevents="132007")
def _otp_media(located: Located) -> Iterator[Hit]:
    """A code has no emoji and no URL."""
    for pointer, code in texts_at(located, _CODES):
        if "://" in code or re.search(r"\bwww\.", code) or max(code, default="") >= "\u2190":
            yield Hit(pointer, "WhatsApp accepts no emoji and no URL in a code", "use letters, digits and signs")


@rule("index-range", "error", 'index_value: "index values of 0 to 9"', INDEX, prevents="131009")
def _index_range(located: Located) -> Iterator[Hit]:
    """A button's index is an integer from 0 to 9."""
    seen: list[object] = []
    for pointer, value in located[INDEX]:
        if not isinstance(value, int) or isinstance(value, bool):
            continue
        if value not in INDEX_RANGE:
            yield Hit(pointer, f"index is {value}", "write 0 to 9")
        if value in seen:
            yield Hit(pointer, f"another button also has index {value}", "give each button its own")
        seen.append(value)


# ---- template, extra_info and language


@rule("template-name", "warning", "Meta, Message Templates: name", TEMPLATE_NAME)
def _template_name(located: Located) -> Iterator[Hit]:
    """A template's name has lower-case letters, digits and _, at most 512."""
    for pointer, name in texts_at(located, [TEMPLATE_NAME]):
        if len(name) > NAME_LIMIT:
            yield Hit(pointer, f"the name has {len(name)} characters", f"use at most {NAME_LIMIT}")
        elif re.search("[^a-z0-9_]", name):
            fix = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
            message = f"WhatsApp has no template {name!r}: names have lower-case letters, digits and _"
            yield Hit(pointer, message, f"did you mean {fix}?" if fix else "look the name up at Meta")


@rule("ref-cut", "warning", '"exceeds 255 characters, it will be truncated"', *_CUT)
def _ref_cut(located: Located) -> Iterator[Hit]:
    """A ref has at most 255 characters; a longer one is cut."""
    for spot, field in _CUT.items():
        for pointer, value in texts_at(located, [spot]):
            if len(value) > field.cut_at:
                end = value[field.cut_at - 12 : field.cut_at]
                message = (
                    f"{field.name} has {len(value)} characters and is cut after the {field.cut_at}th, after {end!r}"
                )
                yield Hit(pointer, message, f"use at most {field.cut_at}")


@rule("wa-source", "warning", '"the system will override that as the "API""', WA_SOURCE)
def _wa_source(located: Located) -> Iterator[Hit]:
    """wa_source is one of the thirteen that the API knows."""
    for pointer, value in texts_at(located, [WA_SOURCE]):
        if value not in WA_SOURCES:
            near = did_you_mean(value.lower(), WA_SOURCES)
            yield Hit(
                pointer, f"the API will replace {value!r} by API", near or f"write one of {listed(WA_SOURCES, most=13)}"
            )


@rule("language-code", "warning", "template_language_code; Meta's list of languages", LANGUAGE_CODE, prevents="132001")
def _language(located: Located) -> Iterator[Hit]:
    """WhatsApp supports the language."""
    for pointer, value in texts_at(located, [LANGUAGE_CODE]):
        if value and value not in LANGUAGES:
            from kshell.api.regions import language_hint

            fix = language_hint(value, LANGUAGES) or "look the code up at Meta"
            yield Hit(pointer, f"{value!r} is not a WhatsApp language that kshell knows", fix)


@rule(
    "approved",
    "warning",
    'template_name: "WhatsApp must have approved it"; approved: in the account\'s file',
    TEMPLATE_NAME,
    LANGUAGE_CODE,
    prevents="132001",
    of_account=True,
)
def _approved(located: Located, account: Account) -> Iterator[Hit]:
    """The account lists the template as approved in this language, if it lists approved templates."""
    approved = account.approved
    for pointer, name in texts_at(located, [TEMPLATE_NAME] if approved else ()):
        if name and name not in approved:
            near = did_you_mean(name, approved)
            yield Hit(
                pointer,
                f"{name!r} is not among the account's approved templates",
                near or f"approved: {listed(approved)}; or add it to the account",
            )
        languages = approved.get(name, ())
        for place, language in texts_at(located, [LANGUAGE_CODE] if languages else ()):
            if language and language not in languages:
                same = [known for known in languages if re.split("[-_]", known)[0] == re.split("[-_]", language)[0]]
                near = f"did you mean {same[0]}?" if len(same) == 1 else did_you_mean(language, languages)
                yield Hit(place, f"{name} is not approved in {language!r}", near or f"approved in: {listed(languages)}")
