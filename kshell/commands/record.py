"""``record``: writes the typed lines as a script."""

import os
from pathlib import Path

import click

from kshell.console.caller import Caller
from kshell.console.command import File, command, pass_caller
from kshell.core.errors import Note, UsageError
from kshell.core.models import Result
from kshell.profiles.files import quoted, shown


@command("record", examples=["record session.kshell", "record session.kshell --expect --force"])
@click.argument("file", type=File(), metavar="FILE")
@click.option("--expect", "expects", is_flag=True, help="Write an expect for each answer.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@pass_caller
def record(caller: Caller, file: Path, *, expects: bool, force: bool) -> Result:
    """Write the lines that you type to a script, until record stop.

    The script begins with the current state of the session. Recipients, codes and keys become references; the first line
    of the file shows how to run it with their values. Lines that failed are left out. A script cannot use this command.
    """
    from kshell.scripts.recording import Recording
    from kshell.shell.running import Shell

    assert isinstance(caller, Shell)  # noqa: S101 - only the shell has this command
    recording = caller.recording
    if str(file) == "stop":
        if recording is None:
            raise UsageError("nothing is being recorded", hint="record FILE begins a recording")
        caller.recording = None
        return Result(notes=[Note("info", f"recorded: {recording.command(quoted(recording.file))}")])
    if recording:
        raise UsageError(f"{shown(recording.file)} is being recorded already", hint="record stop ends it")
    if os.path.exists(file) and not force:
        raise UsageError(f"{shown(file)} exists already", hint="choose another name, or add --force")
    caller.recording = Recording(file, caller.session, expects=expects)
    return Result(notes=[Note("info", f"recording to {shown(file)}; record stop ends it")])
