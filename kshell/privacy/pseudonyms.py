"""Pseudonyms: names such as ``CODE-4f0c2a9d1b37`` that stand for private values in a cassette.

Equal values have equal pseudonyms within one cassette, and different values have different ones, so that equal requests still
match. A pseudonym is a hash with the cassette's salt. It hides a value from readers, but not from someone who tries all values:
a guess costs a thousand hashes. A code that the session generated is named by its ordinal (``CODE-generated0001``), so that
a script that generates its codes can be replayed.
"""

import hashlib
import re

from kshell.privacy.values import Private

_HASHES = 1000
_PSEUDONYM = re.compile(r"(?:KEY|CODE|NUMBER)-(?:[0-9a-f]{12}|generated[0-9]{4,})(?:-[a-z]+)?")


class Pseudonyms:
    """The pseudonyms of one cassette; ``salt`` is a text of hexadecimal digits."""

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self._salt = bytes.fromhex(salt)
        self._names: dict[Private, str] = {}

    def of(self, private: Private) -> str:
        """Return the pseudonym of a value."""
        if private.ordinal:
            return f"{private.kind}-generated{private.ordinal:04}"
        if private not in self._names:
            text = private.text.encode("utf-8", "surrogatepass")
            digest = hashlib.pbkdf2_hmac("sha256", text, self._salt, _HASHES, 6)
            self._names[private] = f"{private.kind}-{digest.hex()}"
        return self._names[private]


def is_pseudonym(text: str) -> bool:
    """Whether the whole of ``text`` is a pseudonym."""
    return _PSEUDONYM.fullmatch(text) is not None


def without_pseudonyms(text: str) -> str:
    """Return ``text`` with a blank in place of every pseudonym."""
    return _PSEUDONYM.sub(" ", text)
