"""Build a ``Request`` from an endpoint, an account and a payload, and split a URL into its parts."""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from kshell.core.endpoint import Endpoint
from kshell.core.errors import UsageError
from kshell.core.models import Account, Payload, Pod, Request

CONTENT_TYPE = "Content-Type"


class Address(NamedTuple):
    """The parts of a request's URL. ``parameters`` are the path's parameters by name, still percent-encoded."""

    endpoint: Endpoint
    base_url: str
    parameters: Mapping[str, str]

    def value(self, name: str) -> str:
        """Return a parameter, percent-decoded; empty if the path has no parameter of this name."""
        return unquote(self.parameters.get(name, ""))

    def is_of(self, account: Account) -> bool:
        """Whether the URL has the account's parameters, such as its SID."""
        return all(self.value(name) == text for name, text in _of_account(account).items() if name in self.parameters)


def build(
    endpoint: Endpoint, pod: Pod, account: Account, payload: Payload, values: Mapping[str, str] | None = None
) -> Request:
    """Return the request that ``curl`` shows and ``send`` sends.

    ``values`` has the parameters of the path that an account does not have. Raises ``UsageError`` for a parameter that would
    change the form of the path: an empty one, ``.`` or ``..``.
    """
    known = {**(values or {}), **_of_account(account)}
    parameters = {name: _segment(name, known[name]) for name in endpoint.parameters}
    content = ((CONTENT_TYPE, endpoint.media_type),) if endpoint.takes_payload else ()
    headers = (*content, (endpoint.key_header, account.api_key))
    return Request(endpoint, pod.base_url + endpoint.path.format(**parameters), headers, payload)


@lru_cache(maxsize=64)  # the rows of a run have one sender
def _segment(name: str, text: str) -> str:
    if text in ("", ".", ".."):
        raise UsageError(f"{name} is {text!r}, which cannot be a part of a URL", hint=f"write {name}=…")
    return quote(text, safe="+")  # the page writes + unescaped


def _of_account(account: Account) -> dict[str, str]:
    return {"sid": account.sid, "phone_number": account.phone_number}


def further_parameters(endpoint: Endpoint, account: Account) -> list[str]:
    """Return the parameters of the endpoint's path that an account does not have."""
    return [name for name in endpoint.parameters if name not in _of_account(account)]


def header_names(endpoint: Endpoint) -> list[str]:
    """Return the names of the endpoint's headers, in lower case."""
    content = [CONTENT_TYPE.lower()] if endpoint.takes_payload else []
    return [*content, endpoint.key_header]


def read_address(endpoint: Endpoint, url: str) -> Address | None:
    """Return the parts of a URL of this endpoint; None for any other URL."""
    match = _url_pattern(endpoint.path).match(url)
    return Address(endpoint, match[1].lower(), match.groupdict()) if match else None


@cache
def _url_pattern(path: str) -> re.Pattern[str]:
    path = path_pattern(path, lambda name: f"(?P<{name}>[^/?#]+)")
    return re.compile(rf"(https?://[^/?#@]+){path}/?\Z", re.IGNORECASE)


def path_pattern(path: str, parameter: Callable[[str], str]) -> str:
    """Return a regular expression for a path. ``parameter`` returns the expression for a parameter's name."""
    pieces = re.split(r"\{(\w+)\}", path)  # text and names alternate
    return "".join(parameter(piece) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces))


def with_parameters(request: Request, values: Mapping[str, str]) -> Request:
    """Return ``request`` with ``values`` for some of the parameters of its path."""
    address = read_address(request.endpoint, request.url)
    if address is None:
        return request
    return request._replace(url=address.base_url + request.endpoint.path.format(**{**address.parameters, **values}))
