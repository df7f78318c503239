"""Updates: changes to a script that make its ``expect`` lines hold for the answers it gets now.

Only a literal is replaced: the number or the text on one side of a ``==`` that does not hold. A key, a code or a phone
number is never written into a script: such a line fails.
"""

from __future__ import annotations

import json
import re
from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from kshell.core.errors import Place, ScriptError
from kshell.profiles.files import read_text, rewrite
from kshell.syntax.failed_expect import NOT_THERE, Side, failed_parts
from kshell.templating.evaluation import evaluate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kshell.privacy.privacy import Privacy
    from kshell.syntax.lines import Line

_LITERAL = re.compile(r"""-?\d+(?:\.\d+)?\Z|"(?:\\.|[^"\\])*"\Z|'(?:\\.|[^'\\])*'\Z""")


class Update(NamedTuple):
    """A literal in a script, and its replacement."""

    at: Place
    old: str
    new: str


def updates_of(expression: str, names: Mapping[str, object], line: Line, privacy: Privacy) -> list[Update]:
    """Return the updates that make the expression of an ``expect`` line hold; none if that needs a private value."""
    column = line.rest()[1]
    updates: list[Update] = []
    updated = expression
    for _ in range(expression.count("==")):
        if _holds(updated, names):
            break
        replacement = _replacement(updated, names)
        if replacement is None:
            return []
        side, new = replacement
        if privacy.is_private(json.loads(new)):
            return []
        grown = len(updated) - len(expression)  # to the left, because the first false operand of ``and`` comes first
        at = line.place(column + side.offset - grown)
        updates.append(Update(at, side.text, new))
        updated = updated[: side.offset] + new + updated[side.offset + len(side.text) :]
    return updates if _holds(updated, names) else []


def _holds(expression: str, names: Mapping[str, object]) -> bool:
    try:
        return bool(evaluate(expression, names))
    except Exception:  # noqa: BLE001 - the answer lacks a name in it
        return False


def _replacement(expression: str, names: Mapping[str, object]) -> tuple[Side, str] | None:
    for part in failed_parts(expression, names):
        if part.expected and len(part.sides) == 2 and "==" in part.text:
            for side, other in (part.sides, part.sides[::-1]):
                if _LITERAL.match(side.text) and not _LITERAL.match(other.text) and other.value != NOT_THERE:
                    return side, json.dumps(evaluate(other.text, names), ensure_ascii=False)
    return None


def updated_text(text: str, updates: Sequence[Update]) -> str:
    """Return a script's text with its updates made."""
    lines = re.split(r"(\r\n|\r|\n)", text)
    for update in sorted(updates, key=lambda known: known.at[1:3], reverse=True):
        position = (update.at.line - 1) * 2
        start = update.at.column - 1
        line = lines[position]
        lines[position] = line[:start] + update.new + line[start + len(update.old) :]
    return "".join(lines)


def update_file(file: Path, updates: Sequence[Update], *, write: bool) -> str:
    """Return the diff of a script's updates; with ``write``, make them in the file too."""
    before = read_text(file, ScriptError)
    after = updated_text(before, updates)
    if write:
        rewrite(file, after)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return "".join(unified_diff(old, new, str(file), f"{file} (updated)"))
