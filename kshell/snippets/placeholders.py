"""A request for documentation, with words in capitals in place of the code and the phone numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.fields import FIELDS
from kshell.api.request import build
from kshell.api.rules import places_of, token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kshell.core.models import Account, Json, Payload, Pod, Request

# the page's terms, without < and >, which have a meaning in shells and URLs
PLACEHOLDERS = {"to": "TO_NUMBER", "otp": "ONE_TIME_PASSWORD"}
SENDER = "PHONE_NUMBER"


def with_placeholders(pod: Pod, account: Account, payload: Payload) -> Request:
    """The request of ``payload`` with placeholders for its code, its recipients and the account's number."""
    spots = {
        pointer: PLACEHOLDERS[field.variable]
        for field in FIELDS
        if field.pointer and field.variable in PLACEHOLDERS
        for pointer, value in places_of(payload, field.pointer)
        if isinstance(value, str)
    }
    return build(
        pod,
        account._replace(phone_number=SENDER),
        {name: _filled(value, f"/{token(name)}", spots) for name, value in payload.items()},
    )


def _filled(value: Json, pointer: str, spots: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _filled(item, f"{pointer}/{token(name)}", spots) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, f"{pointer}/{position}", spots) for position, item in enumerate(value)]
    return spots.get(pointer, value)
