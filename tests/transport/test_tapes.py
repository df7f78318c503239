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
from hypothesis import example, given
from hypothesis import strategies as st
from support.random_parts import without_random_parts
from support.record_cassettes import CODE, FOLDER, TO, record
from support.registered import SHOWN_ANSWERS
from support.servers import Server, close, flood, local_pod, read, say

from kshell.api.answers import explain, explain_answer
from kshell.api.authentication.answers import ANSWERS
from kshell.core.errors import CassetteError
from kshell.core.exchange import Exchange, Response
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
    """A simulator that must not get a request."""

    inbox = ()

    def handle(self, *_: object) -> Response:
        """Raise AssertionError."""
        raise AssertionError("it was sent")


class Echo:
    """A server that answers with ``answer`` and counts its requests."""

    def __init__(self, answer: str = '{"code": "WA202"}', *headers: tuple[str, str]) -> None:
        self.answer = answer
        self.headers = headers
        self.received = 0

    def handle(self, _method: str, _target: str, _headers: object, _body: bytes) -> Response:
        """Count the request and return the answer."""
        self.received += 1
        return Response(202, "Accepted", self.headers, self.answer.encode())


@pytest.fixture
def no_sockets(monkeypatch):
    """Make every attempt to open a socket fail."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.fixture
def send(write):
    """Return a function that sends as an account with canary secrets: ``send(server, file, mode, to=…)``."""
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
            return session.send(draft, timeout=60)

    return sent


@pytest.fixture
def tape(tmp_path) -> Path:
    """Return the path of a cassette."""
    return tmp_path / "tape.yaml"


def play(name: str, folder: Path) -> Exchange:
    """Play the shipped message to the account ``name`` from its cassette; return the exchange."""
    session = Session(Places.standard())
    session.simulator = Nobody()
    draft = session.draft(Overrides(account=name, variables={"to": TO, "otp": CODE}))
    with Tape(folder / f"{name}.yaml", "none") as session.sender:
        return session.send(draft, timeout=60)


def answer_of(exchange: Exchange) -> tuple[object, ...]:
    """Return status, reason, headers in any order and case, body and fault of an exchange's answer."""
    status, reason, headers, body, fault = exchange.response
    return status, reason, sorted((name.lower(), text) for name, text in headers), body, fault


# ---- the shipped ones


@pytest.mark.parametrize("answer", [row for row in ANSWERS if row.name in SHOWN_ANSWERS], ids=lambda row: row.name)
def test_a_shipped_cassette_gives_its_answer_without_a_socket(answer, no_sockets):
    """A shipped cassette gives the status, code and explanation of its answer without a socket."""
    exchange = play(answer.name, FOLDER)
    assert exchange.response is not None
    assert exchange.response.status == answer.status
    assert explain(exchange, answer.name) == explain_answer(answer, answer.name)


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
@pytest.mark.usefixtures("no_sockets")
def test_plain_vcrpy_plays_a_shipped_cassette(name):
    """A program with vcrpy and httpx and without kshell plays a shipped cassette."""
    file = FOLDER / f"{name}.yaml"
    (interaction,) = yaml.safe_load(file.read_text())["interactions"]
    kept_request, kept_response = interaction["request"], interaction["response"]
    headers = [(header, value) for header, values in kept_request["headers"].items() for value in values]
    with vcr.VCR(record_mode="none", match_on=["method", "uri", "headers", "body"]).use_cassette(str(file)) as cassette:
        request = httpx.Request(
            kept_request["method"], kept_request["uri"], headers=headers, content=kept_request["body"]
        )
        del request.headers["host"], request.headers["content-length"]  # a cassette keeps neither
        with httpx.Client(trust_env=False) as client:
            response = client.send(request)
        assert cassette.all_played
    assert (response.status_code, response.reason_phrase) == tuple(kept_response["status"].values())
    assert response.text == kept_response["body"]["string"]


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_a_shipped_cassette_says_that_it_is_the_simulator_s(name):
    """Each shipped cassette says that it was recorded from the simulator and not from the API."""
    assert "Recorded from kshell's simulator, not from the API" in (FOLDER / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_recording_a_shipped_cassette_again_gives_the_same_file(name, tmp_path):
    """The script that records the shipped cassettes gives the committed files."""
    file = shutil.copy(FOLDER / f"{name}.yaml", tmp_path)
    record(name, tmp_path)
    assert Path(file).read_text() == (FOLDER / f"{name}.yaml").read_text()


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_no_key_code_or_number_is_in_a_shipped_cassette(name):
    """A shipped cassette has no key, code or number, and no text that has the form of one."""
    text = (FOLDER / f"{name}.yaml").read_text()
    assert CODE not in text
    assert not re.search(r"\+\d{7,}|(?<![\d-])\d{10,15}(?!\d)", re.sub(r"salt: \w+", "", text))
    assert not re.search(r"\bA\w{32}\b", text)


# ---- secrets


def spellings(value: str) -> list[str]:
    """Return the spellings of a secret that may appear in a file."""
    return [value, value.lstrip("+"), quote(value, safe=""), base64.b64encode(value.encode()).decode()]


def test_no_secret_of_request_or_answer_is_in_the_file(send, tape):
    """A cassette has no key, code or number of the request, also if the answer or another field repeats it."""
    echoes = ", ".join(spelling for value in (KEY, CODE, TO, SENDER) for spelling in spellings(value))
    server = Echo(f'{{"code": "WA202", "said": "{echoes}"}}', ("x-said", KEY), ("x-number", quote(TO, safe="")))
    send(server, tape, to=f"{TO},+14155550199", ref=f"for {TO} with {CODE} and {KEY}, call +498912345678")
    text = without_random_parts(tape.read_text())
    for value in (KEY, CODE, TO, SENDER, "+14155550199", "+498912345678"):
        assert not [spelling for spelling in spellings(value) if spelling in text]


def test_a_number_that_only_the_answer_has_is_hidden(send, tape):
    """A phone number that an answer has and its request has not is not in the cassette."""
    send(Echo('{"code": "WA202", "call": "+498912345678"}'), tape)
    assert "498912345678" not in tape.read_text()


def test_what_is_played_is_what_was_recorded(send, tape):
    """A played answer equals the recorded one byte for byte, with its values in their places."""
    server = Echo(f'{{"code": "WA202",  "to": "{TO}", "wa_id": "{TO[1:]}", "otp": "{CODE}"}}', ("x-number", TO))
    first = send(server, tape)
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)


@example("/TYP")  # the name sub_type is no code in another spelling
@given(code=st.text(st.characters(codec="utf-8"), min_size=1, max_size=15))
def test_any_code_is_hidden_and_matches_itself_alone(send, tmp_path, code):
    """For any code, the cassette plays the request with that code and refuses one with another code."""
    tape = tmp_path / "any.yaml"
    tape.unlink(missing_ok=True)
    first = send(Echo('{"code": "WA202", "message": "1 a \\" {}"}'), tape, otp=code)
    assert answer_of(send(Nobody(), tape, "none", otp=code)) == answer_of(first)
    with pytest.raises(CassetteError):
        send(Nobody(), tape, "none", otp=f"{code}x")


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_pseudonyms_keep_equal_equal_and_different_different(texts):
    """In a cassette a value has one pseudonym, and no other value has the same."""
    names = Pseudonyms("00" * 16)
    one, other = (Private("CODE", text) for text in texts)
    assert names.of(one) == Pseudonyms("00" * 16).of(one)
    assert names.of(one) != names.of(other)


def test_a_salt_changes_a_pseudonym():
    """A value has different pseudonyms under different salts."""
    assert Pseudonyms("00" * 16).of(Private("CODE", CODE)) != Pseudonyms("01" * 16).of(Private("CODE", CODE))


def test_two_cassettes_share_no_pseudonym(send, tape):
    """Two cassettes of the same message have no pseudonym in common: each new file has a random salt of its own."""
    files = [tape, tape.with_name("other.yaml")]
    for file in files:
        send(Echo(), file)
    one, other = ({*re.findall(r"(?:KEY|CODE|NUMBER)-\w+", file.read_text())} for file in files)
    assert one
    assert not one & other


@pytest.mark.parametrize(
    "echo",
    [KEY.swapcase(), KEY.encode().hex(), "+91 98123-45678",
     base64.b64encode(f"x:{KEY}".encode()).decode()],
)  # fmt: skip
def test_a_secret_in_an_unforeseen_spelling_keeps_the_file_from_being_written(send, tape, echo):
    """A secret in a spelling without a pseudonym keeps the cassette from being written, and the hint says it was sent."""
    with pytest.raises(CassetteError, match=r"was not written: a (key|number) would be in it") as caught:
        send(Echo(f'{{"said": "{echo}"}}'), tape)
    assert "the messages were sent" in caught.value.hint
    assert not tape.exists()


@pytest.mark.parametrize("secret", [KEY, TO[1:], "KXQWZJ"])
def test_the_name_of_a_header_is_hidden_as_its_value_is(send, tape, secret):
    """A secret in the name of a header gets a pseudonym in the file and is restored when it is played."""
    first = send(Echo('{"code": "WA202"}', (f"x-{secret}", "1")), tape, otp="KXQWZJ")
    assert secret.lower() not in tape.read_text().lower()
    assert answer_of(send(Nobody(), tape, "none", otp="KXQWZJ")) == answer_of(first)


@pytest.mark.parametrize("secret", [KEY, TO[1:], "KXQWZJ"])
def test_a_status_line_s_words_are_hidden(send, tape, secret):
    """A secret in the reason of a status line is not in the file."""
    server = Echo()
    server.handle = lambda *_: Response(202, f"no {secret}", (), b"{}")
    send(server, tape, otp="KXQWZJ")
    assert secret.lower() not in tape.read_text().lower()


@pytest.mark.parametrize("echo", ["kxqwzj", "Kxqwzj", "KXQWZJ"])
def test_a_code_that_is_said_back_in_other_letters_is_hidden(send, tape, echo):
    """A code that a server echoes in another case gets a pseudonym, and is played in that case."""
    first = send(Echo(f'{{"said": "{echo}"}}'), tape, otp="KXQWZJ")
    assert "kxqwzj" not in tape.read_text().lower()
    assert answer_of(send(Nobody(), tape, "none", otp="KXQWZJ")) == answer_of(first)


def test_a_code_in_mixed_letters_keeps_the_file_from_being_written(send, tape):
    """A code that a server echoes in mixed case keeps the cassette from being written."""
    with pytest.raises(CassetteError, match="a code would be in it"):
        send(Echo('{"said": "kXqWzJ"}'), tape, otp="KXQWZJ")
    assert not tape.exists()


@pytest.mark.usefixtures("send")
def test_a_code_in_a_header_in_utf_8_keeps_the_file_from_being_written(tape):
    """A code in a header in UTF-8, which is read as Latin-1, keeps the cassette from being written."""
    code = "\u00e4\u00f6\u00fc\u00df"
    head = f"HTTP/1.1 202 OK\r\nx-said: {code}\r\nContent-Length: 0\r\n\r\n"
    with Server(read, say(head.encode()), close) as server:
        local_pod(server.url)
        session = Session(Places.standard())
        draft = session.draft(Overrides(account="canary", pod="local", variables={"to": TO, "otp": code}))
        with pytest.raises(CassetteError, match="a code would be in it"), Tape(tape) as session.sender:
            assert session.send(draft, timeout=60).response.status == 202
    assert not tape.exists()


def test_a_compressed_answer_is_not_kept(send, tape):
    """A compressed answer, in which a secret would not be found, is not recorded."""
    import zlib

    server = Echo("", ("content-encoding", "deflate"))
    server.handle = lambda *_: Response(202, "Accepted", server.headers, zlib.compress(KEY.encode()))
    with pytest.raises(CassetteError, match="compressed"):
        send(server, tape)
    assert not tape.exists()


def test_the_file_is_private_and_whole(send, tape):
    """A cassette has mode 0600, and no other file is left beside it."""
    send(Echo(), tape)
    assert stat.S_IMODE(tape.stat().st_mode) == 0o600
    assert [file.name for file in tape.parent.iterdir() if file.is_file()] == [tape.name]


# ---- the key


@pytest.mark.usefixtures("no_sockets")
def test_a_replay_needs_no_key(cli, write, monkeypatch):
    """A recorded send is played without the account's key, and a send that is not recorded needs it."""
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
    """An answer is played for another key too: the header with the key is not compared."""
    first = send(Echo(), tape)
    text = Path("profiles/accounts/canary.yaml").read_text()
    write("profiles/accounts/canary.yaml", text.replace(KEY, f"B{KEY}"))
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)


def test_a_key_in_a_request_s_text_is_compared_and_not_shown(send, tape):
    """A key in a request's text is compared, and the error for another request shows pseudonyms."""
    first = send(Echo(), tape, ref=f"with {KEY}")
    assert answer_of(send(Nobody(), tape, "none", ref=f"with {KEY}")) == answer_of(first)
    with pytest.raises(CassetteError, match=r'ref was "with KEY-[0-9a-f]{12}", now "for KEY-[0-9a-f]{12}"'):
        send(Nobody(), tape, "none", ref=f"for {KEY}")


def test_a_key_that_was_not_recorded_is_not_shown_by_a_miss(send, tape):
    """The error for a request with a key in its text shows a pseudonym, even if no recorded request has a key."""
    send(Echo(), tape, ref="without")
    with pytest.raises(CassetteError, match=r'ref was "without", now "for KEY-[0-9a-f]{12}"'):
        send(Nobody(), tape, "none", ref=f"for {KEY}")


def test_a_key_in_an_answer_stays_a_pseudonym_where_there_is_no_key(send, tape, write):
    """A key in a recorded answer stays a pseudonym if the answer is played without that key."""
    send(Echo(f'{{"said": "{KEY}"}}'), tape)
    text = Path("profiles/accounts/canary.yaml").read_text()
    write("profiles/accounts/canary.yaml", text.replace(KEY, "env:NOT_SET"))
    assert re.fullmatch(rb'\{"said": "KEY-[0-9a-f]{12}"\}', send(Nobody(), tape, "none").response.body)


# ---- the record modes


def test_once_records_where_there_is_no_file_and_then_plays(send, tape):
    """Mode ``once`` records if there is no file, and then plays without a send."""
    server = Echo()
    send(server, tape)
    send(server, tape)
    assert server.received == 1


def test_once_and_none_refuse_what_is_not_recorded(send, tape):
    """Modes ``once`` and ``none`` refuse an unknown request; the error names the nearest one and the difference."""
    send(Echo(), tape)
    for mode in ("once", "none"):
        with pytest.raises(CassetteError, match=r'nearest is its request 1: .*/text was "CODE-') as caught:
            send(Nobody(), tape, mode, otp="111111")
        assert "--record new" in caught.value.hint
        assert "111111" not in without_random_parts(str(caught.value))


@pytest.mark.parametrize("mode", ["once", "none"])
def test_an_empty_cassette_sends_nothing(send, tape, mode):
    """A cassette without a recorded exchange is a cassette: modes ``once`` and ``none`` send nothing."""
    tape.write_text("kshell: {salt: '00'}\ninteractions: []\nversion: 1\n")
    with pytest.raises(CassetteError, match="not sent"):
        send(Nobody(), tape, mode)


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


@pytest.mark.parametrize(("recorded", "requested", "fields"), BLAMED)
def test_a_miss_blames_only_what_differs(send, tape, recorded, requested, fields):
    """The error for an unknown request names only the fields that differ, also if a code is short or part of a name."""
    send(Echo(), tape, **recorded)
    with pytest.raises(CassetteError) as caught:
        send(Nobody(), tape, "none", **requested)
    facts = caught.value.message.partition("nearest is its request 1: ")[2].split("; ")
    assert {fact.partition(" was ")[0].rpartition("/")[2] for fact in facts} == fields


def test_a_miss_shows_a_text_with_a_short_code_in_it_as_it_is(send, tape):
    """The error for an unknown request puts no pseudonym for a short code inside another text."""
    send(Echo(), tape, otp="1")
    with pytest.raises(CassetteError, match=r'name was "auth1", now "auth2"$'):
        send(Nobody(), tape, "none", otp="1", template_name="auth2")


def test_an_answer_is_played_once(send, tape):
    """Each recorded answer is played once; a second equal request gives an error."""
    send(Echo(), tape)
    session = Session(Places.standard())
    session.simulator = Nobody()
    draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
    with Tape(tape, "none") as session.sender:
        session.send(draft, timeout=60)
        with pytest.raises(CassetteError, match="no further answer"):
            session.send(draft, timeout=60)


def test_what_became_of_a_played_message_is_said_by_its_answer():
    """After a played answer the session's attempt has that answer's delivery."""
    for name, delivery in (("demo", "accepted"), ("low-balance", "refused")):
        session = Session(Places.standard(), simulator=Nobody())
        draft = session.draft(Overrides(account=name, variables={"to": TO, "otp": CODE}))
        with Tape(FOLDER / f"{name}.yaml", "none") as session.sender:
            exchange = session.send(draft, timeout=60)
        assert exchange.delivery == session.attempt.exchange.delivery == delivery


@pytest.mark.usefixtures("send")
@pytest.mark.parametrize("mode", ["once", "none"])
def test_each_of_many_threads_is_played_an_answer_of_its_own(tape, mode):
    """Sixteen threads record eight equal messages each, and each recorded answer is played once."""
    ids = count(1)
    server = Echo()
    server.handle = lambda *_: Response(202, "Accepted", (), f'{{"id": {next(ids)}}}'.encode())

    def bodies(server: object, mode: str) -> list[bytes]:
        def one(sender: object) -> list[bytes]:
            session = Session(Places.standard(), simulator=server, sender=sender)
            draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
            return [session.send(draft, timeout=60).response.body for _ in range(8)]

        with Tape(tape, mode) as sender, ThreadPoolExecutor(16) as pool:
            return sorted(body for part in pool.map(one, [sender] * 16) for body in part)

    recorded = bodies(server, "once")
    assert len({*recorded}) == 16 * 8
    assert bodies(Nobody(), mode) == recorded


def test_new_sends_and_records_only_what_is_missing(send, tape):
    """Mode ``new`` plays recorded requests, and sends and adds the others."""
    server = Echo()
    for code in ("111111", "111111", "222222"):
        send(server, tape, "new", otp=code)
    assert server.received == 2
    send(Nobody(), tape, "none", otp="111111")
    send(Nobody(), tape, "none", otp="222222")


def test_all_sends_everything_and_keeps_nothing_old(send, tape):
    """Mode ``all`` sends every request and keeps only this run's exchanges."""
    server = Echo()
    send(server, tape, "all", otp="111111")
    send(server, tape, "all", otp="222222")
    assert server.received == 2
    with pytest.raises(CassetteError):
        send(Nobody(), tape, "none", otp="111111")


def test_none_wants_a_file(send, tape):
    """Mode ``none`` without a file sends nothing, and the hint names ``--record once``."""
    with pytest.raises(CassetteError, match="there is no cassette") as caught:
        send(Nobody(), tape, "none")
    assert "--record once" in caught.value.hint


def test_a_recording_from_elsewhere_says_so(send, tape, write):
    """A cassette with an exchange from another host says that it was recorded from the API."""
    write("profiles/pods/live.yaml", "base_url: https://api.example.com\nembedded: true\n")
    session = Session(Places.standard())
    session.simulator = Echo()
    draft = session.draft(Overrides(account="canary", variables={"to": TO, "otp": CODE}))
    with Tape(tape) as session.sender:
        session.send(draft._replace(request=draft.request._replace(url="https://api.example.com/v2/x")), timeout=60)
    assert "Recorded from the API;" in tape.read_text()


# ---- long answers


@pytest.fixture
def flooded(send, write):
    """Return a function that sends to a server with an answer of 48 MB; it gives the exchange and the bytes written."""

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
                exchange = session.send(draft, timeout=60)
        return exchange, sum(written)

    return sent


def test_no_more_is_read_of_an_answer_than_without_a_cassette(flooded, tape):
    """A long answer gives the same exchange with and without a cassette; file and memory are bounded."""
    tracemalloc.start()
    exchange, written = flooded(b"x", tape)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer_of(exchange) == answer_of(flooded(b"x", None)[0])
    assert "more than 1024 KiB" in exchange.response.fault
    assert written < 48 << 20
    assert most < 32 << 20
    assert tape.stat().st_size < 2 << 20


LONG = [
    b"x",
    f"{CODE:x>65}".encode(),
    "\u00e4\u20ac ".encode(),
    b"\xff\xfe",
    f"{KEY:x>65}".encode(),
]  # 1 MiB cuts a value


@pytest.mark.parametrize("text", LONG)
def test_a_long_answer_that_is_played_has_the_fault_that_it_had(flooded, tape, text):
    """A long answer is played with the same body and fault, and no part of a secret is left at the cut."""
    first, _ = flooded(text, tape)
    assert CODE[:-1] not in without_random_parts(tape.read_text())
    assert KEY[:8] not in tape.read_text()
    assert answer_of(flooded(text, tape, "none")[0]) == answer_of(first)


@pytest.mark.parametrize("length", [MOST_BODY, MOST_BODY + 1, MOST_READ, MOST_READ + 1])
def test_an_answer_about_as_long_as_what_is_read_is_played_as_it_was_shown(send, tape, length):
    """An answer near the limits of 1 MiB and of the cassette is played as it was shown."""
    unit = f"{CODE:x>65}"
    first = send(Echo((unit * (length // len(unit) + 1))[:length]), tape)
    assert answer_of(send(Nobody(), tape, "none")) == answer_of(first)
    assert (len(first.response.body), bool(first.response.fault)) == (MOST_BODY, length > MOST_BODY)


@pytest.mark.usefixtures("send")
def test_an_answer_that_broke_off_is_shown_and_not_kept(tape):
    """An incomplete answer is shown and not recorded."""
    with Server(read, say(b"HTTP/1.1 202 OK\r\nContent-Length: 100\r\n\r\n{"), close) as server:
        local_pod(server.url)
        session = Session(Places.standard())
        draft = session.draft(Overrides(account="canary", pod="local", variables={"to": TO, "otp": CODE}))
        with Tape(tape) as session.sender:
            exchange = session.send(draft, timeout=60)
    assert (exchange.response.body, "broke off" in exchange.response.fault) == (b"{", True)
    assert not tape.exists()


def test_an_answer_of_many_numbers_is_not_kept(send, tape):
    """An answer with more than 1000 phone numbers is not recorded."""
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
    """A cassette of the shape ``SHAPE`` is read, so the wrong ones below are refused for their own fault."""
    tape.write_text(SHAPE.format("uri: x", "message: OK", "x: [y]"))
    with pytest.raises(CassetteError, match="no such request"):
        send(Nobody(), tape)


def test_a_cassette_that_grows_when_it_is_read_is_refused_at_once(send, tape):
    """A cassette with YAML aliases, which could expand to hundreds of megabytes, is refused with the position."""
    lines = [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 10)]
    tape.write_text("a0: &a0 x\n" + "\n".join(lines) + "\nkshell: {salt: '00'}\ninteractions: []\nversion: 1\n")
    with pytest.raises(CassetteError, match="cannot be used") as caught:
        send(Nobody(), tape)
    assert (caught.value.at.line, caught.value.at.column) == (1, 5)


def test_no_cassette_is_written_with_an_anchor(send, tape):
    """A cassette is written without YAML anchors, even if two exchanges are equal."""
    for _ in range(3):
        send(Echo('{"a": "&b *c"}', ("x", "&a"), ("y", "&a")), tape, "new", ref="&a")
    send(Nobody(), tape, "once", ref="&a")


@pytest.mark.parametrize(
    "text",
    ["", "[", "a: [b", "kshell: {salt: zz}", "kshell: {salt: 5}\ninteractions: []", "- 1", "interactions: []\nversion: 1\n",
     "kshell: {salt: '00'}\ninteractions: [1]", "kshell: {salt: '00'}\ninteractions: [{request: {}, response: {}}]",
     "a: &a [*a]\nkshell: *a", "[" * 5000, "\x00", "kshell: &a {salt: '00'}\ninteractions: []",
     f"kshell: {{salt: '{'00' * 65}'}}\ninteractions: []\nversion: 1", "kshell: {salt: ''}\ninteractions: []\nversion: 1",
     SHAPE.format("uri: 1", "message: OK", "x: [y]"), SHAPE.format("uri: x", "message: [x]", "x: [y]"),
     SHAPE.format("uri: x", "message: OK", "x: y"), SHAPE.format("uri: x", "message: OK", "x: [1]"),
     SHAPE.format("uri: x", "message: OK", "1: [y]"), SHAPE.format("uri: x", "message: Ö", "x: [y]")],
)  # fmt: skip
def test_a_file_that_is_no_cassette_is_one_clear_error(send, tape, text):
    """A file that is not a cassette is an error and stays unchanged."""
    tape.write_text(text)
    with pytest.raises(CassetteError, match="cannot be used") as caught:
        send(Nobody(), tape)
    assert caught.value.hint == "name another file, or remove this one"
    assert tape.read_text() == text


@pytest.mark.parametrize("text", ["[", "send to=+919812345678\n", "interactions: []\nversion: 1\n"])
def test_a_file_that_kshell_did_not_record_is_not_recorded_anew(send, tape, text):
    """Mode ``all`` refuses a file that kshell did not record, before anything is sent."""
    tape.write_text(text)
    with pytest.raises(CassetteError, match="is not a cassette that kshell recorded"):
        send(Nobody(), tape, "all")
    assert tape.read_text() == text


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system", "!!python/object/new:os.system", "!!python/name:os.system"]
)
def test_loading_executes_nothing(send, tape, tag, monkeypatch):
    """A cassette with a tag that would run a command is refused, and the command is not run."""
    tape.write_text(f"kshell: {{salt: '00', x: {tag} [touch owned]}}\ninteractions: []\nversion: 1\n")
    with pytest.raises(CassetteError):
        send(Nobody(), tape)
    assert not Path("owned").exists()


def test_a_folder_that_cannot_be_written_is_one_clear_error(send, tmp_path):
    """A cassette that cannot be written is an error, and the hint says that the message was sent."""
    (tmp_path / "file").touch()
    with pytest.raises(CassetteError, match="cannot be written") as caught:
        send(Echo(), tmp_path / "file" / "tape.yaml")
    assert "the messages were sent" in caught.value.hint


# ---- cost


def test_playing_looks_at_each_exchange_a_fixed_number_of_times(tmp_path, monkeypatch):
    """Playing forty exchanges computes the facts of a request at most four times for each, not once per recording."""
    session = Session(Places.standard())
    drafts = [
        session.draft(Overrides(variables={"to": TO, "otp": CODE, "ref": f"row {number}"})) for number in range(40)
    ]
    with Tape(tmp_path / "tape.yaml") as session.sender:
        for draft in drafts:
            session.send(draft, timeout=60)
    calls = []
    monkeypatch.setattr(tapes, "facts_of", lambda request: calls.append(request) or facts_of(request))
    with Tape(tmp_path / "tape.yaml", "none") as session.sender:
        for draft in drafts:
            session.send(draft, timeout=60)
    assert len(drafts) < len(calls) <= 4 * len(drafts)
