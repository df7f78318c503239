"""The base class of the readers, and the words and oddities that they return."""

import re
from bisect import bisect_left
from functools import cached_property
from typing import NamedTuple

FOLLOWED = "what follows the command"
WITHIN = "a command within the command"
DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
"""The typographic dashes, as a range of a regular expression."""

_SOMETHING = re.compile(r"\s*\S")


class Oddity(NamedTuple):
    """A problem in a command: its place, a message, and what to write instead. After a ``fatal`` one nothing can be read."""

    line: int
    column: int
    message: str
    fix: str
    fatal: bool = False


class Word(NamedTuple):
    """A word, its place, and the names of the shell variables in it, which ``text`` has unexpanded.

    ``raw`` is the word with its quotes; ``literal`` are the variables in single quotes, which no shell expands.
    """

    text: str
    line: int
    column: int
    variables: tuple[str, ...] = ()
    raw: str = ""
    literal: tuple[str, ...] = ()

    def oddity(self, message: str, fix: str) -> Oddity:
        """Return an oddity at this word."""
        return Oddity(self.line, self.column, message, fix)

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character of ``text``; those of the word if it was written with escapes."""
        start = self.raw.find(self.text)
        if start < 0:
            return self.line, self.column
        before = self.raw[: start + offset]
        _, line_break, last = before.rpartition("\n")
        return self.line + before.count("\n"), len(last) + (1 if line_break else self.column)


class Words(NamedTuple):
    """The words of the first command of a text, its oddities, and the text that the shell gives to its stdin, if any."""

    words: tuple[Word, ...]
    oddities: tuple[Oddity, ...]
    stdin: Word | None = None


class Reader:
    """Reads a text once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = len(text) - len(text.lstrip())
        self.words: list[Word] = []
        self.oddities: list[Oddity] = []
        self.stdin: Word | None = None

    def at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Return the match of ``pattern`` at the current position, or None."""
        return pattern.match(self.text, self.position)

    def more(self) -> None:
        """Report text that follows the command, if there is any."""
        if self.at(_SOMETHING):
            self.odd(self.position, FOLLOWED, "only the first command is read")

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column of a position, both from 1."""
        line = bisect_left(self._line_breaks, position)
        return line + 1, position - (self._line_breaks[line - 1] if line else -1)

    @cached_property
    def _line_breaks(self) -> list[int]:
        """The position of every line break, so that a place is found without counting from the start."""
        return [found.start() for found in re.finditer("\n", self.text)]

    def odd(self, position: int, message: str, fix: str, *, fatal: bool = False) -> None:
        """Add an oddity at a position."""
        self.oddities.append(Oddity(*self.place(position), message, fix, fatal))

    def done(self) -> Words:
        """Return what was read."""
        return Words(tuple(self.words), tuple(self.oddities), self.stdin)
