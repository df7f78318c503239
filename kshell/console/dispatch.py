"""Words -> command -> ``Result``: the one way a command is found, parsed and run, and an exception becomes words.

The command line, the shell and scripts are three frontends of it; printing is not done here.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.exceptions import Exit

from kshell.console.command import SHOW
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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.console.caller import Caller
    from kshell.console.group import Commands
    from kshell.session.session import Session
    from kshell.syntax.command_table import Frontend
    from kshell.syntax.lines import Line

    Show = Callable[[Result, bool | None], object]


class Performed(NamedTuple):
    """What a line came to, and whether it asked for colour (None: it did not say)."""

    result: Result
    colour: bool | None = None


def perform(
    words: Sequence[str], caller: Caller | None = None, *, show: Show | None = None, width: int | None = None
) -> Performed:
    """Run one line's words. Never raises: what goes wrong becomes a ``Result`` with its exit code.

    Without a ``caller`` it is the command line, with a new session and the places that ``--home`` says. ``show`` prints what
    a command that takes its time has to say meanwhile; without it, all of it is in the ``Result``. Help is wrapped at
    ``width`` columns, by default at the terminal's.
    """
    frontend = caller.frontend if caller else "line"
    root = commands_of(frontend)
    context = click.Context(root, info_name="kshell" if frontend == "line" else "", obj=caller)
    if caller is not None:
        caller.session.attempt = None  # what an earlier line sent is not what this one is asked about
    try:
        context = root.make_context(context.info_name, list(words), obj=caller, terminal_width=width)
        context.meta[SHOW] = show and partial(_shown, show, context)
        with context:
            return Performed(root.invoke(context), context.color)
    except Exit as error:
        return Performed(Result(exit_code=error.exit_code), context.color)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug of ours is told in two lines too
        return Performed(failure(error, context.obj and context.obj.session), context.color)


def _shown(show: Show, context: click.Context, result: Result) -> None:
    show(result, context.color)


def perform_line(text: str, caller: Caller) -> Performed:
    """Split one line, expand its expressions, and run its words. Never raises; an empty line comes to nothing."""
    from kshell.syntax.lines import Line

    return perform_at(Line("line", 1, (text,)), caller)


def perform_at(line: Line, caller: Caller) -> Performed:
    """As ``perform_line``, for a line of a file."""
    before, caller.line = caller.line, line
    try:
        words = _words(line, caller.session, commands_of(caller.frontend))
        if not words:
            return Performed(Result())
        performed = perform(words, caller)
        return performed._replace(result=caller.record(line, performed.result))
    except KshellError as error:
        # the hint may say what the last answer holds
        note = error.note.masked(caller.session.without_key)
        return Performed(Result(notes=[note], exit_code=error.exit_code))
    finally:
        caller.line = before


def _words(line: Line, session: Session, commands: Commands) -> list[str]:
    """The words of a line, its expressions expanded; of ``expect`` and ``capture``, all that follows as one word."""
    if line.head in commands.whole:
        rest = line.rest()[0]
        return [line.head, rest] if rest in ("-h", "--help") else [line.head, "--", *filter(None, [rest])]
    words = line.words()
    expressions = any(word.computed for word in words)
    names = session.names() if expressions else {}
    return [line.expanded(word, names) for word in words]


def check_words(words: Sequence[str], *, frontend: Frontend, whole: bool) -> dict[str, Any]:
    """Check a line's words without running them, and return the command's parsed options and arguments by name.

    The result is empty without ``whole`` and for ``--help``. Raises ``KshellError`` if ``frontend`` has no such command or,
    with ``whole``, if the command does not take the words.
    """
    root = commands_of(frontend)
    # a command keeps the help option that its first context gives it, so this one is as every other
    context = click.Context(root, info_name="", **root.context_settings)
    name: str | None = ""
    try:
        name, command, rest = root.resolve_command(context, list(words))
        return command.make_context(name, rest, parent=context).params if command is not None and whole else {}
    except Exit:
        return {}  # --help
    except click.UsageError as error:
        raise UsageError(error.format_message(), hint=f"kshell help {name}".rstrip()) from None


def failure(error: BaseException, session: Session | None) -> Result:
    """An exception as what a user reads, and its exit code."""
    if isinstance(error, KshellError):
        return Result(notes=[error.note], exit_code=error.exit_code)
    if isinstance(error, click.UsageError):
        return Result(notes=[_usage_note(error)], exit_code=EXIT_USAGE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Result(notes=[Note("info", _interrupted(session))], exit_code=EXIT_INTERRUPTED)
    if os.environ.get("KSHELL_DEBUG"):
        raise error
    hint = "KSHELL_DEBUG=1 shows where; please report it"
    note = Note("error", f"kshell failed on its own: {type(error).__name__}", hint=hint)
    begun = session and session.attempt and session.attempt.begun
    return Result(notes=[note], exit_code=EXIT_UNKNOWN if begun else EXIT_SETUP)


def _usage_note(error: click.UsageError) -> Note:
    command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
    message = " ".join(error.format_message().split())  # click lists choices one a line
    return Note("error", message, hint=f"kshell help {command}".rstrip())


def _interrupted(session: Session | None) -> str:
    """What to say where Ctrl-C came outside of the sending itself, which says it on its own."""
    if session is None or session.attempt is None:
        return "interrupted; nothing was sent"
    return f"interrupted; delivery: {session.attempt.exchange.delivery}"
