"""Scripts read: a ``.kshell`` file is the shell's own lines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import ScriptError
from kshell.profiles.files import read_stdin, read_text, shown
from kshell.syntax.lines import Line, split

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 8 * 1024 * 1024
STDIN = Path("-")

_BACKSLASHES = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")


class Script(NamedTuple):
    """A script's file and the lines in it that do something."""

    file: Path
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """The file, as a message shows it."""
        return shown(self.file)


def read_script(file: Path) -> Script:
    """The script in ``file``, or on stdin for ``-``. Raises ``ScriptError``."""
    if file == STDIN:
        return parse_script(read_stdin(ScriptError, most=MOST_BYTES), Path("stdin"))
    return parse_script(read_text(file, ScriptError, most=MOST_BYTES), file)


def parse_script(text: str, file: Path) -> Script:
    """The lines of a script's text. Never raises: a line that cannot be split is found when it is checked."""
    lines = _joined(re.split(r"\r\n|\r|\n", text), shown(file))
    return Script(file, tuple(line for line in lines if line.head and not line.head.startswith("#")))


def _joined(texts: list[str], file: str) -> Iterator[Line]:
    parts: list[str] = []
    for number, text in enumerate(texts, 1):
        if _goes_on(text, parts) and number < len(texts):
            parts.append(text[:-1])
            continue
        parts.append(text)
        yield Line(file, number - len(parts) + 1, tuple(parts))
        parts = []


def _goes_on(text: str, before: list[str]) -> bool:
    """Whether a line ends in a backslash that is neither escaped nor in a comment."""
    return _BACKSLASHES.search(text) is not None and not _ends_in_comment("".join([*before, text[:-1]]))


def _ends_in_comment(text: str) -> bool:
    try:
        return split(text) == split(f"{text} x")
    except ScriptError:
        return False
