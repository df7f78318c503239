"""``explain``: the meaning of a response code, a payload field or a rule, without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kshell.api.answers import explain, explain_answer
from kshell.api.endpoints import (
    ANSWERS,
    FIELDS,
    RULES,
    all_codes,
    answers_of_status,
    field_words,
    find_answers,
    find_fields,
)
from kshell.console.command import Known, command, pass_session
from kshell.core.errors import UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import markdown_table, note_lines
from kshell.transport.exchange_text import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.core.endpoint import Field, Rule
    from kshell.core.models import Json
    from kshell.session.session import Session

    Entry = tuple[list[str], dict[str, Json]]  # its lines of text, and its JSON object


@command("explain", examples=["explain WA-401", "explain ref", "explain otp-length", "explain --table codes"])
@click.argument("word", required=False, type=Known("explainable"), metavar="[CODE|FIELD|RULE]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.option(
    "--table", type=click.Choice(["codes", "fields", "rules"]), help="Print all of a kind as a Markdown table."
)
@pass_session
def explain_command(session: Session, word: str | None, *, as_json: bool, table: str | None) -> Result:
    """Explain a response code, a field of the payload or a rule.

    Without an argument it explains the last answer. The text comes from the API's page and the vendor's list of codes; it
    does not use the network.
    """
    if table:
        return Result(_TABLES[table]())
    entries = [_last(session)] if word is None else _found(word)
    if as_json:
        return Result(dumps([data for _, data in entries]) + "\n")
    return Result("\n\n".join("\n".join(lines) for lines, _ in entries) + "\n", prose=True)


def _found(word: str) -> list[Entry]:
    entries = list(_entries(word))
    if not entries:
        known = [*all_codes(), *field_words(), *RULES]
        hint = did_you_mean(word, known) or f"codes: {listed(all_codes())}; or a field, or a rule that check reports"
        raise UsageError(f"{word!r} is not a code, a field or a rule", hint=hint)
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
        explanation = explain_answer(answer)
        first, *rest = note_lines(explained(explanation))
        data: dict[str, Json] = {"kind": "code", "status": answer.status, **explanation._asdict()}
        yield [f"{answer.status} {answer.code} · {first}", *rest], data
    if word.lower() in RULES:
        rule = RULES[word.lower()]
        yield (
            _rule_lines(rule),
            {"kind": "rule", "code": rule.code, "severity": rule.severity, "says": rule.says, "source": rule.page},
        )
    for field in find_fields(word):
        data = {name: _plain(value) for name, value in field._asdict().items() if name not in ("role", "kept")}
        yield _field_lines(field), {**data, "kind": "field", "type": field.kind}


def _plain(value: Json | tuple[str, ...]) -> Json:
    return [*value] if isinstance(value, tuple) else value


def _rule_lines(rule: Rule) -> list[str]:
    return [f"{rule.code} · {rule.severity}", f"  says    {rule.says}", f"  source  {rule.page}"]


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


# ---- Markdown tables of everything


def _codes() -> str:
    rows = [(it.code, str(it.status), it.meaning, it.who, it.retry) for it in ANSWERS]
    return markdown_table(("code", "status", "means", "whose move", "retry"), rows)


def _fields() -> str:
    rows = [(it.name, it.pointer, it.kind, "yes" if it.mandatory else "no", _setting(it), it.says) for it in FIELDS]
    return markdown_table(("field", "where", "type", "mandatory", "set it", "says"), rows)


def _rules() -> str:
    rows = [(it.code, it.severity, it.says, it.page) for it in RULES.values()]
    return markdown_table(("rule", "severity", "says", "rests on"), rows)


_TABLES = {"codes": _codes, "fields": _fields, "rules": _rules}
