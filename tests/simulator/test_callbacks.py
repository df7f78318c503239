"""The body of a status callback, as the vendor's V2 page has it."""

from __future__ import annotations

from typing import Any

import pytest

from kshell.simulator.callbacks import About, status_callback
from kshell.simulator.statuses import META_TITLES, Status, meta_error

ABOUT = About("+919812345678", "+911234567890", "A1", "customer1", "marketing", "dictionary")


def callback(status: str = "sent", **errors: Any) -> Any:
    """The callback of a status."""
    return status_callback(ABOUT, Status(status, 1764114651.9, **errors))


def shape(value: Any) -> Any:
    """The names of an object's members, down to the values, which become their types."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def test_a_callback_has_the_fields_of_the_page() -> None:
    """The body has every field of the vendor's page, and no other."""
    status = {
        "id": "str",
        "status": "str",
        "timestamp": "str",
        "recipient_id": "str",
        "conversation": {"id": "str", "expiration_timestamp": "str", "origin": {"type": "str"}},
        "pricing": {"billable": "bool", "pricing_model": "str", "category": "str"},
    }
    metadata = {"display_phone_number": "str", "phone_number_id": "str"}
    value = {"messaging_product": "str", "metadata": metadata, "statuses": [status]}
    extra = dict.fromkeys(["trace_id", "message_id", "waba_id", "ref", "ref1", "ref2"], "str")
    tracking = dict.fromkeys(["enable_url_tracking_body", "enable_url_tracking_button"], "bool")
    assert shape(callback()) == {
        "meta_object": {"value": value, "field": "str"},
        "extra_info": extra | tracking,
        "status": "str",
        "message_id": "str",
    }


def test_a_callback_says_which_message_it_is_about() -> None:
    """The id of the API's answer, the refs, and the numbers without their plus are in the body."""
    body = callback("delivered")
    extra, value = body["extra_info"], body["meta_object"]["value"]
    assert (extra["message_id"], extra["ref"], extra["ref1"], extra["ref2"]) == (
        "A1",
        "customer1",
        "marketing",
        "dictionary",
    )
    assert (body["message_id"], body["status"]) == ("A1", "delivered")
    assert value["metadata"]["display_phone_number"] == "911234567890"
    assert value["statuses"][0]["recipient_id"] == "919812345678"
    assert (value["statuses"][0]["status"], value["statuses"][0]["timestamp"]) == ("delivered", "1764114651")


def test_a_failed_status_carries_meta_s_error() -> None:
    """A failed status has ``errors`` with code, title, message and details; any other status has none."""
    [status] = callback("failed", errors=(meta_error(131026),))["meta_object"]["value"]["statuses"]
    title = META_TITLES[131026]
    assert status["errors"] == [{"code": 131026, "title": title, "message": title, "error_data": {"details": title}}]


@pytest.mark.parametrize("field", ["id", "conversation"])
def test_callbacks_about_one_message_have_the_same_ids(field: str) -> None:
    """Meta's id and that of the conversation are those of the message, and differ between recipients."""
    sent, read = (callback(name)["meta_object"]["value"]["statuses"][0] for name in ("sent", "read"))
    other = status_callback(ABOUT._replace(recipient="+919812345679"), Status("sent", 1764114651.9))
    assert sent[field] == read[field]
    assert sent[field] != other["meta_object"]["value"]["statuses"][0][field]  # type: ignore[index, call-overload]
