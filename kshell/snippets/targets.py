"""The registry of snippet targets, and helpers that write the headers and the body of a request."""

import json
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from kshell.core.errors import UsageError
from kshell.core.json_text import dumps
from kshell.core.models import Request, Secret

Write = Callable[[Request, str | None], str]
Written = TypeVar("Written", bound=Write)


class Target(NamedTuple):
    """A target: ``says`` describes it, ``fence`` is its language in Markdown, ``write`` makes it without a final newline.

    ``aliases`` are other names that find it.
    """

    name: str
    says: str
    fence: str
    aliases: tuple[str, ...]
    write: Write


TARGETS: dict[str, Target] = {}


def target(name: str, says: str, fence: str, *aliases: str) -> Callable[[Written], Written]:
    """Return a decorator that registers a function in ``TARGETS``."""

    def register(write: Written) -> Written:
        TARGETS[name] = Target(name, says, fence, aliases, write)
        return write

    return register


def headers(
    request: Request, key: str | None, text: Callable[[str], str], reference: Callable[[str], str]
) -> list[tuple[str, str]]:
    """Return every header as (name, value). ``text`` writes a known value, ``reference`` the variable with the key."""
    return [
        (
            name,
            text(value) if not isinstance(value, Secret) else reference(value.variable) if key is None else text(key),
        )
        for name, value in request.headers
    ]


def key_variable(request: Request, key: str | None) -> str:
    """Return the environment variable from which a program reads the key; ``""`` if ``key`` is written into it."""
    secrets = [value for _, value in request.headers if isinstance(value, Secret)]
    return secrets[0].variable if secrets and key is None else ""


def status_name(request: Request) -> str:
    """Return the name of the status that means success, such as ``Accepted`` or ``NoContent``."""
    from http import HTTPStatus

    return HTTPStatus(request.endpoint.success).phrase.replace(" ", "")


def body(request: Request, *, avoid: str = "", indent: int | None = 2, ascii_only: bool = False) -> str:
    """Return the payload as JSON without the characters of ``avoid``, or ``""`` if the endpoint takes no payload.

    ``indent`` is in spaces; None writes one line.
    """
    if not request.endpoint.takes_payload:
        return ""
    return dumps(request.payload, indent=indent, avoid=avoid, ascii_only=ascii_only)


def refuse_half_characters(request: Request, what: str) -> None:
    """Raise ``UsageError`` if a text of the payload holds half of a surrogate pair, which ``what`` ("PHP") cannot send."""
    try:
        json.dumps(request.payload, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        message = f"a text holds half of a surrogate pair, which {what} cannot send"
        raise UsageError(message, hint="choose another target: kshell snippet curl") from None


def refuse(text: str | None, characters: str, reason: str) -> None:
    """Raise ``UsageError`` if a key or URL contains one of ``characters``, which ``reason`` ("Hurl reads as a variable")."""
    found = next((character for character in characters if character in (text or "")), "")
    if found:
        raise UsageError(
            f"the key or the URL holds {found}, which {reason}",
            hint="leave out --reveal, or choose another target: kshell snippet python",
        )


def bounded(text: str, size: int, most: int, what: str) -> str:
    """Return ``text``. Raise ``UsageError`` if its ``size`` is over ``most``, the limit of ``what``."""
    if size > most:
        raise UsageError(
            f"{what} takes at most {most} characters; this request needs {size}",
            hint="a program has no such limit: kshell snippet python",
        )
    return text
