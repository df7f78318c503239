"""Promise 14, if something has changed between two starts: the rows, the shards, the clock, the pace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT
from support.counting import accept_all, messages_by_recipient, rows_csv
from support.servers import Server, answer, hang, local_pod, reach, read, refusal, settled, wait_until

from kshell.scripts.ledger import counts

LEDGER = Path("run.ledger")
A, B, C, D = (f"+9198000000{number:02},{number:06}\n" for number in range(4))


@pytest.fixture
def server(write):
    """Yield a server that counts, with a script that sends to it."""
    with Server(accept_all) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        yield server


@pytest.fixture
def run(cli, write):
    """Return a function that runs rows with the ledger: ``run(rows, *options)``."""

    def ran(rows: str, *options: str):
        write("r.csv", rows)
        return cli("run", "s.kshell", "--rows", "r.csv", "--ledger", "run.ledger", *options)

    return ran


def test_only_new_and_edited_rows_are_sent(server, run):
    """Rows that changed their place are not sent again; a new row is sent, and so is a row of which a cell was edited."""
    run(f"to,otp\n{A}{B}{C}")
    edited = B.replace("000001", "000009")
    ran = run(f"to,otp\n{C}{D}{edited}{A}")
    assert "rows: 2 passed over (accepted), 2 passed; " in ran.err
    sent = [cells.split(",")[0] for cells in (A, B, C, D, edited)]
    assert sorted(messages_by_recipient(server).elements()) == sorted(sent)


def test_columns_that_changed_their_order_change_no_row(server, run):
    """A row whose columns changed their order is not sent again."""
    run(f"to,otp\n{A}")
    assert "rows: 1 passed over (accepted); " in run("otp,to\n000000,+919800000000\n").err


@pytest.mark.parametrize("header", ["to,otp,ref", "to,ref"])
def test_a_column_more_or_another_one_sends_no_row_twice(server, run, header):
    """A ledger is refused for rows with other columns, since each row would be another row; so nothing is sent."""
    run(f"to,otp\n{A}")
    row = "+919800000000,000000,7\n" if header.count(",") == 2 else A
    ran = run(f"{header}\n{row}")
    assert ran.code == 3
    columns = ", ".join(sorted(header.split(",")))
    assert (
        f"error: the rows of run.ledger had the columns otp, to, not {columns}: each row would be sent again" in ran.err
    )
    assert [*messages_by_recipient(server).values()] == [1]


def test_the_columns_may_change_before_the_first_message(server, run):
    """As long as nothing was sent, the columns may change."""
    run("to,otp\n+91,000000\n")
    assert run(f"to,otp,ref\n{A.strip()},7\n").code == 0


def test_a_sourced_script_that_was_edited_sends_no_row_twice(run, write):
    """A ledger is refused if a script that its script sources has another line: a message before would change its number."""
    write("s.kshell", "source inner.kshell\n")
    write("inner.kshell", "send ref=first\n")
    assert run(f"to,otp\n{A}").code == 0
    assert "rows: 1 passed; messages: none; " in run(f"to,otp\n{A}").err
    write("inner.kshell", "send ref=new\nsend ref=first\n")
    ran = run(f"to,otp\n{A}")
    assert ran.code == 3
    assert "hint: undo the edit to go on: with a new ledger, each row is sent again" in ran.err
    assert counts(LEDGER) == {"accepted": 1}


@pytest.mark.parametrize("line", ["run inner.kshell --rows r.csv --jobs 4", "source {{ to }}.kshell", "{{ to }} x"])
def test_a_line_whose_messages_may_change_has_no_ledger(run, write, line):
    """A script with a line that may send other messages the next time is refused with a ledger, and makes no file."""
    write("s.kshell", f"set ref=1\n{line}\n")
    write("inner.kshell", "send\n")
    ran = run(f"to,otp\n{A}")
    assert ran.code == 3
    assert "error: s.kshell:2:1: a ledger cannot tell which messages this line sends" in ran.err
    assert not LEDGER.exists()


def test_another_number_of_shards_on_one_ledger_sends_no_row_twice(server, run):
    """After one of two shards, all of three shards on the same ledger send what is left."""
    rows = rows_csv(12)
    for shard in ("0/2", "0/3", "1/3", "2/3"):
        assert run(rows, "--shard", shard).code == 0
    assert sorted(messages_by_recipient(server).values()) == [1] * 12


def test_a_clock_that_goes_back_sends_no_row_twice(server, run, monkeypatch):
    """A row that was sent, or may have been, at a later time than it is now is not sent again."""
    run(f"to,otp\n{A}")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 86400)
    ran = run(f"to,otp\n{A}{B}")
    assert "rows: 1 passed over (accepted), 1 passed; " in ran.err
    assert sorted(messages_by_recipient(server).values()) == [1, 1]


def test_rows_that_wait_for_a_pause_are_not_claimed(write, run):
    """While a run waits after a 429, no row that waits is claimed: the next run sends them, and the refused one not again."""
    words = ["run", "s.kshell", "--rows", "r.csv", "--ledger", "run.ledger", "--rate", "1000"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with Server(read, answer(429, refusal("WA429"), ("Retry-After", "600")), reach, hang) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        write("r.csv", rows_csv(3))
        with subprocess.Popen(
            [sys.executable, "-m", "kshell", *words], env=environment, stderr=subprocess.PIPE
        ) as waiting:
            settled(server, waiting)
            assert wait_until(lambda: counts(LEDGER)["refused"])
            seen = counts(LEDGER)
            waiting.send_signal(signal.SIGINT)
            waiting.communicate(timeout=60)
        sent = messages_by_recipient(server)
    assert (waiting.returncode, seen) == (130, {"refused": 1})
    with Server(accept_all) as server:
        local_pod(server.url)
        assert run(rows_csv(3)).code == 0
        sent += messages_by_recipient(server)
    assert sorted(sent.values()) == [1, 1, 1]
