"""Read and check scripts. A ``.kshell`` file has the same lines as the shell.

A script is checked before its first line runs, so that a misspelt word on its last line is found before anything is sent.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kshell.console.dispatch import check_words
from kshell.core.errors import KshellError, Note, Place, ScriptError
from kshell.profiles.files import read_stdin, read_text, shown
from kshell.syntax.command_table import WHOLE
from kshell.syntax.lines import Continuation, Line

MOST_LINES = 10_000  # without blank lines and comments; to check one takes about a tenth of a millisecond
MOST_FAULTS = 100
STDIN = Path("-")

_MORE = Note("hint", f"the check stopped after {MOST_FAULTS} faults; correct these first")
_BACKSLASHES = re.compile(r"(?<!\\)(?:\\\\)*\\\Z")
_CAPTURE = re.compile(r"([A-Za-z_]\w*)\s*=(?!=)\s*")


class Script(NamedTuple):
    """A script: its file, its lines except blank lines and comments, and the file's name as messages show it."""

    file: Path
    lines: tuple[Line, ...]
    name: str


# ---- reading


def read_script(file: Path) -> Script:
    """Return the script in ``file``, or on stdin for ``-``. Raises ``ScriptError``."""
    if file == STDIN:
        script = parse_script(read_stdin(ScriptError), Path("stdin"))
    else:
        script = parse_script(read_text(file, ScriptError), file)
    if len(script.lines) > MOST_LINES:
        hint = "split it; run --rows FILE sends one message for each row"
        raise ScriptError(f"{script.name} has more than {MOST_LINES} lines", hint=hint)
    return script


def parse_script(text: str, file: Path) -> Script:
    """Return the script in ``text``. Never raises: ``check_script`` reports a line that cannot be split."""
    name = shown(file)
    return Script(file, tuple(_joined(re.split(r"\r\n|\r|\n", text), name)), name)


def _joined(texts: list[str], file: str) -> Iterator[Line]:
    """Yield the lines of a script, except blank ones and comments."""
    parts: list[str] = []
    read = Continuation()
    for number, text in enumerate(texts, 1):
        has_backslash = text.endswith("\\") and number < len(texts)
        if has_backslash and _continues(text, read):
            parts.append(text[:-1])
            continue
        line = Line(file, number - len(parts), (*parts, text))
        if (head := line.head) and head[0] != "#":
            yield line
        if parts or has_backslash:
            parts, read = [], Continuation()


def _continues(text: str, read: Continuation) -> bool:
    """Whether a line ends in a backslash that is neither escaped nor in a comment; ``read`` has the parts before it."""
    if not _BACKSLASHES.search(text):
        return False
    read.add(text[:-1])
    return not read.comment


def lines_with_sourced(script: Script) -> list[Line]:
    """Return the lines of a script and of those that it sources by name, each script once. Raises ``ScriptError``."""
    scripts, files = [script], {_real(script.file)}
    for known in scripts:
        for line in known.lines:
            words = line.words() if line.head == "source" else []
            file = known.file.parent / words[-1].plain if words[1:] and not words[-1].computed else known.file
            if _real(file) not in files:
                files.add(_real(file))
                scripts.append(read_script(file))
    return [line for known in scripts for line in known.lines]


def whole_text(script: Script) -> str:
    """Return ``lines_with_sourced`` as one text, by which a ledger knows the script.

    Raises ``ScriptError`` for a line that may send other messages, or in another order, when the script is run again.
    """
    lines = lines_with_sourced(script)
    for line in lines:
        computed = "{" in line.head or (line.head == "source" and any(word.computed for word in line.words()))
        if line.head == "run" or computed:
            hint = "name the script in a source line, without {{ }}"
            raise ScriptError("a ledger cannot tell which messages this line sends", hint=hint, at=line.place(1))
    return "\n".join(line.text for line in lines)


# ---- checking


def check_script(
    script: Script,
    running: tuple[Path, ...] = (),
    checked: set[str] | None = None,
    absent: frozenset[str] | None = None,
) -> list[Note]:
    """Return the faults that are found without running a script, also those in scripts that it sources or runs by name.

    It stops after ``MOST_FAULTS`` of them, and the last note says so. ``checked`` are the files that were checked already:
    each is checked once, however often it is named. ``absent`` are the names that no line can read before a send; by default
    all names of an answer.
    """
    checked = set() if checked is None else checked
    absent = absent_names() if absent is None else absent
    faults: list[Note] = []
    for line in script.lines:
        if len(faults) >= MOST_FAULTS:
            return faults if faults[-1] is _MORE else [*faults, _MORE]
        try:
            faults += _check_line(line, (*running, script.file), checked, absent)
        except KshellError as error:
            faults.append(error.placed(line.place(1)).note)
        absent = _absent_after(line, absent)
    return faults


def absent_names(given: Iterable[str] = ()) -> frozenset[str]:
    """Return the names that no line can read before a send: an answer's and what came of it, without variables ``given``."""
    from kshell.syntax.diagnostics import ANSWER_NAMES, ARRIVAL_NAMES

    return frozenset((*ANSWER_NAMES, *ARRIVAL_NAMES)) - {*given}


def _absent_after(line: Line, absent: frozenset[str]) -> frozenset[str]:
    if line.head in ("send", "source") or "{" in line.head:
        return frozenset()
    names = {text.partition("=")[0] for text in line.text.split()} if line.head == "set" else set()
    return absent - names


def _check_line(line: Line, running: tuple[Path, ...], checked: set[str], absent: frozenset[str]) -> list[Note]:
    for expression, column in expressions_of(line):
        check_expression_at(line, expression, column)
        _refuse_early_answer(line, expression, column, absent)
    if line.head in WHOLE:
        return []
    words = line.words()
    if words[0].computed:
        return []
    plain = [word.plain for word in words]
    known = not any(word.computed for word in words)
    parsed = check_words(plain if known else plain[:1], frontend="script", whole=known)
    inside = absent if plain[0] == "source" else None
    return [
        fault for file in _files_of(plain[0], parsed) for fault in _check_included(line, file, running, checked, inside)
    ]


def expressions_of(line: Line) -> list[tuple[str, int]]:
    """Return the text and the column of each expression in a line. Raises ``ScriptError`` if the line cannot be split."""
    if line.head not in WHOLE:
        pieces = (piece for word in line.words() for piece in word.pieces)
        return [(piece.text, piece.column + 2) for piece in pieces if piece.expression]  # after the {{
    text, column = line.rest()
    if text in ("-h", "--help"):
        return []
    start = capture_parts(line)[1] if line.head == "capture" else 0
    return [(text[start:], column + start)]


def _refuse_early_answer(line: Line, expression: str, column: int, absent: frozenset[str]) -> None:
    """Raise ``ScriptError`` if an expression reads one of the names ``absent``."""
    from kshell.syntax.diagnostics import when_defined
    from kshell.templating.evaluation import names_in

    for name in names_in(expression) if any(name in expression for name in absent) else ():
        if name.text in absent and not name.optional:
            text = f"{name.text!r} is part of an answer, but no send comes before"
            raise ScriptError(text, hint=when_defined(name.text), at=line.place(column + name.offset))


def _files_of(command: str, parsed: Mapping[str, Any]) -> list[Path]:
    """Return the scripts that a ``source`` or a ``run`` names, without stdin, which can be read only once."""
    names = {"source": [parsed.get("name")], "run": parsed.get("files", ())}.get(command, ())
    return [Path(name) for name in names if name and Path(name) != STDIN]


def check_expression_at(line: Line, expression: str, column: int) -> None:
    """Raise ``ScriptError`` if ``expression``, which begins at ``column`` of ``line``, is not an expression."""
    from kshell.syntax.expressions import fault_in, refuse_long
    from kshell.templating.evaluation import check_expression

    if not expression.strip():
        hint = f"kshell help {line.head}"
        raise ScriptError(f"{line.head} without an expression", hint=hint, at=line.place(column))
    place = lambda offset: line.place(column + offset)  # noqa: E731
    refuse_long(expression, place)
    try:
        check_expression(expression)
    except Exception as error:  # noqa: BLE001 - every error of the parser is a fault of the expression
        raise fault_in(expression, error, {}, place) from None


def capture_parts(line: Line) -> tuple[str, int]:
    """Return the name in ``capture NAME = EXPR``, and the offset of the expression. Raises ``ScriptError``."""
    from kshell.syntax.diagnostics import NAMES

    rest, column = line.rest()
    match = _CAPTURE.match(rest)
    if not match:
        hint = "write capture id = body.data.message_id"
        raise ScriptError("capture takes NAME = EXPRESSION", hint=hint, at=line.place(column))
    if match[1] in NAMES:
        text = f"{match[1]!r} is a name of the answer, or of what came of it"
        raise ScriptError(text, hint="choose another name", at=line.place(column))
    return match[1], match.end()


def _check_included(
    line: Line, name: Path, running: tuple[Path, ...], checked: set[str], absent: frozenset[str] | None
) -> list[Note]:
    file = running[-1].parent / name
    refuse_loop(file, running, line.place(1))
    if _real(file) in checked:
        return []
    checked.add(_real(file))
    return check_script(read_script(file), running, checked, absent)


def refuse_loop(file: Path, running: tuple[Path, ...], at: Place | None) -> None:
    """Raise ``ScriptError`` if ``file`` is one of the running scripts."""
    if _real(file) in map(_real, running):
        chain = " → ".join(shown(known) for known in (*running, file))
        raise ScriptError(f"a loop: {chain}", hint="remove one of them", at=at)


def _real(file: Path) -> str:
    """Return the path without links. ``Path.resolve`` raises for a link to itself, whose reading gives a better error."""
    return os.path.realpath(file) if "\0" not in str(file) else str(file)
