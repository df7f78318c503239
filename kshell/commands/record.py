"""``record``: what is typed becomes a script."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_caller
from kshell.core.errors import Note, UsageError
from kshell.core.models import Result
from kshell.profiles.files import shown

if TYPE_CHECKING:
    from kshell.console.caller import Caller
    from kshell.shell.running import Shell


@command("record", examples=["record session.kshell", "record session.kshell --expect --force"])
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|stop")
@click.option("--expect", "expects", is_flag=True, help="Write an expect for each answer.")
@click.option("--force", is_flag=True, help="Write over a file that there is.")
@pass_caller
def record(caller: Caller, file: Path, *, expects: bool, force: bool) -> Result:
    """Write what is typed from now on as a script, until record stop.

    It begins with the session as it is. Recipients, codes and keys become references, and the first line of the file says
    how to run it with their values. What failed is left out. Only you can type it: no script can hold it.
    """
    from kshell.scripts.recording import Recording
    from kshell.shell.running import Shell

    assert isinstance(caller, Shell)  # noqa: S101 - the shell alone has this command
    if str(file) == "stop":
        return _stop(caller)
    if caller.recording:
        hint = "record stop ends it"
        raise UsageError(f"{shown(caller.recording.file)} is being recorded already", hint=hint)
    if file.exists() and not force:
        raise UsageError(f"there is a file {shown(file)} already", hint="choose another name, or add --force")
    caller.recording = Recording(file, caller.session, expects=expects)
    return Result(notes=[Note("info", f"recording to {shown(file)}; record stop ends it")])


def _stop(shell: Shell) -> Result:
    if shell.recording is None:
        raise UsageError("nothing is being recorded", hint="record FILE begins")
    command = shell.recording.command(shlex.quote(shown(shell.recording.file)))
    shell.recording = None
    return Result(notes=[Note("info", f"recorded: {command}")])
