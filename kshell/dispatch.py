"""Words -> command -> ``Result``: the one way a command is found, parsed and run, and an exception becomes words.

The command line, the shell and scripts are three mouths of it; printing is not done here.
"""

from __future__ import annotations

import os
import sys
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.exceptions import Exit

from kshell import __version__
from kshell.commands import HELP, SECTIONS, SHOW, Command, Mouth, Result, common_options, session_of
from kshell.errors import (
    EXIT_INTERRUPTED,
    EXIT_SETUP,
    EXIT_UNKNOWN,
    EXIT_USAGE,
    KshellError,
    ScriptError,
    UsageError,
    did_you_mean,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.lines import Line
    from kshell.session import Session

    Show = Callable[[Result, bool | None], object]


_WHERE: dict[Mouth, str] = {"line": "on the command line", "shell": "in the shell", "script": "in a script"}


class Commands(click.Group):
    """The commands that ``mouth`` understands; a module is imported when one of its commands is asked for."""

    def __init__(self, *args: Any, mouth: Mouth, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.mouth = mouth
        self.sections = {
            title: {name: entry.module for name, entry in entries.items() if mouth in entry.mouths}
            for title, entries in SECTIONS.items()
            if any(mouth in entry.mouths for entry in entries.values())
        }
        self.modules = {name: module for entries in self.sections.values() for name, module in entries.items()}
        self.whole = {name for entries in SECTIONS.values() for name, entry in entries.items() if entry.whole}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command's name, in the order of the help."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """The command called ``cmd_name``."""
        if cmd_name not in self.modules:
            return None
        module = import_module(f"kshell.commands.{self.modules[cmd_name]}")
        found = (value for value in vars(module).values() if isinstance(value, Command) and value.name == cmd_name)
        return next(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a did-you-mean."""
        if args and args[0] not in self.modules and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise self._refusal(args[0])
        return super().resolve_command(ctx, args)

    def _refusal(self, name: str) -> KshellError:
        """The error for a name that is no command here: what to type instead, and whether the script or the usage is wrong."""
        fault = ScriptError if self.mouth == "script" else UsageError
        mouths = next((entries[name].mouths for entries in SECTIONS.values() if name in entries), ())
        if mouths:
            instead = ", or ".join(f"{_usage(name, mouth)} {_WHERE[mouth]}" for mouth in mouths)
            return fault(f"{name} cannot be used {_WHERE[self.mouth]}", hint=f"type {instead}")
        hint = did_you_mean(name, self.modules) or "help lists the commands"
        return fault(f"there is no command {name!r}", hint=hint)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, each with the first sentence of its help."""
        for title, names in self.sections.items():
            with formatter.section(title):
                rows = [
                    (name, known.get_short_help_str(90)) for name in names if (known := self.get_command(ctx, name))
                ]
                formatter.write_dl(rows)


def _usage(name: str, mouth: Mouth) -> str:
    """A command and its arguments, without its options, as ``mouth`` writes it: ``kshell trust FILE``."""
    root = commands_of(mouth)
    context = click.Context(root)
    command = root.get_command(context, name)
    assert command is not None  # noqa: S101 - the table of commands has it
    arguments = [param.make_metavar(context) for param in command.params if isinstance(param, click.Argument)]
    return " ".join([*(["kshell"] if mouth == "line" else []), name, *arguments])


@cache
def commands_of(mouth: Mouth) -> Commands:
    """The root of everything that ``mouth`` understands."""
    return Commands(
        "kshell",
        mouth=mouth,
        callback=_root,
        params=[*common_options(hidden=False), _VERSION, HELP] if mouth == "line" else [HELP],
        invoke_without_command=True,
        add_help_option=False,
        help=_root.__doc__,
        context_settings={"max_content_width": 100},
    )


def _show_version(context: click.Context, _: click.Parameter, asked: Any) -> None:
    if asked and not context.resilient_parsing:
        click.echo(f"kshell {__version__}")
        context.exit()


_VERSION = click.Option(
    ["--version"],
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)


@click.pass_context
def _root(context: click.Context) -> Result:
    """Render, check, preview and send WhatsApp one-time passwords by Kaleyra's API.

    Without an account of your own, start with: kshell send to=+919812345678
    """
    if context.invoked_subcommand is not None:
        return Result()
    from kshell.commands.shell import at_terminal, start

    if at_terminal():
        return start(session_of(context))
    if sys.stdin is None or sys.stdin.isatty():
        return Result(context.get_help() + "\n")
    from kshell.commands.script import run_stdin

    return run_stdin(context)


class Performed(NamedTuple):
    """What a line came to, and whether it asked for colour (None: it did not say)."""

    result: Result
    colour: bool | None = None


def perform(
    words: Sequence[str], *, mouth: Mouth = "line", session: Session | None = None, show: Show | None = None
) -> Performed:
    """Run one line's words. Never raises: what goes wrong becomes a ``Result`` with its exit code.

    Without a ``session`` a new one is made, with the places that ``--home`` says. ``show`` prints what a command that takes
    its time has to say meanwhile; without it, all of it is in the ``Result``.
    """
    root = commands_of(mouth)
    context = click.Context(root, info_name="kshell" if mouth == "line" else "", obj=session)
    if session is not None:
        session.attempt = None  # what an earlier line sent is not what this one is asked about
    try:
        context = root.make_context(context.info_name, list(words), obj=session)
        context.meta[SHOW] = show and partial(_shown, show, context)
        with context:
            return Performed(root.invoke(context), context.color)
    except Exit as error:
        return Performed(Result(exit_code=error.exit_code), context.color)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - a bug of ours is told in two lines too
        return Performed(failure(error, context.obj), context.color)


def _shown(show: Show, context: click.Context, result: Result) -> None:
    show(result, context.color)


def perform_line(text: str, *, mouth: Mouth, session: Session, file: str = "line", number: int = 1) -> Performed:
    """Split one line, expand its expressions, and run its words. Never raises; an empty line comes to nothing."""
    from kshell.lines import Line

    return perform_at(Line(file, number, (text,)), mouth=mouth, session=session)


def perform_at(line: Line, *, mouth: Mouth, session: Session) -> Performed:
    """As ``perform_line``, for a line of a file."""
    before, session.at = session.at, line
    try:
        words = _words(line, session, commands_of(mouth))
        performed = perform(words, mouth=mouth, session=session) if words else Performed(Result())
        if not session.recording or not words:
            return performed
        told = session.recording.keep(session, line, performed.result)
        return performed._replace(result=performed.result._replace(notes=[*performed.result.notes, *told]))
    except KshellError as error:
        return Performed(failure(error, session))
    finally:
        session.at = before


def _words(line: Line, session: Session, commands: Commands) -> list[str]:
    """The words of a line, its expressions expanded; of ``expect`` and ``capture``, all that follows as one word."""
    if line.head in commands.whole:
        rest = line.rest()[0]
        return [line.head, rest] if rest in ("-h", "--help") else [line.head, "--", *filter(None, [rest])]
    words = line.words()
    expressions = any(word.computed for word in words)
    names = session.names() if expressions else {}
    try:
        return [line.expanded(word, names) for word in words]
    except KshellError as error:
        error.hint = session.without_key(error.hint)  # it may say what the answer has
        raise


def check_words(words: Sequence[str], *, mouth: Mouth, whole: bool) -> dict[str, Any]:
    """With ``whole``, the command's parsed options and arguments by name; without it, or for ``--help``, none. Runs nothing.

    Raises ``KshellError`` where ``mouth`` has no such command or, with ``whole``, the command does not take the words.
    """
    root = commands_of(mouth)
    # a command keeps the help option that its first context gives it, so this one is as every other
    context = click.Context(root, info_name="", **root.context_settings)
    name: str | None = ""
    try:
        name, command, rest = root.resolve_command(context, list(words))
        return command.make_context(name, rest, parent=context).params if command is not None and whole else {}
    except Exit:
        return {}  # --help
    except click.UsageError as error:
        raise UsageError(error.format_message(), hint=f"help {name}".rstrip()) from None


def failure(error: BaseException, session: Session | None) -> Result:
    """An exception as what a user reads, and its exit code."""
    if isinstance(error, KshellError):
        return Result(notes=error.lines(), exit_code=error.exit_code)
    if isinstance(error, click.UsageError):
        return Result(notes=_usage_lines(error), exit_code=EXIT_USAGE)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Result(notes=[_interrupted(session)], exit_code=EXIT_INTERRUPTED)
    if os.environ.get("KSHELL_DEBUG"):
        raise error
    notes = [
        f"error: kshell failed on its own: {type(error).__name__}",
        "hint: KSHELL_DEBUG=1 shows where; please report it",
    ]
    return Result(notes=notes, exit_code=EXIT_UNKNOWN if session and session.attempt else EXIT_SETUP)


def _usage_lines(error: click.UsageError) -> list[str]:
    path = error.ctx.command_path.strip() if error.ctx else ""
    message = " ".join(error.format_message().split())  # click lists choices one a line
    return [f"error: {message}", f"hint: {path} --help" if path else "hint: help"]


def _interrupted(session: Session | None) -> str:
    """What to say where Ctrl-C came outside of the sending itself, which says it on its own."""
    if session is None or session.attempt is None:
        return "interrupted; nothing was sent"
    return f"interrupted; delivery: {session.attempt.exchange.delivery}"
