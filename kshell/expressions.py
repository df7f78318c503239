"""``expect`` and ``capture``: what an expression over the last answer gives, and why one does not hold.

Where an expression does not hold, the comparison that made it so is found by its tokens, which know their columns: ``or``,
``and`` and ``not`` are taken apart as Jinja evaluates them, and what is left is shown with the values on both sides. An
expression that needs something the answer lacks does not hold; one that is no expression is a fault of whoever wrote it.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import TYPE_CHECKING, NamedTuple

from kshell.errors import EXIT_REFUSED, ScriptError, did_you_mean, listed
from kshell.jinja import check_expression, evaluate, text_of, tokens
from kshell.terminal import safe_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kshell.errors import Place

ANSWER_NAMES = ("status", "body", "headers", "elapsed_ms", "delivery")
MOST_SHOWN = 300  # characters of a value in a message
NOT_THERE = "(not in the answer)"

_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_CLOSING_OF = {"(": ")", "[": "]", "{": "}"}
_GENERAL_HINT = "kshell help expect shows what an expression is made of"

_LACKS = re.compile(r".* has no (?:attribute|element) ", re.DOTALL)  # how Jinja says that a value has no such part
_STRING = re.compile(r"""\"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_OPTION = re.compile(r"\w\((?:[^()]*,)?\s*\w+\s*\Z")  # what stands before the = of default(value=1)
_SIGNS = {
    "===": "==", "!==": "!=", "=!": "!=", "<>": "!=", "=>": ">=", "=<": "<=", "=": "==", "&&": "and", "||": "or", "!": "not",
    "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "IS": "is",
}  # fmt: skip
_SIGN = re.compile(r"===|!==|=!|<>|=>|=<|(?<![=!<>])=(?!=)|&&|\|\||!(?!=)|\b(?:AND|OR|NOT|IN|IS)\b")
_PAIRED = re.compile(r"(?:[^{}]*\{\{[^{}]*\}\})+[^{}]*\Z")
_NOTHING = ("null", "nil", "undefined", "NULL", "Null")


class AbsentError(ScriptError):
    """An expression is right, and needs something that the last answer does not have."""

    exit_code = EXIT_REFUSED


class Fault(NamedTuple):
    """What is wrong with an expression, at which offset, and what to write instead."""

    offset: int
    message: str
    hint: str = _GENERAL_HINT


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
    """What made an expression not hold, where it begins, and its sides: two or more of a comparison, one of anything else.

    ``wanted`` is false where it holds and must not, such as behind ``not``.
    """

    text: str
    offset: int
    sides: tuple[Side, ...]
    wanted: bool = True


def value_of(expression: str, names: Mapping[str, object], place: Callable[[int], Place]) -> object:
    """The expression's value. Raises ``ScriptError``; ``place`` tells where an offset of the expression is."""
    try:
        return evaluate(expression, names)
    except Exception as error:  # noqa: BLE001 - an expression is a user's program, which may raise anything
        raise fault_in(expression, error, names, place) from None


def fault_in(
    expression: str, error: Exception, names: Mapping[str, object], place: Callable[[int], Place]
) -> ScriptError:
    """What is wrong with an expression that raised ``error``; ``AbsentError`` where it is the answer that lacks something."""
    absence = _absence(expression, names) if _is_lack(error) else None
    if absence:
        return AbsentError(absence.message, hint=absence.hint, at=place(absence.offset))
    fault = _fault(expression, error, names)
    return ScriptError(fault.message, hint=fault.hint, at=place(fault.offset))


# ---- what the answer lacks


def _is_lack(error: Exception) -> bool:
    return _LACKS.match(str(error)) is not None


def _absence(expression: str, names: Mapping[str, object]) -> Fault | None:
    """What an expression needs of the answer in vain; None where it is something else that has no such part."""
    lacking = _Blaming(expression, names).lacking(_tokens(expression))
    sides = lacking.sides if lacking else ()
    found = (_first_missing(side, path, names) for side in sides for path in _paths(_tokens(side.text)))
    return next(filter(None, found), None)


def _first_missing(side: Side, path: list[Token], names: Mapping[str, object]) -> Fault | None:
    """The first step of a path that leads nowhere."""
    start = path[0].start
    for before, step in pairwise(path):
        text = side.text[start : step.end]
        if not _is_there(text, names):
            known = side.text[start : before.end]
            hint = _what_is_there(known, evaluate(known, names), text[before.end - start :].strip(".[]'\" "))
            return Fault(side.offset + start, f"{text} is not in the answer", hint)
    return None


def _paths(found: list[Token]) -> Iterator[list[Token]]:
    """For each place where an expression looks into the answer: the last token of every step, ``body``, ``data``, ``]``."""
    for position, token in enumerate(found):
        before = found[position - 1].text if position else ""
        if token.text in ANSWER_NAMES and before not in (".", "|", "is"):
            yield [token, *_steps(found[position + 1 :])]


def _steps(found: list[Token]) -> Iterator[Token]:
    depth = 0
    for position, token in enumerate(found):
        depth += token.text in _OPENING
        if depth == 0 and token.text != "." and (position == 0 or found[position - 1].text != "."):
            return  # the path has ended
        depth -= token.text in _CLOSING
        if depth == 0 and token.text != ".":
            yield token


def _is_there(expression: str, names: Mapping[str, object]) -> bool:
    try:
        evaluate(expression, names)
    except Exception as error:  # noqa: BLE001 - an expression may raise anything
        return not _is_lack(error)
    return True


def _what_is_there(text: str, value: object, wanted: str) -> str:
    """What could be asked for instead."""
    if isinstance(value, dict):
        near = did_you_mean(wanted, value)
        has = f"{text} has {listed(map(safe_line, value))}" if value else f"{text} is empty"
        return f"{near} {has}" if near else has
    if isinstance(value, list):
        return f"{text} is a list of {len(value)}"
    return f"{text} is {'empty' if value == '' else 'a text' if isinstance(value, str) else 'a single value'}"


# ---- what is no expression


def _fault(expression: str, error: Exception, names: Mapping[str, object]) -> Fault:
    message = (str(error) or type(error).__name__).partition("\n")[0]
    undefined = re.match(r"'(\w+)' is undefined", message)
    if undefined:
        return _undefined(expression, undefined[1], names)
    if isinstance(error, ZeroDivisionError):
        return Fault(_offset_of(r"[/%]", expression), "a division by zero", "what stands behind / must not be 0")
    if "not supported between" in message:
        return Fault(0, message, "a variable is text; NAME | int is its number")
    named = re.match(r"No (?:filter|test) named '(\w+)'", message)
    if named:
        return Fault(_offset_of(rf"\b{named[1]}\b", expression), message.rstrip("."))
    return _slip(expression) or _unexpected(expression, message)


def _undefined(expression: str, name: str, names: Mapping[str, object]) -> Fault:
    hints = [did_you_mean(name, {*names, *ANSWER_NAMES})]
    if name in ANSWER_NAMES:
        hints = ["a send has to come before it"]
    elif name in _NOTHING:
        hints = ["write none"]
    else:
        if re.search(r"[=<>]|\bin\b", expression):
            hints.append(f'a text stands in quotes: "{name}"')
        hints.append(f"a variable is set by set {name}=…, or for a run by --var {name}=…")
    return Fault(_offset_of(rf"\b{name}\b", expression), f"{name!r} is undefined", "; ".join(filter(None, hints)))


def _offset_of(pattern: str, expression: str) -> int:
    found = re.search(pattern, _without_strings(expression))
    return found.start() if found else 0


def _without_strings(expression: str) -> str:
    """The expression, blanks in the place of what stands in quotes."""
    return _STRING.sub(lambda match: " " * len(match[0]), expression)


def _slip(expression: str) -> Fault | None:
    """What is known of other languages or of the lines around, and is wrong in an expression."""
    bare = _without_strings(expression)
    quote, braces = re.search("[\"']", bare), bare.find("{{")
    if quote:
        return Fault(quote.start(), "a quote that is not closed", f"close it with {quote[0]}")
    if braces >= 0:
        plain = " ".join(expression.replace("{{", " ").replace("}}", " ").split())
        hint = f"write {safe_line(plain)}" if _PAIRED.match(bare) else "take them away"
        return Fault(braces, "no braces here, all of it is an expression already", hint)
    return _open_bracket(bare) or _foreign_sign(bare)


def _open_bracket(bare: str) -> Fault | None:
    opened: list[tuple[str, int]] = []
    for offset, sign in enumerate(bare):
        if sign in _OPENING:
            opened.append((sign, offset))
        elif sign in _CLOSING and (not opened or _CLOSING_OF[opened.pop()[0]] != sign):
            return Fault(offset, f"{sign} closes nothing", "take it away, or open it before")
    if not opened:
        return None
    sign, offset = opened[-1]
    return Fault(offset, f"{sign} is not closed", f"close it with {_CLOSING_OF[sign]}")


def _foreign_sign(bare: str) -> Fault | None:
    for sign in _SIGN.finditer(bare):
        if sign[0] != "=" or not _OPTION.search(bare[: sign.start()]):
            return Fault(sign.start(), f"there is no {sign[0]} in an expression", f"write {_SIGNS[sign[0]]}")
    return None


def _unexpected(expression: str, message: str) -> Fault:
    """What the parser says, at the place it means."""
    if "unexpected 'end of print statement'" in message:
        return Fault(len(expression.rstrip()), "the expression ends too early")
    counted = re.search(r" at (\d+)$", message)
    if counted:  # the lexer counts from the {{ that stands before the expression
        return Fault(int(counted[1]) - 2, message[: counted.start()])
    if message.startswith("expected token 'name'") and re.search(r"\bis\b", _without_strings(expression)):
        return Fault(_offset_of(r"\bis\b", expression), "is asks, as in is defined; it does not compare", "write ==")
    if not message.startswith("expected token 'end of print statement'"):
        return Fault(0, message)
    try:
        found = _tokens(expression)
    except Exception as error:  # noqa: BLE001 - the lexer had not come so far
        return _unexpected(expression, str(error).partition("\n")[0])
    ends = (position for position in range(len(found) - 1, 0, -1) if _is_whole(expression[: found[position].start]))
    wrong = found[next(ends, 0)]
    hint = "and, or, or a comparison such as == is missing before it"
    return Fault(wrong.start, f"{safe_line(wrong.text)} is not expected here", hint)


def _is_whole(expression: str) -> bool:
    try:
        check_expression(expression)
    except Exception:  # noqa: BLE001 - whatever the parser raises, it is not one expression
        return False
    return True


# ---- what made an expression not hold


def _tokens(expression: str) -> list[Token]:
    return _with_not_in([Token(text, offset, offset + len(text)) for _, text, offset in tokens(expression)])


def blames(expression: str, names: Mapping[str, object]) -> list[Blame]:
    """What made an expression that is false be false, or what of it the answer lacks."""
    blaming, found = _Blaming(expression, names), _tokens(expression)
    lacking = blaming.lacking(found)
    return [lacking] if lacking else list(blaming.of(found, wanted=True))


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
        if _is_choice(part):
            yield self._blame(part, [part], wanted=wanted)
            return
        for operator in ("or", "and"):
            operands = _split(part, {operator})
            if len(operands) > 1:
                yield from self._of_several(operands, wanted=wanted, all_count=(operator == "or") == wanted)
                return
        if part[0].text == "not":
            yield from self.of(part[1:], wanted=not wanted)
        else:
            yield self._blame(part, self._sides(part), wanted=wanted)

    def lacking(self, part: list[Token]) -> Blame | None:
        """The first comparison that needs what is not there; None where there is all that is needed."""
        part = _unwrapped(part)
        if _is_there(f"({self._text(part)}) and 1", self.names):  # whether it holds is asked of the value, too
            return None
        for operator in () if _is_choice(part) else ("or", "and"):
            operands = _split(part, {operator})
            if len(operands) > 1:
                return next(filter(None, map(self.lacking, operands)), None)
        return self.lacking(part[1:]) if part[0].text == "not" else self._blame(part, self._sides(part))

    def _of_several(self, operands: list[list[Token]], *, wanted: bool, all_count: bool) -> Iterator[Blame]:
        """``or`` is false by all of its operands, ``and`` by its first false one."""
        false = (
            part for part in operands if self._truth(part) is not wanted
        )  # those behind the first are not looked at
        for part in operands if all_count else islice(false, 1):
            yield from self.of(part, wanted=wanted)

    def _sides(self, part: list[Token]) -> list[list[Token]]:
        sides = _split(part, _COMPARISONS)
        return sides if len(sides) > 1 else _split(part, {"is"})[:1]

    def _truth(self, part: list[Token]) -> bool:
        return bool(evaluate(self._text(part), self.names))

    def _text(self, part: list[Token]) -> str:
        return self.expression[part[0].start : part[-1].end]

    def _blame(self, part: list[Token], sides: list[list[Token]], *, wanted: bool = True) -> Blame:
        shown = tuple(Side(self._text(side), side[0].start, self._shown(side)) for side in sides)
        return Blame(self._text(part), part[0].start, shown, wanted)

    def _shown(self, side: list[Token]) -> str:
        try:
            return shown_value(evaluate(self._text(side), self.names))
        except Exception as error:  # noqa: BLE001 - what is not defined is a value to show here
            return NOT_THERE if _is_lack(error) else f"({error})"


def shown_value(value: object) -> str:
    """A value in a message: harmless, on one line, not too long, and text in quotes."""
    import json

    text = safe_line(json.dumps(value, ensure_ascii=False) if isinstance(value, str) else text_of(value))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}… ({len(text)} characters)"


def _is_choice(part: list[Token]) -> bool:
    return any(token.text == "if" for token in _outer(part))


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
