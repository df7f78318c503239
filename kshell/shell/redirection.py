"""Redirect the output of a line to a program or a file."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from kshell.core.errors import Note, UsageError
from kshell.syntax.command_table import WHOLE
from kshell.syntax.lines import Line, cut, split

_OPEN_FLAGS = {">": os.O_TRUNC, ">>": os.O_APPEND}


class Redirection(NamedTuple):
    """A redirection: ``sign`` is ``|``, ``>`` or ``>>``; ``target`` is a command line of the system's shell, or a file."""

    sign: str
    target: str

    def write(self, data: bytes) -> list[Note]:
        """Write ``data`` to the target, and return a note if that failed."""
        try:
            if self.sign == "|":
                process = subprocess.run(self.target, shell=True, input=data, check=False)  # noqa: S602 - the user typed it
                return [Note("warning", f"{self.target} ended with {code}")] if (code := process.returncode) else []
            flags = os.O_WRONLY | os.O_CREAT | _OPEN_FLAGS[self.sign]
            with open(os.open(Path(self.target).expanduser(), flags, 0o600), "wb") as stream:
                stream.write(data)
        except OSError as error:
            return [Note("error", f"{self.target}: {error.strerror}")]
        return []


def split_redirection(line: str, names_of: Callable[[str], Mapping[str, object]]) -> tuple[str, Redirection | None]:
    """Split a line into its command and its redirection, if any. Raises ``UsageError`` and ``ScriptError``.

    ``names_of`` returns the names of the expressions in a target.
    """
    if Line("line", 1, (line,)).head in WHOLE:
        return line, None  # expect status > 300 redirects nothing
    command, sign, target = cut(line)
    if not sign:
        return line, None
    if not target:
        raise UsageError(f"nothing follows {sign}", hint=f"{command.strip()} {sign} {_EXAMPLES[sign]}")
    return command, Redirection(sign, target if sign == "|" else _file(target, names_of(target)))


_EXAMPLES = {"|": "less", ">": "payload.json", ">>": "log.txt"}


def _file(target: str, names: Mapping[str, object]) -> str:
    words = split(target)
    if len(words) != 1:
        raise UsageError(f"{target!r} is not one file", hint="quote a name that contains spaces")
    return Line("line", 1, (target,)).expanded(words[0], names)
