"""Turn a rendered template into JSON text, and JSON text into a payload.

A value inserted by ``{{ … }}`` leaves Jinja as a mark (U+0000, its JSON, U+0001). Only ``assemble`` turns a mark into text,
because it knows whether the mark is inside a JSON string. So no value can break out of its string or add a field.
"""

import json
import re
from collections import Counter

from kshell.core.json_text import finite, reader

MARK_EDGE = re.compile("[\x00\x01]")
_UNSET = "-0.000000000000000000000e-999"  # a number that no value writes: values are strings, integers or quoted


_ENCODE = json.JSONEncoder(allow_nan=False).encode


def mark(value: object) -> str:
    """Return the mark of an inserted value."""
    return f"\x00{_ENCODE(value)}\x01"


UNSET_MARK = "\x00\x01"
"""The mark of a variable that has no value."""


def assemble(text: str) -> str:
    """Turn every mark into text: quoted outside of a JSON string, escaped inside of one.

    An unset variable that is alone in a string replaces the string and its quotes, so that ``parse`` can leave the field out.
    Raises ``ValueError`` if a value follows a backslash, which would escape its first character.
    """
    pieces = MARK_EDGE.split(text)  # text and marks alternate
    done: list[str] = []
    inside = False
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            inside = _ends_inside(piece, inside=inside)
            done.append(piece)
            if index + 1 < len(pieces) and _unescaped(piece).endswith("\\"):
                raise ValueError("a value directly after a backslash")
        elif piece or not inside:
            done.append(_inner(piece) if inside else piece or _UNSET)
        elif _just_opened(done[-1]) and pieces[index + 1].startswith('"'):
            done[-1] = done[-1][:-1]
            pieces[index + 1] = pieces[index + 1][1:]
            done.append(_UNSET)
            inside = False
    return "".join(done)


def parse(text: str) -> object:
    """Return the JSON value of an assembled text without its unset fields. Raises ``json.JSONDecodeError``, ``ValueError``.

    An object or array is left out too if everything in it was unset.
    """
    decoded = _pruned(_read(text))
    return {} if decoded is _LEFT_OUT else decoded


_LEFT_OUT = object()


def _number(text: str) -> object:
    if text == _UNSET:
        return _LEFT_OUT
    return finite(text)


def _members(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the field {twice!r} is written twice")
    kept = {name: value for name, item in pairs if (value := _pruned(item)) is not _LEFT_OUT}
    return kept if kept or not pairs else _LEFT_OUT


_read = reader(parse_float=_number, object_pairs_hook=_members)


def _pruned(value: object) -> object:
    """Return a list without its unset items. An object is pruned already, by ``_members``."""
    if not isinstance(value, list):
        return value
    kept = [item for item in map(_pruned, value) if item is not _LEFT_OUT]
    return kept if kept or not value else _LEFT_OUT


def _ends_inside(piece: str, *, inside: bool) -> bool:
    return inside ^ (_unescaped(piece).count('"') % 2 == 1)


def _just_opened(piece: str) -> bool:
    return _unescaped(piece).endswith('"')


def _unescaped(piece: str) -> str:
    return re.sub(r"(?s)\\.", "_", piece) if "\\" in piece else piece


def _inner(marked: str) -> str:
    return (marked if marked.startswith('"') else _ENCODE(marked))[1:-1]
