"""Scripts: a ``.kshell`` file is the shell's own lines. Read, checked without running, and run.

A script is checked before its first line runs, so that a misspelt word on its last line is found before anything is sent.
It stops at the first line that fails. A line fails when its command does not exit with 0; but a ``send`` that got an answer,
or none, is judged by an ``expect`` between it and the next ``send``, where there is one.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.commands import Result
from kshell.dispatch import check_words, commands_of, perform_at
from kshell.errors import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    KshellError,
    Place,
    ScriptError,
)
from kshell.lines import Line, split
from kshell.places import read_stdin, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kshell.lines import Word
    from kshell.session import Sent, Session

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


class Step(NamedTuple):
    """What one line came to. ``sent`` is what it sent, if it sent; ``failed`` is whether the script stops here."""

    line: Line
    result: Result
    seconds: float
    sent: Sent | None
    failed: bool


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


def included(session: Session, name: Path) -> Path:
    """The file that a name in ``source`` or ``run`` means: relative to the script that says it. Raises for a loop."""
    file = session.scripts[-1].parent / name if session.scripts else name
    _refuse_loop(file, session.scripts, session.at.place(1) if session.at else None)
    return file


def _refuse_loop(file: Path, running: tuple[Path, ...], at: Place | None) -> None:
    if file.resolve() in [known.resolve() for known in running]:
        chain = " → ".join(shown(known) for known in (*running, file))
        raise ScriptError(f"a loop: {chain}", hint="remove one of them", at=at)


# ---- checking


def check_script(script: Script, running: tuple[Path, ...] = ()) -> list[KshellError]:
    """What can be known to be wrong without running: in this script, and in those it sources or runs by a plain name."""
    faults: list[KshellError] = []
    for line in script.lines:
        try:
            faults += _check_line(line, (*running, script.file))
        except KshellError as error:
            error.at = error.at or line.place(1)
            error.hint = _typable(error.hint)
            faults.append(error)
    return faults


def _typable(hint: str) -> str:
    """A hint that names a command of the shell, as one for a terminal, where scripts are run from."""
    return re.sub(r"^(help\b.*)|^(\w+) --help$", lambda match: f"kshell {match[1] or 'help ' + match[2]}", hint)


def _check_line(line: Line, running: tuple[Path, ...]) -> list[KshellError]:
    if line.head in commands_of("script").whole:
        _check_whole(line)
        return []
    words = line.words()
    _check_expressions(line, words)
    if words[0].computed:
        return []
    plain = [word.plain for word in words]
    known = not any(word.computed for word in words)
    parsed = check_words(plain if known else plain[:1], mouth="script", whole=known)
    return [fault for file in _files_of(plain[0], parsed) for fault in _check_included(line, file, running)]


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
    from kshell.expressions import fault_in
    from kshell.jinja import check_expression

    if not expression.strip():
        hint = f"kshell help {line.head}"
        raise ScriptError(f"{line.head} without an expression", hint=hint, at=line.place(column))
    try:
        check_expression(expression)
    except Exception as error:  # noqa: BLE001 - whatever the parser raises is a fault of the expression
        raise fault_in(expression, error, {}, lambda offset: line.place(column + offset)) from None


def capture_parts(line: Line) -> tuple[str, int]:
    """The name in ``capture NAME = EXPR``, and the offset of the expression behind it. Raises ``ScriptError``."""
    from kshell.slips import ANSWER_NAMES

    rest, column = line.rest()
    match = _CAPTURE.match(rest)
    if not match:
        hint = "write capture id = body.data.message_id"
        raise ScriptError("capture takes NAME = EXPRESSION", hint=hint, at=line.place(column))
    if match[1] in ANSWER_NAMES:
        raise ScriptError(f"{match[1]!r} is the answer's own", hint="choose another name", at=line.place(column))
    return match[1], match.end()


def _check_included(line: Line, name: Path, running: tuple[Path, ...]) -> list[KshellError]:
    file = running[-1].parent / name
    _refuse_loop(file, running, line.place(1))
    try:
        return check_script(read_script(file), running)
    except ScriptError as error:
        error.at = error.at or line.place(1)
        raise


# ---- running


def play(session: Session, script: Script) -> Iterator[Step]:
    """Run the lines of ``script`` one after the other, up to the first that fails or is ``exit``."""
    before, session.scripts = session.scripts, (*session.scripts, script.file)
    try:
        for position, line in enumerate(script.lines):
            step = _step(session, line, script.lines[position + 1 :])
            yield step
            if step.failed or session.left:
                return
    finally:
        session.scripts = before


def _step(session: Session, line: Line, following: tuple[Line, ...]) -> Step:
    sent, begun, inner = len(session.sent), time.perf_counter(), len(session.steps)
    result = perform_at(line, mouth="script", session=session).result
    seconds = time.perf_counter() - begun
    if isinstance(result.output, bytes) and result.output[-1:] not in (b"", b"\n"):
        result = result._replace(output=result.output + b"\n")  # what the next line prints stands on a line of its own
    exchange = session.sent[-1] if len(session.sent) > sent and len(session.steps) == inner else None
    code = result.exit_code
    judged_later = exchange is not None and code != EXIT_INTERRUPTED and _is_judged(following)
    failed = code != EXIT_DONE and not judged_later
    if failed and len(session.steps) == inner:
        result = result._replace(notes=_placed(result, line))
    step = Step(line, result, seconds, exchange, failed)
    if len(session.steps) == inner:  # what source ran is there already
        session.steps.append(step)
    return step


def _is_judged(following: tuple[Line, ...]) -> bool:
    """Whether an ``expect`` comes before the next line that sends, and before the end."""
    heads = (line.head for line in following if line.head in ("expect", "send", "source", "exit"))
    return next(heads, "") == "expect"


def _placed(result: Result, line: Line) -> list[str]:
    """The notes of a line that failed, its error with the place of the line."""
    place = line.place(len(line.text) - len(line.text.lstrip()) + 1)
    notes = [f"hint: {_typable(note[6:])}" if note.startswith("hint: ") else note for note in result.notes]
    at = next((position for position, note in enumerate(notes) if note.startswith("error: ")), None)
    if at is None:
        what = "interrupted" if result.exit_code == EXIT_INTERRUPTED else f"{line.head} ended with {result.exit_code}"
        return [*notes, f"error: {place}: {what}, and no expect follows" if line.head == "send" else f"error: {place}: {what}",
                *place.caret()]  # fmt: skip
    if not notes[at].startswith(f"error: {line.file}:"):
        notes[at : at + 1] = [f"error: {place}: {notes[at].removeprefix('error: ')}", *place.caret()]
    return notes
