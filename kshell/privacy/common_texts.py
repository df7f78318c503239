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
        self._learn([text for text in texts if text not in self._tried])
        return frozenset() if any(map(self._may_have, values)) else self._texts

    def _learn(self, texts: list[str]) -> None:
        again = self._seen.intersection(texts)
        if again and len(self._tried) < _MOST_TRIED:
            self._tried |= again
            plain = {text: decoded for text in again if _is_plain(text, decoded := _decoded(text))}
            self._texts |= plain.keys()
            self._decoded = BORDER.join((self._decoded, *plain.values()))
            self._index.update(part for decoded in plain.values() for part in _parts(decoded))
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen.update(text for text in texts if len(text) <= _LONGEST)

    def _may_have(self, value: Private) -> bool:
        """Whether a common text contains ``value`` in any form or encoding. It is true for some values that are in none."""
        forms = (*masked_forms(value), *traces(value)) if len(value.text) >= SHORTEST else ()
        found = [form for form in forms if form[:SHORTEST] in self._index or len(form) < SHORTEST]
        return any(form in self._decoded for form in found)


def _is_plain(text: str, decoded: str) -> bool:
    """Whether no part of a text looks like a number or a code, so that only a known value in it would be masked."""
    return Privacy().mask(text) == text and not any(six_digits_in(decoded))


def _decoded(text: str) -> str:
    """Return a text, followed by its decodings in which ``leak`` looks for values."""
    return BORDER.join(dict.fromkeys((text, *(view for view, _ in views(without_pseudonyms(text))))))


def _parts(text: str) -> set[str]:
    return {text[start : start + SHORTEST] for start in range(len(text))}
