"""The ledger of a run: what became of each send of each row, in a file that outlives a killed process.

A claim is durable before the first byte of its send, so a send that was begun is never begun again by itself. The claims of
several jobs share one commit. An outcome is committed with the next claim, or ``_LINGER`` seconds later; if the process is
killed before that, the send stays ``claimed``. A send is known by the cells of its row and by its ordinal in the script.

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
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

from kshell.core.errors import LedgerError
from kshell.privacy.numbers import masked_number
from kshell.profiles.files import shown
from kshell.scripts.ledger_file import alone, errors_of, ledger_error, open_for_reading, open_for_run, shared, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    Change = Callable[[sqlite3.Connection], "Entry | None"]

State = Literal["claimed", "accepted", "refused", "not-sent", "unknown"]
STATES: tuple[State, ...] = ("accepted", "refused", "not-sent", "unknown", "claimed")

_GATHER = 0.004  # seconds that a claim waits for claims of jobs that are sending, to share one commit
_LINGER = 0.02  # seconds that an outcome waits for a claim to share its commit
_MOMENT = 2.0
_CLAIM = """
INSERT INTO sends VALUES (?, ?, ?, ?, 'claimed', ?, ?, 0, '', '', ?, NULL)
ON CONFLICT (row, ordinal) DO UPDATE SET state = 'claimed', claimed_at = excluded.claimed_at, ended_at = NULL
WHERE state = 'not-sent' OR (? AND state IN ('claimed', 'unknown'))
"""
_END = """
UPDATE sends SET state = ?, status = ?, code = ?, message_id = ?, ended_at = ?
WHERE row = ? AND ordinal = ? AND state = 'claimed' AND claimed_at = ?
"""


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
    """One change of the file. ``done`` and its result or error are set when it is durable or has failed.

    Only the thread that waits for this change is woken up then.
    """

    def __init__(self, change: Change, lock: threading.Lock) -> None:
        self.change = change
        self.ended = threading.Condition(lock)
        self.done = False
        self.result: Entry | None = None
        self.error: sqlite3.Error | None = None


class Ledger:
    """An open ledger. Several threads may use it, and several processes on one machine may have it open.

    With ``resend``, a send whose outcome was not known when the ledger was opened may be claimed once more; no other process
    may have the ledger open then.
    """

    def __init__(self, file: Path, script: str, columns: Iterable[str] = (), *, resend: bool = False) -> None:
        """Open or create the ledger of the script with the text ``script``. Raises ``LedgerError``.

        ``columns`` are those of all rows, or empty if each row may have others.
        """
        self.file = file
        self._claims: list[_Task] = []
        self._outcomes: list[_Task] = []
        self._sending: set[Claim] = set()
        self._lost: sqlite3.Error | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._wanted = threading.Condition(self._lock)  # the writer waits for changes
        with ExitStack() as opened:
            opened.enter_context((alone if resend else shared)(file))
            known = hashlib.sha256(script.encode()).hexdigest()
            self._connection, salt = open_for_run(file, known, ", ".join(sorted(columns)))
            opened.callback(self._connection.close)
            self._check_file = watched(file)
            self._salt = bytes.fromhex(salt)
            self._reader = open_for_reading(file)
            opened.callback(self._reader.close)
            self._reading = threading.Lock()
            self._resendable = self._unsettled() if resend else set()
            self._opened = opened.pop_all()
        self._writer = threading.Thread(target=self._write, name="kshell ledger", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit the outcomes that are left, and close the file. Raises ``LedgerError`` if one could not be written."""
        with self._wanted:
            self._closed = True
            self._wanted.notify()
        self._writer.join()
        self._opened.close()
        if self._outcomes and self._lost:
            error = ledger_error(self.file, self._lost)
            lost = f"outcomes that are not in the ledger {shown(self.file)}: {len(self._outcomes)}; {self._lost}"
            raise LedgerError(lost, hint=f"these sends stay claimed, and are not sent again; {error.hint}")

    def row(self, cells: Mapping[str, str], number: int, line: int) -> Row:
        """Return a row as the ledger knows it. Rows with equal cells are one row, so only the first of them is sent."""
        return Row(self._digest(json.dumps(sorted(cells.items()))), number, line)

    def _digest(self, text: str) -> str:
        return hmac.digest(self._salt, text.encode("utf-8", "surrogatepass"), "sha256").hex()

    def sends_of(self, row: Row) -> list[Entry]:
        """Return the sends of a row that the ledger knows, in the order of its script. Raises ``LedgerError``."""
        statement = "SELECT * FROM sends WHERE row = ? ORDER BY ordinal"
        with self._reading, errors_of(self.file):
            return [Entry(*found) for found in self._reader.execute(statement, (row.digest,)).fetchall()]

    def may_be_sent(self, entry: Entry) -> bool:
        """Whether this send may be claimed: it was not sent, or its outcome is unknown and ``resend`` was given."""
        return entry.state == "not-sent" or (entry.row, entry.ordinal) in self._resendable

    def claim(self, claim: Claim, recipient: str) -> Entry | None:
        """Make a claim durable. Return None if the send may go on, else the entry because of which it must not.

        Raises ``LedgerError`` if the claim could not be written: nothing may be sent then. After another exception, such as
        ``KeyboardInterrupt``, the claim may have been granted; ``end`` notes that nothing was sent.
        """
        earlier = self._done(lambda connection: self._claim(connection, claim, recipient))
        if earlier is None:
            with self._lock:
                self._sending.add(claim)
        return earlier

    def settle(self, rows: Iterable[Row]) -> None:
        """Commit every outcome, and wait at most ``_MOMENT`` seconds for those of the ``rows`` that another run is sending.

        Raises ``LedgerError``.
        """
        self._done(lambda _: None)
        end = time.monotonic() + _MOMENT
        for row in rows:
            while self._is_recent(row) and time.monotonic() < end:
                time.sleep(_LINGER)

    def _is_recent(self, row: Row) -> bool:
        since = time.time() - 60
        return any(entry.state == "claimed" and entry.claimed_at > since for entry in self.sends_of(row))

    def _done(self, change: Change) -> Entry | None:
        """Return the result of a change when it is durable. Raises ``LedgerError``."""
        task = _Task(change, self._lock)
        with self._wanted:
            if self._closed:
                raise LedgerError(
                    f"the ledger {shown(self.file)} is closed", hint="the run has ended: nothing was sent"
                )
            try:
                self._claims.append(task)
                self._wanted.notify()
                while not task.done:
                    task.ended.wait()
            except BaseException:  # Ctrl-C: a change that was not begun is not made
                self._claims = [other for other in self._claims if other is not task]
                raise
        if task.error:
            raise ledger_error(self.file, task.error)
        return task.result

    def _claim(self, connection: sqlite3.Connection, claim: Claim, recipient: str) -> Entry | None:
        row, key = claim.row, (claim.row.digest, claim.ordinal)
        numbers = (row.number, row.line, f"NUMBER-{self._digest(recipient)[:12]}", masked_number(recipient))
        if connection.execute(_CLAIM, (*key, *numbers, claim.at, key in self._resendable)).rowcount:
            self._resendable.discard(key)
            return None
        return Entry(*connection.execute("SELECT * FROM sends WHERE row = ? AND ordinal = ?", key).fetchone())

    def end(self, claim: Claim, state: State, status: int = 0, code: str = "", message_id: str = "") -> None:
        """Note the outcome of a claim. It is committed soon, and at the latest when the ledger is closed.

        Nothing changes if the claim was not granted.
        """
        values = (state, status, code, message_id, time.time(), claim.row.digest, claim.ordinal, claim.at)

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(_END, values)

        with self._wanted:
            self._sending.discard(claim)
            self._outcomes.append(_Task(change, self._lock))
            if len(self._outcomes) == 1 or not self._sending:  # the writer need not wake up for each outcome
                self._wanted.notify()

    def _unsettled(self) -> set[tuple[str, int]]:
        statement = "SELECT row, ordinal FROM sends WHERE state IN ('claimed', 'unknown')"
        return {(row, ordinal) for row, ordinal in self._connection.execute(statement)}

    # ---- the one thread that writes

    def _write(self) -> None:
        while tasks := self._next_tasks():
            outcomes, claims = tasks
            error = self._commit([*outcomes, *claims])
            with self._wanted:
                self._lost = error
                if error and self._closed:
                    claims, self._claims = [*claims, *self._claims], []
                for task in claims:
                    task.done, task.error = True, error
                    task.ended.notify()
                if error:
                    self._outcomes = [*outcomes, *self._outcomes]  # tried again with the next claim
                if error and self._closed:
                    return

    def _next_tasks(self) -> tuple[list[_Task], list[_Task]] | None:
        """Wait for outcomes and claims, and take all of them; None when the ledger is closed and nothing is left."""
        with self._wanted:
            self._wanted.wait_for(lambda: self._claims or self._outcomes or self._closed)
            if not self._claims and not self._closed:
                self._wanted.wait_for(lambda: self._claims or self._closed, timeout=_LINGER if not self._lost else 1.0)
            if self._claims:
                self._wanted.wait_for(lambda: not self._sending or self._closed, timeout=_GATHER)
            tasks = self._outcomes, self._claims
            self._outcomes, self._claims = [], []
            return tasks if any(tasks) else None

    def _commit(self, tasks: list[_Task]) -> sqlite3.Error | None:
        try:
            self._check_file()
            self._connection.execute("BEGIN IMMEDIATE")
            for task in tasks:
                task.result = task.change(self._connection)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            return error
        return None


def counts(file: Path) -> Counter[State]:
    """Return how many sends of a ledger are in each state. Raises ``LedgerError``."""
    with closing(open_for_reading(file)) as connection, errors_of(file):
        return Counter(dict(connection.execute("SELECT state, count(*) FROM sends GROUP BY state").fetchall()))


def entries(file: Path, state: State | None = None) -> Iterator[Entry]:
    """Yield the sends of a ledger in the order of the rows; only those in ``state`` if given. Raises ``LedgerError``."""
    statement = "SELECT * FROM sends WHERE ?1 IS NULL OR state = ?1 ORDER BY number, ordinal"
    with closing(open_for_reading(file)) as connection, errors_of(file):
        yield from (Entry(*found) for found in connection.execute(statement, (state,)))
