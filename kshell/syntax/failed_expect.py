"""Find the comparison that made an ``expect`` fail, with the values on both sides.

The expression is taken apart by its tokens, which know their offsets. ``or``, ``and`` and ``not`` are followed as Jinja
evaluates them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from kshell.core.json_text import text_of
from kshell.core.terminal import safe_line
from kshell.templating.evaluation import evaluate, tokens

MOST_SHOWN = 300  # characters of a value in a message
NOT_THERE = "(not in the answer)"
OPENING, CLOSING = frozenset("([{"), frozenset(")]}")

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_MISSING_MEMBER = re.compile(r".* has no (?:attribute|element) ", re.DOTALL)  # Jinja's message for a missing member


class Token(NamedTuple):
    """A word or sign of an expression; ``start`` and ``end`` are offsets in it."""

    text: str
    start: int
    end: int


class Side(NamedTuple):
    """One side of a comparison: its text, its offset in the expression, and its value as text to show."""

    text: str
    offset: int
    value: str


class FailedPart(NamedTuple):
    """The part of an expression that made it fail, its offset, and its sides: two or more for a comparison, else one.

    ``expected`` is False if the part is true and must be false, such as after ``not``.
    """

    text: str
    offset: int
    sides: tuple[Side, ...]
    expected: bool = True


def is_missing_member(error: Exception) -> bool:
    """Whether ``error`` is Jinja's for a member that a value does not have."""
    return _MISSING_MEMBER.match(str(error)) is not None


def members_exist(expression: str, names: Mapping[str, object]) -> bool:
    """Whether every member that ``expression`` reads exists."""
    try:
        evaluate(expression, names)
    except Exception as error:  # noqa: BLE001 - an expression may raise anything
        return not is_missing_member(error)
    return True


def tokens_of(expression: str) -> list[Token]:
    """The tokens of ``expression``; ``not in`` is one token."""
    return _with_not_in([Token(text, offset, offset + len(text)) for _, text, offset in tokens(expression)])


def failed_parts(expression: str, names: Mapping[str, object]) -> list[FailedPart]:
    """The parts that made a false expression false, or the part that reads a missing member."""
    analysis, found = Analysis(expression, names), tokens_of(expression)
    missing = analysis.missing_member(found)
    return [missing] if missing else list(analysis.failed_parts(found, expected=True))


def _with_not_in(found: list[Token]) -> list[Token]:
    """Join ``not`` and ``in`` into one operator."""
    joined: list[Token] = []
    for token in found:
        if token.text == "in" and joined and joined[-1].text == "not":
            joined[-1] = Token("not in", joined[-1].start, token.end)
        else:
            joined.append(token)
    return joined


class Analysis:
    """Takes one expression apart in the order in which Jinja evaluates it."""

    def __init__(self, expression: str, names: Mapping[str, object]) -> None:
        self.expression = expression
        self.names = names

    def failed_parts(self, part: list[Token], *, expected: bool) -> Iterator[FailedPart]:
        """The parts that make the truth of ``part`` differ from ``expected``."""
        part = _unwrapped(part)
        if _is_choice(part):
            yield self._failed_part(part, [part], expected=expected)
            return
        for operator in ("or", "and"):
            operands = _split(part, {operator})
            if len(operands) > 1:
                yield from self._of_several(operands, expected=expected, all_count=(operator == "or") == expected)
                return
        if part[0].text == "not":
            yield from self.failed_parts(part[1:], expected=not expected)
        else:
            yield self._failed_part(part, self._sides(part), expected=expected)

    def missing_member(self, part: list[Token]) -> FailedPart | None:
        """The first comparison that reads a missing member; None if there is none."""
        part = _unwrapped(part)
        if members_exist(f"({self._text(part)}) and 1", self.names):  # "and 1" also tests the truth of the value
            return None
        for operator in () if _is_choice(part) else ("or", "and"):
            operands = _split(part, {operator})
            if len(operands) > 1:
                return next(filter(None, map(self.missing_member, operands)), None)
        return self.missing_member(part[1:]) if part[0].text == "not" else self._failed_part(part, self._sides(part))

    def _of_several(self, operands: list[list[Token]], *, expected: bool, all_count: bool) -> Iterator[FailedPart]:
        """``or`` is false because of all operands, ``and`` because of its first false one."""
        # a generator: operands after the first are not evaluated
        false = (part for part in operands if self._truth(part) is not expected)
        for part in operands if all_count else islice(false, 1):
            yield from self.failed_parts(part, expected=expected)

    def _sides(self, part: list[Token]) -> list[list[Token]]:
        sides = _split(part, _COMPARISONS)
        return sides if len(sides) > 1 else _split(part, {"is"})[:1]

    def _truth(self, part: list[Token]) -> bool:
        return bool(evaluate(self._text(part), self.names))

    def _text(self, part: list[Token]) -> str:
        return self.expression[part[0].start : part[-1].end]

    def _failed_part(self, part: list[Token], sides: list[list[Token]], *, expected: bool = True) -> FailedPart:
        shown = tuple(Side(self._text(side), side[0].start, self._shown(side)) for side in sides)
        return FailedPart(self._text(part), part[0].start, shown, expected)

    def _shown(self, side: list[Token]) -> str:
        try:
            return shown_value(evaluate(self._text(side), self.names))
        except Exception as error:  # noqa: BLE001 - an undefined value is shown too
            return NOT_THERE if is_missing_member(error) else f"({error})"


def shown_value(value: object) -> str:
    """``value`` for a message: printable, on one line, cut at ``MOST_SHOWN`` characters; text in quotes."""
    text = safe_line(json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text_of(value))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"


def _is_choice(part: list[Token]) -> bool:
    return any(token.text == "if" for token in _outer(part))


def _outer(part: list[Token]) -> Iterator[Token]:
    """The tokens outside of brackets, the outermost brackets included."""
    depth = 0
    for token in part:
        depth += token.text in OPENING
        if depth == 0:
            yield token
        depth -= token.text in CLOSING


def _split(part: list[Token], operators: frozenset[str] | set[str]) -> list[list[Token]]:
    """The parts between ``operators`` outside of brackets."""
    cuts = [token for token in _outer(part) if token.text in operators]
    pieces: list[list[Token]] = [[]]
    for token in part:
        if token in cuts:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces if all(pieces) else [part]  # Jinja also takes the words of operators for names: in in (1,)


def _unwrapped(part: list[Token]) -> list[Token]:
    """``part`` without brackets that enclose all of it."""
    while part[0].text == "(" and not list(_outer(part[:-1])) and len(part) > 2 and part[-1].text == ")":
        part = part[1:-1]
    return part
