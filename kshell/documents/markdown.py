"""Find ``kshell`` comments in Markdown, and the fenced blocks and tables that they own.

A comment owns the fenced block or the table that follows it; blank lines may come between. A comment in a fence is text.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})([^`\n]*)\Z")
_OPENING = re.compile(r"([ \t]*)<!--")
_COMMENT = re.compile(r"[ \t]*<!--\s*kshell:\s*")
_TABLE = re.compile(r"[ \t]*\|")


class Block(NamedTuple):
    """A fenced block or a table: lines ``start`` up to, not including, ``end``, counted from 0, fences included.

    ``fence`` is empty for a table. ``closed`` is False if the fence has no end.
    """

    start: int
    end: int
    indent: str
    fence: str
    language: str
    closed: bool = True


class Comment(NamedTuple):
    """A ``kshell`` comment: line (from 0) and column (from 1) of its command, and the block it owns, if any.

    ``end`` is the line after the comment. ``closed`` is whether it has an end; ``rest`` is the text after that end on its line.
    """

    line: int
    column: int
    end: int
    indent: str
    command: str
    block: Block | None
    closed: bool = True
    rest: str = ""


def read(lines: Sequence[str]) -> tuple[list[Comment], list[Block]]:
    """Return the comments, and the blocks that no comment owns."""
    comments: list[Comment] = []
    free: list[Block] = []
    ends = _ends(lines)
    number = 0
    while number < len(lines):
        comment, fence = _comment(lines, number, ends[number]), _FENCE.match(lines[number])
        if comment:
            comments.append(comment)
            number = comment.block.end if comment.block else comment.end
        elif fence:
            free.append(_fenced(lines, number, fence))
            number = free[-1].end
        else:
            number += 1
    return comments, free


def _ends(lines: Sequence[str]) -> list[int]:
    """For each line, the number of the first line from it on that holds ``-->``; the last line's where none does."""
    ends: list[int] = []
    end = len(lines) - 1
    for number in range(len(lines) - 1, -1, -1):
        end = number if "-->" in lines[number] else end
        ends.append(end)
    return ends[::-1]


def _comment(lines: Sequence[str], start: int, last: int) -> Comment | None:
    """The comment that begins on line ``start`` and ends on line ``last``, if it is one of ``kshell``'s."""
    opening = _OPENING.match(lines[start])
    if not opening or not _is_ours(lines, start, last):
        return None
    text = "\n".join(lines[start : last + 1])
    begin = _COMMENT.match(text)
    if not begin:
        return None
    before = begin[0]
    command, end, rest = text[len(before) :].partition("-->")
    line, column = start + before.count("\n"), len(before) - before.rfind("\n")
    block = _owned(lines, last + 1) if end else None
    return Comment(line, column, last + 1, opening[1], command.rstrip(), block, bool(end), rest.strip())


def _is_ours(lines: Sequence[str], start: int, last: int) -> bool:
    """Whether the first word of a comment is ``kshell:``; it may stand on a later line than ``<!--``."""
    first = lines[start].partition("<!--")[2]
    later = (lines[number] for number in range(start + 1, last + 1))
    return next(filter(None, map(str.strip, chain([first], later))), "").startswith("kshell:")


def _owned(lines: Sequence[str], start: int) -> Block | None:
    while start < len(lines) and not lines[start].strip():
        start += 1
    if start == len(lines):
        return None
    fence = _FENCE.match(lines[start])
    if fence:
        return _fenced(lines, start, fence)
    end = start
    while end < len(lines) and _TABLE.match(lines[end]):
        end += 1
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    return Block(start, end, indent, "", "") if end > start else None


def _fenced(lines: Sequence[str], start: int, fence: re.Match[str]) -> Block:
    indent, run, language = fence[1], fence[2], fence[3].strip(" \t")
    closing = re.compile(rf"[ \t]*{re.escape(run[0])}{{{len(run)},}}[ \t]*\Z")
    for number in range(start + 1, len(lines)):
        if closing.match(lines[number]):
            return Block(start, number + 1, indent, run, language)
    return Block(start, len(lines), indent, run, language, closed=False)


def content(lines: Sequence[str], block: Block) -> Iterator[str]:
    """The lines inside a fence, without the fence's indentation."""
    end = block.end - 1 if block.closed else block.end
    return (line.removeprefix(block.indent) for line in lines[block.start + 1 : end])


def fenced(text: str, language: str, *, indent: str = "", fence: str = "```") -> list[str]:
    """``text`` as the lines of a fenced block whose fence is longer than any run of its character in the text."""
    character = fence[0]
    longest = max((len(run) for run in re.findall(rf"{re.escape(character)}+", text)), default=0)
    fence = character * max(len(fence), longest + 1 if longest >= len(fence) else 0)
    return indented([f"{fence}{language}", *text.removesuffix("\n").split("\n"), fence], indent)


def indented(lines: Sequence[str], indent: str) -> list[str]:
    """``lines`` with ``indent`` before each line that is not empty."""
    return [f"{indent}{line}" if line else "" for line in lines]
