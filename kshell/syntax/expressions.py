"""Evaluate the expressions of ``expect`` and ``capture``, and explain a path that the last answer does not have.

An ``expect`` fails (exit code 1) if its expression reads something that the answer lacks. An expression with a syntax error
or an unknown name is a fault of the script (exit code 3); ``diagnostics`` explains it. ``failed_expect`` finds the comparison
that did not hold.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from kshell.core.errors import EXIT_REFUSED, Place, ScriptError, did_you_mean, listed
from kshell.core.terminal import safe_line
from kshell.syntax.diagnostics import ANSWER_NAMES, ARRIVAL_NAMES, Fault, diagnose
from kshell.syntax.failed_expect import (
    CLOSING,
    OPENING,
    Analysis,
    Side,
    Token,
    is_missing_member,
    members_exist,
    tokens_of,
)
from kshell.templating.evaluation import evaluate

MOST_CHARACTERS = 4_000


class AbsentError(ScriptError):
    """Raised for a valid expression that reads something the last answer does not have."""

    exit_code = EXIT_REFUSED


def value_of(expression: str, names: Mapping[str, object], place: Callable[[int], Place]) -> object:
    """The value of ``expression`` over ``names``. Raises ``ScriptError``; ``place`` maps an offset to a place in the file."""
    refuse_long(expression, place)
    try:
        return evaluate(expression, names)
    except Exception as error:  # noqa: BLE001 - an expression is a user's program, which may raise anything
        raise fault_in(expression, error, names, place) from None


def refuse_long(expression: str, place: Callable[[int], Place]) -> None:
    """Raise ``ScriptError`` for more than ``MOST_CHARACTERS``: to compile an expression takes much longer than to read it."""
    if len(expression) > MOST_CHARACTERS:
        hint = "capture the value of a part of it, and use its name"
        raise ScriptError(f"an expression of more than {MOST_CHARACTERS} characters", hint=hint, at=place(0))


def fault_in(
    expression: str, error: Exception, names: Mapping[str, object], place: Callable[[int], Place]
) -> ScriptError:
    """The fault to raise for an expression that raised ``error``: ``AbsentError`` if the answer lacks a member."""
    absence = _absence(expression, names) if is_missing_member(error) else None
    if absence:
        return AbsentError(absence.message, hint=absence.hint, at=place(absence.offset))
    fault = diagnose(expression, error, names)
    return ScriptError(fault.message, hint=fault.hint, at=place(fault.offset))


# ---- paths that the answer does not have


def _absence(expression: str, names: Mapping[str, object]) -> Fault | None:
    """The first path into the answer that does not exist; None if another value than the answer lacks a member."""
    missing = Analysis(expression, names).missing_member(tokens_of(expression))
    sides = missing.sides if missing else ()
    found = (_first_missing(side, path, names) for side in sides for path in _paths(tokens_of(side.text)))
    return next(filter(None, found), None)


def _first_missing(side: Side, path: list[Token], names: Mapping[str, object]) -> Fault | None:
    """The fault for the first step of ``path`` that does not exist; None if all of them exist."""
    start = path[0].start
    for before, step in pairwise(path):
        text = side.text[start : step.end]
        if not members_exist(text, names):
            known = side.text[start : before.end]
            hint = _members_hint(known, evaluate(known, names), text[before.end - start :].strip(".[]'\" "))
            where = "in the answer" if path[0].text in ANSWER_NAMES else "on the simulator"
            return Fault(side.offset + start, f"{text} is not {where}", hint)
    return None


def _paths(found: list[Token]) -> Iterator[list[Token]]:
    """The paths into the answer, each as the last token of its steps: ``body.data["id"]`` gives ``body``, ``data``, ``]``."""
    for position, token in enumerate(found):
        before = found[position - 1].text if position else ""
        if token.text in (*ANSWER_NAMES, *ARRIVAL_NAMES) and before not in (".", "|", "is"):
            yield [token, *_steps(found[position + 1 :])]


def _steps(found: list[Token]) -> Iterator[Token]:
    depth = 0
    for position, token in enumerate(found):
        depth += token.text in OPENING
        if depth == 0 and token.text != "." and (position == 0 or found[position - 1].text != "."):
            return  # the path ends here
        depth -= token.text in CLOSING
        if depth == 0 and token.text != ".":
            yield token


def _members_hint(text: str, value: object, wanted: str) -> str:
    """A hint that lists what ``value``, the value of ``text``, has instead of ``wanted``."""
    if text in ARRIVAL_NAMES and not value:
        no_message = "no message to the first recipient has arrived; a replay sends none"
        return no_message if text == "phone" else "the message has no status yet"
    if isinstance(value, dict):
        near = did_you_mean(wanted, value)
        has = f"{text} has {listed(map(safe_line, value))}" if value else f"{text} is empty"
        return f"{near} {has}" if near else has
    if isinstance(value, list):
        return f"{text} is a list of {len(value)}"
    return f"{text} is {'empty' if value == '' else 'a text' if isinstance(value, str) else 'a single value'}"
