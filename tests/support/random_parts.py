"""The random parts of what kshell and its simulator write: any of them can hold a short code by chance."""

from __future__ import annotations

import re

# A salt or a hash, a pseudonym, the id of a message. Each has a letter: digits alone may be a number that leaked.
_RANDOM = re.compile(
    r"\b(?=\d*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})\b"
    r"|\b(?:KEY|CODE|NUMBER|key|code|number)-(?=\d*[a-f])[0-9a-f]{12}(?![0-9a-f])"
    r"|\bA(?=\d*[A-Z])[A-Z0-9]{19}\b",
    re.ASCII,
)


def without_random_parts(text: str) -> str:
    """Return ``text`` with ``*`` for each random part, so that a search finds only what was written on purpose."""
    return _RANDOM.sub("*", text)
