"""The documented answers of this endpoint: status, code, what it means, who must act, and the command to type next.

Sources: Kaleyra's page *Send Authentication Template Messages* (Sample Success Response, Sample Failure Response); its
*WhatsApp API V2 error codes for send message* for WA200, WAV2101 and who must act; its template page for WA429.
"""

from kshell.core.endpoint import DocumentedAnswer

_PAGE = "Send Authentication Template Messages: "
_CODES = "WhatsApp API V2 error codes for send message"

ANSWERS = (
    DocumentedAnswer(
        "demo", 202, "WA202", "", "Request Accepted",
        "The API took the message and will pass it to WhatsApp. Callbacks and reports say later whether it arrived.",
        "nobody's", "no: a second send is a second message", "",
        f"{_PAGE}Sample Success Response",
    ),
    DocumentedAnswer(
        "incorrect-key", 401, "RBC001", "error", "Incorrect SID or API key",
        "The SID in the URL and the key in the api-key header do not belong together.",
        "yours: correct sid or api_key of the account", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorized",
    ),
    DocumentedAnswer(
        "unknown-number", 401, "WA401", "phone_number", "Phone number is not present or does not belong to the account",
        "The business number in the URL is not one of this account's. (It is the sender, not the recipient.)",
        "yours: correct phone_number of the account", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorized phone number",
    ),
    DocumentedAnswer(
        "incorrect-payload", 400, "WA400", "payload", "Refer to correct payload format",
        "The API could not read the payload. It does not say which field is wrong.",
        "yours: correct the payload", "no: it will be refused again", "kshell check {message} to=…",
        f"{_PAGE}400 Incorrect payload",
    ),
    DocumentedAnswer(
        "server-error", 500, "WA500", "error", "Please try again later",
        "The API failed. Kaleyra's advice is to try again after 5, 10 and 15 minutes; by then this code has expired.",
        "Kaleyra's; after three failures, its support's", "yes, but with a new code, and not at once",
        "kshell send {message} to=…", f"{_PAGE}500 Internal Server Error",
    ),
    DocumentedAnswer(
        "low-balance", 400, "E110", "balance", "Low balance",
        "The account's balance does not pay for this message.",
        "yours: top the account up", "yes, once the balance is topped up", "kshell send {message} to=…",
        f"{_PAGE}400 Low balance",
    ),
    DocumentedAnswer(
        "account-type", 401, "WA-401", "account", "API is not available for given customer",
        "This type of account may not use the API.",
        "yours: ask Kaleyra's support to enable it", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorised Account type",
    ),
    DocumentedAnswer(
        "number-version", 401, "WA-401", "phone_number", "The phone number is on another version of the API",
        "The business number is registered with another version of Kaleyra's WhatsApp API, which has another endpoint.",
        "yours: use a number that is on V2, or ask Kaleyra's support to move it", "no: it will be refused again",
        "kshell accounts {account}", f"{_PAGE}401 Unauthorized phone number version",
    ),
    DocumentedAnswer(
        "", 200, "WA200", "", "Success", "The API took the message.",
        "nobody's", "no: a second send is a second message", "", _CODES,
    ),
    DocumentedAnswer(
        "", 400, "WAV2101", "", "Daily limit reached", "The account has sent as many messages as it may in a day.",
        "yours: wait for the next day, or ask for a higher limit", "no, not today", "kshell accounts {account}", _CODES,
    ),
    DocumentedAnswer(
        "", 429, "WA429", "", "Too many requests",
        "More messages were sent than the API allows. By default a business number may send 80 messages a second (Meta), and "
        "to one recipient one message in 6 seconds.",
        "yours: send more slowly", "yes, after a pause", "kshell send {message} to=…", "WhatsApp templates API V2",
    ),
)  # fmt: skip
