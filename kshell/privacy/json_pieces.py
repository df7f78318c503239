"""``JsonPieces``: a JSON value as text that is cut at its strings, so that masking replaces the few that it changes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kshell.core.json_text import dumps, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Collection

    from kshell.core.models import Json
    from kshell.privacy.privacy import Privacy

_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_INTEGER = r"(?<=[:\[,])-?[0-9]+(?=[,\]}])"  # not in a string


class JsonPieces:
    """A JSON object as text. ``texts`` are its texts and names, in order; ``masked`` returns it without private values."""

    def __init__(self, value: dict[str, Json]) -> None:
        self.value = value
        text = one_line(value)
        plain = "\\" not in text
        self._pieces = text.split('"') if plain else re.split(_STRING, text)
        inner = self._pieces[1::2]
        self.texts = inner if plain else [json.loads(f'"{piece}"') if "\\" in piece else piece for piece in inner]

    def masked(self, privacy: Privacy, changed: Collection[str]) -> str:
        """Return the JSON text of ``privacy.mask_json(value)``, on one line. It changes only the texts in ``changed``."""
        pieces = [*self._pieces]
        for position in [position for position, text in enumerate(self.texts) if text in changed]:
            text, is_name = self.texts[position], pieces[2 * position + 2][:1] == ":"
            mask = privacy.mask(text) if is_name else str(privacy.mask_json(text))
            if is_name and mask != text:  # two names may become one
                return dumps(privacy.mask_json(self.value), indent=None)
            pieces[2 * position + 1] = one_line(mask)[1:-1]
        if re.search("[-0-9][0-9]{3}", "".join(pieces[::2])):
            pieces[::2] = [
                re.sub(_INTEGER, lambda found: dumps(privacy.mask_json(int(found[0]))), piece) for piece in pieces[::2]
            ]
        return printable('"'.join(pieces))
