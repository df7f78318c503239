"""Scripts read and checked: a ``.kshell`` file is the shell's own lines.

A script is checked before its first line runs, so that a misspelt word on its last line is found before anything is sent.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.console.dispatch import check_words
from kshell.console.group import commands_of
from kshell.core.errors import KshellError, ScriptError
from kshell.profiles.files import read_stdin, read_text, shown
from kshell.syntax.lines import Line, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kshell.core.errors import Note, Place
    from kshell.syntax.lines import Word

MOST_BYTES = 8 * 1024 * 1024
STDIN = Path("-")

_BACKSLASHES = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_CAPTURE = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)\s*")


class Script(NamedTuple):
    """A script's file and the lines in it that do something."""

    file: Path
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """The file, as a message shows it."""
        return shown(self.file)


# ---- reading


def read_script(file: Path) -> Script:
    """The script in ``file``, or on stdin for ``-``. Raises ``ScriptError``."""
    if file == STDIN:
        return parse_script(read_stdin(ScriptError, most=MOST_BYTES), Path("stdin"))
    return parse_script(read_text(file, ScriptError, most=MOST_BYTES), file)


def parse_script(text: str, file: Path) -> Script:
    """The lines of a script's text. Never raises: a line that cannot be split is found when it is checked."""
    lines = _joined(re.split(r"\r\n|\r|\n", text), shown(file))
    return Script(file, tuple(line for line in lines if line.head and not line.head.startswith("#")))


def _joined(texts: list[str], file: str) -> Iterator[Line]:
    parts: list[str] = []
    for number, text in enumerate(texts, 1):
        if _goes_on(text, parts) and number < len(texts):
            parts.append(text[:-1])
            continue
        parts.append(text)
        yield Line(file, number - len(parts) + 1, tuple(parts))
        parts = []


def _goes_on(text: str, before: list[str]) -> bool:
    """Whether a line ends in a backslash that is neither escaped nor in a comment."""
    return _BACKSLASHES.search(text) is not None and not _ends_in_comment("".join([*before, text[:-1]]))


def _ends_in_comment(text: str) -> bool:
    try:
        return split(text) == split(f"{text} x")
    except ScriptError:
        return False


# ---- checking


def check_script(script: Script, running: tuple[Path, ...] = (), checked: set[Path] | None = None) -> list[Note]:
    """The faults that can be found without running: in this script, and in those it sources or runs by a plain name.

    ``checked`` are the files that were checked already: each is checked once, however often it is named.
    """
    checked = set() if checked is None else checked
    faults: list[Note] = []
    for line in script.lines:
        try:
            faults += _check_line(line, (*running, script.file), checked)
        except KshellError as error:
            faults.append(error.placed(line.place(1)).note)
    return faults


def _check_line(line: Line, running: tuple[Path, ...], checked: set[Path]) -> list[Note]:
    if line.head in commands_of("script").whole:
        _check_whole(line)
        return []
    words = line.words()
    _check_expressions(line, words)
    if words[0].computed:
        return []
    plain = [word.plain for word in words]
    known = not any(word.computed for word in words)
    parsed = check_words(plain if known else plain[:1], frontend="script", whole=known)
    return [fault for file in _files_of(plain[0], parsed) for fault in _check_included(line, file, running, checked)]


def _files_of(command: str, parsed: Mapping[str, Any]) -> list[Path]:
    """The scripts that a ``source`` or a ``run`` names by plain words; stdin can be read only once."""
    named = {"source": [parsed.get("name")], "run": parsed.get("files", ())}.get(command, ())
    return [Path(name) for name in named if name and Path(name) != STDIN]


def _check_whole(line: Line) -> None:
    expression, start = line.rest()
    if expression in ("-h", "--help"):
        return
    if line.head == "capture":
        _, offset = capture_parts(line)
        expression, start = expression[offset:], start + offset
    check_placed(line, expression, start)


def _check_expressions(line: Line, words: list[Word]) -> None:
    for word in words:
        for piece in word.pieces:
            if piece.expression:
                check_placed(line, piece.text, piece.column + 2)


def check_placed(line: Line, expression: str, column: int) -> None:
    """Raise ``ScriptError`` for what is no expression; it begins at ``column`` of ``line``."""
    from kshell.syntax.expressions import fault_in
    from kshell.templating.evaluation import check_expression

    if not expression.strip():
        hint = f"kshell help {line.head}"
        raise ScriptError(f"{line.head} without an expression", hint=hint, at=line.place(column))
    try:
        check_expression(expression)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises is a fault of the expression
        raise fault_in(expression, error, {}, lambda offset: line.place(column + offset)) from None


def capture_parts(line: Line) -> tuple[str, int]:
    """The name in ``capture NAME = EXPR``, and the offset of the expression behind it. Raises ``ScriptError``."""
    from kshell.syntax.diagnostics import ANSWER_NAMES

    rest, column = line.rest()
    match = _CAPTURE.match(rest)
    if not match:
        hint = "write capture id = body.data.message_id"
        raise ScriptError("capture takes NAME = EXPRESSION", hint=hint, at=line.place(column))
    if match[1] in ANSWER_NAMES:
        raise ScriptError(f"{match[1]!r} is the answer's own", hint="choose another name", at=line.place(column))
    return match[1], match.end()


def _check_included(line: Line, name: Path, running: tuple[Path, ...], checked: set[Path]) -> list[Note]:
    file = running[-1].parent / name
    refuse_loop(file, running, line.place(1))
    if file.resolve() in checked:
        return []
    checked.add(file.resolve())
    return check_script(read_script(file), running, checked)


def refuse_loop(file: Path, running: tuple[Path, ...], at: Place | None) -> None:
    """Raise ``ScriptError`` if ``file`` is one of the scripts that are running already."""
    if file.resolve() in [known.resolve() for known in running]:
        chain = " → ".join(shown(known) for known in (*running, file))
        raise ScriptError(f"a loop: {chain}", hint="remove one of them", at=at)
