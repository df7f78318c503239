"""``explain``: the meaning of a code, a status, a field or a rule, and of an answer or a callback that was received."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kshell.api.answers import explain, explain_answer, explain_body
from kshell.api.callbacks import parse_received, status_reports
from kshell.api.endpoints import (
    ANSWERS,
    ENDPOINTS,
    FIELDS,
    RULES,
    all_codes,
    answers_of_status,
    field_words,
    find_answers,
    find_fields,
)
from kshell.api.statuses import OUTCOMES, STATUSES, find_outcome
from kshell.console.command import Known, command, pass_session
from kshell.core.errors import SetupError, UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import markdown_table, note_lines, safe_line
from kshell.profiles.files import read_stdin, read_text, shown
from kshell.transport.exchange_text import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.api.callbacks import StatusReport
    from kshell.core.endpoint import Field, Rule
    from kshell.core.exchange import Explanation
    from kshell.core.models import Json
    from kshell.session.session import Session

    Entry = tuple[list[str], dict[str, Json]]  # its lines of text, and its JSON object

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
@click.argument("word", required=False, type=Known("explainable"), metavar="[CODE|STATUS|FIELD|RULE]")
@click.option(
    "--from", "file", type=click.Path(path_type=Path), help="Explain an answer or a callback in a file; -: stdin."
)
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
    if file is not None and (word is not None or table):
        raise UsageError("--from goes without a word and without --table", hint="leave one of them out")
    if table:
        return Result(_TABLES[table]())
    entries = _received(file) if file is not None else [_last(session)] if word is None else _found(word)
    if as_json:
        return Result(dumps([data for _, data in entries]) + "\n")
    return Result("\n\n".join("\n".join(lines) for lines, _ in entries) + "\n", prose=True)


def _found(word: str) -> list[Entry]:
    entries = list(_entries(word))
    if not entries:
        known = [*all_codes(), *(row.code for row in OUTCOMES), *field_words(), *RULES]
        codes = f"codes: {listed(all_codes())}; statuses: {listed(row.code for row in STATUSES)}"
        hint = did_you_mean(word, known) or f"{codes}; or a code of Meta's, a field, or a rule that check reports"
        raise UsageError(f"{word!r} is not a code, a status, a field or a rule", hint=hint)
    return entries


def _last(session: Session) -> Entry:
    if not session.sent:
        hint = f"kshell explain CODE, with one of {listed(all_codes())}; or a field, or a rule"
        raise UsageError("there is no answer to explain yet", hint=hint)
    draft, exchange = session.sent[-1]
    explanation = explain(exchange, draft.account.name, draft.options)
    return note_lines(explained(explanation)), {"kind": "answer", **explanation._asdict()}


def _entries(word: str) -> Iterator[Entry]:
    for answer in find_answers(word) or answers_of_status(word):
        yield _answer_entry(answer.status, explain_answer(answer))
    if outcome := find_outcome(word):
        yield _outcome_entry(outcome)
    if word.lower() in RULES:
        rule = RULES[word.lower()]
        fields = ("code", "severity", "says", "page", "prevents")
        code, severity, says, source, prevents = (str(getattr(rule, name)) for name in fields)
        data: dict[str, Json] = {
            "code": code,
            "severity": severity,
            "says": says,
            "source": source,
            "prevents": prevents,
        }
        yield _rule_lines(rule), {"kind": "rule", **data}
    for field in find_fields(word):
        data = {name: _plain(value) for name, value in field._asdict().items() if name not in ("role", "kept")}
        yield _field_lines(field), {**data, "kind": "field", "type": field.kind}


def _answer_entry(status: int, explanation: Explanation) -> Entry:
    first, *rest = note_lines(explained(explanation))
    return [f"{status} {explanation.code} · {first}", *rest], {
        "kind": "code",
        "status": status,
        **explanation._asdict(),
    }


def _outcome_entry(outcome: Explanation) -> Entry:
    """Return a status or a code of Meta's, with the rules that find its cause before anything is sent."""
    rules = [rule.code for rule in RULES.values() if rule.prevents == outcome.code]
    first, *rest = note_lines(explained(outcome))
    found = [f"  rules   {', '.join(rules)}"] if rules else []
    kind = "status" if outcome in STATUSES else "meta"
    return [f"{outcome.code} · {first}", *rest, *found], {"kind": kind, **outcome._asdict(), "rules": [*rules]}


def _plain(value: Json | tuple[str, ...]) -> Json:
    return [*value] if isinstance(value, tuple) else value


def _rule_lines(rule: Rule) -> list[str]:
    meta = find_outcome(rule.prevents)
    prevents = [f"  Meta    it prevents {meta.code}, {meta.title}"] if meta else []
    return [f"{rule.code} · {rule.severity}", f"  says    {rule.says}", f"  source  {rule.page}", *prevents]


def _field_lines(field: Field) -> list[str]:
    rows = (
        ("where", field.pointer or "not in the payload"),
        ("type", f"{field.kind}, {'mandatory' if field.mandatory else 'optional'}"),
        ("says", field.says),
        ("only", ", ".join(field.allowed)),
        ("known", ", ".join(field.known)),
        ("example", field.example),
        ("set it", _setting(field)),
        ("source", f"{field.section} table of the API's page"),
    )
    return [f"{field.name} · field", *(f"  {name:<7} {text}" for name, text in rows if text)]


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
    yield from (_body_entry(explanation) for explanation in known if explanation)


def _body_entry(explanation: Explanation) -> Entry:
    first, *rest = note_lines(explained(explanation))
    return [f"{explanation.code} · {first}", *rest], {"kind": "answer", **explanation._asdict()}


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


def _codes() -> str:
    rows = [(it.code, str(it.status), it.meaning, it.who, it.retry) for it in ANSWERS]
    return markdown_table(("code", "status", "means", "whose move", "retry"), rows)


def _statuses() -> str:
    rows = [(it.code, it.title, it.meaning, it.who, it.retry) for it in OUTCOMES]
    return markdown_table(("code", "title", "means", "whose move", "another send"), rows)


def _fields() -> str:
    rows = [(it.name, it.pointer, it.kind, "yes" if it.mandatory else "no", _setting(it), it.says) for it in FIELDS]
    return markdown_table(("field", "where", "type", "mandatory", "set it", "says"), rows)


def _rules() -> str:
    rows = [(it.code, it.severity, it.says, it.page) for it in RULES.values()]
    return markdown_table(("rule", "severity", "says", "rests on"), rows)


_TABLES = {"codes": _codes, "statuses": _statuses, "fields": _fields, "rules": _rules}
