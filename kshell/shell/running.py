"""What was typed is run: through the one dispatch, line by line, its output shown or put where the line says.

Nothing that goes wrong ends the session: Ctrl-C gives up the line or the send, a fault of ours is told in two lines.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from kshell.console import printer
from kshell.console.caller import Caller
from kshell.console.dispatch import Performed, failure, perform_line
from kshell.core.errors import EXIT_DONE, Note, SetupError
from kshell.core.models import Result
from kshell.shell import outlets
from kshell.syntax.command_table import OTHER_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.scripts.recording import Recording
    from kshell.session.session import Session
    from kshell.syntax.lines import Line


class Shell(Caller):
    """The shell as the caller of the lines that are typed into it. ``colour`` None means: as the terminal has it."""

    def __init__(self, session: Session, colour: bool | None = None) -> None:  # noqa: FBT001 - None: it was not said
        super().__init__(session, "shell")
        self.colour = colour
        self.recording: Recording | None = None  # the one under way

    def record(self, line: Line, result: Result) -> Result:
        """Keep a line in the recording, which ends if its file cannot be written."""
        if self.recording is None:
            return result
        try:
            notes = self.recording.keep(self.session, line, result)
        except SetupError as error:
            self.recording = None
            notes = [Note("error", f"{error.message}; the recording has ended")]
        return result._replace(notes=[*result.notes, *notes])

    def take(self, text: str) -> None:
        """Run what was typed, or each line of what was pasted until one fails."""
        lines = joined(text)
        for number, line in enumerate(lines, 1):
            if len(lines) > 1:
                printer.show(Result(notes=[Note("info", f"» {line}")]), colour=self.colour)
            code = self.perform(line)
            if code != EXIT_DONE and number < len(lines):
                left = len(lines) - number
                stopped = f"stopped here: {left} more {'line' if left == 1 else 'lines'} not run"
                printer.show(Result(notes=[Note("info", stopped)]))
                return

    def perform(self, line: str) -> int:
        """Run one line, show what it came to or put it where the line says, and return its exit code."""
        try:
            command, outlet = outlets.parted(line, self.session.names())
            command = OTHER_WORDS.get(command.strip(), command)
            done = perform_line(command, self)
            return self._show(done, outlet)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no fault of ours ends the session
            return printer.show(_told(error, self.session), colour=self.colour)

    def _show(self, done: Performed, outlet: outlets.Outlet | None) -> int:
        colour = self.colour if done.colour is None else done.colour
        if outlet is None:
            return printer.show(done.result, colour=colour)
        printer.show(done.result._replace(output=""), colour=colour)
        if done.result.output or done.result.exit_code == EXIT_DONE:  # a failure without output must not empty a file
            printer.show(Result(notes=outlet.pour(done.result.output)), colour=colour)
        return done.result.exit_code


def say(notes: Sequence[Note]) -> None:
    """Show notes, on stderr."""
    printer.show(Result(notes=notes))


def joined(text: str) -> list[str]:
    r"""The lines of what was typed or pasted; one that ends in ``\`` goes on in the next; empty ones are left out."""
    return [line for line in text.replace("\\\n", " ").split("\n") if line.strip()]


def _told(error: BaseException, session: Session) -> Result:
    """A fault as a result, its traceback too where it was asked for."""
    if os.environ.get("KSHELL_DEBUG"):
        lines = "".join(traceback.format_exception(error)).splitlines()
        return Result(notes=[Note("info", line) for line in lines], exit_code=1)
    return failure(error, session)
