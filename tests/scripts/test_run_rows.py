"""``kshell.run_rows``: rows of Python are run as those of a file, and their outcomes are counted."""

from __future__ import annotations

import gc
import signal
import sqlite3
import threading
from pathlib import Path

import pytest
from support.counting import accept_all, messages_by_recipient
from support.servers import ACCEPTED, Server, answer, local_pod, pause, reach, read

import kshell
from kshell.scripts.ledger import counts
from kshell.session.session import Session

ROWS = [{"to": f"+9198000000{number:02}", "otp": f"{number:06}"} for number in range(6)]


@pytest.fixture
def script(write):
    """Return the name of a script that sends to the simulator."""
    write("row.kshell", "send\n")
    return "row.kshell"


def test_rows_are_counted(script):
    """Every row of the iterable is sent once, and the counts say so."""
    assert kshell.run_rows(script, iter(ROWS)) == ({"passed": 6}, {"accepted": 6}, 0)


def test_the_ledger_is_that_of_the_command(script, cli, write):
    """What ``run_rows`` has sent, ``kshell run`` passes over, and the other way round."""
    kshell.run_rows(script, ROWS[:3], ledger="run.ledger")
    write("r.csv", "otp,to\n" + "".join(f"{row['otp']},{row['to']}\n" for row in ROWS))
    assert "messages: 3 accepted; " in cli("run", script, "--rows", "r.csv", "--ledger", "run.ledger").err
    assert kshell.run_rows(script, ROWS, ledger="run.ledger") == ({"passed over": 6}, {}, 0)


def test_shards_and_jobs_send_every_row_once(write):
    """Four shards, each with two jobs, send each row once between them."""
    with Server(accept_all) as server:
        write("row.kshell", f"send -p {local_pod(server.url)}\n")
        for part in range(4):
            kshell.run_rows("row.kshell", ROWS, shard=(part, 4), jobs=2)
    assert messages_by_recipient(server) == {row["to"]: 1 for row in ROWS}


@pytest.mark.parametrize("ledger", [None, "run.ledger"])
def test_a_row_that_has_ended_is_forgotten_without_the_garbage_collector(write, ledger):
    """After a run the session of the last row may be in memory, and of no other: nothing of a row refers to itself."""
    before = {id(found) for found in gc.get_objects() if isinstance(found, Session)}
    gc.disable()
    try:
        with Server(accept_all) as server:
            write("row.kshell", f"send -p {local_pod(server.url)}\n")
            kshell.run_rows("row.kshell", ROWS, ledger=ledger)
        left = [found for found in gc.get_objects() if isinstance(found, Session) and id(found) not in before]
    finally:
        gc.enable()
    assert len(left) <= 1


class LimitError(Exception):
    """What an engine raises in a task that takes too long."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timers that signal")
def test_what_is_under_way_when_an_engine_ends_a_task_is_noted(write):
    """After an exception from a signal handler no row begins, and the ledger gets the outcome of what was under way."""

    def end(*_: object) -> None:
        raise LimitError

    before = signal.signal(signal.SIGALRM, end)
    try:
        with Server(read, reach, pause(0.5), answer(202, ACCEPTED)) as server:
            write("row.kshell", f"send -p {local_pod(server.url)}\n")
            task = threading.Thread(target=lambda: (server.reached.wait(20), signal.pthread_kill(main, signal.SIGALRM)))
            main = threading.main_thread().ident
            task.start()
            with pytest.raises(LimitError):
                kshell.run_rows("row.kshell", ROWS, ledger="run.ledger")
            task.join()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (counts(Path("run.ledger")), len(server.requests)) == ({"accepted": 1}, 1)


def test_values_are_texts_or_whole_numbers(script):
    """None leaves a variable unset; a value that is no text and no whole number is the fault of its row."""
    rows = [{"to": "+919812345678", "otp": 482913, "ref": None}, {"to": 1.5}, {"to": ["+91"]}, {1: "x"}]
    counts = kshell.run_rows(script, rows)
    assert (counts.states, counts.exit_code) == ({"passed": 1, "failed": 3}, 3)


def test_a_faulty_script_raises(write):
    """A script with a fault raises before any row is read."""
    write("row.kshell", "sned\n")
    with pytest.raises(kshell.ScriptError, match="there is no command 'sned'"):
        kshell.run_rows("row.kshell", iter([pytest.fail]))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"jobs": jobs} for jobs in (0, 65, 1.5, "2", None, True)),
        *({"rate": rate} for rate in (-1, float("nan"), float("inf"), "1", [])),
        *({"shard": shard} for shard in ((4, 4), (0,), (0, 1, 2), "0/4", 5, ())),
        *({"ledger": ledger} for ledger in (5, b"run.ledger", "a\0b")),
        *({"rows": rows} for rows in (None, 5, "abc", ROWS[0])),
        *({"script": script} for script in (None, 5, b"row.kshell", "a\0b", "\ud800")),
    ],
    ids=repr,
)
def test_wrong_arguments_raise(script, wrong):
    """Arguments of a wrong type, or outside of their range, raise a ``UsageError`` that names them or says what they are."""
    with pytest.raises(kshell.UsageError) as caught:
        kshell.run_rows(**{"script": script, "rows": ROWS, **wrong})
    assert caught.value.hint


def test_a_script_that_does_not_exist_raises():
    """The error is a ``ScriptError`` that names the file."""
    with pytest.raises(kshell.ScriptError, match=r"none\.kshell cannot be read"):
        kshell.run_rows("none.kshell", ROWS)


@pytest.mark.parametrize("row", [None, "to", [("to", "+919812345678")], 5], ids=repr)
def test_a_row_that_is_no_mapping_is_a_faulty_row(script, row):
    """Such a row is counted as failed, and the others are sent."""
    assert kshell.run_rows(script, [row, ROWS[0]]) == ({"failed": 1, "passed": 1}, {"accepted": 1}, 3)


def test_a_ledger_that_cannot_be_written_raises(script, monkeypatch):
    """If a claim cannot be written, ``run_rows`` raises and has sent nothing."""
    monkeypatch.setattr("kshell.scripts.ledger_file.BUSY_SECONDS", 0.01)
    kshell.run_rows(script, [], ledger="run.ledger")
    other = sqlite3.connect("run.ledger", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(kshell.LedgerError, match="locked"):
        kshell.run_rows(script, ROWS, ledger="run.ledger")
    other.close()
