"""The forms of payloads: what a template makes of values with certain names, with a hole where each value belongs.

A template that only inserts variables makes payloads of one form for all rows, so it is rendered once for each form.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.core.errors import TemplateError
from kshell.templating.environment import MOST_CHARACTERS
from kshell.templating.templates import inserts_only, render, typed_values

if TYPE_CHECKING:
    from kshell.core.models import Payload, Template

Values = Mapping[str, str | int]
Fill = Callable[[Values], Any]


class _Form(NamedTuple):
    """``fill`` returns the payload of other values; ``most`` characters of values make no text that is too long."""

    fill: Fill
    most: int


class Forms:
    """The forms of a run's payloads. Threads may share them."""

    def __init__(self) -> None:
        self._forms: dict[tuple[object, ...], _Form | None] = {}

    def render(self, template: Template, values: Mapping[str, str]) -> Payload:
        """Return what ``templates.render`` returns, and raise what it raises."""
        typed = typed_values(template, values)
        names = (template.source, *typed, *map(type, typed.values()))
        if names not in self._forms:
            self._forms[names] = _form(template, typed)
        form = self._forms[names]
        if form is None or sum(map(len, values.values())) > form.most:
            return render(template, values)
        payload: Payload = form.fill(typed)
        return payload


def _form(template: Template, typed: Values) -> _Form | None:
    """Return the form of the payloads of values with these names and types; None if each must be rendered."""
    if not inserts_only(template):
        return None
    token = 10**17 + int.from_bytes(os.urandom(7))  # an integer of a template has at most 18 digits
    marks = {
        name: f"\x02{token}-{position}\x02" if isinstance(value, str) else str(token + position)
        for position, (name, value) in enumerate(typed.items())
    }
    with suppress(TemplateError):
        fill = _filled(render(template, marks), {mark: name for name, mark in marks.items()})
        if fill(typed) == render(template, {name: str(value) for name, value in typed.items()}):
            holes = template.source.count("{{")
            # escaped in JSON, a character takes 12 at most
            return _Form(fill, (MOST_CHARACTERS - len(template.source)) // (12 * holes or 1))
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
