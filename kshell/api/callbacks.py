"""Read and post a status callback, which the vendor posts after the 202. Each status in it is a ``StatusReport``.

The form is that of the vendor's page *wa-status-update-webhooks-payload-v2-sent*; ``errors`` are in Meta's form.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from kshell.api.answers import parse
from kshell.api.request import CONTENT_TYPE
from kshell.core.endpoint import Endpoint
from kshell.core.json_text import Json, Payload
from kshell.core.models import Request

_APPLICATION = Endpoint(
    "status-callback", "Status callback", "Receive a status of a message", "POST", "", media_type="application/json"
)
"""The application that gets callbacks: it has no key, and documents no answers."""

_REFS = ("ref", "ref1", "ref2")
_TEXT_OR_COMMA = re.compile(r'"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|,(?=\s*[}\]])', re.DOTALL)


class MetaError(NamedTuple):
    """One of the ``errors`` of a failed status: Meta's code, and what Meta says about it; empty where it says nothing."""

    code: str
    title: str
    message: str
    details: str

    @property
    def says(self) -> str:
        """Meta's own words on one line, each text once."""
        return ": ".join(dict.fromkeys(filter(None, (self.title, self.message, self.details))))


class StatusReport(NamedTuple):
    """One status of one message. A value that the callback does not have is empty.

    ``message_id`` is the id that the 202 gave, ``whatsapp_id`` is Meta's. ``timestamp`` is in seconds since 1970, as text.
    """

    status: str
    message_id: str
    whatsapp_id: str
    recipient: str
    timestamp: str
    refs: Mapping[str, str]
    errors: tuple[MetaError, ...]


def callback_request(url: str, body: Payload) -> Request:
    """Return the request that posts a callback to an application. It has no key."""
    return Request(_APPLICATION, url, ((CONTENT_TYPE, _APPLICATION.media_type),), body)


def parse_received(text: str) -> Json:
    """Return the JSON value of a body as it was received. Raises ``ValueError``.

    The sample on the vendor's page has a comma after its last member, so a text that is not JSON is read once more without
    such commas.
    """
    try:
        return parse(text.encode())
    except ValueError:
        plain = _TEXT_OR_COMMA.sub(lambda found: found[0].removeprefix(","), text)
        if plain == text:
            raise
        return parse(plain.encode())


def status_reports(value: Json) -> list[StatusReport]:
    """Return the statuses of a callback, in order; an empty list if ``value`` is no status callback."""
    callback = _object(value)
    extra = _object(callback.get("extra_info"))
    statuses = _objects(_object(_object(callback.get("meta_object")).get("value")).get("statuses"))
    if not statuses and "message_id" in callback:  # not-sent: Meta has not seen the message
        statuses = [callback]
    message_id = _text(extra, "message_id") or _text(callback, "message_id")
    refs = {name: _text(extra, name) for name in _REFS if _text(extra, name)}
    return [_report(status, message_id, refs) for status in statuses if _text(status, "status")]


def _report(status: Payload, message_id: str, refs: Mapping[str, str]) -> StatusReport:
    return StatusReport(
        _text(status, "status"),
        message_id,
        _text(status, "id"),
        _text(status, "recipient_id"),
        _text(status, "timestamp"),
        refs,
        tuple(_error(error) for error in _objects(status.get("errors"))),
    )


def _error(error: Payload) -> MetaError:
    details = _text(_object(error.get("error_data")), "details")
    return MetaError(_text(error, "code"), _text(error, "title"), _text(error, "message"), details)


def _object(value: Json) -> Payload:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[Payload]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Payload, name: str) -> str:
    """Return a text or a number as text; empty for anything else."""
    member = value.get(name)
    return str(member) if isinstance(member, str | int) and not isinstance(member, bool) else ""
