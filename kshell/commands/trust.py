"""``trust``: the user's permission for a pod's file to decide where an API key is sent."""

from pathlib import Path

import click

from kshell.console.command import File, command, pass_session
from kshell.core.errors import Note, ProfileError
from kshell.core.models import Origin, Result
from kshell.profiles.files import shown
from kshell.profiles.profiles import read_pod
from kshell.profiles.trust import remember
from kshell.session.session import Session


@command("trust", examples=["trust profiles/pods/mine.yaml"])
@click.argument("file", type=File())
@pass_session
def trust(session: Session, file: Path) -> Result:
    """Allow API keys to be sent to the host of a pod's file in this folder.

    Nothing is sent to the host of a pod's file in the working directory until you trust the file. Your permission is for
    the current content: when the file changes, it ends. A script cannot use this command.
    """
    try:
        pod = read_pod(file.stem, Origin(file, "here"))
    except ProfileError as error:
        if error.at is None or file.absolute().parent.name == "pods":
            raise
        text = f"{shown(file)} is not a pod's file: {error.message}"
        raise ProfileError(text, hint="trust a file of profiles/pods; accounts and templates need no trust") from None
    remember(session.places, pod)
    return Result(notes=[Note("info", f"trusted: {shown(file)}; keys may be sent to {pod.base_url}")])
