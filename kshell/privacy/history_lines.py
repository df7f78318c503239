"""A typed line, as the shell's history may keep it: without a code, a number or a key.

A value is private by its variable's name, by its looks, or because the session knows it. It becomes the expression that means
it, so that the line works again in a session that has the value: ``send to=+919812345678`` is kept as ``send to={{ to }}``.
A line in which something private is left is not kept at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kshell.core.errors import KshellError
from kshell.privacy.sources import kind_by_name
from kshell.syntax.lines import Line, cut, split, typed_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kshell.syntax.command_table import Entry
    from kshell.syntax.lines import Word

SHORTEST_IN_HISTORY = 3  # characters; a shorter value stands in half of all lines by chance
LONGEST_IN_HISTORY = 16 * 1024  # characters; a longer line was pasted by mistake, and is not kept

# a code or a phone number has four digits in a row, signs aside; a key has twenty characters, some of them digits
_LOOKS = re.compile(
    r"(?:\d[().-]?){4,}|(?<!\d)\d{2,4}(?: \d{2,4}){2,5}(?!\d)"
    r"|(?<![A-Za-z0-9_+-])(?=[A-Za-z_+-]*\d)[A-Za-z0-9_+-]{20,}"
)
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")


def storable(line: str, secrets: Collection[str] = ()) -> str:
    """Return what may be stored of ``line``, or ``""``. ``secrets`` are the private texts that the session knows."""
    if line[:1].isspace() or "\n" in line or len(line) > LONGEST_IN_HISTORY:
        return ""
    line = (
        re.sub(r"kshell\s+(?=[^\s#])", "", line, count=1) if line.startswith("kshell") else line
    )  # a line may omit it
    try:
        command, sign, target = cut(line)
        words = split(command)
    except KshellError:
        return ""  # it cannot be read, so what is private in it is unknown
    entry = _entry(words)
    if entry is None:
        return ""
    if entry.whole:
        kept, hidden = _kept_expression(line), []
    else:
        pairs = list(_masked(typed_words(command), words))
        kept = " ".join(filter(None, (*(text for text, _ in pairs), sign, target)))
        hidden = [value for _, value in pairs if len(value) >= SHORTEST_IN_HISTORY]
    return "" if _LOOKS.search(kept) or any(secret in kept for secret in (*secrets, *hidden)) else kept


def _entry(words: list[Word]) -> Entry | None:
    """Return the command of a line; None for an unknown one, such as a misspelt ``otp``."""
    from kshell.syntax.command_table import SECTIONS

    name = words[0].plain if words else ""
    return next((entries[name] for entries in SECTIONS.values() if name in entries), None)


def _masked(typed: list[str], words: list[Word]) -> Iterator[tuple[str, str]]:
    """Yield each word as it may be stored, and the value that was taken out of it."""
    after = ""  # the name of a variable whose value was typed behind a blank, as in otp= 482913
    for position, word in enumerate(words):
        text = word.plain
        name, equals, value = text.partition("=")
        if equals and name.isidentifier() and (kind_by_name(name) or _LOOKS.search(value)):
            yield f"{name}={{{{ {name} }}}}", value
        elif after or (position > 0 and words[0].plain == "otp" and text not in ("new", "--", "--help")):
            yield f"{{{{ {after or 'otp'} }}}}", text
        else:
            yield typed[position], ""
        after = name if equals and not value and kind_by_name(name) else ""


def _kept_expression(line: str) -> str:
    """Return an ``expect`` or ``capture`` without its comment, or ``""`` if the names in it say that a text in it is a code."""
    plain = _STRING.sub('""', line)
    names = re.findall(r"(?<!\w)(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*", plain)
    telling = [name for name in names if name != "body.code" and any(map(kind_by_name, name.split(".")))]
    return "" if telling and plain != line else f"{line.split(maxsplit=1)[0]} {Line('', 1, (line,)).rest()[0]}"
