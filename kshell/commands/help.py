"""``help``: one screen of commands, or one command with its examples."""

from __future__ import annotations

import click

from kshell.commands import Result, command


@command("help", examples=["help", "help curl"])
@click.argument("name", required=False, metavar="[COMMAND]")
@click.pass_context
def help_command(context: click.Context, name: str | None) -> Result:
    """Show the commands, or one of them with its options and examples."""
    group = context.find_root()
    assert isinstance(group.command, click.Group)  # noqa: S101 - cli puts it there
    if name is None:
        return Result(group.get_help() + "\n")
    _, wanted, _ = group.command.resolve_command(group, [name])
    assert wanted is not None  # noqa: S101 - resolve_command raises instead
    return Result(wanted.get_help(click.Context(wanted, info_name=name, parent=group)) + "\n")
