"""The forms of payloads: what a template makes of values with certain names, with a hole where each value belongs.

A template that only inserts variables makes payloads of one form for all rows, so it is rendered once for each form.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from operator import itemgetter
from typing import Any, NamedTuple

from kshell.api.checks import Hole
from kshell.core.errors import TemplateError
from kshell.core.models import Template
from kshell.templating.environment import MOST_CHARACTERS
from kshell.templating.templates import inserts_only, render

Values = Mapping[str, str | int]
Fill = Callable[[Values], Any]


class Form(NamedTuple):
    """``fill`` returns the payload of other values, which are in its ``holes``, by JSON pointer.

    ``most`` characters of values make no text that is too long.
    """

    fill: Fill
    holes: Mapping[str, Hole]
    most: int

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether the values are so short that ``fill`` returns what ``render`` does; else they must be rendered."""
        return sum(map(len, values.values())) <= self.most


def form_of(template: Template, typed: Values) -> Form | None:
    """Return the form of the payloads of values with these names and types; None if each must be rendered.

    Raises ``TemplateError``.
    """
    if not inserts_only(template):
        return None
    token = 10**17 + int.from_bytes(os.urandom(7))  # an integer of a template has at most 18 digits
    marks = {
        name: f"\x02{token}-{position}\x02" if isinstance(value, str) else str(token + position)
        for position, (name, value) in enumerate(typed.items())
    }
    with suppress(TemplateError):
        names = {mark: name for name, mark in marks.items()}
        marked = render(template, marks)
        fill = _filled(marked, names)
        if fill(typed) == render(template, {name: str(value) for name, value in typed.items()}):
            count = template.source.count("{{")
            # escaped in JSON, a character takes 12 at most
            most = (MOST_CHARACTERS - len(template.source)) // (12 * count or 1)
            return Form(fill, dict(_holes(marked, names)), most)
    return None


def _filled(part: object, names: Mapping[str, str]) -> Fill:
    """Return a function that copies a part of a payload, with the marks ``names`` replaced by the values of their names."""
    if isinstance(part, dict):
        members = [(name, _filled(item, names)) for name, item in part.items()]
        return lambda values: {name: fill(values) for name, fill in members}
    if isinstance(part, list):
        items = [_filled(item, names) for item in part]
        return lambda values: [fill(values) for fill in items]
    if isinstance(part, str | int) and str(part) in names:
        return itemgetter(names[str(part)])
    if isinstance(part, str) and "\x02" in part:
        pieces = [(names.get(piece, ""), piece) for piece in re.split("(\x02[0-9]+-[0-9]+\x02)", part)]
        return lambda values: "".join(str(values[name]) if name else piece for name, piece in pieces)
    return lambda _: part


def _holes(part: object, names: Mapping[str, str], place: str = "") -> Iterator[tuple[str, Hole]]:
    """Yield each text or number that has marks, with its JSON pointer."""
    if isinstance(part, dict | list):
        for step, item in part.items() if isinstance(part, dict) else enumerate(part):
            yield from _holes(item, names, f"{place}/{step}")
    elif inside := [name for mark, name in names.items() if mark in str(part)]:
        yield place, Hole(inside, _filled(part, names))
