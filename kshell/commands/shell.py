"""``shell`` and ``exit``: start and leave the shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.console.command import command, pass_caller, pass_session
from kshell.console.group import at_terminal
from kshell.core.errors import UsageError
from kshell.core.models import Result

if TYPE_CHECKING:
    from kshell.console.caller import Caller
    from kshell.session.session import Session


@command("shell", examples=["shell"])
@pass_session
def shell(session: Session) -> Result:
    """Start the shell, which keeps the session from line to line.

    At a terminal, kshell without arguments does the same. Tab completes; help lists the commands; Ctrl-D or exit leaves.
    """
    if not at_terminal():
        raise UsageError("the shell needs a terminal", hint="kshell --help lists the commands that need none")
    return start(session)


def start(session: Session) -> Result:
    """Run the shell until the user leaves it."""
    from kshell.shell.loop import run

    return Result(exit_code=run(session))


@command("exit", examples=["exit"])
@pass_caller
def exit_command(caller: Caller) -> Result:
    """Leave the shell, as Ctrl-D and quit do. In a script, end it here, and the scripts that run it by source too."""
    caller.ended = True
    return Result()
