"""Runs: run scripts, once or for each row, in order or several at a time, and summarise the results.

Every case is run at most once. The summary counts every case, also if the run was interrupted.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, CassetteError, LedgerError, Note
from kshell.core.models import Result
from kshell.core.signals import Held, asked_to_end
from kshell.scripts.progress import Progress
from kshell.scripts.script_run import FROM_LEDGER, Retry, ScriptRun
from kshell.session.files import KeptFiles
from kshell.session.session import Session, send_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from kshell.core.models import Exchange
    from kshell.profiles.files import Places
    from kshell.scripts.ledger import Ledger
    from kshell.scripts.ledger_sender import LedgerRows
    from kshell.scripts.pace import Pace
    from kshell.scripts.rows import Row
    from kshell.scripts.script_run import Case, Step
    from kshell.scripts.shards import Shard
    from kshell.session.files import Files
    from kshell.session.session import Sender
    from kshell.transport.client import Attempt

    Show = Callable[[Result], object]

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


class Run:
    """The cases of one ``run`` command, in order. ``show`` prints a result; ``ended`` gets each case that has ended."""

    def __init__(
        self, cases: Sequence[Case], plan: Plan, show: Show, ended: Callable[[Case], object] = lambda _: None
    ) -> None:
        self.cases = cases
        self.plan = plan
        self.show = show
        self._ended = ended
        self.by_rows = bool(plan.shard) or any(case.row for case in cases)
        self.interrupted = False
        self.seconds = 0.0
        self.files = KeptFiles(plan.places)
        self._sender: Sender = send_attempt
        self._closed = False  # once closed, no further case begins
        self._given_up = False  # once given up, nothing more is sent
        self._ledger = _ledger_rows(plan.ledger, self._close) if plan.ledger else None
        self._progress = Progress(len(cases) if self.by_rows else 0)
        if plan.pace:
            plan.pace.show = self._progress.show

    def go(self) -> None:
        """Run every case, except those with a faulty row. Raises ``CassetteError`` and ``LedgerError``."""
        begun = time.perf_counter()
        waiting = [case for case in self.cases if case.state == "not run"]
        for case in self.cases:
            if case.state == "failed":
                self._finish(case)
        try:
            with self.plan.ledger or nullcontext(), self.plan.sender as self._sender:
                try:
                    self._go_in_threads(waiting) if self.plan.jobs > 1 else self._go_in_order(waiting)
                    self._run_late()
                except KeyboardInterrupt:  # between two lines; within a line it is part of the result
                    self.interrupt()
                finally:
                    self._given_up = True
        finally:
            self.seconds = time.perf_counter() - begun
            self._progress.clear()

    def interrupt(self) -> None:
        """Begin no further case. A case that has not ended is interrupted."""
        self.interrupted = self._closed = True
        for case in self.cases:
            case.state = "interrupted" if case.state == "running" else case.state

    @property
    def ledger_error(self) -> LedgerError | None:
        """Why the ledger could not be written, so that the run ended early."""
        return self._ledger.error if self._ledger else None

    @property
    def exit_code(self) -> int:
        """130 if the run was interrupted, else the highest exit code of its cases."""
        return EXIT_INTERRUPTED if self.interrupted else max((case.exit_code for case in self.cases), default=EXIT_DONE)

    def folder_notes(self) -> list[Note]:
        """Return the ``folder_notes`` of every message of the run, each note once."""
        sent = (
            sent.draft for case in self.cases for one in case.with_nested() if one.session for sent in one.session.sent
        )
        drafts = {(draft.account.origin, draft.pod.origin, draft.template.origin): draft for draft in sent}
        notes = (note for draft in drafts.values() for note in self.files.folder_notes(draft))
        return [*dict.fromkeys(notes)]

    def _go_in_order(self, waiting: Sequence[Case]) -> None:
        for case in waiting:
            for step in self._run(case):
                if not self.by_rows and (step.result.output or step.result.notes):
                    self.show(step.result)
            self._finish(case)

    def _go_in_threads(self, waiting: Sequence[Case]) -> None:
        pool = ThreadPoolExecutor(self.plan.jobs)
        under_way: dict[Future[None], Case] = {}
        try:
            for case in waiting:
                under_way[pool.submit(self._run_to_end, case)] = case
            for done in as_completed(under_way):
                done.result()
                self._show_case(under_way[done])
        except KeyboardInterrupt:
            self.interrupted = self._closed = True
            if self.plan.pace:
                self.plan.pace.end()
            with suppress(KeyboardInterrupt):  # a second Ctrl-C ends the wait
                self._progress.show("interrupted; waiting for the cases that have begun")
                pool.shutdown(wait=False, cancel_futures=True)
                begun = [future for future in under_way if not future.cancelled()]
                wait(begun, timeout=_LAST_SECONDS if asked_to_end() else None)
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _show_case(self, case: Case) -> None:
        for step in () if self.by_rows else case.steps:
            self.show(step.result)
        self._finish(case)

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

    def _close(self) -> None:
        self._closed = True

    def _run(self, case: Case) -> Iterator[Step]:
        """Run the lines of a case, unless the run is closed or the ledger has all of its messages."""
        if self._closed or (self._ledger and self._ledger.passes_over(case)):
            return
        sender = self._ledger.sender(case, self._send) if self._ledger else self._send
        sender = self.plan.pace.sender(sender) if self.plan.pace else sender
        again = case in self._late
        case.script_run = _script_run(self.plan, case.row, sender, self.files)
        case.state = "running"
        if self.plan.outer:
            self.plan.outer.nested.append(case)
        begun = time.perf_counter()
        for step in case.script_run.play(case.script):
            yield step
            if self.interrupted or case.exit_code == EXIT_INTERRUPTED:
                break
        else:
            case.state = "failed" if case.exit_code else "passed"
        if case.state == "running":
            case.state = "interrupted"
        case.seconds = time.perf_counter() - begun
        if case in self._late and not again:
            case.state, case.script_run = "not run", None

    def _send(self, attempt: Attempt) -> Exchange:
        """Send, unless the run has ended without waiting for this case: then the message would be missing in the summary."""
        if self._given_up:
            raise KeyboardInterrupt
        return self._sender(attempt)

    def _finish(self, case: Case) -> None:
        if case in self._late:
            return
        if case.state == "interrupted":
            self.interrupted = self._closed = True
        if case.state == "failed" and self.plan.bail:
            self._closed = True
        if self.by_rows and case.failure:
            self._progress.clear()
            self.show(Result(notes=[Note("info", f"{case.name}:"), *case.failure]))
        self._ended(case)
        self._progress.step(case.state)


def _ledger_rows(ledger: Ledger, close: Callable[[], None]) -> LedgerRows:
    from kshell.scripts.ledger_sender import LedgerRows  # imports sqlite3

    return LedgerRows(ledger, close)


def _script_run(plan: Plan, row: Row | None, sender: Sender, files: Files) -> ScriptRun:
    session = Session(plan.places, sender=sender, files=files)
    for name, text in plan.variables.items():
        session.set(name, text, source="var")
    for name, text in row.cells.items() if row else ():
        session.set(name, text, source="row")
    run = ScriptRun(session)
    run.retry = plan.retry
    run.files = plan.outer.files if plan.outer else ()
    run.updates = [] if plan.update else None
    return run


def summary(run: Run) -> list[str]:
    """Return the counts of a run, in one line; before it a verdict for each case, unless all have the same state."""
    states = Counter(case.state for case in run.cases)
    deliveries = Counter(delivery for case in run.cases for delivery in case.deliveries)
    counted = ", ".join(f"{count} {state}" for state, count in states.items())
    sent = ", ".join(f"{count} {delivery}" for delivery, count in deliveries.items())
    what = "rows" if run.by_rows else "scripts"
    shard = [f"shard {run.plan.shard}"] if run.plan.shard else []
    total = " · ".join(
        (f"{what}: {counted or 'none'}; messages: {sent or 'none'}; {run.seconds:.1f} s", *shard, *_marks(run))
    )
    return [*_verdicts(run), total] if len(states) > 1 or run.interrupted else [total]


def _marks(run: Run) -> list[str]:
    """Return the marks of the messages, such as ``simulated``, with a count if not every message has it."""
    exchanges = [exchange for case in run.cases for one in case.with_nested() for exchange in one.exchanges()]
    new = sum(FROM_LEDGER not in exchange.marks for exchange in exchanges)
    counts = Counter(mark for exchange in exchanges for mark in exchange.marks)
    return [mark if count == new and mark != FROM_LEDGER else f"{count} {mark}" for mark, count in counts.items()]


def _verdicts(run: Run) -> Iterator[str]:
    """Yield a line for each case; neighbouring rows with the same verdict share one."""
    for (name, verdict), cases in groupby(run.cases, key=lambda case: (case.script.name, case.verdict)):
        rows = [case.row.number for case in cases if case.row]
        where = "" if not rows else f" row {rows[0]}" if len(rows) == 1 else f" rows {rows[0]} to {rows[-1]}"
        yield f"{name}{where}: {verdict}"


def run_all(run: Run, report: Callable[[Run], Result] = lambda _: Result(), *, brief: bool = False) -> Result:
    """Run every case and return its report and the summary; with ``brief``, return a summary only if something failed.

    A signal ends the run. The report and the summary are made then, too.
    """
    with Held(holding=False) as held:
        failed = Result()
        try:
            run.go()
            held.holding = True
        except KeyboardInterrupt:
            held.holding = True
            run.interrupt()
        except (CassetteError, LedgerError) as error:
            held.holding = True
            failed = Result(notes=[error.note], exit_code=error.exit_code)
        reported, summed_up = report(run), _summary(run, brief=brief)
    code = max(failed.exit_code, summed_up.exit_code) or reported.exit_code
    late = [Note("info", "interrupted")] if held.interrupted else []
    # a refused send before an expect has an exit code but is not a failure, so the summary decides
    both = joined([reported, failed, summed_up, Result(notes=late)])
    return both._replace(exit_code=EXIT_INTERRUPTED if held.interrupted else code)


def _summary(run: Run, *, brief: bool) -> Result:
    notes: list[Note] = []
    if run.by_rows or run.plan.update:  # the notes of the lines are not shown then
        notes += run.folder_notes()
    if not brief or run.exit_code:
        notes += [Note("info", line) for line in summary(run)]
    return Result(notes=notes, exit_code=run.exit_code)


def joined(results: Sequence[Result]) -> Result:
    """Join the results of several lines. The exit code is the last that is not 0."""
    output = b"".join(_bytes(result.output) for result in results)
    notes = [note for result in results for note in result.notes]
    return Result(
        output, notes, next((result.exit_code for result in reversed(results) if result.exit_code), EXIT_DONE)
    )


def _bytes(output: str | bytes) -> bytes:
    return output.encode("utf-8", "backslashreplace") if isinstance(output, str) else output
