"""Every endpoint that kshell knows, and what is known of all of them: fields, rules and answers by name, an address by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.request import Address, read_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.core.endpoint import DocumentedAnswer, Field

ENDPOINTS = (SEND_AUTHENTICATION,)

# what two endpoints share is there once
FIELDS = tuple(dict.fromkeys(field for endpoint in ENDPOINTS for field in endpoint.fields))
RULES = {code: rule for endpoint in ENDPOINTS for code, rule in endpoint.rules.items()}
ANSWERS = tuple(dict.fromkeys(answer for endpoint in ENDPOINTS for answer in endpoint.answers))

KEY_HEADERS = frozenset(endpoint.key_header for endpoint in ENDPOINTS)


def read_url(url: str) -> Address | None:
    """The endpoint and the parts of a URL; None if it is no endpoint's."""
    return next(filter(None, (read_address(endpoint, url) for endpoint in ENDPOINTS)), None)


def find_answers(code: str) -> list[DocumentedAnswer]:
    """Every documented answer with this code, in any case of letters. ``WA-401`` has two."""
    return [answer for answer in ANSWERS if answer.code.lower() == code.lower()]


def answers_of_status(status: str) -> list[DocumentedAnswer]:
    """Every documented answer with this HTTP status."""
    return [answer for answer in ANSWERS if str(answer.status) == status]


def all_codes() -> Iterator[str]:
    """Every documented code, once."""
    yield from dict.fromkeys(answer.code for answer in ANSWERS)


def find_fields(word: str) -> list[Field]:
    """Every field that ``word`` means: the page's term, kshell's variable, the JSON key or the pointer."""
    wanted = word.lower()
    return [field for field in FIELDS if wanted in (name.lower() for name in field.names)]


def field_words() -> Iterator[str]:
    """Every word that ``find_fields`` finds something for, pointers left out."""
    yield from dict.fromkeys(name for field in FIELDS for name in field.names if not name.startswith("/"))
