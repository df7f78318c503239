"""``CommonTexts``: the texts that the rows of a run have in common, and that masking leaves unchanged.

Such texts are names of fields, headers, explanations and lines of the script. They have hardly any digits. Most private
values of a row are digits, so only the other values, as the API key, are looked for in the common texts, all at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kshell.privacy.privacy import BORDER, Privacy, masked_forms
from kshell.privacy.pseudonyms import without_pseudonyms
from kshell.privacy.values import SHORTEST, traces, views

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kshell.privacy.values import Private

_LONGEST = 1000  # characters of a common text
_MOST_SEEN = 2000  # texts; then they are forgotten, since most of them are of one row
_LEAST_NEW = 8  # texts; fewer are masked quickly
_MOST_TEXTS = 500

_DIGITS = re.compile(r"\+?[0-9]+\Z")
_PACKED_DIGITS = r"(?i)[kmno][dtjz][aeimquycgk][w-z0-5][mno]"  # base64 of three digits, and the beginning of the next


class CommonTexts:
    """The common texts of the rows of one run. It learns them from the rows that it is asked about."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._tried: set[str] = set()  # the common texts, and those that are not because masking may change them
        self._texts: frozenset[str] = frozenset()
        self._searched = ""  # the common texts in every decoding
        self._answers: dict[Private, bool] = {}

    def unchanged(self, texts: Iterable[str], values: Sequence[Private]) -> frozenset[str]:
        """Return texts that ``Privacy(values).mask`` leaves unchanged; ``texts`` are those of a row with these values."""
        others = [value for value in values if not _DIGITS.match(value.text)]
        self._learn({text for text in texts if text not in self._tried}, others)
        return frozenset() if any(map(self._may_have, others)) else self._texts

    def _learn(self, texts: set[str], values: Sequence[Private]) -> None:
        new = texts & self._seen
        if len(new) >= _LEAST_NEW and len(self._tried) < _MOST_TEXTS:
            self._tried |= new
            self._texts |= {text for text in new if _is_plain(text, values)}
            self._searched = _decoded(self._texts)
            self._answers.clear()
        if len(self._seen) > _MOST_SEEN:
            self._seen.clear()
        self._seen.update(text for text in texts if len(text) <= _LONGEST)

    def _may_have(self, value: Private) -> bool:
        """Whether a common text contains ``value`` in any form or encoding. It is true for some values that are in none."""
        answer = self._answers.get(value)
        if answer is None:
            if len(self._answers) > _MOST_SEEN:
                self._answers.clear()
            answer = self._answers[value] = _has(self._searched, value)
        return answer


def _is_plain(text: str, values: Sequence[Private]) -> bool:
    """Whether a text has too few digits for a value, in any encoding, no typed code, and none of ``values``."""
    decoded = _decoded([text])
    few_digits = len(re.findall("[0-9]", text)) < SHORTEST and not re.search(_PACKED_DIGITS, decoded)
    return few_digits and Privacy().mask(text) == text and not any(_has(decoded, value) for value in values)


def _decoded(texts: Iterable[str]) -> str:
    text = BORDER.join(texts)
    return BORDER.join(dict.fromkeys((text, *(view for view, _ in views(without_pseudonyms(text))))))


def _has(decoded: str, value: Private) -> bool:
    forms = (*masked_forms(value), *traces(value)) if len(value.text) >= SHORTEST else ()
    return any(form in decoded for form in forms)
