"""Exchange -> text: the lines a person reads, and the JSON document a program reads. The key is in neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.api.answers import explain, parse
from kshell.core.errors import EXIT_DONE, Note
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Secret
from kshell.core.terminal import safe, safe_line

if TYPE_CHECKING:
    from kshell.core.models import Body, Exchange, Explanation, Json, Request, Response, Sent

_LONGEST_CODE = 12  # columns; a documented code has at most seven


def status_line(exchange: Exchange) -> str:
    """``202 Accepted · WA202 Request Accepted · AXXX… · 38 ms · simulated``: what there is of it, on one line."""
    response = exchange.response
    body = exchange.answer
    parts: tuple[str, ...] = (str(exchange.delivery),)
    if response is not None:
        parts = (f"{response.status} {response.reason}", f"{body.code} {body.message}", body.message_id)
    said = filter(None, map(str.strip, parts))
    return safe_line(" · ".join((*said, f"{exchange.elapsed_ms:.0f} ms", *exchange.marks)))


def short_line(exchange: Exchange) -> str:
    """``202 WA202 accepted``: what became of it, in three words."""
    if exchange.response is None:
        return str(exchange.delivery)
    code = safe_line(exchange.answer.code)[:_LONGEST_CODE]
    return " ".join(filter(None, (str(exchange.response.status), code, str(exchange.delivery))))


def outcome(exchange: Exchange, explanation: Explanation) -> list[Note]:
    """The status line or the error; what is odd about the body; what an answer means that is not an acceptance."""
    notes = [exchange.error.note if exchange.error else Note("info", status_line(exchange))]
    if exchange.interrupted:
        notes.append(Note("info", f"interrupted; delivery: {exchange.delivery}"))
    notes += _oddities(exchange)
    if exchange.delivery.exit_code != EXIT_DONE and exchange.error is None:
        notes.append(explained(explanation))
    return notes


def explained(explanation: Explanation) -> Note:
    """The title of an explanation, and one fact a line below it."""
    rows = (
        ("means", explanation.meaning),
        ("move", explanation.who),
        ("retry", explanation.retry),
        ("next", explanation.next),
        ("source", explanation.source),
    )
    return Note("info", explanation.title, details=tuple(f"{name:<7} {text}" for name, text in rows if text))


def _oddities(exchange: Exchange) -> list[Note]:
    faults = dict.fromkeys(part.fault for part in (exchange.response, exchange.answer) if part)
    return [Note("warning", f"the body is not as documented: {fault}") for fault in faults if fault]


def document(exchange: Exchange, explanation: Explanation | None) -> dict[str, Json]:
    """The stable document of ``send --json``. ``response`` is null where there was no answer."""
    error = exchange.error
    return {
        "request": _request(exchange.request),
        "response": _response(exchange.response, exchange.answer) if exchange.response else None,
        "elapsed_ms": round(exchange.elapsed_ms, 1),
        "delivery": str(exchange.delivery),
        "explanation": dict(explanation._asdict()) if explanation else None,
        "error": {"message": error.message, "causes": list(error.causes), "hint": error.hint} if error else None,
    }


def document_of(sent: Sent) -> dict[str, Json]:
    """The document of what was sent, with what the answer means."""
    return document(sent.exchange, explain(sent.exchange, sent.draft.account.name, sent.draft.way))


def answer_names(exchange: Exchange) -> dict[str, object]:
    """An answer as expressions see it; ``status`` is 0 and the rest empty where there was none. Header names are lower-case."""
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


def _request(request: Request) -> dict[str, Json]:
    body = request.payload if request.endpoint.takes_payload else None
    headers = {name: REDACTED if isinstance(value, Secret) else value for name, value in request.headers}
    return {"method": request.method, "url": request.url, "headers": {**headers}, "body": body}


def _response(response: Response, body: Body) -> dict[str, Json]:
    """``body`` is the JSON value, or the text of what is not JSON; ``fault`` says what is wrong with it."""
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
    """A body for a terminal: JSON indented, anything else as harmless text, and a line break at the end."""
    try:
        text = dumps(parse(body))
    except ValueError:
        text = safe(body.decode("utf-8", errors="replace"))
    return text if not text or text.endswith("\n") else f"{text}\n"
