"""``shell`` and ``exit``: into the shell and out of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kshell.commands import Result, command, pass_session
from kshell.core.errors import UsageError

if TYPE_CHECKING:
    from kshell.session.session import Session

OTHER_WORDS = {"quit": "exit"}
"""What people type in the shell by the habit of other programs, and the command that they mean. Not listed."""


@command("shell", examples=["shell"])
@pass_session
def shell(session: Session) -> Result:
    """Start the shell, where the session keeps its values from line to line.

    kshell alone does the same at a terminal. Tab completes; help lists the commands; Ctrl-D or exit leaves.
    """
    if not at_terminal():
        raise UsageError("the shell needs a terminal", hint="kshell --help lists the commands that need none")
    return start(session)


def at_terminal() -> bool:
    """Whether there is somebody to talk to: stdin and stdout are a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def start(session: Session) -> Result:
    """Run the shell to its end."""
    from kshell.shell.loop import run

    return Result(exit_code=run(session))


@command("exit", examples=["exit"])
@pass_session
def exit_command(session: Session) -> Result:
    """Leave the shell, as Ctrl-D and quit do; in a script, end it here, with all that runs it by source."""
    session.left = True
    return Result()
