"""The command line: words in; stdout, stderr and an exit code out. The only place that prints.

What a command does is said in ``commands``; what can go wrong, in ``errors``.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from kshell import __version__
from kshell.commands import MODULES, SECTIONS, Command, Result, common_options
from kshell.errors import EXIT_INTERRUPTED, EXIT_SETUP, EXIT_UNKNOWN, EXIT_USAGE, KshellError, did_you_mean
from kshell.session import Session
from kshell.terminal import paint_note, safe, wants_colour

if TYPE_CHECKING:
    from collections.abc import Sequence


class Commands(click.Group):
    """The commands of ``commands.SECTIONS``; a module is imported when one of its commands is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every command's name, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002 - click's signature
        """The command called ``cmd_name``."""
        if cmd_name not in MODULES:
            return None
        module = import_module(f"kshell.commands.{MODULES[cmd_name]}")
        found = (value for value in vars(module).values() if isinstance(value, Command) and value.name == cmd_name)
        return next(found)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a did-you-mean."""
        if args and args[0] not in MODULES and not args[0].startswith("-"):
            hint = did_you_mean(args[0], MODULES) or "kshell help lists the commands"
            raise click.UsageError(f"there is no command {args[0]!r}\nhint: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section, each with the first sentence of its help."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                rows = [
                    (name, known.get_short_help_str(90)) for name in names if (known := self.get_command(ctx, name))
                ]
                formatter.write_dl(rows)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="kshell %(version)s")
@click.pass_context
def kshell(context: click.Context) -> Result:
    """Render, check, preview and send WhatsApp one-time passwords by Kaleyra's API.

    Without an account of your own, start with: kshell send to=+919812345678
    """
    if context.invoked_subcommand is None:
        return Result(context.get_help() + "\n")
    return Result()


kshell.params[:0] = common_options(hidden=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print what it came to, and return the exit code. No exception leaves it but ``SystemExit``."""
    context: click.Context | None = None
    try:
        context = kshell.make_context("kshell", list(arguments))
        with context:
            result = kshell.invoke(context)
        return _print(result, context)
    except KshellError as error:
        return _fail(error.lines(), error.exit_code, context)
    except click.UsageError as error:
        return _fail(_usage_lines(error), EXIT_USAGE, context)
    except click.exceptions.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _fail([_interrupted(context)], EXIT_INTERRUPTED, context)
    except Exception as error:  # noqa: BLE001 - a bug of ours is told in two lines, not in a traceback
        return _fail(*_bug(error, context), context)


def _bug(error: Exception, context: click.Context | None) -> tuple[list[str], int]:
    """What to say of an exception that is nobody's but ours; KSHELL_DEBUG=1 shows where it came from."""
    if os.environ.get("KSHELL_DEBUG"):
        raise error
    session = context.obj if context else None
    sent = isinstance(session, Session) and session.attempt is not None
    lines = [
        f"error: kshell failed on its own: {type(error).__name__}",
        "hint: KSHELL_DEBUG=1 shows where; please report it",
    ]
    return lines, EXIT_UNKNOWN if sent else EXIT_SETUP


def _usage_lines(error: click.UsageError) -> list[str]:
    message = error.format_message()
    if "hint:" in message:
        return [f"error: {message}"]
    path = error.ctx.command_path if error.ctx else "kshell"
    return [f"error: {message}", f"hint: {path} --help"]


def _interrupted(context: click.Context | None) -> str:
    """What to say where Ctrl-C came outside of the sending itself, which says it on its own."""
    session = context.obj if context else None
    if not isinstance(session, Session) or session.attempt is None:
        return "interrupted; nothing was sent"
    return f"interrupted; delivery: {session.attempt.exchange.delivery}"


def _fail(lines: Sequence[str], code: int, context: click.Context | None) -> int:
    _print(Result(notes=lines, exit_code=code), context)
    return code


def _print(result: Result, context: click.Context | None) -> int:
    """Notes first, so that an outcome is told even where stdout cannot be written."""
    chosen = context.color if context else None
    _write_notes(result.notes, chosen=chosen)
    try:
        _write_output(result)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_stdout()
    except OSError as error:
        _leave_stdout()
        _write_notes([f"error: stdout cannot be written: {error.strerror}"], chosen=chosen)
        return result.exit_code or EXIT_SETUP
    return result.exit_code


def _write_notes(notes: Sequence[str], *, chosen: bool | None) -> None:
    colour = wants_colour(sys.stderr, chosen=chosen)
    for note in notes:
        sys.stderr.write(paint_note(safe(note), colour=colour) + "\n")
    sys.stderr.flush()


def _write_output(result: Result) -> None:
    output = result.output
    if isinstance(output, bytes) and sys.stdout.isatty() and not result.raw:
        from kshell.exchanges import shown_body

        output = shown_body(output)
    # a pipe gets UTF-8 whatever the locale says: JSON is UTF-8
    sys.stdout.buffer.write(output.encode("utf-8", "backslashreplace") if isinstance(output, str) else output)


def _leave_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
