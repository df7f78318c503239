"""The pace of a run: messages a second, messages to one recipient, and the pauses that the API asks for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from email.utils import formatdate

import pytest
from conftest import PROJECT
from support.counting import rows_csv
from support.servers import ACCEPTED, Connection, Server, answer, close, hang, local_pod, reach, read, refusal, settled

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.core.exchange import Delivery, Exchange, Response
from kshell.core.models import Request
from kshell.scripts.pace import LIVE_RATE, PAUSE_SECONDS, Pace, seconds_asked_for
from kshell.transport.client import Attempt, Route

TO = "+919812345678"


def seconds(work) -> float:
    """Return how long ``work`` takes on the clock on the wall."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def attempt_to(url: str, *, embedded: bool = False) -> Attempt:
    """Return a send to a pod at ``url``."""
    request = Request(SEND_AUTHENTICATION, url, (), {"messaging_object": {"to": TO}})
    return Attempt(request, lambda: "", Route(handle=(lambda *_: None) if embedded else None))


def test_messages_wait_for_their_turn():
    """At 200 messages a second the 21st waits for a tenth of a second or more."""
    pace = Pace()
    assert seconds(lambda: [pace.wait((), 200) for _ in range(21)]) >= 0.09


def test_all_threads_have_one_rate():
    """Four threads together keep the rate."""
    pace = Pace()
    threads = [threading.Thread(target=lambda: [pace.wait((), 200) for _ in range(6)]) for _ in range(4)]

    def work() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert seconds(work) >= 0.1


def test_a_recipient_waits_for_the_next_message(monkeypatch):
    """A second message to one recipient waits; a message to another one does not."""
    monkeypatch.setattr("kshell.scripts.pace.RECIPIENT_SECONDS", 0.1)
    pace = Pace(clock=iter([0.0, 0.01, 0.02, 0.1]).__next__)
    said: list[str] = []
    pace.show = said.append
    pace.wait((TO,), 0)
    pace.wait(("+919812345679",), 0)
    assert seconds(lambda: pace.wait((TO,), 0)) >= 0.07


def test_a_pause_holds_every_message():
    """After ``pause`` the next message waits, and the text says what for."""
    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    pace.show = lambda text: (
        said.append(text),
        now.__setitem__(0, 5.0),
        pace._changed.notify_all(),
    )  # the clock goes on
    said: list[str] = []
    pace.pause(0.6)
    pace.wait((), 0)
    assert said == ["waiting 1 s: the API has answered 429, too many requests"]


def test_the_end_of_the_run_ends_a_wait():
    """A thread that waits for its turn is interrupted when the run ends."""
    pace = Pace()
    pace.pause(3600)
    interrupted = threading.Event()

    def work() -> None:
        try:
            pace.wait((), 0)
        except KeyboardInterrupt:
            interrupted.set()

    thread = threading.Thread(target=work)
    thread.start()
    pace.end()
    thread.join(60)
    assert interrupted.is_set()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("7", 7),
        (" 0 ", 0),
        ("soon", PAUSE_SECONDS),
        ("-1", PAUSE_SECONDS),
        ("9" * 30, PAUSE_SECONDS),
        ("٣", PAUSE_SECONDS),
    ],
)
def test_retry_after_is_a_number_of_seconds(text, wanted):
    """``Retry-After`` is a whole number of seconds; any other text means 5 seconds."""
    assert seconds_asked_for(Response(429, "", (("retry-after", text),), b"")) == wanted


def test_retry_after_is_a_date():
    """``Retry-After`` may be a date; one that has passed means no wait."""
    later = Response(429, "", (("Retry-After", formatdate(time.time() + 600, usegmt=True)),), b"")
    assert 300 < seconds_asked_for(later) <= 600
    assert seconds_asked_for(Response(429, "", (("Retry-After", formatdate(0, usegmt=True)),), b"")) == 0


@pytest.mark.parametrize(
    ("rate", "url", "embedded", "wanted"),
    [
        (None, "https://api.in.kaleyra.io/x", False, ([TO], LIVE_RATE)),
        (None, "http://127.0.0.1:1/x", False, ([], 0)),
        (None, "https://api.in.kaleyra.io/x", True, ([], 0)),
        (7, "http://127.0.0.1:1/x", False, ([], 7)),
        (0, "https://api.in.kaleyra.io/x", False, ([TO], 0)),
    ],
)
def test_the_default_rate_is_for_live_pods(monkeypatch, rate, url, embedded, wanted):
    """Without ``--rate`` a live pod gets 80 messages a second, and no other pod has a limit."""
    waits: list[object] = []
    pace = Pace(rate)
    monkeypatch.setattr(pace, "wait", lambda recipients, rate: waits.append(([*recipients], rate)))
    pace.sender(lambda attempt: Exchange(attempt.request, None, Delivery.NOT_SENT, 0))(
        attempt_to(url, embedded=embedded)
    )
    assert waits == [wanted]


def test_a_429_pauses_the_run_and_is_not_sent_again(cli, write):
    """A row that got 429 is refused and is not sent again; the next row waits as long as ``Retry-After`` says."""
    too_many = answer(429, refusal("WA429"), ("Retry-After", "1"))

    def step(connection: Connection) -> None:
        (too_many if len(server.requests) == 1 else answer(202, ACCEPTED))(connection)

    with Server(read, step, close) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        write("r.csv", rows_csv(2))
        begun = time.monotonic()
        ran = cli("run", "s.kshell", "--rows", "r.csv")
    assert time.monotonic() - begun >= 1
    assert "messages: 1 accepted, 1 refused; " in ran.err
    assert len(server.requests) == 2


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_the_wait_for_the_rate(write, jobs):
    """Ctrl-C while a row waits for its turn ends the run; that row was not sent."""
    with Server(read, answer(202, ACCEPTED), reach, hang) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        write("r.csv", rows_csv(4))
        with subprocess.Popen(
            [sys.executable, "-m", "kshell", "run", "s.kshell", "--rows", "r.csv", "--rate", "0.001", "--jobs", jobs],
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            text=True,
        ) as run:
            settled(server, run)
            run.send_signal(signal.SIGINT)
            _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert len(server.requests) == 1
    assert "1 accepted" in err
