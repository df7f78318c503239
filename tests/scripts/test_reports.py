"""Reports hold no key, no code and no full number, whatever spelling they have and wherever they stand."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from support.canary import spellings
from support.servers import Server, answer, local_pod, read

KINDS = ("junit", "json", "html", "tap")
KEY = "Bsecond'\"\\/+%&=$7f3d9yek"
TO, CODE = "+919812345678", "482913"
DIGITS = TO[1:]


@pytest.fixture
def reported(cli, write):
    """Run a script and give its four reports as one text: ``reported(script, "--var", …)``."""

    def texts(script: str, *options: str) -> str:
        write("s.kshell", script)
        cli("run", "s.kshell", *options, *(word for kind in KINDS for word in ("--report", f"{kind}=r.{kind}")))
        return "\n".join(Path(f"r.{kind}").read_text() for kind in KINDS)

    return texts


@pytest.fixture
def answered(reported, write, monkeypatch):
    """Send once to a server that says ``body`` and ``headers``, and give the four reports as one text."""
    monkeypatch.setenv("SECOND", KEY)
    write("profiles/accounts/own.yaml", "pod: local\nsid: HX1IN\napi_key: env:SECOND\nphone_number: '+447700900123'\n"
          "variables: {template_name: a, language: en}\n")  # fmt: skip

    def texts(body: str, *headers: tuple[str, str], code: str = CODE, script: str = "") -> str:
        with Server(read, answer(202, body.encode(), *headers)) as server:
            local_pod(server.url)
            return reported(f"use account own\nsend to={TO} otp={code}\n{script}")

    return texts


# ---- what the user wrote


def test_a_number_in_a_row_needs_no_plus_to_be_hidden(reported, write):
    """The finding that says it is not a number quotes it."""
    write("r.csv", f"to,otp\n{DIGITS},{CODE}\n")
    text = reported("send\n", "--rows", "r.csv")
    assert "is not a number in E.164 form" in text
    assert DIGITS not in text


@pytest.mark.parametrize("word", [f"to={DIGITS}", f"to='+91 98123 45678' ref={DIGITS}", f"ref=x{DIGITS}x to={TO}"])
def test_a_number_in_a_line_is_hidden(reported, word):
    """As it was typed, and as it stands in another word."""
    text = reported(f"send {word} otp={CODE}\n")
    assert DIGITS not in text
    assert "98123 45678" not in text


def test_what_a_script_that_is_run_by_a_script_has_is_hidden(reported, write):
    """Its failure stands in the reports of the outer one; the code may be known to the inner one alone."""
    write("inner.kshell", f"otp {CODE}\nexpect otp == 'x'\n")
    text = reported("run inner.kshell\n")
    assert "it does not hold" in text
    assert CODE not in text


def test_a_number_that_nobody_told_of_is_hidden(reported):
    """By its looks, in any form that a number has."""
    text = reported("set ref='call 447700900123, +44 7700 900-123 or %2B447700900123'\nexpect 1 == 2\n")
    assert "7700" not in text


def test_what_a_refused_message_held_is_hidden(reported):
    """Its code came from a variable of another name, and nothing was sent."""
    text = reported(f'set pin="J$FpnYnP" to={TO}\nsend otp={{{{ pin }}}} index=12\n')
    assert "index" in text
    assert "J$FpnYnP" not in text


def test_what_a_message_that_could_not_be_made_held_is_hidden(reported):
    """A variable that the template does not have."""
    assert "QXZWVB" not in reported("send passcode=QXZWVB\n")


def test_the_key_of_an_account_that_sent_nothing_is_hidden(reported, write, monkeypatch):
    """It stands in the script itself, and the account is only chosen."""
    monkeypatch.setenv("SECOND", KEY)
    write("profiles/accounts/own.yaml", "pod: in\nsid: HX1IN\napi_key: env:SECOND\nphone_number: '+447700900123'\n")
    assert "7f3d9yek" not in reported(f"use account own\nset x={quote(KEY, safe='')}\nexpect 1 == 2\n")


def test_a_code_that_was_typed_in_quotes_is_hidden(reported):
    """Also in the line that an error shows again."""
    text = reported(f"""send to={TO} otp='QX'"ZWVB" index=12\nset x="QX\\ZWVB"\n""")
    assert "ZWVB" not in text


# ---- what a server says

SPACED = ("+91 98123 45678", "91-98123-45678", "(91) 98123.45678", "%2B91%2098123%2045678", "+91+98123+45678")


@pytest.mark.parametrize("echo", [DIGITS, quote(TO, safe=""), *SPACED])
def test_a_number_that_is_said_back_is_hidden(answered, echo):
    """With or without its plus, URL-encoded, in groups; as a value or as a name."""
    text = answered(json.dumps({"wa_id": echo, f"x {echo}": 1, "in": {"a": [echo]}}), ("X-To", echo))
    assert "wa_id" in text
    assert echo not in text
    assert "98123" not in text


def test_a_number_that_is_said_back_as_a_number_is_hidden(answered):
    """JSON writes it without quotes."""
    assert DIGITS not in answered(f'{{"wa_id": {DIGITS}}}')


def test_the_name_of_a_header_is_hidden_as_its_value_is(answered):
    """It holds the number's digits and the code."""
    text = answered("{}", (f"x-{DIGITS}", "1"), (f"x-{CODE}", "2"))
    assert DIGITS not in text
    assert CODE not in text


PACKED = [base64.b64encode(f"{'x' * before}{KEY}yz".encode()).decode() for before in range(3)]
WHOLE = [spelling for spelling in spellings(KEY) if not any(spelling in packed for packed in PACKED)]


@pytest.mark.parametrize("spelling", [*sorted(WHOLE), *PACKED])
def test_the_key_is_hidden_in_every_spelling(answered, spelling):
    """Said back in a body."""
    assert spelling not in answered(json.dumps({"said": f"<{spelling}>"}))


@pytest.mark.parametrize("code", ['J"F\\p', "QXZWVB", "J$F%nY&P"])
def test_a_code_is_hidden_in_every_spelling(answered, code):
    """JSON-escaped, URL-encoded, in base64, in small letters; said back, and shown by an expect that fails."""
    packed = base64.b64encode(code.encode()).decode()
    said = [code, json.dumps(code)[1:-1], quote(code, safe=""), quote_plus(code), packed, code.lower()]
    text = answered(json.dumps({"said": said}), code="'" + code + "'", script="expect body.said == 1\n")
    for spelling in said:
        assert spelling not in text


def test_what_is_no_secret_stays_readable(answered):
    """A message's id, also one of digits, times, a UUID, and what else has many digits."""
    kept = ["447700900199", "1763874518", "1763874518123", "2026-11-23T05:08:38.123456Z", "0.12345678",
            "e2f9bbd4-1234-4567-8901-123456789012", "AX1234567890123456"]  # fmt: skip
    body = {"code": "WA202", "data": {"message_id": kept[0]}, "said": kept, "ms": 1763874518123, "ns": 12345678901}
    text = answered(json.dumps(body))
    for value in (*kept, '"ms": 1763874518123', '"ns": 12345678901', '"status": 202', "s.kshell:2"):
        assert value in text


# ---- whose name it is


def test_the_name_of_a_file_cannot_write_a_line_of_a_report(cli, write):
    """A line break in it is shown, not written."""
    write("a\nok 2 - forged.kshell", "expect 1 == 2\n")
    cli("run", "a\nok 2 - forged.kshell", *(word for kind in KINDS for word in ("--report", f"{kind}=r.{kind}")))
    for kind in KINDS:
        assert not [line for line in Path(f"r.{kind}").read_text().splitlines() if line.lstrip().startswith("ok 2")]
