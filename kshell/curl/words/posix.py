"""Read a command that was written for bash, dash, zsh, fish or another POSIX shell."""

from __future__ import annotations

import re
from functools import cache

from kshell.api.endpoints import ENDPOINTS
from kshell.api.request import path_pattern
from kshell.curl.words.reader import WITHIN, Reader, Word, Words

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_ANSI = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.))",
    re.DOTALL,
)
_ANSI_LETTERS = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))
_TYPOGRAPHIC = {
    "\u2018": "\u2018\u2019'",
    "\u2019": "\u2018\u2019'",
    "\u201c": '\u201c\u201d"',
    "\u201d": '\u201c\u201d"',
}
_PROMPT = re.compile(r"\s*[$%>] +(?=curl\b)")
_BLANK = re.compile(r"[ \t\r]+|\\[ \t]*(?:\n|\Z)|#[^\n]*|\n")
_CONTINUED = re.compile(r"\\[ \t]*\n")
_ESCAPED = re.compile(r'\\([\\"$`\n])')
_ANSI_QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_OPERATOR = re.compile(r"[;|&<>]")
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w-]*>")


@cache
def _argument_line() -> re.Pattern[str]:
    """Return the pattern of a line that begins with an option, or with an endpoint's URL up to its last parameter."""
    starts = (path_pattern(endpoint.path.rpartition("{")[0], lambda _: r"[^\s'\"]+") for endpoint in ENDPOINTS)
    return re.compile(rf"\n[ \t]*(?:-{{1,2}}[A-Za-z]|['\"]?https?://[^\s'\"]+(?:{'|'.join(starts)}))")


class PosixReader(Reader):
    """Applies the quoting rules that bash, dash, zsh and ksh share, and bash's ``$'…'``."""

    def read(self) -> Words:
        """Return the words of the first command, and its oddities."""
        prompt = self.at(_PROMPT)
        self.position = prompt.end() if prompt else 0
        while self._to_next_word():
            self._word()
        return self.done()

    def _to_next_word(self) -> bool:
        """Skip blanks, continuations and comments. Return False at the end of the command."""
        while blank := self.at(_BLANK):
            if blank[0] == "\n" and self._ends_here():
                return False
            if blank[0].startswith("\\") and blank[0].strip("\\\n"):
                self.odd(self.position, "a space after the backslash", "remove it: a backslash ends its line")
            self.position = blank.end()
        if self._is_operator():
            self.more()
            return False
        return self.position < len(self.text)

    def _is_operator(self) -> bool:
        """Whether a shell operator is next; the page's placeholder ``<sid>`` is not one."""
        return self.at(_OPERATOR) is not None and not self.at(_PLACEHOLDER)

    def _ends_here(self) -> bool:
        """Whether a line break ends the command. Before an option or a URL it does not: a backslash is missing."""
        if not self.words:
            return False
        if self.at(_argument_line()):
            self.odd(self.position, "a line that ends without a backslash", "end it with a space and a backslash")
            return False
        self.more()
        return True

    def _word(self) -> None:
        start = self.position
        pieces: list[str] = []
        variables: list[str] = []
        literal: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in " \t\r\n" or self._is_operator() or self.at(_CONTINUED):
                break
            piece = self._piece(character, variables)
            literal += [match[0] for match in _VARIABLE.finditer(piece)] if character == "'" else []
            pieces.append(piece)
        raw = self.text[start : self.position]
        self.words.append(Word("".join(pieces), *self.place(start), tuple(variables), raw, tuple(literal)))

    def _piece(self, character: str, variables: list[str]) -> str:
        if character == "'":
            return self._until("'", self.position + 1)
        if character == '"':
            return self._double_quoted(variables)
        if self.text.startswith("$'", self.position):
            return self._ansi()
        if character in _TYPOGRAPHIC:
            self.odd(self.position, f"a typographic quote, {character}", "write ' or \"")
            return self._until(_TYPOGRAPHIC[character], self.position + 1)
        if character == "\\":
            self.position += 2
            return self.text[self.position - 1 : self.position]
        return self._plain(variables)

    def _until(self, quotes: str, start: int) -> str:
        end = re.compile(f"[{quotes}]").search(self.text, start)
        if not end:
            return self._unclosed(start)
        self.position = end.end()
        return self.text[start : end.start()]

    def _unclosed(self, start: int) -> str:
        self.odd(start - 1, "a quote that is not closed", f"close it with {self.text[start - 1]}", fatal=True)
        self.position = len(self.text)
        return self.text[start:]

    def _double_quoted(self, variables: list[str]) -> str:
        start = self.position = self.position + 1
        pieces: list[str] = []
        while self.position < len(self.text):
            escaped = self.at(_ESCAPED)
            if self.text[self.position] == '"':
                self.position += 1
                return "".join(pieces)
            if escaped:
                self.position += 2
                pieces.append(escaped[1].strip("\n"))
            else:
                pieces.append(self._plain(variables))
        return self._unclosed(start)

    def _plain(self, variables: list[str]) -> str:
        """Return the text of a variable, such as ``$NAME``, or one character."""
        variable = self.at(_VARIABLE)
        if variable:
            variables.append(variable[1] or variable[2])
        elif self.text.startswith(("$(", "`"), self.position):
            self.odd(self.position, WITHIN, "it was not run: write what it gives")
        match = variable or self.at(_PLACEHOLDER)
        end = match.end() if match else self.position + 1
        piece = self.text[self.position : end]
        self.position = end
        return piece

    def _ansi(self) -> str:
        match = self.at(_ANSI_QUOTED)
        if not match:
            return self._unclosed(self.position + 2)
        self.position = match.end()
        return _joined_surrogates(_ANSI.sub(_ansi_character, match[1]))


def _ansi_character(match: re.Match[str]) -> str:
    letter, *codes, octal, control = match.groups()
    if letter:
        return _ANSI_LETTERS.get(letter, letter)
    if control:
        return chr(ord(control) & 0x1F)
    number = int(octal, 8) & 0xFF if octal else int(next(filter(None, codes)), 16)
    return chr(number) if number < 0x110000 else "\ufffd"


def _joined_surrogates(text: str) -> str:
    """Return ``text`` with surrogate pairs joined: browsers write a character beyond U+FFFF as two escapes."""
    return (
        text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if _has_surrogates(text)
        else text
    )


def _has_surrogates(text: str) -> bool:
    return re.search("[\ud800-\udbff][\udc00-\udfff]", text) is not None
