"""Read a command that was written for cmd.exe."""

import re

from kshell.curl.words.reader import Reader, Word, Words

_CARET = re.compile(r"\^([ \t]*)\n")


class CmdReader(Reader):
    """Applies cmd.exe's rules for carets and quotes, then the C runtime's rules for arguments."""

    def read(self) -> Words:
        """Return the words of the first command, and its oddities."""
        characters, end = self._carets()
        self._argv(characters)
        self.position = end
        self.more()
        return self.done()

    def _carets(self) -> tuple[list[tuple[str, int]], int]:
        """Return the characters that cmd.exe passes to the program, each with its position, and the command's end."""
        characters: list[tuple[str, int]] = []
        quoted = broken = False
        while self.position < len(self.text):
            position = self.position
            character = self.text[position]
            if character == "^" and not quoted:
                self._caret(characters)
                continue
            if not quoted and character in "\n&|<>":
                break
            if character == "\n" and not broken:
                broken = True
                self.odd(position, "a line break in quotes, at which cmd.exe ends the command", "write it on one line")
            quoted ^= character == '"'
            characters.append((character, position))
            self.position += 1
        return characters, self.position

    def _caret(self, characters: list[tuple[str, int]]) -> None:
        """Take the character after a caret literally; drop one line break there, keep a second one."""
        continued = self.at(_CARET)
        if continued and continued[1]:
            self.odd(self.position, "a space after the caret", "remove it: a caret ends its line")
        self.position = continued.end() if continued else self.position + 1
        if self.position < len(self.text):
            characters.append((self.text[self.position], self.position))
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
                self._finish(current, start, position)
                current = None
                index += 1
                continue
            if current is None:
                current, start = [], position
            text, index, toggles = _next_piece(characters, index)
            current.append(text)
            quoted ^= toggles
            opening = position if toggles and quoted else opening
        self._finish(current, start, self.position)
        if quoted:
            self.odd(opening, "a quote that is not closed", 'close it with "', fatal=True)

    def _finish(self, current: list[str] | None, start: int, end: int) -> None:
        if current is not None:
            text, raw = "".join(current), self.text[start:end]
            self.words.append(Word(text, *self.place(start), tuple(re.findall(r"%(\w+)%", text)), raw))


def _next_piece(characters: list[tuple[str, int]], index: int) -> tuple[str, int, bool]:
    """Return the next piece of an argument, the index after it, and whether it is a quote that opens or closes."""
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
