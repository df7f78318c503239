"""Exchange -> text: lines for people, and a JSON document for programs. Neither contains the key."""

from collections.abc import Callable
from typing import Any, Literal

from kshell.api.answers import explain, parse
from kshell.api.payload import recipients_of
from kshell.core.errors import EXIT_DONE, Note
from kshell.core.exchange import Body, Exchange, Explanation, Response, Sent
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Json, Request, Secret
from kshell.core.terminal import safe, safe_line

_LONGEST_CODE = 12  # columns; a documented code has at most seven


def status_line(exchange: Exchange) -> str:
    """Return ``202 Accepted · WA202 Request Accepted · AXXX… · 38 ms · simulated``, without the parts that an answer lacks."""
    response = exchange.response
    body = exchange.answer
    parts: tuple[str, ...] = (str(exchange.delivery),)
    if response is not None:
        parts = (f"{response.status} {response.reason}", f"{body.code} {body.message}", body.message_id)
    said = filter(None, map(str.strip, parts))
    return safe_line(" · ".join((*said, f"{exchange.elapsed_ms:.0f} ms", *exchange.marks)))


def short_line(exchange: Exchange) -> str:
    """Return ``202 WA202 accepted · simulated``, without the status and the code if there was no answer."""
    said = [str(exchange.delivery)]
    if exchange.response is not None:
        said = [str(exchange.response.status), safe_line(exchange.answer.code)[:_LONGEST_CODE], *said]
    return " · ".join((" ".join(filter(None, said)), *exchange.marks))


def outcome(exchange: Exchange, meaning: Callable[[], Explanation]) -> list[Note]:
    """Return the status line or the error, then the faults of the body, then the meaning if it was not accepted."""
    kind: Literal["accepted", "refused"] = "accepted" if exchange.delivery.exit_code == EXIT_DONE else "refused"
    notes = [exchange.error.note if exchange.error else Note(kind, status_line(exchange))]
    if exchange.interrupted:
        notes.append(Note("info", f"interrupted; delivery: {exchange.delivery}"))
    notes += [*_oddities(exchange), *_wait(exchange)]
    if exchange.delivery.exit_code != EXIT_DONE and exchange.error is None:
        notes.append(explained(meaning()))
    return notes


def explained(explanation: Explanation) -> Note:
    """Return an explanation as a note: its title, and below it one fact in each line."""
    rows = (
        ("means", explanation.meaning),
        ("move", explanation.who),
        ("retry", explanation.retry),
        ("next", explanation.next),
        ("source", explanation.source),
    )
    return Note("info", explanation.title, details=tuple(f"{name:<7} {text}" for name, text in rows if text))


def _wait(exchange: Exchange) -> list[Note]:
    """Return what the header Retry-After of a refusal says, in words; a number of it counts seconds (RFC 9110)."""
    headers = exchange.response.headers if exchange.response and exchange.delivery.exit_code != EXIT_DONE else ()
    said = next((value.strip() for name, value in headers if name.lower() == "retry-after"), "")
    if not said:
        return []
    when = f"{said} {'second' if said == '1' else 'seconds'}" if said.isdecimal() else f"until {said}"
    return [Note("info", f"the server asks to wait {when} before another request (Retry-After)")]


def _oddities(exchange: Exchange) -> list[Note]:
    faults = dict.fromkeys(part.fault for part in (exchange.response, exchange.answer) if part)
    return [Note("warning", f"the body is not as documented: {fault}") for fault in faults if fault]


def document(exchange: Exchange, explanation: Explanation | None) -> dict[str, Json]:
    """Return the stable document of ``send --json``. ``response`` is null if there was no answer."""
    error = exchange.error
    return {
        "request": _request(exchange.request),
        "response": _response(exchange.response, exchange.answer) if exchange.response else None,
        "elapsed_ms": round(exchange.elapsed_ms, 1),
        "delivery": str(exchange.delivery),
        "marks": [*exchange.marks],
        "explanation": dict(explanation._asdict()) if explanation else None,
        "error": {"message": error.message, "causes": list(error.causes), "hint": error.hint} if error else None,
    }


def document_of(sent: Sent) -> dict[str, Json]:
    """Return the document of a sent message, with the explanation of the answer."""
    return document(sent.exchange, explain(sent.exchange, sent.draft.account.name, sent.draft.options))


def answer_names(exchange: Exchange) -> dict[str, object]:
    """Return an answer's names in expressions. Without an answer, ``status`` is 0. Header names are lower-case."""
    answer = (
        _response(exchange.response, exchange.answer) if exchange.response else {"status": 0, "headers": {}, "body": ""}
    )
    return {
        "status": answer["status"],
        "body": answer["body"],
        "headers": answer["headers"],
        "elapsed_ms": round(exchange.elapsed_ms, 1),
        "delivery": str(exchange.delivery),
    }


def place_names(sent: Sent) -> dict[str, object]:
    """Return the names in expressions of where a message went: of the account, the pod and the template, and whether live."""
    draft = sent.draft
    return {
        "account": draft.account.name,
        "pod": draft.pod.name,
        "template": draft.template.name,
        "live": draft.pod.live,
    }


def arrival_names(sent: Sent, messages_of: Callable[[str, str], list[dict[str, Any]]]) -> dict[str, object]:
    """Return the names in expressions of what came of a message, for its first recipient.

    ``phone`` is the message on the simulator, empty if there is none; ``statuses`` are the names of its statuses, oldest
    first. ``messages_of`` returns the messages to a number at a base URL, or of the embedded simulator without one. A replayed
    answer asks nobody: nothing arrived.
    """
    exchange, pod = sent.exchange, sent.draft.pod
    recipients = recipients_of(exchange.request.endpoint, exchange.request.payload)
    asked = bool(exchange.answer.message_id and recipients and "replayed" not in exchange.marks)
    messages = messages_of(recipients[0], "" if pod.embedded else pod.base_url) if asked else []
    ours = [message for message in messages if message["message_id"] == exchange.answer.message_id]
    phone = ours[-1] if ours else {}
    return {"phone": phone, "statuses": [status["status"] for status in phone.get("statuses", ())]}


def _request(request: Request) -> dict[str, Json]:
    body = request.payload if request.endpoint.takes_payload else None
    headers = {name: REDACTED if isinstance(value, Secret) else value for name, value in request.headers}
    return {"method": request.method, "url": request.url, "headers": {**headers}, "body": body}


def _response(response: Response, body: Body) -> dict[str, Json]:
    """Return an answer as JSON. ``body`` is a JSON value, or the text of a body that is not JSON; ``fault`` is its fault."""
    value = body.json if body.is_json else response.body.decode("utf-8", errors="replace")
    headers: dict[str, Json] = {}
    for name, text in response.headers:
        earlier = headers.get(name.lower())
        headers[name.lower()] = f"{earlier}, {text}" if earlier else text
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": headers,
        "body": value,
        "fault": response.fault or body.fault,
    }


def shown_body(body: bytes) -> str:
    """Return a body for a terminal: JSON indented, other text with control characters escaped, a line break at the end."""
    try:
        text = dumps(parse(body))
    except ValueError:
        text = safe(body.decode("utf-8", errors="replace"))
    return text if not text or text.endswith("\n") else f"{text}\n"
