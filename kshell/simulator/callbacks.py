"""The body that the vendor POSTs to an application for each status of a message (V2 of its status callback)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kshell.core.models import Payload
    from kshell.simulator.statuses import Status

_CONVERSATION = 86_400  # seconds: how long a conversation stays open


class About(NamedTuple):
    """The message that a status is about. ``recipient`` and ``sender`` are numbers in E.164 form."""

    recipient: str
    sender: str
    message_id: str
    ref: str = ""
    ref1: str = ""
    ref2: str = ""


def status_callback(about: About, status: Status) -> Payload:
    """Return the JSON object of the callback. Numbers stand in it without a plus, timestamps as text in Unix seconds.

    ``message_id`` is the id that the API's answer gave. Meta's own id, the ids of the conversation, of the number and of the
    account are made from what they stand for, so that they are the same in each callback about it.
    """
    recipient, sender = about.recipient.removeprefix("+"), about.sender.removeprefix("+")
    entry: Payload = {
        "id": f"wamid.{_hash(about.message_id, recipient)[:32].upper()}",
        "status": status.status,
        "timestamp": str(int(status.timestamp)),
        "recipient_id": recipient,
        "conversation": {
            "id": _hash(sender, recipient)[:32],
            "expiration_timestamp": str(int(status.timestamp) + _CONVERSATION),
            "origin": {"type": "authentication"},
        },
        "pricing": {"billable": True, "pricing_model": "CBP", "category": "authentication"},
    }
    if status.errors:
        entry["errors"] = list(status.errors)
    value: Payload = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": sender, "phone_number_id": _digits("number", sender)},
        "statuses": [entry],
    }
    return {
        "meta_object": {"value": value, "field": "messages"},
        "extra_info": {
            "trace_id": _hash("trace", about.message_id, recipient)[:32],
            "message_id": about.message_id,
            "waba_id": _digits("account", sender),
            "ref": about.ref,
            "ref1": about.ref1,
            "ref2": about.ref2,
            "enable_url_tracking_body": False,
            "enable_url_tracking_button": False,
        },
        "status": status.status,
        "message_id": about.message_id,
    }


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _digits(*parts: str) -> str:
    """Return 15 digits, as an id of Meta's has."""
    return str(int(_hash(*parts), 16))[:15]
