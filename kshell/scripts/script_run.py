"""Run one script, and keep the results of its lines.

The run stops at the first line that fails. A line fails if its exit code is not 0. A line that sent a message is an
exception: if an ``expect`` follows before the next ``send``, only the ``expect`` can fail.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from kshell.console.caller import Caller
from kshell.console.dispatch import perform_at
from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SETUP, Note
from kshell.core.models import Finding, Result, first_error
from kshell.scripts.script import Script, refuse_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kshell.core.exchange import Delivery, Exchange, Sent
    from kshell.scripts.rows import Row
    from kshell.scripts.updates import Update
    from kshell.session.session import Session
    from kshell.syntax.lines import Line

State = Literal["passed over", "passed", "failed", "interrupted", "not run", "running"]
STATES: tuple[str, ...] = get_args(State)  # in the order of a summary
FROM_LEDGER = "from the ledger"  # the mark of an exchange that an earlier run had


class Step(NamedTuple):
    """The outcome of one line. ``sent`` is the message it sent, or None; ``failed`` is whether the script stops here."""

    line: Line
    result: Result
    seconds: float
    sent: Sent | None
    failed: bool

    @property
    def said(self) -> Sequence[Note | Finding]:
        """What it says of the message and of its failure: the findings that it printed, and its notes."""
        return (*self.result.findings, *self.result.notes)


class Retry(NamedTuple):
    """How often ``expect`` evaluates again, and how many seconds it waits before each time. It sends nothing again."""

    times: int = 0
    delay: float = 1.0
    wait: Callable[[float], None] = time.sleep


class ScriptRun(Caller):
    """The caller of the commands in a running script, and in the scripts that it includes by ``source``.

    ``outer`` is the shell if its ``source`` runs the script. The shell then asks for confirmation and records the lines.
    """

    def __init__(self, session: Session, *, outer: Caller | None = None) -> None:
        super().__init__(session, "script")
        self.outer = outer
        if outer:
            self.confirm, self.asks = outer.confirm, outer.asks
        self.retry = Retry()
        self.files: tuple[Path, ...] = ()  # the running scripts, the outermost first
        self.steps: list[Step] = []
        self.updates: list[Update] | None = None  # of ``expect`` lines that do not hold; None: such a line fails
        self.nested: list[Case] = []  # run by its ``run`` lines

    def record(self, line: Line, result: Result) -> Result:
        """Let the shell record a line, if its ``source`` runs the script."""
        return self.outer.record(line, result) if self.outer else result

    def included(self, name: Path) -> Path:
        """Return the file that ``source`` or ``run`` names, relative to the script with that line.

        Raises ``ScriptError`` for a script that is running already.
        """
        if not self.files:
            return name
        file = self.files[-1].parent / name
        refuse_loop(file, self.files, self.line.place(1) if self.line else None)
        return file

    def play(self, script: Script) -> Iterator[Step]:
        """Run the lines of ``script`` in order, up to the first that fails or is ``exit``; yield the step of each."""
        before, self.files = self.files, (*self.files, script.file)
        try:
            for position, line in enumerate(script.lines):
                step = self._step(line, script.lines[position + 1 :])
                yield step
                if step.failed or self.ended:
                    return
        finally:
            self.files = before

    def _step(self, line: Line, following: tuple[Line, ...]) -> Step:
        sent, begun, inner = self.session.sent_count, time.perf_counter(), len(self.steps)
        result = perform_at(line, self)
        seconds = time.perf_counter() - begun
        if isinstance(result.output, bytes) and result.output[-1:] not in (b"", b"\n"):
            result = result._replace(output=result.output + b"\n")  # the next output begins on a new line
        included = len(self.steps) > inner  # ``source`` has added the steps of its script
        exchange = self.session.sent[-1] if self.session.sent_count > sent and not included else None
        code = result.exit_code
        judged_later = exchange is not None and code != EXIT_INTERRUPTED and _is_judged(following)
        failed = code != EXIT_DONE and not judged_later
        if failed and not included:
            result = result._replace(notes=_placed(result, line))
        step = Step(line, result, seconds, exchange, failed)
        if not included:
            self.steps.append(step)
        return step


def _is_judged(following: tuple[Line, ...]) -> bool:
    """Whether an ``expect`` comes before the next line that may send, and before ``exit``."""
    heads = (line.head for line in following if line.head in ("expect", "send", "source", "exit"))
    return next(heads, "") == "expect"


def _placed(result: Result, line: Line) -> list[Note | Finding]:
    """Return the notes of a failed line. One of them is an error that has the place of the line."""
    place = line.place(len(line.text) - len(line.text.lstrip()) + 1)
    error = first_error(result.notes)
    if error is None:
        what = "interrupted" if result.exit_code == EXIT_INTERRUPTED else f"{line.head} ended with {result.exit_code}"
        return [*result.notes, Note("error", f"{what}, and no expect follows" if line.head == "send" else what, place)]
    if error.place and error.place.file == line.file:
        return [*result.notes]
    nested = error.place is not None and line.head in (
        "source",
        "run",
    )  # the fault is in the script that the line names
    included = error._replace(details=(*error.details, f"included at {place}"))
    return [(included if nested else error.moved(place)) if note is error else note for note in result.notes]


class Case:
    """A script to run, with its row if the run has rows. Once it has run, it has the outcome.

    ``unrun`` is the outcome if no line is run, because the row is faulty or nothing of it is left to send. ``earlier`` are the
    deliveries of an earlier run by its ledger, and ``answered`` the ordinals of its sends that had an answer before it was run.
    """

    def __init__(self, script: Script, row: Row | None = None) -> None:
        self.script = script
        self.row = row
        self.script_run: ScriptRun | None = None
        self.seconds = 0.0
        self.position = 0  # in the run
        self.state: State = "failed" if row and row.fault else "not run"
        self.unrun = Result(notes=[row.fault], exit_code=EXIT_SETUP) if row and row.fault else None
        self.earlier: tuple[str, ...] = ()
        self.answered: frozenset[int] = frozenset()

    @property
    def name(self) -> str:
        """``otp.kshell``, or ``otp.kshell row 12``."""
        return f"{self.script.name} row {self.row.number}" if self.row else self.script.name

    @property
    def session(self) -> Session | None:
        """The session that it ran in, or None before."""
        return self.script_run.session if self.script_run else None

    @property
    def steps(self) -> Sequence[Step]:
        """The outcome of each line that was run."""
        return self.script_run.steps if self.script_run else ()

    @property
    def failure(self) -> Sequence[Note | Finding]:
        """What the line that failed says, or why no line was run; empty if nothing failed."""
        if self.unrun:
            return self.unrun.notes
        return next((step.said for step in self.steps if step.failed), ())

    @property
    def exit_code(self) -> int:
        """The exit code of the line that failed, or 0; 3 for a faulty row, 5 for one that may have been sent earlier."""
        if self.unrun:
            return self.unrun.exit_code
        return next((step.result.exit_code for step in self.steps if step.failed), EXIT_DONE)

    @property
    def warnings(self) -> list[str]:
        """The rules of which its lines, and those of its ``run`` lines, gave a warning; each once."""
        said = (note for case in self.with_nested() for step in case.steps for note in step.said)
        return [*dict.fromkeys(it.code for it in said if isinstance(it, Finding) and it.severity == "warning")]

    def with_nested(self) -> Iterator[Case]:
        """Yield the case itself, then every case that its ``run`` lines have run, at any depth."""
        yield self
        for case in self.script_run.nested if self.script_run else ():
            yield from case.with_nested()

    @property
    def deliveries(self) -> list[Delivery]:
        """The delivery of every message that it sent, then of those that its ``run`` lines sent.

        A message that is being sent has the delivery that is known now. Those that an earlier run sent do not count.
        """
        return [exchange.delivery for exchange in self.all_exchanges() if FROM_LEDGER not in exchange.marks]

    def all_exchanges(self) -> Iterator[Exchange]:
        """Yield the exchanges of its own lines, then of those that its ``run`` lines have run."""
        return (exchange for case in self.with_nested() for exchange in case.exchanges())

    def exchanges(self) -> list[Exchange]:
        """Return the exchanges of its own lines, with the one that is being sent."""
        if self.script_run is None:
            return []
        session = self.script_run.session
        sent = [sent.exchange for sent in session.sent]
        attempt = session.attempt
        if (
            self.state in ("running", "interrupted")
            and attempt
            and not any(exchange.request is attempt.request for exchange in sent)
        ):
            sent.append(attempt.exchange)
        return sent

    @property
    def verdict(self) -> str:
        """The state and the deliveries: ``passed (accepted)``."""
        state = "a faulty row, not run" if self.row and self.row.fault else self.state
        deliveries = ", ".join(map(str, self.earlier or self.deliveries))
        return f"{state} ({deliveries})" if deliveries else state
