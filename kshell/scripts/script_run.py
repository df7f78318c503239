"""A script that runs, and what came of it.

It stops at the first line that fails. A line fails when its command does not exit with 0; but a ``send`` that got an answer,
or none, is judged by an ``expect`` between it and the next ``send``, where there is one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from kshell.console.caller import Caller
from kshell.console.dispatch import perform_at
from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SETUP, Note
from kshell.core.models import first_error
from kshell.scripts.script import refuse_loop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kshell.core.models import Delivery, Exchange, Finding, Result, Sent
    from kshell.scripts.rows import Row
    from kshell.scripts.script import Script
    from kshell.scripts.updates import Update
    from kshell.session.session import Session
    from kshell.syntax.lines import Line

State = Literal["not run", "running", "interrupted", "passed", "failed"]


class Step(NamedTuple):
    """What one line came to. ``sent`` is what it sent, if it sent; ``failed`` is whether the script stops here."""

    line: Line
    result: Result
    seconds: float
    sent: Sent | None
    failed: bool


class Retry(NamedTuple):
    """How often ``expect`` looks again, and how many seconds it waits before. Looking sends nothing."""

    times: int = 0
    delay: float = 1.0


class ScriptRun(Caller):
    """A running script, with those it includes by ``source``: the caller of the commands on its lines.

    ``outer`` is the shell where the script is run by the shell's ``source``: it asks and records as for a line of its own.
    """

    def __init__(self, session: Session, *, outer: Caller | None = None) -> None:
        super().__init__(session, "script")
        self.outer = outer
        if outer:
            self.confirm, self.asks = outer.confirm, outer.asks
        self.retry = Retry()
        self.files: tuple[Path, ...] = ()  # the scripts that are being run, the including before the included
        self.steps: list[Step] = []  # what every line came to
        self.updates: list[Update] | None = None  # what ``expect`` lines would have to say to hold; None: they fail
        self.nested: list[Case] = []  # what its ``run`` lines have run

    def record(self, line: Line, result: Result) -> Result:
        """The shell records the lines of a script that it includes."""
        return self.outer.record(line, result) if self.outer else result

    def included(self, name: Path) -> Path:
        """The file that ``source`` or ``run`` names: relative to the script with that line.

        Raises ``ScriptError`` for a script that is running already.
        """
        if not self.files:
            return name
        file = self.files[-1].parent / name
        refuse_loop(file, self.files, self.line.place(1) if self.line else None)
        return file

    def play(self, script: Script) -> Iterator[Step]:
        """Run the lines of ``script`` one after the other, up to the first that fails or is ``exit``."""
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
        sent, begun, inner = len(self.session.sent), time.perf_counter(), len(self.steps)
        result = perform_at(line, self).result
        seconds = time.perf_counter() - begun
        if isinstance(result.output, bytes) and result.output[-1:] not in (b"", b"\n"):
            result = result._replace(
                output=result.output + b"\n"
            )  # what the next line prints stands on a line of its own
        included = len(self.steps) > inner  # what source ran is there already
        exchange = self.session.sent[-1] if len(self.session.sent) > sent and not included else None
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
    """Whether an ``expect`` comes before the next line that sends, and before the end."""
    heads = (line.head for line in following if line.head in ("expect", "send", "source", "exit"))
    return next(heads, "") == "expect"


def _placed(result: Result, line: Line) -> list[Note | Finding]:
    """The notes of a line that failed, its error with the place of the line. Every line that failed has an error."""
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
    """A script to run, with a row where there are rows; and, once it has run, what it came to."""

    def __init__(self, script: Script, row: Row | None = None) -> None:
        self.script = script
        self.row = row
        self.script_run: ScriptRun | None = None
        self.seconds = 0.0
        self.state: State = "failed" if row and row.fault else "not run"

    @property
    def name(self) -> str:
        """``otp.kshell``, or ``otp.kshell row 12``."""
        return f"{self.script.name} row {self.row.number}" if self.row else self.script.name

    @property
    def session(self) -> Session | None:
        """The session that it ran in; None before it ran."""
        return self.script_run.session if self.script_run else None

    @property
    def steps(self) -> Sequence[Step]:
        """What its lines came to."""
        return self.script_run.steps if self.script_run else ()

    @property
    def failure(self) -> Sequence[Note | Finding]:
        """The notes of the line that failed, or what is wrong with the row; empty if nothing failed."""
        if self.row and self.row.fault:
            return (self.row.fault,)
        return next((step.result.notes for step in self.steps if step.failed), ())

    @property
    def exit_code(self) -> int:
        """The exit code of the line that failed."""
        if self.row and self.row.fault:
            return EXIT_SETUP
        return next((step.result.exit_code for step in self.steps if step.failed), EXIT_DONE)

    def with_nested(self) -> Iterator[Case]:
        """The case itself, then every case that its ``run`` lines have run, however deep."""
        yield self
        for case in self.script_run.nested if self.script_run else ():
            yield from case.with_nested()

    @property
    def deliveries(self) -> list[Delivery]:
        """What became of every message that it sent, then of those that its ``run`` lines sent.

        A message under way counts as far as its delivery is known now.
        """
        return [exchange.delivery for case in self.with_nested() for exchange in case.exchanges()]

    def exchanges(self) -> list[Exchange]:
        """What its own lines sent, one under way included."""
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
        """``passed (accepted)``: how it ended, and what became of its messages."""
        how = "a faulty row, not run" if self.row and self.row.fault else self.state
        sent = ", ".join(map(str, self.deliveries))
        return f"{how} ({sent})" if sent else how
