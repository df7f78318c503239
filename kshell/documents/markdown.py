"""Markdown, MDX and MyST: HTML, MDX and MyST comments, fenced blocks and tables, in lists and in quotes too."""

import re
from collections.abc import Sequence
from itertools import chain

from kshell.documents.reader import OURS, Block, Comment, Reader, indented, lines_of, longer

_CONTAINERS = r"((?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*+[ \t]*)"
_FENCE = re.compile(rf"{_CONTAINERS}(`{{3,}}|~{{3,}}|:{{3,}}(?=\{{code))([^`\n]*)\Z")
_COMMENT = re.compile(rf"{_CONTAINERS}(<!--|\{{/\*)")
_MYST = re.compile(rf"{_CONTAINERS}%+[ \t]*(?=kshell[ \t]*:(?!:))", re.IGNORECASE)
_TABLE = re.compile(r"[ \t>]*\|")
_ENDS = {"<!--": "-->", "{/*": "*/}"}
# the language after a fence: bash, {code-block} bash, {.bash .numberLines}
_LANGUAGE = re.compile(r"\{(?:code|code-block|code-cell|sourcecode)\}[ \t]*(\S*)|\{[ \t]*\.([\w+-]+)|([^\s{,]*)")
_CODE = re.compile(r"\{(?:code|code-block|code-cell|sourcecode|eval-rst|literalinclude|math|mermaid|raw)\}")
_MOST_OPEN = 8  # admonitions in each other, so that the time is linear
_OPTION = re.compile(r"[ \t]*:[\w-]+:")


class MarkdownReader(Reader):
    """Reads Markdown, MDX and MyST."""

    example = "<!-- kshell: COMMAND -->"
    openings = ("<!--", "{/*", "%")
    tables = True

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(lines)
        self._ends = {closing: _last_lines(lines, closing) for closing in _ENDS.values()}
        self._open: list[int] = []  # the closing fences of the open admonitions of MyST, whose content is Markdown

    def comment(self, number: int) -> Comment | None:
        """Return the HTML, MDX or MyST comment that begins on line ``number``, if it is one of ``kshell``'s."""
        if opening := _MYST.match(self.lines[number]):
            begin = _command_start(self.lines[number], opening.end())
            return Comment(number, begin + 1, number + 1, _inside(opening[1]), self.lines[number][begin:].rstrip())
        opening = _COMMENT.match(self.lines[number])
        if not opening:
            return None
        closing = _ENDS[opening[2]]
        last = self._ends[closing][number]
        if not self._is_ours(number, last, opening):
            return None
        text = "\n".join(self.lines[number : last + 1])
        begin = _command_start(text, opening.end())
        command, end, rest = text[begin:].partition(closing)
        line, column = number + text.count("\n", 0, begin), begin - text.rfind("\n", 0, begin)
        missing = "" if end else closing
        return Comment(line, column, last + 1, _inside(opening[1]), command.rstrip(), None, missing, rest.strip())

    def _is_ours(self, start: int, last: int, opening: re.Match[str]) -> bool:
        """Whether the first word of a comment is ``kshell:``; it may stand on a later line than the opening."""
        first = self.lines[start][opening.end() :]
        later = (self.lines[number] for number in range(start + 1, last + 1))
        word = next(filter(None, map(str.strip, chain([first], later))), "")
        return OURS.match(word) is not None

    def block(self, number: int) -> Block | None:
        """Return the fenced block that begins on line ``number``; an admonition of MyST is none."""
        is_end = number in self._open
        self._open = [end for end in self._open if end > number]
        fence = None if is_end else _FENCE.match(self.lines[number])
        if not fence:
            return None
        block = self._fenced(number, fence)
        info = fence[3].strip(" \t")
        is_admonition = info.startswith("{") and not block.language and not _CODE.match(info)
        if not is_admonition or not block.closed or len(self._open) == _MOST_OPEN:
            return block
        self._open.append(block.end - 1)
        return None

    def owned(self, number: int) -> Block | None:
        """Return the fenced block or the table that begins on line ``number``."""
        end = number
        while end < len(self.lines) and _TABLE.match(self.lines[end]):
            end += 1
        table = Block(number, number, end, end, _indent(self.lines[number]), "", "")
        return table if end > number else self.block(number)

    def is_text(self, number: int) -> bool:
        """Whether line ``number`` is not blank; the empty line of a quote is."""
        return bool(self.lines[number].strip(" \t>"))

    def _fenced(self, start: int, fence: re.Match[str]) -> Block:
        indent, run, info = _inside(fence[1]), fence[2], fence[3].strip(" \t")
        language = _LANGUAGE.match(info)
        named = next(filter(None, language.groups()), "") if language else ""
        closing = re.compile(rf"[ \t>]*{re.escape(run[0])}{{{len(run)},}}[ \t]*\Z")
        last = start + 1
        while last < len(self.lines) and (">" not in indent or self.lines[last].lstrip().startswith(">")):
            if closing.match(self.lines[last]):
                return Block(start, self._first(start + 1, last, info), last, last + 1, indent, run, named)
            last += 1
        return Block(start, start + 1, last, last, indent, run, named, closed=False)

    def _first(self, first: int, last: int, info: str) -> int:
        """Return the line after the options of a MyST directive: lines such as ``:caption: x``, or YAML between ``---``."""
        start = first
        if not info.startswith("{"):
            return first
        if first < last and self.lines[first].strip() == "---":
            ends = (number + 1 for number in range(first + 1, last) if self.lines[number].strip() == "---")
            first = next(ends, first)
        while first < last and _OPTION.match(self.lines[first].lstrip(" \t>")):
            first += 1
        return first + 1 if start < first < last and not self.is_text(first) else first

    def new(self, text: str, language: str, indent: str) -> list[str]:
        """Return ``text`` as the lines of a fenced block; a table has no fence."""
        if text.startswith("| "):
            return indented(lines_of(text), indent)
        fence = longer("```", lines_of(text))
        return indented([f"{fence}{language}", *lines_of(text), fence], indent)

    def rewritten(self, block: Block, text: str) -> list[str]:
        """Return the lines of ``block`` with ``text`` as its content, and with a longer fence where the text has one."""
        fence = longer(block.fence, lines_of(text))
        head, *options = self.lines[block.start : block.first]
        return [
            head.replace(block.fence, fence, 1),
            *options,
            *indented(lines_of(text), block.indent),
            f"{_indent(self.lines[block.last])}{fence}",
        ]


def _last_lines(lines: Sequence[str], closing: str) -> list[int]:
    """For each line, the number of the first line from it on that holds ``closing``; the last line's where none does."""
    ends: list[int] = []
    end = len(lines) - 1
    for number in range(len(lines) - 1, -1, -1):
        end = number if closing in lines[number] else end
        ends.append(end)
    return ends[::-1]


def _command_start(text: str, begin: int) -> int:
    """Return the position of the command in the text of a comment whose ``kshell:`` is the first word from ``begin`` on."""
    ours = OURS.match(text, begin)
    return ours.end() if ours else begin


def _inside(containers: str) -> str:
    """Return what stands before a further line in the same quotes and items of lists."""
    return re.sub(r"[^>\s]", " ", containers)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t>"))]
