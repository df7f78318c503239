"""``CommonTexts``: the texts that the rows of a run have in common, with their masks.

Such texts are names of fields, headers, explanations and lines of the script. Each is masked once, without the values that
only one row has. For a row, all of them are searched for its own values, so that only its other texts need to be masked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kshell.privacy.numbers import numbers_in, six_digits_in
from kshell.privacy.privacy import BORDER, Privacy, masked_forms
from kshell.privacy.pseudonyms import without_pseudonyms
from kshell.privacy.values import SHORTEST, traces, views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kshell.privacy.values import Private

_LONGEST = 1000  # characters of a common text
_MOST_SEEN = 2000  # texts; then they are forgotten, since most of them are of one row
_MOST_DECODED = 100_000  # characters; the index takes a hundred bytes for each


class CommonTexts:
    """The common texts of the rows of one run. It learns them from the rows that it is asked about.

    ``changed`` are those that masking changes.
    """

    def __init__(self) -> None:
        self._shared: tuple[Private, ...] | None = None  # the values that all rows have; None before the first row
        self._forget()

    def _forget(self) -> None:
        self.changed: set[str] = set()
        self._masks: dict[str, str] = {}  # of the common texts
        self._seen: set[str] = set()  # once, in the rows so far; they may have a value of one row
        self._decoded = ""  # the common texts and their masks in every decoding
        self._index: set[str] = set()  # every part of ``_decoded`` of ``SHORTEST`` characters

    def masks(self, texts: set[str], privacy: Privacy) -> Mapping[str, str]:
        """Return the common texts with what ``privacy.mask`` returns of each; ``texts`` and ``privacy`` are those of a row.

        It is empty if a common text may contain a value of this row alone.
        """
        values = privacy.values
        shared = values if self._shared is None else tuple([value for value in self._shared if value in values])
        if shared != self._shared:
            self._shared = shared
            self._forget()
        forms = [form for value in values if value not in shared for form in _forms(value)]
        forms += filter(numbers_in, privacy.message_ids)
        self._learn(texts.difference(self._masks).union(privacy.whole_masks.values()), forms)
        index = self._index  # it is quicker to look in it than in a long text
        found = [form for form in forms if form[:SHORTEST] in index or len(form) < SHORTEST]
        return {} if any(form in self._decoded for form in found) else self._masks

    def _learn(self, texts: set[str], forms: list[str]) -> None:
        if len(self._decoded) < _MOST_DECODED:
            for text in self._seen & texts:
                if text not in self._masks and not any(form in text for form in forms):
                    self._add(text, forms)
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen.update([text for text in texts if len(text) <= _LONGEST])

    def _add(self, text: str, forms: list[str]) -> None:
        mask = Privacy(self._shared or ()).mask(text)
        decoded = BORDER.join((*_decodings(text), *_decodings(mask)))
        if not any(form in decoded for form in forms):
            self._masks[text] = mask
            self._decoded += BORDER + decoded
            self._index |= {decoded[start : start + SHORTEST] for start in range(len(decoded))}
            if mask != text:
                self.changed.add(text)


def _forms(value: Private) -> list[str]:
    """Return every text that ``mask`` replaces or that ``leak`` looks for, and the digits of a code that may be in groups."""
    text = value.text
    if len(text) < SHORTEST:
        return []
    grouped = value.kind == "CODE" and not text.isdecimal() and any(six_digits_in(text))
    return [*masked_forms(value), *traces(value), *([_digits(text)] if grouped else ())]


def _decodings(text: str) -> Iterator[str]:
    """Yield a text, its decodings in which ``leak`` looks for values, and its digits if they may be a number or a code."""
    yield text
    yield from dict.fromkeys(view for view, _ in views(without_pseudonyms(text)))
    unquoted = unquote(unquote(text))
    if any(six_digits_in(text)) or any(six_digits_in(unquoted)):
        yield from map(_digits, (text, re.sub("%2.", "", text), unquoted))


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)
