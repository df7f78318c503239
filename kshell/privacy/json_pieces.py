"""``JsonPieces``: a JSON value as text, in which masking replaces the few strings that it changes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kshell.core.json_text import dumps, one_line, printable

if TYPE_CHECKING:
    from kshell.core.models import Json
    from kshell.privacy.privacy import Privacy

_STRING = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_AFTER_A_STRING = (",", ":", "]", "}")


class JsonPieces:
    """A JSON object as text. ``texts`` are its texts and names, in order; ``masked`` returns it without private values."""

    def __init__(self, value: dict[str, Json]) -> None:
        self.value = value
        self._text = one_line(value)
        escaped = "\\" in self._text
        pieces = re.split(_STRING, self._text) if escaped else self._text.split('"')
        inner = pieces[1::2]
        self.texts = [json.loads(f'"{piece}"') if "\\" in piece else piece for piece in inner] if escaped else inner
        # only then is each quotation mark the border of a string, and no integer long enough to be masked
        self._plain = not escaped and not re.search("[-0-9][0-9]{3}", "".join(pieces[::2]))

    def masked(self, privacy: Privacy, changed: set[str]) -> str:
        """Return the JSON text of ``privacy.mask_json(value)``, on one line. It changes only the texts in ``changed``."""
        if not self._plain:
            return self._masked_by_value(privacy)
        masks = {text: one_line(privacy.mask_json(text)) for text in changed.intersection(self.texts)}
        json_text = self._text
        for text, mask in masks.items():
            quoted = f'"{text}"'
            # not if it is a name, if it may be what is between two strings, or if its mask has a mask
            if f"{quoted}:" in json_text or text.startswith(_AFTER_A_STRING) or mask[1:-1] in masks:
                return self._masked_by_value(privacy)
            json_text = json_text.replace(quoted, mask)
        return printable(json_text)

    def _masked_by_value(self, privacy: Privacy) -> str:
        return dumps(privacy.mask_json(self.value), indent=None)
