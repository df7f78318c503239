"""``explain`` explains a response code, a field or a rule without a request."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from kshell.api.answers import exchange_of
from kshell.api.endpoints import ANSWERS, FIELDS, RULES, all_codes, field_words, find_fields
from kshell.commands.explain import explain_command
from kshell.console.caller import Caller
from kshell.core.errors import UsageError
from kshell.core.models import Response, Sent
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.templating.templates import load_template


@pytest.mark.parametrize("code", dict.fromkeys(answer.code for answer in ANSWERS))
def test_every_code_is_explained(cli, code):
    """``explain CODE`` shows each documented answer's status, title, meaning, who must act, retry advice and source."""
    answers = [answer for answer in ANSWERS if answer.code == code]
    ran = cli("explain", code)
    assert ran.code == 0
    assert [line for line in ran.out.splitlines() if " · " in line and not line.startswith(" ")] == [
        f"{answer.status} {answer.code} · {answer.title}" for answer in answers
    ]
    for answer in answers:
        for text in (f"  means   {answer.meaning}", f"  move    {answer.who}", f"  retry   {answer.retry}"):
            assert text in ran.out.splitlines()
        assert answer.source in ran.out


@pytest.mark.parametrize("code", dict.fromkeys(answer.code for answer in ANSWERS))
def test_every_code_is_explained_to_programs(cli, code):
    """``explain CODE --json`` gives a list with one object for each documented answer of the code."""
    data = cli("explain", code, "--json").json
    assert [(entry["kind"], entry["code"], entry["status"], entry["title"], entry["retry"]) for entry in data] == [
        ("code", answer.code, answer.status, answer.title, answer.retry) for answer in ANSWERS if answer.code == code
    ]


def test_a_code_is_found_in_any_letters(cli):
    """``explain wa202`` prints the same as ``explain WA202``."""
    assert cli("explain", "wa202").out == cli("explain", "WA202").out != ""


@pytest.mark.parametrize("code", RULES)
def test_every_rule_is_explained(cli, code):
    """``explain RULE`` shows the rule's severity, its sentence and its source."""
    rule = RULES[code]
    lines = cli("explain", code).out.splitlines()
    assert lines[:3] == [f"{code} · {rule.severity}", f"  says    {rule.says}", f"  source  {rule.page}"]
    data = cli("explain", code.upper(), "--json").json
    assert data[0] == {"kind": "rule", "code": code, "severity": rule.severity, "says": rule.says, "source": rule.page}


@pytest.mark.parametrize("name", dict.fromkeys(field.name for field in FIELDS))
def test_every_field_is_explained(cli, name):
    """``explain FIELD`` shows the field's place, type, description, example and source table."""
    ran = cli("explain", name)
    assert ran.code == 0
    for field in find_fields(name):
        assert f"{field.name} · field" in ran.out
        assert f"  where   {field.pointer or 'not in the payload'}\n" in ran.out
        assert f"  type    {field.kind}, {'mandatory' if field.mandatory else 'optional'}\n" in ran.out
        assert f"  says    {field.says}\n" in ran.out
        assert f"  example {field.example}\n" in ran.out
        assert f"  source  {field.section} table of the API's page\n" in ran.out


@pytest.mark.parametrize("name", dict.fromkeys(field.name for field in FIELDS))
def test_every_field_is_explained_to_programs(cli, name):
    """``explain FIELD --json`` gives a list with one object for each field of that name."""
    data = [entry for entry in cli("explain", name, "--json").json if entry["kind"] == "field"]
    rows = [{**field._asdict(), "kind": "field", "type": field.kind} for field in find_fields(name)]
    ours = ("role", "kept")
    assert data == json.loads(json.dumps([{key: row[key] for key in row if key not in ours} for row in rows]))


TABLES = [
    "URL Parameters and Headers", "payload", "messaging_object", "template", "language", "Request Format", "body-components",
    "body-parameters", "button-components", "button-parameters", "extra_info",
]  # fmt: skip


def test_every_field_is_a_row_of_a_table_of_the_page():
    """Each field names its table on the API page, and each table of the page has a field."""
    assert list(dict.fromkeys(field.section for field in FIELDS)) == TABLES


def test_every_field_says_a_sentence_and_shows_an_example():
    """Each field has an example, and a description that begins with a capital and ends with a full stop."""
    assert [field.name for field in FIELDS if not re.fullmatch(r"[A-Z].*\.\)?", field.says) or not field.example] == []


def test_every_field_has_one_of_four_types():
    """The type of each field is object, list, text or integer."""
    assert {field.kind for field in FIELDS} == {"object", "list", "text", "integer"}


def test_the_optional_fields_are_the_page_s():
    """The optional fields are the seven of the API page; all others are mandatory."""
    assert [field.pointer for field in FIELDS if not field.mandatory] == [
        "/extra_info",
        "/messaging_object/recipient_type",
        "/messaging_object/type",
        "/extra_info/ref",
        "/extra_info/ref1",
        "/extra_info/ref2",
        "/extra_info/wa_source",
    ]


def test_every_variable_of_the_template_fills_a_field():
    """The variables of the shipped template are the variables in the table of fields."""
    template = load_template(Places.standard(), "auth")
    variables = {field.variable for field in FIELDS if field.pointer and field.variable}
    assert variables == {variable.name for variable in template.variables}


@pytest.mark.parametrize(
    ("word", "pointer"),
    [
        ("to", "/messaging_object/to"),
        ("to_number", "/messaging_object/to"),
        ("otp", "/messaging_object/template/components/button/parameters/*/text"),
        ("text", "/messaging_object/template/components/body/parameters/*/text"),
        ("code", "/messaging_object/template/language/code"),
        ("language", "/messaging_object/template/language"),
        ("LANGUAGE", "/messaging_object/template/language/code"),
        ("index", "/messaging_object/template/components/button/index"),
        ("/extra_info/ref1", "/extra_info/ref1"),
        ("api_key", "not in the payload"),
        ("content-type", "not in the payload"),
    ],
)
def test_a_field_is_found_by_each_of_its_names(cli, word, pointer):
    """A field is found by the page's term, kshell's variable, the JSON key and the pointer, in any case."""
    assert f"  where   {pointer}\n" in cli("explain", word).out


def test_the_words_of_the_fields_are_found_all():
    """Each word that completion offers for a field finds a field; no word is offered twice."""
    words = list(field_words())
    assert len(words) == len(set(words)) > 20
    assert all(find_fields(word) for word in words)
    assert find_fields("") == find_fields("nothing-of-that-name") == []


def test_what_is_allowed_and_what_sets_it_is_shown(cli):
    """``explain FIELD`` shows the allowed and the known values, and the variable that sets the field."""
    out = cli("explain", "wa_source").out
    assert "  known   api, clevertap, zoho, webengage" in out
    assert "  set it  wa_source=…\n" in out
    assert "  only    quick_reply, url, catalog\n" in cli("explain", "sub_type").out
    assert "an integer from 0 to 9." in cli("explain", "index").out
    assert "set it" not in cli("explain", "api_key").out


def test_a_status_is_all_of_its_answers(cli):
    """``explain 401`` shows each documented answer with that status."""
    lines = cli("explain", "401").out.splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("401")] == [
        ["401", "RBC001"], ["401", "WA401"], ["401", "WA-401"], ["401", "WA-401"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("WA-40", "did you mean WA-401?"),
        ("wa_sorce", "did you mean wa_source?"),
        ("otp-lenght", "did you mean otp-length?"),
        ("qqqq", "codes: WA202, RBC001, "),
        ("", "codes: WA202, RBC001, "),
    ],
)
def test_a_word_that_means_nothing_has_a_did_you_mean(cli, word, hint):
    """An unknown word gives exit code 2, an empty stdout, and a hint with the nearest word or the list of codes."""
    ran = cli("explain", word)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {word!r} is not a code, a field or a rule\nhint: {hint}")


def test_without_a_word_and_an_answer_there_is_nothing_to_explain(cli):
    """``explain`` before any answer gives exit code 2 and a hint with all codes."""
    ran = cli("explain")
    assert (ran.code, ran.out) == (2, "")
    assert "error: there is no answer to explain yet" in ran.err
    assert all(code in ran.err for code in all_codes())


def test_a_word_that_means_several_things_is_explained_as_each(cli):
    """``explain components`` shows both the rule and the field of that name."""
    assert [entry["kind"] for entry in cli("explain", "components", "--json").json] == ["rule", "field"]


# ---- the last answer


@pytest.fixture
def last() -> Any:
    """Return a function that runs ``explain`` after a send with the given answer."""

    def explained(status: int, body: bytes, *, as_json: bool = False) -> str:
        session = Session(Places.standard())
        draft = session.draft(Overrides(variables={"to": "+919812345678", "otp": "1"}))
        exchange = exchange_of(draft.request, Response(status, "", (), body), 1)
        session.sent.append(Sent(draft, exchange))
        callback = explain_command.callback
        assert callback is not None
        context = explain_command.make_context("explain", ["--json"] if as_json else [], obj=Caller(session))
        with context:
            return str(explain_command.invoke(context).output)

    return explained


def test_without_a_word_the_last_answer_is_explained(last):
    """``explain`` without a word shows the meaning of the last answer, and a command with the account's name."""
    out = last(400, b'{"code": "E110", "message": "Please check your balance"}')
    assert out.startswith(next(answer.title for answer in ANSWERS if answer.code == "E110"))
    assert "  means   " in out
    assert "demo" in out


def test_the_last_answer_is_explained_to_programs(last):
    """``explain --json`` without a word gives a list with one object of the kind answer."""
    (entry,) = json.loads(last(400, b'{"code": "E110", "message": "x"}', as_json=True))
    assert (entry["kind"], entry["code"]) == ("answer", "E110")


def test_an_answer_cannot_control_the_terminal(last):
    """An undocumented code with control characters is shown escaped and cannot control the terminal."""
    out = last(400, b'{"code": "\\u001b]0;owned\\u0007", "message": "x"}')
    assert "\\x1b]0;owned\\x07" in out
    assert "\x1b" not in out


def test_an_unknown_answer_raises_nothing(last):
    """``explain`` shows a meaning for an answer with an empty body too."""
    assert "means" in last(503, b"")


def test_the_usage_error_is_one_of_ours():
    """The command ``explain`` raises kshell's UsageError for an unknown word."""
    context = explain_command.make_context("explain", ["qqqq"], obj=Caller(Session(Places.standard())))
    with context, pytest.raises(UsageError):
        explain_command.invoke(context)
