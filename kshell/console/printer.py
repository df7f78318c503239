"""Print a ``Result`` to stdout and stderr. Only this module prints the results of commands."""

import os
import sys
from collections.abc import Sequence
from itertools import chain
from typing import TextIO

from kshell.core.errors import EXIT_SETUP, Note
from kshell.core.models import Finding, Result
from kshell.core.signals import Held
from kshell.core.terminal import columns_of, highlighted, note_lines, safe, wants_colour, wrapped


def show(result: Result, *, colour: bool | None = None) -> int:
    """Print a result and return its exit code. Notes come first, so an outcome is shown even if stdout fails.

    ``colour`` counts if the result does not say whether to colour it.
    """
    colour = colour if result.colour is None else result.colour
    with Held() as held:  # what became of a message is said, also if a signal comes now
        _write_notes(result.notes, colour)
        held.holding = result.sent
        code = _show_output(result, colour)
    if held.interrupted:
        raise KeyboardInterrupt
    return code


def _show_output(result: Result, colour: bool | None) -> int:  # noqa: FBT001 - None: not given
    try:
        _write_output(result, colour)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
    except OSError as error:
        _discard(sys.stdout)
        _write_notes([Note("error", f"stdout cannot be written: {error.strerror}")], colour)
        return result.exit_code if result.sent else result.exit_code or EXIT_SETUP
    return result.exit_code


def _write_notes(notes: Sequence[Note | Finding], chosen: bool | None) -> None:  # noqa: FBT001 - None: not given
    colour, width = wants_colour(sys.stderr, chosen=chosen), columns_of(sys.stderr)
    try:
        for note in notes:
            sys.stderr.writelines(f"{line}\n" for line in note_lines(note, colour=colour, width=width))
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _write_output(result: Result, chosen: bool | None) -> None:  # noqa: FBT001 - None: not given
    output = result.output
    if not result.raw and sys.stdout.isatty():
        if isinstance(output, bytes):
            from kshell.transport.exchange_text import shown_body

            output = shown_body(output)
        output = safe(output)  # no control character may reach the terminal
        if result.prose:
            width = columns_of(sys.stdout)
            output = "".join(f"{row}\n" for line in output.splitlines() for row in wrapped(line, width))
    colour = wants_colour(sys.stdout, chosen=chosen)
    if output and result.findings:
        lines = (note_lines(it, colour=colour, width=columns_of(sys.stdout)) for it in result.findings)
        output = "".join(f"{line}\n" for line in chain.from_iterable(lines))
    elif isinstance(output, str) and colour:
        output = highlighted(output)
    sys.stdout.buffer.write(Result(output).data)


def _discard(stream: TextIO) -> None:
    """Redirect a stream without a reader to the null device, so that the interpreter's last flush does not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
