"""Runs: run scripts, once or for each row, in order or several at a time, and summarise the results.

Every case is run at most once. The summary counts every case, also if the run was interrupted.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import EXIT_INTERRUPTED, LedgerError, Note, ScriptError
from kshell.core.models import Result
from kshell.core.signals import Held, asked_to_end
from kshell.scripts.progress import Progress
from kshell.scripts.script_run import Case, Retry, ScriptRun, Step
from kshell.scripts.tally import Tally
from kshell.session.files import Files, KeptFiles
from kshell.session.session import Session, send_attempt
from kshell.transport.connections import POLL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kshell.core.exchange import Exchange
    from kshell.profiles.files import Places
    from kshell.scripts.ledger import Ledger
    from kshell.scripts.ledger_sender import LedgerRows
    from kshell.scripts.pace import Pace
    from kshell.scripts.rows import Row
    from kshell.scripts.shards import Shard
    from kshell.session.session import Sender
    from kshell.transport.client import Attempt

    Show = Callable[[Result], object]

_COUNTING_SECONDS = 2.0  # for the rows that were not begun
_GRACE = 2.0  # seconds for what was under way to be noted, after its connections were broken
_LAST_SECONDS = 5.0  # for what is under way after SIGTERM; docker stop kills after 10


class Plan(NamedTuple):
    """How to run. ``sender`` is entered before the first case and exited after the last. Every session sends through it.

    With ``ledger``, rows of which nothing is left to send are passed over. ``pace`` says when each message may be sent.
    """

    places: Places
    variables: Mapping[str, str] = {}
    retry: Retry = Retry()
    bail: bool = False
    jobs: int = 1
    sender: AbstractContextManager[Sender] = nullcontext(send_attempt)
    update: bool = False
    outer: ScriptRun | None = None  # the script with the ``run`` line, if a script runs scripts
    ledger: Ledger | None = None
    pace: Pace | None = None
    shard: Shard | None = None  # for the summary
    rows: int | None = None  # about how many; None if the scripts are run without rows


class Run:
    """The cases of one ``run`` command, in order. ``show`` prints a result; ``ended`` gets each case that has ended.

    Cases are taken from ``cases`` as they are run, and forgotten when they have ended; ``tally`` has their counts.
    """

    def __init__(
        self, cases: Iterable[Case], plan: Plan, show: Show, ended: Callable[[Case], object] = lambda _: None
    ) -> None:
        self.plan = plan
        self.show = show
        self.tally = Tally()
        self.by_rows = plan.rows is not None
        self.all_counted = True
        self.seconds = 0.0
        self.files = KeptFiles(plan.places)
        self._cases = enumerate(cases)
        self._ended = ended
        self._notes: dict[Note, None] = {}
        self._under_way: dict[Case, None] = {}  # taken, and not counted yet
        self._lock = threading.RLock()  # for what the threads share: the cases, the counts, what is shown
        self._sender: Sender = send_attempt
        self._attempts: dict[Attempt, None] = {}  # under way
        self._fault: ScriptError | None = None
        self._interrupted = threading.Event()
        self._retry = plan.retry._replace(wait=self._pause)
        self._closed = False  # once closed, no further case begins
        self._given_up = False  # once given up, nothing more is sent
        self._progress = Progress(plan.rows or 0)
        if plan.pace:
            plan.pace.show = self._progress.show
        self._ledger = _ledger_rows(plan.ledger, self._close) if plan.ledger else None

    def go(self) -> None:
        """Run every case, except those with a faulty row. Raises ``CassetteError``, ``LedgerError`` and ``ScriptError``."""
        begun = time.perf_counter()
        try:
            with self.plan.ledger or nullcontext(), self.plan.sender as self._sender:
                try:
                    self._go_in_threads() if self.by_rows or self.plan.jobs > 1 else self._go_in_order()
                    self._run_late()
                except KeyboardInterrupt:  # between two lines; within a line it is part of the result
                    self.interrupt()
                finally:
                    self._given_up = True
        finally:
            self.seconds = time.perf_counter() - begun
            self._count_rest()
            self._progress.clear()
        if self._fault:
            raise self._fault

    @property
    def interrupted(self) -> bool:
        """Whether a signal has ended the run."""
        return self._interrupted.is_set()

    def interrupt(self) -> None:
        """Begin no further case. A case that has not ended is interrupted."""
        self._stop()
        self._count_under_way()

    def _close(self) -> None:
        self._closed = True

    def _stop(self) -> None:
        self._close()
        self._interrupted.set()

    def _pause(self, seconds: float) -> None:
        """Wait. Raises ``KeyboardInterrupt`` if the run is interrupted meanwhile."""
        if self._interrupted.wait(seconds):
            raise KeyboardInterrupt

    def _count_under_way(self) -> None:
        for case in [*self._under_way]:
            case.state = "interrupted" if case.state == "running" else case.state
            self._count(case)

    def _count_rest(self) -> None:
        """Count the cases that were not begun, in at most ``_COUNTING_SECONDS``."""
        end = time.monotonic() + _COUNTING_SECONDS
        try:
            self._count_under_way()
            while case := self._take():
                self._count(case)
                if time.monotonic() > end:
                    self.all_counted = False
                    return
        except KeyboardInterrupt:
            self._stop()
            self.all_counted = False

    def _take(self) -> Case | None:
        """Return the next case, or None after the last. If the file of rows cannot be read further, the cases end there."""
        with self._lock:
            try:
                position, case = next(self._cases, (0, None))
            except ScriptError as error:
                self._fault, self.all_counted = error, False
                return None
            if case:
                case.position = position
                self._under_way[case] = None
            return case

    def _count(self, case: Case) -> None:
        """Count a case that has ended, or will not begin, and forget it. A signal waits until this is done."""
        with Held() as held, self._lock:
            if case in self._under_way:  # else it ended while the run was given up
                del self._under_way[case]
                self.tally.add(case)
                for one in case.with_nested():
                    for sent in one.session.sent if one.session else ():
                        self._notes |= dict.fromkeys(self.files.folder_notes(sent.draft))
                self._ended(case)
        if held.interrupted:
            raise KeyboardInterrupt

    @property
    def ledger_error(self) -> LedgerError | None:
        """Why the ledger could not be written, so that the run ended early."""
        return self._ledger.error if self._ledger else None

    @property
    def exit_code(self) -> int:
        """130 if the run was interrupted, else the highest exit code of its cases."""
        return EXIT_INTERRUPTED if self.interrupted else self.tally.exit_code

    def folder_notes(self) -> list[Note]:
        """Return the ``folder_notes`` of every message of the run, each note once."""
        return [*self._notes]

    def _go_in_order(self) -> None:
        """Run the cases in this thread, and show the result of each line as it ends."""
        while not self._closed and (case := self._take()):
            for step in self._run(case):
                if step.result.output or step.result.notes:
                    self.show(step.result)
            self._finish(case)

    def _go_in_threads(self) -> None:
        """Run the cases in ``jobs`` threads. Each takes the next case when it has ended one; this thread gets the signals."""
        pool = ThreadPoolExecutor(self.plan.jobs)
        working = [pool.submit(self._work) for _ in range(self.plan.jobs)]
        try:
            while wait(working, timeout=POLL).not_done:  # on Windows, Ctrl-C does not end a wait
                pass
            for one in working:
                one.result()
        except BaseException as error:
            by_signal = isinstance(error, KeyboardInterrupt)
            self._stop() if by_signal else self._close()
            if self.plan.pace:
                self.plan.pace.end()
            with suppress(KeyboardInterrupt):  # a second Ctrl-C ends the wait
                why = "interrupted" if by_signal else "stopped by an error"
                self._progress.show(f"{why}; waiting for the cases that have begun")
                wait(working, timeout=None if by_signal and not asked_to_end() else _LAST_SECONDS)
            for attempt in [*self._attempts]:
                attempt.interrupt()
            wait(working, timeout=_GRACE)
            raise
        finally:
            pool.shutdown(wait=False)

    def _work(self) -> None:
        if self.plan.jobs > 1:
            _stay_on_one_core()
        try:
            while not self._closed and (case := self._take()):
                self._run_to_end(case)
                self._finish(case, () if self.by_rows else case.steps)
        except BaseException:
            self._close()  # the other threads end, and ``go`` raises this error
            raise

    def _run_to_end(self, case: Case) -> None:
        for _ in self._run(case):
            pass

    def _run_late(self) -> None:
        """Look again at the rows that another job or run was sending, if need be after a moment."""
        for case in self._ledger.settle() if self._ledger else ():
            self._run_to_end(case)
            self._late.pop(case)
            self._finish(case)

    @property
    def _late(self) -> dict[Case, None]:
        return self._ledger.late if self._ledger else {}

    def _run(self, case: Case) -> Iterator[Step]:
        """Run the lines of a case, unless the run is closed or the ledger has all of its messages."""
        if case.unrun or self._closed or (self._ledger and self._ledger.passes_over(case)):
            return
        sender = self._ledger.sender(case, self._send) if self._ledger else self._send
        sender = self.plan.pace.sender(sender) if self.plan.pace else sender
        again = case in self._late
        case.script_run = _script_run(self.plan, case.row, sender, self.files)
        case.script_run.retry = self._retry
        case.state = "running"
        if self.plan.outer:
            self.plan.outer.nested.append(case)
        begun = time.perf_counter()
        for count, step in enumerate(case.script_run.play(case.script), 1):
            yield step
            passed = count == len(case.script.lines) and not case.exit_code
            if (self.interrupted and not passed) or case.exit_code == EXIT_INTERRUPTED:
                break
        else:
            case.state = "failed" if case.exit_code else "passed"
        if case.state == "running":
            case.state = "interrupted"
        case.seconds = time.perf_counter() - begun
        if case in self._late and not again:
            case.state, case.script_run = "not run", None

    def _send(self, attempt: Attempt) -> Exchange:
        """Send, unless the run was interrupted, or has ended without waiting for this case: no further message begins then."""
        if self._given_up or self.interrupted:
            raise KeyboardInterrupt
        self._attempts[attempt] = None
        try:
            return self._sender(attempt)
        finally:
            del self._attempts[attempt]

    def _finish(self, case: Case, unshown: Sequence[Step] = ()) -> None:
        with self._lock:
            if case in self._late or case not in self._under_way:  # it is looked at again, or the run has given it up
                return
            for step in unshown:
                self.show(step.result)
            if case.state == "interrupted":
                self._stop()
            if case.state == "failed" and self.plan.bail:
                self._close()
            if self.by_rows and case.failure:
                self._progress.clear()
                self.show(Result(notes=[Note("info", f"{case.name}:"), *case.failure]))
            self._count(case)
            self._progress.step(case.state)


def _stay_on_one_core() -> None:
    """Keep this thread on the core of all threads of this run.

    Only one of them works at a time, because they share Python's lock. It passes between two cores much more slowly.
    """
    if hasattr(os, "sched_setaffinity"):  # on Linux
        cores = sorted(os.sched_getaffinity(0))
        with suppress(OSError):
            os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def _ledger_rows(ledger: Ledger, close: Callable[[], None]) -> LedgerRows:
    from kshell.scripts.ledger_sender import LedgerRows  # imports sqlite3

    return LedgerRows(ledger, close)


def _script_run(plan: Plan, row: Row | None, sender: Sender, files: Files) -> ScriptRun:
    session = Session(plan.places, sender=sender, files=files, history=None)
    for name, text in plan.variables.items():
        session.set(name, text, source="var")
    for name, text in row.cells.items() if row else ():
        session.set(name, text, source="row")
    run = ScriptRun(session)
    run.files = plan.outer.files if plan.outer else ()
    run.updates = [] if plan.update else None
    return run
