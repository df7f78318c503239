"""The one place that prints: a ``Result`` goes to stdout and stderr."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from kshell.core.errors import EXIT_SETUP, Note
from kshell.core.terminal import highlighted, note_lines, safe, wants_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.core.models import Finding, Result


def show(result: Result, *, colour: bool | None = None) -> int:
    """Print a result and return its exit code: notes first, so that an outcome is told even where stdout fails."""
    _write_notes(result.notes, colour)
    try:
        _write_output(result, colour)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave(sys.stdout)
    except OSError as error:
        _leave(sys.stdout)
        _write_notes([Note("error", f"stdout cannot be written: {error.strerror}")], colour)
        return result.exit_code if result.sent else result.exit_code or EXIT_SETUP
    return result.exit_code


def _write_notes(notes: Sequence[Note | Finding], chosen: bool | None) -> None:  # noqa: FBT001 - None: it was not said
    colour = wants_colour(sys.stderr, chosen=chosen)
    try:
        for note in notes:
            sys.stderr.writelines(f"{line}\n" for line in note_lines(note, colour=colour))
        sys.stderr.flush()
    except OSError:
        _leave(sys.stderr)


def _write_output(result: Result, chosen: bool | None) -> None:  # noqa: FBT001 - None: it was not said
    output = result.output
    if not result.raw and sys.stdout.isatty():
        output = _shown(output)
    if isinstance(output, str) and wants_colour(sys.stdout, chosen=chosen):
        output = highlighted(output)
    # a pipe gets UTF-8 whatever the locale says: JSON is UTF-8
    sys.stdout.buffer.write(output.encode("utf-8", "backslashreplace") if isinstance(output, str) else output)


def _shown(output: str | bytes) -> str:
    """Output as a terminal may have it: nothing in it is obeyed."""
    if isinstance(output, str):
        return safe(output)
    from kshell.transport.exchange_text import shown_body

    return shown_body(output)


def _leave(stream: TextIO) -> None:
    """Point a stream whose reader is gone at nothing, so that the interpreter's last flush does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
