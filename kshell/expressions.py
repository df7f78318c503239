"""``expect`` and ``capture``: what an expression over the last answer gives, and why one does not hold.

Where an expression does not hold, the comparison that made it so is found by its tokens, which know their columns: ``or``,
``and`` and ``not`` are taken apart as Jinja evaluates them, and what is left is shown with the values on both sides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from kshell.errors import ScriptError, did_you_mean
from kshell.jinja import evaluate, text_of, tokens
from kshell.terminal import safe_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kshell.errors import Place

MOST_SHOWN = 300  # characters of a value in a message

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


class Token(NamedTuple):
    """A word or sign of an expression; ``start`` and ``end`` are offsets in it."""

    text: str
    start: int
    end: int


class Side(NamedTuple):
    """A side of what did not hold: the text of its expression, where it begins, and its value as it is shown."""

    text: str
    offset: int
    value: str


class Blame(NamedTuple):
    """What made an expression not hold, where it begins, and its sides: two or more of a comparison, one of anything else."""

    text: str
    offset: int
    sides: tuple[Side, ...]


def value_of(expression: str, names: Mapping[str, object], place: Callable[[int], Place]) -> object:
    """The expression's value. Raises ``ScriptError``; ``place`` tells where an offset of the expression is."""
    try:
        return evaluate(expression, names)
    except Exception as error:  # noqa: BLE001 - an expression is a user's program, which may raise anything
        raise fault_in(expression, error, names, place) from None


def fault_in(
    expression: str, error: Exception, names: Mapping[str, object], place: Callable[[int], Place]
) -> ScriptError:
    """What is wrong with an expression that raised ``error``."""
    message = str(error) or type(error).__name__
    offset, hint = 0, "expect --help shows what an expression is made of"
    unexpected = re.search(r" at (\d+)$", message)
    undefined = re.match(r"'(\w+)' is undefined", message)
    if unexpected:  # the lexer counts from the {{ that stands before the expression
        offset, message = int(unexpected[1]) - 2, message[: unexpected.start()]
    elif undefined:
        found = re.search(rf"\b{undefined[1]}\b", expression)
        offset = found.start() if found else 0
        hint = (
            did_you_mean(undefined[1], names) or "vars shows the variables; status, body and headers need a send before"
        )
    message = message.replace("unexpected 'end of print statement'", "the expression ends too early")
    return ScriptError(f"{message} in {safe_line(expression)}", hint=hint, at=place(offset))


def blames(expression: str, names: Mapping[str, object]) -> list[Blame]:
    """What made an expression that is false be false."""
    found = [Token(text, offset, offset + len(text)) for _, text, offset in tokens(expression)]
    return list(_Blaming(expression, names).of(_with_not_in(found), wanted=True))


def _with_not_in(found: list[Token]) -> list[Token]:
    """``not`` and ``in`` side by side are one operator."""
    joined: list[Token] = []
    for token in found:
        if token.text == "in" and joined and joined[-1].text == "not":
            joined[-1] = Token("not in", joined[-1].start, token.end)
        else:
            joined.append(token)
    return joined


class _Blaming:
    """Takes an expression apart as Jinja evaluates it."""

    def __init__(self, expression: str, names: Mapping[str, object]) -> None:
        self.expression = expression
        self.names = names

    def of(self, part: list[Token], *, wanted: bool) -> Iterator[Blame]:
        """What made ``part`` not be ``wanted``."""
        part = _unwrapped(part)
        if any(token.text == "if" for token in _outer(part)):
            yield self._blame(part, [part])
            return
        for operator in ("or", "and"):
            operands = _split(part, {operator})
            if len(operands) > 1:
                yield from self._of_several(operands, wanted=wanted, all_count=(operator == "or") == wanted)
                return
        if part[0].text == "not":
            yield from self.of(part[1:], wanted=not wanted)
        else:
            yield self._blame(part, self._sides(part))

    def _of_several(self, operands: list[list[Token]], *, wanted: bool, all_count: bool) -> Iterator[Blame]:
        """``or`` is false by all of its operands, ``and`` by its first false one."""
        guilty = operands if all_count else [part for part in operands if self._truth(part) is not wanted][:1]
        for part in guilty:
            yield from self.of(part, wanted=wanted)

    def _sides(self, part: list[Token]) -> list[list[Token]]:
        sides = _split(part, _COMPARISONS)
        return sides if len(sides) > 1 else _split(part, {"is"})[:1]

    def _truth(self, part: list[Token]) -> bool:
        return bool(evaluate(self._text(part), self.names))

    def _text(self, part: list[Token]) -> str:
        return self.expression[part[0].start : part[-1].end]

    def _blame(self, part: list[Token], sides: list[list[Token]]) -> Blame:
        shown = tuple(Side(self._text(side), side[0].start, self._shown(side)) for side in sides)
        return Blame(self._text(part), part[0].start, shown)

    def _shown(self, side: list[Token]) -> str:
        try:
            return shown_value(evaluate(self._text(side), self.names))
        except Exception as error:  # noqa: BLE001 - what is not defined is a value to show here
            return f"({error})"


def shown_value(value: object) -> str:
    """A value in a message: harmless, on one line, not too long, and text in quotes."""
    import json

    text = safe_line(json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text_of(value))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"


def _outer(part: list[Token]) -> Iterator[Token]:
    """The tokens outside of brackets."""
    depth = 0
    for token in part:
        depth += token.text in _OPENING
        if depth == 0:
            yield token
        depth -= token.text in _CLOSING


def _split(part: list[Token], operators: frozenset[str] | set[str]) -> list[list[Token]]:
    """The parts between ``operators`` outside of brackets."""
    cuts = [token for token in _outer(part) if token.text in operators]
    pieces: list[list[Token]] = [[]]
    for token in part:
        if token in cuts:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def _unwrapped(part: list[Token]) -> list[Token]:
    """``part`` without brackets around all of it."""
    while part[0].text == "(" and not list(_outer(part[:-1])) and len(part) > 2 and part[-1].text == ")":
        part = part[1:-1]
    return part
