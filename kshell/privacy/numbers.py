"""Find phone numbers by their form, and mask them."""

import re
from collections.abc import Iterable, Iterator

LEAST_DIGITS = 7  # a shorter number cannot be called

_BETWEEN = r"(?:[ ().+/-]|%20|%2[89DdEeFf])"  # what separates the digits of a number, also URL-encoded
# text, because a pattern takes a while to compile, and a send that shows no number needs none
_NUMBER = (
    r"(?P<kept>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"  # a UUID, which may have such digits
    rf"|(?P<plus>\+|%2[Bb]|\\u002[Bb])(?P<called>[1-9](?:{_BETWEEN}{{0,3}}[0-9]){{6,14}})(?![0-9])"
    r"|(?<!\w)(?<![0-9]\.)(?P<bare>[0-9]{7,15})(?!\w)(?!\.[0-9])"
)
_GROUPED = rf"[0-9](?:{_BETWEEN}{{0,3}}[0-9]){{6,20}}"
# in every number, and in every code that is written in groups
_SIX_DIGITS = r"[0-9](?:[\s()._+/-]{0,3}[0-9]){5}"
_SIX_DIGITS_OR_ENCODED = r"[0-9](?:(?:[\s()._+/-]|%2.){0,3}[0-9]){5}"
_E164 = r"\+[1-9][0-9]{6,14}(?![0-9])"


def six_digits_in(text: str) -> Iterator[re.Match[str]]:
    """Return the places of six digits in a row, signs aside. Other text has no number, and no code in groups."""
    return re.finditer(_SIX_DIGITS_OR_ENCODED if "%2" in text else _SIX_DIGITS, text)


def e164_in(text: str) -> list[str]:
    """Return every number in ``text`` that is written in E.164 form, such as ``+919812345678``."""
    return re.findall(_E164, text)


def numbers_in(text: str) -> list[str]:
    """Return every part of ``text`` that has the form of a phone number, as it is written there."""
    return [match[0] for match in re.finditer(_NUMBER, text) if _is_number(match)]


def without_numbers(text: str, known: Iterable[str] = (), kept: Iterable[str] = ()) -> str:
    """Return ``text`` with phone numbers masked: every text in the form of one, and the digits ``known`` in any grouping.

    Texts in ``kept`` stay, such as message ids that have the form of a number.
    """
    if not re.search(_GROUPED, text):
        return text
    text = re.sub(
        _NUMBER, lambda match: match[0] if match[0] in kept or not _is_number(match) else _masked_match(match), text
    )
    known = list(known)
    return re.sub(_GROUPED, lambda match: _without_known(match[0], known), text) if known else text


def masked_number(number: str) -> str:
    """Return ``+91XXXXXXXX78`` for a number: enough to recognise it, too little to call."""
    start = 3 if number[:1] == "+" else 2
    length = len(number) - start - 2
    return f"{number[:start]}{'X' * length}{number[-2:]}" if length > 0 else "X" * len(number)


def _is_number(match: re.Match[str]) -> bool:
    bare = match["bare"]
    if bare is None:
        return match["kept"] is None
    return not (bare[0] == "1" and len(bare) in (10, 13))  # a Unix time: with country code 1 a number has 11 digits


def _masked_match(match: re.Match[str]) -> str:
    return (match["plus"] or "") + masked_number(_digits(match["called"] or match["bare"]))


def _without_known(text: str, known: list[str]) -> str:
    digits = _digits(text)
    return masked_number(digits) if any(number in digits for number in known) else text


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", re.sub(_BETWEEN, "", text))
