"""``help``: one screen of commands, or one command with its examples, wherever it can be typed."""

from __future__ import annotations

import shutil
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from kshell.console.command import Known, command
from kshell.core.errors import UsageError, did_you_mean
from kshell.core.models import Result
from kshell.syntax.command_table import OTHER_WORDS, SECTIONS, Frontend

if TYPE_CHECKING:
    from kshell.console.group import Commands

_IN_SHELL = (
    "help COMMAND shows one, with examples. Tab completes, the right arrow takes what is suggested, Ctrl-R searches. "
    "COMMAND | PROGRAM and COMMAND > FILE take the output elsewhere. A line that begins with a space is not remembered."
)
_IN_SESSION = "In the shell and in scripts (kshell help COMMAND shows one):"
_ELSEWHERE: dict[Frontend, str] = {"line": "the command line", "shell": "the shell", "script": "scripts"}


@command("help", examples=["help", "help curl", "help expect"])
@click.argument("name", required=False, type=Known("commands"), metavar="[COMMAND]")
@click.pass_context
def help_command(context: click.Context, name: str | None) -> Result:
    """Show the commands, or one of them with its options and examples."""
    root = context.find_root()
    return Result(_overview(root) if name is None else _one(root, OTHER_WORDS.get(name, name)))


def _one(root: click.Context, name: str) -> str:
    """A command's help; one that cannot be typed here is shown as it is typed elsewhere, and says where."""
    entries = {known: entry for section in SECTIONS.values() for known, entry in section.items()}
    if name not in entries:
        hint = did_you_mean(name, entries) or "kshell help lists the commands"
        raise UsageError(f"there is no command {name!r}", hint=hint)
    frontends = entries[name].frontends
    commands: Commands = root.command  # type: ignore[assignment]
    if commands.frontend in frontends:
        return _shown(root, name)
    where = " and ".join(_ELSEWHERE[frontend] for frontend in frontends)
    return f"{name} is for {where}.\n\n{_shown(_root(frontends[0], root.terminal_width), name)}"


def _root(frontend: Frontend, width: int | None) -> click.Context:
    """Return the root context of a frontend that is not the one that asks; its help is ``width`` columns wide."""
    from kshell.console.group import commands_of

    root = commands_of(frontend)
    name = "kshell" if frontend == "line" else ""
    return click.Context(root, info_name=name, terminal_width=width, **root.context_settings)


def _shown(root: click.Context, name: str) -> str:
    assert isinstance(root.command, click.Group)  # noqa: S101 - dispatch puts it there
    wanted = root.command.get_command(root, name)
    assert wanted is not None  # noqa: S101 - the table of commands has it
    return wanted.get_help(click.Context(wanted, info_name=name, parent=root)) + "\n"


def _overview(root: click.Context) -> str:
    """Every command with its sentence; in the shell, where that is more than a screen, only their names."""
    whole = root.get_help() + "\n"
    commands: Commands = root.command  # type: ignore[assignment]
    width, height = shutil.get_terminal_size()
    if commands.frontend != "shell":
        return whole + _others(commands, root)
    if whole.count("\n") + 1 < height:
        return f"{whole}\n{_filled(_IN_SHELL, width)}"
    return _short(commands, width)


def _others(commands: Commands, root: click.Context) -> str:
    """The names of what only the shell and scripts understand, for the command line."""
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
