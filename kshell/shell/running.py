"""Run typed lines one by one, and show or redirect their output.

No error ends the session. Ctrl-C stops the line or the send. A bug in kshell is reported in two lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.shortcuts import clear

from kshell.console import printer
from kshell.console.caller import Caller
from kshell.console.dispatch import failure, perform_line
from kshell.console.group import module_of
from kshell.core.errors import EXIT_DONE, KshellError, Note, SetupError
from kshell.core.models import Result
from kshell.shell.meaning import curl_from_elsewhere, meant
from kshell.shell.redirection import Redirection, split_redirection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.scripts.recording import Recording
    from kshell.session.session import Session
    from kshell.syntax.lines import Line


_CLEAR = ("clear", "cls")


class Shell(Caller):
    """The shell as the caller of the typed lines. With ``colour`` None, the terminal decides."""

    def __init__(self, session: Session, colour: bool | None = None) -> None:  # noqa: FBT001 - None: not chosen
        super().__init__(session, "shell")
        self.colour = colour
        self.recording: Recording | None = None

    def record(self, line: Line, result: Result) -> Result:
        """Add a line to the recording, which ends if its file cannot be written."""
        if self.recording is None:
            return result
        try:
            notes = self.recording.keep(self.session, line, result)
        except SetupError as error:
            self.recording = None
            notes = [Note("error", f"{error.message}; the recording has ended")]
        return result._replace(notes=[*result.notes, *notes])

    def take(self, text: str) -> None:
        """Run a typed line, or each line of a paste until one fails."""
        if curl := curl_from_elsewhere(text):
            self._import(curl)
            return
        lines = logical_lines(text)
        for number, line in enumerate(lines, 1):
            if len(lines) > 1:
                show_notes([Note("info", f"» {line}")], colour=self.colour)
            code = self.perform(line)
            if code != EXIT_DONE and number < len(lines):
                left = len(lines) - number
                stopped = f"stopped here: {left} more {'line' if left == 1 else 'lines'} not run"
                show_notes([Note("info", stopped)], colour=self.colour)
                return

    def _import(self, curl: str) -> None:
        """Show a curl command from elsewhere as lines of kshell, and run them after a yes."""
        try:
            result: Result = module_of("import").imported(self.session, curl, "the pasted command")
        except KshellError as error:
            result = failure(error, self.session)
        printer.show(result, colour=self.colour)
        lines = [line for line in logical_lines(str(result.output)) if not line.startswith("#")]
        if lines and self.confirm and self.confirm("Run these lines?", ()):
            self.take("\n".join(lines))

    def perform(self, line: str) -> int:
        """Run one line, show or redirect its output, and return its exit code."""
        if line.strip() in _CLEAR:
            clear()
            return EXIT_DONE
        try:
            command, redirection = split_redirection(meant(line), self.session.names)
            return self._show(perform_line(command, self), redirection)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - no bug ends the session
            return printer.show(failure(error, self.session), colour=self.colour)

    def _show(self, result: Result, redirection: Redirection | None) -> int:
        if redirection is None:
            return printer.show(result, colour=self.colour)
        printer.show(result._replace(output=""), colour=self.colour)
        if result.output or result.exit_code == EXIT_DONE:  # a failure without output must not empty a file
            notes = redirection.write(result.data)
            printer.show(Result(notes=notes, colour=result.colour), colour=self.colour)
        return result.exit_code


def show_notes(notes: Sequence[Note], *, colour: bool | None) -> None:
    """Show notes on stderr."""
    printer.show(Result(notes=notes), colour=colour)


def logical_lines(text: str) -> list[str]:
    r"""Return the lines of typed or pasted text without empty ones. A line that ends in ``\`` continues on the next."""
    return [line for line in text.replace("\\\n", " ").split("\n") if line.strip()]
