"""Make text harmless for a terminal, then colour it.

Text from a network, a file or a user cannot control the terminal: its control characters become visible escapes.
"""

import os
import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from kshell.core.errors import Note
from kshell.core.models import Finding

# C0 but tab and newline, DEL, C1; bidi marks, embeddings and isolates; line and paragraph separators; lone surrogates
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def safe(text: str) -> str:
    r"""Return ``text`` with every character that could control a terminal written as an escape, such as ``\x1b``."""
    # nearly every text is harmless, and the pattern takes a while to compile
    return text if text.isprintable() else re.sub(_CONTROL, _visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def safe_line(text: str) -> str:
    r"""Return ``text`` made safe and on one line, with ``\n`` for a line break."""
    return safe(text).replace("\n", "\\n")


def wants_colour(stream: TextIO, *, chosen: bool | None) -> bool:
    """Whether to colour ``stream``: ``chosen`` decides, then ``NO_COLOR`` and ``TERM=dumb``, then whether it is a terminal."""
    if chosen is not None:
        return chosen
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def columns_of(stream: TextIO) -> int:
    """Return the width of the terminal that ``stream`` goes to; 0 if it goes elsewhere, or the width is not known."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError):
        return 0


def paint(text: str, style: str, *, colour: bool) -> str:
    """Return ``text``, if ``colour`` in a style of ``_STYLES`` or several, such as ``bold red``."""
    codes = ";".join(_STYLES[name] for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if colour else text


_KINDS = {"error": "bold red", "warning": "bold yellow", "hint": "cyan"}
_OUTCOMES = {"accepted": "green", "refused": "red"}


def note_lines(note: Note | Finding, *, colour: bool = False, width: int = 0) -> list[str]:
    """Return the harmless lines of a note: its kind, place and text, the line of its place, its details, its hint.

    Only the kinds ``error``, ``warning`` and ``hint`` are shown. ``colour`` colours the kind, and the status line of an
    answer. The lines break at words to ``width`` cells; 0: they do not break.
    """
    if isinstance(note, Finding):
        first, *rest = wrapped(finding_line(note), width)
        return [_kind_painted(first, note.severity, colour=colour), *rest]
    kind = f"{note.kind}: " if note.kind in _KINDS else ""
    first, *rest = wrapped(kind + safe_line(note.headline), width)
    if note.kind in _OUTCOMES:
        first, *rest = (paint(line, _OUTCOMES[note.kind], colour=colour) for line in (first, *rest))
    caret = note.place.caret(max(20, width - 2) if width else 120) if note.place else []
    details = [row for line in note.details for row in wrapped(f"  {safe_line(line)}", width)]
    hint = note_lines(Note("hint", note.hint), colour=colour, width=width) if note.hint else []
    first = _kind_painted(first, note.kind, colour=colour) if kind else first
    return [first, *rest, *(f"  {safe_line(line)}" for line in caret), *details, *hint]


def _kind_painted(line: str, kind: str, *, colour: bool) -> str:
    """Return ``line`` with the ``kind`` at its beginning, and the colon behind it, in the colour of the kind."""
    length = len(kind) + line.startswith(f"{kind}:")
    return paint(line[:length], _KINDS[kind], colour=colour) + line[length:]


def wrapped(line: str, width: int) -> list[str]:
    """Return ``line`` broken at blanks into lines of at most ``width`` cells; 0: unbroken. A longer word stays whole.

    The text behind a label, as in ``  means   the text``, is continued below itself, other text by two blanks.
    """
    if width <= 0 or width_of(line) <= width:
        return [line]
    label = re.match(r"\s*(?:\S+ {2,})?", line)
    blanks = len(line) - len(line.lstrip(" "))
    hang = " " * (len(label[0]) if label and blanks + 2 < len(label[0]) <= _MOST_LABEL else blanks + 2)
    lines, current = [], ""
    for piece in re.findall(r" *[^ ]+", line):
        if current.strip() and width_of(current + piece) > width:
            lines.append(current)
            current = hang + piece.lstrip(" ")
        else:
            current += piece
    return [*lines, current]


_MOST_LABEL = 12  # columns


def highlighted(text: str) -> str:
    """Return JSON or a diff with colours, any other text unchanged. ``text`` must already be harmless."""
    if not text.startswith(("{", "[", "--- ")):
        return text
    from pygments import highlight  # a tenth of a second to import
    from pygments.formatters.terminal import TerminalFormatter
    from pygments.lexers.data import JsonLexer
    from pygments.lexers.diff import DiffLexer

    lexer = DiffLexer(stripnl=False) if text.startswith("---") else JsonLexer(stripnl=False)
    return highlight(text, lexer, TerminalFormatter())


def finding_line(finding: Finding) -> str:
    """Return a finding as ``check`` prints it: severity, rule code, JSON pointer, message, fix, and Meta's code."""
    meta = f" (Meta's {finding.prevents})" if finding.prevents else ""
    place = finding.pointer or "/"
    return f"{finding.severity} " + safe_line(f"{finding.code} {place} {finding.message}; {finding.fix}{meta}")


def width_of(text: str) -> int:
    """Return the width of harmless ``text`` in terminal cells."""
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def fitted(text: str, width: int) -> str:
    """Return ``text`` cut or padded to ``width`` terminal cells."""
    text = cut(text, width)
    return text + " " * (width - width_of(text))


def cut(text: str, width: int) -> str:
    """Return ``text``, cut to ``width`` terminal cells with an ``…`` at its end if it is wider."""
    if width_of(text) <= width:
        return text
    text = text[: width - 1]
    while width_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…"


def columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Return ``rows`` as a harmless table with aligned columns; the last column is not padded."""
    safe_rows = [tuple(map(safe_line, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*safe_rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in safe_rows)
    return "".join(f"{line}\n" for line in lines)


def markdown_table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return ``rows`` below ``names`` as a Markdown table; a ``|`` or a backtick in a cell is escaped."""
    lines = [names, ("---",) * len(names), *(tuple(map(_cell, row)) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"([\\|`<*])", r"\\\1", safe_line(text))
