"""Private values: API keys, one-time codes and phone numbers, the forms they are written in, and the search for them."""

import base64
import json
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from kshell.core.json_text import dumps
from kshell.core.terminal import safe_line

Change = Callable[[str], str]

SHORTEST = 4  # characters; a shorter code is in other text by chance, so only a whole value is masked

_SHORTEST_GROUPED = 6  # digits
_LONG = 64 * 1024  # characters
_SEPARATORS = b"""().'"\\-"""  # and blanks
_SEPARATOR = r"[\s()./_-]{0,2}"  # between the digits of a code
_IN_GROUPS = re.compile(rf"[0-9](?:{_SEPARATOR}[0-9]){{{_SHORTEST_GROUPED - 1},}}")

_ESCAPED = r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))"


class Private(NamedTuple):
    """A value that no file may contain. ``kind`` is ``KEY``, ``CODE`` or ``NUMBER``.

    ``ordinal`` counts, from 1, the codes that a session generated; it is 0 for every other value.
    """

    kind: str
    text: str
    ordinal: int = 0

    def forms(self) -> dict[str, str]:
        """Return the forms in which the value may be written, by the suffix of the pseudonym that replaces each."""
        packed = base64.b64encode(self.text.encode("utf-8", "surrogatepass")).decode()
        escaped = printable = shown = self.text
        encoded = self.text.replace("+", "%2B")
        if not (self.text.isascii() and self.text.lstrip("+").isalnum()):  # most values are
            escaped, printable = json.dumps(self.text)[1:-1], dumps(self.text)[1:-1]
            encoded, shown = quote(self.text, safe="", errors="surrogatepass"), safe_line(self.text)
        forms = {
            "": self.text,
            "-escaped": escaped,
            "-json": printable,
            "-url": encoded,
            "-base": packed,
            "-shown": shown,
        }
        if self.kind == "NUMBER":
            return forms | ({"-digits": self.text[1:]} if self.text[0] == "+" else {})
        if len(self.text) < SHORTEST:
            return forms
        return forms | {"-lower": self.text.lower(), "-upper": self.text.upper(), "-title": self.text.capitalize()}


def grouped_codes(text: str, values: Iterable[Private]) -> dict[str, str]:
    """Return every spelling of a code in ``text`` whose digits may be in groups, such as ``5821-3974``, with its kind.

    A code under ``_SHORTEST_GROUPED`` digits is not looked for: in groups it stands in dates and amounts by chance.
    """
    runs = [_digits(run) for run in _IN_GROUPS.findall(text)]
    if not runs:
        return {}
    codes = (value for value in values if value.kind == "CODE" and _IN_GROUPS.fullmatch(value.text))
    return {
        found: value.kind
        for value in codes
        if any(_digits(value.text) in run for run in runs)  # few are, and a pattern takes a while to compile
        for found in re.findall(rf"(?<![0-9]){_SEPARATOR.join(_digits(value.text))}(?![0-9])", text)
    }


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def leak(text: str, values: Iterable[Private]) -> str:
    """Return ``KEY``, ``CODE`` or ``NUMBER`` if ``text`` contains one of ``values`` in any encoding, else ``""``.

    Encodings that ``Private.forms`` does not list are found too, such as hexadecimal, mixed case or digits in groups. A value
    shorter than ``SHORTEST`` is never found.
    """
    known = [*values]
    if grouped_codes(text, known) or ("%" in text and grouped_codes(unquote(unquote(text)), known)):
        return "CODE"
    wanted = [(value, traces(value)) for value in known]
    found = {
        value
        for view, bare in (views(text) if known else ())
        for value, its_traces in wanted
        if any(map(view.__contains__, its_traces)) and not (bare and value.kind == "CODE")
    }
    return next((value.kind for value in known if value in found), "")


def views(text: str) -> Iterator[tuple[str, bool]]:
    """Yield decodings of ``text`` in lower case, and whether separators are removed. Long texts are not held all at once."""
    unquoted, lower = unquote(unquote(text)), text.lower()
    plain = lower if unquoted == text else unquoted.lower()
    yield from ((view, False) for view in {lower, plain})
    if "\\" in text:
        yield _unescaped(text).lower(), False
    yield _bare(plain), True


@lru_cache(maxsize=256)
def traces(value: Private) -> tuple[str, ...]:
    """Return lower-case texts. A text that contains ``value`` contains one of them. A short value has none."""
    if len(value.text) < SHORTEST:
        return ()
    raw, lower = value.text.encode("utf-8", "surrogatepass"), value.text.lower()
    plain = [lower] if value.kind != "NUMBER" else []
    bare = [_bare(lower).lstrip("+")] if value.kind != "CODE" else []
    # base64 has three forms of a value, by its offset; the characters that depend on neighbouring bytes are cut off
    shifted = [b2a_base64(bytes(shift) + raw)[4 if shift else 0 : (shift + len(raw)) // 3 * 4] for shift in range(3)]
    packed = b" ".join(shifted).decode().lower()
    if "+" in packed or "/" in packed:
        packed += " " + packed.replace("+", "-").replace("/", "_")  # the spelling for URLs
    return tuple(
        dict.fromkeys([*filter(None, (*plain, *bare)), raw.hex(), *(it for it in packed.split() if len(it) > 5)])
    )


def _bare(text: str) -> str:
    """Return ``text`` without the separators that may be written in a number or a key."""
    if len(text) < _LONG:  # ten times as fast, with four copies of the text
        unspaced = "".join(text.split()).encode("utf-8", "surrogatepass")
        return unspaced.translate(None, _SEPARATORS).decode("utf-8", "surrogatepass")
    return re.sub(r"""[\s().'"\\-]""", "", text)


def _unescaped(text: str) -> str:
    return re.sub(
        _ESCAPED, lambda match: chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3], text
    )


def replacer(table: Mapping[str, str]) -> Change:
    """Return a function that replaces every key of ``table`` by its value in one pass; the longest key matches first."""

    def replaced(text: str) -> str:  # a pattern of all keys would be compiled for each row of a run
        known = [*filter(text.__contains__, table)]
        if not known:
            return text
        found = sorted((start, -len(key), key) for key in known for start in _starts(key, text))
        pieces: list[str] = []
        end = 0
        for start, _, key in found:
            if start >= end:
                pieces += (text[end:start], table[key])
                end = start + len(key)
        return "".join((*pieces, text[end:]))

    return replaced


def _starts(key: str, text: str) -> Iterator[int]:
    """Yield every offset of ``key`` in ``text``."""
    start = text.find(key)
    while start >= 0:
        yield start
        start = text.find(key, start + 1)
