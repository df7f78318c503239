"""``inbox`` shows what the simulator delivered: embedded, or of a sandbox on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from support.random_parts import without_random_parts
from support.servers import Server, answer, closed_port, hang, read

import kshell
from kshell.console.caller import Caller
from kshell.console.dispatch import perform_line
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.completer import CommandCompleter
from kshell.simulator.simulator import Simulator

if TYPE_CHECKING:
    from support.servers import Connection, Step

TO, OTHER = "+919812345678", "+14155550100"
PAYLOAD = {
    "messaging_object": {
        "messaging_product": "whatsapp",
        "to": TO,
        "template": {
            "name": "auth1",
            "language": {"code": "en"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "482913"}]},
                {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "482913"}]},
            ],
        },
    }
}


def kept(*, fails_with: int = 0) -> bytes:
    """Return the inbox of a simulator that got one message, as ``GET /inbox`` answers it."""
    simulator = Simulator(new_id=lambda: "A1")
    if fails_with:
        simulator.fail_next(fails_with)
    headers = [("api-key", "k"), ("content-type", "application/json")]
    target = "/v2/HX1IN/whatsapp/+911234567890/messages"
    assert simulator.handle("POST", target, headers, json.dumps(PAYLOAD).encode()).status == 202
    return b"[" + b",".join(simulator.kept.lines()) + b"]"


def in_turn(*bodies: bytes) -> Step:
    """Return a step that answers the first request with the first body, and so on."""
    left = iter(bodies)

    def step(connection: Connection) -> None:
        answer(200, next(left))(connection)

    return step


def test_the_sandbox_on_this_machine_is_asked(cli):
    """On the command line ``inbox`` asks the sandbox at ``--url``, without a key, for one number, and waits there."""
    with Server(read, answer(200, kept())) as server:
        ran = cli("inbox", "--url", server.url, "--to", TO, "--wait", "5", "--code")
    (request,) = server.requests
    assert (ran.code, ran.out, ran.err) == (0, "482913\n", "")
    assert (request.method, request.target) == ("GET", "/inbox?to=%2B919812345678&wait=5")
    assert request.header("api-key") == []


def test_a_message_is_drawn_with_its_status(cli):
    """A message is drawn with its text and its button; one that failed says how to explain why."""
    with Server(read, answer(200, kept())) as server:
        out = cli("inbox", "--url", server.url).out
    assert out.startswith(f"{TO} · auth1 · en · read\n╭")
    assert "482913 is your verification code." in out
    assert "Copy code  482913" in out
    with Server(read, answer(200, kept(fails_with=131026))) as server:
        out = cli("inbox", "--url", server.url).out
    assert "· failed\n" in out
    assert out.endswith("✗ not on the phone: kshell explain 131026\n")


def test_programs_get_the_list(cli):
    """``--json`` prints the list that the sandbox keeps."""
    body = kept()
    with Server(read, answer(200, body)) as server:
        assert cli("inbox", "--url", server.url, "--json").json == json.loads(body)


def test_no_code_is_an_error_in_words(cli):
    """``--code`` without a message exits with 1, says the number and the time, and prints nothing."""
    with Server(read, answer(200, b"[]")) as server:
        ran = cli("inbox", "--url", server.url, "--to", TO, "--wait", "0.1", "--code")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"error: no message to {TO} came within 0.1 s\nhint: ")


def test_a_message_that_fails_has_no_code(cli):
    """``--code`` passes over a message that fails, which does not reach the phone, and says how to explain why."""
    with Server(read, answer(200, kept(fails_with=131026))) as server:
        ran = cli("inbox", "--url", server.url, "--code")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: the newest message fails with 131026\nhint: kshell explain 131026\n"


def test_a_long_wait_asks_several_times(cli, monkeypatch):
    """The sandbox lets a request wait at most a minute; a longer wait asks again."""
    monkeypatch.setattr("kshell.transport.sandbox_inbox._LONGEST_WAIT", 1.0)
    with Server(read, in_turn(b"[]", kept())) as server:
        assert cli("inbox", "--url", server.url, "--wait", "3", "--code").out == "482913\n"
    assert [request.target for request in server.requests] == ["/inbox?wait=1", "/inbox?wait=1"]


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"{}", b"[1]", b'[{"code": "1"}]', b"[" * 100_000, kept().replace(b'"auth1"', b"1"), b"null"],
    ids=["nothing", "html", "an object", "a number", "a part", "nested", "a wrong type", "null"],
)
def test_another_program_is_an_error(cli, body):
    """An answer that is not an inbox says that it is not kshell's sandbox, with exit code 3."""
    with Server(read, answer(200, body)) as server:
        ran = cli("inbox", "--url", server.url)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"error: what answers at {server.url} is not kshell's sandbox\nhint: ")


def test_where_no_sandbox_runs_the_command_that_starts_it_is_said(cli):
    """A connection that is refused gives exit code 3 and the command that starts the sandbox there."""
    with closed_port() as port:
        ran = cli("inbox", "--url", f"http://127.0.0.1:{port}")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.endswith(f"hint: start it: kshell sandbox --port {port}\n")


def test_a_sandbox_that_hangs_is_given_up(cli, monkeypatch):
    """A server that does not answer in time is an error, not a hang."""
    monkeypatch.setattr("kshell.transport.sandbox_inbox._ANSWERS_WITHIN", 0.2)
    with Server(read, hang) as server:
        assert cli("inbox", "--url", server.url).code == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://127.0.0.1",
        "http://[",
        "127.0.0.1:8255",
        "http://10.0.0.1",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:x",
        "http://127.0.0.1:0",
    ],
)
def test_only_this_machine_is_asked(cli, url):
    """A URL that is not on this machine is a usage error: a number is private."""
    ran = cli("inbox", "--url", url, "--to", TO)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {url} is not on this machine\nhint: ")


def test_in_a_script_it_is_the_embedded_simulator_s(cli, write):
    """In a script ``inbox`` shows what the script's own sends delivered."""
    write("s.kshell", f"set otp=482913\nsend to={TO}\nsend to={OTHER} otp=111111\ninbox --to {TO} --code\n")
    ran = cli("run", "s.kshell")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "482913"


# ---- phone and statuses in expressions


@pytest.fixture
def run(cli, write):
    """Return a function that runs a script."""

    def ran(text: str, *words: str):
        write("s.kshell", text)
        return cli("run", *words, "s.kshell")

    return ran


ARRIVED = f"""set to={TO},{OTHER} otp=482913 ref=a
send
expect phone.recipient == "{TO}" and phone.code == otp and phone.button_code == otp
expect phone.template_name == "auth1" and phone.language == "en_US" and phone.ref == "a"
expect statuses == ["sent", "delivered", "read"]
expect account == "demo" and pod == "sandbox" and template == "auth" and not live
capture got = phone.code
set ref={{{{ phone.code }}}}
expect ref == got
"""


def test_what_came_of_a_send_can_be_tested(run):
    """After a send on the simulator, a script reads the first recipient's message, its statuses, and where it went."""
    ran = run(ARRIVED)
    assert ran.code == 0, ran.err


def test_a_failed_message_has_its_code(run):
    """A message that fails has the status failed, and Meta's code in ``phone``."""
    assert run("send to=+15001310260\nexpect statuses == ['sent', 'failed'] and phone.fails_with == 131026\n").code == 0


def test_a_refused_send_has_no_message(run):
    """After a refused send ``phone`` is empty, also if an earlier message reached that number."""
    ran = run(f"send to={TO}\nsend -a low-balance to={TO}\nexpect phone.code == otp\n")
    assert ran.code == 1
    assert "hint: no message to the first recipient has arrived; a replay sends none\n" in ran.err


def test_a_variable_of_the_same_name_is_read(run):
    """A variable that is called ``phone`` or ``account`` hides the name of what came of a send."""
    ran = run(f"set phone={TO} account=mine\nsend to={{{{ phone }}}}\nexpect phone == '{TO}' and account == 'mine'\n")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("phone.codes == 1", "did you mean code? phone has id, recipient"),
        ("phnoe.code == otp", "did you mean phone?"),
        ("statsues == 1", "did you mean statuses?"),
        ("statuses[9] == 'read'", "statuses is a list of 3"),
    ],
)
def test_a_misspelt_name_has_a_did_you_mean(run, expression, hint):
    """A misspelt name, or part of a message, is shown with the nearest one."""
    ran = run(f"send to={TO}\nexpect {expression}\n")
    assert ran.code in (1, 3)
    assert f"hint: {hint}" in ran.err


def test_before_a_send_the_names_say_when_they_are_defined(run):
    """``phone`` and ``live`` before a send are errors of the script that say when they exist."""
    assert "after a send to the simulator, embedded or on this machine" in run("expect phone.code == 1\n").err
    assert "it is defined after a send" in run("expect live\n").err


def test_a_check_knows_the_names(run):
    """``run --check`` finds no fault in them, and does not let ``capture`` take one of their names."""
    assert run(ARRIVED, "--check").code == 0
    ran = run("send\ncapture phone = body.code\n", "--check")
    assert (ran.code, "'phone' is a name of the answer" in ran.err) == (3, True)


LOCAL = "pod: local\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\nvariables: {template_name: a, language: en}\n"


@pytest.fixture
def local(write, monkeypatch):
    """Return a function that makes an account whose pod is at a URL of this machine."""
    monkeypatch.setenv("K", "Acanary00000000000000000000000key")

    def made(url: str) -> None:
        write("profiles/pods/local.yaml", f"base_url: {url}\n")
        write("profiles/accounts/local.yaml", LOCAL)

    return made


def test_on_this_machine_the_sandbox_is_asked_until_it_has_come(run, local):
    """On a loopback pod ``phone`` is asked for over HTTP, again with ``--retry``, without a key; one message is sent."""
    accepted = b'{"code": "WA202", "message": "x", "data": {"message_id": "A1"}, "error": {}}'
    with Server(read, in_turn(accepted, b"[]", kept())) as server:
        local(server.url)
        text = f"send -a local to={TO} otp=482913\nexpect phone.code == '482913' and not live\n"
        ran = run(text, "--retry", "3", "--delay", "0.01")
    assert ran.code == 0, ran.err
    assert [request.method for request in server.requests] == ["POST", "GET", "GET"]
    assert [request.header("api-key") for request in server.requests[1:]] == [[], []]


def test_a_sandbox_that_runs_is_asked_and_waited_for(cli, local, run):
    """A message sent to ``kshell.sandbox`` is in its inbox, and its statuses follow while ``--retry`` looks again."""
    with kshell.sandbox(delay=0.05) as sandbox:
        local(sandbox.url)
        text = f"send -a local to={TO} otp=482913\nexpect statuses == ['sent', 'delivered', 'read']\n"
        assert run(text, "--retry", "100", "--delay", "0.02").code == 0
        assert cli("inbox", "--url", sandbox.url, "--to", TO, "--wait", "5", "--code").out == "482913\n"


def test_another_message_to_that_number_is_not_taken_for_it(run, local):
    """``phone`` is the message that the send made, known by its id, and not one that came before."""
    accepted = b'{"code": "WA202", "data": {"message_id": "A2"}}'
    with Server(read, in_turn(accepted, kept())) as server:
        local(server.url)
        ran = run(f"send -a local to={TO}\nexpect phone.code == '482913'\n")
    assert (ran.code, "hint: no message to the first recipient has arrived" in ran.err) == (1, True)


def test_a_server_that_is_not_a_sandbox_is_said(run, local):
    """On a loopback pod that is another program, ``statuses`` is an error with exit code 3."""
    with Server(read, answer(202, b'{"code": "WA202", "data": {"message_id": "A1"}}')) as server:
        local(server.url)
        ran = run(f"send -a local to={TO}\nexpect statuses == []\n")
    assert ran.code == 3
    assert "is not kshell's sandbox" in ran.err


def test_typing_asks_nobody(local):
    """Completion of an expression over ``phone`` makes no request to the sandbox."""
    accepted = b'{"code": "WA202", "data": {"message_id": "A1"}}'
    with Server(read, answer(202, accepted)) as server:
        local(server.url)
        session = Session(Places.standard())
        perform_line(f"send -a local to={TO} otp=482913 --yes", Caller(session, "shell"))
        event = CompleteEvent(text_inserted=True)
        offers = CommandCompleter(session).get_completions(Document("expect phone.c"), event)
        assert "phone.code" in [offer.text for offer in offers]
    assert [request.method for request in server.requests] == ["POST"]


def test_a_replay_asks_nobody(run, local):
    """A replayed message has no phone, and no request is made for it."""
    accepted = b'{"code": "WA202", "message": "x", "data": {"message_id": "A1"}, "error": {}}'
    text = f"send -a local to={TO} otp=482913\n"
    with Server(read, answer(202, accepted)) as server:
        local(server.url)
        assert run(text, "--cassette", "c.yaml").code == 0
        assert run(f"{text}expect statuses == []\n", "--cassette", "c.yaml", "--record", "none").code == 0
    assert len(server.requests) == 1


def test_a_code_that_was_read_is_masked_in_a_report(run, local):
    """A code that only the sandbox knew is in no report."""
    accepted = b'{"code": "WA202", "data": {"message_id": "A1"}}'
    with Server(read, in_turn(accepted, kept().replace(b"482913", b"730951"))) as server:
        local(server.url)
        ran = run(f"send -a local to={TO} otp=482913\nexpect phone.code == '482913'\n", "--report", "json=r.json")
    assert ran.code == 1
    assert "730951" not in without_random_parts(Path("r.json").read_text())
