"""A pasted line makes the request that ``send`` makes: real shells run every printed line, and the requests are compared."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from conftest import PROJECT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.programs import needs
from support.servers import ACCEPTED, Received, Server, answer, local_pod, read

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.request import build
from kshell.core.models import Account, Origin, OtpPolicy, Pod, Request, Secret
from kshell.snippets.shells import posix_curl as curl
from kshell.snippets.shells import posix_quote
from kshell.transport.client import Route, send

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHELLS = {
    "bash": ["bash", "--norc"],
    "bash with history": ["bash", "--norc", "-o", "history", "-o", "histexpand"],
    "dash": ["dash"],
    "zsh": ["zsh", "-f"],
    "zsh with history": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config"],
    "busybox": ["busybox", "sh"],
}
KEY = "Acanary00000000000000000000000key"
ODD_KEYS = (
    "a'b\"c\\d'\\e\\\\", "$KEY${KEY}$(id)`id`", "!!a!b'!'\"!\"!", "#~*?[a]{a,b}<a>%PATH%^&|;", "\\", "'",
)  # fmt: skip

FIFTEEN = (
    "'",
    '"',
    "\\",
    "$",
    "`",
    "!",
    "%",
    "^",
    "&",
    "|",
    "\n",
    "\r",
    "\0",
    "\x7f",
    "\x9b",
    "\u202e",
    "\ud800",
    "{",
    "\t",
)
HOSTILE = (
    "482913", "J$FpnYnP", "a'b", 'a"b', "a\\", "\\", "\\\\", "\\'", "\\n", "'\\''", "'\"'\"'", "$HOME", "${HOME}", "$(id)",
    "`id`", "$'\\x41'", "a!b", "!!", "!$", "!-1", "%PATH%", "%%", "^a^b", "a & b", "a | b", "; id", "# no", "~", "*", "?",
    "[a-z]", "{a,b}", "{{ otp }}", "{% raw %}", "<(id)", ">/dev/null", "@/etc/passwd", "-d x", "--", "", " ", "\n", "a\nb\n",
    "\r\n", "a\rb", "\t", "\0", "a\0b", "\x1b]0;x\x07", "\x7f", "\x80", "\x9b31m", "\u2028", "\u202eabc", "\u2066x", "\ufeff",
    "é", "日本語", "😀", "👩‍👩‍👧", "e\u0301", "\ud800", "\udc80", "a\udfff", "\ud83d\ude00", "\U0010ffff", "\ue000", "x" * 255,
    "'" * 255, "\\" * 255, "!" * 100 + "\n" + "!" * 100, *(character * 15 for character in FIFTEEN),
)  # fmt: skip


def in_shells(*names: str) -> pytest.MarkDecorator:
    """Run a test with each ``shell``; the test needs the shell and curl."""
    cases = [pytest.param(name, marks=needs(SHELLS[name][0], "curl")) for name in names]
    return pytest.mark.parametrize("shell", cases)


class Delivered(NamedTuple):
    """The parts of a received request that are compared."""

    method: str
    target: str
    content_type: list[str]
    key: list[str]
    body: Any


def delivered(request: Received) -> Delivered:
    """Return the compared parts of a received request, with the body as a JSON value."""
    body = json.loads(request.body)
    return Delivered(request.method, request.target, request.header("content-type"), request.header("api-key"), body)


def run(shell: str, lines: Sequence[str], *, locale: str = "C.UTF-8", **variables: str) -> str:
    """Paste these lines one after the other; return what the shell and curl wrote to stderr."""
    script = Path("pasted").absolute()
    script.write_bytes("\n".join([*lines, ""]).encode())
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LC_ALL": locale, "KALEYRA_API_KEY": KEY}
    words = SHELLS[shell]
    with script.open("rb") as typed:
        done = subprocess.run(
            words if "-i" in words else [*words, str(script)],
            stdin=typed if "-i" in words else subprocess.DEVNULL,
            capture_output=True,
            env=environment | variables,
            timeout=60,
            start_new_session=True,
        )
    return done.stderr.decode(errors="replace")


def origin() -> Origin:
    """Return an origin with a path that does not exist."""
    return Origin(Path("nowhere"), "here")


def request_for(url: str, payload: Any, *, sid: str = "HXAP1698765497IN", variable: str = "KALEYRA_API_KEY") -> Request:
    """Return a request that sends ``payload`` to ``url``."""
    pod = Pod("local", "", url, embedded=False, proxy="", origin=origin())
    key = Secret("env", variable)
    account = Account("acme", "", "local", sid, key, "+911234567890", "auth", {}, OtpPolicy(), origin())
    return build(SEND_AUTHENTICATION, pod, account, payload)


def serving() -> Server:
    """Return a server that accepts every request."""
    return Server(read, answer(202, ACCEPTED, ("Connection", "close")), backlog=64)


def sent(payloads: Sequence[Any]) -> list[Delivered]:
    """Return what a server receives when kshell sends each payload."""
    with serving() as server:
        for payload in payloads:
            assert send(request_for(server.url, payload), KEY, Route(5)).error is None
    return [delivered(request) for request in server.requests]


def pasted(shell: str, payloads: Sequence[Any], **forms: Any) -> list[Delivered]:
    """Return what a server receives when the line printed for each payload is pasted into a shell."""
    with serving() as server:
        output = run(shell, [curl(request_for(server.url, payload), **forms) for payload in payloads])
    assert len(server.requests) == len(payloads), output
    return [delivered(request) for request in server.requests]


def message(*texts: str) -> dict[str, Any]:
    """Return a payload with each text as a value, as a part of values and in a name."""
    return {
        "messaging_object": {"to": list(texts), "parts": [part for text in texts for part in (f"a{text}", f'{text}"')]},
        "index": 0,
        **{f"x{text}": None for text in texts},
    }


PAYLOADS = [message(*HOSTILE[start : start + 24]) for start in range(0, len(HOSTILE), 24)]


@pytest.fixture(scope="module")
def sent_payloads() -> list[Delivered]:
    """Return what a server receives when ``send`` sends the hostile payloads."""
    return sent(PAYLOADS)


def test_send_delivers_what_was_meant(sent_payloads):
    """``send`` delivers each hostile payload with the two headers and the key."""
    target = "/v2/HXAP1698765497IN/whatsapp/+911234567890/messages"
    bodies = [json.loads(json.dumps(payload)) for payload in PAYLOADS]  # of a surrogate pair JSON makes its character
    assert sent_payloads == [Delivered("POST", target, ["application/json"], [KEY], body) for body in bodies]


@pytest.mark.parametrize("compact", [False, True], ids=["lines", "compact"])
@in_shells(*SHELLS)
def test_a_pasted_line_makes_the_request_that_send_makes(shell, compact, sent_payloads):
    """A pasted line with hostile text makes the same request as ``send`` in every real shell."""
    assert pasted(shell, PAYLOADS, compact=compact) == sent_payloads


_TEXT = st.text(st.characters(exclude_categories=()), max_size=20) | st.text("'\"\\$`!%\n{}@&|^ ", max_size=15)
_PAYLOAD = st.dictionaries(_TEXT, _TEXT | st.integers() | st.lists(_TEXT, max_size=2), min_size=2)


@in_shells(*SHELLS)
@settings(max_examples=2, suppress_health_check=list(HealthCheck))
@given(payloads=st.lists(_PAYLOAD, min_size=6, max_size=6))
def test_no_payload_is_pasted_as_another(shell, payloads):
    """For any JSON object, a pasted line makes the same request as ``send``."""
    assert pasted(shell, payloads, compact=True) == sent(payloads)


@in_shells(*SHELLS)
def test_the_locale_does_not_matter(shell):
    """A pasted line sends the same bytes in a locale without UTF-8."""
    payload = message("é", "日本語", "😀", "x\u0301")
    with serving() as server:
        run(shell, [curl(request_for(server.url, payload))], locale="C")
    assert [json.loads(request.body) for request in server.requests] == [payload]


# ---- the key


@in_shells(*SHELLS)
def test_a_revealed_key_arrives_as_it_is(shell):
    """A key of any legal characters that ``--reveal`` prints is sent unchanged by every shell."""
    with serving() as server:
        output = run(shell, [curl(request_for(server.url, {}), key=key) for key in ODD_KEYS])
    assert [request.header("api-key")[0] for request in server.requests] == list(ODD_KEYS), output


@in_shells(*SHELLS)
def test_a_key_in_the_environment_arrives_as_it_is(shell):
    """A key in the environment is neither expanded, split nor globbed by the shell."""
    variables = {"KEY0": "".join(ODD_KEYS), "KEY1": "@file", "KEY2": "-a"}
    with serving() as server:
        output = run(shell, [curl(request_for(server.url, {}, variable=name)) for name in variables], **variables)
    assert [request.header("api-key")[0] for request in server.requests] == list(variables.values()), output


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_quoting_says_the_same_to_every_posix_shell(text):
    """A quoted word is read as the same word by the rules of POSIX."""
    assert shlex.split(posix_quote(text)) == [text]


# ---- the words


def test_the_line_is_the_page_s_with_a_reference_in_place_of_the_key():
    """The curl command has the page's method, URL, headers and data, each on its line, and a variable for the key."""
    request = request_for("https://api.in.kaleyra.io", {"a": "it's"})
    assert curl(request) == (
        "curl -X POST 'https://api.in.kaleyra.io/v2/HXAP1698765497IN/whatsapp/+911234567890/messages' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "api-key: $KALEYRA_API_KEY" \\\n'
        "  --data-raw '{\n"
        '  "a": "it\\u0027s"\n'
        "}'"
    )


def test_a_compact_line_is_one_line():
    """``--compact`` prints no line break, whatever the payload has."""
    line = curl(request_for("https://api.in.kaleyra.io", message("a\nb\u2028c")), compact=True)
    assert "\n" not in line
    assert line.isprintable()


@given(_TEXT)
def test_a_line_holds_nothing_that_controls_a_terminal(text):
    """A curl command is printable except for its own line breaks."""
    assert curl(request_for("https://api.in.kaleyra.io", message(text))).replace("\n", "").isprintable()


@given(_TEXT)
def test_the_data_holds_no_character_that_some_shell_reads(text):
    """The quoted data has no quote, double backslash, ``!`` or backtick, which some shell would interpret."""
    data = curl(request_for("https://api.in.kaleyra.io", message(text))).partition("--data-raw '")[2][:-1]
    assert not set(data) & set("'!`")
    assert "\\\\" not in data


SIDS = ("a'b\"c\\d $(id)`id`!!", "a/b?c#d%41[1-3]{a,b}", "é")


@in_shells(*SHELLS)
def test_a_part_of_the_url_is_a_part_of_the_url(shell):
    """A SID of any characters stays one segment of the URL for the shell, curl and ``send``."""
    with serving() as server:
        requests = [request_for(server.url, {}, sid=sid) for sid in SIDS]
        run(shell, [curl(request) for request in requests])
    assert [request.target for request in server.requests] == [urlsplit(request.url).path for request in requests]
    assert {request.target.count("/") for request in server.requests} == {5}


# ---- from end to end


@contextmanager
def sandbox() -> Iterator[str]:
    """Yield the URL of a ``kshell sandbox`` process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kshell", "sandbox", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
    )
    with process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


@pytest.mark.shows_the_key  # one of the lines is pasted from --reveal
@in_shells("bash", "dash", "fish")
def test_a_pasted_line_is_accepted_by_the_simulator(cli, shell):
    """A line from ``kshell curl`` that a shell runs gets a 202 from ``kshell sandbox``."""
    with sandbox() as url:
        pod = local_pod(url)
        lines = [
            cli("curl", "-a", "demo", "-p", pod, "to=+919812345678", "otp=it's$1").out,
            cli("curl", "-a", "docs", "-p", pod, "--compact").out,
            cli("curl", "-a", "demo", "-p", pod, "to=+919812345678", "otp=482913", "--reveal").out,
        ]
        script = Path("pasted")
        script.write_text("".join(f"{line.rstrip()} -s -w '%{{http_code}}\\n' -o /dev/null\n" for line in lines))
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "KALEYRA_API_KEY": KEY}
        done = subprocess.run([*SHELLS[shell], str(script)], capture_output=True, env=environment, timeout=60)
        assert done.stdout == b"202\n202\n202\n", done.stderr


def test_the_variable_is_the_account_s_own(cli, write):
    """A line reads the variable of ``api_key: env:NAME``, and KALEYRA_API_KEY for any other key."""
    account = "pod: in\nsid: HX1IN\nphone_number: '+911234567890'\nvariables: {template_name: a, language: en}\n"
    write("profiles/accounts/own.yaml", f"{account}api_key: env:MY_KEY\n")
    write("profiles/accounts/literal.yaml", f"{account}api_key: {KEY}\n")
    lines = [cli("curl", "-a", name, "to=+919812345678", "otp=1").out for name in ("own", "literal")]
    assert [re.findall(r'"api-key: (.*)"', line) for line in lines] == [["$MY_KEY"], ["$KALEYRA_API_KEY"]]
