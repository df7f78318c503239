"""The key is shown by ``--reveal`` and by nothing else, whatever goes wrong, and a send writes no file."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from conftest import PROJECT
from support.canary import spellings
from support.servers import ACCEPTED, Server, answer, close, closed_port, hang, local_pod, read, refusal, reset, say

from kshell.core.models import Secret
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.snippets.shells import posix_quote

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "Bcanary'\"\\/+%&=$7f3d9yek"  # not the key that every test runs with: here it is in files
CODE = "Q7canary'5&"
TO = "+919812345670"
SENDER = "+911234500067"


KEY_SPELLINGS = spellings(KEY)


def leaks(text: str) -> set[str]:
    """Return the spellings of the key that ``text`` contains."""
    return {spelling for spelling in KEY_SPELLINGS if spelling in text}


@pytest.mark.parametrize(
    "text",
    [
        KEY, f"x{quote(KEY)}", json.dumps({"a": KEY}), shlex.quote(KEY), posix_quote(KEY), repr([KEY]), repr(KEY.encode()),
        *(base64.b64encode(f"{'x' * before}{KEY}yz".encode()).decode() for before in range(4)),
    ],
)  # fmt: skip
def test_the_search_finds_the_key_in_every_spelling(text):
    """The search of this file finds the key in every spelling."""
    assert leaks(text)


def files(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder by its path."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


SOURCES = ("env", "file", "literal")


@pytest.fixture(params=SOURCES)
def account(request: pytest.FixtureRequest, write: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of the user's own account; its key is the canary, from each kind of source."""
    monkeypatch.setenv("CANARY", KEY)
    write("../key", f"{KEY}\n")
    reference = {"env": "env:CANARY", "file": f"file:{Path.cwd().parent / 'key'}", "literal": json.dumps(KEY)}
    folder = Path(os.environ["XDG_CONFIG_HOME"]) / "kshell" / "profiles" / "accounts"
    text = f"pod: local\nsid: HX1IN\napi_key: {reference[request.param]}\nphone_number: '{SENDER}'\n"
    write(str(folder / "acme.yaml"), f"{text}variables: {{template_name: auth1, language: en_US}}\n")
    local_pod("https://nowhere.invalid")
    return "acme"


COMMANDS = [
    ("render",), ("render", "--strict"), ("render", "nothing=1"), ("curl",), ("curl", "--compact"), ("check",),
    ("check", "--json"), ("send",), ("send", "--json"), ("send", "-p", "sandbox"), ("send", "-p", "sandbox", "--json"),
    ("send", "-p", "nowhere"), ("send", "-t", "nothing"), ("send", "otp=1234567890123456"), ("send", "--timeout", "x"),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_message_command_shows_the_key_or_writes_a_file(cli, account, tmp_path, words):
    """No preview, check or send shows the key or writes a file, with or without an error."""
    before = files(tmp_path)
    name, *rest = words
    ran = cli(name, "-a", account, f"to={TO}", f"otp={CODE}", *rest)
    assert ran.out + ran.err
    assert not leaks(ran.out + ran.err)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "words",
    [
        ("accounts",),
        ("accounts", "acme"),
        ("accounts", "--json"),
        ("accounts", "acme", "--json"),
        ("pods",),
        ("explain", "RBC001"),
    ],
    ids=" ".join,
)
def test_no_listing_shows_the_key_or_writes_a_file(cli, account, tmp_path, words):
    """Listings show an account's key as its reference, or masked if it is a literal, and write no file."""
    before = files(tmp_path)
    ran = cli(*words)
    assert not leaks(ran.out + ran.err)
    assert files(tmp_path) == before


def test_reveal_shows_the_key(cli, account):
    """``curl --reveal`` prints the key on stdout, quoted for a shell, and not on stderr."""
    ran = cli("curl", "-a", account, f"to={TO}", f"otp={CODE}", "--reveal")
    assert posix_quote(f"api-key: {KEY}") in ran.out
    assert not leaks(ran.err)


# ---- while sending

BEHAVIOURS = {
    "accepted": (read, answer(202, ACCEPTED)),
    "refused": (read, answer(401, refusal("RBC001"))),
    "redirected": (read, answer(302, b"", ("Location", "http://127.0.0.1:9/"))),
    "reset": (reset,),
    "silent": (read, hang),
    "closed": (read, close),
    "says the key in its status line": (read, say(f"HTTP/1.1 {KEY}\r\n\r\n".encode())),
    "says the key in a chunk": (
        read,
        say(b"HTTP/1.1 202 x\r\nTransfer-Encoding: chunked\r\n\r\n" + KEY.encode() + b"\r\n"),
    ),
    "says the key in a length": (read, say(f"HTTP/1.1 202 x\r\nContent-Length: {KEY}\r\n\r\n".encode())),
}


@pytest.mark.parametrize("account", ["env"], indirect=True)
@pytest.mark.parametrize("words", [(), ("--json",)], ids=" ".join)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_no_delivery_shows_the_key_or_writes_a_file(cli, account, tmp_path, behaviour, words):
    """Whatever a server does with a send, the key is not shown and no file is written."""
    with Server(*BEHAVIOURS[behaviour]) as server:
        local_pod(server.url)
        before = files(tmp_path)
        ran = cli("send", "-a", account, f"to={TO}", f"otp={CODE}", "--timeout", "0.1", *words)
    assert not leaks(ran.out + ran.err)
    assert files(tmp_path) == before
    for request in server.requests:
        assert request.header("api-key") == [KEY]
        assert not leaks(request.target + request.body.decode())


def test_a_failed_proxy_does_not_show_the_key(cli, account):
    """A proxy that refuses CONNECT does not get the key, and the error does not show it."""
    with Server(read, answer(407, refusal("x"))) as proxy:
        local_pod("https://api.invalid", proxy=proxy.url)
        ran = cli("send", "-a", account, f"to={TO}", f"otp={CODE}")
    assert ran.code == 4
    assert not leaks(ran.out + ran.err + proxy.received.decode())


AUDIT = """
import sys
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path, mode, flags = arguments
        if flags & 3 and path != "/dev/null":
            print("WROTE", path, file=sys.stderr)
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "sqlite3.connect", "subprocess.Popen"):
        print("WROTE", event, arguments, file=sys.stderr)
sys.addaudithook(watch)
sys.argv = ["kshell", *sys.argv[1:]]
from kshell.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("account", ["file"], indirect=True)
@pytest.mark.parametrize("words", [("--json",), ("-p", "local")], ids=" ".join)
def test_the_program_opens_nothing_for_writing_while_it_sends(account, words):
    """A send opens no file for writing anywhere on the machine, neither in a cache nor in a temporary folder."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", AUDIT, "send", "-a", account, "-p", "sandbox", f"to={TO}", "otp=1", *words]
    with closed_port() as port:
        local_pod(f"http://127.0.0.1:{port}")
        done = subprocess.run(command, capture_output=True, env=environment, text=True, timeout=60)
    assert done.returncode == (4 if "local" in words else 0)
    assert "WROTE" not in done.stderr


# ---- errors

PROFILE = f"pod: local\nsid: HX1IN\nphone_number: '{SENDER}'\n"
QUOTED = json.dumps(KEY)
BROKEN = {
    "a typing error in another key": f"{PROFILE}api_key: {QUOTED}\nfoo: bar\n",
    "a typing error on its line": f"{{pod: local, api_key: {QUOTED}, foo: bar}}\n",
    "its own name misspelt": f"{PROFILE}apikey: {QUOTED}\n",
    "twice": f"{PROFILE}api_key: {QUOTED}\napi_key: {QUOTED}\n",
    "a list": f"{PROFILE}api_key: [{QUOTED}]\n",
    "a quote that does not close": f"{PROFILE}api_key: {QUOTED[:-1]}\nfoo: bar\n",
    "a tag": f"{PROFILE}api_key: !key {QUOTED}\n",
    "a misspelt reference": f'{PROFILE}api_key: "evn:{KEY[:7]}{json.dumps(KEY)[1:-1]}"\n',
    "a space in it": f'{PROFILE}api_key: "{json.dumps(KEY)[1:-1]} x"\n',
    "a number behind it": f"{PROFILE}api_key: {QUOTED}\nphone_number: 12\n",
    "nothing else": f"api_key: {QUOTED}\n",
    "a block": f"{PROFILE}api_key: |\n  {KEY} x\n",
}


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize(
    "words", [("accounts",), ("accounts", "broken"), ("send", "-a", "broken", f"to={TO}")], ids=" ".join
)
def test_an_error_in_a_profile_does_not_show_the_key(cli, write, fault, words):
    """An error in a profile shows the line with the fault, without the key in it."""
    write("profiles/accounts/broken.yaml", BROKEN[fault])
    ran = cli(*words)
    assert ran.code == 3
    assert "broken.yaml" in ran.err
    assert "canary" not in ran.out + ran.err
    assert not leaks(ran.out + ran.err)


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\n{KEY}", f"{KEY}\xe9", f"\x1b{KEY}"])
@pytest.mark.parametrize("command", ["send", "curl"])
def test_a_key_that_is_no_header_is_not_shown(cli, monkeypatch, write, command, key):
    """The error for a key that is not a valid header names the key's source and not the key."""
    monkeypatch.setenv("CANARY", key)
    write(
        "profiles/accounts/odd.yaml", f"{PROFILE}api_key: env:CANARY\nvariables: {{template_name: a, language: en}}\n"
    )
    local_pod("https://nowhere.invalid")
    words = ("--reveal",) if command == "curl" else ()
    ran = cli(command, "-a", "odd", f"to={TO}", "otp=1", *words)
    assert ran.code == 3
    assert "env:CANARY" in ran.err
    assert not leaks(ran.out + ran.err)


@pytest.mark.parametrize(
    "words",
    [("send", f"api_key={KEY}"), ("send", f"--api-key={KEY}"), ("send", "--key", KEY)],
)
def test_a_key_that_was_typed_in_a_wrong_place_is_not_repeated(cli, words):
    """The error for an unknown name repeats the name and not the value after it, which may be a key."""
    ran = cli(*words)
    assert ran.code == 2
    assert not leaks(ran.out + ran.err)


@pytest.mark.parametrize("account", ["literal"], indirect=True)
@pytest.mark.parametrize(
    "place",
    [
        "transport.client.exchange_of",
        "transport.http.decoded",
        "api.answers.read_body",
        "commands.send.outcome",
    ],
)
@pytest.mark.parametrize("debug", ["", "1"])
def test_a_bug_of_ours_does_not_show_the_key(cli, account, monkeypatch, place, debug):
    """A bug in kshell shows the key neither in the user's two lines nor in the traceback of KSHELL_DEBUG=1."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setenv("KSHELL_DEBUG", debug)
    with Server(read, answer(202, ACCEPTED)) as server:
        words = ("send", "-a", account, "-p", local_pod(server.url), f"to={TO}", f"otp={CODE}")
        monkeypatch.setattr(f"kshell.{place}", broken)
        ran = cli(*words)
        assert (ran.code, ran.out) == (5, "")
    assert len(server.requests) == 1
    assert "RuntimeError" in ran.err
    assert ("Traceback" in ran.err) is bool(debug)
    assert not leaks(ran.err)


# ---- what Python shows of what holds it


@pytest.mark.parametrize("scheme", ["env", "file", "keyring", "literal"])
def test_a_reference_printed_is_a_reference(scheme):
    """A printed ``Secret`` shows its reference; a literal key is masked."""
    secret = Secret(scheme, KEY if scheme == "literal" else "NAME")
    for text in (str(secret), repr(secret), f"{secret}", repr([secret])):
        assert not leaks(text)


def test_references_are_compared_by_what_they_refer_to():
    """Two ``Secret`` objects are equal if they refer to the same key, also in a set."""
    assert len({Secret("env", "A"), Secret("env", "A"), Secret("file", "A"), Secret("env", "B")}) == 3
    assert Secret("env", "A") != "env:A"


def test_a_draft_and_what_came_of_it_hold_no_key(account):
    """No draft, exchange or attempt of a session shows the key when it is printed."""
    session = Session(Places.standard())
    draft = session.draft(Overrides(account=account, pod="sandbox", variables={"to": TO, "otp": CODE}))
    exchange = session.send(draft, timeout=1)
    assert exchange.response.status == 202
    assert not leaks(f"{draft!r}{draft}{exchange!r}{exchange}{session.sent!r}{session.attempt!r}{draft.account}")


# ---- the simulator


@pytest.fixture
def sandbox() -> Iterator[subprocess.Popen[str]]:
    """Yield a process that runs ``kshell sandbox`` on a free port."""
    command = [sys.executable, "-m", "kshell", "sandbox", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("account", ["env"], indirect=True)
def test_the_simulator_s_lines_hold_no_secret(cli, account, sandbox):
    """The simulator writes one line on stderr for each request, without key, code or number."""
    assert sandbox.stdout
    local_pod(sandbox.stdout.readline().strip())
    assert cli("send", "-a", account, f"to={TO}", f"otp={CODE}").code == 0
    assert cli("send", "-a", account, "to=+15005550005", f"otp={CODE}").code == 1
    sandbox.send_signal(signal.SIGINT)
    out, err = sandbox.communicate(timeout=60)
    assert (out, err) == ("", "202 WA202, 1 recipient\n400 E110, 0 recipients\n")


# ---- the one file that is written


def test_trust_remembers_no_secret(cli, write, tmp_path):
    """``trust`` keeps a fingerprint of the trusted file, in a file with mode 0600."""
    write("profiles/pods/mine.yaml", "base_url: https://api.example\n")
    before = files(tmp_path)
    assert cli("trust", "profiles/pods/mine.yaml").code == 0
    (created,) = set(files(tmp_path)) - set(before)
    assert re.fullmatch(r"[0-9a-f]{64}\n", Path(created).read_text())
    assert Path(created).stat().st_mode & 0o777 == 0o600
