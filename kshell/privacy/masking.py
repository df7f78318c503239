"""What must not be stored: keys, codes and phone numbers, in whatever spelling; the one definition for all that kshell writes.

Reports, cassettes, recordings and updates ask for the private values of what was drafted and for the forms they may have. A
line of the history is another matter, because nothing of it need be known: a value becomes the expression that means it, so
that it works again in a session that has the value: ``send to=+919812345678`` is kept as ``send to={{ to }}``. A line that
still holds something suspicious is not kept at all.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote

from kshell.core.errors import KshellError
from kshell.core.json_text import dumps
from kshell.core.terminal import safe_line
from kshell.syntax.lines import Line, cut, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from kshell.core.models import Account, Draft
    from kshell.session.session import Session
    from kshell.syntax.command_table import Entry
    from kshell.syntax.lines import Word

SHORTEST = 4  # a shorter code is hidden where it is known to be one; in other text it stands by chance
LEAST_DIGITS = 7  # a shorter number calls nobody

# names that say what they hold, whatever the template
_TELLING = re.compile(
    r"to|otp|.*(code|pin|pass|secret|token|key|phone|number|mobile|msisdn|recipient).*", re.IGNORECASE
)
_TELLING_NUMBER = re.compile(r"to|.*(phone|number|mobile|msisdn|recipient).*", re.IGNORECASE)
_HARMLESS = re.compile(r"(language|country|status|error)_?code", re.IGNORECASE)
# a code or a phone number has four digits in a row, but for signs; a key has twenty characters, some of them digits
_LOOKS = re.compile(r"(?:\d[().-]?){4,}|(?=[A-Za-z_+-]*\d)[A-Za-z0-9_+-]{20,}")
_SHORTEST = 3  # a shorter secret stands in half of all lines by chance; by its name it is masked all the same

_BETWEEN = r"(?:[ ().+/-]|%20|%2[89DdEeFf])"  # what stands between the digits of a number, also URL-encoded
_NUMBER = re.compile(
    r"(?P<kept>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b)"  # a UUID, which may have such digits
    rf"|(?P<plus>\+|%2[Bb]|\\u002[Bb])(?P<called>[1-9](?:{_BETWEEN}{{0,3}}[0-9]){{6,14}})(?![0-9])"
    r"|(?<!\w)(?<![0-9]\.)(?P<bare>[0-9]{7,15})(?!\w)(?!\.[0-9])"
)
_GROUPED = re.compile(rf"[0-9](?:{_BETWEEN}{{0,3}}[0-9]){{6,20}}")
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")


# ---- private values


class Private(NamedTuple):
    """A value that no file may hold. ``kind`` is ``KEY``, ``CODE`` or ``NUMBER``.

    ``number`` counts from 1 the codes that a session generated; it is 0 for every other value.
    """

    kind: str
    text: str
    number: int = 0

    def forms(self) -> dict[str, str]:
        """How it may be written, each under a name of its own that a pseudonym can end in."""
        escaped, printable = json.dumps(self.text)[1:-1], dumps(self.text)[1:-1]
        packed = base64.b64encode(self.text.encode("utf-8", "surrogatepass")).decode()
        encoded = quote(self.text, safe="", errors="surrogatepass")
        found = {"": self.text, "-escaped": escaped, "-json": printable, "-url": encoded, "-base": packed}
        found["-shown"] = safe_line(self.text)
        if self.kind == "NUMBER":
            return found | ({"-digits": self.text[1:]} if self.text[0] == "+" else {})
        if len(self.text) < SHORTEST:
            return found
        return found | {"-lower": self.text.lower(), "-upper": self.text.upper(), "-title": self.text.capitalize()}


@lru_cache(maxsize=256)
def _traces(value: Private) -> tuple[str, ...]:
    """Spellings, in lower case, that betray a value; what is too short to be told from other text has none."""
    if len(value.text) < SHORTEST:
        return ()
    raw = value.text.encode("utf-8", "surrogatepass")
    plain = {value.text.lower()} if value.kind != "NUMBER" else set()
    bare = {_bare(value.text).lstrip("+")} if value.kind != "CODE" else set()
    shifted = (base64.b64encode(b"\0" * shift + raw).decode() for shift in range(3))
    # base64 has three spellings; what its neighbours decide is left out
    packed = [text[4 if shift else 0 : (shift + len(raw)) // 3 * 4].lower() for shift, text in enumerate(shifted)]
    return tuple(filter(None, [*plain, *bare, raw.hex(), *(text for text in packed if len(text) > 5)]))


def betrayed(text: str, values: Iterable[Private]) -> str:
    """The kind of a value that stands in ``text`` in any spelling, also in an unforeseen one; empty where there is none."""
    unquoted = unquote(unquote(text))
    views = {view.lower() for view in (text, unquoted, _unescaped(text), text.translate({45: 43, 95: 47}))}
    bare = {*views, _bare(unquoted)}
    for value in values:
        seen = views if value.kind == "CODE" else bare
        if any(trace in view for trace in _traces(value) for view in seen):
            return value.kind
    return ""


def _bare(text: str) -> str:
    """``text`` without what may stand between the characters of a number or a key."""
    return re.sub(r"""[\s().'"\\-]""", "", text).lower()


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3], text)


def replacer(table: Mapping[str, str]) -> Callable[[str], str]:
    """Replaces every key of ``table`` by its value, in one pass, so that nothing replaced is looked at again."""
    if not table:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, sorted(table, key=len, reverse=True))))
    return lambda text: pattern.sub(lambda match: table[match[0]], text)


# ---- where they come from


def values_of(draft: Draft) -> Iterator[Private]:
    """The codes, the recipients and the sender of a message; its key only ``keys.resolve`` knows."""
    from kshell.api.payload import codes_of, recipients_of

    endpoint, payload = draft.request.endpoint, draft.payload
    yield from (Private("CODE", code) for code in codes_of(endpoint, payload) if code)
    for number in (*recipients_of(endpoint, payload), draft.account.phone_number):
        yield from _number(number)


def private_values(session: Session) -> list[Private]:
    """Every key, code and number that a session has had: in what was drafted, sent or not, and in its variables."""
    accounts = {draft.account.name: draft.account for draft in session.drafts}
    with suppress(KshellError):
        accounts.setdefault(session.account, session.current_account())
    return [*dict.fromkeys([*_keys(accounts.values()), *codes_and_numbers(session)])]


def codes_and_numbers(session: Session) -> list[Private]:
    """As ``private_values``, without asking for a key."""
    found = [value for draft in session.drafts for value in values_of(draft)]
    found += [Private("CODE", code) for code in session.generated]
    for name, setting in session.settings.items():
        if setting.source != "captured" or name in ("to", "otp"):
            found += named_values(name, setting.text)  # what was captured is an answer's own, as in code = body.code
    return found


def named_values(name: str, text: str) -> Iterator[Private]:
    """The value of a variable, where the variable's name says that it is private."""
    kind = kind_by_name(name)
    if kind == "NUMBER":
        for number in text.split(","):
            yield from _number(number)
    elif kind and text:
        yield Private(kind, text)


def kind_by_name(name: str) -> str:
    """``NUMBER`` or ``CODE`` where a variable's name says that it holds one; else empty."""
    if _HARMLESS.fullmatch(name) or not _TELLING.fullmatch(name):
        return ""
    return "NUMBER" if _TELLING_NUMBER.fullmatch(name) else "CODE"


def _number(text: str) -> Iterator[Private]:
    digits = re.sub("[^0-9]", "", text)
    if len(digits) >= LEAST_DIGITS:
        yield from (Private("NUMBER", spelling) for spelling in dict.fromkeys((text, f"+{digits}")))


def _keys(accounts: Iterable[Account]) -> Iterator[Private]:
    from kshell.profiles.api_key import resolve

    for account in accounts:
        with suppress(KshellError):
            yield Private("KEY", resolve(account))


# ---- numbers that nobody told of


def numbers_in(text: str) -> list[str]:
    """What looks like a phone number in ``text``, as it stands there."""
    return [match[0] for match in _NUMBER.finditer(text) if _is_number(match)]


def without_numbers(text: str, known: Iterable[str] = (), kept: Iterable[str] = ()) -> str:
    """``text`` with what looks like a phone number masked, and what is one of ``known``, digits, however it is parted.

    What is one of ``kept`` stays.
    """
    text = _NUMBER.sub(
        lambda match: match[0] if match[0] in kept or not _is_number(match) else _masked_match(match), text
    )
    known = list(known)
    return _GROUPED.sub(lambda match: _without_known(match[0], known), text) if known else text


def masked_number(number: str) -> str:
    """``+91XXXXXXXX78``: enough to tell who is meant, too little to call."""
    start = 3 if number[:1] == "+" else 2
    length = len(number) - start - 2
    return f"{number[:start]}{'X' * length}{number[-2:]}" if length > 0 else "X" * len(number)


def _is_number(match: re.Match[str]) -> bool:
    bare = match["bare"]
    if bare is None:
        return match["kept"] is None
    return not (bare[0] == "1" and len(bare) in (10, 13))  # a Unix time: with country code 1 a number has 11 digits


def _masked_match(match: re.Match[str]) -> str:
    return (match["plus"] or "") + masked_number(_digits(match["called"] or match["bare"]))


def _without_known(text: str, known: list[str]) -> str:
    digits = _digits(text)
    return masked_number(digits) if any(number in digits for number in known) else text


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", re.sub(_BETWEEN, "", text))


# ---- a line of the history


def storable(line: str, secrets: Iterable[str] = ()) -> str:
    """``line`` as it may be stored; empty where nothing of it may be. ``secrets`` are this session's own."""
    if line[:1].isspace() or "\n" in line:
        return ""
    line = re.sub(r"kshell\s+(?=[^\s#])", "", line, count=1) if line.startswith("kshell") else line  # it is passed over
    try:
        command, sign, target = cut(line)
        words = split(command)
    except KshellError:
        return ""  # it cannot be read, so nobody knows what is in it
    entry = _entry(words)
    if entry is None:
        return ""
    if entry.whole:
        kept, hidden = _kept_expression(line), []
    else:
        pairs = list(_masked(typed_words(command, words), words))
        kept = " ".join(filter(None, (*(text for text, _ in pairs), sign, target)))
        hidden = [value for _, value in pairs if len(value) >= _SHORTEST]
    return "" if _tells(kept, [*secrets, *hidden]) else kept


def typed_words(line: str, words: list[Word]) -> list[str]:
    """Each of a line's words as it was typed, with its quotes."""
    ends = [word.column - 1 for word in words[1:]] + [_end(line, words)]
    return [line[word.column - 1 : end].rstrip() for word, end in zip(words, ends, strict=True)]


def _end(line: str, words: list[Word]) -> int:
    """Where the last word ends, before a comment."""
    signs = (match.start() for match in re.finditer(r"(?<=\s)#", line))
    return next((sign for sign in signs if _is_split(line[:sign], words)), len(line))


def _is_split(line: str, words: list[Word]) -> bool:
    try:
        return split(line) == words
    except KshellError:
        return False  # the sign stands in quotes


def secret_texts(session: Session) -> list[str]:
    """What no line of a session's history may hold, in every form."""
    values = [value for value in codes_and_numbers(session) if len(value.text) >= _SHORTEST]
    return [form for value in dict.fromkeys(values) for form in value.forms().values()]


def _entry(words: list[Word]) -> Entry | None:
    """The command that a line is; None for what is none, such as a misspelt ``otp``."""
    from kshell.syntax.command_table import SECTIONS

    name = words[0].plain if words else ""
    return next((entries[name] for entries in SECTIONS.values() if name in entries), None)


def _masked(typed: list[str], words: list[Word]) -> Iterator[tuple[str, str]]:
    """Each word as it may be stored, and the value that was taken out of it."""
    after = ""  # the name before a blank that was typed behind its =
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
    """An ``expect`` or ``capture`` without its comment; empty where a text in it may be a code, by the names beside it."""
    plain = _STRING.sub('""', line)
    names = re.findall(r"(?<!\w)(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*", plain)
    telling = [name for name in names if name != "body.code" and any(map(kind_by_name, name.split(".")))]
    return "" if telling and plain != line else f"{line.split(maxsplit=1)[0]} {Line('', 1, (line,)).rest()[0]}"


def _tells(line: str, secrets: Iterable[str]) -> bool:
    return _LOOKS.search(line) is not None or any(secret in line for secret in secrets)
