"""The command line: words in; stdout, stderr and an exit code out. The only place that prints.

What a command does is said in ``commands``; how it is found and run, in ``dispatch``.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from kshell.dispatch import perform
from kshell.errors import EXIT_SETUP
from kshell.terminal import paint_note, safe_line, wants_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.commands import Result


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print what it came to, and return the exit code."""
    result, colour = perform(arguments, show=lambda result, colour: show(result, colour=colour))
    return show(result, colour=colour)


def show(result: Result, *, colour: bool | None = None) -> int:
    """Print a result and return its exit code: notes first, so that an outcome is told even where stdout fails."""
    _write_notes(result.notes, colour)
    try:
        _write_output(result)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave(sys.stdout)
    except OSError as error:
        _leave(sys.stdout)
        _write_notes([f"error: stdout cannot be written: {error.strerror}"], colour)
        return result.exit_code or EXIT_SETUP
    return result.exit_code


def _write_notes(notes: Sequence[str], chosen: bool | None) -> None:  # noqa: FBT001 - None: it was not said
    colour = wants_colour(sys.stderr, chosen=chosen)
    try:
        for note in notes:
            sys.stderr.write(paint_note(safe_line(note), colour=colour) + "\n")
        sys.stderr.flush()
    except OSError:
        _leave(sys.stderr)


def _write_output(result: Result) -> None:
    output = result.output
    if isinstance(output, bytes) and sys.stdout.isatty() and not result.raw:
        from kshell.exchanges import shown_body

        output = shown_body(output)
    # a pipe gets UTF-8 whatever the locale says: JSON is UTF-8
    sys.stdout.buffer.write(output.encode("utf-8", "backslashreplace") if isinstance(output, str) else output)


def _leave(stream: TextIO) -> None:
    """Point a stream whose reader is gone at nothing, so that the interpreter's last flush does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
