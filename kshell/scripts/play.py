"""Scripts run, line by line, up to the first line that fails.

A line fails when its command does not exit with 0; but a ``send`` that got an answer, or none, is judged by an ``expect``
between it and the next ``send``, where there is one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kshell.console.dispatch import perform_at
from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED
from kshell.scripts.check import typable
from kshell.scripts.script_run import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.core.models import Result
    from kshell.scripts.script import Script
    from kshell.scripts.script_run import ScriptRun
    from kshell.syntax.lines import Line


def play(run: ScriptRun, script: Script) -> Iterator[Step]:
    """Run the lines of ``script`` one after the other, up to the first that fails or is ``exit``."""
    before, run.files = run.files, (*run.files, script.file)
    try:
        for position, line in enumerate(script.lines):
            step = _step(run, line, script.lines[position + 1 :])
            yield step
            if step.failed or run.ended:
                return
    finally:
        run.files = before


def _step(run: ScriptRun, line: Line, following: tuple[Line, ...]) -> Step:
    sent, begun, inner = len(run.session.sent), time.perf_counter(), len(run.steps)
    result = perform_at(line, run).result
    seconds = time.perf_counter() - begun
    if isinstance(result.output, bytes) and result.output[-1:] not in (b"", b"\n"):
        result = result._replace(output=result.output + b"\n")  # what the next line prints stands on a line of its own
    included = len(run.steps) > inner  # what source ran is there already
    exchange = run.session.sent[-1] if len(run.session.sent) > sent and not included else None
    code = result.exit_code
    judged_later = exchange is not None and code != EXIT_INTERRUPTED and _is_judged(following)
    failed = code != EXIT_DONE and not judged_later
    if failed and not included:
        result = result._replace(notes=_placed(result, line))
    step = Step(line, result, seconds, exchange, failed)
    if not included:
        run.steps.append(step)
    return step


def _is_judged(following: tuple[Line, ...]) -> bool:
    """Whether an ``expect`` comes before the next line that sends, and before the end."""
    heads = (line.head for line in following if line.head in ("expect", "send", "source", "exit"))
    return next(heads, "") == "expect"


def _placed(result: Result, line: Line) -> list[str]:
    """The notes of a line that failed, its error with the place of the line."""
    place = line.place(len(line.text) - len(line.text.lstrip()) + 1)
    notes = [f"hint: {typable(note[6:])}" if note.startswith("hint: ") else note for note in result.notes]
    at = next((position for position, note in enumerate(notes) if note.startswith("error: ")), None)
    if at is None:
        what = "interrupted" if result.exit_code == EXIT_INTERRUPTED else f"{line.head} ended with {result.exit_code}"
        return [*notes, f"error: {place}: {what}, and no expect follows" if line.head == "send" else f"error: {place}: {what}",
                *place.caret()]  # fmt: skip
    if not notes[at].startswith(f"error: {line.file}:"):
        notes[at : at + 1] = [f"error: {place}: {notes[at].removeprefix('error: ')}", *place.caret()]
    return notes
