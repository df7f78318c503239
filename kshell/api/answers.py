"""Read the body of a response, decide the outcome of the send, and explain both documented and undocumented answers.

The documented answers are data in ``Endpoint.answers``.
"""

from collections.abc import Iterable

from kshell.core.endpoint import DocumentedAnswer, Endpoint
from kshell.core.exchange import Body, Delivery, Exchange, Explanation, Response
from kshell.core.json_text import TooDeepError, dumps, loads
from kshell.core.models import Json, Request

DEEPEST = 64  # levels of a body; a documented answer has two


def exchange_of(request: Request, response: Response, elapsed_ms: float, *, interrupted: bool = False) -> Exchange:
    """Return the exchange of a request and its response, with the body parsed."""
    body = read_body(request.endpoint, response)
    delivery = delivery_of(request.endpoint, response, body)
    return Exchange(request, response, delivery, elapsed_ms, None, interrupted, body)


# ---- reading a body


def read_body(endpoint: Endpoint, response: Response) -> Body:
    """Parse a body of any kind. Never raises; ``Body.fault`` says what is wrong."""
    try:
        value = parse(response.body)
    except TooDeepError:
        return Body(fault=f"it is nested deeper than {DEEPEST} levels", is_json=False)
    except ValueError:
        return Body(fault=_why_not_json(response.body), is_json=False)
    return _read_value(endpoint, value)


def _read_value(endpoint: Endpoint, value: Json) -> Body:
    if not isinstance(value, dict):
        return Body(value, fault="it is JSON, but not an object")
    error = value.get("error")
    return Body(
        json=value,
        code=_text_at(value, "/code"),
        message=_text_at(value, "/message"),
        message_id=_text_at(value, endpoint.message_id),
        error_keys=tuple(error) if isinstance(error, dict) else (),
    )


def brief_response(endpoint: Endpoint, status: int, code: str, message_id: str) -> Response:
    """Return a response that says no more than a code and, unless it is empty, the id of the message."""
    body: Json = message_id
    for step in reversed(endpoint.message_id.split("/")[1:]):
        body = {step: body}
    known = body if message_id and isinstance(body, dict) else {}
    return Response(status, "", (("content-type", endpoint.media_type),), dumps({"code": code, **known}).encode())


def parse(body: bytes) -> Json:
    """Return the JSON value of a UTF-8 body. Raises ``ValueError`` if it is not JSON or has more than ``DEEPEST`` levels."""
    value: Json = loads(body.decode().removeprefix("\ufeff"))
    level: list[Json] = [value]
    depth = 0
    while level := [member for item in level for member in _members(item)]:
        depth += 1
        if depth == DEEPEST:
            raise TooDeepError
    return value


def _members(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _text_at(value: Json, pointer: str) -> str:
    """Return the text at a JSON pointer through objects; empty if there is none."""
    for name in pointer.split("/")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
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


# ---- the outcome of a send


def delivery_of(endpoint: Endpoint, response: Response, body: Body) -> Delivery:
    """Return the outcome that an answer states; ``UNKNOWN`` if it states none.

    A documented code in the body decides. Without one, the endpoint's success status means accepted, and 3xx or 4xx means
    refused. Any other status may come from a gateway, which cannot know whether the API has the message. A success code
    with a failure status is unknown too.
    """
    documented = _documented(endpoint, body.code)
    if any(answer.status < 300 for answer in documented):
        return Delivery.ACCEPTED if response.status < 300 else Delivery.UNKNOWN
    if documented:
        return Delivery.REFUSED
    if response.status == endpoint.success:
        return Delivery.ACCEPTED
    if 300 <= response.status < 500:
        return Delivery.REFUSED
    return Delivery.UNKNOWN


def _documented(endpoint: Endpoint, code: str) -> list[DocumentedAnswer]:
    return [answer for answer in endpoint.answers if answer.code.lower() == code.lower()]


# ---- explanations


def explain_answer(answer: DocumentedAnswer, account: str = "NAME", message: str = "") -> Explanation:
    """Explain a documented answer that ``account`` got; ``message`` as in ``explain``."""
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
    """Explain an exchange: a documented answer, an undocumented one, or a missing one.

    ``message`` are the options that repeat the send, such as ``-a acme -p sandbox``; by default only ``-a`` and the account.
    """
    response, body = exchange.response, exchange.answer
    if response is None:
        return _explain_silence(exchange)
    known = _documented(exchange.request.endpoint, body.code)
    if known:
        return explain_answer(_best(known, body), account, message)
    return _explain_unknown(response, body, exchange.delivery, message or f"-a {account}")


def _best(known: list[DocumentedAnswer], body: Body) -> DocumentedAnswer:
    """Return the answer whose key is in the body's error, or else in its message; the first one if neither has it."""
    by_key = [answer for answer in known if answer.key in body.error_keys]
    by_message = [answer for answer in known if answer.key.replace("_", " ") in body.message.lower()]
    return (by_key or by_message or known)[0]


def explain_body(endpoint: Endpoint, value: Json) -> Explanation | None:
    """Explain an answer of which only the body is at hand; None if its code is not documented."""
    body = _read_value(endpoint, value)
    known = _documented(endpoint, body.code)
    return explain_answer(_best(known, body)) if known else None


_UNKNOWN = {
    Delivery.ACCEPTED: ("The status says that the API took the message.", "nobody's", "no: it would be a second message"),
    Delivery.REFUSED: ("The status says that the API did not take the message.", "yours", "not before the cause is corrected"),
    Delivery.UNKNOWN: (
        "This is not an answer that the API documents, so it may or may not have the message.",
        "yours: find out whether it arrived", "not before you know: it could be a second message",
    ),
}  # fmt: skip


def _explain_unknown(response: Response, body: Body, delivery: Delivery, message: str) -> Explanation:
    meaning, who, retry = _UNKNOWN[delivery]
    title = f"{body.code} is not a documented code" if body.code else f"{response.status} without a readable code"
    if 300 <= response.status < 400:
        meaning = (
            "The server redirects. kshell does not follow: the key would go there too, and the message could go twice."
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
            "", "Not sent", "The send failed before any of the request was written. The API does not have the message.",
            "yours: the network, the host or the profile", "yes: nothing was sent", "kshell pods", "",
        )  # fmt: skip
    return Explanation(
        "", "No answer", "The request was begun and no answer came. The API may have the message, and has no idempotency key.",
        "yours: find out whether it arrived", "not before you know: it could be a second message", "", "",
    )  # fmt: skip
