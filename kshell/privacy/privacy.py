"""``Privacy``: the private values of a session, and the functions that remove them from a text.

Reports and messages use masks, cassettes use pseudonyms, and recordings use references. ``run --update`` and cassettes check
for leaks. The shell asks which part of a typed line its history may keep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from kshell.core.models import REDACTED, Json
from kshell.core.terminal import safe_line
from kshell.privacy import values as private_values
from kshell.privacy.numbers import masked_number, numbers_in, six_digits_in, without_numbers
from kshell.privacy.pseudonyms import Pseudonyms, is_pseudonym, without_pseudonyms
from kshell.privacy.values import SHORTEST, Change, Private, replacer

_MASKS = {"KEY": REDACTED, "CODE": "(code)", "NUMBER": "(number)"}
_MASKED_KEY = rf"{re.escape(REDACTED)}|\(hidden: a \w+ is in it\)"
BORDER = "\n\0\n"  # no pattern below and none of a value matches across it
_TYPED_CODE = r"(otp(?<![\w-]otp)(?:=|\s+))(?!new\b|\{\{)\S+"


class Privacy:
    """Private values, and the functions that find and replace them in a text.

    ``message_ids`` are never masked, even if one has the form of a number. ``typed`` are words as they were typed, each with
    its text without quotes: sometimes only the text without quotes contains a value.
    """

    def __init__(
        self,
        values: Iterable[Private] = (),
        *,
        message_ids: Collection[str] = (),
        typed: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.values = tuple(dict.fromkeys(value for value in values if value.text))
        self.message_ids = message_ids
        self._typed = typed
        self._common: Mapping[str, str] = {}  # the masks of texts that several cases have
        self._masked: dict[str, str] = {}  # a cache, because a case has the same texts in several places

    def with_values(self, values: Iterable[Private]) -> Privacy:
        """Return a ``Privacy`` that also has ``values``, which come first."""
        return Privacy((*values, *self.values))

    def forms(self, shortest: int = SHORTEST) -> dict[str, str]:
        """Return every form of every value of at least ``shortest`` characters, with the value's kind."""
        known = (value for value in self.values if len(value.text) >= shortest)
        return {form: value.kind for value in known for form in value.forms().values()}

    # ---- leaks

    def leak(self, text: str) -> str:
        """Return the kind of a value that ``text`` contains in any encoding, or ``""``. Pseudonyms are ignored."""
        return private_values.leak(without_pseudonyms(text), self.values)

    def is_private(self, value: Json) -> bool:
        """Whether a JSON value is a private value, contains one or its mask, or is a text that contains a phone number."""
        if any(value == known.text for known in self.values):  # ``leak`` finds no short value
            return True
        number = isinstance(value, str) and bool(numbers_in(value))
        text = json.dumps(value, ensure_ascii=False)
        return number or bool(re.search(_MASKED_KEY, text)) or bool(self.leak(text))

    # ---- masks

    def hide_values(self, text: str) -> str:
        """Return ``text`` with every value masked, or a remark instead of it if a value would still leak."""
        return self._unless_it_leaks(self.mask_values(text))

    def mask_name(self, text: str) -> str:
        """Return a file's name on one line, every value masked; digits that are not a known number stay."""
        return safe_line(self.mask_values(text))

    def mask(self, text: str) -> str:
        """Return ``text`` with keys, codes and numbers masked. If it still leaks one, return a remark instead."""
        if text in self._common:
            return self._common[text]
        if text not in self._masked:
            self._masked[text] = self._unless_it_leaks(self._mask_digits(self._mask_written(text)))
        return self._masked[text]

    @cached_property
    def whole_masks(self) -> dict[str, str]:
        """The masks of the texts that are a value and nothing else, short values apart."""
        return {value.text: self._forms[value.text] for value in self.values if value.text in self._forms}

    def learn(self, texts: set[str], common: Mapping[str, str]) -> set[str]:
        """Mask ``texts`` all at once, which is quicker, and return those that ``mask_json`` may change, ``common`` apart.

        ``common`` has texts with their masks, as ``CommonTexts`` finds them. A text that makes a match across its border, or
        a leak anywhere, leaves each text to ``mask``.
        """
        if not self._words:  # else a common text may contain one
            self._common = common
            whole = self.whole_masks.items()
            self._masked |= {text: mask for text, mask in whole if common.get(mask) == mask and "otp" not in text}
        others = texts.difference(self._common, self._masked)
        if others:
            self._mask_at_once([*others])
        return {text for text, mask in self._masked.items() if text != mask} | self._codes

    def _mask_at_once(self, known: list[str]) -> None:
        joined = BORDER.join(known)
        plain = joined.count("\0") < len(known)  # no text has the sign of a border
        joined = self._mask_written(joined)
        masked = joined.split(BORDER)
        for place in _places(joined):
            masked[place] = self._mask_digits(masked[place])
        if not plain or len(masked) != len(known) or self.leak(BORDER.join(masked)):
            masked = [self.mask(text) for text in known]
        self._masked.update(zip(known, masked, strict=True))

    def _mask_written(self, text: str) -> str:
        return self.mask_values(re.sub(_TYPED_CODE, r"\1(code)", text) if "otp" in text else text)

    def _mask_digits(self, text: str) -> str:
        """Return ``text`` with numbers and codes masked whose digits may be in groups."""
        for spelling in private_values.grouped_codes(text, self.values):
            text = text.replace(spelling, _MASKS["CODE"])
        return without_numbers(text, self._digits, self.message_ids)

    def _unless_it_leaks(self, text: str) -> str:
        kind = self.leak(text)
        return f"(hidden: a {kind.lower()} is in it)" if kind else text

    def mask_json(self, value: Json) -> Json:
        """Return a JSON value with its texts and names masked. A text that is a code of any length is masked whole."""
        if isinstance(value, dict):
            return {self.mask(name): self.mask_json(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.mask_json(item) for item in value]
        if isinstance(value, str):
            return _MASKS["CODE"] if value in self._codes else self.mask(value)
        if isinstance(value, int) and len(str(value)) >= SHORTEST:
            return self.mask_values(str(value)) if self.mask_values(str(value)) != str(value) else value
        return value

    @cached_property
    def _codes(self) -> set[str]:
        return {value.text for value in self.values if value.kind == "CODE"}

    @cached_property
    def _digits(self) -> list[str]:
        return [value.text[1:] for value in self.values if value.kind == "NUMBER" and value.text[0] == "+"]

    @cached_property
    def _forms(self) -> dict[str, str]:
        """Every form of every value that is not too short, and its mask."""
        forms: dict[str, str] = {}
        for value in self.values:
            forms |= masked_forms(value) if len(value.text) >= SHORTEST else {}
        return forms

    @cached_property
    def _words(self) -> dict[str, str]:
        """The typed words that contain a value only once their quotes are removed, and their masks."""
        replace = replacer(self._forms)
        pairs = [pair for pair in self._typed if replace(pair[1]) != pair[1]]
        return {word: replace(text) for word, text in pairs if replace(word) == word}

    @cached_property
    def mask_values(self) -> Change:
        """The function that masks every value in a text, in each of its forms."""
        return replacer({**self._words, **self._forms} if self._words else self._forms)

    # ---- pseudonyms

    def hider(self, names: Pseudonyms) -> Change:
        """Return a function that replaces every value, in each of its forms, by its pseudonym in ``names``."""
        table: dict[str, str] = {}
        for value in self._named():
            for suffix, form in value.forms().items():
                table.setdefault(form, names.of(value) + suffix)
        return replacer(table)

    def restorer(self, names: Pseudonyms) -> Change:
        """Return a function that replaces every pseudonym by its value: the inverse of ``hider``."""
        return replacer(
            {names.of(value) + suffix: form for value in self._named() for suffix, form in value.forms().items()}
        )

    def _named(self) -> Iterator[Private]:
        return (value for value in self.values if not is_pseudonym(value.text))

    # ---- the history

    def storable(self, line: str) -> str:
        """Return a typed line without private values, as the history may keep it, or ``""``."""
        from kshell.privacy.history_lines import SHORTEST_IN_HISTORY, storable

        kept = storable(line, self.forms(SHORTEST_IN_HISTORY))
        return "" if private_values.grouped_codes(kept, self.values) else kept


def _places(joined: str) -> dict[int, None]:
    """Return the places of the texts between borders that have six digits in a row."""
    places: dict[int, None] = {}
    place = end = 0
    for found in six_digits_in(joined):
        place += joined.count(BORDER, end, found.start())
        end = found.start()
        places[place] = None
    return places


@lru_cache(maxsize=256)  # the rows of a run have the key and the sender in common
def masked_forms(value: Private) -> dict[str, str]:
    """Return each form of a value, and its mask."""
    if value.kind != "NUMBER":
        return dict.fromkeys(value.forms().values(), _MASKS[value.kind])
    digits = re.sub("[^0-9]", "", value.text)
    mask = masked_number(digits)
    forms = dict.fromkeys(value.forms().values())
    return {form: form.replace(digits, mask) if digits in form else _MASKS["NUMBER"] for form in forms}
