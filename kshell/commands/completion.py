"""``completion``: the script that makes Tab complete kshell's commands in bash, zsh, fish and PowerShell."""

import click

from kshell.console.command import command
from kshell.core.models import Result

VARIABLE = "_KSHELL_COMPLETE"  # the name that click expects; the shell's function sets it to request completions


@command("completion", examples=["completion bash", "completion fish", "completion powershell"])
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> Result:
    """Print the script that makes bash, zsh, fish or PowerShell complete kshell's commands.

    For bash and zsh add a line to ~/.bashrc or ~/.zshrc: eval "$(kshell completion bash)". Put it
    below compinit if your ~/.zshrc runs that. For fish add to ~/.config/fish/config.fish: kshell completion fish | source.
    For PowerShell add to the file that $PROFILE names: kshell completion powershell | Out-String | Invoke-Expression.
    """
    return Result(answer(f"{shell}_source"))


def answer(instruction: str) -> str:
    """Return what an ``instruction`` in ``_KSHELL_COMPLETE`` requests: the shell's function or completions."""
    from kshell.console.completion_shells import SHELLS
    from kshell.console.group import commands_of

    shell, _, request = instruction.partition("_")
    completion = SHELLS[shell](commands_of("line"), {}, "kshell", VARIABLE)
    return completion.source() if request == "source" else completion.complete() + "\n"
