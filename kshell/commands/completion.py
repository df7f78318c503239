"""``completion``: Tab in bash, zsh and fish, by the definitions that the commands are made of."""

from __future__ import annotations

import click

from kshell.console.command import command
from kshell.core.models import Result

VARIABLE = "_KSHELL_COMPLETE"  # click's name for it; a shell's function sets it to ask what can stand at the cursor
_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}


@command("completion", examples=["completion bash", "completion fish"])
@click.argument("shell", type=click.Choice(list(_FILES)))
def completion(shell: str) -> Result:
    """Print what bash, zsh or fish needs to complete kshell's commands.

    For bash and zsh add a line to ~/.bashrc or ~/.zshrc: eval "$(kshell completion bash)". In a ~/.zshrc that
    runs compinit it stands below that. For fish add to ~/.config/fish/config.fish: kshell completion fish | source.
    """
    return Result(answer(f"{shell}_source"))


def answer(instruction: str) -> str:
    """What a shell's completion asks by ``_KSHELL_COMPLETE``: its function, or what can stand at the cursor."""
    from kshell.console.completion import SHELLS
    from kshell.console.group import commands_of

    shell, _, wanted = instruction.partition("_")
    asked = SHELLS[shell](commands_of("line"), {}, "kshell", VARIABLE)
    return asked.source() if wanted == "source" else asked.complete() + "\n"
