"""A curl command as someone pasted it -> words, and what is odd about it; for POSIX shells, PowerShell and cmd.exe.

It reads what people paste, so it understands what a shell would not (a space after a continuation, typographic quotes)
and says so. Nothing is expanded or run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

_POWERSHELL = re.compile(r"^\s*(?:\$\w+ = '|curl\.exe\b)|`[ \t]*$", re.MULTILINE)
_CMD = re.compile(r'\^[ \t]*$|\^"', re.MULTILINE)
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
_SOMETHING = re.compile(r"\s*\S")
_PROMPT = re.compile(r"\s*[$%>] +(?=curl\b)")
_BLANK = re.compile(r"[ \t\r]+|\\[ \t]*(?:\n|\Z)|#[^\n]*|\n")
_CONTINUED = re.compile(r"\\[ \t]*\n")
_FORGOTTEN = re.compile(r"\n[ \t]*-{1,2}[A-Za-z]")
_ESCAPED = re.compile(r'\\([\\"$`\n])')
_ANSI_QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_CARET = re.compile(r"\^([ \t]*)\n")
_OPERATOR = re.compile(r"[;|&<>]")
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w-]*>")


class Oddity(NamedTuple):
    """What a shell would stumble over: where, what, and what to write instead. ``fatal``: the rest cannot be read."""

    line: int
    column: int
    message: str
    fix: str
    fatal: bool = False


class Word(NamedTuple):
    """A word, where it begins, and the names of the shell's variables in it, which ``text`` holds as they were written."""

    text: str
    line: int
    column: int
    variables: tuple[str, ...] = ()

    def oddity(self, message: str, fix: str) -> Oddity:
        """Something odd about this word."""
        return Oddity(self.line, self.column, message, fix)


class Words(NamedTuple):
    """The words of the first command of a text, and what is odd."""

    words: tuple[Word, ...]
    oddities: tuple[Oddity, ...]


def split(text: str) -> Words:
    """The first command in ``text``, by the rules of the shell that it looks to be for: PowerShell, cmd.exe or bash."""
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    if _POWERSHELL.search(text):
        return _PowershellReader(text).read()
    # a single quote, and a backslash that ends a line, are none of cmd.exe's: carets behind them are text
    before = re.split(r"'|\\[ \t]*\n", text, maxsplit=1)[0]
    return _CmdReader(text).read() if _CMD.search(before) else _PosixReader(text).read()


class _Reader:
    """Goes through a text once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.words: list[Word] = []
        self.oddities: list[Oddity] = []

    def at(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.position)

    def more(self) -> None:
        """Say that something stands behind the command."""
        if self.at(_SOMETHING):
            self.odd(self.position, "what follows the command", "only the first command is read")

    def place(self, position: int) -> tuple[int, int]:
        return self.text.count("\n", 0, position) + 1, position - self.text.rfind("\n", 0, position)

    def odd(self, position: int, message: str, fix: str, *, fatal: bool = False) -> None:
        self.oddities.append(Oddity(*self.place(position), message, fix, fatal))

    def done(self) -> Words:
        return Words(tuple(self.words), tuple(self.oddities))


class _PosixReader(_Reader):
    """bash and its relatives."""

    def read(self) -> Words:
        prompt = self.at(_PROMPT)
        self.position = prompt.end() if prompt else 0
        while self._to_next_word():
            self._word()
        return self.done()

    def _to_next_word(self) -> bool:
        """Pass blanks, continuations and comments; False at the end of the command."""
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
        """Whether an operator of the shell stands here; the page's ``<sid>`` is none."""
        return self.at(_OPERATOR) is not None and not self.at(_PLACEHOLDER)

    def _ends_here(self) -> bool:
        """Whether a bare line break ends the command; before an option somebody forgot the backslash."""
        if not self.words:
            return False
        if self.at(_FORGOTTEN):
            self.odd(self.position, "a line that ends without a backslash", "end it with a space and a backslash")
            return False
        self.more()
        return True

    def _word(self) -> None:
        start = self.position
        done: list[str] = []
        variables: list[str] = []
        while self.position < len(self.text):
            character = self.text[self.position]
            if character in " \t\r\n" or self._is_operator() or self.at(_CONTINUED):
                break
            done.append(self._piece(character, variables))
        self.words.append(Word("".join(done), *self.place(start), tuple(variables)))

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
        done: list[str] = []
        while self.position < len(self.text):
            escaped = self.at(_ESCAPED)
            if self.text[self.position] == '"':
                self.position += 1
                return "".join(done)
            if escaped:
                self.position += 2
                done.append(escaped[1].strip("\n"))
            else:
                done.append(self._plain(variables))
        return self._unclosed(start)

    def _plain(self, variables: list[str]) -> str:
        """A variable as it is written, or one character."""
        variable = self.at(_VARIABLE)
        if variable:
            variables.append(variable[1] or variable[2])
        elif self.text.startswith(("$(", "`"), self.position):
            self.odd(self.position, "a command within the command", "it was not run: write what it gives")
        found = variable or self.at(_PLACEHOLDER)
        end = found.end() if found else self.position + 1
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
    """The text with two halves of one character put together: browsers write such a character as two escapes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if _halves(text) else text


def _halves(text: str) -> bool:
    return re.search("[\ud800-\udbff][\udc00-\udfff]", text) is not None


class _PowershellReader(_Reader):
    """PowerShell: values that are set first, then one program's words."""

    def read(self) -> Words:
        values: dict[str, str] = {}
        while found := self.at(_PS_ASSIGNMENT) or self.at(_PS_CONDITION):
            self.position = found.end()
            if found.re is _PS_ASSIGNMENT:
                values[found[1]] = found[2].replace("''", "'")
        while self._to_next_word():
            self._word(values)
        self.more()
        return self.done()

    def _to_next_word(self) -> bool:
        blank = self.at(_PS_BLANK)
        self.position = blank.end() if blank else self.position
        return self.position < len(self.text) and self.text[self.position] not in "\n;|&"

    def _word(self, values: Mapping[str, str]) -> None:
        start = self.position
        done: list[str] = []
        names: list[str] = []
        while self.position < len(self.text) and self.text[self.position] not in " \t\n;|&":
            done.append(self._piece(values, names))
        self.words.append(Word("".join(done), *self.place(start), tuple(names)))

    def _piece(self, values: Mapping[str, str], names: list[str]) -> str:
        for pattern, read in _PS_PIECES:
            found = self.at(pattern)
            if found:
                self.position = found.end()
                names += _PS_ENVIRONMENT.findall(found[0]) if pattern is _PS_DOUBLE else []
                return read(found[1], values)
        start = self.position
        self.position += 1
        if self.text[start] in "'\"":
            self.odd(start, "a quote that is not closed", f"close it with {self.text[start]}", fatal=True)
            self.position = len(self.text)
        return self.text[start]


_PS_ASSIGNMENT = re.compile(r"\s*\$(\w+) = '((?:[^']|'')*)'[ \t]*(?:;|\n)")
_PS_CONDITION = re.compile(r"\s*if \([^{}]*\) \{[^{}]*\}[ \t]*(?:;|\n)")
_PS_BLANK = re.compile(r"(?:[ \t]+|`[ \t]*\n)*")
_PS_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_PS_DOUBLE = re.compile(r'"((?:[^"`]|`.|"")*)"', re.DOTALL)
_PS_VALUE = re.compile(r"\$(\w+)(?![\w:])")
_PS_ESCAPE = re.compile(r"`(.)", re.DOTALL)
_PS_ENVIRONMENT = re.compile(r"\$env:(\w+)")
_PS_PIECES: tuple[tuple[re.Pattern[str], Callable[[str, Mapping[str, str]], str]], ...] = (
    (_PS_SINGLE, lambda text, _: text.replace("''", "'")),
    (_PS_DOUBLE, lambda text, _: _PS_ESCAPE.sub(r"\1", text.replace('""', '"'))),
    (_PS_VALUE, lambda name, values: values.get(name, f"${name}")),
    (_PS_ESCAPE, lambda character, _: character),
)


class _CmdReader(_Reader):
    """cmd.exe: carets and quotes first, then the C runtime's rules for what is left."""

    def read(self) -> Words:
        characters, end = self._carets()
        self._argv(characters)
        self.position = end
        self.more()
        return self.done()

    def _carets(self) -> tuple[list[tuple[str, int]], int]:
        """The characters that the program is given, each with its position, and where the command ends."""
        done: list[tuple[str, int]] = []
        quoted = False
        while self.position < len(self.text):
            position = self.position
            character = self.text[position]
            if character == "^" and not quoted:
                self._caret(done)
                continue
            if character == "\n" or (character in "&|<>" and not quoted):
                break
            quoted ^= character == '"'
            done.append((character, position))
            self.position += 1
        return done, self.position

    def _caret(self, done: list[tuple[str, int]]) -> None:
        """What stands behind a caret is taken as it is; a line break there is left out, and a second one stays."""
        continued = self.at(_CARET)
        if continued and continued[1]:
            self.odd(self.position, "a space after the caret", "remove it: a caret ends its line")
        self.position = continued.end() if continued else self.position + 1
        if self.position < len(self.text):
            done.append((self.text[self.position], self.position))
        self.position += 1

    def _argv(self, characters: list[tuple[str, int]]) -> None:
        current: list[str] | None = None
        start = 0
        opening = 0
        quoted = False
        index = 0
        while index < len(characters):
            character, position = characters[index]
            if character in " \t" and not quoted:
                self._finish(current, start)
                current = None
                index += 1
                continue
            if current is None:
                current, start = [], position
            text, index, toggles = _crt(characters, index)
            current.append(text)
            quoted ^= toggles
            opening = position if toggles and quoted else opening
        self._finish(current, start)
        if quoted:
            self.odd(opening, "a quote that is not closed", 'close it with "', fatal=True)

    def _finish(self, current: list[str] | None, start: int) -> None:
        if current is not None:
            text = "".join(current)
            self.words.append(Word(text, *self.place(start), tuple(re.findall(r"%(\w+)%", text))))


def _crt(characters: list[tuple[str, int]], index: int) -> tuple[str, int, bool]:
    """The next piece of an argument, where it ends, and whether it is a quote that opens or closes."""
    end = index
    while end < len(characters) and characters[end][0] == "\\":
        end += 1
    backslashes = end - index
    if end < len(characters) and characters[end][0] == '"':
        escaped = backslashes % 2 == 1
        return "\\" * (backslashes // 2) + ('"' if escaped else ""), end + 1, not escaped
    if backslashes:
        return "\\" * backslashes, end, False
    return characters[index][0], index + 1, False
