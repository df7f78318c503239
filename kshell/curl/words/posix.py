"""Read a command that was written for bash, dash, zsh, fish or another POSIX shell."""

import re
from functools import cache, partial

from kshell.api.endpoints import ENDPOINTS
from kshell.api.request import path_pattern
from kshell.curl.words.reader import DASHES, WITHIN, Reader, Word, Words

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_ANSI = re.compile(
    r"\\(?:([abeEfnrtv\\'\"?])|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c(.))"
    r"|[^\\]+|\\",
    re.DOTALL,
)
_ANSI_LETTERS = dict(zip("abeEfnrtv", "\a\b\x1b\x1b\f\n\r\t\v", strict=True))
_TYPOGRAPHIC = dict.fromkeys("\u2018\u2019\u201a", "\u2018\u2019'") | dict.fromkeys(
    "\u201c\u201d\u201e", '\u201c\u201d"'
)
_NO_BREAK = "\u00a0\u2007\u202f"  # spaces of word processors and web pages
_LINE_END = re.compile(r"\r?(?:\n|\Z)")
_BLANK = re.compile(rf"[ \t]+|[{_NO_BREAK}]+|\r(?=\n|\Z)|\\[ \t]*{_LINE_END.pattern}|\^[ \t]*\r?\n|#[^\n]*|\n")
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_UNQUOTED = re.compile(rf"[^ \t\r\n{_NO_BREAK}{''.join(_TYPOGRAPHIC)}'\"\\$`;|&<>)]+")  # stands for itself, in a word
_QUOTED = re.compile(r'[^"\\$`]+')  # in double quotes
_ESCAPED = re.compile(r'\\([\\"$`\n]|\r\n)')
_EXPANDED = re.compile(rf"\\([\\$`\n]|\r\n)|{_VARIABLE.pattern}|\$\(|`")
_ANSI_QUOTED = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_OPERATOR = re.compile(r"[;|&<>)]")
_CLOSING = re.compile(r"\)['\"]?")  # of x=$(curl …)
_REDIRECTION = re.compile(r"(?:\d*(<<-|<<<|<<|<>|>>|[<>]&|>\||[<>])|&>>?)[ \t]*")
_CAT = re.compile(r"\$\([ \t]*cat[ \t]*(<<-?)(?!<)[ \t]*")
_CAT_END = re.compile(r"\s*\)")
_WITHIN = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|\\.|\(|\)|[^'\"\\()]+", re.DOTALL)
_PLACEHOLDER = re.compile(r"<[A-Za-z][\w-]*>")


@cache
def _argument_line() -> re.Pattern[str]:
    """Return the pattern of a line that begins with an option, or with an endpoint's URL up to its last parameter."""
    starts = (path_pattern(endpoint.path.rpartition("{")[0], lambda _: r"[^\s'\"]+") for endpoint in ENDPOINTS)
    return re.compile(rf"\n[ \t]*(?:[-{DASHES}]{{1,2}}[A-Za-z]|['\"]?https?://[^\s'\"]+(?:{'|'.join(starts)}))")


class PosixReader(Reader):
    """Applies the quoting rules that bash, dash, zsh and ksh share, and bash's ``$'…'``."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._documents: list[
            tuple[str, Word]
        ] = []  # the operator and the delimiter of each here-document of this line
        self._closes = True  # whether every $( had its end
        self._has_returns = False  # whether a carriage return was reported

    def read(self) -> Words:
        """Return the words of the first command, its oddities, and the text of its stdin."""
        while self._to_next_word():
            self.words.append(self._word())
            if self.text.startswith("\r", self.position) and not self.words[-1].text.lstrip().startswith("{"):
                self._carriage_return(self.position, "after the word")  # after JSON it is a blank
        if self._documents:
            self._here_documents()
        return self.done()

    def _to_next_word(self) -> bool:
        """Skip blanks, continuations, comments and redirections. Return False at the end of the command."""
        while (blank := self.at(_BLANK)) or self._redirect():
            if not blank:
                continue
            if blank[0] == "\n" and self._ends_here():
                return False
            self._report(blank[0])
            self.position = blank.end()
        if self._is_operator():
            closing = self.at(_CLOSING)
            self.position = closing.end() if closing else self.position
            self.more()
            return False
        return self.position < len(self.text)

    def _report(self, blank: str) -> None:
        """Report what is wrong with a blank or a continuation at the current position."""
        if blank.startswith("\\") and "\r" in blank:
            self._carriage_return(self.position, "after the backslash")
        elif blank.startswith("\\") and blank.strip("\\\n"):
            self.odd(self.position, "a space after the backslash", "remove it: a backslash ends its line")
        elif blank[0] in _NO_BREAK:
            self.odd(self.position, "a no-break space between two words", "write a space")
        elif blank.startswith("^"):
            self.odd(self.position, "a caret at the end of a line, as in cmd.exe", "write a backslash")

    def _is_operator(self) -> bool:
        """Whether a shell operator is next; the page's placeholder ``<sid>`` is not one."""
        return self.at(_OPERATOR) is not None and not self.at(_PLACEHOLDER)

    def _ends_here(self) -> bool:
        """Whether a line break ends the command. Before an option or a URL it does not: a backslash is missing."""
        if self._documents:
            self._here_documents()
            self.more()
            return True
        if not self.words:
            return False
        if self.at(_argument_line()):
            self.odd(self.position, "a line that ends without a backslash", "end it with a space and a backslash")
            return False
        self.more()
        return True

    def _carriage_return(self, position: int, where: str) -> None:
        """Report the first carriage return that keeps a POSIX shell from running the command as its author means it."""
        if not self._has_returns:
            self._has_returns = True
            self.odd(
                position, f"a carriage return {where}, as in files of Windows", "save the file with Unix line ends"
            )

    def _redirect(self) -> bool:
        """Whether a redirection was here; it is skipped, and the text that it gives to stdin is kept."""
        redirection = None if self.at(_PLACEHOLDER) else self.at(_REDIRECTION)
        if not redirection:
            return False
        self.position = redirection.end()
        word = self._word()
        if redirection[1] == "<<<":
            self.stdin = word
        elif redirection[1] in ("<<", "<<-"):
            self._documents.append((redirection[1], word))
        return True

    def _here_documents(self) -> None:
        """Read the here-documents of the line that ends here; curl gets the last one. A text may leave them all out."""
        self.position = self.text.find("\n", self.position)
        if self.position < 0 or not self.text[self.position :].strip():
            self.position = len(self.text)
            return
        for operator, word in self._documents:
            self.stdin = self._document(operator, word)
        self._documents = []

    def _document(self, operator: str, delimiter: Word) -> Word:
        """Read the here-document that begins after the line break here."""
        start = self.position + 1
        tabs = r"\t*" if operator == "<<-" else ""
        end = re.compile(rf"^{tabs}{re.escape(delimiter.text)}\r?$", re.MULTILINE).search(self.text, start)
        if not end:
            self.odd(start - 1, "a here-document without an end", f"end it with the line {delimiter.text}", fatal=True)
        raw = self.text[start : end.start()] if end else ""
        self.position = end.end() if end else len(self.text)
        text = re.sub(r"^\t+", "", raw, flags=re.MULTILINE) if tabs else raw
        variables: list[str] = []
        if delimiter.raw == delimiter.text:  # a quote in it would keep the shell from expanding
            text = _EXPANDED.sub(partial(self._expanded, start, variables), text)
        return Word(text, *self.place(start), tuple(variables), raw)

    def _printed(self, variables: list[str]) -> str | None:
        """Return the text that ``$(cat <<EOF …)`` prints; None for any other command."""
        start, opening = self.position, self.at(_CAT)
        if not opening or not self._closes:
            return None
        self.position = opening.end()
        delimiter = self._word()
        if self.text.startswith(("\n", "\r\n"), self.position):
            self.position = self.text.find("\n", self.position)
            document = self._document(opening[1], delimiter)
            if closing := self.at(_CAT_END):
                self.position = closing.end()
                variables += document.variables
                return document.text.rstrip("\n")
            self._closes = False  # no other one is looked for, so that the time is linear
        self.position = start
        return None

    def _expanded(self, start: int, variables: list[str], match: re.Match[str]) -> str:
        """Return what stands for an escape or a variable of a here-document that begins at ``start``."""
        if match[1]:
            if "\r" in match[1]:
                self._carriage_return(start, "after a backslash")
            return match[1].strip("\r\n")
        if name := match[2] or match[3]:
            variables.append(name)
        else:
            self.odd(start, WITHIN, "it was not run: write what it gives")
        return match[0]

    def _word(self) -> Word:
        start = self.position
        pieces: list[str] = []
        variables: list[str] = []
        literal: list[str] = []
        while self.position < len(self.text):
            if plain := self._run(_UNQUOTED):
                pieces.append(plain)
                continue
            character = self.text[self.position]
            if character in f" \t{_NO_BREAK}" or self.at(_LINE_END) or self._is_operator() or self.at(_CONTINUED):
                break
            piece = self._piece(character, variables)
            literal += [match[0] for match in _VARIABLE.finditer(piece)] if character == "'" else []
            pieces.append(piece)
        raw = self.text[start : self.position]
        return Word("".join(pieces), *self.place(start), tuple(variables), raw, tuple(literal))

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
            if self.text[self.position] == '"':
                self.position += 1
                return "".join(pieces)
            if plain := self._run(_QUOTED):
                pieces.append(plain)
            elif escaped := self.at(_ESCAPED):
                if "\r" in escaped[1]:
                    self._carriage_return(self.position, "after the backslash")
                self.position = escaped.end()
                pieces.append(escaped[1].strip("\r\n"))
            else:
                pieces.append(self._plain(variables))
        return self._unclosed(start)

    def _run(self, plain: re.Pattern[str]) -> str:
        """Return the characters here that stand for themselves, and go behind them."""
        match = self.at(plain)
        self.position = match.end() if match else self.position
        return match[0] if match else ""

    def _plain(self, variables: list[str]) -> str:
        """Return the text of a variable, such as ``$NAME``, or one character."""
        variable = self.at(_VARIABLE)
        if variable:
            variables.append(variable[1] or variable[2])
        if not variable and (printed := self._printed(variables)) is not None:
            return printed
        match = variable or self.at(_PLACEHOLDER)
        end = match.end() if match else self.position + 1
        if not variable and self.text.startswith(("$(", "`"), self.position):
            self.odd(self.position, WITHIN, "it was not run: write what it gives")
            end = self._end_within() or end
        piece = self.text[self.position : end]
        self.position = end
        return piece

    def _end_within(self) -> int:
        """Return the end of the ``$(…)`` here; 0 if it has none, or for a backtick."""
        depth = 0
        position = self.position + 1
        while self._closes and self.text.startswith("$(", self.position):
            token = _WITHIN.match(self.text, position)
            if not token:
                self._closes = False  # no other end is looked for, so that the time is linear
                break
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            position = token.end()
            if not depth:
                return position
        return 0

    def _ansi(self) -> str:
        match = self.at(_ANSI_QUOTED)
        if not match:
            return self._unclosed(self.position + 2)
        start, self.position = self.position, match.end()
        raw = b"".join(map(_ansi_bytes, _ANSI.finditer(match[1]))).partition(b"\0")[0]  # bash ends it there
        try:
            text = raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.odd(start, "bytes that are not UTF-8", "write the characters themselves")
            return raw.decode("utf-8", "replace")
        # browsers write a character beyond U+FFFF as two escapes
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _ansi_bytes(match: re.Match[str]) -> bytes:
    """Return the bytes that an escape or a run of other characters in ``$'…'`` stands for."""
    letter, byte, short, long, octal, control = match.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8) & 0xFF])
    text: str = match[0]
    if letter:
        text = _ANSI_LETTERS.get(letter, letter)
    elif control:
        text = chr(ord(control) & 0x1F)
    elif short or long:
        number = int(short or long, 16)
        text = chr(number) if number < 0x110000 else "\ufffd"
    return text.encode("utf-8", "surrogatepass")
