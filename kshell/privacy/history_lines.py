"""Remove codes, numbers and keys from a typed line, so that the shell's history may keep it.

A value is private by its variable's name, by its form, or because the session has it as private. A reference to the variable
replaces it, so that the line works again in a session that has the value: ``send to=+919812345678`` is kept as
``send to={{ to }}``. A line that still contains a private value is not kept.
"""

import re
from collections.abc import Collection, Iterator

from kshell.core.errors import KshellError
from kshell.privacy.sources import kind_by_name
from kshell.syntax.command_table import COMMANDS, WHOLE
from kshell.syntax.lines import Line, Word, cut, split

SHORTEST_IN_HISTORY = 3  # characters; shorter values are in too many lines by chance
LONGEST_IN_HISTORY = 16 * 1024  # characters; a longer line was pasted by mistake, and is not kept

# a code or a phone number has four digits in a row, signs aside; a key has twenty characters, some of them digits
_PRIVATE_FORM = re.compile(
    r"(?:\d[().-]?){4,}|(?<!\d)\d{2,4}(?: \d{2,4}){2,5}(?!\d)"
    r"|(?<![A-Za-z0-9_+-])(?=[A-Za-z_+-]*\d)[A-Za-z0-9_+-]{20,}"
)
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")


_REMOVED = re.compile(r"(?<!\w)(\w+)=\{\{ \1 \}\}|^\s*otp \{\{ otp \}\}")


def lacks_value(line: str) -> bool:
    """Whether ``line`` is as ``storable`` returns a line from which it removed a value."""
    return _REMOVED.search(line) is not None


def storable(line: str, secrets: Collection[str] = ()) -> str:
    """Return what may be stored of ``line``, or ``""``. ``secrets`` are the private texts of the session."""
    if line[:1].isspace() or "\n" in line or len(line) > LONGEST_IN_HISTORY:
        return ""
    if line.startswith("kshell"):  # optional at the start of a line
        line = re.sub(r"kshell\s+(?=[^\s#])", "", line, count=1)
    try:
        command, sign, target = cut(line)
        words = split(command)
    except KshellError:
        return ""  # a line that cannot be split may contain any private value
    name = words[0].plain if words else ""
    if name not in COMMANDS:
        return ""  # it may be a misspelt otp
    if name in WHOLE:
        kept, hidden = _kept_expression(line), []
    else:
        pairs = list(_masked(words))
        kept = " ".join(filter(None, (*(text for text, _ in pairs), sign, target)))
        hidden = [value for _, value in pairs if len(value) >= SHORTEST_IN_HISTORY]
    return "" if _PRIVATE_FORM.search(kept) or any(secret in kept for secret in (*secrets, *hidden)) else kept


def _masked(words: list[Word]) -> Iterator[tuple[str, str]]:
    """Yield each word as it may be stored, and the value that was removed from it."""
    after = ""  # the variable whose value was typed after a blank, as in otp= 482913
    for position, word in enumerate(words):
        text = word.plain
        name, equals, value = text.partition("=")
        if equals and name.isidentifier() and (kind_by_name(name) or _PRIVATE_FORM.search(value)):
            yield f"{name}={{{{ {name} }}}}", value
        elif after or (position > 0 and words[0].plain == "otp" and text not in ("new", "--", "--help")):
            yield f"{{{{ {after or 'otp'} }}}}", text
        else:
            yield word.typed, ""
        after = name if equals and not value and kind_by_name(name) else ""


def _kept_expression(line: str) -> str:
    """Return an ``expect`` or ``capture`` without its comment; ``""`` if it has a string and the name of a private value."""
    plain = _STRING.sub('""', line)
    names = re.findall(r"(?<!\w)(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*", plain)
    private = [name for name in names if name != "body.code" and any(map(kind_by_name, name.split(".")))]
    return "" if private and plain != line else f"{line.split(maxsplit=1)[0]} {Line('', 1, (line,)).rest()[0]}"
