"""A curl command as someone pasted it -> words, and what is odd about it; for POSIX shells, PowerShell and cmd.exe.

It reads what people paste, so it understands what a shell would not (a space after a continuation, typographic quotes)
and says so. Nothing is expanded or run.
"""

from __future__ import annotations

import re

from kshell.curl.words.cmd import CmdReader
from kshell.curl.words.posix import PosixReader
from kshell.curl.words.powershell import PowershellReader
from kshell.curl.words.reader import FOLLOWED, WITHIN, Oddity, Word, Words

__all__ = ["FOLLOWED", "WITHIN", "Oddity", "Word", "Words", "split"]

_POWERSHELL = re.compile(r"^\s*(?:\$\w+ = '|curl\.exe\b)|`[ \t]*$", re.MULTILINE)
_CMD = re.compile(r'\^[ \t]*$|\^"', re.MULTILINE)


def split(text: str) -> Words:
    """The first command in ``text``, by the rules of the shell that it looks to be for: PowerShell, cmd.exe or bash."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if _POWERSHELL.search(text):
        return PowershellReader(text).read()
    # a single quote, and a backslash that ends a line, are none of cmd.exe's: carets behind them are text
    before = re.split(r"'|\\[ \t]*\n", text, maxsplit=1)[0]
    return CmdReader(text).read() if _CMD.search(before) else PosixReader(text).read()
