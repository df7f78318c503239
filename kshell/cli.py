"""The command line: words in, an exit code out. How a command is found, run and shown is ``console``'s."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kshell.console.dispatch import perform
from kshell.console.printer import show
from kshell.core.errors import EXIT_SETUP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kshell.core.models import Result


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print what it came to, and return the exit code."""
    asked = os.environ.get("_KSHELL_COMPLETE")
    if asked:
        return show(_completed(asked))
    result, colour = perform(arguments, show=lambda result, colour: show(result, colour=colour))
    return show(result, colour=colour)


def _completed(asked: str) -> Result:
    """What bash, zsh or fish asked for; a bug in completing prints nothing between what is being typed."""
    from kshell.commands.completion import answer
    from kshell.core.models import Result

    try:
        return Result(answer(asked))
    except Exception:  # noqa: BLE001
        return Result(exit_code=EXIT_SETUP)
