"""Answers -> what they mean: a table of every documented answer, and words for those that nobody documented.

Sources: Kaleyra's page *Send Authentication Template Messages* (Sample Success Response, Sample Failure Response); its
*WhatsApp API V2 error codes for send message* for WA200, WAV2101 and whose move it is; its template page for WA429.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.models import Delivery, Explanation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kshell.core.models import Exchange, Json, Response

DEEPEST = 64  # levels of a body; a documented answer has two

_PAGE = "Send Authentication Template Messages: "
_CODES = "WhatsApp API V2 error codes for send message"


class Answer(NamedTuple):
    """A documented answer. ``name`` is the shipped account that gets it; ``key`` tells answers of one code apart.

    ``key`` is the key inside the body's ``error`` object; ``next`` is a command, where ``{account}`` is the account's name
    and ``{message}`` the words that make the message go the same way again.
    """

    name: str
    status: int
    code: str
    key: str
    title: str
    meaning: str
    who: str
    retry: str
    next: str
    source: str


ANSWERS = (
    Answer(
        "demo", 202, "WA202", "", "Request Accepted",
        "The API took the message and will pass it to WhatsApp. Whether it arrives is told later, by callbacks and reports.",
        "nobody's", "no: a second send is a second message", "",
        f"{_PAGE}Sample Success Response",
    ),
    Answer(
        "incorrect-key", 401, "RBC001", "error", "Incorrect SID or API key",
        "The SID in the URL and the key in the api-key header do not belong together.",
        "yours: correct sid or api_key of the account", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorized",
    ),
    Answer(
        "unknown-number", 401, "WA401", "phone_number", "Phone number is not present or does not belong to the account",
        "The business number in the URL is not one of this account's. (It is the sender, not the recipient.)",
        "yours: correct phone_number of the account", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorized phone number",
    ),
    Answer(
        "incorrect-payload", 400, "WA400", "payload", "Refer to correct payload format",
        "The API could not read the payload. It does not say which field is wrong.",
        "yours: mend the payload", "no: it will be refused again", "kshell check {message} to=…",
        f"{_PAGE}400 Incorrect payload",
    ),
    Answer(
        "server-error", 500, "WA500", "error", "Please try again later",
        "The API failed. Kaleyra's advice is to try again after 5, 10 and 15 minutes; by then this code is dead.",
        "Kaleyra's; after three failures, its support's", "yes, but with a new code, and not at once",
        "kshell send {message} to=…", f"{_PAGE}500 Internal Server Error",
    ),
    Answer(
        "low-balance", 400, "E110", "balance", "Low balance",
        "The account's balance does not pay for this message.",
        "yours: top the account up", "yes, once the balance is topped up", "kshell send {message} to=…",
        f"{_PAGE}400 Low balance",
    ),
    Answer(
        "account-type", 401, "WA-401", "account", "API is not available for given customer",
        "This type of account may not use the API.",
        "yours: ask Kaleyra's support to enable it", "no: it will be refused again", "kshell accounts {account}",
        f"{_PAGE}401 Unauthorised Account type",
    ),
    Answer(
        "number-version", 401, "WA-401", "phone_number", "The phone number is on another version of the API",
        "The business number is registered with another version of Kaleyra's WhatsApp API, which has another endpoint.",
        "yours: use a number that is on V2, or ask Kaleyra's support to move it", "no: it will be refused again",
        "kshell accounts {account}", f"{_PAGE}401 Unauthorized phone number version",
    ),
    Answer(
        "", 200, "WA200", "", "Success", "The API took the message.",
        "nobody's", "no: a second send is a second message", "", _CODES,
    ),
    Answer(
        "", 400, "WAV2101", "", "Daily limit reached", "The account has sent as many messages as it may in a day.",
        "yours: wait for the next day, or ask for a higher limit", "no, not today", "kshell accounts {account}", _CODES,
    ),
    Answer(
        "", 429, "WA429", "", "Too many requests",
        "More was sent than the API takes. By default a business number may send 80 messages a second (Meta), and to one "
        "recipient one message in 6 seconds.",
        "yours: send more slowly", "yes, after a pause", "kshell send {message} to=…", "WhatsApp templates API V2",
    ),
)  # fmt: skip

SUCCESS_CODES = frozenset(answer.code for answer in ANSWERS if answer.status < 300)


def find_answers(code: str) -> list[Answer]:
    """Every documented answer with this code, in any case of letters. ``WA-401`` has two."""
    return [answer for answer in ANSWERS if answer.code.lower() == code.lower()]


def answers_of_status(status: str) -> list[Answer]:
    """Every documented answer with this HTTP status."""
    return [answer for answer in ANSWERS if str(answer.status) == status]


class Body(NamedTuple):
    """What a body says, as far as it can be read; ``fault`` says why it cannot, and is empty when it can."""

    json: Json
    code: str
    message: str
    message_id: str
    error_keys: tuple[str, ...]
    fault: str
    is_json: bool = True


def read_body(response: Response) -> Body:
    """A body of any kind. Never raises."""
    try:
        value = parse(response.body)
    except ValueError:
        return Body(None, "", "", "", (), _why_not_json(response.body), is_json=False)
    if not isinstance(value, dict):
        return Body(value, "", "", "", (), "it is JSON, but not an object")
    data, error = value.get("data"), value.get("error")
    return Body(
        json=value,
        code=_text(value.get("code")),
        message=_text(value.get("message")),
        message_id=_text(data.get("message_id")) if isinstance(data, dict) else "",
        error_keys=tuple(error) if isinstance(error, dict) else (),
        fault="",
    )


def parse(body: bytes) -> Json:
    """The JSON value of a body, which is UTF-8 and can be written again. Raises ``ValueError`` for any other."""
    try:
        value: Json = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level: list[Json] = [value]
    for _ in range(DEEPEST):
        level = [member for item in level for member in _members(item)]
    if level:
        raise ValueError("nested too deep")
    return value


def _members(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    value = float(number)
    return value if isfinite(value) else _refuse(number)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _why_not_json(body: bytes) -> str:
    if not body:
        return "it is empty"
    if b"\0" in body:
        return "it is not text"
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    start = body[:200].lstrip().lower()
    return "it is HTML, not JSON" if start.startswith((b"<!doctype", b"<html")) else "it is not valid JSON"


def delivery_of(response: Response) -> Delivery:
    """What an answer says became of the message; ``UNKNOWN`` where it does not say.

    A known code in the body decides; else 202 accepts, 3xx and 4xx refuse. What a gateway says in the API's stead (any
    other 5xx, a 200 with a page), and a code of success with the status of a failure, leave open whether the API had the
    message.
    """
    code = read_body(response).code
    if code.upper() in SUCCESS_CODES:
        return Delivery.ACCEPTED if response.status < 300 else Delivery.UNKNOWN
    if find_answers(code):
        return Delivery.REFUSED
    if response.status == HTTPStatus.ACCEPTED:
        return Delivery.ACCEPTED
    if 300 <= response.status < 500:
        return Delivery.REFUSED
    return Delivery.UNKNOWN


def explain_answer(answer: Answer, account: str = "NAME", message: str = "") -> Explanation:
    """A row of the table, for the account it happened to; ``message`` as in ``explain``."""
    return Explanation(
        answer.code,
        answer.title,
        answer.meaning,
        answer.who,
        answer.retry,
        answer.next.format(account=account, message=message or f"-a {account}"),
        answer.source,
    )


def explain(exchange: Exchange, account: str, message: str = "") -> Explanation:
    """What came of an exchange: the documented answer, or words for one that nobody documented, or for none.

    ``message`` are the words of its account, pod and template (``-a acme -p sandbox``), where it was not the account's own.
    """
    if exchange.response is None:
        return _explain_silence(exchange)
    body = read_body(exchange.response)
    known = find_answers(body.code)
    if known:
        return explain_answer(_best(known, body), account, message)
    return _explain_unknown(exchange.response, body, exchange.delivery, message or f"-a {account}")


def _best(known: list[Answer], body: Body) -> Answer:
    """Of the answers with one code the one whose key the body's error holds, or else its message speaks of."""
    by_key = [answer for answer in known if answer.key in body.error_keys]
    by_message = [answer for answer in known if answer.key.replace("_", " ") in body.message.lower()]
    return (by_key or by_message or known)[0]


_UNKNOWN = {
    Delivery.ACCEPTED: ("The status says that the API took the message.", "nobody's", "no: it would be a second message"),
    Delivery.REFUSED: ("The status says that the message was not taken.", "yours", "not before the cause is mended"),
    Delivery.UNKNOWN: (
        "This is not an answer that the API documents, so it may or may not have the message.",
        "yours: find out whether it arrived", "not before you know: it could be a second message",
    ),
}  # fmt: skip


def _explain_unknown(response: Response, body: Body, delivery: Delivery, message: str) -> Explanation:
    meaning, who, retry = _UNKNOWN[delivery]
    title = f"{body.code} is not a documented code" if body.code else f"{response.status} with no code that can be read"
    if 300 <= response.status < 400:
        meaning = (
            "The server points elsewhere. kshell does not follow: the key would go there too, and the message twice."
        )
        return Explanation(
            body.code, "A redirect", meaning, "yours: correct the pod's base_url", retry, "kshell pods", ""
        )
    fault = body.fault or response.fault
    why = f" About the body: {fault}." if fault else ""
    return Explanation(body.code, title, meaning + why, who, retry, f"kshell curl {message} to=…", "")


def _explain_silence(exchange: Exchange) -> Explanation:
    if exchange.delivery is Delivery.NOT_SENT:
        return Explanation(
            "", "Not sent", "It failed before anything of the request was written. The API does not have the message.",
            "yours: the network, the host or the profile", "yes: nothing was sent", "kshell pods", "",
        )  # fmt: skip
    return Explanation(
        "", "No answer", "The request was begun and no answer came. The API may have the message; it knows no idempotency key.",
        "yours: find out whether it arrived", "not before you know: it could be a second message", "", "",
    )  # fmt: skip


def all_codes() -> Iterator[str]:
    """Every documented code, once."""
    yield from dict.fromkeys(answer.code for answer in ANSWERS)
