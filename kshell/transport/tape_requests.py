"""A request and an answer as a cassette keeps them, and the facts by which two requests match."""

import json
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from kshell.core.exchange import Response
from kshell.core.json_text import dumps, loads
from kshell.core.models import Json, Request
from kshell.privacy.numbers import e164_in
from kshell.privacy.pseudonyms import is_pseudonym
from kshell.privacy.values import Change, Private

Facts = dict[str, str]


class KeptRequest(NamedTuple):
    """A request without private values; ``headers`` has lower-case names. ``body`` is compact JSON, or any other text."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str


class KeptExchange(NamedTuple):
    """A request and its answer, both without private values."""

    request: KeptRequest
    response: Response


def kept_request(request: Request, hide: Change, key: str = "") -> KeptRequest:
    """Return a request as a cassette keeps it. ``key`` is the value of the key's header; without it the header is left out."""
    headers = {name.lower(): hide(value) if isinstance(value, str) else key for name, value in request.headers}
    body = dumps(_changed_json(request.payload, hide), indent=None) if request.endpoint.takes_payload else ""
    return KeptRequest(request.method, hide(request.url), {name: text for name, text in headers.items() if text}, body)


def numbers_of(request: Request) -> list[Private]:
    """Return every number in E.164 form in the URL and the body of a request."""
    return [Private("NUMBER", number) for number in e164_in(unquote(request.url) + request.body)]


def changed_response(response: Response, change: Change) -> Response:
    """Return an answer with its reason, its headers and its body changed."""
    headers = tuple((change(name), change(text)) for name, text in response.headers)
    body = change(text_of(response.body)).encode("utf-8", "surrogateescape")
    return response._replace(reason=change(response.reason), headers=headers, body=body)


def text_of(body: bytes) -> str:
    """Return a body as text, from which ``encode("utf-8", "surrogateescape")`` makes the same bytes."""
    return body.decode("utf-8", "surrogateescape")


def request_text(request: KeptRequest) -> str:
    """Return all of a request as one text, for a search."""
    return "\n".join([request.url, *request.headers.values(), request.body])


def answer_text(response: Response) -> str:
    """Return all of an answer as one text, for a search."""
    headers = [text for pair in response.headers for text in pair]
    # headers are decoded as Latin-1, but a server may have written UTF-8
    utf8 = [text.encode("latin-1", "replace").decode("utf-8", "replace") for text in headers if not text.isascii()]
    return "\n".join([response.reason, *headers, *utf8, text_of(response.body)])


def facts_of(request: KeptRequest) -> Facts:
    """Return what must be equal for two requests to match, by names that a message can use.

    The key is not a fact: a header whose whole value is a pseudonym has the key, and is left out.

    Raises ``ValueError`` for a URL that cannot be read.
    """
    url = urlsplit(request.url)
    facts = {"method": request.method, "host": f"{url.scheme}://{url.netloc}", "path": url.path, "query": url.query}
    facts |= {f"header {name}": text for name, text in request.headers.items() if not is_pseudonym(text)}
    payload = _json_object(request.body)
    return facts | (_leaves("", payload) if payload is not None else {"body": request.body})


def _leaves(pointer: str, value: Json) -> Facts:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not members:
        return {pointer or "/": json.dumps(value)}
    return {name: fact for key, item in members for name, fact in _leaves(f"{pointer}/{key}", item).items()}


def _json_object(text: str) -> dict[str, Json] | None:
    try:
        value = loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _changed_json(value: Json, change: Change) -> Json:
    if isinstance(value, dict):
        return {change(name): _changed_json(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed_json(item, change) for item in value]
    return change(value) if isinstance(value, str) else value
