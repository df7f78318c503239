"""Every endpoint that kshell knows, and lookups over all of them: fields, rules and answers by name, an address by URL."""

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.request import Address, read_address
from kshell.core.endpoint import DocumentedAnswer, Field

ENDPOINTS = (SEND_AUTHENTICATION,)

# an item that two endpoints share is in here once
FIELDS = tuple(dict.fromkeys(field for endpoint in ENDPOINTS for field in endpoint.fields))
RULES = {code: rule for endpoint in ENDPOINTS for code, rule in endpoint.rules.items()}
ANSWERS = tuple(dict.fromkeys(answer for endpoint in ENDPOINTS for answer in endpoint.answers))

_ITEMS = ("*", "body", "button")  # steps of a field's pointer that stand for items of a list
CODES = tuple(dict.fromkeys(answer.code for answer in ANSWERS))
FIELD_WORDS = tuple(dict.fromkeys(name for field in FIELDS for name in field.names if not name.startswith("/")))
"""Every name by which ``find_fields`` finds a field, except pointers."""

KEY_HEADERS = frozenset(endpoint.key_header for endpoint in ENDPOINTS)


def read_url(url: str) -> Address | None:
    """Return the endpoint and the parts of a URL; None if no endpoint has such a URL."""
    return next(filter(None, (read_address(endpoint, url) for endpoint in ENDPOINTS)), None)


def find_answers(word: str) -> list[DocumentedAnswer]:
    """Return every documented answer with this code, in upper or lower case, or HTTP status. ``WA-401`` has two."""
    return [answer for answer in ANSWERS if word.lower() in (answer.code.lower(), str(answer.status))]


def find_fields(word: str) -> list[Field]:
    """Return every field named ``word``: by the page's term, the variable, the JSON key or the pointer.

    A pointer may have the number of an item, as those of ``check`` do, and dots in place of slashes.
    """
    wanted = word.lower()
    steps = wanted.replace(".", "/").strip("/").split("/")
    return [
        field for field in FIELDS if wanted in (name.lower() for name in field.names) or _is_at(field.pointer, steps)
    ]


def _is_at(pointer: str, steps: list[str]) -> bool:
    own = pointer.split("/")[1:]
    same = (step == it or (step.isdecimal() and it in _ITEMS) for step, it in zip(steps, own, strict=False))
    return len(steps) == len(own) and all(same)
