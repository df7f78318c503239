"""``explain``: the meaning of a code, a status, a field or a rule, and of an answer or a callback that was received."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from kshell.api.answers import explain, explain_answer, explain_body
from kshell.api.callbacks import StatusReport, parse_received, status_reports
from kshell.api.endpoints import (
    ANSWERS,
    CODES,
    ENDPOINTS,
    FIELD_WORDS,
    FIELDS,
    RULES,
    find_answers,
    find_fields,
)
from kshell.api.statuses import OUTCOMES, STATUSES, find_outcome
from kshell.console.command import File, command, offering, pass_session, refuse_both
from kshell.core.endpoint import Field, Rule
from kshell.core.errors import SetupError, UsageError, did_you_mean, listed
from kshell.core.exchange import Explanation
from kshell.core.json_text import dumps
from kshell.core.models import Json, Result
from kshell.core.terminal import markdown_table, note_lines, safe_line
from kshell.profiles.files import read_stdin, read_text, shown
from kshell.session.session import Session
from kshell.transport.exchange_text import explained

Entry = tuple[list[str], dict[str, Any]]  # its lines of text, and its JSON object

_MOST = 8 << 20  # bytes of an answer or of callbacks


@command(
    "explain",
    examples=[
        "explain WA-401",
        "explain 131026",
        "explain delivered",
        "explain otp-length",
        "explain --table statuses",
    ],
)
@click.argument("word", required=False, shell_complete=offering("explainable"), metavar="[CODE|STATUS|FIELD|RULE]")
@click.option("--from", "file", type=File(), help="Explain an answer or a callback in a file; -: stdin.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option(
    "--table",
    type=click.Choice(["codes", "statuses", "fields", "rules"]),
    help="Print all of a kind as a Markdown table; statuses has Meta's codes too.",
)
@pass_session
def explain_command(
    session: Session, word: str | None, *, file: Path | None, as_json: bool, table: str | None
) -> Result:
    """Explain a code of an answer or of Meta's, a status, a field of the payload or a rule.

    Without an argument it explains the last answer. --from takes the JSON of an answer or of a status callback as it was
    received, and says for each status which message it is about. The text comes from the API's page, the vendor's list of
    codes and Meta's; it does not use the network.
    """
    if sum((word is not None, file is not None, table is not None)) > 1:
        raise UsageError("a word, --from and --table exclude each other", hint="keep one of them")
    refuse_both(table=bool(table), json=as_json)
    if table:
        return Result(markdown_table(*_TABLES[table]))
    entries = _received(file) if file is not None else [_last(session)] if word is None else _found(word)
    if as_json:
        return Result(dumps([data for _, data in entries]) + "\n")
    return Result("\n\n".join("\n".join(lines) for lines, _ in entries) + "\n", prose=True)


def _last(session: Session) -> Entry:
    if not session.sent:
        hint = f"kshell explain CODE, with one of {listed(CODES)}; or a field, or a rule"
        raise UsageError("there is no answer to explain yet", hint=hint)
    draft, exchange = session.sent[-1]
    explanation = explain(exchange, draft.account.name, draft.options)
    return note_lines(explained(explanation)), {"kind": "answer", **explanation._asdict()}


def _found(word: str) -> list[Entry]:
    entries = list(_entries(word))
    if not entries:
        known = [*CODES, *(row.code for row in OUTCOMES), *FIELD_WORDS, *RULES]
        codes = f"codes: {listed(CODES)}; statuses: {listed(row.code for row in STATUSES)}"
        hint = did_you_mean(word, known) or f"{codes}; or a code of Meta's, a field, or a rule that check reports"
        raise UsageError(f"{word!r} is not a code, a status, a field or a rule", hint=hint)
    return entries


def _entries(word: str) -> Iterator[Entry]:
    for answer in find_answers(word):
        head = f"{answer.status} {answer.code}"
        yield _entry(head, explain_answer(answer), {"kind": "code", "status": answer.status})
    if outcome := find_outcome(word):
        yield _outcome_entry(outcome)
    if rule := RULES.get(word.lower()):
        data = {"kind": "rule", "code": rule.code, "severity": rule.severity, "says": rule.says, "source": rule.page}
        yield _rule_lines(rule), {**data, "prevents": rule.prevents}
    for field in find_fields(word):
        data = {name: value for name, value in field._asdict().items() if name != "role"}
        yield _field_lines(field), {**data, "kind": "field", "type": field.kind}


def _entry(head: str, explanation: Explanation, data: dict[str, Any]) -> Entry:
    """Return the entry of an explanation: ``head`` stands before its title, ``data`` before its JSON."""
    first, *rest = note_lines(explained(explanation))
    return [f"{head} · {first}", *rest], {**data, **explanation._asdict()}


def _outcome_entry(outcome: Explanation) -> Entry:
    """Return a status or a code of Meta's, with the rules that find its cause before anything is sent."""
    rules = [rule.code for rule in RULES.values() if rule.prevents == outcome.code]
    lines, data = _entry(outcome.code, outcome, {"kind": "status" if outcome in STATUSES else "meta"})
    found = [f"  rules   {', '.join(rules)}"] if rules else []
    return [*lines, *found], {**data, "rules": rules}


def _rule_lines(rule: Rule) -> list[str]:
    meta = find_outcome(rule.prevents)
    prevents = f"it prevents {meta.code}, {meta.title}" if meta else ""
    return _lines(f"{rule.code} · {rule.severity}", ("says", rule.says), ("source", rule.page), ("Meta", prevents))


def _lines(head: str, *rows: tuple[str, str]) -> list[str]:
    return [head, *(f"  {name:<7} {text}" for name, text in rows if text)]


def _field_lines(field: Field) -> list[str]:
    return _lines(
        f"{field.name} · field",
        ("where", field.pointer or "not in the payload"),
        ("type", f"{field.kind}, {'mandatory' if field.mandatory else 'optional'}"),
        ("says", field.says),
        ("only", ", ".join(field.allowed)),
        ("known", ", ".join(field.known)),
        ("example", field.example),
        ("set it", _setting(field)),
        ("source", f"{field.section} table of the API's page"),
    )


def _setting(field: Field) -> str:
    return f"{field.variable}=…" if field.variable and field.pointer else ""


# ---- what was received


def _received(file: Path) -> list[Entry]:
    """Return the entries of the answer or of the callback in ``file``; of several in a JSON list."""
    text = read_stdin(SetupError, most=_MOST) if file == Path("-") else read_text(file, SetupError, most=_MOST)
    name = "stdin" if file == Path("-") else shown(file)
    try:
        value = parse_received(text)
    except ValueError as error:
        hint = "give the body of an answer or of a callback, as it was received"
        raise SetupError(f"{name} is not JSON: {error}", hint=hint) from None
    entries = [entry for item in (value if isinstance(value, list) else [value]) for entry in _received_entries(item)]
    if not entries:
        hint = "an answer has a code, such as WA202; a callback has message_id and meta_object"
        raise SetupError(f"{name} holds neither an answer that the API documents nor a status callback", hint=hint)
    return entries


def _received_entries(value: Json) -> Iterator[Entry]:
    reports = status_reports(value)
    for report in reports:
        yield _report_entry(report)
    response = value.get("response") if isinstance(value, dict) else None  # of send --json
    body = response.get("body") if isinstance(response, dict) else value
    known = (explain_body(endpoint, body) for endpoint in (() if reports else ENDPOINTS))
    yield from (_entry(it.code, it, {"kind": "answer"}) for it in known if it)


def _report_entry(report: StatusReport) -> Entry:
    """Return one status: which message it is about, what it means, and what each of Meta's errors means."""
    rows = {"message": report.message_id, **report.refs, "to": report.recipient, "at": _utc(report.timestamp)}
    about = " · ".join(f"{name} {safe_line(text)}" for name, text in rows.items() if text)
    meaning = find_outcome(report.status)
    lines = note_lines(explained(meaning)) if meaning else ["this status is not documented"]
    if report.errors and meaning:
        lines = lines[:2]  # whose move it is, and whether another send helps, depends on the errors
    known = [(error, find_outcome(error.code)) for error in report.errors]
    for error, outcome in known:
        said = [f"  Meta    {safe_line(error.says)}"] if error.says else []
        entry = _outcome_entry(outcome)[0] if outcome else [f"{error.code} · a code that kshell does not know"]
        lines += [safe_line(entry[0]), *said, *entry[1:]]
    data: dict[str, Json] = {
        "kind": "callback",
        **{name: value for name, value in report._asdict().items() if name not in ("refs", "errors")},
        **report.refs,
        "explanation": meaning and dict(meaning._asdict()),
        "errors": [{**error._asdict(), "explanation": it and dict(it._asdict())} for error, it in known],
    }
    return [f"{safe_line(report.status)} · {about}", *(f"  {line}" for line in lines)], data


def _utc(seconds: str) -> str:
    """Return a time in seconds since 1970 as a date; empty for another text."""
    from datetime import UTC, datetime

    try:
        return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return ""


# ---- Markdown tables of everything


_TABLES: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = {
    "codes": (
        ("code", "status", "means", "whose move", "retry"),
        [(it.code, str(it.status), it.meaning, it.who, it.retry) for it in ANSWERS],
    ),
    "statuses": (
        ("code", "title", "means", "whose move", "another send"),
        [(it.code, it.title, it.meaning, it.who, it.retry) for it in OUTCOMES],
    ),
    "fields": (
        ("field", "where", "type", "mandatory", "set it", "says"),
        [(it.name, it.pointer, it.kind, "yes" if it.mandatory else "no", _setting(it), it.says) for it in FIELDS],
    ),
    "rules": (
        ("rule", "severity", "says", "rests on"),
        [(it.code, it.severity, it.says, it.page) for it in RULES.values()],
    ),
}
