"""Find faults in a curl command of a document: it fails when it is pasted, or the API will refuse it.

Only what is certain is a fault. A placeholder (``<sid>``, ``$KEY``, ``TO_NUMBER``) is right. Nothing is reported as missing
where it may stand in a file or in a variable.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from kshell.api.request import KEY_HEADER, read_url
from kshell.api.rules import check, recipients_of, token
from kshell.core.errors import KshellError, listed
from kshell.core.models import is_loopback
from kshell.curl.options import BODIES, STAND_IN, Options, headers, is_file, parse, values
from kshell.curl.words import FOLLOWED, WITHIN, Oddity, Word, split
from kshell.profiles.profiles import load_pod

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from kshell.core.models import Finding, Json
    from kshell.profiles.files import Places

CURL = re.compile(r"^[ \t]*(?:[$%>][ \t]+)?curl(?:\.exe)?(?=\s)", re.MULTILINE)

_JSON = "application/json"
_FORMS = ("--form", "--data-urlencode")
_UNPOSTED = ("--get", "--head")
_HOST = re.compile(r"(?:(https?)://)?([A-Z0-9-]+(?:\.[A-Z0-9-]+)+(?::\d+)?)(?=[/?#]|\Z)", re.IGNORECASE)
_NOBODY_S = re.compile(r"(^|\.)example(\.(com|net|org))?(:|\Z)")  # RFC 2606: for documentation
_MASKED = re.compile(r"[Xx*]{2,}|\b[A-Z]+_[A-Z_]+\b|…|\.\.\.")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(rf"{STAND_IN.pattern}|{_MASKED.pattern}|\b[A-Z]{{2,}}\b|<|\{{%")
_EATEN = re.compile(r'[^\'"\\]*"\s*\{\s*"')  # "{"… : the second quote ends what the first began


def hosts_of(places: Places) -> set[str]:
    """The base URLs of all pods, in lower case; pods that cannot be read are left out."""
    hosts: set[str] = set()
    for name in places.names("pod"):
        with suppress(KshellError):
            hosts.add(load_pod(places, name).base_url.lower())
    return hosts


def faults(text: str, hosts: Collection[str]) -> Iterator[Oddity]:
    """The faults of the curl command at the beginning of ``text``."""
    words, oddities = split(text)
    messages = [odd.message for odd in oddities]
    inner = messages.index(WITHIN) if WITHIN in messages else len(oddities)  # whose quotes are its own
    yield from (odd for odd in oddities[:inner] if odd.message != FOLLOWED)
    options = parse(words[1:])
    yield from _key_faults(options)
    yield from _host_faults(options, hosts)
    if WITHIN in messages:
        return
    yield from _literal_faults(options)
    ours = any(_is_ours(word) for word in values(options, "--url"))
    if ours and not any(odd.fatal for odd in oddities):
        yield from _method_faults(options)
        yield from _header_faults(options)
        yield from _body_faults(options)
        yield from _missing(words[0], options)


def _is_ours(url: Word) -> bool:
    """Whether ``url`` has the path of this API, on any host."""
    return bool(read_url(url.text if "://" in url.text else f"https://{url.text}").sid)


# ---- faults of any command


def _key_faults(options: Options) -> Iterator[Oddity]:
    for name, value, word in headers(options):
        if name == KEY_HEADER and looks_real(value):
            yield word.oddity("what looks like a real API key", 'write "api-key: $KALEYRA_API_KEY", and revoke the key')


def looks_real(key: str) -> bool:
    """Whether ``key`` looks like an API key: 16 or more letters and digits, without a run of one character as a mask."""
    return re.fullmatch(r"[A-Za-z0-9]{16,}", key) is not None and not re.search(r"(.)\1{3}", key)


def _host_faults(options: Options, hosts: Collection[str]) -> Iterator[Oddity]:
    for word in values(options, "--url"):
        found = _HOST.match(word.text)
        host = found[2].lower() if found else ""
        if not found or _stands_in(found[2]) or _NOBODY_S.search(host) or is_loopback(f"http://{host}"):
            continue
        if f"https://{host}" in hosts:
            if found[1] != "https":
                how = "http" if found[1] else "no scheme, so curl takes http"
                yield word.oddity(f"{how}, by which anyone can read the API key", f"write https://{host}")
        elif found[1] and f"{found[1]}://{host}" not in hosts and (_is_ours(word) or _looks_ours(word)):
            yield word.oddity(f"an unknown host, {found[1]}://{host}", f"hosts of pods: {listed(sorted(hosts))}")


def _looks_ours(url: Word) -> bool:
    """Whether the URL means this API: its host names Kaleyra, and its path begins with the API's version."""
    return re.match(r"https?://[^/]*kaleyra[^/]*/v2(/|\Z)", url.text, re.IGNORECASE) is not None


def _literal_faults(options: Options) -> Iterator[Oddity]:
    """Variables in single quotes. A ``$`` in the path of another site's URL is not one."""
    for name, word in options:
        for variable in dict.fromkeys(word.literal):
            in_host = re.match(r"(?:https?://)?[^/?#]*\$", word.text)
            if name == "--header" or (name == "--url" and (in_host or _is_ours(word))):
                yield word.oddity(
                    f"{variable} in single quotes, which is sent as it stands", f'use double quotes: "…{variable}…"'
                )


# ---- faults of a command for this API


def _method_faults(options: Options) -> Iterator[Oddity]:
    for name, word in options:
        if name == "--request" and word.text.upper() != "POST" and not _stands_in(word.text):
            yield word.oddity(f"the method {word.text}; the API takes POST", "write -X POST")
        elif name in _UNPOSTED:
            yield word.oddity(f"curl's option {name}, with which nothing is posted", "remove it")


def _header_faults(options: Options) -> Iterator[Oddity]:
    for name, value, word in headers(options):
        kind = value.partition(";")[0].strip().lower()
        if name == "content-type" and kind not in ("", _JSON) and not _stands_in(value):
            yield word.oddity(f"the Content-Type {value}; the API takes {_JSON}", f"write 'Content-Type: {_JSON}'")


def _missing(command: Word, options: Options) -> Iterator[Oddity]:
    """The parts that the command lacks; none if they may stand in a file or in a variable."""
    if _unseen(options):
        return
    given = {name for name, value, _ in headers(options) if value}
    if "content-type" not in given and not values(options, "--json"):
        form = ", so curl says application/x-www-form-urlencoded" if values(options, *BODIES) else ""
        yield command.oddity(f"no Content-Type{form}", f"add -H 'Content-Type: {_JSON}'")
    if KEY_HEADER not in given:
        yield command.oddity("no api-key", 'add -H "api-key: $KALEYRA_API_KEY"')
    if not values(options, *BODIES, *_FORMS):
        sends = "" if values(options, "--request", *_UNPOSTED) else ", so curl sends GET"
        yield command.oddity(f"no payload{sends}", "add --data-raw '{…}'; kshell render prints one")


def _unseen(options: Options) -> bool:
    """Whether headers or the payload may come from a file, a variable, or words that are left out."""
    strange = any(not _is_ours(word) for word in values(options, "--url"))
    loose = any(
        ":" not in word.text for word in values(options, "--header") if _stands_in(word.text) or word.text[:1] == "@"
    )
    return strange or loose or bool(values(options, "--config"))


def _stands_in(text: str) -> bool:
    """Whether ``text`` contains a placeholder or a masked value."""
    return bool(STAND_IN.search(text) or _MASKED.search(text))


# ---- the payload


def _body_faults(options: Options) -> Iterator[Oddity]:
    for word in values(options, *_FORMS):
        yield word.oddity("a form; the API takes JSON", "write --data-raw '{…}'")
    bodies = [(name, word) for name, word in options if name in BODIES]
    if bodies and not any(is_file(name, word) for name, word in bodies):
        text = "&".join(word.text for _, word in bodies)
        yield from _payload_faults(text, bodies[0][1])


def _payload_faults(text: str, word: Word) -> Iterator[Oddity]:
    if word.literal == (text,):
        yield word.oddity(f"{text} in single quotes, which is sent as it stands", f'use double quotes: "{text}"')
    elif '"' not in text and _EATEN.match(word.raw):
        yield word.oddity(
            "double quotes around the payload, which end at the first one in it", "use single quotes: '{…}'"
        )
    elif not _BARE.search(_STRING.sub("", text)):
        yield from _json_faults(text, word)


def _json_faults(text: str, word: Word) -> Iterator[Oddity]:
    try:
        payload = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        at = word.place(min(error.pos, len(word.text)))
        yield Oddity(*at, f"the payload is not JSON: {error.msg}", "look at its quotes and commas")
    except (ValueError, RecursionError):
        yield word.oddity("the payload is not JSON", "look at its quotes and commas")
    else:
        yield from _api_faults(payload, word)


def _api_faults(payload: Json, word: Word) -> Iterator[Oddity]:
    if not isinstance(payload, dict):
        yield word.oddity("the payload is not a JSON object", "a payload begins with { and ends with }")
        return
    for text in recipients_of(payload):  # any other text may have a $ of its own
        if text in word.literal:
            fix = f"end the single quotes for it: '\"{text}\"'"
            yield word.oddity(f"{text} in single quotes, which is sent as it stands", fix)
    for finding in check(payload):
        if finding.severity == "error" and not _is_open(finding, payload):
            yield word.oddity(f"{finding.pointer} {finding.message}", finding.fix)


def _is_open(finding: Finding, payload: Json) -> bool:
    """Whether a finding is about a placeholder."""
    texts = _texts(_value(payload, finding.pointer))
    if finding.code == "otp-twice":  # the finding names one of the two places
        texts = _texts(payload)
    return any(_stands_in(text) for text in texts)


def _value(value: Json, pointer: str) -> Json:
    """The value at a JSON pointer; None if there is none."""
    for step in pointer.split("/")[1:]:
        names = {token(name): name for name in value} if isinstance(value, dict) else {}
        if step in names and isinstance(value, dict):
            value = value[names[step]]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _texts(value: Json) -> Iterator[str]:
    """Every string inside of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
