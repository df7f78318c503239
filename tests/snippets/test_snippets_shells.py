"""A curl command for POSIX shells is right for every value: each shell runs it, and a server compares it with ``send``."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.payloads import KEY, by_kind, everything, payload, proof, request_of, request_without_payload
from support.programs import needs
from support.recording import Received, Recorder, recording
from support.servers import ACCEPTED, Server, answer, close, read

from kshell.core.errors import UsageError
from kshell.core.models import Request, Secret
from kshell.snippets.catalog import TARGETS
from kshell.snippets.shells import posix_curl as curl
from kshell.transport.client import Route, send

SHELLS = {
    "bash": ["bash", "--norc"],
    "bash --posix": ["bash", "--posix"],
    "dash": ["dash"],
    "zsh": ["zsh", "-f"],
    "fish": ["fish", "--no-config"],
    "busybox": ["busybox", "sh"],
    "mksh": ["mksh"],
    "ksh93": ["ksh93"],
    "yash": ["yash", "--norcfile"],
}


def in_shell(name: str, tool: str, *values: object) -> Any:
    """Return a test case that runs ``tool`` in a shell: the shell's name, then ``values``."""
    return pytest.param(name, *values, marks=needs(SHELLS[name][0], tool))


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Yield a recording server."""
    with recording() as recorder:
        yield recorder


def ran(shell: list[str], text: str, file: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script of ``text`` with the key in its environment."""
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
    environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "KALEYRA_API_KEY": KEY, "LC_ALL": "C.UTF-8"}
    return subprocess.run([*shell, file], env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=300)


def run(shell: list[str], text: str, file: str) -> None:
    """Run a script as ``ran`` does; it must succeed."""
    done = ran(shell, text, file)
    assert done.returncode == 0, done.stderr[-2000:]


def sent(server: Recorder, requests: list[Request]) -> list[Received]:
    """Return what the server receives from ``send``."""
    for request in requests:
        send(request, KEY, Route())
    return server.take()


def requests(server: Recorder) -> list[Request]:
    """Return the requests of the proof."""
    return [request_of(server.url, body, number) for number, body in enumerate(proof())]


@pytest.fixture(scope="module")
def expected() -> list[Received]:
    """Return what ``send`` delivers for these requests."""
    with recording() as recorder:
        return sent(recorder, requests(recorder))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *(in_shell(name, "curl", "lines") for name in SHELLS),
        *(in_shell(name, "curl", "compact") for name in ("bash", "fish")),
    ],
)
def test_a_shell_sends_what_send_sends(server: Recorder, expected: list[Received], name: str, form: str) -> None:
    """A line run by a shell sends the method, URL, content type, key and JSON that ``send`` sends."""
    run(SHELLS[name], "\n".join(curl(request, compact=form == "compact") for request in requests(server)), "script")
    assert server.take() == expected


@pytest.mark.parametrize(
    ("name", "tool"),
    [in_shell("bash", "wget", "wget"), in_shell("fish", "wget", "wget"), in_shell("bash", "http", "httpie")],
)
def test_another_tool_sends_what_send_sends(server: Recorder, name: str, tool: str) -> None:
    """The lines for wget and HTTPie send the same as ``send``."""
    bodies = proof() if tool == "wget" else [everything()]
    requests = [request_of(server.url, body, number) for number, body in enumerate(bodies)]
    expected = sent(server, requests)
    run(SHELLS[name], "\n".join(TARGETS[tool].write(request, None) for request in requests), "script")
    assert server.take() == expected


@pytest.mark.parametrize(
    ("name", "tool"),
    [in_shell("bash", program, tool) for program, tool in (("curl", "curl"), ("wget", "wget"), ("http", "httpie"))],
)
def test_a_tool_sends_a_request_without_a_payload(server: Recorder, name: str, tool: str) -> None:
    """For an endpoint without a payload a line sends no body and no content type, as ``send`` does."""
    request = request_without_payload(server.url)
    expected = sent(server, [request])
    run(SHELLS[name], TARGETS[tool].write(request, None), "script")
    assert server.take() == expected
    assert (expected[0].method, expected[0].content_type, expected[0].json) == ("GET", "", b"")


@pytest.mark.parametrize(
    ("name", "tool"),
    [in_shell("bash", program, tool) for program, tool in (("curl", "curl"), ("wget", "wget"), ("http", "httpie"))],
)
@pytest.mark.parametrize("then", ["redirects", "breaks off"])
def test_a_line_sends_once_and_to_its_own_host_alone(name: str, tool: str, then: str) -> None:
    """A line sends one request, also if the host redirects it or breaks off; the target of a redirect gets none."""
    with Server(read, answer(202, ACCEPTED)) as other:
        last = answer(307, b"", ("Location", f"{other.url}/")) if then == "redirects" else close
        with Server(read, last) as server:
            ran(SHELLS[name], TARGETS[tool].write(request_of(server.url, payload("x")), None), "script")
    assert (len(server.requests), other.connections) == (1, 0)


@pytest.mark.parametrize(
    ("name", "tool"), [in_shell(name, tool, tool) for name in ("bash", "fish") for tool in ("curl", "wget")]
)
def test_a_revealed_key_arrives(server: Recorder, name: str, tool: str) -> None:
    """A key of any characters that a header allows is sent unchanged by every shell."""
    for key in ("a'b", "a\"b'c", "a\\b", "a$HOME", "`id`", "a!b", "a\\'b", "\\", "a%b^c&d;e|f"):
        run(SHELLS[name], TARGETS[tool].write(request_of(server.url, payload("x")), key), "script")
        assert [received.key for received in server.take()] == [key]


@pytest.mark.parametrize("key", ["=ab", "@ab", ":ab", "a\\b"])
def test_a_key_that_httpie_would_read_is_refused(key: str) -> None:
    """A key that HTTPie would read as its own syntax is refused."""
    with pytest.raises(UsageError, match="HTTPie reads as"):
        TARGETS["httpie"].write(request_of("https://api.in.kaleyra.io", payload("x")), key)


# ---- pasted


@contextmanager
def terminal(*, bracketed: bool) -> Iterator[Callable[[str], None]]:
    """Start an interactive bash in a pseudo-terminal; yield a function that types a line into it."""
    child, descriptor = pty.fork()
    if child == 0:
        environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd(), "KALEYRA_API_KEY": KEY, "TERM": "xterm"}
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)  # noqa: S606

    def drain(seconds: float) -> None:
        while select.select([descriptor], [], [], seconds)[0]:
            os.read(descriptor, 65536)

    def type_in(text: str) -> None:
        raw = text.encode()
        for start in range(0, len(raw), 256):
            os.write(descriptor, raw[start : start + 256])
            drain(0)
        drain(0.05)

    try:
        drain(0.3)
        type_in(f"bind 'set enable-bracketed-paste {'on' if bracketed else 'off'}'\n")
        type_in("echo $?\n")
        yield type_in
    finally:
        os.write(descriptor, b"\x03\nexit\n")
        os.close(descriptor)
        os.waitpid(child, 0)


@needs("bash", "curl")
@pytest.mark.parametrize("bracketed", [True, False], ids=["bracketed", "plain"])
def test_a_line_pasted_into_bash_sends_what_send_sends(server: Recorder, bracketed: bool) -> None:  # noqa: FBT001
    """An interactive bash neither expands history nor completes in a pasted line, bracketed or plain."""
    requests = [request_of(server.url, body, number) for number, body in enumerate(by_kind())]
    expected = sent(server, requests)
    opening, closing = ("\x1b[200~", "\x1b[201~") if bracketed else ("", "")
    with terminal(bracketed=bracketed) as type_in:
        for number, request in enumerate(requests, 1):
            type_in(f"{opening}{curl(request)}{closing}\n")
            deadline = time.monotonic() + 60
            while len(server.requests) < number and time.monotonic() < deadline:
                type_in("")
    assert server.take() == expected


@needs("bash", "curl")
def test_the_terminal_of_this_test_expands_history(server: Recorder) -> None:
    """The bash of these tests does expand history in double quotes, so the test before this one can fail."""
    with terminal(bracketed=True) as type_in:
        type_in("true before\n")
        type_in(f'curl -s {server.url} --data-raw "[\\"!!\\"]"\n')
        deadline = time.monotonic() + 60
        while not server.requests and time.monotonic() < deadline:
            type_in("")
    assert [received.json for received in server.take()] == [["true before"]]


def test_the_key_is_read_from_the_account_s_variable(server: Recorder) -> None:
    """A line reads the key from the variable that the account names."""
    request = request_of(server.url, payload("x"), secret=Secret("env", "ACME_KEY"))
    assert '"api-key: $ACME_KEY"' in curl(request)
