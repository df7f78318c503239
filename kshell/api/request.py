"""Account, pod and payload -> Request, and a URL back to its parts: the one place that knows the URL and the headers.

Source: the page, *Request Format* and *URL Parameters and Headers*.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from kshell.core.json_text import dumps
from kshell.core.models import Request

if TYPE_CHECKING:
    from kshell.core.models import Account, Payload, Pod

KEY_HEADER = "api-key"

_URL = re.compile(r"(https?://[^/?#@]+)/v2/([^/?#]+)/whatsapp/([^/?#]+)/messages/?\Z", re.IGNORECASE)


class Address(NamedTuple):
    """The parts of a request's URL, as they stand in it; all empty where it is another URL."""

    base_url: str = ""
    sid: str = ""
    phone_number: str = ""


def build(pod: Pod, account: Account, payload: Payload) -> Request:
    """The request that ``curl`` shows and ``send`` sends."""
    sid, number = _segment(account.sid), _segment(account.phone_number)
    return Request(
        method="POST",
        url=f"{pod.base_url}/v2/{sid}/whatsapp/{number}/messages",
        headers=(("Content-Type", "application/json"), (KEY_HEADER, account.api_key)),
        body=dumps(payload),
    )


def _segment(text: str) -> str:
    return quote(text, safe="+")  # the page writes the number's plus as it is


def read_url(url: str) -> Address:
    """The parts of a URL that ``build`` made, or that the page's form has."""
    match = _URL.match(url)
    return Address(match[1].lower(), match[2], match[3]) if match else Address()
