"""References: names such as ``to_1`` that stand for private values in a recorded script. Equal values share a name."""

import re

from kshell.privacy.numbers import numbers_in
from kshell.privacy.privacy import Privacy
from kshell.privacy.values import SHORTEST, Private, grouped_codes
from kshell.syntax.lines import quote

_PREFIXES = {"NUMBER": "to", "CODE": "otp", "KEY": "key"}


class References:
    """The names of one recording; ``names`` has the name of every private text that was replaced so far."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._kinds: dict[str, str] = {}  # of the texts in ``names``
        self._forms: dict[str, str] = {}  # every form of the current private values, with its kind
        self._values: tuple[Private, ...] = ()

    def update(self, privacy: Privacy) -> bool:
        """Use the private values of ``privacy`` from now on. Return whether they have changed."""
        before, self._forms, self._values = self._forms, privacy.forms(), privacy.values
        return self._forms != before

    def private_in(self, text: str) -> dict[str, str]:
        """Return every private text that ``text`` contains, with its kind."""
        named = {value: kind for value, kind in self._kinds.items() if len(value) >= SHORTEST}
        known = {**named, **self._forms}
        found = {value: kind for value, kind in known.items() if value in text}
        return found | dict.fromkeys(numbers_in(text), "NUMBER") | grouped_codes(text, self._values)

    def name(self, kind: str, value: str) -> str:
        """Return the name of a private value, and create it if necessary."""
        if value not in self.names:
            prefix = _PREFIXES[kind]
            count = sum(name.startswith(f"{prefix}_") for name in self.names.values())
            self.names[value] = f"{prefix}_{count + 1}"
            self._kinds[value] = kind
        return self.names[value]

    def expression(self, kind: str, value: str) -> str:
        """Return the expression ``{{ NAME }}`` that replaces a private value in a line."""
        return f"{{{{ {self.name(kind, value)} }}}}"

    def quoted(self, text: str) -> str:
        """Return ``text`` as a part of a line's word, with an expression in place of every private text in it."""
        kinds = self.private_in(text)
        if not kinds:
            return quote(text) if text else ""
        pieces = re.split("(" + "|".join(map(re.escape, sorted(kinds, key=len, reverse=True))) + ")", text)
        return "".join(
            self.expression(kinds[piece], piece) if piece in kinds else quote(piece) for piece in pieces if piece
        )

    def in_expression(self, expression: str) -> str:
        """Return an expression with the name in place of every string literal that is a private text."""
        for secret, kind in self.private_in(expression).items():
            for literal in (f'"{secret}"', f"'{secret}'"):
                if literal in expression:
                    expression = expression.replace(literal, self.name(kind, secret))
        return expression
