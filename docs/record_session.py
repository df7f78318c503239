"""Record a shell session: as the picture docs/shell.svg, and as the text below ``<!-- session -->`` in docs/shell.md.

    python docs/record_session.py

The script types into the real program in a pseudo-terminal. Two recordings are equal: message ids are masked as on the
API's page, and every duration is 1 ms.
"""

from __future__ import annotations

import re
import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from support.screen import Terminal  # noqa: E402 - it is found by the line above

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyte.screens import Char

LINES = (
    "set to=+919812345678 otp=482913",
    "check wa_source=zapir",
    "send",
    "inbox",
    "expect phone.code == otp",
    "sned",
)
LAST, MENU = "send wa_source=z", "a source the API knows"
NBSP = "\N{NO-BREAK SPACE}"  # SVG draws several blanks as one
PROMPT = "demo@sandbox auth>"
WIDTH, HEIGHT = 94, 48  # of the terminal
CELL, LINE, EDGE = 8.4, 18, 14  # pixels: a character's width, a line's height, the picture's edge
FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
INK, PAPER = "#d0d7de", "#0d1117"
COLOURS = {
    "black": "#0d1117", "red": "#ff7b72", "green": "#3fb950", "brown": "#d29922", "blue": "#58a6ff", "magenta": "#bc8cff",
    "cyan": "#39c5cf", "white": "#d0d7de", "brightblue": "#79c0ff",
}  # fmt: skip


class Run(NamedTuple):
    """Neighbouring characters of a row in one style. The colours are CSS; an empty one is the terminal's."""

    text: str
    colour: str
    background: str
    bold: bool


def record() -> list[list[Run]]:
    """Return the rows of the screen after the last line, with the menu and the toolbar of the next one."""
    with tempfile.TemporaryDirectory() as home:
        terminal = Terminal.kshell(columns=WIDTH, lines=HEIGHT, env={"HOME": home, "XDG_CONFIG_HOME": home}, cwd=home)
        for number, line in enumerate(LINES, 2):
            terminal.enter(line).until(lambda text, number=number: text.count(PROMPT) == number)
        terminal.type(LAST).until(lambda text: text.count(MENU) == 3).read(0.5)
        terminal.close()
    rows = [_runs(terminal.screen.buffer[y][x] for x in range(WIDTH)) for y in range(HEIGHT)]
    return [row for row, above in zip(rows, [[], *rows], strict=False) if row or above]


def _runs(cells: Iterable[Char]) -> list[Run]:
    """Return the runs of a row, without the blanks at its end and without values that differ between recordings."""
    runs = [Run(_steady("".join(cell.data for cell in group)), *style) for style, group in groupby(cells, key=_style)]
    while runs and not runs[-1].text.strip() and not runs[-1].background:
        runs.pop()
    return runs


def _style(cell: Char) -> tuple[str, str, bool]:
    """Return the colour, the background and the weight of a cell of pyte's screen."""
    return _css(cell.fg), _css(cell.bg), cell.bold


def _css(colour: str) -> str:
    return "" if colour == "default" else COLOURS.get(colour, f"#{colour}")


def _steady(text: str) -> str:
    return re.sub(r"\b\d+ ms\b", "1 ms", re.sub(r"\bA[A-Z0-9]{19}\b", "AXXXXXXXXXXXXXXXXXXX", text))


def as_text(rows: list[list[Run]]) -> str:
    """Return the rows as lines of text."""
    return "".join("".join(run.text for run in row).rstrip() + "\n" for row in rows)


def as_svg(rows: list[list[Run]]) -> str:
    """Return the rows as an SVG picture that loads nothing."""
    width, height = f"{WIDTH * CELL + 2 * EDGE:g}", f"{len(rows) * LINE + 2 * EDGE:g}"
    font = f'font-family="{FONT}" font-size="14" fill="{INK}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {font}>',
        "<title>The shell of kshell</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
    ]
    for y, row in enumerate(rows):
        x = 0
        for run in row:
            parts += _drawn(run, x, EDGE + y * LINE)
            x += len(run.text)
    return "\n".join([*parts, "</svg>\n"])


def _drawn(run: Run, column: int, top: float) -> list[str]:
    """Return the elements of a run: its background, and its text, which is as wide as its cells in every font."""
    parts, text = [], run.text.strip()
    if run.background:
        size = f'width="{len(run.text) * CELL:g}" height="{LINE}"'
        parts.append(f'<rect x="{EDGE + column * CELL:g}" y="{top:g}" {size} fill="{run.background}"/>')
    if text:
        left = EDGE + (column + run.text.index(text)) * CELL
        style = (f' fill="{run.colour}"' if run.colour else "") + (' font-weight="bold"' if run.bold else "")
        place = f'x="{left:g}" y="{top + 13.5:g}" textLength="{len(text) * CELL:g}" lengthAdjust="spacingAndGlyphs"'
        parts.append(f"<text {place}{style}>{escape(text.replace(' ', NBSP), quote=False)}</text>")
    return parts


def recorded() -> dict[Path, str]:
    """Record the session once; return each file that shows it, with its new text."""
    rows = record()
    page = (DOCS / "shell.md").read_text(encoding="utf-8")
    before, after = page.split("<!-- session -->\n```text\n")
    rest = after[after.index("```") :]
    return {
        DOCS / "shell.svg": as_svg(rows),
        DOCS / "shell.md": f"{before}<!-- session -->\n```text\n{as_text(rows)}{rest}",
    }


if __name__ == "__main__":
    for file, text in recorded().items():
        file.write_text(text, encoding="utf-8")
