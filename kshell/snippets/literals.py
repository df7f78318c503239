r"""A JSON value as a literal of a programming language, laid out as the formatter of the language prints it.

Each language is a ``Grammar``. A literal holds no character that a terminal, an editor or the language reads as
anything but text: characters that are not printable are escaped.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from kshell.core.errors import UsageError
from kshell.core.json_text import Json, Payload
from kshell.core.models import Request
from kshell.snippets.targets import refuse_half_characters

_HINT = "choose another target: kshell snippet curl"


class Grammar(NamedTuple):
    """How a language writes a JSON value.

    ``text`` writes a string. ``entry`` writes the name of a map's entry and what follows it; ``item`` what precedes an item of
    a list. ``map`` and ``list`` open and close what is not empty; ``empty`` is an empty map and an empty list. ``words`` are
    null, true and false. ``most`` is the largest integer that arrives unchanged; None if there is no limit.
    """

    language: str
    text: Callable[[str], str]
    entry: Callable[[str], str]
    map: Callable[[Payload], tuple[str, str]] = lambda _: ("{", "}")
    list: tuple[str, str] = ("[", "]")
    empty: tuple[str, str] = ("{}", "[]")
    item: Callable[[Sequence[Json]], str] = lambda _: ""
    words: tuple[str, str, str] = ("null", "true", "false")
    indent: str = "    "
    between: str = ","  # what separates the entries of a map from one another; a comma separates the items of a list
    last: str = ","  # what follows the last entry or item
    most: int | None = 2**63 - 1
    aligned: bool = False  # whether the values of neighbouring entries stand in one column


def payload_of(request: Request, grammar: Grammar, depth: int = 0) -> str:
    """Return the payload as a literal, or ``""`` if the endpoint takes none. ``depth`` is the level of its first line.

    Raises ``UsageError`` for a value that the language cannot send exactly.
    """
    if not request.endpoint.takes_payload:
        return ""
    refuse_half_characters(request, grammar.language)
    return literal(request.payload, grammar, depth)


def literal(value: Json, grammar: Grammar, depth: int = 0) -> str:
    """Return ``value`` as a literal. Its first line has no indentation, the others are at least ``depth`` levels deep."""
    if isinstance(value, str):
        return grammar.text(value)
    if value is None or isinstance(value, bool):
        return grammar.words[0 if value is None else 2 - value]
    if isinstance(value, int | float):
        return _number(value, grammar)
    if not value:
        return grammar.empty[isinstance(value, list)]
    if isinstance(value, list):
        rows = [(grammar.item(value), literal(item, grammar, depth + 1)) for item in value]
        opening, closing = grammar.list
    else:
        rows = [(grammar.entry(name), literal(item, grammar, depth + 1)) for name, item in value.items()]
        opening, closing = grammar.map(value)
    margin = f"\n{grammar.indent * depth}"
    between = "," if isinstance(value, list) else grammar.between
    lines = [name + text for name, text in (_aligned(rows) if grammar.aligned else rows)]
    inner = f"{between}{margin}{grammar.indent}".join(lines)
    opening = opening.replace("\n", margin)
    return f"{opening}{margin}{grammar.indent}{inner}{grammar.last}{margin}{closing}"


def _number(value: float, grammar: Grammar) -> str:
    if isinstance(value, int) and grammar.most is not None and abs(value) > grammar.most:
        raise UsageError(f"{grammar.language} cannot send the number {value} exactly", hint=_HINT)
    return json.dumps(value)


def _aligned(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the rows with the values of neighbouring rows of one line in one column, as gofmt has them."""
    done: list[tuple[str, str]] = []
    for one_line, group in groupby(rows, lambda row: "\n" not in row[1]):
        run = list(group)
        width = max(len(name) for name, _ in run) if one_line else 0
        done += [(name.ljust(width), text) for name, text in run]
    return done


# ---- texts and names


def _backslashed(special: str, escape: Callable[[int], str], *, either: bool = False) -> Callable[[str], str]:
    r"""Return a function that writes a text in double quotes.

    A backslash precedes each character of ``special``, and ``escape`` writes an unprintable one from its code point. With
    ``either``, single quotes are used where they need fewer backslashes.
    """
    controls = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

    def written(text: str) -> str:
        quote = "'" if either and text.count('"') > text.count("'") else '"'
        table = {character: f"\\{character}" for character in f"{quote}\\{special}"} | controls
        return f"{quote}{_escaped(text, table, escape, str.isprintable)}{quote}"

    return written


def _escaped(text: str, table: Mapping[str, str], escape: Callable[[int], str], is_plain: Callable[[str], bool]) -> str:
    return "".join(table.get(each) or (each if is_plain(each) else escape(ord(each))) for each in text)


def _single_quoted(otherwise: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that writes a text in single quotes if nothing in it needs an escape."""
    return lambda text: otherwise(text) if {"'", "\\"} & {*text} or not text.isprintable() else f"'{text}'"


def _u4_u8(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _u_braces(code: int) -> str:
    return f"\\u{{{code:x}}}"


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_c_text = _backslashed("", _u4_u8)
_python_text = _backslashed("", _u4_u8, either=True)
_javascript_text = _backslashed("", _u_braces, either=True)
_php_text = _single_quoted(_backslashed("$", _u_braces))
_ruby_text = _single_quoted(_backslashed("#", _u_braces))


def _javascript_entry(name: str) -> str:
    if name == "__proto__":  # without brackets it sets the prototype of the object
        return f'["{name}"]: '
    return f"{name if _IDENTIFIER.fullmatch(name) else _javascript_text(name)}: "


def _php_map(value: Payload) -> tuple[str, str]:
    # json_encode writes an array as a list if its keys are 0, 1, 2 …, and PHP makes such numbers of such texts
    return (("(object) [" if [*value] == [str(number) for number in range(len(value))] else "["), "]")


def _powershell_text(text: str) -> str:
    # Windows PowerShell reads a file without a byte order mark in the system's encoding, so the text is ASCII
    if re.fullmatch(r"[\x20-\x7e]*", text):
        return "'" + text.replace("'", "''") + "'"
    table = {character: f"`{character}" for character in '`"$'} | {"\n": "`n", "\r": "`r", "\t": "`t"}
    return f'"{_escaped(text, table, _powershell_character, lambda each: each.isascii() and each.isprintable())}"'


def _powershell_character(code: int) -> str:
    return f"$([char]0x{code:x})" if code < 0x10000 else f"$([char]::ConvertFromUtf32(0x{code:x}))"


def _powershell_map(value: Payload) -> tuple[str, str]:
    if len({name.upper() for name in value}) < len(value):
        raise UsageError("PowerShell cannot send two names that differ only in their case", hint=_HINT)
    return "[ordered]@{", "}"


JAVASCRIPT = Grammar("JavaScript", _javascript_text, _javascript_entry, indent="  ", most=2**53 - 1)
PYTHON = Grammar(
    "Python", _python_text, lambda name: f"{_python_text(name)}: ", words=("None", "True", "False"), most=None
)
GO = Grammar(
    "Go", _c_text, lambda name: f"{_c_text(name)}: ", lambda _: ("map[string]any{", "}"), ("[]any{", "}"),
    ("map[string]any{}", "[]any{}"), words=("nil", "true", "false"), indent="\t", aligned=True,
)  # fmt: skip
PHP = Grammar("PHP", _php_text, lambda name: f"{_php_text(name)} => ", _php_map, empty=("(object) []", "[]"))
RUBY = Grammar(
    "Ruby", _ruby_text, lambda name: f"{name if _IDENTIFIER.fullmatch(name) else _ruby_text(name)}: ",
    words=("nil", "true", "false"), indent="  ", last="", most=None,
)  # fmt: skip
CSHARP = Grammar(
    "C#", _c_text, lambda name: f"[{_c_text(name)}] = ", lambda _: ("new JsonObject\n{", "}"), ("new JsonArray\n{", "}"),
    ("new JsonObject()", "new JsonArray()"),
)  # fmt: skip
POWERSHELL = Grammar(
    "PowerShell", _powershell_text, lambda name: f"{name if _IDENTIFIER.fullmatch(name) else _powershell_text(name)} = ",
    _powershell_map, ("@(", ")"), ("@{}", "@()"),
    # a comma keeps PowerShell from unrolling the only list of a list
    lambda items: ", " if len(items) == 1 and isinstance(items[0], list) else "",
    words=("$null", "$true", "$false"), between="", last="",
)  # fmt: skip
