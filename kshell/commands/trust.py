"""``trust``: the user's word that a pod's file may decide where a key goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import Note, ProfileError
from kshell.core.models import Origin, Result
from kshell.profiles.files import shown
from kshell.profiles.profiles import read_pod

if TYPE_CHECKING:
    from kshell.core.models import Pod
    from kshell.session.session import Session


@command("trust", examples=["trust profiles/pods/mine.yaml"])
@click.argument("file", type=click.Path(path_type=Path))
@pass_session
def trust(session: Session, file: Path) -> Result:
    """Trust a pod's file of this folder, as it is now, with an API key.

    Before anything is sent to a host that a file of the working directory introduced, kshell wants your word once. It is
    remembered by the file's content: when the file changes, kshell asks again. Only you can type it: no script can hold it.
    """
    from kshell.profiles.trust import remember

    pod = _pod(file)
    remember(session.places, pod)
    return Result(notes=[Note("info", f"trusted: {shown(file)} may have keys sent to {pod.base_url}")])


def _pod(file: Path) -> Pod:
    """The pod of ``file``. Where it is not among pods and cannot be read as one, it is something else."""
    try:
        return read_pod(file.stem, Origin(file, "here"))
    except ProfileError as error:
        if error.at is None or file.absolute().parent.name == "pods":
            raise
        what = f"{shown(file)} is not a pod's file: {error.message}"
        raise ProfileError(what, hint="trust a file of profiles/pods; accounts and templates need no trust") from None
