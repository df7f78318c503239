"""A key that a server repeats is masked on every stream, in the status line, in --json and in every file; --raw shows it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from support.canary import spellings
from support.clock import seconds_of
from support.servers import Server, answer, close, local_pod, read, say

from kshell.console.dispatch import perform_line
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.running import Shell

if TYPE_CHECKING:
    from support.servers import Step

KEY = "Dcanary'\"\\/+%&=$7f3d9said"
TO = "+919812345671"
FORMS = {
    "plain": KEY,
    "JSON-escaped": json.dumps(KEY)[1:-1],
    "JSON-escaped, every sign": "".join(f"\\u{ord(sign):04x}" for sign in KEY),
    "JSON-escaped, with its slash": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "URL-encoded": quote(KEY, safe=""),
    "URL-encoded, every sign": "".join(f"%{ord(sign):02x}" for sign in KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64, behind a name": base64.b64encode(f"acme:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "in other letters": KEY.swapcase(),
}
JSON_FORMS = {form for name, form in FORMS.items() if name.startswith("JSON")}
FOUND = spellings(KEY) | set(FORMS.values())


def leaks(text: str) -> set[str]:
    """Return the spellings of the key that ``text`` contains."""
    return {form for form in FOUND if form in text}


def in_reason(form: str) -> Step:
    """Return a refusal with the form in its status line."""
    return say(f"HTTP/1.1 418 {form}\r\nContent-Length: 2\r\n\r\n{{}}".encode())


def in_header(form: str) -> Step:
    """Return a refusal with the form in a header."""
    return answer(418, b"{}", ("X-Said", f"key {form}"))


def in_json(form: str) -> Step:
    """Return a refusal with the form in JSON, in all that the status line shows."""
    said = form if form in JSON_FORMS else json.dumps(form)[1:-1]
    body = f'{{"code": "{said}", "message": "no {said}", "data": {{"message_id": "{said}", "{said}": ["{said}"]}}}}'
    return answer(418, body.encode())


def in_text(form: str) -> Step:
    """Return a refusal with the form in a body that is not JSON."""
    return answer(418, f"<p>{form}</p>".encode())


PLACES = {"reason": in_reason, "header": in_header, "JSON": in_json, "text": in_text}
SENDS = {"send": ("send",), "send --json": ("send", "--json")}


@pytest.fixture(autouse=True)
def account(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an account of the user's own whose key is in the environment."""
    monkeypatch.setenv("SAID_KEY", KEY)
    folder = Path("../user/.config/kshell/profiles/accounts")
    text = "pod: local\nsid: HX1IN\napi_key: env:SAID_KEY\nphone_number: '+911234500067'\n"
    write(str(folder / "acme.yaml"), f"{text}variables: {{template_name: auth1, language: en_US}}\n")


@pytest.mark.parametrize("words", SENDS.values(), ids=SENDS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_a_server_repeats_is_on_no_stream(cli, form, place, words):
    """Neither stdout nor stderr of a send has the key, in any spelling and any part of the answer."""
    with Server(read, PLACES[place](FORMS[form])) as server:
        local_pod(server.url)
        ran = cli(*words, "-a", "acme", f"to={TO}", "otp=482913")
    assert ran.code == 1
    assert "418" in ran.out + ran.err
    assert not leaks(ran.out + ran.err)


@pytest.mark.parametrize("form", FORMS)
def test_a_body_of_json_is_masked_and_stays_json(cli, form):
    """The rest of a JSON body can still be read when the key in it is masked."""
    body = in_json(FORMS[form])
    with Server(read, body) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913", "--json")
    response = ran.json["response"]
    assert (response["fault"], [*response["body"]]) == ("", ["code", "message", "data"])
    assert response["body"]["code"] in ("(redacted)", "(hidden: a key is in it)")


def test_a_key_of_digits_that_is_repeated_as_a_number_is_masked(cli, monkeypatch):
    """A key that a body contains as a number becomes a text, and the body stays JSON."""
    monkeypatch.setenv("SAID_KEY", "7316054289")
    with Server(read, answer(202, b'{"code": "WA202", "key": 7316054289, "data": {"message_id": "A1"}}')) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913", "--json")
    assert (ran.code, ran.json["response"]["body"]["key"], ran.json["response"]["fault"]) == (0, "(redacted)", "")


def test_the_delivery_is_that_of_the_unmasked_answer(cli, monkeypatch):
    """A key that is also the documented code changes what is shown, not what became of the message."""
    monkeypatch.setenv("SAID_KEY", "WA202")
    with Server(read, answer(200, b'{"code": "WA202"}')) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913", "--json")
    assert (ran.code, ran.json["response"]["body"]) == (0, {"code": "(redacted)"})


def test_a_long_body_of_many_texts_is_masked_in_time(cli):
    """A megabyte of short texts and an escaped key is masked within 2 seconds."""
    body = json.dumps([f"{number:06}" for number in range(100_000)])[:-1] + f', "{FORMS["JSON-escaped, every sign"]}"]'
    with Server(read, answer(202, body.encode())) as server:
        local_pod(server.url)
        runs = []
        seconds = seconds_of(lambda: runs.append(cli("send", "-a", "acme", f"to={TO}", "otp=482913", "--json")), 2)
    (ran,) = runs
    assert (ran.code, ran.json["response"]["body"]) == (0, "(hidden: a key is in it)")
    assert seconds < 2


@pytest.mark.parametrize("size", [8, len(KEY) - 1])
def test_a_key_at_which_an_answer_broke_off_is_masked(cli, size):
    """The beginning of the key at the end of an incomplete body is not shown."""
    with Server(read, answer(202, f"said {KEY[:size]}".encode(), length=99), close) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913")
    assert ran.out == "said (redacted)"


def test_a_key_in_the_name_of_an_encoding_is_masked(cli):
    """The warning of an unexpected encoding has the key masked, which the server wrote as the encoding's name."""
    with Server(read, answer(202, b"{}", ("Content-Encoding", KEY))) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913")
    assert "it is encoded as (redacted), which was not asked for" in ran.err
    assert not leaks(ran.out + ran.err)


@pytest.mark.parametrize("place", ["JSON", "text"])
def test_raw_gives_the_bytes_of_the_body(cli, place):
    """With ``--raw`` stdout is the unmasked body; stderr has no key even then."""
    with Server(read, PLACES[place](KEY)) as server:
        local_pod(server.url)
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=482913", "--raw")
    assert leaks(ran.out)
    assert not leaks(ran.err)


LINES = ("send", "last", "last --json", "last --answer", "history", "history --json", "explain", "explain --json",
         "diff 1 2 --answers", "expect body.code == 'x'", "expect headers['x-said'] == 'x'", "expect body.nothing")  # fmt: skip


def everything(form: str) -> Step:
    """Return a refusal with the form in the reason, in headers and in the body."""
    said = json.dumps({"code": form, "message": form, "data": {"message_id": form}})
    return say(f"HTTP/1.1 418 {form}\r\nX-Said: {form}\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())


@pytest.mark.parametrize("form", ["plain", "URL-encoded", "base64"])
def test_nothing_that_looks_back_at_an_answer_shows_the_key(form):
    """``last``, ``history``, ``diff``, ``explain``, a failed ``expect`` and ``capture`` show the key masked."""
    with Server(read, everything(FORMS[form])) as server:
        local_pod(server.url)
        shell = Shell(Session(Places.standard()))
        for line in ("use account acme", f"set to={TO} otp=482913", "send", *LINES, "capture code = body.code"):
            result = perform_line(line, shell)
            output = result.output if isinstance(result.output, str) else result.output.decode()
            assert not leaks(output + "".join(line for note in result.notes for line in note_lines(note))), line
    assert shell.session.variables["code"] == "(redacted)"


@pytest.mark.parametrize("form", ["plain", "URL-encoded", "base64"])
def test_no_file_of_a_run_has_a_key_that_a_server_repeats(cli, write, tmp_path, form):
    """Reports, the cassette and the output of a run and of its replay contain no spelling of the key."""
    write("s.kshell", f"use account acme\nsend to={TO} otp=482913\nexpect status == 418\ncapture c = body.code\nvars\n")
    reports = [word for kind in ("junit", "json", "html", "tap") for word in ("--report", f"{kind}={kind}.out")]
    with Server(read, everything(FORMS[form])) as server:
        local_pod(server.url)
        said = [cli("run", "s.kshell", "--cassette", "c.yaml", *reports)]
        said += [cli("run", "s.kshell", "--cassette", "c.yaml", "--record", "none", *reports)]
    assert [ran.code for ran in said] == [0, 0]
    assert not leaks("".join(ran.out + ran.err for ran in said))
    kept = {file.name: file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert {"c.yaml", "junit.out", "json.out", "html.out", "tap.out"} < {*kept}
    assert not [name for name, text in kept.items() if leaks(text)]
