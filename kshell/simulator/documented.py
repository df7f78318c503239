"""The failures that the API's page documents, and the magic values of a request that cause each of them.

The whole simulator is written from the page alone.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kshell.core.models import Json, Payload


class Failure(NamedTuple):
    """An answer that refuses a request. ``title`` is its heading on the page; its error is ``{error_key: error_text}``."""

    name: str
    title: str
    status: int
    reason: str
    code: str
    message: str
    error_key: str
    error_text: str
    data_is_list: bool = False

    @property
    def body(self) -> Payload:
        """The answer's JSON, as the page shows it."""
        data: Json = [] if self.data_is_list else {}
        return {
            "code": self.code,
            "message": self.message,
            "data": data,
            "error": {self.error_key: self.error_text},
        }


_KEY = "Incorrect SID or API key."
_NUMBER = "Phone number is not present or does not belong to the account."
_BALANCE = "Please check your balance, You have a low balance!"
_TYPE = "API is not available for given customer.Please contact support for more info"
_VERSION = (
    "The phone number you're using is associated with different Version of our WA API. "
    "Please use the appropriate endpoint."
)

# fmt: off
INCORRECT_KEY = Failure(
    "incorrect-key", "401 Unauthorized",
    401, "Unauthorized", "RBC001", _KEY, "error", _KEY, data_is_list=True,
)
UNKNOWN_NUMBER = Failure(
    "unknown-number", "401 Unauthorized phone number",
    401, "Unauthorized", "WA401", _NUMBER, "phone_number", _NUMBER,
)
INCORRECT_PAYLOAD = Failure(
    "incorrect-payload", "400 Incorrect payload",
    400, "Bad Request", "WA400", "Refer to correct payload format", "payload", "Incorrect payload format",
)
SERVER_ERROR = Failure(
    "server-error", "500 Internal Server Error",
    500, "Internal Server Error", "WA500", "Please try again later", "error", "Internal server error",
)
LOW_BALANCE = Failure(
    "low-balance", "400 Low balance",
    400, "Bad Request", "E110", _BALANCE, "balance", _BALANCE,
)
ACCOUNT_TYPE = Failure(
    "account-type", "401 Unauthorised Account type",
    401, "Unauthorized", "WA-401", _TYPE, "account", _TYPE,
)
NUMBER_VERSION = Failure(
    "number-version", "401 Unauthorized phone number version",
    401, "Unauthorized", "WA-401", _VERSION, "phone_number", _VERSION,
)

# Not on the page: answers of any HTTP server.
NO_SUCH_PATH = Failure(
    "no-such-path", "404 Not Found",
    404, "Not Found", "404", "Not found", "path", "Use /v2/<sid>/whatsapp/<phone_number>/messages",
)
WRONG_METHOD = Failure(
    "wrong-method", "405 Method Not Allowed",
    405, "Method Not Allowed", "405", "Method not allowed", "method", "Use POST",
)
FOREIGN = Failure(
    "foreign", "403 Forbidden",
    403, "Forbidden", "403", "Forbidden", "host", "Host and Origin have to be localhost, 127.0.0.1 or [::1]",
)
# fmt: on

FAILURES: Mapping[str, Failure] = {
    failure.name: failure
    for failure in (
        INCORRECT_KEY,
        UNKNOWN_NUMBER,
        INCORRECT_PAYLOAD,
        SERVER_ERROR,
        LOW_BALANCE,
        ACCOUNT_TYPE,
        NUMBER_VERSION,
    )
}
"""Every failure the page documents, by name, in the page's order."""

MAGIC_RECIPIENTS: Mapping[str, Failure] = {
    "+15005550001": INCORRECT_KEY,
    "+15005550002": UNKNOWN_NUMBER,
    "+15005550003": INCORRECT_PAYLOAD,
    "+15005550004": SERVER_ERROR,
    "+15005550005": LOW_BALANCE,
    "+15005550006": ACCOUNT_TYPE,
    "+15005550007": NUMBER_VERSION,
}
"""Recipients that cause a failure. The numbers belong to nobody."""

MAGIC_KEYS: Mapping[str, Failure] = {"Aincorrect00000000000000000000000": INCORRECT_KEY}
"""API keys that cause a failure."""

MAGIC_SIDS: Mapping[str, Failure] = {
    "HXINCORRECTPAYLOADIN": INCORRECT_PAYLOAD,
    "HXSERVERERRORIN": SERVER_ERROR,
    "HXLOWBALANCEIN": LOW_BALANCE,
    "HXACCOUNTTYPEIN": ACCOUNT_TYPE,
}
"""SIDs that cause a failure."""

MAGIC_SENDERS: Mapping[str, Failure] = {
    "+15005550002": UNKNOWN_NUMBER,
    "+15005550007": NUMBER_VERSION,
}
"""Sender numbers that cause a failure. They cause the same failure as recipients."""
