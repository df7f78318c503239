"""The base class of the readers of documents, and the comments, blocks and findings that they return.

A comment owns the code block or the table that follows it; blank lines may come between. A comment in a code block is text.
"""

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple


class Block(NamedTuple):
    """A code block or a table: lines ``start`` up to, not including, ``end``, counted from 0.

    Its content is lines ``first`` up to, not including, ``last``. ``indent`` stands before each line of the content, and
    ``fence`` around it; ``fence`` is empty for a table. ``closed`` is False if the fence has no end.
    """

    start: int
    first: int
    last: int
    end: int
    indent: str
    fence: str
    language: str
    closed: bool = True


class Comment(NamedTuple):
    """A ``kshell`` comment: line (from 0) and column (from 1) of its command, and the block that it owns, if any.

    ``end`` is the line after the comment, and ``indent`` what stands before a new block. ``closing`` is what the comment
    should end in, but does not. ``rest`` is the text after its end on its line.
    """

    line: int
    column: int
    end: int
    indent: str
    command: str
    block: Block | None = None
    closing: str = ""
    rest: str = ""


class Finding(NamedTuple):
    """What looks like a comment of kshell but is none: line (from 0), column (from 1), a message and a hint."""

    line: int
    column: int
    message: str
    hint: str


_START = r"^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?"
# a comment of kshell in any format, anywhere in a line or at its start
_COMMENT = re.compile(
    rf"(?:<!--|\{{/\*|{_START}(?:\[//\]:[ \t]*\#[ \t]*[(\"']|//(?!/)|%+|\.\.))[ \t]*kshell[ \t]*(:(?!:)|(?=\s|-->|\*/|\Z))",
    re.IGNORECASE,
)
OURS = re.compile(r"\s*kshell[ \t]*:(?!:)\s*", re.IGNORECASE)


class Reader:
    """Reads a document once, from its first line to its last. A format has a subclass."""

    example: ClassVar[str]  # a comment of the format
    openings: ClassVar[tuple[str, ...]]  # what begins a comment of the format
    tables: ClassVar[bool] = False  # whether a table of Markdown is one here

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines

    def comment(self, number: int) -> Comment | None:
        """Return the comment of ``kshell`` that begins on line ``number``, without its block."""
        raise NotImplementedError

    def block(self, number: int) -> Block | None:
        """Return the code block that begins on line ``number``."""
        raise NotImplementedError

    def other(self, number: int) -> int:
        """Return the line after what begins on line ``number`` and is neither a comment of ``kshell`` nor a code block."""
        return number + 1

    def owned(self, number: int) -> Block | None:
        """Return what a comment owns that ends before line ``number``."""
        return self.block(number)

    def new(self, text: str, language: str, indent: str) -> list[str]:
        """Return ``text`` as the lines of a new block."""
        raise NotImplementedError

    def rewritten(self, block: Block, text: str) -> list[str]:
        """Return the lines of ``block`` with ``text`` as its content."""
        raise NotImplementedError

    def read(self) -> tuple[list[Comment], list[Block], list[Finding]]:
        """Return the comments with their blocks, the code blocks that no comment owns, and the findings."""
        comments, blocks, findings = list[Comment](), list[Block](), list[Finding]()
        number = 0
        while number < len(self.lines):
            if not self.lines[number]:
                number += 1
            elif comment := self.comment(number):
                below = comment.end
                while below < len(self.lines) and not self.is_text(below):
                    below += 1
                block = self.owned(below) if below < len(self.lines) and not comment.closing else None
                comments.append(comment._replace(block=block))
                number = block.end if block else comment.end
            elif block := self.block(number):
                blocks.append(block)
                number = block.end
            else:
                end = self.other(number)
                for line in range(number, end):
                    findings += self.findings(line)
                number = end
        return comments, blocks, findings

    def is_text(self, number: int) -> bool:
        """Whether line ``number`` is not blank."""
        return bool(self.lines[number].strip())

    def findings(self, number: int) -> Iterator[Finding]:
        """Yield what looks like a comment of kshell on line ``number``; code in backquotes is none."""
        if "kshell" not in self.lines[number].lower():
            return
        pieces = re.split("(`+)", self.lines[number])  # text, backquotes, code, backquotes
        plain = "".join("_" * len(piece) if index % 4 == 2 else piece for index, piece in enumerate(pieces))
        for match in _COMMENT.finditer(plain):
            is_own = match[0].lstrip(" \t>").startswith(self.openings)
            if match[1] and is_own:
                before = "text" if plain[: match.start()].strip() else "blanks"
                yield Finding(number, match.start() + 1, f"a comment behind {before}", "begin a line with it")
            elif match[1]:
                yield Finding(number, match.start() + 1, "not a comment of this format", f"write {self.example}")
            elif is_own:
                message = "a comment that begins with kshell, but without a colon"
                yield Finding(
                    number, match.start() + 1, message, f"write {self.example}, or begin it with another word"
                )


def content(lines: Sequence[str], block: Block) -> Iterator[str]:
    """Yield the lines inside a block, without its indentation."""
    for line in lines[block.first : block.last]:
        yield (
            line.removeprefix(block.indent)
            if line.startswith(block.indent)
            else line.removeprefix(block.indent.rstrip())
        )


def lines_of(text: str) -> list[str]:
    """Return the lines of an output."""
    return text.removesuffix("\n").split("\n")


def indented(lines: Sequence[str], indent: str) -> list[str]:
    """Return ``lines`` with ``indent`` before each; without blanks at the end of an empty one."""
    return [f"{indent}{line}" if line else indent.rstrip() for line in lines]


def longer(fence: str, lines: Sequence[str]) -> str:
    """Return a fence of the same character that is at least as long, and longer than any run of it in ``lines``."""
    runs = re.findall(rf"{re.escape(fence[0])}+", "\n".join(lines))
    longest = max(map(len, runs), default=0)
    return fence[0] * max(len(fence), longest + 1 if longest >= len(fence) else 0)
