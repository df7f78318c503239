"""AsciiDoc: comments ``// kshell: COMMAND``, and listing blocks between ``----`` with their title and attributes."""

import re
from collections.abc import Iterator

from kshell.documents.reader import OURS, Block, Comment, Finding, Reader, lines_of

_COMMENT = re.compile(r"//(?!/)[ \t]*(?=kshell[ \t]*:(?!:))", re.IGNORECASE)
_BEFORE = re.compile(r"\[.*\][ \t]*\Z|\.[^\s.]")
_DELIMITER = re.compile(r"(-{4,}|\.{4,}|`{3,})([\w+-]*)[ \t]*\Z")
_SOURCE = re.compile(r"\[(?:source)?%?[\w%]*,[ \t]*([\w+-]+)")


class AsciidocReader(Reader):
    """Reads AsciiDoc."""

    example = "// kshell: COMMAND"
    openings = ("//",)
    _commented = range(0)  # the lines of the last comment block

    def comment(self, number: int) -> Comment | None:
        """Return the comment on line ``number``."""
        line = self.lines[number]
        opening = _COMMENT.match(line)
        ours = OURS.match(line, opening.end()) if opening else None
        return Comment(number, ours.end() + 1, number + 1, "", line[ours.end() :].rstrip()) if ours else None

    def block(self, number: int) -> Block | None:
        """Return the block that begins on line ``number``, with the title and the attributes before its delimiter."""
        start, language = number, ""
        while number < len(self.lines) and _BEFORE.match(self.lines[number]):
            source = _SOURCE.match(self.lines[number])
            language = source[1] if source else language
            number += 1
        delimiter = _DELIMITER.match(self.lines[number]) if number < len(self.lines) else None
        if not delimiter:
            return None
        for last in range(number + 1, len(self.lines)):
            if self.lines[last].rstrip() == delimiter[1]:
                return Block(start, number + 1, last, last + 1, "", delimiter[1], language or delimiter[2])
        end = len(self.lines)
        return Block(start, number + 1, end, end, "", delimiter[1], language, closed=False)

    def owned(self, number: int) -> Block | None:
        """Return the block that begins on line ``number``; one without delimiters has no end."""
        if (block := self.block(number)) or not _SOURCE.match(self.lines[number]):
            return block
        return Block(number, number + 1, number + 1, number + 1, "", "----", "", closed=False)

    def other(self, number: int) -> int:
        """Return the line after a comment block, after attributes without a block, or after line ``number``."""
        end = number + 1
        delimiter = self.lines[number].rstrip()
        if re.fullmatch("/{4,}", delimiter):
            ends = (last + 1 for last in range(end, len(self.lines)) if self.lines[last].rstrip() == delimiter)
            self._commented = range(number, next(ends, end))
            return self._commented.stop
        while _BEFORE.match(self.lines[number]) and end < len(self.lines) and _BEFORE.match(self.lines[end]):
            end += 1
        return end

    def findings(self, number: int) -> Iterator[Finding]:
        """Yield what looks like a comment of kshell on line ``number``, in a comment block too."""
        if number not in self._commented:
            yield from super().findings(number)
        elif OURS.match(self.lines[number]) or self.comment(number):
            yield Finding(number, 1, "a command in a comment block", f"write {self.example} outside of the block")

    def new(self, text: str, language: str, indent: str) -> list[str]:
        """Return ``text`` as the lines of a listing block."""
        fence = _free("----", text)
        return [f"{indent}[source,{language}]", fence, *lines_of(text), fence]

    def rewritten(self, block: Block, text: str) -> list[str]:
        """Return the lines of ``block`` with ``text`` as its content, and with a longer delimiter where the text has it."""
        fence = _free(block.fence, text)
        *before, opening = self.lines[block.start : block.first]
        return [*before, opening.replace(block.fence, fence, 1), *lines_of(text), fence]


def _free(delimiter: str, text: str) -> str:
    """Return a delimiter of the same character, at least as long, that no line of ``text`` is."""
    lines = {line.rstrip() for line in lines_of(text)}
    while delimiter in lines:
        delimiter += delimiter[0]
    return delimiter
