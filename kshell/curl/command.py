"""A curl command -> its URL, its key as a reference, its payload, and warnings about the parts that are not understood."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import NamedTuple

from kshell.api.endpoints import ENDPOINTS, KEY_HEADERS, read_url
from kshell.api.request import Address
from kshell.core.errors import Place, ScriptError
from kshell.core.json_text import NotJsonError, reader, text_of
from kshell.core.models import DEFAULT_KEY_VARIABLE, Payload, Secret
from kshell.curl.options import (
    EATEN,
    EATEN_SAYS,
    FORMS,
    POSTMAN,
    STAND_IN,
    Options,
    bodies,
    body_text,
    headers,
    is_file,
    parse,
    requests,
    unused,
)
from kshell.curl.options import values as values_of
from kshell.curl.words import Oddity, Word, split

_REFERENCE = re.compile(r"\$\{?(?:env:)?(\w+)\}?|%(\w+)%|\{\{(\w+)\}\}|<([\w -]+)>")
_LIKE_A_KEY = re.compile(r"(?=(?:\D*\d){4})\w{20,}")  # a variable's name is shorter, or has fewer digits
_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = "a character beyond \\uffff is two such escapes, one after the other"
PLACEHOLDER = re.compile(r"<[A-Za-z][\w -]*>")
_BARE_PLACEHOLDER = re.compile(r"([:,\[]\s*)(<[A-Za-z][\w -]*>)(?=\s*[,\]}])")
_VARIABLE = re.compile(r"\$(?:env:)?\w+|\$\{\w+\}|%\w+%")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_CONTROL = re.compile(r"\r\n|[\0-\x1f]")

_read = reader(strict=False)  # a pasted string may have line breaks


class Copied(NamedTuple):
    """A parsed curl command. ``key`` is a reference to a key, or a key as a literal, or None.

    ``address`` is None if the URL is not this API's. ``payload`` is None if the endpoint takes none.
    ``placeholders`` are those in the URL and the key, such as ``<sid>``. They need real values before a send.
    """

    address: Address | None
    url: str
    at: Place
    placeholders: tuple[str, ...]
    key: Secret | None
    payload: Payload | None
    notes: tuple[Oddity, ...]


def read_curl(text: str, file: str) -> Copied:
    """Parse a curl command for this API. Raises ``ScriptError`` if ``text`` is not one, or its payload is not JSON."""
    words, oddities, stdin = split(text)
    if not words or not re.search(r"(^|[/\\])curl(\.exe)?$", words[0].text):
        raise ScriptError("this is not a curl command", hint=_not_curl_hint(text))
    fatal = next((odd for odd in oddities if odd.fatal), None)
    if fatal:
        # without the line itself, which may contain the key
        raise ScriptError(fatal.message, hint=fatal.fix, at=Place(file, fatal.line, fatal.column))
    _refuse_surrogates((*words, *filter(None, [stdin])), file)
    options, *others = requests(parse(words[1:], stdin))
    url = _url(options)
    address = read_url(url.text if "://" in url.text else f"https://{url.text}")
    endpoint = address.endpoint if address else ENDPOINTS[0]
    foreign = () if address else (url.oddity("a URL that is not this API's", "look at kshell pods"),)
    more = (words[0].oddity("a second request, after --next", "only the first one is read"),) if others else ()
    return Copied(
        address,
        url.text,
        Place(file, url.line, url.column),
        _placeholders(url, options),
        _key(options),
        _payload(options, file) if endpoint.takes_payload else None,
        (*oddities, *unused(options, endpoint), *_raw_controls(options), *foreign, *more),
    )


def _refuse_surrogates(words: Iterable[Word], file: str) -> None:
    """Raise ``ScriptError`` at the first word with half of a surrogate pair, which no request can carry."""
    for word in words:
        if half := _SURROGATE.search(word.text):
            at = Place(file, word.line, word.column)
            raise ScriptError(f"{ascii(half[0])[1:-1]} is half of a character", hint=_WHOLE, at=at)


def _not_curl_hint(text: str) -> str:
    if re.search(r"Invoke-(WebRequest|RestMethod)", text):
        return "kshell does not read PowerShell's commands: copy it as curl, for bash or for cmd"
    return "a command begins with curl; kshell curl prints one"


def _placeholders(url: Word, options: Options) -> tuple[str, ...]:
    """Return the placeholders of the URL and the key. Without one in the URL, that of the key is only a reference."""
    in_url = [match[0] for match in STAND_IN.finditer(url.text)]
    keys = [value for name, value, _ in headers(options) if name in KEY_HEADERS and PLACEHOLDER.fullmatch(value)]
    return tuple(dict.fromkeys([*in_url, *keys])) if in_url else ()


def _url(options: Options) -> Word:
    urls = values_of(options, "--url")
    if not urls:
        raise ScriptError(
            "there is no URL in the command", hint="the page's is https://<api_domain>/v2/<sid>/…/messages"
        )
    return urls[0]


def _key(options: Options) -> Secret | None:
    for name, value, _ in headers(options):
        if name in KEY_HEADERS:
            reference = _REFERENCE.fullmatch(value)
            variable = reference and (reference[1] or reference[2] or reference[3] or DEFAULT_KEY_VARIABLE)
            # a $ before a literal key is a typing mistake
            if not variable or _LIKE_A_KEY.search(variable):
                return Secret("literal", value)
            return Secret("env", variable)
    return None


def _raw_controls(options: Options) -> Iterator[Oddity]:
    """Yield the first control character in a string of the body, such as a line break; JSON has it only as an escape."""
    parts = bodies(options)
    text = body_text(parts)
    for raw in filter(None, (_CONTROL.search(text, *string.span()) for string in _STRING.finditer(text))):
        place = parts[0][1].place(min(raw.start(), len(parts[0][1].text)))
        message = "a control character in a string of the payload, which JSON has only as an escape"
        yield Oddity(*place, message, f"it was read as {json.dumps(raw[0])[1:-1]}")
        return


def _elsewhere(name: str, word: Word) -> str:
    """Return where the text of a body is, if it is not in the command; else ``""``."""
    if is_file(name, word):
        return "comes from stdin" if word.text == "@-" else f"is in another file, {word.text[1:]}"
    if _VARIABLE.fullmatch(word.text):
        return f"is in a variable of the shell, {word.text}"
    return "is what another command prints" if word.text.startswith(("$(", "`")) else ""


def _payload(options: Options, file: str) -> Payload:
    parts = bodies(options)
    if not parts:
        form = values_of(options, *FORMS)
        what = "a form, not JSON, is the payload of the command" if form else "there is no payload in the command"
        raise ScriptError(what, hint="add --data-raw or -d with the payload, '{…}'")
    text, first = body_text(parts), parts[0][1]
    at = Place(file, first.line, first.column)
    if elsewhere := next(filter(None, starmap(_elsewhere, parts)), ""):
        raise ScriptError(f"the payload {elsewhere}", hint="put it in the command: --data-raw '{…}'", at=at)
    if '"' not in text and EATEN.match(first.raw):
        raise ScriptError(EATEN_SAYS[0], hint=EATEN_SAYS[1], at=at)
    try:
        # the page's Request Format has <index_value> without quotes
        payload = _read(_BARE_PLACEHOLDER.sub(r'\1"\2"', POSTMAN.sub(r"\1\2", text)))
    except ValueError as error:
        at = Place(file, *first.place(min(getattr(error, "pos", 0), len(first.text))))
        why = str(error) if isinstance(error, NotJsonError) else getattr(error, "msg", "it cannot be read")
        raise ScriptError(f"the payload is not JSON: {why}", hint="look at its quotes and commas", at=at) from None
    if not isinstance(payload, dict):
        raise ScriptError("the payload is not a JSON object", hint="a payload begins with { and ends with }", at=at)
    if half := _SURROGATE.search(text_of(payload)):
        message = f"the payload has {ascii(half[0])[1:-1]}, which is half of a character"
        raise ScriptError(message, hint=_WHOLE, at=at)
    return payload
