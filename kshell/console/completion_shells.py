"""Adapt click's completion to bash, zsh, fish, PowerShell and the kshell shell."""

import os
import re
from shlex import quote

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    PowerShellComplete,
    ShellComplete,
    ZshComplete,
    split_arg_string,
)

from kshell.core.terminal import safe_line


class WordComplete(ShellComplete):
    """click's completion of a command line; every completion is a whole word."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """The completions of click with harmless help, and ``--option=`` put back before the values of ``--option=VALUE``."""
        option, equals, _ = incomplete.partition("=")
        before = f"{option}=" if equals and option.startswith("-") else ""
        return [
            CompletionItem(before + item.value, item.type, item.help and safe_line(item.help))
            for item in super().get_completions(args, incomplete)
        ]


# bash breaks words at = and :, so its own words are not usable: the line is split again here, and of each completion only
# the part after the last such character is returned.
_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
            plain) COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done < <(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete %(prog_name)s)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(WordComplete, BashComplete):
    """click's completion for bash, extended to words that contain ``=``."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the incomplete word at the cursor."""
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)
        incomplete = "" if line[-1:].isspace() or len(words) < 2 else words.pop()
        self.settled = max(map(incomplete.rfind, os.environ.get("COMP_WORDBREAKS") or "=")) + 1
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem[str]) -> str:
        """The part of a completion that bash inserts, quoted: bash expands what it inserts, and a profile may be hostile."""
        value = item.value[self.settled :]
        return f"{item.type},{quote(value) if item.type == 'plain' and value else item.value}"


# click's script adds a blank after NAME= too; and a zsh without a ~/.zshrc has no compdef
_ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a whole begun
    local type key descr
    for type key descr in "${(@f)$(env COMP_WORDS="${words[1,CURRENT]}" COMP_CWORD=$((CURRENT-1)) \\
%(complete_var)s=zsh_complete %(prog_name)s)}"; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain) if [[ $key == *= ]]; then begun+=("$key:$descr"); else whole+=("$key:$descr"); fi ;;
        esac
    done
    (( $#whole )) && _describe -V kshell whole -U
    (( $#begun )) && _describe -V kshell begun -U -S ''
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Zsh(WordComplete, ZshComplete):
    """click's completion for zsh, without a blank after ``NAME=``."""

    source_template = _ZSH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """A completion as three lines: type, value, help."""
        value = item.value.replace(":", r"\:")
        return f"{item.type}\n{value}\n{item.help or item.value}"


# click's script splits a completion at every comma; help texts and lists of recipients contain commas
_FISH = """\
function %(complete_func)s
    for offer in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) %(prog_name)s)
        set -l parts (string split -m1 , -- $offer)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class Fish(WordComplete, FishComplete):
    """click's completion for fish, for completions that contain commas."""

    source_template = _FISH


class PowerShell(WordComplete, PowerShellComplete):
    """click's completion for PowerShell, with values quoted: PowerShell expands what it inserts."""

    def format_completion(self, item: CompletionItem[str]) -> str:
        """A completion as three lines: type, value, help."""
        plain = item.type != "plain" or _PLAIN_IN_POWERSHELL.fullmatch(item.value)
        value = item.value if plain else "'" + re.sub("(['\u2018-\u201b])", r"\1\1", item.value) + "'"
        return super().format_completion(CompletionItem(safe_line(value), item.type, item.help))


_PLAIN_IN_POWERSHELL = re.compile(r"[\w=+./:-]+")

SHELLS: dict[str, type[WordComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish, "powershell": PowerShell}
