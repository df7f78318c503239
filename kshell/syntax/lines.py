r"""One line of the shell or of a script: text -> words -> values, and back again.

A line is split once, as a shell does it. Blanks separate words, ``'…'`` is literal, ``"…"`` and ``\`` escape, ``#`` begins a
comment. ``{{ … }}`` outside of single quotes is a Jinja expression. Expressions are evaluated word by word after the split,
so a value can neither add a word nor be expanded again.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from kshell.core.errors import Place, ScriptError
from kshell.core.json_text import text_of

_MOST_WORDS = 10_000

_PLAIN = re.compile(r"[A-Za-z0-9_.,:/@%+=~^-]+\Z")
_NAME = re.compile(r"\s*(?:kshell\s+)?\S*\s*")  # the command's
_END_OR_QUOTE = re.compile(r"""\}\}|["']""")
_COMMENT_OR_QUOTE = re.compile(r"""(?<=\s)#|["']""")
# without possessive quantifiers, which Python before 3.11.5 gets wrong
_STRINGS = {quote: re.compile(rf"{quote}[^{quote}\\]*(?:\\.[^{quote}\\]*)*{quote}", re.DOTALL) for quote in "\"'"}

_BARE = re.compile(r"""[^\s'"\\{]*""")
_BARE_IN_QUOTES = re.compile(r"""[^"\\{]*""")

# a character, or the few that are one sign; a backslash escapes except in the shell's single quotes and in expressions
_TOKENS = (
    re.compile(r"""[^\\{}'"#\s]+|\\.|\{\{|\}\}|.""", re.DOTALL),
    re.compile(r"""[^\\{}'"#\s]+|\{\{|\}\}|.""", re.DOTALL),
)
_HALVES = ("\\", "{", "}")


class Piece(NamedTuple):
    """A part of a word: literal text, or a Jinja expression where ``expression`` is true. ``column`` counts from 1."""

    text: str
    column: int
    expression: bool = False


class Word(NamedTuple):
    """A word of a line; ``column`` counts from 1. ``typed`` is the word with its quotes."""

    pieces: tuple[Piece, ...]
    column: int
    typed: str

    @property
    def plain(self) -> str:
        """The word without quotes and without the braces of its expressions."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def computed(self) -> bool:
        """Whether the word contains an expression."""
        return any(piece.expression for piece in self.pieces)


class Line(NamedTuple):
    """A line of a script, or a typed line. ``parts`` are the physical lines it was joined from, without the backslashes."""

    file: str
    number: int
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """The parts as one line."""
        return "".join(self.parts)

    @property
    def head(self) -> str:
        """The command's name. A leading ``kshell``, as hints and documents write it, is skipped."""
        first, *others = self.text.split(maxsplit=2) or [""]
        return others[0] if first == "kshell" and others and others[0][0] != "#" else first

    def rest(self) -> tuple[str, int]:
        """The text after the command's name without a trailing comment, and the column where it begins."""
        text = self.text
        start = len(text) - len(_NAME.sub("", text, count=1))
        end = _outside_strings(text, start, _COMMENT_OR_QUOTE)
        return text[start : len(text) if end < 0 else end].rstrip(), start + 1

    def place(self, column: int) -> Place:
        """The place in the file that corresponds to a column of ``text``."""
        number = self.number
        for part in self.parts[:-1]:
            if column <= len(part):
                return Place(self.file, number, column, part)
            column -= len(part)
            number += 1
        return Place(self.file, number, column, self.parts[-1])

    def words(self) -> list[Word]:
        """The words from the command's name on. Raises ``ScriptError`` with the place in the file."""
        found = _split(self)
        named = len(found) > 1 and self.text.split(maxsplit=1)[0] == "kshell"
        return [*found[named:]]

    def expanded(self, word: Word, names: Mapping[str, object]) -> str:
        """The text of ``word``, its expressions evaluated over ``names``. Raises ``ScriptError`` with the place in the file."""
        return "".join(self._value(piece, names) if piece.expression else piece.text for piece in word.pieces)

    def _value(self, piece: Piece, names: Mapping[str, object]) -> str:
        from kshell.syntax.expressions import value_of

        start = piece.column + 2  # after the {{
        return text_of(value_of(piece.text, names, lambda offset: self.place(start + offset)))


@lru_cache(maxsize=64)  # every row of a run has the lines of its script
def _split(line: Line) -> tuple[Word, ...]:
    return tuple(_Splitter(line).words())


def split(line: str) -> list[Word]:
    """The words of a line, none for a blank line or a comment. Raises ``ScriptError`` for an unclosed quote or brace."""
    return _Splitter(Line("line", 1, (line,))).words()


def cut(line: str) -> tuple[str, str, str]:
    """Split a line at its redirection: the command, the sign (``|``, ``>``, ``>>`` or ``""``), and the target.

    A sign counts at the beginning of a word, outside of quotes. Raises ``ScriptError`` for an unclosed quote before it.
    """
    splitter = _Splitter(Line("line", 1, (line,)))
    while splitter.at_word():
        start = splitter.position
        sign = next((sign for sign in ("|", ">>", ">") if line.startswith(sign, start)), "")
        if sign:
            return line[:start], sign, line[start + len(sign) :].strip()
        splitter.word()
    return line, "", ""


def quote(text: str) -> str:
    """Quote any ``text`` as one word that ``split`` and ``Line.expanded`` turn back into it."""
    if _PLAIN.match(text):
        return text
    if "'" not in text and text.isprintable():
        return f"'{text}'"
    return '{{ "' + "".join(map(_escaped, text)) + '" }}'


def _escaped(character: str) -> str:
    if character in '"\\{}':
        return f"\\x{ord(character):02x}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _outside_strings(line: str, position: int, sign_or_quote: re.Pattern[str]) -> int:
    """Return where the first sign outside of a string begins, from ``position`` on, or -1. An unclosed quote is text.

    After an unclosed quote no quote of its kind is closed, so each kind is searched to the line's end once at most.
    """
    strings = dict(_STRINGS)
    while found := sign_or_quote.search(line, position):
        if found[0] not in _STRINGS:
            return found.start()
        string = strings[found[0]].match(line, found.start()) if found[0] in strings else None
        if string is None:
            strings.pop(found[0], None)
        position = (string or found).end()
    return -1


class Continuation:
    """Reads the parts of one line as they come, each once, and knows whether a comment has begun in them."""

    def __init__(self) -> None:
        self.comment = False
        self._open = ""  # what is open, the outermost first: w for a word, a quote, { for an expression, a quote in it
        self._held = ""  # the last character, where the next part may make it another sign

    def add(self, part: str) -> None:
        """Read one more part."""
        text, position = self._held + part, 0
        self._held = ""
        while position < len(text) and not self.comment:
            token = _TOKENS[self._open == "w'" or self._open[-1:] == "{"].match(text, position)
            assert token  # noqa: S101 - it matches any character
            position = token.end()
            if position == len(text) and token[0] in _HALVES:
                self._held = token[0]
            elif token[0] == "#" and not self._open:
                self.comment = True
            else:
                self._open = _opened(self._open or "w", token[0])


def _opened(state: str, token: str) -> str:
    """Return what is open behind ``token``, where ``state`` is what is open before it."""
    top = state[-1]
    if top == "w" and token.isspace():
        return ""
    if token == (top if top in _STRINGS else "}}" if top == "{" else None):
        return state[:-1]
    opening = (*_STRINGS, "{{") if top == "w" else _STRINGS if top == "{" else ("{{",) if state == 'w"' else ()
    return state + token[0] if token in opening else state


class _Splitter:
    """Reads a line once, from left to right."""

    def __init__(self, line: Line) -> None:
        self.line = line.text
        self.place = line.place
        self.position = 0
        self._begun = 0  # words

    def words(self) -> list[Word]:
        found: list[Word] = []
        while self.at_word():
            found.append(self.word())
        return found

    def at_word(self) -> bool:
        """Skip blanks; return whether a word follows. Raises ``ScriptError`` for the word after ``_MOST_WORDS``."""
        while self.position < len(self.line) and self.line[self.position].isspace():
            self.position += 1
        if self.position == len(self.line) or self.line[self.position] == "#":
            return False
        self._begun += 1
        if self._begun > _MOST_WORDS:
            raise self._fault(self.position, f"more than {_MOST_WORDS} words in a line", "split the line")
        return True

    def word(self) -> Word:
        start = self.position
        pieces: list[Piece] = []
        while self.position < len(self.line) and not self.line[self.position].isspace():
            pieces += self._piece()
        return Word(tuple(pieces), start + 1, self.line[start : self.position])

    def _piece(self) -> list[Piece]:
        character = self.line[self.position]
        if character == "'":
            return self._single_quoted()
        if character == '"':
            return self._double_quoted()
        return [self._bare(_BARE)]

    def _single_quoted(self) -> list[Piece]:
        start = self.position
        end = self.line.find("'", start + 1)
        if end < 0:
            raise self._fault(start, "a quote that is not closed", "close it with '")
        self.position = end + 1
        return [Piece(self.line[start + 1 : end], start + 2)]

    def _double_quoted(self) -> list[Piece]:
        start = self.position
        self.position += 1
        pieces: list[Piece] = []
        while self.position < len(self.line):
            if self.line[self.position] == '"':
                self.position += 1
                return pieces or [Piece("", start + 2)]
            pieces.append(self._bare(_BARE_IN_QUOTES))
        raise self._fault(start, "a quote that is not closed", 'close it with "')

    def _bare(self, plain: re.Pattern[str]) -> Piece:
        """An expression, an escaped character, or ``plain`` characters."""
        start = self.position
        if self.line.startswith("{{", start):
            return self._expression()
        if self.line[start] == "\\":
            if start + 1 == len(self.line):
                raise self._fault(start, "a backslash at the end of the line", "write \\\\ for a backslash")
            self.position += 2
            return Piece(self.line[start + 1], start + 1)
        run = plain.match(self.line, start + 1)
        self.position = run.end() if run else start + 1
        return Piece(self.line[start : self.position], start + 1)

    def _expression(self) -> Piece:
        start = self.position
        end = _outside_strings(self.line, start + 2, _END_OR_QUOTE)
        if end < 0:
            raise self._fault(start, "{{ that is not closed", "close it with }}, or put the word in single quotes")
        self.position = end + 2
        return Piece(self.line[start + 2 : end], start + 1, expression=True)

    def _fault(self, position: int, message: str, hint: str) -> ScriptError:
        return ScriptError(message, hint=hint, at=self.place(position + 1))
