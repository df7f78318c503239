"""Read a command that was written for PowerShell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kshell.curl.words.cmd import CmdReader
from kshell.curl.words.reader import Reader, Word, Words

STOP_PARSING = re.compile(r"\s*\S+[ \t]+(--%)(?=[ \t])")

_ASSIGNMENT = re.compile(r"\s*\$(\w+) = '((?:[^']|'')*)'[ \t]*(?:;|\n)")
_CONDITION = re.compile(r"\s*if \([^{}]*\) \{[^{}]*\}[ \t]*(?:;|\n)")
_BLANK = re.compile(r"(?:[ \t]+|`[ \t]*\n)*")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"`]|`.|"")*)"', re.DOTALL)
_VALUE = re.compile(r"\$(\w+)(?![\w:])")
_ESCAPE = re.compile(r"`(.)", re.DOTALL)
_ENVIRONMENT = re.compile(r"\$env:(\w+)")
_VARIABLE = re.compile(r"\$(?:env:)?[A-Za-z_]\w*")
_PIECES: tuple[tuple[re.Pattern[str], Callable[[str, Mapping[str, str]], str]], ...] = (
    (_SINGLE, lambda text, _: text.replace("''", "'")),
    (_DOUBLE, lambda text, _: _ESCAPE.sub(r"\1", text.replace('""', '"'))),
    (_VALUE, lambda name, values: values.get(name, f"${name}")),
    (_ESCAPE, lambda character, _: character),
)


class PowershellReader(Reader):
    """Reads assignments first, then the words of one program."""

    def read(self) -> Words:
        """Return the words of the first command, and its oddities."""
        values: dict[str, str] = {}
        while match := self._assignment(values) or self.at(_CONDITION):
            self.position = match.end()
        while self._to_next_word():
            self._word(values)
        self.more()
        return self.done()

    def _assignment(self, values: dict[str, str]) -> re.Match[str] | None:
        match = self.at(_ASSIGNMENT)
        if match:
            values[match[1]] = match[2].replace("''", "'")
        return match

    def _to_next_word(self) -> bool:
        blank = self.at(_BLANK)
        self.position = blank.end() if blank else self.position
        return self.position < len(self.text) and self.text[self.position] not in "\n;|&"

    def _word(self, values: Mapping[str, str]) -> None:
        start = self.position
        pieces: list[str] = []
        names: list[str] = []
        literal: list[str] = []
        while self.position < len(self.text) and self.text[self.position] not in " \t\n;|&":
            single = self.text[self.position] == "'"
            pieces.append(self._piece(values, names))
            literal += _VARIABLE.findall(pieces[-1]) if single else []
        raw = self.text[start : self.position]
        self.words.append(Word("".join(pieces), *self.place(start), tuple(names), raw, tuple(literal)))

    def _piece(self, values: Mapping[str, str], names: list[str]) -> str:
        for pattern, read in _PIECES:
            match = self.at(pattern)
            if match:
                self.position = match.end()
                names += _ENVIRONMENT.findall(match[0]) if pattern is _DOUBLE else []
                return read(match[1], values)
        start = self.position
        self.position += 1
        if self.text[start] in "'\"":
            self.odd(start, "a quote that is not closed", f"close it with {self.text[start]}", fatal=True)
            self.position = len(self.text)
        return self.text[start]


class VerbatimReader(CmdReader):
    """Reads a program and, after ``--%``, its arguments by the C runtime's rules; PowerShell only expands %NAME% there."""

    def _carets(self) -> tuple[list[tuple[str, int]], int]:
        """Return all characters but ``--%``, each with its position, and the command's end: a line's end or a pipe."""
        stop = STOP_PARSING.match(self.text)
        characters: list[tuple[str, int]] = []
        quoted = False
        for position, character in enumerate(self.text[self.position :], self.position):
            if character == "\n" or (character in "|&" and not quoted):
                return characters, position
            quoted ^= character == '"'
            if stop is None or not stop.start(1) <= position < stop.end(1):
                characters.append((character, position))
        return characters, len(self.text)
