"""``help``: lists the commands on one screen, or shows one command with its examples."""

from __future__ import annotations

import shutil
from textwrap import wrap

import click

from kshell.console.command import HelpContext, command, offering
from kshell.console.group import Commands
from kshell.core.errors import UsageError, did_you_mean
from kshell.core.models import Result
from kshell.syntax.command_table import OTHER_WORDS, SECTIONS, Frontend

_IN_SHELL = (
    "help COMMAND shows one, with examples. Tab completes, the right arrow accepts the suggestion, Ctrl-R searches. "
    "COMMAND | PROGRAM and COMMAND > FILE redirect the output. A line that begins with a space is not remembered."
)
_IN_SESSION = "In the shell and in scripts (kshell help COMMAND shows one):"
_FRONTENDS: dict[Frontend, str] = {"line": "the command line", "shell": "the shell", "script": "scripts"}


@command("help", examples=["help", "help curl", "help expect"])
@click.argument("name", required=False, shell_complete=offering("commands"), metavar="[COMMAND]")
@click.option("--man", is_flag=True, help="Print the man page of kshell, for man -l.")
@click.pass_context
def help_command(context: click.Context, name: str | None, *, man: bool) -> Result:
    """List the commands, or show one with its options and examples."""
    if man:
        from kshell.console.man_page import man_page

        return Result(man_page())
    root = context.find_root()
    return Result(_overview(root) if name is None else _one(root, OTHER_WORDS.get(name, name)))


def _one(root: click.Context, name: str) -> str:
    """The help of a command. If this frontend lacks the command, the text names the frontends that have it."""
    entries = {known: entry for section in SECTIONS.values() for known, entry in section.items()}
    if name not in entries:
        hint = did_you_mean(name, entries) or "kshell help lists the commands"
        raise UsageError(f"there is no command {name!r}", hint=hint)
    frontends = entries[name].frontends
    commands: Commands = root.command  # type: ignore[assignment]
    if commands.frontend in frontends:
        return _shown(root, name)
    where = " and ".join(_FRONTENDS[frontend] for frontend in frontends)
    return f"{name} is for {where}.\n\n{_shown(_root(frontends[0], root.terminal_width), name)}"


def _root(frontend: Frontend, width: int | None) -> click.Context:
    """The root context of another frontend; its help is ``width`` columns wide."""
    from kshell.console.group import commands_of

    root = commands_of(frontend)
    name = "kshell" if frontend == "line" else ""
    return HelpContext(root, info_name=name, terminal_width=width, **root.context_settings)


def _shown(root: click.Context, name: str) -> str:
    assert isinstance(root.command, click.Group)  # noqa: S101 - dispatch puts it there
    command = root.command.get_command(root, name)
    assert command is not None  # noqa: S101 - the table of commands has it
    return command.get_help(HelpContext(command, info_name=name, parent=root)) + "\n"


def _overview(root: click.Context) -> str:
    """Every command with its summary; in the shell only their names if the summaries do not fit the screen."""
    full = root.get_help() + "\n"
    commands: Commands = root.command  # type: ignore[assignment]
    width, height = shutil.get_terminal_size()
    if commands.frontend != "shell":
        return full + _others(commands, root)
    if full.count("\n") + 1 < height:
        return f"{full}\n{_filled(_IN_SHELL, width)}"
    return _short(commands, width)


def _others(commands: Commands, root: click.Context) -> str:
    """The names of the commands that only the shell and scripts have; empty unless this is the command line's help."""
    if commands.frontend != "line":
        return ""
    names = (name for section in SECTIONS.values() for name, entry in section.items() if "line" not in entry.frontends)
    return f"\n{_IN_SESSION}\n{_filled(' '.join(names), root.make_formatter().width, '  ')}"


def _short(commands: Commands, width: int) -> str:
    indent = max(map(len, commands.sections)) + 2
    lines = [_filled(" ".join(names), width, title.ljust(indent)) for title, names in commands.sections.items()]
    return "".join(lines) + "\n" + _filled(_IN_SHELL, width)


def _filled(text: str, width: int, lead: str = "") -> str:
    lines = wrap(text, width - 1, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)
