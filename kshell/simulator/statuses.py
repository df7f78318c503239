"""What becomes of an accepted message: the statuses that the vendor reports, and Meta's error of a failed one.

The vendor's statuses are ``sent``, ``delivered``, ``read``, ``failed`` and ``not-sent``. The simulator gives a message either
``sent``, ``delivered``, ``read`` or ``sent``, ``failed``.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from kshell.core.models import Payload

META_TITLES: Mapping[int, str] = {
    2: "API Service",
    10: "API Permission Denied",
    100: "Invalid parameter",
    190: "Access token has expired",
    200: "API Permission",
    368: "Temporarily blocked for policies violations",
    130429: "Rate limit hit",
    130472: "User's number is part of an experiment",
    130497: "Business account is restricted from messaging users in this country",
    131000: "Something went wrong",
    131005: "Access denied",
    131008: "Required parameter is missing",
    131009: "Parameter value is not valid",
    131016: "Service unavailable",
    131021: "Recipient cannot be sender",
    131026: "Message undeliverable",
    131031: "Account has been locked",
    131037: "Display name approval needed",
    131042: "Business eligibility payment issue",
    131045: "Incorrect certificate",
    131047: "Re-engagement message",
    131048: "Spam rate limit hit",
    131049: "Meta chose not to deliver",
    131051: "Unsupported message type",
    131053: "Media upload error",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    131057: "Account in maintenance mode",
    132000: "Template Param Count Mismatch",
    132001: "Template does not exist",
    132005: "Template Hydrated Text Too Long",
    132007: "Template Format Character Policy Violated",
    132012: "Template Parameter Format Mismatch",
    132015: "Template is Paused",
    132016: "Template is Disabled",
    133004: "Server Temporarily Unavailable",
    133010: "Phone number Not Registered",
    135000: "Generic user error",
}
"""The codes of Meta's that a failed message can carry, and their titles."""

NO_SUCH_TEMPLATE = 132001
_MAGIC = re.compile(r"\+1500(\d+)0")


class Status(NamedTuple):
    """One status of a message. ``timestamp`` is in Unix seconds; ``errors`` has Meta's error if the status is ``failed``."""

    status: str
    timestamp: float
    errors: tuple[Payload, ...] = ()


def meta_error(code: int) -> Payload:
    """Return the error of a failed status in Meta's form. A code that is not in ``META_TITLES`` has the title ``Error``."""
    title = META_TITLES.get(code, "Error")
    return {"code": code, "title": title, "message": title, "error_data": {"details": title}}


def magic_code(recipient: str) -> int:
    """Return the code with which messages to ``recipient`` fail, 0 for none: +15001310260 fails with 131026."""
    found = _MAGIC.fullmatch(recipient)
    code = int(found[1]) if found else 0
    return code if code in META_TITLES else 0


def planned(accepted: float, delay: float, fails_with: int) -> tuple[Status, ...]:
    """Return all statuses of a message, ``delay`` seconds apart, the first one ``delay`` after it was accepted."""
    steps = ("sent", "failed") if fails_with else ("sent", "delivered", "read")
    return tuple(
        Status(status, round(accepted + delay * count, 3), (meta_error(fails_with),) if status == "failed" else ())
        for count, status in enumerate(steps, start=1)
    )
