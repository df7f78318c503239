"""Promise 14: with a ledger a row's message is sent at most once, whatever is killed whenever and run again."""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import PROJECT
from support.counting import accept_all, messages_by_recipient, rows_csv
from support.programs import needs
from support.servers import Server, local_pod, pause, reach, read, settled, wait_until

from kshell.scripts.ledger import entries

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS = 60
LEDGER = Path("run.ledger")
ENTRY = "from kshell.__main__ import entry; entry()"
# a run that waits only for a moment for the rows of a run that a test has killed
KSHELL = ("-c", f"from kshell.scripts import ledger; ledger._MOMENT = 0.1; {ENTRY}")


@pytest.fixture
def server(write):
    """Yield a server that counts, with a script and rows that send to it."""
    with Server(accept_all) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        write("r.csv", rows_csv(ROWS))
        yield server


def started(*options: str, program: Sequence[str] = KSHELL) -> subprocess.Popen[str]:
    """Start a run with the ledger."""
    return subprocess.Popen(
        [sys.executable, *program, "run", "s.kshell", "--rows", "r.csv", "--ledger", LEDGER, *options],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
    )


def accounted_for(server: Server, killed: int, jobs: int = 1) -> None:
    """Assert that no row was sent twice, and that each is accepted, or may have been under way when a run was killed."""
    sent = messages_by_recipient(server)
    states = [entry.state for entry in entries(LEDGER)]
    assert set(sent.values()) == {1}
    assert len(states) == ROWS
    assert states.count("accepted") >= ROWS - killed * jobs
    assert len(sent) >= states.count("accepted")
    assert set(states) <= {"accepted", "claimed"}


def test_after_a_kill_every_row_is_sent_once_or_unknown(server):
    """A run of eight jobs that SIGKILL ends is run again: each row is sent at most once, only what was under way is unknown."""
    moment = random.Random(8).randrange(1, ROWS // 2)  # noqa: S311 - a moment, not a secret
    with started("--jobs", "8") as run:
        assert wait_until(lambda: len(server.requests) >= moment)
        run.send_signal(signal.SIGKILL)
    with started("--jobs", "8") as run:
        _, err = run.communicate(timeout=60)
    accounted_for(server, killed=1, jobs=8)
    unknown = [entry for entry in entries(LEDGER) if entry.state == "claimed"]
    assert run.returncode == (5 if unknown else 0)
    assert err.count("not sent again") == len(unknown)


def test_two_runs_on_one_ledger_send_every_row_once(server):
    """Two runs of all rows on one ledger send each row once, also if one of them is killed."""
    with started("--jobs", "2") as one, started("--jobs", "2") as other:
        assert wait_until(lambda: len(server.requests) >= ROWS // 3)
        one.send_signal(signal.SIGKILL)
        other.communicate(timeout=60)
    accounted_for(server, killed=1, jobs=2)


@needs("strace")
def test_a_claim_is_on_the_disk_before_its_first_byte(server, write):
    """Between the first bytes of two messages, the disk has confirmed what was written to the ledger."""
    write("r.csv", rows_csv(3))
    words = ["strace", "-f", "-y", "-o", "trace", "-e", "trace=fdatasync,sendto"]
    words += [sys.executable, "-m", "kshell", "run", "s.kshell", "--rows", "r.csv", "--ledger", LEDGER]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(PROJECT)}, timeout=60
    )
    if "PTRACE" in done.stderr:
        pytest.skip("this process may not be traced")
    assert done.returncode == 0, done.stderr
    events = re.findall(r'"(POST) |(fdatasync).* = 0$', Path("trace").read_text(), re.MULTILINE)
    shown = "".join(sent[:1] or "." for sent, _ in events)
    assert shown.count("P") == 3
    assert "PP" not in shown


def test_a_send_that_a_signal_ends_is_unknown_in_the_ledger(write):
    """A second signal ends a send, which is "unknown" in the ledger then; no other row is in it."""
    with Server(read, reach, pause(60)) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        write("r.csv", rows_csv(3))
        with started() as run:
            assert server.reached.wait(60)
            run.send_signal(signal.SIGTERM)
            settled(server, run)
            run.send_signal(signal.SIGTERM)
            _, err = run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM
    assert [entry.state for entry in entries(LEDGER)] == ["unknown"]
    assert "messages: 1 unknown; " in err


def test_a_signal_ends_the_wait_for_a_ledger_that_another_program_holds(server, write):
    """While another program holds the ledger, a signal ends the run without the wait for it, and no message is sent twice."""
    patient = f"from kshell.scripts import ledger_file; ledger_file.BUSY_SECONDS = 3600; {ENTRY}"
    for rows in (ROWS, 30 * ROWS):  # a busy machine may have sent the few before the lock is held
        for file in Path().glob(f"{LEDGER}*"):
            file.unlink()
        server.requests.clear()
        write("r.csv", rows_csv(rows))
        with started("--jobs", "2", program=("-c", patient)) as run:
            assert wait_until(lambda: len(server.requests) > 1)
            with closing(sqlite3.connect(LEDGER, isolation_level=None, timeout=60)) as other:
                other.execute("BEGIN IMMEDIATE")
                run.send_signal(signal.SIGTERM)
                _, err = run.communicate(timeout=60)
        if " passed, " in err:  # and others not
            break
    assert run.returncode == 128 + signal.SIGTERM
    assert " passed, " in err
    with started() as again:
        again.communicate(timeout=60)
    assert {*messages_by_recipient(server).values()} == {1}
