"""``shell`` and ``exit``: start and leave the shell."""

import click

from kshell.console.caller import Caller
from kshell.console.command import command, pass_caller, pass_session, who_and_where
from kshell.console.group import at_terminal
from kshell.core.errors import UsageError
from kshell.core.models import Result
from kshell.session.session import Overrides, Session


@command("shell", examples=["shell"])
@who_and_where
@pass_session
def shell(session: Session, overrides: Overrides) -> Result:
    """Start the shell, which keeps the session from line to line.

    At a terminal, kshell without arguments does the same. Tab completes; help lists the commands; Ctrl-D or exit leaves.
    """
    if not at_terminal():
        raise UsageError("the shell needs a terminal", hint="kshell --help lists the commands that need none")
    return start(session, overrides)


def start(session: Session, chosen: Overrides) -> Result:
    """Run the shell with the chosen account, pod, template and colours until the user leaves it."""
    from kshell.shell.loop import run

    colour = click.get_current_context().find_root().color
    return Result(exit_code=run(session, chosen, colour=colour))


@command("exit", examples=["exit"])
@pass_caller
def exit_command(caller: Caller) -> Result:
    """Leave the shell, as Ctrl-D and quit do. In a script, end it here, and the scripts that run it by source too."""
    caller.ended = True
    return Result()
