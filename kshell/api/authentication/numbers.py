"""Recipients' numbers: the right spelling of a number, and what its country's numbering plan says of it."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from kshell.api.authentication.fields import E164


class Planned(NamedTuple):
    """A number by its country's numbering plan.

    ``e164`` is the number without a trunk prefix, such as the 0 in +44 (0)7911 123456. ``country`` is the country code.
    """

    e164: str
    country: int
    possible: bool
    number: Any

    @property
    def valid(self) -> bool:
        """Whether the plan assigns the number, as far as it says so."""
        import phonenumbers

        return phonenumbers.is_valid_number(self.number)


@lru_cache(maxsize=256)  # several rules ask about one number
def planned(number: str) -> Planned | None:
    """Return what is known of a number in E.164 form; None if no country has its code."""
    import phonenumbers  # its country tables take a fifth of a start to load

    # "Phone numbers in Mexico (country code "52") need to have "1" after "+52"" (WhatsApp's Help Center), but Mexico's own
    # plan has no such 1
    plain = re.sub(r"\A\+521(?=\d{10}\Z)", "+52", number)
    try:
        known = phonenumbers.parse(plain)
        if known.italian_leading_zero and not phonenumbers.is_valid_number(known):
            without = phonenumbers.parse(f"+{known.country_code}{known.national_number}")
            known = without if phonenumbers.is_valid_number(without) else known
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)
    return Planned(
        e164=number if e164 == plain else e164,
        country=known.country_code or 0,
        possible=phonenumbers.is_possible_number(known),
        number=known,
    )


def number_fix(number: str) -> str:
    """Return the correction of a text that is not a number in E.164 form."""
    if number.count("+") > 1:
        return "write a comma between recipients, and no blank"
    bare = re.sub(r"\Atel:|[\s().-]|;.*", "", number)
    bare = re.sub(r"\d", lambda digit: str(int(digit[0])), bare)  # digits of every script
    bare = re.sub(r"\A\+?00", "+", bare)
    with_plus = f"+{bare.removeprefix('+')}"
    known = planned(with_plus) if re.fullmatch(E164, with_plus) else None
    if known and known.valid:
        return f"write {known.e164}"
    # add no plus if the result is not a valid number: 9812345678 has no country code
    return f"write {bare}" if re.fullmatch(E164, bare) else f"write {_FORM}"


_FORM = "+ and 7 to 15 digits, the country code first, such as +919812345678"
