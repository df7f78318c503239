"""Answers: the meaning of each documented one, the reading of an undocumented one, and how both are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.servers import ACCEPTED, PAGE_SAMPLE, Server, answer, local_pod, read, refusal

from kshell.api.answers import DEEPEST, exchange_of, explain, explain_answer
from kshell.api.authentication.answers import ANSWERS
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.endpoints import CODES, find_answers
from kshell.core.endpoint import DocumentedAnswer
from kshell.core.errors import Note
from kshell.core.exchange import Delivery, Exchange, Response
from kshell.core.json_text import dumps
from kshell.core.models import Request, Secret
from kshell.core.terminal import note_lines
from kshell.transport.exchange_text import document, outcome, shown_body, status_line

REQUEST = Request(
    SEND_AUTHENTICATION, "https://host/v2/a/whatsapp/b/messages", (("api-key", Secret("env", "K")),), {"a": 1}
)

# Status and code of every answer on the API's page, in its order, then those of the vendor's other pages.
DOCUMENTED = [
    (202, "WA202"), (401, "RBC001"), (401, "WA401"), (400, "WA400"), (500, "WA500"), (400, "E110"), (401, "WA-401"),
    (401, "WA-401"), (200, "WA200"), (400, "WAV2101"), (429, "WA429"),
]  # fmt: skip


def response(status: int, body: bytes = b"", *, reason: str = "Said", fault: str = "") -> Response:
    """Return a response with this status, body, reason and fault."""
    return Response(status, reason, (("content-type", "application/json"),), body, fault)


def exchange(status: int, body: bytes = b"", **rest: Any) -> Exchange:
    """Return the exchange of a send that got this answer after 38 ms."""
    return exchange_of(REQUEST, response(status, body, **rest), 38.04)


def shown(got: Exchange) -> list[str]:
    """Return the lines that report the outcome of a send."""
    return [line for note in outcome(got, lambda: explain(got, "acme")) for line in note_lines(note)]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("30", "wait 30 seconds before"),
        ("1", "wait 1 second before"),
        ("Wed, 21 Oct 2026 07:28:00 GMT", "wait until Wed, 21 Oct 2026 07:28:00 GMT before"),
    ],
)
def test_retry_after_is_said_in_words(header, words):
    """The header Retry-After of a refusal is said as seconds or as a time."""
    got = response(429)._replace(headers=(("Retry-After", header),))
    assert any(words in line for line in shown(exchange_of(REQUEST, got, 1.0)))


# ---- what is documented


def test_every_answer_of_the_page_is_known():
    """The table has every answer of the API page, and three of the vendor's other pages."""
    assert [(row.status, row.code) for row in ANSWERS] == DOCUMENTED, "DOCUMENTED has the status and code of every row"


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.code}-{row.key}")
def test_every_row_is_explained(row: DocumentedAnswer):
    """An answer with a row's status, code and error key gets that row's explanation and delivery."""
    got = exchange(row.status, refusal(row.code, {row.key: "x"} if row.key else {}))
    assert explain(got, "acme") == explain_answer(row, "acme")
    assert got.delivery is (Delivery.ACCEPTED if row.status < 300 else Delivery.REFUSED)


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row.code}-{row.key}")
def test_every_row_says_all_there_is_to_say(row: DocumentedAnswer):
    """Each explanation is complete; only a successful answer lacks a next command."""
    explanation = explain_answer(row, "acme")
    assert all(explanation._replace(next=explanation.next or "nothing"))
    assert bool(explanation.next) is (row.status >= 300)
    assert "{" not in explanation.next


@pytest.mark.parametrize("row", [row for row in ANSWERS if "{message}" in row.next], ids=lambda row: row.code)
def test_the_next_command_goes_the_same_way(row: DocumentedAnswer):
    """The next command has the pod to which the message was sent."""
    got = exchange(row.status, refusal(row.code, {row.key: "x"} if row.key else {}))
    assert " -a acme -p sandbox to=…" in explain(got, "acme", "-a acme -p sandbox").next


@pytest.mark.parametrize("code", CODES)
def test_every_code_can_be_asked_for(cli, code):
    """``explain CODE`` knows each code in any case, with its source."""
    ran = cli("explain", code.lower())
    assert ran.code == 0
    assert [row.title in ran.out for row in find_answers(code)] == [True] * len(find_answers(code))
    assert "  source  " in ran.out


ACCOUNT_TYPE, NUMBER_VERSION = find_answers("WA-401")


@pytest.mark.parametrize(
    ("body", "row"),
    [
        ({"error": {"account": "x"}}, ACCOUNT_TYPE),
        ({"error": {"phone_number": "x"}}, NUMBER_VERSION),
        ({"error": {"phone_number": "x"}, "message": "API is not available for given customer"}, NUMBER_VERSION),
        (
            {"error": {}, "message": "The phone number you're using is associated with different Version"},
            NUMBER_VERSION,
        ),
        ({"message": "API is not available for given customer.Please contact support"}, ACCOUNT_TYPE),
        ({"error": "text"}, ACCOUNT_TYPE),
    ],
)
def test_wa_401_is_told_apart_by_key_and_else_by_message(body, row):
    """The key in ``error`` decides between the two meanings of WA-401, and otherwise the message."""
    got = exchange(401, json.dumps({"code": "WA-401", **body}).encode())
    assert explain(got, "acme").title == row.title


# ---- what became of the message

HTML = b"  <HTML><body>Bad Gateway</body></html>"
DELIVERIES = [
    (202, b"", "accepted"),
    (202, PAGE_SAMPLE, "accepted"),
    (202, HTML, "accepted"),
    (202, refusal("NEW1"), "accepted"),
    (202, refusal("WA400"), "refused"),
    (200, refusal("WA200"), "accepted"),
    (200, refusal("wa202"), "accepted"),
    (200, refusal("WA401"), "refused"),
    (200, b"", "unknown"),
    (200, HTML, "unknown"),
    (200, refusal("NEW1"), "unknown"),
    (201, b"{}", "unknown"),
    (204, b"", "unknown"),
    (101, b"", "unknown"),
    (301, b"", "refused"),
    (302, HTML, "refused"),
    (400, HTML, "refused"),
    (400, refusal("NEW1"), "refused"),
    (403, b"", "refused"),
    (404, HTML, "refused"),
    (429, b"", "refused"),
    (499, b"", "refused"),
    (500, refusal("WA500"), "refused"),
    (500, refusal("NEW1"), "unknown"),
    (500, PAGE_SAMPLE, "unknown"),
    (500, b"", "unknown"),
    (502, HTML, "unknown"),
    (503, b"", "unknown"),
    (504, HTML, "unknown"),
    (599, b"", "unknown"),
    (999, b"", "unknown"),
]


@pytest.mark.parametrize(("status", "body", "delivery"), DELIVERIES)
def test_an_answer_says_what_became_of_the_message(status, body, delivery):
    """A known code decides the delivery; otherwise 202 accepts, 3xx and 4xx refuse, and the rest is unknown."""
    assert exchange(status, body).delivery == delivery


@pytest.mark.parametrize(
    ("delivery", "code"), [("accepted", 0), ("refused", 1), ("not-sent", 4), ("unknown", 5)], ids=str
)
def test_every_delivery_has_its_exit_code(delivery, code):
    """The exit codes of the four deliveries are 0, 1, 4 and 5."""
    assert Delivery(delivery).exit_code == code


# ---- what cannot be read

BODIES = [
    (b"", "it is empty"),
    (b"\0", "it is not text"),
    ('{"code": "WA202"}'.encode("utf-16-le"), "it is not text"),
    (b'{"code": "\xe9"}', "it is not UTF-8"),
    (b"<!doctype html><p>", "it is HTML, not JSON"),
    (b"\r\n <HTML>", "it is HTML, not JSON"),
    (b"Bad Gateway", "it is not valid JSON"),
    (b'{"code": "WA202"', "it is not valid JSON"),
    (b'{"code": "WA202"} {}', "it is not valid JSON"),
    (PAGE_SAMPLE, "it is not valid JSON"),
    (b'{"code": NaN}', "it is not valid JSON"),
    (b'{"code": -Infinity}', "it is not valid JSON"),
    (b'{"code": 1e999}', "it is not valid JSON"),
    (b"9" * 5000, "it is not valid JSON"),
    (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "it is nested deeper than 64 levels"),
    (b"[" * 100_000, "it is nested deeper than 64 levels"),
    (b'{"a":' * 100_000, "it is nested deeper than 64 levels"),
    (b"null", "it is JSON, but not an object"),
    (b"[1.5]", "it is JSON, but not an object"),
    (b'"WA202"', "it is JSON, but not an object"),
    (b"[" * DEEPEST + b"]" * DEEPEST, "it is JSON, but not an object"),
    (b"{}", ""),
    (b'\xef\xbb\xbf{"code": "WA202"}', ""),
]


@pytest.mark.parametrize(("body", "fault"), BODIES, ids=lambda value: repr(value)[:24])
def test_why_a_body_is_not_an_answer_is_said(body, fault):
    """The reason why a body is not a JSON object is on stderr and in the explanation."""
    got = exchange(200, body)
    assert got.answer.fault == fault
    warnings = [note for note in outcome(got, lambda: explain(got, "acme")) if note.kind == "warning"]
    assert warnings == ([Note("warning", f"the body is not as documented: {fault}")] if fault else [])
    assert f" About the body: {fault}." in explain(got, "acme").meaning or not fault


def test_a_transfer_that_failed_is_said_beside_what_is_wrong_with_the_text():
    """An incomplete body gives one warning for the transfer and one for the JSON."""
    got = exchange(202, ACCEPTED[:20], fault="it broke off after 20 bytes: closed")
    notes = outcome(got, lambda: explain(got, "acme"))
    assert [note.text.rpartition("documented: ")[2] for note in notes[1:]] == [
        "it broke off after 20 bytes: closed",
        "it is not valid JSON",
    ]


@pytest.mark.parametrize(
    ("body", "read"),
    [
        ({"code": 202, "message": ["x"], "data": [], "error": []}, ("", "", "", ())),
        ({"code": "X", "message": "m", "data": {"message_id": 7}, "error": None}, ("X", "m", "", ())),
        ({"data": {"message_id": "A1"}, "error": {"a": 1, "b": 2}}, ("", "", "A1", ("a", "b"))),
    ],
)
def test_a_field_of_the_wrong_type_counts_as_absent(body, read):
    """A code, message or id that is not a text counts as absent."""
    found = exchange(400, json.dumps(body).encode()).answer
    assert (found.code, found.message, found.message_id, found.error_keys) == read


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "data", "error", "x"]), inner),
    max_leaves=8,
)
_ANY_BODY = st.binary(max_size=200) | _ANY_JSON.map(lambda value: json.dumps(value).encode())


@given(
    status=st.integers(100, 999), body=_ANY_BODY, reason=st.text(max_size=20), fault=st.sampled_from(["", "it broke"])
)
def test_every_answer_can_be_explained_and_shown(status, body, reason, fault):
    """Any status and body give an explanation, lines without control characters, and a JSON document."""
    got = exchange(status, body, reason=reason, fault=fault)
    explanation = explain(got, "acme")
    assert explanation.title
    assert explanation.meaning
    assert "\n" not in status_line(got)
    for line in (*shown(got), *shown_body(body).split("\n")):
        assert not any(ord(character) < 32 and character != "\t" for character in line)
    assert json.loads(dumps(document(got, explanation)), parse_constant=pytest.fail)["delivery"] == got.delivery


# ---- what nobody documented


@pytest.mark.parametrize(
    ("status", "body", "title", "who"),
    [
        (400, refusal("NEW1"), "NEW1 is not a documented code", "yours"),
        (418, b"", "418 without a readable code", "yours"),
        (202, b"", "202 without a readable code", "nobody's"),
        (502, HTML, "502 without a readable code", "yours: find out whether it arrived"),
        (307, b"", "A redirect", "yours: correct the pod's base_url"),
    ],
)
def test_an_answer_nobody_documented_is_explained_by_its_status(status, body, title, who):
    """An undocumented answer is explained by its status, without a source."""
    explanation = explain(exchange(status, body), "acme")
    assert (explanation.title, explanation.who, explanation.source) == (title, who, "")


@pytest.mark.parametrize(
    ("delivery", "title", "retry"),
    [("not-sent", "Not sent", "yes: nothing was sent"), ("unknown", "No answer", "not before you know")],
)
def test_silence_is_explained(delivery, title, retry):
    """Without an answer the delivery decides whether to send again."""
    explanation = explain(Exchange(REQUEST, None, Delivery(delivery), 1), "acme")
    assert explanation.title == title
    assert explanation.retry.startswith(retry)


# ---- how it is shown


@pytest.mark.parametrize(
    ("got", "line"),
    [
        (exchange(202, ACCEPTED, reason="Accepted"), "202 Accepted · WA202 Request Accepted · A1 · 38 ms"),
        (exchange(502, b"", reason="Bad Gateway"), "502 Bad Gateway · 38 ms"),
        (exchange(400, refusal("E110"), reason=""), "400 · E110 no · 38 ms"),
        (Exchange(REQUEST, None, Delivery.UNKNOWN, 38), "unknown · 38 ms"),
    ],
)
def test_the_status_line_holds_what_there_is(got, line):
    """The status line has status, code, message, id and time, without gaps for absent parts."""
    assert status_line(got) == line


def test_a_code_cannot_write_a_line_of_its_own():
    """A line break in an answer is escaped and cannot add a line to the output."""
    got = exchange(400, json.dumps({"code": "x\n202 Accepted", "message": "m\nerror: no"}).encode(), fault="a\nb")
    lines = shown(got)
    assert not any("\n" in line or line.startswith(("202", "error")) for line in lines)
    assert lines[0] == r"400 Said · x\n202 Accepted m\nerror: no · 38 ms"


def test_an_accepted_answer_is_one_line():
    """An accepted answer is reported in one line."""
    got = exchange(202, ACCEPTED)
    assert shown(got) == [status_line(got)]


def test_a_refused_answer_says_what_it_means_and_what_to_type():
    """A refused answer is reported with title, meaning, who must act, retry, next command and source."""
    got = exchange(401, refusal("RBC001"))
    lines = shown(got)
    assert lines[1] == "Incorrect SID or API key"
    assert [line.split()[0] for line in lines[2:]] == ["means", "move", "retry", "next", "source"]
    assert "  next    kshell accounts acme" in lines


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a":[1,"\\u001b\xc2\x9b"]}', '{\n  "a": [\n    1,\n    "\\u001b\\u009b"\n  ]\n}\n'),
        (b"", ""),
        (b"plain", "plain\n"),
        (b"plain\n", "plain\n"),
        (b"\x1b]0;x\x07\xff\r\n", "\\x1b]0;x\\x07\N{REPLACEMENT CHARACTER}\\x0d\n"),
        (b"[NaN]", "[NaN]\n"),
        (b"[" * 5000, "[" * 5000 + "\n"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_body_for_a_terminal_is_indented_json_or_harmless_text(body, shown):
    """On a terminal a JSON body is indented, and any other text has its control characters escaped."""
    assert shown_body(body) == shown


# ---- send, and its document


@pytest.fixture
def sent(cli: Any) -> Any:
    """Return a function that sends to a server with one answer."""

    def run(*step: Any, words: tuple[str, ...] = ()) -> Any:
        with Server(read, answer(*step)) as server:
            return cli("send", "-p", local_pod(server.url), "to=+919812345678", "otp=482913", *words)

    return run


def test_the_page_s_own_broken_sample_is_accepted_and_marked(sent):
    """202 with the page's invalid JSON exits with 0, prints the bytes on stdout, and warns."""
    ran = sent(202, PAGE_SAMPLE)
    assert (ran.code, ran.out) == (0, PAGE_SAMPLE.decode())
    assert "202 Said · " in ran.err
    assert "warning: the body is not as documented: it is not valid JSON" in ran.err


@pytest.mark.parametrize(("status", "body", "code"), [(500, refusal("WA500"), 1), (502, HTML, 5), (400, b"", 1)])
def test_the_exit_code_tells_a_refusal_from_what_is_not_known(sent, status, body, code):
    """A failure with a documented code exits with 1, and one of a gateway with 5."""
    assert sent(status, body).code == code


DOCUMENT = {"request", "response", "elapsed_ms", "delivery", "marks", "explanation", "error"}
EXPLANATION = {"code", "title", "meaning", "who", "retry", "next", "source"}


@pytest.mark.parametrize(
    ("status", "body"), [(202, ACCEPTED), (401, refusal("RBC001")), (502, HTML), (302, b""), (200, b"\xff")]
)
def test_the_document_has_the_same_keys_for_every_answer(sent, status, body):
    """``send --json`` gives the same keys for every answer."""
    data = sent(status, body, words=("--json",)).json
    assert set(data) == DOCUMENT
    assert set(data["request"]) == {"method", "url", "headers", "body"}
    assert set(data["response"]) == {"status", "reason", "headers", "body", "fault"}
    assert set(data["explanation"]) == EXPLANATION
    assert data["error"] is None
    assert isinstance(data["elapsed_ms"], float)


def test_the_document_without_an_answer_has_an_error_in_its_place(cli):
    """Without an answer ``send --json`` has null as response, and an error with causes and hint."""
    data = cli("send", "-p", local_pod("https://nowhere.invalid"), "to=+919812345678", "--json").json
    assert set(data) == DOCUMENT
    assert (data["response"], data["delivery"]) == (None, "not-sent")
    assert set(data["error"]) == {"message", "causes", "hint"}
    assert set(data["explanation"]) == EXPLANATION


def test_the_document_of_what_check_held_back_is_not_sent(cli):
    """``send --json`` of a payload with errors has the delivery not-sent and the findings; exit code 1."""
    ran = cli("send", "to=nobody", "--json")
    assert ran.code == 1
    assert set(ran.json) == DOCUMENT
    assert [ran.json[name] for name in ("response", "delivery", "explanation", "elapsed_ms")] == [
        None,
        "not-sent",
        None,
        0,
    ]
    assert ran.json["error"]["message"] == "not sent: the payload has errors, by the rule to-e164"
    assert [cause.split()[:2] for cause in ran.json["error"]["causes"]] == [["error", "to-e164"]]
    assert "error: not sent: the payload has errors" in ran.err


def test_the_document_masks_the_key(sent):
    """``send --json`` masks the key's header."""
    headers = sent(202, ACCEPTED, words=("--json",)).json["request"]["headers"]
    assert headers == {"Content-Type": "application/json", "api-key": "(redacted)"}


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"null", None), (b"[1]", [1]), (b"plain", "plain"), (b"\xff", "\N{REPLACEMENT CHARACTER}"), (b"", "")],
)
def test_the_document_holds_the_body_s_value_or_its_text(sent, body, value):
    """``send --json`` has the body as a JSON value, or as text if it is not JSON."""
    assert sent(200, body, words=("--json",)).json["response"]["body"] == value


def test_a_header_given_twice_is_one_with_both_values(sent):
    """A repeated header is one lower-case name with both values joined in order."""
    data = sent(202, ACCEPTED, ("X-Told", "one"), ("x-told", "two"), words=("--json",)).json
    assert data["response"]["headers"]["x-told"] == "one, two"
