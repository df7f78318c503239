"""Updates: what the ``expect`` lines of a script would have to say for the answers it gets now.

Only a value that was written out is replaced: the number or the text on one side of a ``==`` that does not hold. What would
write a key, a code or a number into the script is no update: the line fails as ever.
"""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import ScriptError
from kshell.profiles.files import read_text, rewrite
from kshell.scripts.script import MOST_BYTES
from kshell.syntax.failed_expect import NOT_THERE, failed_parts
from kshell.templating.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kshell.core.errors import Place
    from kshell.privacy.privacy import Privacy
    from kshell.syntax.failed_expect import Side
    from kshell.syntax.lines import Line

_LITERAL = re.compile(r"""-?\d+(?:\.\d+)?\Z|"(?:\\.|[^"\\])*"\Z|'(?:\\.|[^'\\])*'\Z""")


class Update(NamedTuple):
    """A value in a script and what it would have to be."""

    at: Place
    old: str
    new: str


def updates_of(expression: str, names: Mapping[str, object], line: Line, privacy: Privacy) -> list[Update]:
    """Return the updates that make the expression of an ``expect`` line hold; none if that needs a private value."""
    column = line.rest()[1]
    found: list[Update] = []
    updated = expression
    for _ in range(expression.count("==")):
        if _holds(updated, names):
            break
        step = _step(updated, names)
        if step is None:
            return []
        side, new = step
        if privacy.is_private(json.loads(new)):
            return []
        grown = len(updated) - len(expression)  # all of it to the left: and is false by its first false operand
        at = line.place(column + side.offset - grown)
        found.append(Update(at, side.text, new))
        updated = updated[: side.offset] + new + updated[side.offset + len(side.text) :]
    return found if _holds(updated, names) else []


def _holds(expression: str, names: Mapping[str, object]) -> bool:
    try:
        return bool(evaluate(expression, names))
    except Exception:  # noqa: BLE001 - it needs what the answer lacks
        return False


def _step(expression: str, names: Mapping[str, object]) -> tuple[Side, str] | None:
    for part in failed_parts(expression, names):
        if part.expected and len(part.sides) == 2 and "==" in part.text:
            for side, other in (part.sides, part.sides[::-1]):
                if _LITERAL.match(side.text) and not _LITERAL.match(other.text) and other.value != NOT_THERE:
                    return side, json.dumps(evaluate(other.text, names), ensure_ascii=False)
    return None


def updated_text(text: str, updates: Sequence[Update]) -> str:
    """A script's text with its updates."""
    lines = re.split(r"(\r\n|\r|\n)", text)
    for update in sorted(updates, key=lambda known: known.at[1:3], reverse=True):
        position = (update.at.line - 1) * 2
        start = update.at.column - 1
        line = lines[position]
        lines[position] = line[:start] + update.new + line[start + len(update.old) :]
    return "".join(lines)


def diff_of(name: str, before: str, after: str) -> str:
    """What would change, as a unified diff."""
    return "".join(
        unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, f"{name} (updated)")
    )


def update_file(file: Path, updates: Sequence[Update], *, write: bool) -> str:
    """The diff of a script's updates; with ``write`` they are also made."""
    before = read_text(file, ScriptError, most=MOST_BYTES)
    after = updated_text(before, updates)
    if write:
        rewrite(file, after)
    return diff_of(str(file), before, after)
