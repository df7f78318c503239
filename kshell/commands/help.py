"""``help``: lists the commands on one screen, or shows one command with its examples."""

import shutil
from textwrap import wrap
from typing import cast

import click

from kshell.console.command import HelpContext, command, offering
from kshell.console.group import Commands, commands_of
from kshell.core.errors import UsageError, did_you_mean
from kshell.core.models import Result
from kshell.syntax.command_table import COMMANDS, OTHER_WORDS, Frontend

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
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS) or "kshell help lists the commands"
        raise UsageError(f"there is no command {name!r}", hint=hint)
    frontends, where, commands = COMMANDS[name].frontends, "", cast("Commands", root.command)
    if commands.frontend not in frontends:
        where = f"{name} is for {' and '.join(_FRONTENDS[frontend] for frontend in frontends)}.\n\n"
        commands, width = commands_of(frontends[0]), root.terminal_width
        program = "kshell" if frontends[0] == "line" else ""
        root = HelpContext(commands, info_name=program, terminal_width=width, **commands.context_settings)
    command = commands.find(name)
    return f"{where}{command.get_help(HelpContext(command, info_name=name, parent=root))}\n"


def _overview(root: click.Context) -> str:
    """Every command with its summary; in the shell only their names if the summaries do not fit the screen."""
    full = root.get_help() + "\n"
    commands = cast("Commands", root.command)
    width, height = shutil.get_terminal_size()
    if commands.frontend == "line":
        others = " ".join(name for name, entry in COMMANDS.items() if "line" not in entry.frontends)
        return f"{full}\n{_IN_SESSION}\n{_filled(others, root.make_formatter().width, '  ')}"
    if commands.frontend == "script":
        return full
    if full.count("\n") + 1 < height:
        return f"{full}\n{_filled(_IN_SHELL, width)}"
    indent = max(map(len, commands.sections)) + 2
    lines = [_filled(" ".join(names), width, title.ljust(indent)) for title, names in commands.sections.items()]
    return "".join(lines) + "\n" + _filled(_IN_SHELL, width)


def _filled(text: str, width: int, lead: str = "") -> str:
    lines = wrap(text, width - 1, initial_indent=lead, subsequent_indent=" " * len(lead), break_on_hyphens=False)
    return "".join(f"{line}\n" for line in lines)
