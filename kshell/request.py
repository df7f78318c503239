"""Account, pod and payload -> Request: the one place that knows the URL and the headers.

Source: the page, *Request Format* and *URL Parameters and Headers*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from kshell.jsontext import dumps
from kshell.models import Request

if TYPE_CHECKING:
    from kshell.models import Account, Payload, Pod

KEY_HEADER = "api-key"


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
