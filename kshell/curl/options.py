"""Parse the options of a curl command by curl's manual, and find those that a message cannot express."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kshell.api.request import header_names
from kshell.curl.words import Oddity, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.core.endpoint import Endpoint

# curl's short options, and the long ones that take a value
_SHORT = {
    "X": "--request", "H": "--header", "d": "--data", "A": "--user-agent", "e": "--referer", "b": "--cookie",
    "o": "--output", "u": "--user", "m": "--max-time", "x": "--proxy", "w": "--write-out", "F": "--form", "E": "--cert",
    "L": "--location", "k": "--insecure", "s": "--silent", "S": "--show-error", "i": "--include", "v": "--verbose",
    "g": "--globoff", "f": "--fail", "#": "--progress-bar", "G": "--get", "I": "--head", "N": "--no-buffer",
    "K": "--config",
}  # fmt: skip
BODIES = ("--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
_VALUED = {
    "--request", "--header", *BODIES, "--url", "--user-agent", "--referer", "--cookie", "--output", "--user", "--max-time",
    "--proxy", "--write-out", "--form", "--cert", "--connect-timeout", "--retry", "--data-urlencode", "--cacert", "--resolve",
    "--cookie-jar", "--config", "--interface", "--limit-rate", "--ciphers", "--dns-servers", "--key",
}  # fmt: skip
# options that do not change the request, or that browsers and Postman always write
_HARMLESS = {
    "--location", "--silent", "--show-error", "--include", "--verbose", "--globoff", "--fail", "--progress-bar",
    "--no-buffer", "--compressed", "--http1.1", "--http2", "--no-progress-meter", "--fail-with-body", "--output",
    "--write-out", "--max-time", "--connect-timeout", "--user-agent",
}  # fmt: skip
_HARMLESS_HEADERS = {"accept", "user-agent", "content-length", "host"}

# a placeholder for a value in a document: <sid>, [sid], {{sid}}, {sid}, ${SID}, $SID, %SID%, YOUR_SID
STAND_IN = re.compile(
    r"<[A-Za-z][\w -]*>|\[[A-Za-z][\w -]*\]|\{\{[^{}]*\}\}|\$?\{\w+\}|\$[A-Za-z_]\w*|%[A-Za-z_]\w+%|\b(?:YOUR|MY)[_-]\w+"
)

Options = list[tuple[str, Word]]


def parse(words: tuple[Word, ...]) -> Options:
    """Return every option as (long name, value). The URL is ``--url``. An option without a value has its own word."""
    options: Options = []
    rest = iter(words)
    for word in rest:
        for name, attached in _named(word):
            value = word._replace(text=attached) if attached else word
            if name in _VALUED and not attached:
                value = next(rest, word._replace(text=""))
            options.append((name, value))
    return options


def _named(word: Word) -> Iterator[tuple[str, str]]:
    """Yield the options in one word, each with its attached value: ``-sSL``, ``-XPOST``, ``--request``."""
    if word.text.startswith("--") or not word.text.startswith("-"):
        yield (word.text, "") if word.text.startswith("--") else ("--url", word.text)
        return
    for index, letter in enumerate(word.text[1:], 2):
        name = _SHORT.get(letter, f"-{letter}")
        if name in _VALUED:
            yield name, word.text[index:]
            return
        yield name, ""


def values(options: Options, *names: str) -> list[Word]:
    """Return the values of the options with these names, in order."""
    return [word for name, word in options if name in names]


def is_file(name: str, word: Word) -> bool:
    """Whether ``word`` names a file with the body (``@payload.json``)."""
    return name != "--data-raw" and word.text.startswith("@")


def headers(options: Options) -> list[tuple[str, str, Word]]:
    """Return every header as (name in lower case, value, word)."""
    parts = ((word.text.partition(":"), word) for word in values(options, "--header"))
    return [(name.strip().lower(), value.strip(), word) for (name, _, value), word in parts]


def unused(options: Options, endpoint: Endpoint) -> Iterator[Oddity]:
    """Yield what a script cannot express: another method, other headers, shell variables in the body, other options."""
    for name, word in options:
        yield from (word.oddity(message, fix) for message, fix in _inexpressible(name, word, endpoint))


def _inexpressible(name: str, word: Word, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    if name == "--request" and word.text.upper() != endpoint.method:
        yield f"the method {word.text}", f"the API takes {endpoint.method}"
    elif name == "--header":
        yield from _strange_header(word, {*_HARMLESS_HEADERS, *header_names(endpoint)})
    elif name in BODIES:
        for variable in word.variables:
            yield f"the shell's variable {variable} in the payload", "it was taken as it stands"
    elif name not in {"--request", "--url", *_HARMLESS}:
        option, equals, _ = name.partition("=")  # the key may follow it
        yield f"curl's option {option}{equals}{'…' if equals else ''}", "it was left out"


def _strange_header(word: Word, known: set[str]) -> Iterator[tuple[str, str]]:
    header, colon, _ = word.text.partition(":")
    if not colon:
        yield "a header without a colon", "it was left out"  # the header is not shown: it may be the key
    elif header.strip().lower() not in known:
        yield f"the header {header.strip().lower()}", "it was left out"
