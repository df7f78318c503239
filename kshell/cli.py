"""The command line: run its arguments and return the exit code. ``console`` finds, runs and prints the command."""

import os
from collections.abc import Sequence

from kshell.console.dispatch import perform
from kshell.console.printer import show
from kshell.core.errors import EXIT_SETUP
from kshell.core.models import Result


def run(arguments: Sequence[str]) -> int:
    """Run one command line, print its result, and return the exit code."""
    instruction = os.environ.get("_KSHELL_COMPLETE")
    if instruction:
        return show(_completed(instruction))
    return show(perform(arguments, show=show))


def _completed(instruction: str) -> Result:
    """The completions for bash, zsh or fish. After an error nothing is printed, since the user is typing."""
    from kshell.commands.completion import answer

    try:
        return Result(answer(instruction))
    except Exception:  # noqa: BLE001
        return Result(exit_code=EXIT_SETUP)
