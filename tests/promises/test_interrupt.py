"""Ctrl-C during a send at any moment: the reported delivery is true, and no traceback is shown."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest
from conftest import PROJECT
from support.servers import (
    ACCEPTED,
    Server,
    answer,
    drip,
    hang,
    local_pod,
    pause,
    reach,
    read,
    refusal,
    say,
    settled,
    wait_until,
)

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.core.exchange import Delivery
from kshell.core.models import Request
from kshell.transport.client import Route, send

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = b"HTTP/1.1 %d Said\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n"
LAST_LINE = re.compile(r"interrupted; (?:nothing was sent|delivery: (accepted|refused|not-sent|unknown))\n")


class Ended(NamedTuple):
    """The exit code and the output of an interrupted send."""

    code: int
    out: str
    err: str

    @property
    def delivery(self) -> str:
        """Return the delivery that the last line of stderr names; "not-sent" for "nothing was sent"."""
        match = LAST_LINE.search(self.err)
        assert match, self.err
        return match[1] or "not-sent"


def sending(url: str, *words: str) -> subprocess.Popen[str]:
    """Start a send in a process; return the process."""
    return kshell("send", "-p", local_pod(url), "to=+919812345678", "--timeout", "60", *words)


def kshell(*words: str) -> subprocess.Popen[str]:
    """Start a command line in a process; return the process."""
    return subprocess.Popen(
        [sys.executable, "-m", "kshell", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
    )


def end(process: subprocess.Popen[str], when: Callable[[subprocess.Popen[str]], object]) -> Ended:
    """Send SIGINT to the process after ``when`` returned; return how it ended."""
    with process:
        when(process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return Ended(process.returncode, out, err)


def interrupted(url: str, when: Callable[[subprocess.Popen[str]], object], *words: str) -> Ended:
    """Send in a process and press Ctrl-C after ``when`` returned."""
    return end(sending(url, *words), when)


MOMENTS = {
    "the answer has not begun": ((read, reach, hang), "unknown", 1),
    "half of the answer's head came": ((read, say(HEAD[:20]), reach, hang), "unknown", 1),
    "in the body of a refusal": ((read, say(HEAD % 400 + refusal("E110")[:9]), reach, hang), "refused", 1),
    "in the body of a gateway's failure": ((read, say(HEAD % 502 + b"<html>"), reach, hang), "unknown", 1),
    "the server reads nothing": ((reach, hang), "unknown", 0),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_says_what_became_of_the_message(moment):
    """After Ctrl-C the exit code is 130 and stderr names a delivery that agrees with what the server received."""
    steps, delivery, requests = MOMENTS[moment]
    with Server(*steps) as server:
        ended = interrupted(server.url, partial(settled, server))
    assert (ended.code, ended.delivery, len(server.requests)) == (130, delivery, requests)
    assert server.connections == 1
    assert "Traceback" not in ended.err


def test_ctrl_c_before_the_connection_stands_is_not_sent():
    """Ctrl-C during the TLS handshake reports "not sent", without a hint, and nothing was written."""
    with Server(reach, hang) as server:
        ended = interrupted(f"https://127.0.0.1:{server.port}", partial(settled, server))
    assert (ended.code, ended.delivery) == (130, "not-sent")
    assert "error: not sent: interrupted\n" in ended.err
    assert "hint" not in ended.err
    assert b"api-key" not in server.received


@pytest.mark.parametrize("pause_before_the_second", [0, 0.05])
def test_ctrl_c_twice_says_the_same(pause_before_the_second):
    """A second Ctrl-C, from the user or from a wrapper, does not replace the line that reports the delivery."""
    with Server(read, reach, hang) as server:

        def twice(process: subprocess.Popen[str]) -> None:
            settled(server, process)
            process.send_signal(signal.SIGINT)
            time.sleep(pause_before_the_second)

        ended = interrupted(server.url, twice)
    assert (ended.code, ended.delivery) == (130, "unknown")
    assert "internal error in kshell" not in ended.err


def test_ctrl_c_while_the_process_ends_changes_nothing():
    """A Ctrl-C after the outcome was shown neither changes the exit code nor prints a traceback."""
    program = """
import atexit, os, signal, sys
from kshell.__main__ import entry
atexit.register(os.kill, os.getpid(), signal.SIGINT)
sys.argv = ["kshell", "templates"]
entry()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "auth" in done.stdout


def test_ctrl_c_leaves_what_came_of_the_body_on_stdout():
    """After Ctrl-C the part of the body that was read is on stdout, and a warning says that it is incomplete."""
    with Server(read, say(HEAD % 202 + ACCEPTED[:9]), reach, hang) as server:
        ended = interrupted(server.url, partial(settled, server))
    assert (ended.code, ended.delivery, ended.out) == (130, "accepted", ACCEPTED[:9].decode())
    assert "warning: the body is not as documented: interrupted before it was complete\n" in ended.err


def test_ctrl_c_leaves_a_whole_document():
    """With ``--json``, Ctrl-C still gives a complete document with the delivery and the error."""
    with Server(read, reach, hang) as server:
        ended = interrupted(server.url, partial(settled, server), "--json")
    assert ended.code == 130
    assert json.loads(ended.out)["delivery"] == "unknown"
    assert json.loads(ended.out)["error"]["message"] == "no answer: interrupted; the API may have the message"


@pytest.mark.parametrize("seed", range(3))
def test_ctrl_c_at_any_moment_tells_the_truth(seed):
    """Ctrl-C at any moment reports "not sent" only if no byte arrived, and "accepted" only if the request did."""
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    steps = (pause(0.01), read, drip(b"HTTP/1.1 202 Accepted\r\n\r\n", 0.002), drip(ACCEPTED, 0.001))
    with Server(*steps) as server:

        def some_time(_: object) -> None:
            assert wait_until(lambda: server.connections == 1)
            time.sleep(chance.uniform(0, 0.2))

        ended = interrupted(server.url, some_time)
    assert "Traceback" not in ended.err
    assert len(server.requests) <= 1
    if ended.code == 0:  # the send ended before Ctrl-C
        assert len(server.requests) == 1
        return
    assert ended.code == 130
    assert ended.delivery != "not-sent" or server.received == b""
    assert ended.delivery != "accepted" or len(server.requests) == 1


def test_ctrl_c_while_the_answer_is_read_is_an_exchange(monkeypatch):
    """``send`` returns an exchange marked as interrupted if Ctrl-C comes while the answer is read; it raises nothing."""
    with Server(read, answer(202, ACCEPTED)) as server:
        ended = threading.Event()
        monkeypatch.setattr("kshell.transport.client.Attempt._read", lambda *_: _press_until(ended))
        exchange = send(Request(SEND_AUTHENTICATION, f"{server.url}/x", (), {}), "key", Route(60))
        ended.set()
    assert (exchange.delivery, exchange.interrupted) == (Delivery.ACCEPTED, True)
    assert exchange.response.fault == "interrupted before it was complete"


def test_ctrl_c_while_the_simulator_answers_is_not_known(cli, monkeypatch):
    """Ctrl-C while the embedded simulator answers gives exit code 130 and the delivery "unknown"."""
    monkeypatch.setattr("kshell.simulator.simulator.Simulator.handle", _press)
    ran = cli("send", "to=+919812345678")
    assert (ran.code, ran.out) == (130, "")
    assert "error: no answer: interrupted; the API may have the message\n" in ran.err
    assert ran.err.endswith("interrupted; delivery: unknown\n")


@pytest.mark.parametrize(
    ("moment", "says"),
    [
        ("kshell.session.files.render", "interrupted; nothing was sent\n"),
        ("kshell.commands.send.outcome", "interrupted; delivery: accepted\n"),
    ],
)
def test_ctrl_c_beside_the_sending_itself_tells_the_truth_too(cli, monkeypatch, moment, says):
    """Ctrl-C before the send reports that nothing was sent; after the send it reports the delivery."""
    monkeypatch.setattr(moment, _press)
    ran = cli("send", "to=+919812345678", "otp=1")
    assert (ran.code, ran.out, ran.err) == (130, "", says)


def test_ctrl_c_while_a_name_is_looked_up_is_told_at_once(monkeypatch):
    """Ctrl-C during a name lookup reports "not sent" at once, and nothing is written when the lookup ends."""
    with Server(read, answer(202, ACCEPTED)) as server:
        ended, found = threading.Event(), threading.Event()

        def look_up(*_: object, **__: object) -> list[object]:
            _press_until(ended)
            found.set()
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        exchange = send(Request(SEND_AUTHENTICATION, "http://api.invalid/x", (), {}), "key", Route(60))
        assert not found.is_set()
        ended.set()
        assert found.wait(60)
        assert wait_until(lambda: server.connections == 1)
    assert (exchange.delivery, exchange.interrupted) == (Delivery.NOT_SENT, True)
    assert server.received == b""


def _press(*_: object) -> None:
    raise KeyboardInterrupt


def _press_until(ended: threading.Event) -> None:
    """Send SIGINT to this process, then wait until the main thread has acted."""
    os.kill(os.getpid(), signal.SIGINT)
    ended.wait(60)
