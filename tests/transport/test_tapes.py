"""Cassettes: what is recorded, what is played, and what is never in the file."""

from __future__ import annotations

import base64
import re
import shutil
import socket
import stat
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import vcr
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.record_cassettes import CODE, FOLDER, TO, record
from support.registered import SHOWN_ANSWERS
from support.servers import Server, close, flood, local_pod, read, say

from kshell.api.answers import explain, explain_answer
from kshell.api.authentication.answers import ANSWERS
from kshell.core.errors import CassetteError
from kshell.core.models import Exchange, Response
from kshell.privacy.pseudonyms import Pseudonyms
from kshell.privacy.values import Private
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session, send_attempt
from kshell.transport import tapes
from kshell.transport.client import MOST_BODY
from kshell.transport.tape_requests import facts_of
from kshell.transport.tapes import MOST_READ, Tape

KEY = "Acanary00000000000000000000000key"
SENDER = "+447700900123"


class Nobody:
    """A simulator that must not be asked."""

    inbox = ()

    def handle(self, *_: object) -> Response:
        """Fail."""
        raise AssertionError("it was sent")


class Echo:
    """A server that says ``answer`` and counts what it received."""

    def __init__(self, answer: str = '{"code": "WA202"}', *headers: tuple[str, str]) -> None:
        self.answer = answer
        self.headers = headers
        self.received = 0

    def handle(self, _method: str, _target: str, _headers: object, _body: bytes) -> Response:
        """Answer."""
        self.received += 1
        return Response(202, "Accepted", self.headers, self.answer.encode())


@pytest.fixture
def no_sockets(monkeypatch):
    """No socket can be made."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def send(write):
    """Send as an account whose key and number are canaries: ``send(server, file, mode, to=…)`` gives the ``Exchange``."""
    write(
        "profiles/accounts/canary.yaml",
        f"pod: sandbox\nsid: HX1IN\napi_key: {KEY}\nphone_number: '{SENDER}'\n"
        "variables: {template_name: auth1, language: en_US}\n",
    )

    def sent(server: object, file: Path, mode: str = "once", **variables: str) -> Exchange:
        session = Session(Places.standard())
        session.simulator = server
        draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE, **variables}))
        with Tape(file, mode) as session.sender:
            return session.send(draft, timeout=5)

    return sent


@pytest.fixture
def tape(tmp_path) -> Path:
    """Where a cassette goes."""
    return tmp_path / "tape.yaml"


def play(name: str, folder: Path) -> Exchange:
    """The shipped message to the account ``name``, answered from its cassette."""
    session = Session(Places.standard())
    session.simulator = Nobody()
    draft = session.draft(Overrides(account=name, variables={"to": TO, "otp": CODE}))
    with Tape(folder / f"{name}.yaml", "none") as session.sender:
        return session.send(draft, timeout=5)


def answer_of(exchange: Exchange) -> tuple[object, ...]:
    """Status, reason, headers whatever their order and case, and body."""
    status, reason, headers, body, fault = exchange.response
    return status, reason, sorted((name.lower(), text) for name, text in headers), body, fault


# ---- the shipped ones


@pytest.mark.parametrize("answer", [row for row in ANSWERS if row.name in SHOWN_ANSWERS], ids=lambda row: row.name)
def test_a_shipped_cassette_gives_its_answer_without_a_socket(answer, no_sockets):
    """Status, code and explanation of a documented answer come from its cassette alone."""
    exchange = play(answer.name, FOLDER)
    assert exchange.response is not None
    assert exchange.response.status == answer.status
    assert explain(exchange, answer.name) == explain_answer(answer, answer.name)


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
@pytest.mark.usefixtures("no_sockets")
def test_plain_vcrpy_plays_a_shipped_cassette(name):
    """The file is vcrpy's own format: a program that has vcrpy and httpx, and no kshell, gets its answer."""
    file = FOLDER / f"{name}.yaml"
    (interaction,) = yaml.safe_load(file.read_text())["interactions"]
    asked, answered = interaction["request"], interaction["response"]
    headers = [(header, value) for header, values in asked["headers"].items() for value in values]
    with vcr.VCR(record_mode="none", match_on=["method", "uri", "headers", "body"]).use_cassette(str(file)) as cassette:
        request = httpx.Request(asked["method"], asked["uri"], headers=headers, content=asked["body"])
        del request.headers["host"], request.headers["content-length"]  # a cassette keeps neither
        with httpx.Client(trust_env=False) as client:
            response = client.send(request)
        assert cassette.all_played
    assert (response.status_code, response.reason_phrase) == tuple(answered["status"].values())
    assert response.text == answered["body"]["string"]


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_a_shipped_cassette_says_that_it_is_the_simulator_s(name):
    """Nobody can take the shipped answers for the live API's."""
    assert "Recorded from kshell's simulator, not from the API" in (FOLDER / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_recording_a_shipped_cassette_again_gives_the_same_file(name, tmp_path):
    """The committed files are what the committed script records."""
    file = shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    record(name, tmp_path)
    assert Path(file).read_text() == (FOLDER / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_no_key_code_or_number_is_in_a_shipped_cassette(name):
    """Neither the values of the message nor anything shaped like them."""
    text = (FOLDER / f"{name}.yaml").read_text()
    assert CODE not in text
    assert not re.search(r"\+\d{7,}|(?<![\d-])\d{10,15}(?!\d)", re.sub(r"salt: \w+", "", text))
    assert not re.search(r"\bA\w{32}\b", text)


# ---- secrets


def spellings(value: str) -> list[str]:
    """How a secret may stand in a file."""
    return [value, value.lstrip("+"), quote(value, safe=""), base64.b64encode(value.encode()).decode()]


def test_no_secret_of_request_or_answer_is_in_the_file(send, tape):
    """Key, code, sender and recipients leave no trace, also where the answer or another field says them back."""
    said = ", ".join(spelling for value in (KEY, CODE, TO, SENDER) for spelling in spellings(value))
    server = Echo(f'{{"code": "WA202", "said": "{said}"}}', ("x-said", KEY), ("x-number", quote(TO, safe="")))
    send(server, tape, to=f"{TO},+14155550199", ref=f"for {TO} with {CODE} and {KEY}, call +498912345678")
    text = tape.read_text()
    for value in (KEY, CODE, TO, SENDER, "+14155550199", "+498912345678"):
        assert not [spelling for spelling in spellings(value) if spelling in text]


def test_what_is_played_is_what_was_recorded(send, tape):
    """The answer comes back byte for byte, with the values it said in their places."""
    server = Echo(f'{{"code": "WA202",  "to": "{TO}", "wa_id": "{TO[1:]}", "otp": "{CODE}"}}', ("x-number", TO))
    first = send(server, tape)
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)


@given(code=st.text(st.characters(codec="utf-8"), min_size=1, max_size=15))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_code_is_hidden_and_matches_itself_alone(send, tmp_path, code):
    """Whatever the code is: its own request is played, and one with another code is not."""
    tape = tmp_path / "any.yaml"
    tape.unlink(missing_ok=True)
    first = send(Echo('{"code": "WA202", "message": "1 a \\" {}"}'), tape, otp=code)
    assert answer_of(send(Nobody(), tape, "none", otp=code)) == answer_of(first)
    with pytest.raises(CassetteError):
        send(Nobody(), tape, "none", otp=f"{code}x")


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_pseudonyms_keep_equal_equal_and_different_different(texts):
    """A value has one pseudonym in a cassette, which no other value has."""
    names = Pseudonyms("00" * 16)
    one, other = (Private("CODE", text) for text in texts)
    assert names.of(one) == Pseudonyms("00" * 16).of(one)
    assert names.of(one) != names.of(other)


def test_two_cassettes_share_no_pseudonym():
    """Each cassette has a salt of its own."""
    assert Pseudonyms("00" * 16).of(Private("CODE", CODE)) != Pseudonyms("01" * 16).of(Private("CODE", CODE))


@pytest.mark.parametrize(
    "said",
    [KEY.swapcase(), KEY.encode().hex(), "+91 98123-45678",
     base64.b64encode(f"x:{KEY}".encode()).decode()],
)  # fmt: skip
def test_a_secret_in_an_unforeseen_spelling_keeps_the_file_from_being_written(send, tape, said):
    """What no pseudonym covers is found before the file is written, and the answer is not lost in vain."""
    with pytest.raises(CassetteError, match=r"was not written: a (key|number) would be in it") as caught:
        send(Echo(f'{{"said": "{said}"}}'), tape)
    assert "the messages were sent" in caught.value.hint
    assert not tape.exists()


@pytest.mark.parametrize("secret", [KEY, TO[1:], "ABCDEF"])
def test_the_name_of_a_header_is_hidden_as_its_value_is(send, tape, secret):
    """And comes back when it is played."""
    first = send(Echo('{"code": "WA202"}', (f"x-{secret}", "1")), tape, otp="ABCDEF")
    assert secret.lower() not in tape.read_text().lower()
    assert answer_of(send(Nobody(), tape, "none", otp="ABCDEF")) == answer_of(first)


@pytest.mark.parametrize("secret", [KEY, TO[1:], "ABCDEF"])
def test_a_status_line_s_words_are_hidden(send, tape, secret):
    """What a server says behind the status is as free as a body."""
    server = Echo()
    server.handle = lambda *_: Response(202, f"no {secret}", (), b"{}")
    send(server, tape, otp="ABCDEF")
    assert secret.lower() not in tape.read_text().lower()


@pytest.mark.parametrize("said", ["abcdef", "Abcdef", "ABCDEF"])
def test_a_code_that_is_said_back_in_other_letters_is_hidden(send, tape, said):
    """And comes back in those letters."""
    first = send(Echo(f'{{"said": "{said}"}}'), tape, otp="ABCDEF")
    assert "abcdef" not in tape.read_text().lower()
    assert answer_of(send(Nobody(), tape, "none", otp="ABCDEF")) == answer_of(first)


def test_a_code_in_mixed_letters_keeps_the_file_from_being_written(send, tape):
    """No pseudonym could give it back."""
    with pytest.raises(CassetteError, match="a code would be in it"):
        send(Echo('{"said": "aBcDeF"}'), tape, otp="ABCDEF")
    assert not tape.exists()


@pytest.mark.usefixtures("send")
def test_a_code_in_a_header_in_utf_8_keeps_the_file_from_being_written(tape):
    """A header's bytes are read as Latin-1, in which the code is another text."""
    code = "\u00e4\u00f6\u00fc\u00df"
    head = f"HTTP/1.1 202 OK\r\nx-said: {code}\r\nContent-Length: 0\r\n\r\n"
    with Server(read, say(head.encode()), close) as server:
        local_pod(server.url)
        session = Session(Places.standard())
        draft = session.draft(Overrides(account="canary", pod="local", variables={"to": TO, "otp": code}))
        with pytest.raises(CassetteError, match="a code would be in it"), Tape(tape) as session.sender:
            assert session.send(draft, timeout=5).response.status == 202
    assert not tape.exists()


def test_a_compressed_answer_is_not_kept(send, tape):
    """A secret in it would not be found."""
    import zlib

    server = Echo("", ("content-encoding", "deflate"))
    server.handle = lambda *_: Response(202, "Accepted", server.headers, zlib.compress(KEY.encode()))
    with pytest.raises(CassetteError, match="compressed"):
        send(server, tape)
    assert not tape.exists()


def test_the_file_is_private_and_whole(send, tape):
    """0600, and nothing is left beside it."""
    send(Echo(), tape)
    assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    assert [file.name for file in tape.parent.iterdir() if file.is_file()] == [tape.name]


# ---- the key


@pytest.mark.usefixtures("no_sockets")
def test_a_replay_needs_no_key(cli, write, monkeypatch):
    """An account whose key is in a variable that is not set is played; the next send that is not recorded wants the key."""
    write("profiles/accounts/own.yaml", f"pod: sandbox\nsid: HX1IN\napi_key: env:OWN_KEY\nphone_number: '{SENDER}'\n"
          "variables: {template_name: auth1, language: en_US}\n")  # fmt: skip
    write("s.kshell", f"use account own\nsend to={TO} otp={CODE}\nexpect status == 202\n")
    monkeypatch.setenv("OWN_KEY", KEY)
    assert cli("run", "s.kshell", "--cassette", "tape.yaml").code == 0
    monkeypatch.delenv("OWN_KEY")
    ran = cli("run", "s.kshell", "--cassette", "tape.yaml", "--record", "none")
    assert (ran.code, "OWN_KEY" in ran.err) == (0, False)
    ran = cli("run", "s.kshell", "--cassette", "other.yaml", "--record", "new")
    assert (ran.code, "OWN_KEY, which holds the API key, is not set" in ran.err) == (3, True)


def test_another_key_is_played_the_same_answer(send, tape, write):
    """The header with the key is kept as a pseudonym, and is not compared."""
    first = send(Echo(), tape)
    text = Path("profiles/accounts/canary.yaml").read_text()
    write("profiles/accounts/canary.yaml", text.replace(KEY, f"B{KEY}"))
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)


def test_a_key_in_a_request_s_text_is_compared_and_not_shown(send, tape):
    """Its own request is played; in the error about another one the key is a pseudonym."""
    first = send(Echo(), tape, ref=f"with {KEY}")
    assert answer_of(send(Nobody(), tape, "none", ref=f"with {KEY}")) == answer_of(first)
    with pytest.raises(CassetteError, match=r'ref was "with KEY-[0-9a-f]{12}", now "for KEY-[0-9a-f]{12}"'):
        send(Nobody(), tape, "none", ref=f"for {KEY}")


def test_a_key_that_was_not_recorded_is_not_shown_by_a_miss(send, tape):
    """Nothing recorded has a key in its text, and the request that is asked for has."""
    send(Echo(), tape, ref="without")
    with pytest.raises(CassetteError, match=r'ref was "without", now "for KEY-[0-9a-f]{12}"'):
        send(Nobody(), tape, "none", ref=f"for {KEY}")


def test_a_key_in_an_answer_stays_a_pseudonym_where_there_is_no_key(send, tape, write):
    """A server said the key back; whoever plays the answer without that key does not get it."""
    send(Echo(f'{{"said": "{KEY}"}}'), tape)
    text = Path("profiles/accounts/canary.yaml").read_text()
    write("profiles/accounts/canary.yaml", text.replace(KEY, "env:NOT_SET"))
    assert re.fullmatch(rb'\{"said": "KEY-[0-9a-f]{12}"\}', send(Nobody(), tape, "none").response.body)


# ---- the record modes


def test_once_records_where_there_is_no_file_and_then_plays(send, tape):
    """The second run sends nothing."""
    server = Echo()
    send(server, tape)
    send(server, tape)
    assert server.received == 1


def test_once_and_none_refuse_what_is_not_recorded(send, tape):
    """A request the file does not have is not sent, and the error names the nearest and what differed, in pseudonyms."""
    send(Echo(), tape)
    for mode in ("once", "none"):
        with pytest.raises(CassetteError, match=r'nearest is its request 1: .*/text was "CODE-') as caught:
            send(Nobody(), tape, mode, otp="111111")
        assert "--record new" in caught.value.hint
        assert "111111" not in str(caught.value)


BLAMED = [
    ({"otp": "1"}, {"otp": "2"}, {"text"}),
    ({"otp": "1"}, {"otp": "1", "template_name": "auth2"}, {"name"}),
    ({"otp": "1"}, {"otp": "71", "template_name": "auth2"}, {"name", "text"}),
    ({"otp": "482913"}, {"otp": "1"}, {"text"}),
    ({"otp": "8025"}, {"otp": "4242"}, {"text"}),
    ({"otp": "to"}, {"otp": "e"}, {"text"}),
    ({"otp": "12", "ref": "12"}, {"otp": "13", "ref": "12"}, {"text"}),
    ({"otp": "12", "ref": "x 12"}, {"otp": "13", "ref": "x 14"}, {"text", "ref"}),
]


@pytest.mark.parametrize(("recorded", "asked", "fields"), BLAMED)
def test_a_miss_blames_only_what_differs(send, tape, recorded, asked, fields):
    """A code that is short, or a part of a host or a name by chance, makes nothing else differ."""
    send(Echo(), tape, **recorded)
    with pytest.raises(CassetteError) as caught:
        send(Nobody(), tape, "none", **asked)
    told = caught.value.message.partition("nearest is its request 1: ")[2].split("; ")
    assert {fact.partition(" was ")[0].rpartition("/")[2] for fact in told} == fields


def test_a_miss_shows_a_text_with_a_short_code_in_it_as_it_is(send, tape):
    """No pseudonym stands in the midst of a name."""
    send(Echo(), tape, otp="1")
    with pytest.raises(CassetteError, match=r'name was "auth1", now "auth2"$'):
        send(Nobody(), tape, "none", otp="1", template_name="auth2")


def test_an_answer_is_played_once(send, tape):
    """The second of two equal requests wants a second answer."""
    send(Echo(), tape)
    session = Session(Places.standard())
    session.simulator = Nobody()
    draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
    with Tape(tape, "none") as session.sender:
        session.send(draft, timeout=5)
        with pytest.raises(CassetteError, match="no further answer"):
            session.send(draft, timeout=5)


def test_what_became_of_a_played_message_is_said_by_its_answer():
    """The session's attempt has the answer's delivery, as after a send: Ctrl-C and a report ask it."""
    for name, delivery in (("demo", "accepted"), ("low-balance", "refused")):
        session = Session(Places.standard(), simulator=Nobody())
        draft = session.draft(Overrides(account=name, variables={"to": TO, "otp": CODE}))
        with Tape(FOLDER / f"{name}.yaml", "none") as session.sender:
            exchange = session.send(draft, timeout=5)
        assert exchange.delivery == session.attempt.exchange.delivery == delivery


@pytest.mark.usefixtures("send")
@pytest.mark.parametrize("mode", ["once", "none"])
def test_each_of_many_threads_is_played_an_answer_of_its_own(tape, mode):
    """Sixteen threads send eight equal messages each: all of them are kept, and each kept answer is played once."""
    ids = count(1)
    server = Echo()
    server.handle = lambda *_: Response(202, "Accepted", (), f'{{"id": {next(ids)}}}'.encode())

    def bodies(server: object, mode: str) -> list[bytes]:
        def one(sender: object) -> list[bytes]:
            session = Session(Places.standard(), simulator=server, sender=sender)
            draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
            return [session.send(draft, timeout=5).response.body for _ in range(8)]

        with Tape(tape, mode) as sender, ThreadPoolExecutor(16) as pool:
            return sorted(body for part in pool.map(one, [sender] * 16) for body in part)

    recorded = bodies(server, "once")
    assert len({*recorded}) == 16 * 8
    assert bodies(Nobody(), mode) == recorded


def test_new_sends_and_records_only_what_is_missing(send, tape):
    """What the file has is played, what it has not is added to it."""
    server = Echo()
    for code in ("111111", "111111", "222222"):
        send(server, tape, "new", otp=code)
    assert server.received == 2
    send(Nobody(), tape, "none", otp="111111")
    send(Nobody(), tape, "none", otp="222222")


def test_all_sends_everything_and_keeps_nothing_old(send, tape):
    """The file is what this run saw."""
    server = Echo()
    send(server, tape, "all", otp="111111")
    send(server, tape, "all", otp="222222")
    assert server.received == 2
    with pytest.raises(CassetteError):
        send(Nobody(), tape, "none", otp="111111")


def test_none_wants_a_file(send, tape):
    """Without one nothing is sent, and the hint says how to record it."""
    with pytest.raises(CassetteError, match="there is no cassette") as caught:
        send(Nobody(), tape, "none")
    assert "--record once" in caught.value.hint


def test_a_recording_from_elsewhere_says_so(send, tape, write):
    """The note is the simulator's only where all of it came from this machine."""
    write("profiles/pods/live.yaml", "base_url: https://api.example.com\nembedded: true\n")
    session = Session(Places.standard())
    session.simulator = Echo()
    draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
    with Tape(tape) as session.sender:
        session.send(draft._replace(request=draft.request._replace(url="https://api.example.com/v2/x")), timeout=5)
    assert "Recorded from the API;" in tape.read_text()


# ---- long answers


@pytest.fixture
def flooded(send, write):
    """Send to a server that says 48 MB of a text: ``flooded(text, tape)`` gives the ``Exchange`` and what was written."""

    def sent(text: bytes, tape: Path | None, mode: str = "once") -> tuple[Exchange, int]:
        written: list[int] = []
        chunk = text * (65536 // len(text))
        with Server(read, say(b"HTTP/1.1 202 OK\r\n\r\n"), flood(chunk, 48, written)) as server:
            local_pod(f"http://127.0.0.1:{server.port}")
            session = Session(Places.standard())
            draft = session.draft(Overrides(account="canary", pod="local", variables={"to": TO, "otp": CODE}))
            if mode == "none":
                draft = draft._replace(request=draft.request._replace(url=sent.url))
            sent.url = draft.request.url
            with Tape(tape, mode) if tape else nullcontext(send_attempt) as session.sender:
                exchange = session.send(draft, timeout=10)
        return exchange, sum(written)

    return sent


def test_no_more_is_read_of_an_answer_than_without_a_cassette(flooded, tape):
    """The exchange is the same, with the same fault; file and memory are bounded."""
    tracemalloc.start()
    exchange, written = flooded(b"x", tape)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer_of(exchange) == answer_of(flooded(b"x", None)[0])
    assert "more than 1024 KiB" in exchange.response.fault
    assert written < 48 << 20
    assert most < 32 << 20
    assert tape.stat().st_size < 2 << 20


@pytest.mark.parametrize("text", [b"x", f"{CODE} ".encode(), "\u00e4\u20ac ".encode(), b"\xff\xfe", f"{KEY}".encode()])
def test_a_long_answer_that_is_played_has_the_fault_that_it_had(flooded, tape, text):
    """And what is shown of it is the same; no part of a secret is where it was cut."""
    first, _ = flooded(text, tape)
    assert CODE[:-1] not in tape.read_text()
    assert KEY[:8] not in tape.read_text()
    assert answer_of(flooded(text, tape, "none")[0]) == answer_of(first)


@pytest.mark.parametrize("length", [MOST_BODY, MOST_BODY + 1, MOST_READ, MOST_READ + 1])
def test_an_answer_about_as_long_as_what_is_read_is_played_as_it_was_shown(send, tape, length):
    """Whether it is whole, cut by the client's limit of 1 MiB, or cut by what is read for the cassette."""
    first = send(Echo(CODE * (length // 6) + "x" * (length % 6)), tape)
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)
    assert (len(first.response.body), bool(first.response.fault)) == (MOST_BODY, length > MOST_BODY)


@pytest.mark.usefixtures("send")
def test_an_answer_that_broke_off_is_shown_and_not_kept(tape):
    """The next run sends again instead of playing half an answer."""
    with Server(read, say(b"HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\n{"), close) as server:
        local_pod(server.url)
        session = Session(Places.standard())
        draft = session.draft(Overrides(account="canary", pod="local", variables={"to": TO, "otp": CODE}))
        with Tape(tape) as session.sender:
            exchange = session.send(draft, timeout=5)
    assert (exchange.response.body, "broke off" in exchange.response.fault) == (b"{", True)
    assert not tape.exists()


def test_an_answer_of_many_numbers_is_not_kept(send, tape):
    """Each would take its time to be hidden."""
    with pytest.raises(CassetteError, match="more than 1000 phone numbers"):
        send(Echo(" ".join(f"+4477{number:08}" for number in range(1001))), tape)


# ---- hostile and broken files


SHAPE = """kshell: {{salt: '00'}}
interactions:
- request: {{method: POST, {}, body: '', headers: {{}}}}
  response: {{status: {{code: 202, {}}}, headers: {{{}}}, body: {{string: ''}}}}
version: 1
"""


def test_a_cassette_of_the_right_shape_is_used(send, tape):
    """What the next test makes wrong is right but for that."""
    tape.write_text(SHAPE.format("uri: x", "message: OK", "x: [y]"))
    with pytest.raises(CassetteError, match="no such request"):
        send(Nobody(), tape)


def test_a_cassette_that_grows_when_it_is_read_is_refused_at_once(send, tape):
    """Aliases of aliases: a few hundred bytes that a YAML loader makes hundreds of megabytes of."""
    lines = [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 10)]
    tape.write_text("a0: &a0 x\n" + "\n".join(lines) + "\nkshell: {salt: '00'}\ninteractions: []\nversion: 1\n")
    with pytest.raises(CassetteError, match="cannot be used") as caught:
        send(Nobody(), tape)
    assert (caught.value.at.line, caught.value.at.column) == (1, 5)


def test_no_cassette_is_written_with_an_anchor(send, tape):
    """Though two exchanges are equal, and one of them was read from the file."""
    for _ in range(3):
        send(Echo('{"a": "&b *c"}', ("x", "&a"), ("y", "&a")), tape, "new", ref="&a")
    send(Nobody(), tape, "once", ref="&a")


@pytest.mark.parametrize(
    "text",
    ["", "[", "a: [b", "kshell: {salt: zz}", "kshell: {salt: 5}\ninteractions: []", "- 1", "interactions: []\nversion: 1\n",
     "kshell: {salt: '00'}\ninteractions: [1]", "kshell: {salt: '00'}\ninteractions: [{request: {}, response: {}}]",
     "a: &a [*a]\nkshell: *a", "[" * 5000, "\x00", "kshell: &a {salt: '00'}\ninteractions: []",
     SHAPE.format("uri: 1", "message: OK", "x: [y]"), SHAPE.format("uri: x", "message: [x]", "x: [y]"),
     SHAPE.format("uri: x", "message: OK", "x: y"), SHAPE.format("uri: x", "message: OK", "x: [1]"),
     SHAPE.format("uri: x", "message: OK", "1: [y]"), SHAPE.format("uri: x", "message: Ö", "x: [y]")],
)  # fmt: skip
def test_a_file_that_is_no_cassette_is_one_clear_error(send, tape, text):
    """It is not taken for an empty one, which would be written over."""
    tape.write_text(text)
    with pytest.raises(CassetteError, match="cannot be used") as caught:
        send(Nobody(), tape)
    assert caught.value.hint == "name another file, or remove this one"
    assert tape.read_text() == text


@pytest.mark.parametrize("text", ["[", "send to=+919812345678\n", "interactions: []\nversion: 1\n"])
def test_a_file_that_kshell_did_not_record_is_not_recorded_anew(send, tape, text):
    """Mode ``all`` replaces a cassette that kshell wrote, and refuses any other file before anything is sent."""
    tape.write_text(text)
    with pytest.raises(CassetteError, match="is not a cassette that kshell recorded"):
        send(Nobody(), tape, "all")
    assert tape.read_text() == text


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/object/new:os.system", "!!python/name:os.system"]
)
def test_loading_executes_nothing(send, tape, tag, monkeypatch):
    """A cassette that would run a command is refused."""
    tape.write_text(f"kshell: {{salt: '00', x: {tag} [touch owned]}}\ninteractions: []\nversion: 1\n")
    with pytest.raises(CassetteError):
        send(Nobody(), tape)
    assert not Path("owned").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(send, tmp_path):
    """What was sent is said to have been sent."""
    (tmp_path / "file").touch()
    with pytest.raises(CassetteError, match="cannot be written") as caught:
        send(Echo(), tmp_path / "file" / "tape.yaml")
    assert "the messages were sent" in caught.value.hint


# ---- cost


def test_playing_looks_at_each_exchange_a_fixed_number_of_times(tmp_path, monkeypatch):
    """Playing forty exchanges asks for the facts of a request a few times each, not once for every recorded one."""
    session = Session(Places.standard())
    drafts = [
        session.draft(Overrides(variables={"to": TO, "otp": CODE, "ref": f"row {number}"})) for number in range(40)
    ]
    with Tape(tmp_path / "tape.yaml") as session.sender:
        for draft in drafts:
            session.send(draft, timeout=5)
    asked = []
    monkeypatch.setattr(tapes, "facts_of", lambda request: asked.append(request) or facts_of(request))
    with Tape(tmp_path / "tape.yaml", "none") as session.sender:
        for draft in drafts:
            session.send(draft, timeout=5)
    assert len(drafts) < len(asked) <= 4 * len(drafts)
