"""``help``: one screen of commands, or one command with its examples."""

from __future__ import annotations

import shutil
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from kshell.commands import Known, Result, command

if TYPE_CHECKING:
    from kshell.dispatch import Commands

_IN_SHELL = (
    "help COMMAND shows one, with examples. Tab completes, the right arrow takes what is suggested, Ctrl-R searches. "
    "COMMAND | PROGRAM and COMMAND > FILE take the output elsewhere. A line that begins with a space is not remembered."
)


@command("help", examples=["help", "help curl"])
@click.argument("name", required=False, type=Known("commands"), metavar="[COMMAND]")
@click.pass_context
def help_command(context: click.Context, name: str | None) -> Result:
    """Show the commands, or one of them with its options and examples."""
    root = context.find_root()
    if name is None:
        return Result(_overview(root))
    assert isinstance(root.command, click.Group)  # noqa: S101 - dispatch puts it there
    _, wanted, _ = root.command.resolve_command(root, [name])
    assert wanted is not None  # noqa: S101 - resolve_command raises instead
    return Result(wanted.get_help(click.Context(wanted, info_name=name, parent=root)) + "\n")


def _overview(root: click.Context) -> str:
    """Every command with its sentence; in the shell, where that is more than a screen, only their names."""
    whole = root.get_help() + "\n"
    commands: Commands = root.command  # type: ignore[assignment]
    width, height = shutil.get_terminal_size()
    if commands.mouth != "shell":
        return whole
    if whole.count("\n") + 1 < height:
        return f"{whole}\n{_filled(_IN_SHELL, width)}"
    return _short(commands, width)


def _short(commands: Commands, width: int) -> str:
    indent = max(map(len, commands.sections)) + 2
    lines = [_filled(" ".join(names), width, title.ljust(indent)) for title, names in commands.sections.items()]
    return "".join(lines) + "\n" + _filled(_IN_SHELL, width)


def _filled(text: str, width: int, lead: str = "") -> str:
    lines = wrap(text, width - 1, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)
