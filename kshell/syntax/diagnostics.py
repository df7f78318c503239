"""Explain syntax errors and unknown names in an expression."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from kshell.core.errors import did_you_mean
from kshell.core.terminal import safe_line
from kshell.syntax.failed_expect import CLOSING, OPENING, tokens_of
from kshell.templating.environment import filter_hint
from kshell.templating.evaluation import check_expression

ANSWER_NAMES = ("status", "body", "headers", "elapsed_ms", "delivery")
PLACE_NAMES = ("account", "pod", "template", "live")  # where the last message went
ARRIVAL_NAMES = ("phone", "statuses")  # what came of it, on the simulator
NAMES = (*ANSWER_NAMES, *PLACE_NAMES, *ARRIVAL_NAMES)

_CLOSING_OF = {"(": ")", "[": "]", "{": "}"}
_GENERAL_HINT = "kshell help expect describes expressions"
_STRING = re.compile(r"""\"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""", re.DOTALL)
_OPTION = re.compile(r"\w\((?:[^()]*,)?\s*\w+\s*\Z")  # the text before the = of default(value=1)
_SIGNS = {
    "===": "==", "!==": "!=", "=!": "!=", "<>": "!=", "=>": ">=", "=<": "<=", "=": "==", "&&": "and", "||": "or", "!": "not",
    "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "IS": "is",
}  # fmt: skip
_SIGN = re.compile(r"===|!==|=!|<>|=>|=<|(?<![=!<>])=(?!=)|&&|\|\||!(?!=)|\b(?:AND|OR|NOT|IN|IS)\b")
_PAIRED = re.compile(r"(?:[^{}]*\{\{[^{}]*\}\})+[^{}]*\Z")
_NULL_WORDS = ("null", "nil", "undefined", "NULL", "Null")


class Fault(NamedTuple):
    """A fault in an expression: its offset (from 0), a message, and a hint with the correction."""

    offset: int
    message: str
    hint: str = _GENERAL_HINT


def diagnose(expression: str, error: Exception, names: Mapping[str, object]) -> Fault:
    """The fault in an expression that raised ``error`` when it was parsed or evaluated."""
    message = (str(error) or type(error).__name__).partition("\n")[0]
    undefined = re.match(r"'(\w+)' is undefined", message)
    if undefined:
        return _undefined(expression, undefined[1], names)
    if isinstance(error, ZeroDivisionError):
        return Fault(_offset_of(r"[/%]", expression), "a division by zero", "the number after / must not be 0")
    if "not supported between" in message:
        return Fault(0, message, "a variable is text; NAME | int is its number")
    unknown = re.match(r"(?:No (?:filter|test) named|access to attribute) '(\w+)'", message)
    if unknown:
        hint = filter_hint(message) or _GENERAL_HINT
        return Fault(_offset_of(rf"\b{unknown[1]}\b", expression), message.rstrip("."), hint)
    return _common_mistake(expression) or _unexpected(expression, message)


def _undefined(expression: str, name: str, names: Mapping[str, object]) -> Fault:
    hints = [did_you_mean(name, {*names, *NAMES})]
    if name in NAMES:
        hints = [when_defined(name)]
    elif name in _NULL_WORDS:
        hints = ["write none"]
    else:
        if re.search(r"[=<>]|\bin\b", expression):
            hints.append(f'write a text in quotes: "{name}"')
        hints.append(f"set a variable with set {name}=…, or for a run with --var {name}=…")
    return Fault(_offset_of(rf"\b{name}\b", expression), f"{name!r} is undefined", "; ".join(filter(None, hints)))


def when_defined(name: str) -> str:
    """Return a hint that says when ``name``, which is one of ``NAMES``, is defined."""
    simulated = " to the simulator, embedded or on this machine" if name in ARRIVAL_NAMES else ""
    return f"it is defined after a send{simulated}"


def _offset_of(pattern: str, expression: str) -> int:
    found = re.search(pattern, _without_strings(expression))
    return found.start() if found else 0


def _without_strings(expression: str) -> str:
    """The expression with every quoted text replaced by blanks, so that offsets stay."""
    return _STRING.sub(lambda match: " " * len(match[0]), expression)


def _common_mistake(expression: str) -> Fault | None:
    """A common mistake: an unclosed quote or bracket, braces around the expression, another language's operator."""
    bare = _without_strings(expression)
    quote, braces = re.search("[\"']", bare), bare.find("{{")
    if quote:
        return Fault(quote.start(), "a quote that is not closed", f"close it with {quote[0]}")
    if braces >= 0:
        plain = " ".join(expression.replace("{{", " ").replace("}}", " ").split())
        hint = f"write {safe_line(plain)}" if _PAIRED.match(bare) else "remove them"
        return Fault(braces, "no braces here: this is an expression already", hint)
    return _open_bracket(bare) or _foreign_sign(bare)


def _open_bracket(bare: str) -> Fault | None:
    opened: list[tuple[str, int]] = []
    for offset, sign in enumerate(bare):
        if sign in OPENING:
            opened.append((sign, offset))
        elif sign in CLOSING and (not opened or _CLOSING_OF[opened.pop()[0]] != sign):
            return Fault(offset, f"{sign} closes nothing", "remove it, or open it before")
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
    """The parser's own message, at the offset of the unexpected token."""
    if "unexpected 'end of print statement'" in message:
        return Fault(len(expression.rstrip()), "the expression ends too early")
    offset = re.search(r" at (\d+)$", message)
    if offset:  # the lexer counts from the {{ before the expression
        return Fault(int(offset[1]) - 2, message[: offset.start()])
    if message.startswith("expected token 'name'") and re.search(r"\bis\b", _without_strings(expression)):
        return Fault(_offset_of(r"\bis\b", expression), "is tests, as in is defined; it does not compare", "write ==")
    if not message.startswith("expected token 'end of print statement'"):
        return Fault(0, message)
    try:
        found = tokens_of(expression)
    except Exception as error:  # noqa: BLE001 - the lexer stops at another fault
        return _unexpected(expression, str(error).partition("\n")[0])
    ends = (position for position in range(len(found) - 1, 0, -1) if _is_whole(expression[: found[position].start]))
    wrong = found[next(ends, 0)]
    hint = "and, or, or a comparison such as == is missing before it"
    return Fault(wrong.start, f"{safe_line(wrong.text)} is not expected here", hint)


def _is_whole(expression: str) -> bool:
    try:
        check_expression(expression)
    except Exception:  # noqa: BLE001 - any error means that it is not one expression
        return False
    return True
