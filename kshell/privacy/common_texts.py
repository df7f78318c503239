"""``CommonTexts``: the texts that the rows of a run have in common, and that masking leaves unchanged.

Such texts are names of fields, headers, explanations and lines of the script. They are searched for the values of each row,
all at once and by an index, so that only the other texts of a row need a mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.privacy.numbers import six_digits_in
from kshell.privacy.privacy import BORDER, Privacy, masked_forms
from kshell.privacy.pseudonyms import without_pseudonyms
from kshell.privacy.values import SHORTEST, traces, views

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kshell.privacy.values import Private

_LONGEST = 1000  # characters of a common text
_MOST_SEEN = 2000  # texts; then they are forgotten, since most of them are of one row
_MOST_TRIED = 500  # texts


class CommonTexts:
    """The common texts of the rows of one run. It learns them from the rows that it is asked about."""

    def __init__(self) -> None:
        self._seen: set[str] = set()  # once, in the rows so far
        self._tried: set[str] = set()  # seen twice: the common texts, and those that masking may change
        self._texts: frozenset[str] = frozenset()
        self._decoded = ""  # the common texts in every decoding
        self._index: set[str] = set()  # every part of ``_decoded`` of ``SHORTEST`` characters

    def unchanged(self, texts: Iterable[str], values: Sequence[Private]) -> frozenset[str]:
        """Return texts that ``Privacy(values).mask`` leaves unchanged; ``texts`` are those of a row with these values."""
        new = [text for text in texts if text not in self._tried]
        again = self._seen.intersection(new)
        if again and len(self._tried) < _MOST_TRIED:
            self._learn(again, values)
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen.update([text for text in new if len(text) <= _LONGEST])
        return frozenset() if self._may_have(values) else self._texts

    def _learn(self, texts: set[str], values: Sequence[Private]) -> None:
        self._tried |= texts
        forms = _forms(values)
        plain = {text: decoded for text in texts if _is_plain(text, decoded := _decoded(text), forms)}
        self._texts |= plain.keys()
        self._decoded = BORDER.join((self._decoded, *plain.values()))
        self._index.update(part for decoded in plain.values() for part in _parts(decoded))

    def _may_have(self, values: Sequence[Private]) -> bool:
        """Whether a common text contains a value in any form or encoding. It is true for some values that are in none."""
        index = self._index
        return any([form in self._decoded for form in _forms(values) if form[:SHORTEST] in index or len(form) < SHORTEST])


def _forms(values: Sequence[Private]) -> list[str]:
    """Return every text that ``mask`` replaces or that ``leak`` looks for."""
    long = [value for value in values if len(value.text) >= SHORTEST]
    return [form for value in long for form in (*masked_forms(value), *traces(value))]


def _is_plain(text: str, decoded: str, forms: list[str]) -> bool:
    """Whether a text has none of ``forms``, and nothing that looks like a number or a code."""
    has_form = any(form in decoded for form in forms)
    return not has_form and Privacy().mask(text) == text and not any(six_digits_in(decoded))


def _decoded(text: str) -> str:
    """Return a text, followed by its decodings in which ``leak`` looks for values."""
    return BORDER.join(dict.fromkeys((text, *(view for view, _ in views(without_pseudonyms(text))))))


def _parts(text: str) -> set[str]:
    return {text[start : start + SHORTEST] for start in range(len(text))}
