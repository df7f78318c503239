"""The caller of a command: the command line, the shell or a script. It is the ``obj`` of click's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click

    from kshell.core.errors import Note
    from kshell.core.models import Finding, Pod, Result
    from kshell.session.session import Session
    from kshell.syntax.command_table import Frontend
    from kshell.syntax.lines import Line

    Confirm = Callable[[str, Sequence[Note | Finding]], bool]


class Caller:
    """The session of a command, and how to ask the user and to record; ``Shell`` and ``ScriptRun`` extend it."""

    def __init__(self, session: Session, frontend: Frontend = "line") -> None:
        self.session = session
        self.frontend = frontend
        self.line: Line | None = None  # the line that is being run; None on the command line
        self.confirm: Confirm | None = None  # shows notes, then asks the user for a yes; None if nobody can be asked
        self.asks: Callable[[Pod], bool] = lambda pod: pod.live  # whether to ask before a send to this pod
        self.edited = ""  # the text of an edit that was not sent
        self.ended = False  # whether ``exit`` was run

    def record(self, line: Line, result: Result) -> Result:  # noqa: ARG002 - for subclasses that record
        """Record a line that was run, and return its result. A subclass adds notes about errors in recording."""
        return result


def session_of(context: click.Context) -> Session:
    """The session that a command runs in."""
    caller = context.obj
    assert isinstance(caller, Caller)  # noqa: S101 - dispatch puts it there
    return caller.session
