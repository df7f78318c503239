"""``explain`` explains a response code, a field or a rule without a request."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.clock import seconds_of

from kshell.api.answers import exchange_of
from kshell.api.callbacks import parse_received
from kshell.api.endpoints import ANSWERS, CODES, FIELD_WORDS, FIELDS, RULES, find_fields
from kshell.api.statuses import META_ERRORS, OUTCOMES, STATUSES
from kshell.commands.explain import explain_command
from kshell.console.caller import Caller
from kshell.core.errors import UsageError
from kshell.core.exchange import Response, Sent
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


def test_every_rule_is_explained(cli):
    """``explain RULE`` shows the rule's severity, its sentence and its source."""
    for code, rule in RULES.items():
        lines = cli("explain", code).out.splitlines()
        assert lines[:3] == [f"{code} · {rule.severity}", f"  says    {rule.says}", f"  source  {rule.page}"]
        data = cli("explain", code.upper(), "--json").json
        assert data[0] == {
            "kind": "rule", "code": code, "severity": rule.severity, "says": rule.says, "source": rule.page,
            "prevents": rule.prevents,
        }  # fmt: skip
        assert any(rule.prevents in line for line in lines[3:4]) is bool(rule.prevents)


def test_every_field_is_explained(cli):
    """``explain FIELD`` shows the field's place, type, description, example and source table."""
    for name in {field.name for field in FIELDS}:
        ran = cli("explain", name)
        assert ran.code == 0
        for field in find_fields(name):
            assert f"{field.name} · field" in ran.out
            assert f"  where   {field.pointer or 'not in the payload'}\n" in ran.out
            assert f"  type    {field.kind}, {'mandatory' if field.mandatory else 'optional'}\n" in ran.out
            assert f"  says    {field.says}\n" in ran.out
            assert f"  example {field.example}\n" in ran.out
            assert f"  source  {field.section} table of the API's page\n" in ran.out


def test_every_field_is_explained_to_programs(cli):
    """``explain FIELD --json`` gives a list with one object for each field of that name."""
    for name in {field.name for field in FIELDS}:
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
    words = list(FIELD_WORDS)
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
        ("1310267", "did you mean 131026?"),
        ("deliverd", "did you mean delivered?"),
        ("qqqq", "codes: WA202, RBC001, "),
        ("", "codes: WA202, RBC001, "),
    ],
)
def test_a_word_that_means_nothing_has_a_did_you_mean(cli, word, hint):
    """An unknown word gives exit code 2, an empty stdout, and a hint with the nearest word or the list of codes."""
    ran = cli("explain", word)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {word!r} is not a code, a status, a field or a rule\nhint: {hint}")


@pytest.mark.parametrize(
    ("word", "pointer"),
    [
        ("/messaging_object/template/components/1/index", "/messaging_object/template/components/button/index"),
        ("/messaging_object/template/components/0/type", "/messaging_object/template/components/body/type"),
        ("messaging_object.template.language.code", "/messaging_object/template/language/code"),
    ],
)
def test_a_place_in_a_payload_is_explained_as_its_field(cli, word, pointer):
    """A pointer as ``check`` prints it, with numbers of items, and a path with dots find the field."""
    assert pointer in [entry["pointer"] for entry in cli("explain", word, "--json").json]


@pytest.mark.parametrize("number", ["1.2", "9/9", "/", "."])
def test_a_number_alone_is_no_place(cli, number):
    """Numbers and separators without the name of a field find no field."""
    assert cli("explain", number).code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "E110", "--table", "codes"),
        ("explain", "--table", "codes", "--json"),
        ("explain", "E110", "--from", "-"),
        ("ledger", "run.ledger", "--csv", "--json"),
        ("inbox", "--code", "--json"),
        ("templates", "auth", "--source", "--json"),
    ],
    ids=" ".join,
)
def test_options_of_different_outputs_exclude_each_other(cli, words):
    """Two options of which one would be ignored are an error of usage, with nothing on stdout."""
    ran = cli(*words)
    assert (ran.code, ran.out, "hint: " in ran.err) == (2, "", True)


def test_without_a_word_and_an_answer_there_is_nothing_to_explain(cli):
    """``explain`` before any answer gives exit code 2 and a hint with all codes."""
    ran = cli("explain")
    assert (ran.code, ran.out) == (2, "")
    assert "error: there is no answer to explain yet" in ran.err
    assert all(code in ran.err for code in CODES)


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
        session.keep(Sent(draft, exchange))
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


# ---- statuses and Meta's codes


def test_every_status_and_every_code_of_meta_s_is_explained(cli):
    """``explain`` shows what a status or a code of Meta's is, whose move it is, and whether another send helps and is safe."""
    for outcome in OUTCOMES:
        out = cli("explain", outcome.code).out
        assert f"{outcome.code} · {outcome.title}\n  means   {outcome.meaning}\n  move    {outcome.who}\n" in out
        assert f"\n  retry   {outcome.retry}\n" in out


def test_the_table_has_the_statuses_and_the_codes_once():
    """There are the vendor's five statuses; no code is in the table twice, and each says a full sentence."""
    assert [row.code for row in STATUSES] == ["sent", "delivered", "read", "failed", "not-sent"]
    assert len({row.code for row in OUTCOMES}) == len(OUTCOMES)
    assert [row.code for row in META_ERRORS if not row.code.isdecimal() or not row.meaning.endswith(".")] == []


def test_a_code_of_meta_s_names_the_rules_that_find_its_cause(cli):
    """``explain 132001`` names the rules that prevent it; in JSON they are a list."""
    assert "\n  rules   language-code, approved\n" in cli("explain", "132001").out
    (entry,) = cli("explain", "132001", "--json").json
    assert (entry["kind"], entry["rules"]) == ("meta", ["language-code", "approved"])


def test_a_status_is_found_in_the_vendor_s_letters(cli):
    """The vendor writes NOT-SENT and DELIVERED; both are found, and so is ``not_sent``."""
    assert cli("explain", "NOT-SENT").out == cli("explain", "not_sent").out == cli("explain", "not-sent").out
    assert cli("explain", "DELIVERED").out.startswith("delivered · On the phone")


def test_a_number_that_is_an_http_status_and_a_code_of_meta_s_is_both(cli):
    """``explain 200`` explains the answer WA200 and Meta's code 200."""
    assert [entry["kind"] for entry in cli("explain", "200", "--json").json] == ["code", "meta"]


# ---- what was received

CALLBACK = """{"meta_object": {"value": {"statuses": [
  {"id": "wamid.1", "status": "sent", "timestamp": "1764000000", "recipient_id": "919812345678"},
  {"id": "wamid.1", "status": "failed", "timestamp": "1764000001", "recipient_id": "919812345678", "errors": [
    {"code": 131026, "title": "Message undeliverable", "error_data": {"details": "Not on \\"WhatsApp, ]"}}]}
]}, "field": "messages"}, "extra_info": {"message_id": "A1", "ref": "customer-42"}, "status": "failed", "message_id": "A1"}
"""


def test_each_status_of_a_callback_says_its_message(cli, write):
    """``explain --from`` says for each status its message, ref, recipient and time, and explains Meta's error."""
    out = cli("explain", "--from", str(write("callback.json", CALLBACK))).out
    about = "message A1 · ref customer-42 · to 919812345678 · at 2025-11-24 16:00:0"
    assert [line for line in out.splitlines() if line[:1] not in (" ", "")] == [
        f"sent · {about}0 UTC", f"failed · {about}1 UTC",
    ]  # fmt: skip
    assert '\n  131026 · Undeliverable\n    Meta    Message undeliverable: Not on "WhatsApp, ]\n    means   ' in out


def test_a_callback_is_explained_to_programs(cli, write):
    """``explain --from FILE --json`` has an object for each status, with the errors and what they mean."""
    sent, failed = cli("explain", "--from", str(write("callback.json", CALLBACK)), "--json").json
    assert (sent["kind"], sent["status"], sent["errors"]) == ("callback", "sent", [])
    assert (failed["message_id"], failed["ref"], failed["recipient"]) == ("A1", "customer-42", "919812345678")
    assert failed["errors"][0]["explanation"]["code"] == "131026"


def test_a_comma_after_the_last_member_is_read(cli, write):
    """A callback with a comma before a closing bracket, as on the vendor's page, says what it says without it."""
    odd = CALLBACK.replace('"A1"}\n', '"A1" , }\n').replace("}]}\n", "},\n]}\n")
    assert odd.count(",") == CALLBACK.count(",") + 2
    assert (
        cli("explain", "--from", str(write("odd.json", odd))).out
        == cli("explain", "--from", str(write("a", CALLBACK))).out
    )


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 400_000, ", " * 400_000, "[" * 800_000, ",]" * 400_000], ids=['"', ",", "[", ",]"]
)
def test_a_megabyte_that_is_not_json_is_refused_quickly(text):
    """A text that is not JSON takes time linear in its length (promise 16), also where commas are removed."""

    def refused(part: str) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - of any kind
            parse_received(part)

    def seconds(part: str) -> float:
        return seconds_of(lambda: refused(part))

    assert seconds(text) < 20 * seconds(text[: len(text) // 4]) + 0.5


def test_an_answer_is_explained_as_it_was_received(cli, write):
    """``explain --from`` explains the body of an answer; two answers with one code are told apart."""
    body = '{"code": "WA-401", "message": "x", "data": {}, "error": {"phone_number": "x"}}'
    out = cli("explain", "--from", str(write("answer.json", body))).out
    assert out.startswith("WA-401 · The phone number is on another version of the API\n  means   ")


def test_what_send_json_prints_can_be_explained(cli, write):
    """``explain --from`` takes the document of ``send --json``."""
    sent = cli("send", "-a", "low-balance", "to=+919812345678", "--json")
    assert cli("explain", "--from", str(write("sent.json", sent.out))).out.startswith("E110 · Low balance")


def test_a_message_that_was_not_passed_on_has_no_statuses(cli, write):
    """A callback without ``statuses`` is about the status and the message at its top."""
    out = cli("explain", "--from", str(write("c", '{"status": "NOT-SENT", "message_id": "A1", "extra_info": {}}'))).out
    assert out.startswith("NOT-SENT · message A1\n  Not passed to WhatsApp\n")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{", "is not JSON"),
        ("", "is not JSON"),
        ('{"code": "WA999"}', "neither an answer that the API documents nor a status callback"),
        ("[1, null, {}]", "neither an answer"),
        ('{"meta_object": {"value": {"statuses": [1, {"status": []}]}}}', "neither an answer"),
    ],
)
def test_what_is_neither_an_answer_nor_a_callback_is_an_error(cli, write, text, error):
    """Another file is one error with its name, a hint and exit code 3."""
    ran = cli("explain", "--from", str(write("x.json", text)))
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: x.json ")
    assert error in ran.err
    assert "\nhint: " in ran.err


def test_a_callback_cannot_control_the_terminal(cli, write):
    """Control characters in a status, a ref or Meta's words are escaped, and an unknown code is said to be unknown."""
    text = CALLBACK.replace("customer-42", "\\u001b[2J").replace("131026", "7").replace("Not on", "\\u009b")
    out = cli("explain", "--from", str(write("c", text))).out
    assert "\x1b" not in out
    assert "ref \\x1b[2J" in out
    assert "7 · a code that kshell does not know" in out


def test_from_goes_without_a_word(cli):
    """``explain --from FILE WORD`` is a usage error."""
    assert cli("explain", "--from", "x", "E110").code == 2
