"""Find, parse and run a command, and turn an exception into a ``Result``.

The command line, the shell and scripts all use this module. It prints nothing.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import click

from kshell.console.command import SHOW, Printed
from kshell.console.group import commands_of
from kshell.core.errors import (
    EXIT_INTERRUPTED,
    EXIT_SETUP,
    EXIT_UNKNOWN,
    EXIT_USAGE,
    KshellError,
    Note,
    UsageError,
)
from kshell.core.models import Result
from kshell.syntax.command_table import WHOLE, Frontend

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.console.caller import Caller
    from kshell.session.session import Session
    from kshell.syntax.lines import Line

    Show = Callable[[Result], object]


def perform(
    words: Sequence[str], caller: Caller | None = None, *, show: Show | None = None, width: int | None = None
) -> Result:
    """Run the words of one line. Never raises: an error becomes a ``Result`` with its exit code.

    Without a ``caller`` the words are a command line's, which runs in a new session for the folder of ``--home``. ``show``
    prints intermediate results of a slow command; without it, they are part of the returned ``Result``. Help is wrapped at
    ``width`` columns, by default at the terminal's.
    """
    frontend = caller.frontend if caller else "line"
    if caller is not None:
        caller.session.attempt = None  # an error of this line must not report an earlier send
        if frontend == "script" and words[:1] and not words[0].startswith("-"):
            return _run_parsed(tuple(words), caller)
    root = commands_of(frontend)
    context = click.Context(root, info_name="kshell" if frontend == "line" else "", obj=caller)
    try:
        # click's own width is 48 columns at least, whatever the terminal has
        width = width or max(20, min(shutil.get_terminal_size().columns, 100) - 2)
        context = root.make_context(context.info_name, list(words), obj=caller, terminal_width=width)
        context.meta[SHOW] = show and (lambda result: show(result._replace(colour=context.color)))
        with context:
            result: Result = root.invoke(context)
    except Printed as printed:
        result = Result(f"{printed.text}\n")
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug is shown in two lines too
        result = failure(error, context.obj and context.obj.session)
    return result._replace(colour=context.color)


def _run_parsed(words: tuple[str, ...], caller: Caller) -> Result:
    """Run the words of a script's line as ``perform`` does. Equal words are parsed once: every row runs the same lines."""
    try:
        root, command, run = _parsed(words)
        with click.Context(command, parent=root, info_name=command.name, obj=caller):
            return run()
    except Printed as printed:
        return Result(f"{printed.text}\n")
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug is shown in two lines too
        return failure(error, caller.session)


@lru_cache(maxsize=256)
def _parsed(words: tuple[str, ...]) -> tuple[click.Context, click.Command, Callable[[], Result]]:
    """Return the root context of a script's line, its command, and the command's function with what was parsed.

    Raise as click and ``Commands`` do.
    """
    root = commands_of("script")
    context = click.Context(root, info_name="", **root.context_settings)
    with context:
        name, command, rest = root.resolve_command(context, list(words))
        assert command is not None and command.callback is not None  # noqa: S101, PT018 - resolve_command raises
        return context, command, partial(command.callback, **command.make_context(name, rest, parent=context).params)


def perform_line(text: str, caller: Caller) -> Result:
    """Split one line, expand its expressions, and run its words. Never raises; an empty line gives an empty result."""
    from kshell.syntax.lines import Line

    return perform_at(Line("line", 1, (text,)), caller)


def perform_at(line: Line, caller: Caller) -> Result:
    """Run a line of a file as ``perform_line`` does."""
    outer, caller.line = caller.line, line
    try:
        words = _plain_words(line) or _words(line, caller.session)
        if not words:
            return Result()
        return caller.record(line, perform(words, caller))
    except KshellError as error:
        # the hint may quote the last answer
        note = error.note.masked(caller.session.without_key)
        return Result(notes=[note], exit_code=error.exit_code)
    finally:
        caller.line = outer


@lru_cache(maxsize=256)
def _plain_words(line: Line) -> tuple[str, ...]:
    """The words of a line without expressions, else none. ``expect`` and ``capture`` get the rest of the line as one word."""
    if line.head in WHOLE:
        rest = line.rest()[0]
        return (line.head, rest) if rest in ("-h", "--help") else (line.head, "--", *filter(None, [rest]))
    words = line.words()
    return () if any(word.computed for word in words) else tuple(word.plain for word in words)


def _words(line: Line, session: Session) -> tuple[str, ...]:
    """The words of a line with expanded expressions."""
    words = line.words()
    names = session.names(line.text) if words else {}
    return tuple(line.expanded(word, names) for word in words)


def check_words(words: Sequence[str], *, frontend: Frontend, whole: bool) -> dict[str, Any]:
    """Check a line's words without running them, and return the command's parsed options and arguments by name.

    The result is empty without ``whole`` and for ``--help``. Raises ``KshellError`` if ``frontend`` has no such command or,
    with ``whole``, if the command does not take the words.
    """
    root = commands_of(frontend)
    # a command keeps the help option of its first context, so this context needs the usual settings
    context = click.Context(root, info_name="", **root.context_settings)
    try:
        name, command, rest = root.resolve_command(context, list(words))
        return command.make_context(name, rest, parent=context).params if command is not None and whole else {}
    except Printed:
        return {}  # --help
    except click.UsageError as error:
        note = _usage_note(error, None)
        raise UsageError(note.text, hint=note.hint) from None


def failure(error: BaseException, session: Session | None) -> Result:
    """The notes and the exit code for an exception; those of a bug have its traceback if ``KSHELL_DEBUG`` is set."""
    if isinstance(error, KshellError):
        return Result(notes=[error.note], exit_code=error.exit_code)
    if isinstance(error, click.UsageError):
        return Result(notes=[_usage_note(error, session)], exit_code=EXIT_USAGE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Result(notes=[Note("info", _interrupted(session))], exit_code=EXIT_INTERRUPTED)
    hint, lines = "KSHELL_DEBUG=1 shows where; please report it", []
    if os.environ.get("KSHELL_DEBUG"):
        from traceback import format_exception  # slow, and needed by few

        hint, lines = "please report it", "".join(format_exception(error)).splitlines()
    note = Note("error", f"internal error in kshell: {type(error).__name__}", hint=hint, details=tuple(lines))
    begun = session and session.attempt and session.attempt.begun
    return Result(notes=[note], exit_code=EXIT_UNKNOWN if begun else EXIT_SETUP)


def _usage_note(error: click.UsageError, session: Session | None) -> Note:
    command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
    if isinstance(error, click.NoSuchOption):
        name = error.option_name.lstrip("-")
        if session and name in _variables(error, session):
            return Note(
                "error", f"{command} has no option {error.option_name}", hint=f"{command} {name}=…, without dashes"
            )
        if command == "curl" and error.option_name.startswith(_OPTIONS_OF_CURL):
            hint = "kshell import FILE reads a curl command that was made elsewhere"
            return Note("error", f"kshell's curl has no option {error.option_name}", hint=hint)
    message = " ".join(error.format_message().split())  # click lists choices one a line
    return Note("error", message, hint=f"kshell help {command}".rstrip())


_OPTIONS_OF_CURL = ("-X", "-H", "-d", "-s", "-L", "--request", "--header", "--data", "--url", "--location")


def _variables(error: click.UsageError, session: Session) -> list[str]:
    """The variables of the session's template, if the command takes variables."""
    takes = error.ctx and any(param.name == "variables" for param in error.ctx.command.params)
    with suppress(KshellError):
        return [variable.name for variable in session.current_template().variables] if takes else []
    return []


def _interrupted(session: Session | None) -> str:
    """The message for a Ctrl-C outside of ``Attempt.run``, which reports its own."""
    if session is None or session.attempt is None:
        return "interrupted; nothing was sent"
    return f"interrupted; delivery: {session.attempt.exchange.delivery}"
