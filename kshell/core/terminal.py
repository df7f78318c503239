"""Make text harmless for a terminal, then colour it.

Text from a network, a file or a user cannot control the terminal: its control characters become visible escapes.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, TextIO

from kshell.core.errors import Note
from kshell.core.models import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def paint(text: str, style: str, *, colour: bool) -> str:
    """Return ``text``, if ``colour`` in a style of ``_STYLES`` or several, such as ``bold red``."""
    codes = ";".join(_STYLES[name] for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m" if colour else text


_KINDS = {"error": "bold red", "warning": "bold yellow", "hint": "cyan"}


def note_lines(note: Note | Finding, *, colour: bool = False) -> list[str]:
    """Return the harmless lines of a note: its kind, place and text, the line of its place, its details, its hint.

    The kind of an ``info`` is not shown. A finding is one line. ``colour`` colours the kind.
    """
    if isinstance(note, Finding):
        return [finding_line(note, colour=colour)]
    kind = "" if note.kind == "info" else paint(f"{note.kind}:", _KINDS[note.kind], colour=colour) + " "
    below = [*(note.place.caret() if note.place else ()), *note.details]
    hint = note_lines(Note("hint", note.hint), colour=colour) if note.hint else []
    return [kind + safe_line(note.headline), *(f"  {safe_line(line)}" for line in below), *hint]


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


def finding_line(finding: Finding, *, colour: bool = False) -> str:
    """Return a finding as ``check`` prints it: severity, rule code, JSON pointer, message, fix, and Meta's code."""
    severity = paint(finding.severity, _KINDS[finding.severity], colour=colour)
    meta = f" (Meta's {finding.prevents})" if finding.prevents else ""
    rest = safe_line(f"{finding.code} {finding.pointer or '/'} {finding.message}; {finding.fix}{meta}")
    return f"{severity} {rest}"


def width_of(text: str) -> int:
    """Return the width of harmless ``text`` in terminal cells."""
    from wcwidth import wcswidth

    return max(0, wcswidth(text))


def fitted(text: str, width: int) -> str:
    """Return ``text`` cut or padded to ``width`` terminal cells."""
    while width_of(text) > width:
        text = f"{text[:-2]}…"
    return text + " " * (width - width_of(text))


def columns(rows: list[tuple[str, ...]]) -> str:
    """Return ``rows`` as a table with aligned columns; the last column is not padded."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def markdown_table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return ``rows`` below ``names`` as a Markdown table; a ``|`` or a backtick in a cell is escaped."""
    lines = [names, ("---",) * len(names), *(tuple(map(_cell, row)) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"([\\|`<*])", r"\\\1", safe_line(text))
