r"""Write JSON text that is safe to show and can avoid the characters that a shell cannot quote.

Only the spelling changes (``\uXXXX`` for a character). The JSON value stays the same.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import NoReturn

Payload = dict[str, "Json"]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

_UNUSUAL = re.compile(r"[^\n\x20-\x7e]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CHARACTER = re.compile(r"\\?(.)")


def loads(text: str, *, strict: bool = True) -> Json:
    """Return the JSON value of ``text``. Raises ``json.JSONDecodeError``, ``ValueError`` and ``RecursionError``.

    A number that JSON does not have is refused. Without ``strict``, a string may contain control characters.
    """
    value: Json = json.loads(text, strict=strict, parse_constant=refuse_constant, parse_float=finite)
    return value


def finite(number: str) -> float:
    """Return the number. Raises ``NotFiniteError`` if it is too large for a float, as ``1e999`` is."""
    value = float(number)
    if not isfinite(value):
        raise NotFiniteError(f"{number} is too large a number")
    return value


def refuse_constant(name: str) -> NoReturn:
    """Raise ``NotFiniteError`` for ``NaN``, ``Infinity`` or ``-Infinity``, which Python's ``json`` would read."""
    raise NotFiniteError(f"JSON has no number {name}")


class NotFiniteError(ValueError):
    """A JSON text has a number that JSON does not have."""


def dumps(value: Json, *, indent: int | None = 2, avoid: str = "", ascii_only: bool = False) -> str:
    r"""Return ``value`` as JSON text of printable characters. ``indent`` is in spaces; None writes one line.

    ``avoid`` lists ASCII punctuation that is written ``\uXXXX`` in every string, also a ``"`` or ``\\`` after a backslash.
    Lone surrogates, which UTF-8 cannot encode, are escaped.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=separators)
    text = _UNUSUAL.sub(_printable, text)
    if not avoid:
        return text
    return _STRING.sub(lambda string: f'"{_without(string[0][1:-1], avoid)}"', text)


def text_of(value: object) -> str:
    """Return a string unchanged, any other value as JSON text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _without(piece: str, avoid: str) -> str:
    return _CHARACTER.sub(lambda match: _escape(match[1]) if match[1] in avoid else match[0], piece)


def _printable(match: re.Match[str]) -> str:
    return "".join(character if character.isprintable() else _escape(character) for character in match[0])


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
