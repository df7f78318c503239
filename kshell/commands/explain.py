"""``explain``: what a response code, a payload field or a rule means, without asking anyone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kshell.commands import Known, Result, command, pass_session
from kshell.errors import UsageError, did_you_mean, listed
from kshell.exchanges import explained
from kshell.fields import field_words, find_fields
from kshell.jsontext import dumps
from kshell.responses import all_codes, explain, explain_answer, find_answers
from kshell.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.fields import Field
    from kshell.models import Json
    from kshell.rules import Rule
    from kshell.session import Session


@command("explain", examples=["explain WA-401", "explain ref", "explain otp-length"])
@click.argument("word", required=False, type=Known("explainable"), metavar="[CODE|FIELD|RULE]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_session
def explain_command(session: Session, word: str | None, *, as_json: bool) -> Result:
    """Say what a response code, a field of the payload or a rule means.

    Without a word it explains the last answer. The text comes from the API's page and the vendor's list of codes; nothing
    is asked over the network.
    """
    if word is None:
        return _last(session)
    entries = list(_entries(word))
    if not entries:
        known = [*all_codes(), *field_words(), *RULES]
        hint = did_you_mean(word, known) or f"codes: {listed(all_codes())}; or a field, or a rule that check names"
        raise UsageError(f"nothing is known of {word!r}", hint=hint)
    if as_json:
        return Result(dumps([data for _, data in entries]) + "\n")
    return Result("\n\n".join("\n".join(lines) for lines, _ in entries) + "\n")


def _last(session: Session) -> Result:
    if not session.sent:
        hint = f"kshell explain CODE, with one of {listed(all_codes())}; or a field, or a rule"
        raise UsageError("there is no answer to explain yet", hint=hint)
    draft, exchange = session.sent[-1]
    return Result("\n".join(explained(explain(exchange, draft.account.name))) + "\n")


def _entries(word: str) -> Iterator[tuple[list[str], dict[str, Json]]]:
    for answer in find_answers(word):
        explanation = explain_answer(answer)
        first, *rest = explained(explanation)
        yield [f"{answer.status} {answer.code} · {first}", *rest], {"kind": "code", **explanation._asdict()}
    if word.lower() in RULES:
        rule = RULES[word.lower()]
        yield (
            _rule_lines(rule),
            {"kind": "rule", "code": rule.code, "severity": rule.severity, "says": rule.says, "source": rule.page},
        )
    for field in find_fields(word):
        yield _field_lines(field), {"kind": "field", **{name: _plain(value) for name, value in field._asdict().items()}}


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
        ("set it", f"{field.variable}=…" if field.variable and field.pointer else ""),
        ("source", f"{field.section} table of the API's page"),
    )
    return [f"{field.name} · field", *(f"  {name:<7} {text}" for name, text in rows if text)]
