"""The body that the vendor POSTs to an application for each status of a message (V2 of its status callback)."""

import hashlib
from typing import NamedTuple

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
    recipient, sender = _digits_of(about.recipient), _digits_of(about.sender)
    value: Payload = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": sender, "phone_number_id": _made_id("number", sender)},
        "statuses": [_entry(about, status)],
    }
    return {
        "meta_object": {"value": value, "field": "messages"},
        "extra_info": {
            "trace_id": _hash("trace", about.message_id, recipient),
            "message_id": about.message_id,
            "waba_id": _made_id("account", sender),
            "ref": about.ref,
            "ref1": about.ref1,
            "ref2": about.ref2,
            "enable_url_tracking_body": False,
            "enable_url_tracking_button": False,
        },
        "status": status.status,
        "message_id": about.message_id,
    }


def _entry(about: About, status: Status) -> Payload:
    """Return Meta's part: the only member of ``statuses``."""
    recipient = _digits_of(about.recipient)
    entry: Payload = {
        "id": f"wamid.{_hash(about.message_id, recipient).upper()}",
        "status": status.status,
        "timestamp": str(int(status.timestamp)),
        "recipient_id": recipient,
        "conversation": {
            "id": _hash(_digits_of(about.sender), recipient),
            "expiration_timestamp": str(int(status.timestamp) + _CONVERSATION),
            "origin": {"type": "authentication"},
        },
        "pricing": {"billable": True, "pricing_model": "CBP", "category": "authentication"},
    }
    return entry | {"errors": list(status.errors)} if status.errors else entry


def _digits_of(number: str) -> str:
    return number.removeprefix("+")


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _made_id(*parts: str) -> str:
    """Return 15 digits, the form of Meta's ids."""
    return str(int(_hash(*parts), 16))[:15]
