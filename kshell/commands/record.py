"""``record``: what is typed becomes a script."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kshell.commands import Result, command, pass_session
from kshell.errors import UsageError
from kshell.places import shown

if TYPE_CHECKING:
    from kshell.session import Session


@command("record", examples=["record session.kshell", "record session.kshell --expect --force"])
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|stop")
@click.option("--expect", "expects", is_flag=True, help="Write an expect for each answer.")
@click.option("--force", is_flag=True, help="Write over a file that there is.")
@pass_session
def record(session: Session, file: Path, *, expects: bool, force: bool) -> Result:
    """Write what is typed from now on as a script, until record stop.

    It begins with the session as it is. Recipients, codes and keys become references, and the first line of the file says
    how to run it with their values. What failed is left out. Only you can type it: no script can hold it.
    """
    from kshell.recording import Recording

    if str(file) == "stop":
        return _stop(session)
    if session.recording:
        hint = "record stop ends it"
        raise UsageError(f"{shown(session.recording.file)} is being recorded already", hint=hint)
    if file.exists() and not force:
        raise UsageError(f"there is a file {shown(file)} already", hint="choose another name, or add --force")
    session.recording = Recording(file, session, expects=expects)
    return Result(notes=[f"recording to {shown(file)}; record stop ends it"])


def _stop(session: Session) -> Result:
    if session.recording is None:
        raise UsageError("nothing is being recorded", hint="record FILE begins")
    command = session.recording.command(shlex.quote(shown(session.recording.file)))
    session.recording = None
    return Result(notes=[f"recorded: {command}"])
