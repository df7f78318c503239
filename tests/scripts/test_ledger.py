"""The ledger: a claim is durable before its send, and a send that was begun is not begun again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.servers import wait_until

from kshell.core.errors import LedgerError
from kshell.scripts.ledger import Claim, Ledger, counts, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = "send\n"
NUMBER = "+919812345678"
CODE = "482913"
CELLS = {"to": NUMBER, "otp": CODE}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a ledger that does not exist yet."""
    return tmp_path / "run.ledger"


def claim(ledger: Ledger, cells: dict[str, str], ordinal: int = 1) -> Claim | None:
    """Claim a send of a row; None if the ledger does not grant it."""
    made = Claim(ledger.row(cells, 1, 2), ordinal, time.time())
    return made if ledger.claim(made, cells["to"]) is None else None


@pytest.mark.parametrize(
    ("state", "granted"), [("accepted", False), ("refused", False), ("unknown", False), ("not-sent", True)]
)
def test_only_a_send_that_was_not_sent_is_granted_again(file, state, granted):
    """A send that ended is granted to a later run only if nothing of it was sent."""
    with Ledger(file, SCRIPT) as ledger:
        ledger.end(claim(ledger, CELLS), state)
    with Ledger(file, SCRIPT) as ledger:
        assert bool(claim(ledger, CELLS)) == granted


def test_a_claim_without_an_outcome_is_not_granted_again(file):
    """A send that a killed run claimed is not granted to a later run."""
    with Ledger(file, SCRIPT) as ledger:
        claim(ledger, CELLS)
    with Ledger(file, SCRIPT) as ledger:
        assert claim(ledger, CELLS) is None


@pytest.mark.parametrize("state", ["claimed", "unknown"])
def test_resend_grants_a_send_of_unknown_outcome_once(file, state):
    """With ``resend`` a send whose outcome is unknown is granted once, also if two rows have equal cells."""
    with Ledger(file, SCRIPT) as ledger:
        made = claim(ledger, CELLS)
        if state == "unknown":
            ledger.end(made, "unknown")
    with Ledger(file, SCRIPT, resend=True) as ledger:
        assert claim(ledger, CELLS)
        assert claim(ledger, CELLS) is None


def test_resend_grants_one_of_two_claims_in_one_commit(file):
    """Of two claims of one unknown send that share a commit, ``resend`` grants one."""
    granted: list[Claim | None] = []
    with Ledger(file, SCRIPT) as ledger:
        claim(ledger, CELLS)
    with Ledger(file, SCRIPT, resend=True) as ledger:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        first = threading.Thread(target=claim, args=(ledger, CELLS | {"ref": "2"}))
        both = [threading.Thread(target=lambda: granted.append(claim(ledger, CELLS))) for _ in range(2)]
        first.start()
        assert wait_until(lambda: ledger._leader and not ledger._tasks)  # its thread waits for the lock
        for thread in both:
            thread.start()
        assert wait_until(lambda: len(ledger._tasks) == 2)
        other.execute("ROLLBACK")
        other.close()
        for thread in (first, *both):
            thread.join()
    assert sum(map(bool, granted)) == 1


def test_a_killed_resend_is_unknown_again(file):
    """What a killed run with ``resend`` was sending is not granted again, except to another run with ``resend``."""
    rows = [CELLS | {"ref": ref} for ref in "123"]
    with Ledger(file, SCRIPT) as ledger:
        assert all(claim(ledger, row) for row in rows)
    with Ledger(file, SCRIPT, resend=True) as ledger:
        assert claim(ledger, rows[0])  # killed before its outcome
        ledger.end(claim(ledger, rows[1]), "accepted")
    with Ledger(file, SCRIPT) as ledger:
        assert not any(claim(ledger, row) for row in rows)
    with Ledger(file, SCRIPT, resend=True) as ledger:
        assert [bool(claim(ledger, row)) for row in rows] == [True, False, True]


def test_resend_needs_the_ledger_alone(file):
    """A run with ``resend`` is refused while another run has the ledger open."""
    with Ledger(file, SCRIPT), pytest.raises(LedgerError, match="locked"):
        Ledger(file, SCRIPT, resend=True)


def test_rows_with_equal_cells_are_one_row(file):
    """The order of the columns and the number of a row do not matter: the cells name it."""
    with Ledger(file, SCRIPT) as ledger:
        assert ledger.row({"to": "1", "ref": "2"}, 1, 2).digest == ledger.row({"ref": "2", "to": "1"}, 7, 8).digest


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold the ledger as another program does, so that nothing can be committed within the block."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_refused_claim_loses_no_outcome_and_no_claim_of_its_commit(file):
    """If a claim is refused, the outcomes and the other claims of the same commit are in the ledger."""
    other, third = CELLS | {"ref": "2"}, CELLS | {"ref": "3"}
    granted: list[Claim | None] = []
    with Ledger(file, SCRIPT) as ledger:
        ended, known = claim(ledger, CELLS), claim(ledger, other)
        ledger.end(known, "refused")
        with held(file):
            first = threading.Thread(target=ledger.settle, args=([],))
            first.start()
            assert wait_until(lambda: ledger._leader and not ledger._tasks)  # its thread waits for the lock
            ledger.end(ended, "accepted")
            both = [
                threading.Thread(target=lambda c=cells: granted.append(claim(ledger, c))) for cells in (other, third)
            ]
            for thread in both:
                thread.start()
            assert wait_until(lambda: len(ledger._tasks) == 2)
        for thread in (first, *both):
            thread.join()
        assert counts(file) == {"accepted": 1, "refused": 1, "claimed": 1}
        [sent] = filter(None, granted)
        assert [entry.row for entry in entries(file, "claimed")] == [sent.row.digest]


def test_a_commit_has_more_outcomes_than_a_statement_of_sqlite_takes(file):
    """A hundred outcomes that come while another program holds the ledger are committed after that."""
    with Ledger(file, SCRIPT) as ledger:
        claims = [claim(ledger, CELLS | {"ref": str(ref)}) for ref in range(100)]
        with held(file):
            for made in claims:
                ledger.end(made, "accepted")
    assert counts(file) == {"accepted": 100}


def test_a_ledger_of_an_earlier_kshell_is_continued(file):
    """A ledger whose table has no rowids, as those of earlier versions, is continued: a new row is sent, a known one is not."""
    with Ledger(file, SCRIPT) as ledger:
        ledger.end(claim(ledger, CELLS), "accepted", 202, "WA202", "A1")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        [table] = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'sends'").fetchone()
        connection.execute("ALTER TABLE sends RENAME TO new")
        connection.execute(f"{table} WITHOUT ROWID")
        connection.execute("INSERT INTO sends SELECT * FROM new")
        connection.execute("DROP TABLE new")
    with Ledger(file, SCRIPT) as ledger:
        assert claim(ledger, CELLS) is None
        ledger.end(claim(ledger, CELLS | {"ref": "2"}), "refused")
    assert counts(file) == {"accepted": 1, "refused": 1}


def test_a_refused_claim_does_not_change_the_outcome(file):
    """The end of a claim that was not granted leaves the outcome of the earlier one."""
    with Ledger(file, SCRIPT) as ledger:
        ledger.end(claim(ledger, CELLS), "accepted", 202, "WA202", "A1")
        refused = Claim(ledger.row(CELLS, 1, 2), 1, 0.0)
        assert ledger.claim(refused, NUMBER)
        ledger.end(refused, "not-sent")
    assert counts(file) == {"accepted": 1}


def test_an_outcome_is_durable_without_another_claim(file):
    """An outcome is in the file soon, also if no further claim follows."""
    with Ledger(file, SCRIPT) as ledger:
        ledger.end(claim(ledger, CELLS), "accepted", 202, "WA202", "A1")
        wait_until(lambda: not counts(file)["claimed"])
        assert counts(file) == {"accepted": 1}


def test_of_many_claims_of_one_send_one_is_granted(file):
    """Of sixteen threads that claim one send, one gets it."""
    granted: list[Claim | None] = []
    with Ledger(file, SCRIPT) as ledger:
        threads = [threading.Thread(target=lambda: granted.append(claim(ledger, CELLS))) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(map(bool, granted)) == 1


def test_the_file_holds_no_code_and_no_number(file):
    """Neither the file nor its log contains a code or a number; both are for their owner only."""
    code = "QXZWVB"  # hexadecimal digits could stand in a hash by chance
    with Ledger(file, SCRIPT) as ledger:
        ledger.end(claim(ledger, CELLS | {"otp": code}), "accepted", 202, "WA202", "A1")
        for part in file.parent.glob("run.ledger*"):
            assert part.stat().st_mode & 0o077 == 0
            assert not any(secret.encode() in part.read_bytes() for secret in (code, NUMBER, NUMBER[1:]))
    [entry] = entries(file)
    assert entry.masked == "+91XXXXXXXX78"


def test_a_ledger_of_another_script_is_refused(file):
    """The ledger of a script is refused for any other text."""
    Ledger(file, SCRIPT).close()
    with pytest.raises(LedgerError, match="another script"):
        Ledger(file, "otp new\nsend\n")


def test_a_ledger_of_a_newer_version_is_refused(file):
    """A ledger with a higher version is neither run nor read."""
    Ledger(file, SCRIPT).close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE about SET version = version + 1")
    connection.close()
    for use in (lambda: Ledger(file, SCRIPT), lambda: counts(file)):
        with pytest.raises(LedgerError, match="newer"):
            use()


@pytest.mark.parametrize(
    "text", [b"no database at all, but a longer text " * 40, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_file_that_is_no_ledger_is_refused_and_kept(file, text):
    """A file that SQLite cannot read is refused, and stays as it is."""
    file.write_bytes(text)
    with pytest.raises(LedgerError):
        Ledger(file, SCRIPT)
    assert file.read_bytes() == text


def test_another_database_is_refused_and_kept(file):
    """A database without a ledger's tables is refused and gets none."""
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE mine (text TEXT)")
    connection.close()
    with pytest.raises(LedgerError, match="not a ledger"):
        Ledger(file, SCRIPT)
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    connection.close()


def test_only_a_regular_file_is_a_ledger(file):
    """A folder, a device and a FIFO are refused, and no file is made beside them."""
    os.mkfifo(file)
    for special, kind in ((file.parent, "a directory"), (Path(""), "a directory"), (file, "not a regular file")):
        with pytest.raises(LedgerError, match=f"is {kind}"):
            Ledger(special, SCRIPT)
    assert {*file.parent.iterdir()} == {file.parent / "empty", file}


def test_a_name_that_sqlite_would_keep_in_memory_is_a_file():
    """A ledger named ``:memory:`` is a file, and the next run finds it."""
    with Ledger(Path(":memory:"), SCRIPT) as ledger:
        claim(ledger, CELLS)
    assert counts(Path(":memory:")) == {"claimed": 1}


def test_a_link_to_a_ledger_has_its_locks(file):
    """A run that must have the ledger alone is refused while another run uses it by another name."""
    file.with_name("link").symlink_to(file)
    with Ledger(file, SCRIPT), pytest.raises(LedgerError, match="locked"):
        Ledger(file.with_name("link"), SCRIPT, resend=True)


@pytest.mark.parametrize("replaced", [False, True])
def test_no_claim_is_granted_after_the_file_was_removed(file, replaced):
    """Once the file is removed or replaced, no claim is granted, and the outcomes that are lost are counted."""
    ledger = Ledger(file, SCRIPT)
    made = claim(ledger, CELLS)
    file.unlink()
    if replaced:
        file.write_bytes(b"")
    with pytest.raises(LedgerError, match="removed or replaced"):
        claim(ledger, CELLS | {"ref": "2"})
    ledger.end(made, "accepted")
    with pytest.raises(LedgerError, match=r"outcomes that are not in the ledger .*: 1; it was removed"):
        ledger.close()


def test_no_claim_is_granted_in_a_file_that_may_only_be_read(file):
    """In a file that may only be read no claim is granted, and the error has the command that shows why."""
    Ledger(file, SCRIPT).close()
    file.chmod(0o400)
    if os.access(file, os.W_OK):
        pytest.skip("this user may write any file")
    with Ledger(file, SCRIPT) as ledger, pytest.raises(LedgerError, match="readonly") as raised:
        claim(ledger, CELLS)
    assert raised.value.hint.startswith("the file or its folder may only be read: ls -ld ")


def test_a_truncated_ledger_is_refused(file):
    """A ledger that has lost its end is refused, and not begun anew."""
    Ledger(file, SCRIPT).close()
    os.truncate(file, 5000)
    with pytest.raises(LedgerError, match="malformed") as raised:
        Ledger(file, SCRIPT)
    assert raised.value.hint.startswith("it is damaged: keep a copy")
    assert file.stat().st_size == 5000


def test_a_claim_that_ctrl_c_withdraws_is_not_made(file):
    """Ctrl-C while a claim waits for the writer leaves no claim behind: nothing of it was sent."""
    with Ledger(file, SCRIPT) as ledger:
        first = claim(ledger, CELLS)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        ledger.end(first, "accepted")
        assert wait_until(lambda: not ledger._outcomes)  # the writer waits for the lock
        second = Claim(ledger.row(CELLS | {"ref": "2"}, 2, 3), 1, time.time())

        def press() -> None:
            wait_until(lambda: ledger._tasks)
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

        pressing = threading.Thread(target=press)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the thread waits for the claim
            pressing.start()
            ledger.claim(second, NUMBER)
        pressing.join()
        ledger.end(second, "not-sent")
        other.execute("ROLLBACK")
        other.close()
    assert counts(file) == {"accepted": 1}


def test_a_ledger_that_is_not_there_is_not_made_by_reading(file):
    """Reading a ledger that does not exist raises, and makes no file."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        counts(file)
    assert not file.exists()


@pytest.mark.parametrize("statement", ["SELECT 1", "PRAGMA journal_mode = WAL"])
def test_a_ledger_that_was_killed_while_it_was_made_is_empty(cli, statement):
    """A ledger whose run was killed before it had its tables is empty, and the command says that no message was begun."""
    connection = sqlite3.connect("run.ledger")
    connection.execute(statement)
    connection.close()
    ran = cli("ledger", "run.ledger")
    assert (ran.code, ran.out) == (0, "messages: none\n")
    assert "run.ledger is empty: no message was begun" in ran.err


@pytest.mark.parametrize("closed", [True, False])
def test_a_ledger_is_read_where_no_file_can_be_made_beside_it(file, closed):
    """A ledger is read where SQLite cannot make the file that it shares with writers, also after a kill; it stays as it is."""
    kept = file.with_name("kept")
    with Ledger(file, SCRIPT) as ledger:
        claim(ledger, CELLS)
        shutil.copy(file, kept)
        shutil.copy(f"{file}-wal", f"{kept}-wal")
    if closed:
        shutil.copy(file, kept)
        Path(f"{kept}-wal").unlink()
    Path(f"{kept}-shm").symlink_to("nowhere")  # SQLite does not follow it
    before = kept.read_bytes()
    assert counts(kept) == {"claimed": 1}
    assert kept.read_bytes() == before


def test_a_claim_that_cannot_be_written_raises(file, monkeypatch):
    """While another program holds the file, a claim raises, so nothing is sent."""
    monkeypatch.setattr("kshell.scripts.ledger_file.BUSY_SECONDS", 0.05)
    with Ledger(file, SCRIPT) as ledger:
        ledger._connection.execute("PRAGMA busy_timeout = 10")
        with held(file), pytest.raises(LedgerError, match="locked"):
            claim(ledger, CELLS)
        assert claim(ledger, CELLS)


def test_a_run_waits_once_for_a_ledger_that_another_program_holds(file, monkeypatch):
    """If a claim has waited in vain for another program, the close of the ledger does not wait as long again."""
    monkeypatch.setattr("kshell.scripts.ledger_file.BUSY_SECONDS", 0.05)
    ledger = Ledger(file, SCRIPT)
    made = claim(ledger, CELLS)
    with held(file):
        with pytest.raises(LedgerError, match="locked"):
            claim(ledger, CELLS | {"ref": "2"})
        monkeypatch.setattr("kshell.scripts.ledger_file.BUSY_SECONDS", 60)
        ledger.end(made, "accepted")
        close = threading.Thread(target=pytest.raises, args=(LedgerError, ledger.close))
        close.start()
        close.join(30)
        assert not close.is_alive()


_RESEND = """
import sys
from pathlib import Path
from kshell.core.errors import LedgerError
from kshell.scripts.ledger import Ledger
try:
    Ledger(Path(sys.argv[1]), "send\\n", resend=True)
except LedgerError as error:
    print(error)
"""


def test_a_second_run_in_one_process_keeps_the_lock_of_the_first(file):
    """While a process has a ledger open, also after it has opened it a second time, no other process may resend."""
    with Ledger(file, SCRIPT):
        Ledger(file, SCRIPT).close()
        done = subprocess.run([sys.executable, "-c", _RESEND, file], capture_output=True, text=True, timeout=60)
    assert "database is locked" in done.stdout
