"""Find faults in a curl command of a document: it fails when it is pasted, or the API will refuse it.

Only a certain fault is reported. A placeholder (``<sid>``, ``$KEY``, ``TO_NUMBER``) is not a fault. A part that may be in a
file or in a variable is not reported as missing.
"""

import json
import re
from collections.abc import Collection, Iterator
from itertools import accumulate, pairwise

from kshell.api.endpoints import ENDPOINTS, KEY_HEADERS, read_url
from kshell.api.payload import recipients_of, token
from kshell.api.request import CONTENT_TYPE
from kshell.api.rules import check
from kshell.core.endpoint import Endpoint
from kshell.core.errors import listed
from kshell.core.json_text import NotJsonError, reader
from kshell.core.models import DEFAULT_KEY_VARIABLE, Finding, Json, is_loopback
from kshell.curl.options import (
    BODIES,
    DASH_SAYS,
    EATEN,
    EATEN_SAYS,
    FORMS,
    STAND_IN,
    TYPOGRAPHIC,
    Options,
    bodies,
    body_text,
    headers,
    is_file,
    parse,
    requests,
    values,
)
from kshell.curl.words import CURL, FOLLOWED, WITHIN, Oddity, Reader, Word, Words, split
from kshell.profiles.files import Places
from kshell.profiles.profiles import load_pod, readable

_read = reader(strict=False)  # a pasted string may have line breaks
_KEY_ASSIGNMENT = re.compile(r"\b\w*KEY=['\"]?([A-Za-z0-9]{16,})(?!\w)", re.IGNORECASE)
_REAL_KEY_ASSIGNED = ("what looks like a real API key", "write …, and revoke the key")
_UNPOSTED = ("--get", "--head")
_HOST = re.compile(r"(?:(https?)://)?([A-Z0-9-]+(?:\.[A-Z0-9-]+)+(?::\d+)?)(?=[/?#]|\Z)", re.IGNORECASE)
_EXAMPLE_HOST = re.compile(r"(^|\.)example(\.(com|net|org))?(:|\Z)")  # RFC 2606: for documentation
_MASKED = re.compile(r"[Xx*]{2,}|\b[A-Z]+_[A-Z_]+\b|…|\.\.\.")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(rf"{STAND_IN.pattern}|{_MASKED.pattern}|\b[A-Z]{{2,}}\b|<|\{{%")


def hosts_of(places: Places) -> set[str]:
    """Return the base URLs of all pods, in lower case; pods that cannot be read are left out."""
    return {pod.base_url.lower() for pod in readable(places, "pod", load_pod)}


def all_faults(text: str, hosts: Collection[str]) -> Iterator[Oddity]:
    """The faults of every curl command in ``text``. A ``curl`` in the quotes of a command before it is no other command.

    A command is read up to the next one, and twice as far as long as a quote is open there, so the time is linear in ``text``.
    """
    starts = [match.start() for match in CURL.finditer(text)]
    lines = accumulate(text.count("\n", *spot) for spot in pairwise([0, *starts]))
    line_of = dict(zip(starts, lines, strict=True))
    ends = [*starts[1:], len(text)]
    yield from _assigned_keys(text) if starts else ()
    done = 0
    while done < len(starts):
        start, taken = starts[done], 1
        command = split(text[start : ends[done]])
        while done + taken < len(starts) and any(odd.fatal for odd in command.oddities):  # in an open quote
            taken *= 2
            command = split(text[start : ends[min(done + taken, len(starts)) - 1]])
        for odd in _faults(command, hosts):
            yield odd._replace(line=odd.line + line_of[start])
        last = command.stdin or command.words[-1]
        read = line_of[start] + last.line + last.raw.count("\n")  # lines
        done += 1
        while done < len(starts) and line_of[starts[done]] < read:
            done += 1


def _assigned_keys(text: str) -> Iterator[Oddity]:
    """Yield what looks like a real key where a shell's variable gets it: ``export KALEYRA_API_KEY=A1b2…``."""
    reader = Reader(text)
    for match in _KEY_ASSIGNMENT.finditer(text):
        if looks_real(match[1]) and re.search(r"\d", match[1]):
            reader.odd(match.start(1), *_REAL_KEY_ASSIGNED)
    yield from reader.oddities


def _faults(command: Words, hosts: Collection[str]) -> Iterator[Oddity]:
    words, oddities, stdin = command
    messages = [odd.message for odd in oddities]
    inner = messages.index(WITHIN) if WITHIN in messages else len(oddities)  # an inner command has other quotes
    yield from (odd for odd in oddities[:inner] if odd.message != FOLLOWED)
    fatal = any(odd.fatal for odd in oddities)
    for options in requests(parse(words[1:], stdin)):
        yield from (word.oddity(*DASH_SAYS) for word in values(options, TYPOGRAPHIC))
        yield from _key_faults(options)
        yield from _host_faults(options, hosts)
        if WITHIN not in messages:
            yield from _literal_faults(options)
            yield from _request_faults(words[0], options, fatal=fatal)


def _request_faults(command: Word, options: Options, *, fatal: bool) -> Iterator[Oddity]:
    endpoint = next(filter(None, map(_endpoint, values(options, "--url"))), None)
    if endpoint and not fatal:
        yield from _method_faults(endpoint, options)
        yield from _header_faults(endpoint, options)
        yield from _body_faults(endpoint, options)
        yield from _missing(endpoint, command, options)


def _endpoint(url: Word) -> Endpoint | None:
    """Return the endpoint of this API that a URL is for, with any host; None for another URL."""
    address = read_url(url.text if "://" in url.text else f"https://{url.text}")
    return address.endpoint if address else None


# ---- faults of any command


def _key_faults(options: Options) -> Iterator[Oddity]:
    for name, value, word in headers(options):
        if name in KEY_HEADERS and looks_real(value):
            fix = f'write "{name}: ${DEFAULT_KEY_VARIABLE}", and revoke the key'
            yield word.oddity("what looks like a real API key", fix)


def looks_real(key: str) -> bool:
    """Whether ``key`` looks like an API key: 16 or more letters and digits, without a run of one character as a mask."""
    return re.fullmatch(r"[A-Za-z0-9]{16,}", key) is not None and not re.search(r"(.)\1{3}", key)


def _host_faults(options: Options, hosts: Collection[str]) -> Iterator[Oddity]:
    for word in values(options, "--url"):
        match = _HOST.match(word.text)
        host = match[2].lower() if match else ""
        if not match or _is_masked(match[2]) or _EXAMPLE_HOST.search(host) or is_loopback(f"http://{host}"):
            continue
        if f"https://{host}" in hosts:
            if match[1] != "https":
                how = "http" if match[1] else "no scheme, so curl takes http"
                yield word.oddity(f"{how}, by which anyone can read the API key", f"write https://{host}")
        elif match[1] and f"{match[1]}://{host}" not in hosts and (_endpoint(word) or _is_kaleyra(word)):
            yield word.oddity(f"an unknown host, {match[1]}://{host}", f"hosts of pods: {listed(sorted(hosts))}")


def _is_kaleyra(url: Word) -> bool:
    """Whether the URL is for this API: its host names Kaleyra, and its path begins with the API's version."""
    versions = "|".join(re.escape(endpoint.path.partition("/{")[0]) for endpoint in ENDPOINTS)
    found = re.match(rf"https?://([^/]*)({versions})(/|\Z)", url.text, re.IGNORECASE)
    return found is not None and "kaleyra" in found[1].lower()


def _literal_faults(options: Options) -> Iterator[Oddity]:
    """Yield variables in single quotes. A ``$`` in the path of another site's URL is not a variable."""
    for name, word in options:
        if not word.literal or name not in ("--header", "--url"):
            continue
        if name == "--header" or re.match(r"(?:https?://)?[^/?#]*\$", word.text) or _endpoint(word):
            for variable in dict.fromkeys(word.literal):
                yield word.oddity(
                    f"{variable} in single quotes, which is sent as it stands", f'use double quotes: "…{variable}…"'
                )


# ---- faults of a command for this API


def _method_faults(endpoint: Endpoint, options: Options) -> Iterator[Oddity]:
    method = endpoint.method
    for name, word in options:
        if name == "--request" and word.text.upper() != method and not _is_masked(word.text):
            yield word.oddity(f"the method {word.text}; the API takes {method}", f"write -X {method}")
        elif name in _UNPOSTED and endpoint.takes_payload:
            yield word.oddity(f"curl's option {name}, with which nothing is posted", "remove it")


def _header_faults(endpoint: Endpoint, options: Options) -> Iterator[Oddity]:
    right = endpoint.media_type
    for name, value, word in headers(options) if right else ():
        kind = value.partition(";")[0].strip().lower()
        if name == CONTENT_TYPE.lower() and kind not in ("", right) and not _is_masked(value):
            yield word.oddity(f"the {CONTENT_TYPE} {value}; the API takes {right}", f"write '{CONTENT_TYPE}: {right}'")


def _missing(endpoint: Endpoint, command: Word, options: Options) -> Iterator[Oddity]:
    """Yield the parts that the command lacks; none if they may be in a file or in a variable."""
    if _may_be_elsewhere(options):
        return
    key, right = endpoint.key_header, endpoint.media_type
    given = {name for name, value, _ in headers(options) if value}
    if right and CONTENT_TYPE.lower() not in given and not values(options, "--json"):
        form = ", so curl says application/x-www-form-urlencoded" if values(options, *BODIES) else ""
        yield command.oddity(f"no {CONTENT_TYPE}{form}", f"add -H '{CONTENT_TYPE}: {right}'")
    if key not in given:
        yield command.oddity(f"no {key}", f'add -H "{key}: ${DEFAULT_KEY_VARIABLE}"')
    if right and not values(options, *BODIES, *FORMS):
        sends = "" if values(options, "--request", *_UNPOSTED) else ", so curl sends GET"
        yield command.oddity(f"no payload{sends}", "add --data-raw '{…}'; kshell render prints one")


def _may_be_elsewhere(options: Options) -> bool:
    """Whether headers or the payload may come from a file, a variable, or words that are left out."""
    other_url = any(not _endpoint(word) for word in values(options, "--url"))
    open_header = any(
        ":" not in word.text for word in values(options, "--header") if _is_masked(word.text) or word.text[:1] == "@"
    )
    return other_url or open_header or bool(values(options, "--config"))


def _is_masked(text: str) -> bool:
    """Whether ``text`` contains a placeholder or a masked value."""
    return bool(STAND_IN.search(text) or _MASKED.search(text))


# ---- the payload


def _body_faults(endpoint: Endpoint, options: Options) -> Iterator[Oddity]:
    parts = bodies(options)
    if not endpoint.takes_payload:
        yield from (word.oddity("a payload, which the API does not take here", "remove it") for _, word in parts)
        return
    for word in values(options, *FORMS):
        yield word.oddity("a form; the API takes JSON", "write --data-raw '{…}'")
    if parts and not any(is_file(name, word) for name, word in parts):
        yield from _payload_faults(endpoint, body_text(parts), parts[0][1])


def _payload_faults(endpoint: Endpoint, text: str, word: Word) -> Iterator[Oddity]:
    if word.literal == (text,):
        yield word.oddity(f"{text} in single quotes, which is sent as it stands", f'use double quotes: "{text}"')
    elif '"' not in text and EATEN.match(word.raw):
        yield word.oddity(*EATEN_SAYS)
    elif not _BARE.search(_STRING.sub("", text)):
        yield from _json_faults(endpoint, text, word)


def _json_faults(endpoint: Endpoint, text: str, word: Word) -> Iterator[Oddity]:
    try:
        payload = _read(text)
    except json.JSONDecodeError as error:
        at = word.place(min(error.pos, len(word.text)))
        yield Oddity(*at, f"the payload is not JSON: {error.msg}", "look at its quotes and commas")
    except ValueError as error:
        why = f": {error}" if isinstance(error, NotJsonError) else ""
        yield word.oddity(f"the payload is not JSON{why}", "look at its quotes and commas")
    else:
        yield from _api_faults(endpoint, payload, word)


def _api_faults(endpoint: Endpoint, payload: Json, word: Word) -> Iterator[Oddity]:
    if not isinstance(payload, dict):
        yield word.oddity("the payload is not a JSON object", "a payload begins with { and ends with }")
        return
    literal = set(word.literal)
    for text in recipients_of(endpoint, payload):  # any other text may have a $ of its own
        if text in literal:
            fix = f"end the single quotes for it: '\"{text}\"'"
            yield word.oddity(f"{text} in single quotes, which is sent as it stands", fix)
    for finding in check(endpoint, payload):
        if finding.severity == "error" and not _is_open(finding, payload):
            yield word.oddity(f"{finding.pointer} {finding.message}", finding.fix)


def _is_open(finding: Finding, payload: Json) -> bool:
    """Whether a finding is about a placeholder."""
    inside = "" if finding.code == "otp-twice" else finding.pointer  # the finding names one of the two places
    return any(_is_masked(text) for place, text in _texts(payload) if f"{place}/".startswith(f"{inside}/"))


def _texts(value: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string inside of a JSON value, after its JSON pointer."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _texts(item, f"{pointer}/{token(str(step))}")
