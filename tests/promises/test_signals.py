"""SIGTERM and SIGHUP end a command as Ctrl-C does: with the delivery, with reports, and with their own exit codes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from conftest import PROJECT
from support.clock import in_time
from support.screen import Terminal
from support.servers import ACCEPTED, Server, answer, hang, local_pod, pause, reach, read, settled, wait_until

from kshell.__main__ import main
from kshell.scripts.ledger import counts

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
SIGNALS = pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
STARTED = """
from kshell.__main__ import entry, signals
signals.handle(signals.leave)
print(flush=True)
entry()
"""


def kshell(*words: str, ignore_hangup: bool = False) -> subprocess.Popen[str]:
    """Start kshell in a process that prints an empty line when kshell handles signals; return the process."""
    return subprocess.Popen(
        [sys.executable, "-c", STARTED, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        preexec_fn=(lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)) if ignore_hangup else None,  # noqa: PLW1509 - no thread is there yet
    )


def end(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Send a signal to the process; return its exit code and stderr."""
    with process:
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    return process.returncode, err


class Held:
    """Holds the answers of a server back until a process has taken a signal."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, _: object) -> None:
        """Wait, as a step of the server."""
        self.released.wait(60)

    def end(self, server: Server, process: subprocess.Popen[str], number: int) -> tuple[int, str]:
        """Send a signal, let the server go on once the process has taken it; return the exit code and stderr."""
        with process:
            process.send_signal(number)
            settled(server, process)
            self.released.set()
            _, err = process.communicate(timeout=60)
        return process.returncode, err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_send_names_the_delivery(number):
    """A send that SIGTERM or SIGHUP ends reports the delivery "unknown" and exits with 128 plus the signal."""
    with Server(read, reach, hang) as server:
        process = kshell("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
        assert server.reached.wait(60)
        code, err = end(process, number)
    assert code == CODES[number]
    assert err.endswith("interrupted; delivery: unknown\n")
    assert len(server.requests) == 1


@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, "2"), (signal.SIGTERM, "1"), (signal.SIGHUP, "2")])
def test_a_signal_during_a_run_leaves_its_summary_and_its_reports(write, number, jobs):
    """A run that a signal ends prints its summary and writes its reports whole."""
    held = Held()
    with Server(read, reach, held) as server:
        write("s.kshell", f"send -p {local_pod(server.url)} to=+919812345678 otp=1\n")
        process = kshell("run", "s.kshell", "--jobs", jobs, "--report", "json=r.json")
        assert server.reached.wait(60)
        code, err = held.end(server, process, number)
    assert code == CODES[number]
    assert "scripts: 1 interrupted; messages: 1 unknown; " in err
    report = json.loads(Path("r.json").read_text())
    assert [case["state"] for case in report["cases"]] == ["interrupted"]
    assert report["cases"][0]["deliveries"] == ["unknown"]


@SIGNALS
def test_a_signal_while_modules_are_imported_says_that_nothing_was_sent(number):
    """A signal before the command runs gives one line, "nothing was sent", and the exit code 128 plus the signal."""
    program = f"""
import os, sys
class Signalling:
    def find_spec(self, name, path=None, target=None):
        if name == "kshell.cli":
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Signalling())
sys.argv = ["kshell", "send", "to=+919812345678"]
from kshell.__main__ import entry
entry()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (CODES[number], "", "interrupted; nothing was sent\n")


@pytest.mark.parametrize("seed", range(4))
def test_a_signal_at_any_moment_tells_the_truth(seed):
    """At any moment a signal shows no traceback and reports a delivery that agrees with the server."""
    chance = random.Random(seed)  # noqa: S311 - a moment, not a secret
    number = [*CODES][seed % len(CODES)]
    with Server(pause(0.01), read, pause(0.05), answer(202, ACCEPTED)) as server:
        process = kshell("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
        process.stdout.readline()
        time.sleep(chance.uniform(0.02, 0.6))
        code, err = end(process, number)
    assert "Traceback" not in err
    assert len(server.requests) <= 1
    if code == 0:  # it was done before the signal came
        assert len(server.requests) == 1
        return
    assert code == CODES[number]
    assert "interrupted" in err
    if "nothing was sent" in err or "delivery: not-sent" in err:
        assert server.requests == []


IN_AN_IMPORT = """
import signal, sys
from kshell.__main__ import entry
from kshell.core import signals

def at_the_lock(frame, event, function):
    if event == "c_return" and (frame.f_code.co_name, function.__name__) == ("cb", "acquire_lock"):
        sys.setprofile(None)
        signals.interrupt(signal.SIGTERM, frame)  # as Python calls the handler

def handle_and_look(handler, handle=signals.handle):
    handle(handler)
    if handler is signals.interrupt:
        sys.setprofile(at_the_lock)

signals.handle = handle_and_look
entry()
"""


def test_a_signal_in_a_callback_of_an_import_is_not_lost():
    """A signal while importlib holds its lock ends a send like any other: it is not lost, and no thread waits for the lock."""
    with Server(read, hang) as server:
        words = [sys.executable, "-c", IN_AN_IMPORT, "send", "-p", local_pod(server.url), "to=+919812345678", "otp=1"]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        ended = subprocess.run(words, capture_output=True, env=environment, text=True, check=False, timeout=60)
    assert (ended.returncode, "Exception ignored" in ended.stderr) == (143, False)
    assert ended.stderr.splitlines()[-1].startswith("interrupted; ")


def test_a_signal_while_reports_are_written_waits_for_them(cli, write, monkeypatch):
    """After a signal the reports are still written, and the exit code tells that the run was interrupted."""
    from kshell.core import signals
    from kshell.scripts import reports

    write("s.kshell", "send to=+919812345678 otp=1\n")
    write_json = reports.REPORTS["json"]

    def slow(*parts):
        signals.interrupt(signal.SIGTERM, None)
        return write_json(*parts)

    monkeypatch.setitem(reports.REPORTS, "json", slow)
    monkeypatch.setattr(signals, "_received", [])
    ran = cli("run", "s.kshell", "--report", "json=r.json")
    assert (ran.code, signals.exit_code(ran.code)) == (130, 143)
    assert json.loads(Path("r.json").read_text())["cases"][0]["state"] == "passed"
    assert ran.err.endswith("interrupted\n")


@SIGNALS
def test_a_signal_that_is_blocked_while_python_starts_is_not_lost(number):
    """A signal that was blocked before Python started ends kshell at its first instruction: nothing was sent."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kshell", "send", "to=+919812345678"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [number]),  # noqa: PLW1509 - no thread is there yet
    )
    assert end(process, number) == (CODES[number], "interrupted; nothing was sent\n")


def test_a_hangup_that_is_ignored_stays_ignored():
    """Under ``nohup`` SIGHUP does not end a send."""
    held = Held()
    with Server(read, reach, held, answer(202, ACCEPTED)) as server:
        process = kshell("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1", ignore_hangup=True)
        assert server.reached.wait(60)
        code, err = held.end(server, process, signal.SIGHUP)
    assert code == 0
    assert "\n202 " in f"\n{err}"


def test_the_shell_ends_on_sigterm():
    """SIGTERM ends the shell at its prompt with exit code 143."""
    terminal = Terminal.kshell()
    terminal.child.kill(signal.SIGTERM)
    assert terminal.ended()
    assert terminal.child.exitstatus == 143


def test_sigterm_ends_the_wait_of_a_run_in_threads(write):
    """After SIGTERM a run of several at a time waits 5 seconds for what is under way, and then reports it as unknown."""
    with Server(read, reach, hang) as server:
        write("s.kshell", f"send -p {local_pod(server.url)} to=+919812345678 otp=1\n")
        write("rows.csv", "ref\na\nb\nc\n")
        options = ["--rows", "rows.csv", "--jobs", "2", "--report", "json=r.json", "--ledger", "run.ledger"]
        process = kshell("run", "s.kshell", *options)
        assert server.reached.wait(60)
        assert wait_until(lambda: len(server.requests) == 2)
        begun = time.monotonic()
        code, err = end(process, signal.SIGTERM)
        seconds = time.monotonic() - begun
    assert seconds > 4.5
    assert in_time(seconds, 15)  # without an end it would be 30
    assert code == 143
    assert "s.kshell rows 1 to 2: interrupted (unknown)\ns.kshell row 3: not run\n" in err
    assert "rows: 2 interrupted, 1 not run; messages: 2 unknown; " in err
    cases = json.loads(Path("r.json").read_text())["cases"]
    assert [case["deliveries"] for case in cases] == [["unknown"], ["unknown"], []]
    assert counts(Path("run.ledger")) == {"unknown": 2}


def test_a_second_ctrl_c_counts_what_is_under_way(write):
    """A second Ctrl-C ends the wait of a run of several at a time; no case is called running then."""
    with Server(read, reach, hang) as server:
        write("s.kshell", f"send -p {local_pod(server.url)} to=+919812345678 otp=1\n")
        write("rows.csv", "ref\na\nb\nc\n")
        process = kshell(*["run", "s.kshell", "--rows", "rows.csv", "--jobs", "2"])
        assert server.reached.wait(60)
        assert wait_until(lambda: len(server.requests) == 2)
        process.send_signal(signal.SIGINT)
        settled(server, process)
        code, err = end(process, signal.SIGINT)
    assert code == 130
    assert "rows: 2 interrupted, 1 not run; messages: 2 unknown; " in err


@pytest.mark.parametrize(("number", "jobs"), [(signal.SIGINT, "1"), (signal.SIGTERM, "2"), (signal.SIGHUP, "1")])
def test_rows_under_way_are_waited_for(write, number, jobs):
    """After a signal no row begins, and the answers of the rows under way are read: their outcome is known."""
    count, held = int(jobs), Held()
    with Server(read, reach, held, answer(202, ACCEPTED)) as server:
        write("s.kshell", f"send -p {local_pod(server.url)} to=+919812345678 otp=1\nsend\n")
        write("rows.csv", "ref\na\nb\nc\n")
        process = kshell("run", "s.kshell", "--rows", "rows.csv", "--jobs", jobs)
        assert server.reached.wait(60)
        assert wait_until(lambda: len(server.requests) == count)
        code, err = held.end(server, process, number)
    assert code == CODES[number]
    assert f"rows: {count} interrupted, {3 - count} not run; messages: {count} accepted; " in err
    assert len(server.requests) == count


def test_a_row_that_is_whole_after_a_signal_has_passed(write):
    """A row whose last line ends well after the signal has passed; it is not called interrupted."""
    held = Held()
    with Server(read, reach, held, answer(202, ACCEPTED)) as server:
        write("s.kshell", f"send -p {local_pod(server.url)} to=+919812345678 otp=1\n")
        write("rows.csv", "ref\na\nb\n")
        process = kshell("run", "s.kshell", "--rows", "rows.csv")
        assert server.reached.wait(60)
        code, err = held.end(server, process, signal.SIGINT)
    assert code == 130
    assert "s.kshell row 1: passed (accepted)\ns.kshell row 2: not run\n" in err


def test_a_signal_ends_the_wait_of_an_expect(write):
    """Ctrl-C ends a row whose expect waits for the next look."""
    write("s.kshell", "send\nexpect statuses == []\n")
    write("rows.csv", "to\n+919812345678\n+919812345679\n")
    options = ["--rows", "rows.csv", "--retry", "1", "--delay", "3000", "--ledger", "run.ledger"]
    process = kshell("run", "s.kshell", *options)
    written = Path("run.ledger-wal")
    assert wait_until(lambda: written.exists() and b"accepted" in written.read_bytes())
    code, err = end(process, signal.SIGINT)
    assert code == 130
    assert "rows: 1 interrupted, 1 not run; messages: 1 accepted; " in err


def test_a_run_that_has_given_up_sends_nothing_more(write):
    """A case that still works when the run ends sends nothing after the summary."""
    from kshell.core.exchange import Exchange
    from kshell.profiles.files import Places
    from kshell.scripts.runs import Plan, Run
    from kshell.scripts.script import read_script
    from kshell.scripts.script_run import Case

    def sender(attempt):
        return sent.append(attempt) or attempt.run()

    sent: list[Exchange] = []
    case = Case(read_script(write("s.kshell", "send to=+919812345678 otp=1\n")))
    run = Run([case], Plan(Places.standard(), sender=nullcontext(sender)), lambda _: None)
    run._given_up = True
    run.go()
    assert (sent, case.state, case.deliveries) == ([], "interrupted", ["not-sent"])


@pytest.mark.parametrize("words", [("send", "to=+919812345678", "otp=1"), ("run", "s.kshell")])
def test_a_signal_while_the_outcome_is_printed_waits_for_it(capsys, write, monkeypatch, words):
    """What became of a message is printed whole, then the signal ends the process."""
    from kshell.console import printer
    from kshell.core import signals

    write("s.kshell", "send to=+919812345678 otp=1\n")
    note_lines, signalled = printer.note_lines, []

    def slow(note, **options):
        if not signalled:
            signalled.append(note)
            signals.interrupt(signal.SIGTERM, None)
        return note_lines(note, **options)

    monkeypatch.setattr(printer, "note_lines", slow)
    monkeypatch.setattr(signals, "_received", [])
    monkeypatch.setattr(sys, "argv", ["kshell", *words])
    code = main()
    err = capsys.readouterr().err
    assert (code, signals.exit_code(code)) == (130, 143)
    assert "202 Accepted" in err
    assert "interrupted" in err.partition("202 Accepted")[2]


def test_a_signal_while_the_answer_is_printed_waits_for_it(capsys, monkeypatch):
    """The body of an answer is printed whole on stdout, then the signal ends the process."""
    from kshell.console import printer
    from kshell.core import signals

    signalled = []

    def slow(stream, **_):
        if stream is sys.stdout and not signalled:
            signalled.append(stream)
            signals.interrupt(signal.SIGTERM, None)
        return False

    monkeypatch.setattr(printer, "wants_colour", slow)
    monkeypatch.setattr(signals, "_received", [])
    monkeypatch.setattr(sys, "argv", ["kshell", "send", "to=+919812345678", "otp=1"])
    code = main()
    assert (code, signals.exit_code(code)) == (130, 143)
    assert '"WA202"' in capsys.readouterr().out
