"""An answer without the API key: a server may repeat the key in the reason, in a header or in the body."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from kshell.api.answers import exchange_of, parse
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Json

if TYPE_CHECKING:
    from kshell.core.exchange import Exchange, Response
    from kshell.privacy.privacy import Privacy

_MOST_JSON = (
    64 * 1024
)  # bytes; masking each text takes 15 microseconds, and a documented answer has less than 1000 bytes


@lru_cache(maxsize=4)  # the rows of a run have one key
def key_privacy(key: str) -> Privacy:
    """Return the privacy of an API key."""
    from kshell.privacy.privacy import Privacy
    from kshell.privacy.values import Private

    return Privacy([Private("KEY", key)])


def masked_exchange(exchange: Exchange, key: str) -> Exchange:
    """Return an exchange whose answer has ``key`` masked in every spelling. The delivery is that of the unmasked answer."""
    response = exchange.response
    if not key or response is None or not _may_repeat(response, key_privacy(key)):
        return exchange
    masked = _masked(response, key_privacy(key))
    if masked == response:
        return exchange
    answer = exchange_of(exchange.request, masked, exchange.elapsed_ms).answer
    return exchange._replace(response=masked, answer=answer)


def _may_repeat(response: Response, privacy: Privacy) -> bool:
    """Whether an answer may contain a value; looked up in all of its texts at once, which is quicker."""
    if response.fault:  # it may end within a value
        return True
    names = (text for header in response.headers for text in header)
    text = "\n".join((response.reason, *names, response.body.decode("utf-8", "surrogateescape")))
    return privacy.hide_values(text) != text


def _masked(response: Response, privacy: Privacy) -> Response:
    hide = privacy.hide_values
    return response._replace(
        reason=hide(response.reason),
        headers=tuple((hide(name), hide(text)) for name, text in response.headers),
        body=_masked_body(response, privacy),
        fault=hide(response.fault),
    )


def _masked_body(response: Response, privacy: Privacy) -> bytes:
    """Return the body with the key masked.

    JSON of at most ``_MOST_JSON`` bytes stays JSON. Any other body that still leaks the key is replaced by a remark.
    """
    text = response.body.decode("utf-8", "surrogateescape")
    masked = privacy.mask_values(text)
    masked = _without_begun_key(masked, privacy) if response.fault else masked
    leaks = bool(privacy.leak(masked))
    if masked == text and not leaks:
        return response.body
    value = _json(response.body) if len(response.body) <= _MOST_JSON else None
    if value is not None and (leaks or _json(masked.encode("utf-8", "surrogateescape")) is None):
        masked = dumps(_masked_json(value, privacy))
    return privacy.hide_values(masked).encode("utf-8", "surrogateescape")


def _without_begun_key(text: str, privacy: Privacy) -> str:
    """Return an incomplete text with the beginning of a key at its end masked."""
    from kshell.privacy.values import SHORTEST

    for form in privacy.forms():
        for size in range(len(form) - 1, SHORTEST - 1, -1):
            if text.endswith(form[:size]):
                return text[:-size] + REDACTED
    return text


def _json(body: bytes) -> Json:
    try:
        return parse(body)
    except ValueError:
        return None


def _masked_json(value: Json, privacy: Privacy) -> Json:
    if isinstance(value, dict):
        return {privacy.hide_values(name): _masked_json(item, privacy) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked_json(item, privacy) for item in value]
    text = value if isinstance(value, str) else json.dumps(value)
    masked = privacy.hide_values(text)
    return value if masked == text else masked
