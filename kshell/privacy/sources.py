"""Collect private values from drafts, from accounts, and from variables that are named like a code or a number."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache

from kshell.core.errors import KshellError
from kshell.core.models import Account, Draft
from kshell.privacy.numbers import LEAST_DIGITS
from kshell.privacy.values import Private

_PRIVATE_NAME = r"(?i)to|otp|.*(code|pin|pass|secret|token|key|phone|number|mobile|msisdn|recipient).*"
_NUMBER_NAME = r"(?i)to|.*(phone|number|mobile|msisdn|recipient).*"
_PUBLIC_NAME = r"(?i)(language|country|status|error)_?code"


def values_of(draft: Draft, generated: Sequence[str] = ()) -> Iterator[Private]:
    """Yield the codes, the recipients and the sender of a message, but not its key.

    ``generated`` are the codes that the session generated, in order; a code that is one of them gets its ordinal.
    """
    for code in draft.codes:
        if code:
            yield Private("CODE", code, generated.index(code) + 1 if code in generated else 0)
    for number in (*draft.recipients, draft.account.phone_number):
        yield from _spellings(number)


def keys_of(accounts: Iterable[Account], resolve: Callable[[Account], str]) -> Iterator[Private]:
    """Yield the API key of every account whose key ``resolve`` can return."""
    for account in accounts:
        with suppress(KshellError):
            yield Private("KEY", resolve(account))


def named_values(name: str, text: str) -> Iterator[Private]:
    """Yield the private values in the text of the variable ``name``, if it is named like a code or a number."""
    kind = kind_by_name(name)
    if kind == "NUMBER":
        for number in text.split(","):
            yield from _spellings(number)
    elif kind and text:
        yield Private(kind, text)


@lru_cache(maxsize=256)  # all rows have the same names
def kind_by_name(name: str) -> str:
    """Return ``NUMBER`` or ``CODE`` if a variable is named like one, else ``""``."""
    if re.fullmatch(_PUBLIC_NAME, name) or not re.fullmatch(_PRIVATE_NAME, name):
        return ""
    return "NUMBER" if re.fullmatch(_NUMBER_NAME, name) else "CODE"


@lru_cache(maxsize=64)  # all messages of a run have one sender
def _spellings(number: str) -> tuple[Private, ...]:
    """Return a number as it is written and in E.164 form; nothing if it has too few digits to be called."""
    digits = re.sub("[^0-9]", "", number)
    spellings = dict.fromkeys((number, f"+{digits}")) if len(digits) >= LEAST_DIGITS else ()
    return tuple(Private("NUMBER", spelling) for spelling in spellings)
