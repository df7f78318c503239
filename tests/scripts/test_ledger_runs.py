"""``run --ledger``: a row is sent once, whichever run sends it, and the summary says which rows were passed over."""

from __future__ import annotations

import json
import re
import resource
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from support.counting import accept_all, messages_by_recipient, rows_csv
from support.servers import ACCEPTED, Server, answer, closed_port, local_pod, pause, read

from kshell.core.errors import LedgerError
from kshell.scripts.ledger import Claim, Ledger, counts

LEDGER = Path("run.ledger")


@pytest.fixture
def run(cli, write):
    """Return a function that runs a script with a ledger and so many rows: ``run(script, rows, *options)``."""

    def ran(script: str, rows: int | str, *options: str):
        write("s.kshell", script)
        write("r.csv", rows_csv(rows) if isinstance(rows, int) else rows)
        return cli("run", "s.kshell", "--rows", "r.csv", "--ledger", "run.ledger", *options)

    return ran


def forget() -> None:
    """Make the ledger look as if a run had been killed while it sent the second row."""
    with sqlite3.connect(LEDGER) as connection:
        connection.execute("UPDATE sends SET state = 'claimed', ended_at = NULL, claimed_at = 1 WHERE number = 2")
    connection.close()


def test_a_second_run_sends_nothing(run):
    """Rows that an earlier run sent are passed over, and no message is counted."""
    assert "rows: 3 passed; messages: 3 accepted; " in run("send\n", 3).err
    again = run("send\n", 4)
    assert again.code == 0
    assert "s.kshell rows 1 to 3: passed over (accepted)\ns.kshell row 4: passed (accepted)\n" in again.err
    assert "rows: 3 passed over (accepted), 1 passed; messages: 1 accepted; " in again.err


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_of_equal_rows_one_is_sent(run, write, jobs):
    """A row whose cells equal those of an earlier row is passed over."""
    with Server(accept_all) as server:
        row = "+919812345678,123456\n"
        ran = run(f"send -p {local_pod(server.url)}\n", f"to,otp\n{row * 6}", "--jobs", jobs)
    assert ran.code == 0
    assert sorted(ran.err.splitlines()[-1].split(";")[0].removeprefix("rows: ").split(", ")) == [
        "1 passed",
        "5 passed over (accepted)",
    ]
    assert [*messages_by_recipient(server).values()] == [1]


def test_the_fates_of_a_row_with_two_sends_are_joined(run):
    """A row of two messages that was passed over counts once, with the outcomes of both."""
    run("send\nsend ref=2\n", 1)
    with sqlite3.connect(LEDGER) as connection:
        connection.execute("UPDATE sends SET state = 'refused' WHERE ordinal = 2")
    connection.close()
    assert "rows: 1 passed over (accepted and refused); messages: none; " in run("send\nsend ref=2\n", 1).err


def test_a_clock_that_stands_still_sends_no_row_twice(run, monkeypatch):
    """Of two claims of one row at one time the second is refused, and its end changes nothing of the first."""
    with Server(read, pause(0.2), answer(202, ACCEPTED)) as server, monkeypatch.context() as clock:
        script, row = f"send -p {local_pod(server.url)}\n", "+919812345678,123456\n"
        clock.setattr("kshell.scripts.ledger_sender.time.time", lambda: 1e9)
        clock.setattr(Ledger, "sends_of", lambda *_: [])  # both jobs look before one of them claims
        run(script, f"to,otp\n{row * 2}", "--jobs", "2")
        assert counts(LEDGER) == {"accepted": 1}
    assert [*messages_by_recipient(server).values()] == [1]


@pytest.fixture
def looking_too_early(monkeypatch):
    """Let the first looks at the ledger find nothing, as if a row were sent right after them: ``looking_too_early(looks)``."""

    def look_early(looks: int) -> None:
        look, early = Ledger.sends_of, iter(range(looks))
        monkeypatch.setattr(Ledger, "sends_of", lambda *words: look(*words) if next(early, None) is None else [])

    return look_early


@pytest.mark.parametrize("script", ["send\n", "send\nsend ref=2\n"])
def test_a_row_that_an_equal_row_overtook_is_passed_over(run, looking_too_early, script):
    """A row that an equal row sent between its look at the ledger and its claim is counted as passed over."""
    run(script, 1)
    looking_too_early(3)
    ran = run(script, "to,otp\n" + "+919812345678,123456\n" * 3)
    assert ran.code == 0
    sent = script.count("send")
    assert f"rows: 2 passed over (accepted), 1 passed; messages: {sent} accepted; " in ran.err


@pytest.mark.parametrize("looks", [1, 3])
def test_a_row_that_was_overtaken_sends_what_is_left(run, looking_too_early, looks):
    """A row whose first message was sent after each of its looks at the ledger plays the answer and sends the second one."""
    script = "send\nexpect body.code == 'WA202'\nexpect stop == 'no'\nsend ref=2\n"
    run(script, 1, "--var", "stop=yes")
    looking_too_early(looks)
    again = run(script, 1, "--var", "stop=no")
    assert again.code == 0
    assert "rows: 1 passed; messages: 1 accepted; " in again.err
    assert counts(LEDGER) == {"accepted": 2}


def test_a_row_of_unknown_outcome_is_listed_and_not_sent(run):
    """A row that a killed run was sending is not sent; it is named with its time, and the exit code is 5."""
    run("send\n", 3)
    forget()
    again = run("send\n", 3)
    assert again.code == 5
    assert "s.kshell row 2:\nerror: not sent again: the message to +91XXXXXXXX01 was begun at 1970-" in again.err
    assert "rows: 3 passed over (2 accepted, 1 unknown); messages: none; " in again.err


def test_resend_needs_yes(run):
    """``--resend unknown`` without ``--yes`` sends nothing, and says how many messages may be delivered twice."""
    run("send\n", 3)
    forget()
    ran = run("send\n", 3, "--resend", "unknown")
    assert ran.code == 2
    assert "messages that --resend unknown may deliver twice: 1\nhint: add --yes to send them" in ran.err
    assert counts(LEDGER)["claimed"] == 1


def test_resend_sends_what_is_unknown(run):
    """``--resend unknown --yes`` sends the unknown row and no other."""
    run("send\n", 3)
    forget()
    ran = run("send\n", 3, "--resend", "unknown", "--yes")
    assert (ran.code, counts(LEDGER)) == (0, {"accepted": 3})
    assert "rows: 2 passed over (accepted), 1 passed; messages: 1 accepted; " in ran.err


def test_what_was_not_sent_is_sent(run):
    """A row that failed before its first byte is sent by the next run."""
    with closed_port() as port:
        local_pod(f"http://127.0.0.1:{port}")
        assert run("send -p local\n", 2).code == 4
    assert counts(LEDGER) == {"not-sent": 2}
    with Server(accept_all) as server:
        local_pod(server.url)
        assert run("send -p local\n", 2).code == 0
    assert counts(LEDGER) == {"accepted": 2}


def test_a_refused_row_is_not_sent_again(run):
    """A row that the API refused is passed over by the next run."""
    with Server(read, answer(400, b'{"code": "E110", "message": "no", "data": {}, "error": {}}')) as server:
        local_pod(server.url)
        assert run("send -p local\n", 1).code == 1
        again = run("send -p local\n", 1)
    assert (again.code, len(server.requests)) == (0, 1)
    assert "rows: 1 passed over (refused); " in again.err


def test_of_a_row_with_two_sends_the_second_is_sent_later(run):
    """The first send of a row is played from the ledger if the row stopped after it; the second is sent."""
    script = "send\nexpect body.code == 'WA202'\nexpect stop == 'no'\nsend ref=2\n"
    assert run(script, 2, "--var", "stop=yes").code == 1
    again = run(script, 2, "--var", "stop=no")
    assert again.code == 0
    assert "rows: 2 passed; messages: 2 accepted; " in again.err
    assert " · 2 from the ledger · simulated\n" in again.err
    assert counts(LEDGER) == {"accepted": 4}


def test_a_row_that_another_run_sends_is_looked_at_again(run, write, monkeypatch):
    """A row that another run is sending is passed over at the end, when its outcome is known."""
    monkeypatch.setattr("kshell.scripts.ledger._MOMENT", 60)
    write("s.kshell", "send\n")
    with Ledger(LEDGER, "send") as ledger:
        claim = Claim(ledger.row({"to": "+919800000000", "otp": "000000"}, 1, 2), 1, time.time())
        ledger.claim(claim, "+919800000000")
        later = threading.Timer(0.3, lambda: ledger.end(claim, "accepted", 202, "WA202", "A1"))
        later.start()
        ran = run("send\n", 2)
        later.join()
    assert ran.code == 0
    assert "s.kshell row 1: passed over (accepted)" in ran.err


def test_a_ledger_that_cannot_be_written_ends_the_run(run, monkeypatch):
    """If a claim cannot be written, nothing is sent, no further row begins, and the exit code is 3."""
    monkeypatch.setattr("kshell.scripts.ledger_file.BUSY_SECONDS", 0.01)
    run("send\n", 1)
    other = sqlite3.connect(LEDGER, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ran = run("send\n", 5)
    other.close()
    assert ran.code == 3
    assert "error: " in ran.err
    assert "database is locked" in ran.err
    assert counts(LEDGER) == {"accepted": 1}


def test_a_full_disk_ends_the_run_and_loses_nothing(run, monkeypatch):
    """At the limit of a file's size the run ends with 3 and says what to do; the next run sends the rest, and none twice."""
    monkeypatch.setattr("kshell.scripts.ledger._MOMENT", 0.1)  # no other run notes an outcome
    with Server(accept_all) as server:
        script = f"send -p {local_pod(server.url)}\n"
        former = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, former[1]))
        try:
            ran = run(script, 30)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, former)
        again = run(script, 30)
    assert (ran.code, again.code) == (3, 5)
    assert "hint: make room, or raise the limit that ulimit -f shows: df -h ." in ran.err
    assert "error: outcomes that are not in the ledger run.ledger: 1; " in ran.err
    assert {*messages_by_recipient(server).values()} == {1}
    assert counts(LEDGER) == {"accepted": 29, "claimed": 1}


def test_reports_have_the_rows_that_were_passed_over(run):
    """JUnit and TAP skip a row that was passed over; one of unknown outcome is an error."""
    run("send\n", 3)
    forget()
    ran = run("send\n", 3, "--report", "tap", "--report", "junit=r.xml", "--report", "json=r.json")
    assert "ok 1 - s.kshell row 1 # SKIP passed over (accepted)\nnot ok 2 - s.kshell row 2\n" in ran.out
    assert 'tests="3" failures="0" errors="1"' in Path("r.xml").read_text()
    cases = json.loads(Path("r.json").read_text())["cases"]
    assert [(case["state"], case["earlier"]) for case in cases] == [
        ("passed over", ["accepted"]), ("passed over", ["unknown"]), ("passed over", ["accepted"])
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["s.kshell", "--ledger", "l"], "--ledger goes with --rows"),
        (["s.kshell", "s.kshell", "--rows", "r.csv", "--ledger", "l"], "one script"),
        (["s.kshell", "--rows", "r.csv", "--ledger", "l", "--cassette", "c.yaml"], "without --cassette"),
        (["s.kshell", "--rows", "r.csv", "--resend", "unknown", "--yes"], "--resend goes with --ledger FILE"),
    ],
)
def test_options_that_do_not_fit_are_refused(cli, write, options, message):
    """A ledger without rows, for two scripts or for a cassette is wrong usage, and makes no file."""
    write("s.kshell", "send\n")
    write("r.csv", rows_csv(1))
    ran = cli("run", *options)
    assert ran.code == 2
    assert message in ran.err
    assert not Path("l").exists()


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_ledger_that_cannot_be_read_ends_the_run(run, monkeypatch, jobs):
    """If the ledger cannot say what was sent, nothing is sent, no further row begins, and the exit code is 3."""

    def sends_of(*_: object) -> None:
        raise LedgerError("the ledger is damaged")

    run("send\n", 1)
    monkeypatch.setattr(Ledger, "sends_of", sends_of)
    ran = run("send\n", 50, "--jobs", jobs)
    assert ran.code == 3
    assert "error: the ledger is damaged" in ran.err
    assert re.search(r"rows: \d+ failed, \d+ not run; messages: none; ", ran.err)
