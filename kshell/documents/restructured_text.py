"""reStructuredText: comments ``.. kshell: COMMAND``, ``.. code-block::`` with options, and literal blocks after ``::``."""

import re
from collections.abc import Iterator

from kshell.documents.reader import OURS, Block, Comment, Reader, indented, lines_of

_COMMENT = re.compile(r"([ \t]*)\.\.(?=[ \t]|\Z)[ \t]*")
_DIRECTIVE = re.compile(r"([ \t]*)\.\.[ \t]+(?:code-block|code|sourcecode)::[ \t]*(\S*)")
_LITERAL = re.compile(r"([ \t]*)(?!\.\.[ \t]).*::[ \t]*\Z")
_OPTION = re.compile(r"[ \t]+:[\w-]+:")


class RestReader(Reader):
    """Reads reStructuredText."""

    example = ".. kshell: COMMAND"
    openings = ("..",)

    def comment(self, number: int) -> Comment | None:
        """Return the comment that begins on line ``number``; further lines of it are indented."""
        opening = _COMMENT.match(self.lines[number])
        if not opening:
            return None
        end = number + 1
        while end < len(self.lines) and self._is_inside(end, opening[1]) and self.lines[end].strip():
            end += 1
        text = "\n".join(self.lines[number:end])
        ours = OURS.match(text, opening.end())
        if not ours:
            return None
        line, column = number + text.count("\n", 0, ours.end()), ours.end() - text.rfind("\n", 0, ours.end())
        return Comment(line, column, end, opening[1], " ".join(text[ours.end() :].split("\n")).strip())

    def block(self, number: int) -> Block | None:
        """Return the code block or the literal block that begins on line ``number``."""
        line = self.lines[number]
        directive = _DIRECTIVE.match(line)
        literal = None if directive else _LITERAL.match(line)
        if not (match := directive or literal):
            return None
        first = number + 1
        while directive and first < len(self.lines) and _OPTION.match(self.lines[first]):
            first += 1
        head = first
        while first < len(self.lines) and not self.lines[first].strip():
            first += 1
        last = first
        for inside in self._content(first, match[1]):
            last = inside + 1
        if last == first:  # without content
            first = last = head
            if literal:
                return None
        indent = _indent(self.lines[first]) if last > first else f"{match[1]}   "
        return Block(number, first, last, last, indent, "::", match[2] if directive else "")

    def owned(self, number: int) -> Block | None:
        """Return the block that begins on line ``number``, unless it is a paragraph with a literal block."""
        is_paragraph = not _DIRECTIVE.match(self.lines[number]) and self.lines[number].strip() != "::"
        return None if is_paragraph else self.block(number)

    def _content(self, number: int, indent: str) -> Iterator[int]:
        """Yield the lines of text that are indented more than ``indent``, up to one that is not."""
        while number < len(self.lines) and (not self.lines[number].strip() or self._is_inside(number, indent)):
            if self.lines[number].strip():
                yield number
            number += 1

    def _is_inside(self, number: int, indent: str) -> bool:
        return len(_indent(self.lines[number])) > len(indent)

    def new(self, text: str, language: str, indent: str) -> list[str]:
        """Return ``text`` as the lines of a code block, with a blank line before and after it."""
        return ["", f"{indent}.. code-block:: {language}", "", *indented(lines_of(text), f"{indent}   "), ""]

    def rewritten(self, block: Block, text: str) -> list[str]:
        """Return the lines of ``block`` with ``text`` as its content; the options stay."""
        head = list(self.lines[block.start : block.first])
        blank = [] if not head[-1].strip() else [""]
        return [*head, *blank, *indented(lines_of(text), block.indent)]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
