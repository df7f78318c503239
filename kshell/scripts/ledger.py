"""The ledger of a run: what became of each send of each row, in a file that outlives a killed process.

A claim is durable before the first byte of its send, so a send that was begun is never begun again by itself. The thread of
the first claim commits those of all jobs. An outcome is committed with the next claim, or after ``_LINGER`` seconds; if the
process is killed before that, the send stays ``claimed``. A send is known by the cells of its row and by its ordinal in the
script.

The file holds no key, no code and no full number: cells are hashed with the ledger's salt, numbers have pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from kshell.core.errors import LedgerError
from kshell.privacy.numbers import masked_number
from kshell.profiles.files import shown
from kshell.scripts.ledger_file import alone, errors_of, ledger_error, open_for_reading, open_for_run, shared, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Values = tuple[object, ...]  # of an ``Entry``; in a claim, ``ended_at`` is when the send was claimed that it may repeat
State = Literal["claimed", "accepted", "refused", "not-sent", "unknown"]
STATES: tuple[State, ...] = ("accepted", "refused", "not-sent", "unknown", "claimed")

_GATHER = 0.004  # seconds that a claim waits for claims of jobs that are sending, to share one commit
_LINGER = 0.02  # seconds after which an outcome is committed without a claim
_MOMENT = 2.0
_UNSETTLED = "SELECT row, ordinal, claimed_at FROM sends WHERE state IN ('claimed', 'unknown')"
_TOGETHER = 80  # entries in one statement: SQLite before 3.32 takes 999 values
# a claim is written over "not-sent" and over the claim that it repeats, an outcome over its own claim
_WRITE = """
INSERT INTO sends VALUES {}
ON CONFLICT (row, ordinal) DO UPDATE SET
    state = excluded.state, status = excluded.status, code = excluded.code, message_id = excluded.message_id,
    claimed_at = excluded.claimed_at, ended_at = CASE excluded.state WHEN 'claimed' THEN NULL ELSE excluded.ended_at END
WHERE CASE excluded.state
    WHEN 'claimed' THEN state = 'not-sent' OR claimed_at = excluded.ended_at
    ELSE state = 'claimed' AND claimed_at = excluded.claimed_at
END
"""


@cache
def _statement(count: int) -> str:
    return _WRITE.format(", ".join([f"({', '.join('?' * len(Entry._fields))})"] * count))


class Entry(NamedTuple):
    """One send of one row. ``number`` counts rows from 1; ``line`` is the row's first line in its file.

    ``recipient`` is the pseudonym of the first recipient, ``masked`` its masked number. ``status``, ``code`` and ``message_id``
    are the answer's. Times are seconds since 1970; ``ended_at`` is None while the outcome is not known.
    """

    row: str
    ordinal: int
    number: int
    line: int
    state: State
    recipient: str
    masked: str
    status: int
    code: str
    message_id: str
    claimed_at: float
    ended_at: float | None


class Row(NamedTuple):
    """A row as the ledger knows it: the hash of its cells, and its number and line for people."""

    digest: str
    number: int
    line: int


class Claim(NamedTuple):
    """The claim of one send. ``at`` is its time in seconds since 1970."""

    row: Row
    ordinal: int
    at: float


class _Task:
    """A claim on its way to the disk; without ``claim`` it only waits for the outcomes before it."""

    def __init__(self, claim: Claim | None = None, values: Values = ()) -> None:
        self.claim = claim
        self.values = values
        self.earlier: Entry | None = None
        self.error: sqlite3.Error | None = None
        self.has_ended = False  # it is durable or has failed
        self._turn = threading.Lock()
        self._turn.acquire()

    def wait(self, seconds: float = -1) -> None:
        """Wait until another thread calls ``wake``. It may have done so already."""
        self._turn.acquire(timeout=seconds)

    def wake(self) -> None:
        """Let the thread of this task look again. The caller holds the lock of the ledger."""
        if self._turn.locked():
            self._turn.release()


class Ledger:
    """An open ledger. Several threads may use it, and several processes on one machine may have it open.

    With ``resend``, a send whose outcome was not known when the ledger was opened may be claimed once more; no other process
    may have the ledger open then. ``has_others`` is whether it may have sends that were not claimed by this object.
    """

    def __init__(self, file: Path, script: str, columns: Iterable[str] = (), *, resend: bool = False) -> None:
        """Open or create the ledger of the script with the text ``script``. Raises ``LedgerError``.

        ``columns`` are those of all rows, or empty if each row may have others.
        """
        self.file = file
        self._tasks: list[_Task] = []
        self._leader: _Task | None = None  # its thread commits
        self._outcomes: list[Values] = []
        self._sending: dict[Claim, Values] = {}  # also those whose claim is being committed
        self._lost: sqlite3.Error | None = None
        self._lock = threading.Lock()  # for all of these
        self._closed = threading.Event()
        with ExitStack() as opened:
            opened.enter_context((alone if resend else shared)(file))
            known = hashlib.sha256(script.encode()).hexdigest()
            self._connection, salt = open_for_run(file, known, ", ".join(sorted(columns)))
            opened.callback(self._connection.close)
            self._check_file = watched(file)
            self._hash = hmac.new(bytes.fromhex(salt), digestmod="sha256")
            self._reader = open_for_reading(file)
            opened.callback(self._reader.close)
            self._reading = threading.Lock()
            unsettled = self._connection.execute(_UNSETTLED) if resend else ()
            self._resendable = {(row, ordinal): claimed_at for row, ordinal, claimed_at in unsettled}
            [self.has_others] = self._connection.execute("SELECT EXISTS (SELECT 1 FROM sends)").fetchone()
            self._opened = opened.pop_all()
        self._lingering = threading.Thread(target=self._linger, name="kshell ledger", daemon=True)
        self._lingering.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit the outcomes that are left, and close the file. Raises ``LedgerError`` if one could not be written."""
        with self._lock:
            self._closed.set()
        self._lingering.join()
        self._connection.is_patient = not self._lost  # else it has waited already
        with suppress(LedgerError):
            self._done(_Task())
        self._opened.close()
        if self._outcomes and self._lost:
            error = ledger_error(self.file, self._lost)
            lost = f"outcomes that are not in the ledger {shown(self.file)}: {len(self._outcomes)}; {self._lost}"
            raise LedgerError(lost, hint=f"these sends stay claimed, and are not sent again; {error.hint}")

    def row(self, cells: Mapping[str, str], number: int, line: int) -> Row:
        """Return a row as the ledger knows it. Rows with equal cells are one row, so only the first of them is sent."""
        return Row(self._digest(json.dumps(sorted(cells.items()))), number, line)

    def _digest(self, text: str) -> str:
        one = self._hash.copy()  # hmac.digest lets another thread run, which costs more than the hash
        one.update(text.encode("utf-8", "surrogatepass"))
        return one.hexdigest()

    def sends_of(self, row: Row) -> list[Entry]:
        """Return the sends of a row that the ledger knows, in the order of its script. Raises ``LedgerError``."""
        statement = "SELECT * FROM sends WHERE row = ? ORDER BY ordinal"
        with self._reading, errors_of(self.file):
            return [Entry(*found) for found in self._reader.patiently(statement, row.digest).fetchall()]

    def may_be_sent(self, entry: Entry) -> bool:
        """Whether this send may be claimed: it was not sent, or its outcome is unknown and ``resend`` was given."""
        return entry.state == "not-sent" or self._resendable.get((entry.row, entry.ordinal)) == entry.claimed_at

    def claim(self, claim: Claim, recipient: str) -> Entry | None:
        """Make a claim durable. Return None if the send may go on, else the entry because of which it must not.

        Raises ``LedgerError`` if the claim could not be written: nothing may be sent then. After another exception, such as
        ``KeyboardInterrupt``, the claim may have been granted; ``end`` notes that nothing was sent.
        """
        (digest, number, line), ordinal, at = claim
        pseudonym, masked = f"NUMBER-{self._digest(recipient)[:12]}", masked_number(recipient)
        earlier = self._resendable.get((digest, ordinal))
        values = (digest, ordinal, number, line, "claimed", pseudonym, masked, 0, "", "", at, earlier)
        return self._done(_Task(claim, values))

    def settle(self, rows: Iterable[Row]) -> None:
        """Commit every outcome, and wait at most ``_MOMENT`` seconds for those of the ``rows`` that another run is sending.

        Raises ``LedgerError``.
        """
        self._done(_Task())
        end = time.monotonic() + _MOMENT
        for row in rows:
            while self._is_recent(row) and time.monotonic() < end:
                time.sleep(_LINGER)

    def _is_recent(self, row: Row) -> bool:
        since = time.time() - 60
        return any(entry.state == "claimed" and entry.claimed_at > since for entry in self.sends_of(row))

    def _done(self, task: _Task) -> Entry | None:
        """Return the result of a task when it and all outcomes before it are durable. Raises ``LedgerError``.

        The first of the threads that come commits the tasks of all of them, and then hands over to one that came since.
        """
        with self._lock:
            if task.claim and self._closed.is_set():
                raise LedgerError(
                    f"the ledger {shown(self.file)} is closed", hint="the run has ended: nothing was sent"
                )
            self._tasks.append(task)
            self._leader = self._leader or task
        try:
            while not task.has_ended and self._leader is not task:
                task.wait()
            if not task.has_ended:
                self._lead(task)
        except BaseException:  # Ctrl-C: a claim that was not begun is not made
            with self._lock:
                self._tasks = [other for other in self._tasks if other is not task]
                if self._leader is task:
                    self._hand_over()
            raise
        if task.error:
            raise ledger_error(self.file, task.error)
        return task.earlier

    def _lead(self, leader: _Task) -> None:
        """Commit the outcomes and the tasks that have come, and hand over."""
        if self._sending:
            leader.wait(_GATHER)
        with self._lock:
            outcomes, tasks = self._outcomes, self._tasks
            self._outcomes, self._tasks = [], []
            self._sending |= {task.claim: task.values for task in tasks if task.claim}
        error: sqlite3.Error | None = sqlite3.OperationalError("interrupted")
        try:
            error = self._commit(outcomes, tasks)
        finally:
            with self._lock:
                self._lost = error
                if error:
                    self._outcomes = [*outcomes, *self._outcomes]  # tried again with the next claim
                for task in tasks:
                    if task.claim and (error or task.earlier):
                        self._sending.pop(task.claim, None)
                    task.error, task.has_ended = error, True
                    task.wake()
                self._hand_over()

    def _hand_over(self) -> None:
        self._leader = next(iter(self._tasks), None)
        if self._leader:
            self._leader.wake()

    def _commit(self, outcomes: list[Values], tasks: list[_Task]) -> sqlite3.Error | None:
        connection, claims = self._connection, [task for task in tasks if task.claim]
        written = [*outcomes, *(task.values for task in claims)]
        try:
            self._check_file()
            if sum(self._write(written, _TOGETHER)) < len(written):  # a claim is not granted: find out which
                connection.execute("ROLLBACK")
                granted = self._write(written, 1)[len(outcomes) :]
                for task in (task for task, is_granted in zip(claims, granted, strict=True) if not is_granted):
                    found = connection.execute("SELECT * FROM sends WHERE row = ? AND ordinal = ?", task.values[:2])
                    task.earlier, self.has_others = Entry(*found.fetchone()), True
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            return error
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
        return None

    def _write(self, rows: list[Values], together: int) -> list[int]:
        """Begin a transaction, and write rows, so many in a statement. Return how many each statement has written."""
        self._connection.patiently("BEGIN IMMEDIATE")
        parts = [rows[start : start + together] for start in range(0, len(rows), together)]
        return [self._connection.execute(_statement(len(part)), [*chain(*part)]).rowcount for part in parts]

    def _linger(self) -> None:
        """Commit outcomes for which no claim has come in time."""
        before: list[Values] = []
        while not self._closed.wait(1.0 if self._lost else _LINGER):
            first = self._outcomes[:1]
            if first and first == before and not self._leader:
                with suppress(LedgerError):
                    self._done(_Task())
            before = first

    def end(self, claim: Claim, state: State, status: int = 0, code: str = "", message_id: str = "") -> None:
        """Note the outcome of a claim. It is committed soon, and at the latest when the ledger is closed.

        Nothing changes if the claim was not granted.
        """
        with self._lock:
            if values := self._sending.pop(claim, None):
                ended = (status, code, message_id, claim.at, time.time())
                self._outcomes.append((*values[:4], state, *values[5:7], *ended))
                if self._leader and not self._sending:
                    self._leader.wake()


def counts(file: Path) -> Counter[State]:
    """Return how many sends of a ledger are in each state. Raises ``LedgerError``."""
    with closing(open_for_reading(file)) as connection, errors_of(file):
        return Counter(dict(connection.patiently("SELECT state, count(*) FROM sends GROUP BY state").fetchall()))


def entries(file: Path, state: State | None = None) -> Iterator[Entry]:
    """Yield the sends of a ledger in the order of the rows; only those in ``state`` if given. Raises ``LedgerError``."""
    statement = "SELECT * FROM sends WHERE ?1 IS NULL OR state = ?1 ORDER BY number, ordinal"
    with closing(open_for_reading(file)) as connection, errors_of(file):
        yield from (Entry(*found) for found in connection.patiently(statement, state))
