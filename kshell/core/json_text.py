r"""Write JSON text that is safe to show and can avoid the characters that a shell cannot quote.

Only the spelling changes (``\uXXXX`` for a character). The JSON value stays the same.
"""

import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from math import isfinite
from typing import Any, NoReturn

Payload = dict[str, "Json"]
Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def finite(number: str) -> float:
    """Return the number. Raises ``NotJsonError`` if it is too large for a float, as ``1e999`` is."""
    value = float(number)
    if not isfinite(value):
        raise NotJsonError(f"{number} is too large a number")
    return value


def _refuse_constant(name: str) -> NoReturn:
    """``name`` is ``NaN``, ``Infinity`` or ``-Infinity``."""
    raise NotJsonError(f"JSON has no number {name}")


class NotJsonError(ValueError):
    """A JSON text has a number that JSON does not have, or too many levels."""


class TooDeepError(NotJsonError):
    """A JSON text has too many levels."""


def reader(**options: Any) -> Callable[[str], Any]:
    """Return a function that returns the JSON value of a text; ``options`` are those of ``json.JSONDecoder``.

    It raises ``json.JSONDecodeError``, and ``NotJsonError`` for what Python's ``json`` would read although it is not JSON.
    Both are a ``ValueError``.
    """
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, **{"parse_float": finite, **options})

    def read(text: str) -> Any:
        try:
            return decoder.decode(text)
        except RecursionError:
            raise TooDeepError("it is nested too deep") from None

    return read


loads = reader()

one_line = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode
"""Return a value as JSON text of any characters, without blanks: ``json.dumps`` makes such an encoder at each call.

It does not look for a value that contains itself, which would raise ``RecursionError``.
"""


def dumps(value: Json, *, indent: int | None = 2, avoid: str = "", ascii_only: bool = False) -> str:
    r"""Return ``value`` as JSON text of printable characters. ``indent`` is in spaces; None writes one line.

    ``avoid`` lists ASCII punctuation that is written ``\uXXXX`` in every string, also a ``"`` or ``\\`` after a backslash.
    Lone surrogates, which UTF-8 cannot encode, are escaped.
    """
    if indent is None:
        text = one_line(value) if not ascii_only else json.dumps(value, separators=(",", ":"))
    else:
        text = _indented(value, encode_basestring_ascii if ascii_only else encode_basestring, "\n", " " * indent)
    text = printable(text)
    if not any(character in text for character in avoid):
        return text
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda string: f'"{_without(string[0][1:-1], avoid)}"', text)


def printable(text: str) -> str:
    """Return JSON text with its characters that are not printable escaped, line breaks apart."""
    # in JSON text, DEL is the one character of ASCII that is not printable; a pattern takes a while to compile
    if text.isascii() and "\x7f" not in text:
        return text
    return text if text.replace("\n", "").isprintable() else re.sub(r"[^\n\x20-\x7e]+", _escaped, text)


def _indented(value: Json, encode: Callable[[str], str], line: str, step: str) -> str:
    """Return what ``json.dumps`` with an indent returns, in a third of its time; ``encode`` quotes a text."""
    inner = line + step
    if isinstance(value, dict) and value:
        members = [  # most members are texts, and a call takes longer than to quote one
            f"{encode(name)}: {encode(item) if isinstance(item, str) else _indented(item, encode, inner, step)}"
            for name, item in value.items()
        ]
        return f"{{{inner}{f',{inner}'.join(members)}{line}}}"
    if isinstance(value, list) and value:
        items = f",{inner}".join([_indented(item, encode, inner, step) for item in value])
        return f"[{inner}{items}{line}]"
    return encode(value) if isinstance(value, str) else json.dumps(value)


def text_of(value: object) -> str:
    """Return a string unchanged, any other value as JSON text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _without(piece: str, avoid: str) -> str:
    return re.sub(r"\\?(.)", lambda match: _escape(match[1]) if match[1] in avoid else match[0], piece)


def _escaped(match: re.Match[str]) -> str:
    return "".join(character if character.isprintable() else _escape(character) for character in match[0])


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
