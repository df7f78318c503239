"""``help``: one screen of commands, or one command with its examples."""

from __future__ import annotations

import click

from kshell.commands import Known, Result, command


@command("help", examples=["help", "help curl"])
@click.argument("name", required=False, type=Known("commands"), metavar="[COMMAND]")
@click.pass_context
def help_command(context: click.Context, name: str | None) -> Result:
    """Show the commands, or one of them with its options and examples."""
    root = context.find_root()
    if name is None:
        return Result(root.get_help() + "\n")
    assert isinstance(root.command, click.Group)  # noqa: S101 - dispatch puts it there
    _, wanted, _ = root.command.resolve_command(root, [name])
    assert wanted is not None  # noqa: S101 - resolve_command raises instead
    return Result(wanted.get_help(click.Context(wanted, info_name=name, parent=root)) + "\n")
