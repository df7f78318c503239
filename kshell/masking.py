"""What must not be stored: codes, recipients and keys are taken out of a line before any file gets it.

A value becomes the expression that means it, so that a line from the history works again in a session that has the value:
``send to=+919812345678`` is kept as ``send to={{ to }}``. A line that still holds something suspicious is not kept at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kshell.errors import KshellError
from kshell.lines import cut, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kshell.lines import Word

# names that say what they hold, whatever the template
_TELLING = re.compile(
    r"to|otp|.*(code|pin|pass|secret|token|key|phone|number|mobile|msisdn|recipient).*", re.IGNORECASE
)
# a code or a phone number has four digits in a row, but for signs; a key has twenty characters, some of them digits
_LOOKS = re.compile(r"(?:\d[().-]?){4,}|(?=[A-Za-z_+-]*\d)[A-Za-z0-9_+-]{20,}")
_SHORTEST = 3  # a shorter secret stands in half of all lines by chance; by its name it is masked all the same


def storable(line: str, secrets: Iterable[str] = ()) -> str:
    """``line`` as it may be stored; empty where nothing of it may be. ``secrets`` are this session's own."""
    if line[:1].isspace() or "\n" in line:
        return ""
    try:
        command, sign, target = cut(line)
        words = split(command)
    except KshellError:
        return ""  # it cannot be read, so nobody knows what is in it
    if not words:
        return ""
    ends = [word.column - 1 for word in words[1:]] + [len(command)]
    typed = [command[word.column - 1 : end].rstrip() for word, end in zip(words, ends, strict=True)]
    kept = " ".join(filter(None, (*_masked(typed, words), sign, target)))
    return "" if _tells(kept, secrets) else kept


def secret_values(variables: Mapping[str, str]) -> list[str]:
    """The values among ``variables`` that must not be stored."""
    return [value for name, value in variables.items() if _tells_by_name(name) and len(value) >= _SHORTEST]


def _masked(typed: list[str], words: list[Word]) -> Iterator[str]:
    otp = _text(words[0]) == "otp"
    for position, word in enumerate(words):
        name, equals, value = _text(word).partition("=")
        if equals and name.isidentifier() and (_tells_by_name(name) or _LOOKS.search(value)):
            yield f"{name}={{{{ {name} }}}}"
        elif otp and position and _text(word) not in ("new", "--", "--help"):
            yield "{{ otp }}"
        else:
            yield typed[position]


def _tells_by_name(name: str) -> bool:
    return _TELLING.fullmatch(name) is not None


def _text(word: Word) -> str:
    return "".join(piece.text for piece in word.pieces)


def _tells(line: str, secrets: Iterable[str]) -> bool:
    return _LOOKS.search(line) is not None or any(secret in line for secret in secrets)
