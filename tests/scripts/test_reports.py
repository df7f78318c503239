"""Reports have no key, no code and no full number, in any spelling and any place."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from support.canary import spellings
from support.random_parts import without_random_parts
from support.servers import Server, answer, local_pod, read

from kshell.core.json_text import dumps
from kshell.privacy.json_pieces import JsonPieces
from kshell.privacy.privacy import Privacy

KINDS = ("junit", "json", "jsonl", "html", "tap")
KEY = "Bsecond'\"\\/+%&=$7f3d9yek"
TO, CODE = "+919812345678", "482913"
DIGITS = TO[1:]


@pytest.fixture
def reported(cli, write):
    """Return a function that runs a script and returns its four reports as one text: ``reported(script, "--var", …)``.

    The text has no random parts, in which a code could stand by chance.
    """

    def texts(script: str, *options: str) -> str:
        write("s.kshell", script)
        cli("run", "s.kshell", *options, *(word for kind in KINDS for word in ("--report", f"{kind}=r.{kind}")))
        return without_random_parts("\n".join(Path(f"r.{kind}").read_text() for kind in KINDS))

    return texts


@pytest.fixture
def answered(reported, write, monkeypatch):
    """Return a function that sends to a server with this answer and returns the four reports as one text."""
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
    """A number without a plus in a row is masked, also in the finding that quotes it."""
    write("r.csv", f"to,otp\n{DIGITS},{CODE}\n")
    text = reported("send\n", "--rows", "r.csv")
    assert "is not a number in E.164 form" in text
    assert DIGITS not in text


@pytest.mark.parametrize("word", [f"to={DIGITS}", f"to='+91 98123 45678' ref={DIGITS}", f"ref=x{DIGITS}x to={TO}"])
def test_a_number_in_a_line_is_hidden(reported, word):
    """A number in a script's line is masked, also inside another argument."""
    text = reported(f"send {word} otp={CODE}\n")
    assert DIGITS not in text
    assert "98123 45678" not in text


def test_what_a_script_that_is_run_by_a_script_has_is_hidden(reported, write):
    """A code that only a nested script knows is masked in the reports of the outer script."""
    write("inner.kshell", f"otp {CODE}\nexpect otp == 'x'\n")
    text = reported("run inner.kshell\n")
    assert "it does not hold" in text
    assert CODE not in text


def test_a_number_that_nobody_told_of_is_hidden(reported):
    """A number that no variable declares is masked because of its form."""
    text = reported("set ref='call 447700900123, +44 7700 900-123 or %2B447700900123'\nexpect 1 == 2\n")
    assert "7700" not in text


def test_what_a_refused_message_held_is_hidden(reported):
    """The code of a message that was refused before the send is masked, whatever its variable is called."""
    text = reported(f'set pin="J$FpnYnP" to={TO}\nsend otp={{{{ pin }}}} index=12\n')
    assert "index" in text
    assert "J$FpnYnP" not in text


def test_what_a_message_that_could_not_be_made_held_is_hidden(reported):
    """The value of a variable that the template does not have is masked."""
    assert "QXZWVB" not in reported("send passcode=QXZWVB\n")


def test_the_key_of_an_account_that_sent_nothing_is_hidden(reported, write, monkeypatch):
    """The key of an account that is chosen but sends nothing is masked where the script has it."""
    monkeypatch.setenv("SECOND", KEY)
    write("profiles/accounts/own.yaml", "pod: in\nsid: HX1IN\napi_key: env:SECOND\nphone_number: '+447700900123'\n")
    assert "7f3d9yek" not in reported(f"use account own\nset x={quote(KEY, safe='')}\nexpect 1 == 2\n")


def test_a_code_that_was_typed_in_quotes_is_hidden(reported):
    """A code typed in quotes or with a backslash is masked, also in the line that an error repeats."""
    text = reported(f"""send to={TO} otp='QX'"ZWVB" index=12\nset x="QX\\ZWVB"\n""")
    assert "ZWVB" not in text


# ---- what a server says

SPACED = ("+91 98123 45678", "91-98123-45678", "(91) 98123.45678", "%2B91%2098123%2045678", "+91+98123+45678")


@pytest.mark.parametrize("echo", [DIGITS, quote(TO, safe=""), *SPACED])
def test_a_number_that_is_said_back_is_hidden(answered, echo):
    """A number that a server echoes is masked in names and values, in any grouping and encoding."""
    text = answered(json.dumps({"wa_id": echo, f"x {echo}": 1, "in": {"a": [echo]}}), ("X-To", echo))
    assert "wa_id" in text
    assert echo not in text
    assert "98123" not in text


def test_a_number_that_is_said_back_as_a_number_is_hidden(answered):
    """A number that a server echoes as a JSON number is masked."""
    assert DIGITS not in answered(f'{{"wa_id": {DIGITS}}}')


def test_the_name_of_a_header_is_hidden_as_its_value_is(answered):
    """A number or code in the name of a header is masked."""
    text = answered("{}", (f"x-{DIGITS}", "1"), (f"x-{CODE}", "2"))
    assert DIGITS not in text
    assert CODE not in text


PACKED = [base64.b64encode(f"{'x' * before}{KEY}yz".encode()).decode() for before in range(3)]
WHOLE = [spelling for spelling in spellings(KEY) if not any(spelling in packed for packed in PACKED)]


@pytest.mark.parametrize("spelling", [*sorted(WHOLE), *PACKED])
def test_the_key_is_hidden_in_every_spelling(answered, spelling):
    """A key that a server echoes in a body is masked in every spelling."""
    assert spelling not in answered(json.dumps({"said": f"<{spelling}>"}))


@pytest.mark.parametrize("code", ['J"F\\p', "QXZWVB", "J$F%nY&P"])
def test_a_code_is_hidden_in_every_spelling(answered, code):
    """A code that a server echoes is masked in every spelling, also in a failed expect."""
    packed = base64.b64encode(code.encode()).decode()
    echoes = [code, json.dumps(code)[1:-1], quote(code, safe=""), quote_plus(code), packed, code.lower()]
    text = answered(json.dumps({"said": echoes}), code="'" + code + "'", script="expect body.said == 1\n")
    for spelling in echoes:
        assert spelling not in text


def test_what_is_no_secret_stays_readable(answered):
    """Message ids, times, UUIDs and other long numbers are not masked."""
    kept = ["447700900199", "1763874518", "1763874518123", "2026-11-23T05:08:38.123456Z", "0.12345678",
            "e2f9bbd4-1234-4567-8901-123456789012", "AX1234567890123456"]  # fmt: skip
    body = {"code": "WA202", "data": {"message_id": kept[0]}, "said": kept, "ms": 1763874518123, "ns": 12345678901}
    text = answered(json.dumps(body))
    for value in (*kept, '"ms":1763874518123', '"ns":12345678901', '"status":202', "s.kshell:2"):
        assert value in text


# ---- many rows

REFS = (
    f"ref {CODE}",
    "48-29-13",
    f"call {DIGITS}",
    "+91 (981) 234-5678",
    KEY,
    f"otp={CODE}",
    "a",
    "ref\n\0\n",
    "CODE-4f0c2a9d1b37",
)


def echo(connection) -> None:
    """Answer with the context of the request and its key, in names and values."""
    request = connection.server.requests[-1]
    ref, key = json.loads(request.body)["extra_info"].get("ref", ""), request.header("api-key")[0]
    said = {ref: 1, "in": [ref, f"<{ref}>", quote(ref), int(DIGITS), 482913, 0.5], "key": f"the key is {key}"}
    body = {"code": "WA202", "message": "Request Accepted", "data": {"message_id": "AX1"}, "error": {}, **said}
    answer(202, json.dumps(body).encode(), ("x-ref", quote(ref)), ("Date", "Thu, 26 Nov 2026 05:58:58 GMT"))(connection)


def test_rows_are_masked_as_each_text_alone(cli, write, monkeypatch):
    """A row's line of jsonl is the same text as if every text of it were masked alone, whatever other rows have."""
    with Server(*[read, echo] * 20) as server:
        local_pod(server.url)
        write("r.jsonl", "".join(f"{json.dumps({'to': TO, 'otp': CODE, 'ref': ref})}\n" for ref in REFS))
        write("s.kshell", f"set note='48'\"2913\"\nset ref1='{TO} x'\nsend -p local\nexpect status == 202\n")

        def lines() -> str:
            cli("run", "s.kshell", "--rows", "r.jsonl", "--report", "jsonl=out.jsonl")
            return re.sub(r'"(?:seconds|elapsed_ms)":[0-9.e-]+|\d+ ms', "", Path("out.jsonl").read_text())

        quick = lines()
        monkeypatch.setattr(Privacy, "learn", lambda *_: set())
        monkeypatch.setattr(
            JsonPieces, "masked", lambda pieces, privacy, _: dumps(privacy.mask_json(pieces.value), indent=None)
        )
        assert quick.count("202 Said") == len(REFS)
        assert quick == lines()


def test_a_code_of_a_row_that_a_line_replaced_is_hidden(reported, write):
    """The code of a row is masked also if a line of the script has set another one."""
    write("r.csv", f"to,otp,ref\n{TO},QXZWVB,for QXZWVB\n")
    text = reported("set otp=571608\nsend\n", "--rows", "r.csv")
    assert "for (code)" in text
    assert "QXZWVB" not in text


def test_a_row_that_was_not_begun_is_named_without_its_code(cli, write):
    """The code of a row is masked in the script's name also if the run ended before the row."""
    write(f"{CODE}.kshell", "expect 1 == 2\n")
    write("r.csv", f"to,otp\n{TO},571608\n{TO},{CODE}\n")
    cli("run", f"{CODE}.kshell", "--bail", "--rows", "r.csv", "--report", "jsonl=r.jsonl")
    begun, unbegun = map(json.loads, Path("r.jsonl").read_text().splitlines())
    assert (begun["name"], begun["state"]) == (f"{CODE}.kshell row 1", "failed")
    assert (unbegun["name"], unbegun["state"]) == ("(code).kshell row 2", "not run")


# ---- whose name it is


def test_the_name_of_a_file_cannot_write_a_line_of_a_report(cli, write):
    """A line break in a script's name cannot add a line to a report."""
    write("a\nok 2 - forged.kshell", "expect 1 == 2\n")
    cli("run", "a\nok 2 - forged.kshell", *(word for kind in KINDS for word in ("--report", f"{kind}=r.{kind}")))
    for kind in KINDS:
        assert not [line for line in Path(f"r.{kind}").read_text().splitlines() if line.lstrip().startswith("ok 2")]
