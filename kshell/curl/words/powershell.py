"""Read a command that was written for PowerShell."""

import re

from kshell.curl.words.cmd import CmdReader
from kshell.curl.words.reader import WITHIN, Reader, Word, Words
from kshell.curl.words.start import CURL

STOP_PARSING = re.compile(r"\s*\S+[ \t]+(--%)(?=[ \t])")

_ASSIGNMENT = re.compile(r"\s*\$(\w+)[ \t]*=[ \t]*(?=['\"@$])")
_CONDITION = re.compile(r"\s*if \([^{}]*\) \{[^{}]*\}")
_SOURCE = re.compile(r"\s*(?=['\"@$])")
_END = re.compile(r"[ \t]*(?:[\r\n;]|\Z)")
_PIPE = re.compile(r"[ \t]*\|")
_BLANK = re.compile(r"[ \t]+|`[ \t]*\r?\n|#[^\r\n]*")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r'"((?:[^"`]|`.|"")*)"', re.DOTALL)
_DOUBLED = re.compile(r'(`.)|""', re.DOTALL)
_HERE = re.compile(r"@(['\"])[ \t]*\r?\n")
_HERE_END = {quote: re.compile(rf"\r?\n{quote}@") for quote in "'\""}
_ESCAPE = re.compile(r"`(.)", re.DOTALL)
_EXPANDED = re.compile(r"`(?:u\{([0-9A-Fa-f]{1,6})\}|(.))|\$(?:\{([^{}]+)\}|((?:env:)?\w+))|\$\(", re.DOTALL)
_ESCAPES = dict(zip("0abefnrtv", "\0\a\b\x1b\f\n\r\t\v", strict=True))
_VALUE = re.compile(r"\$((?:env:)?\w+)(?![\w:])")
_VARIABLE = re.compile(r"\$(?:env:)?[A-Za-z_]\w*")
_LEGACY_OBJECT = re.compile(r'\s*\{\s*\\"')
_LEGACY_QUOTE = re.compile(r'\\((?:\\\\)*)"')


class PowershellReader(Reader):
    """Reads the assignments before a program, the text that is piped into it, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values: dict[str, Word] = {}  # of assigned variables, by their name in lower case
        self._names: list[str] = []  # the variables of the present word whose value is not known

    def read(self) -> Words:
        """Return the words of the first command, its oddities, and the text of its stdin."""
        command = CURL.search(self.text)
        while command and self.position < command.start("curl"):
            if not self._statement():
                line_end = self.text.find("\n", self.position) + 1
                self.position = min(line_end or len(self.text), command.start("curl"))
        while self._to_next_word():
            self.words.append(self._word())
        self.more()
        return self.done()

    def _statement(self) -> bool:
        """Whether an assignment, a condition or the source of a pipe was here; it is passed over, and its text kept."""
        start = self.position
        if match := self.at(_ASSIGNMENT):
            self.position = match.end()
            word = self._word()
            if self.at(_END):
                self._values[match[1].lower()] = word
        elif match := self.at(_CONDITION):
            self.position = match.end()
        elif match := self.at(_SOURCE):
            self.position = match.end()
            word = self._word()
            if pipe := self.at(_PIPE):
                self.position = pipe.end()
                self.stdin = word
        end = self.at(_END)
        self.position = end.end() if end else self.position
        return self.position > start

    def _to_next_word(self) -> bool:
        while blank := self.at(_BLANK):
            if blank[0].startswith("`") and blank[0].strip("`\r\n"):
                self.odd(self.position, "a space after the backtick", "remove it: a backtick ends its line")
            self.position = blank.end()
        if self.text.startswith(")", self.position):
            self.position += 1
            return False
        return self.position < len(self.text) and self.text[self.position] not in "\r\n;|&"

    def _word(self) -> Word:
        start, self._names = self.position, []
        pieces: list[str] = []
        literal: list[str] = []
        while self.position < len(self.text) and self.text[self.position] not in " \t\r\n;|&)":
            verbatim = self.text.startswith(("'", "@'"), self.position)
            pieces.append(self._piece())
            literal += _VARIABLE.findall(pieces[-1]) if verbatim else []
        raw = self.text[start : self.position]
        if raw[:1] == "$" and raw[1:].lower() in self._values:
            return self._values[raw[1:].lower()]  # with its own place
        return Word(
            self._unescaped("".join(pieces), start), *self.place(start), tuple(self._names), raw, tuple(literal)
        )

    def _unescaped(self, text: str, start: int) -> str:
        """Return a JSON object without the backslashes that its quotes need in PowerShell before 7.3."""
        if not _LEGACY_OBJECT.match(text):
            return text
        self.odd(start, "quotes with backslashes, for PowerShell before 7.3", "later versions need none")
        return _LEGACY_QUOTE.sub(lambda match: match[1][: len(match[1]) // 2] + '"', text)

    def _piece(self) -> str:
        start, match = self.position, None
        if match := self.at(_HERE):
            return self._here_string(match)
        if match := self.at(_SINGLE):
            text = match[1].replace("''", "'")
        elif match := self.at(_DOUBLE):
            text = self._expanded(_DOUBLED.sub(lambda found: found[1] or '"', match[1]), start)
        elif match := self.at(_VALUE):
            text = self._value(match[1], match[0])
        elif match := self.at(_ESCAPE):
            text = _ESCAPES.get(match[1], match[1])
        else:
            self.position += 1
            if self.text[start] in "'\"":
                self.odd(start, "a quote that is not closed", f"close it with {self.text[start]}", fatal=True)
                self.position = len(self.text)
            return self.text[start]
        self.position = match.end()
        return text

    def _here_string(self, opening: re.Match[str]) -> str:
        """Return the text between the line breaks after ``@'`` and before ``'@``; in double quotes expanded."""
        start = opening.end()
        end = _HERE_END[opening[1]].search(self.text, start - 1 - self.text.startswith("\r", start - 2))
        if not end:
            fix = f"write {opening[1]}@ at the beginning of the line after it"
            self.odd(self.position, "a here-string that is not closed", fix, fatal=True)
            self.position = len(self.text)
            return self.text[start:]
        text = self.text[start : max(start, end.start())]
        expanded = self._expanded(text, self.position) if opening[1] == '"' else text
        self.position = end.end()
        return expanded

    def _expanded(self, text: str, start: int) -> str:
        """Return the text in double quotes that begin at ``start``, with its escapes and the values of its variables."""
        if "$(" in text:
            self.odd(start, WITHIN, "it was not run: write what it gives")
        return _EXPANDED.sub(self._expansion, text)

    def _expansion(self, match: re.Match[str]) -> str:
        code, escaped, braced, name = match.groups()
        if code and int(code, 16) < 0x110000:
            return chr(int(code, 16))
        if escaped:
            return _ESCAPES.get(escaped, escaped)
        return self._value(braced or name, match[0]) if braced or name else match[0]

    def _value(self, name: str, written: str) -> str:
        """Return a variable's value; ``written`` if it was not assigned."""
        word = self._values.get(name.lower())
        self._names += word.variables if word else [name.removeprefix("env:")]
        return word.text if word else written


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
