"""Split a pasted curl command into words, by the rules of POSIX shells, PowerShell or cmd.exe.

Mistakes that fail in a shell (a space after a continuation, typographic quotes) are read as the author meant them, and reported
as oddities. Nothing is expanded or run.
"""

import re

from kshell.curl.words.cmd import CmdReader
from kshell.curl.words.posix import PosixReader
from kshell.curl.words.powershell import STOP_PARSING, PowershellReader, VerbatimReader
from kshell.curl.words.reader import DASHES, FOLLOWED, WITHIN, Oddity, Reader, Word, Words
from kshell.curl.words.start import CURL, first_command

__all__ = ["CURL", "DASHES", "FOLLOWED", "WITHIN", "Oddity", "Reader", "Word", "Words", "split"]

_POWERSHELL = re.compile(
    r"^[ \t]*(?:\$\w+[ \t]*=[ \t]*['\"@$]|curl\.exe\b|(?:'[^'\n]*'|\"[^\"\n]*\")[ \t]*\|)"
    r"|^['\"]@(?![^\s|;)])|(?<=[\s=(])@['\"][ \t]*\r?$|`[ \t]*\r?$",
    re.MULTILINE,
)
_CMD = re.compile(r'\^[ \t]*\r?$|\^"', re.MULTILINE)


def split(text: str) -> Words:
    """Return the words of the first curl command in ``text``. Its continuations and quotes tell which shell it is for."""
    text = first_command(text.removeprefix("\ufeff"))
    unix = text.replace("\r\n", "\n")  # for readers that keep no carriage return
    if STOP_PARSING.match(text):
        return VerbatimReader(unix).read()
    if _POWERSHELL.search(text):
        return PowershellReader(text).read()
    # cmd.exe knows neither single quotes nor a backslash at the end of a line: carets after them are text
    before = re.split(r"'|\\[ \t]*\r?\n", text, maxsplit=1)[0]
    return CmdReader(unix).read() if _CMD.search(before) else PosixReader(text).read()
