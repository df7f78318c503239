"""Payloads for the proof of snippets: hostile texts by kind, and a generator of random payloads."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from kshell.api.authentication.answers import ANSWERS
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.authentication.fields import API_KEY, SID
from kshell.api.request import build
from kshell.core.endpoint import Endpoint
from kshell.core.models import Account, Origin, OtpPolicy, Pod, Request, Secret

NOWHERE = Origin(Path("nowhere"), "here")
KEY = "Acanary00000000000000000000000key"

QUOTES = [
    "'",
    '"',
    "''",
    '"""',
    "'''",
    '\\"',
    "\\'",
    "'\"'\"'",
    "\u2018\u2019",
    "\u201c\u201d",
    "\u201a\u201b",
    "a'b\"c\\d",
    "$'x'",
    "'\\''",
    '""',
]
DOLLARS = [
    "$HOME",
    "$",
    "$$",
    "${HOME}",
    "$(id)",
    "J$FpnYnP",
    "$env:PATH",
    "$0",
    "$!",
    "$?",
    "$'\\n'",
    '$"x"',
    "${{x}}",
    "$((1))",
    "$@",
]
BACKTICKS = [
    "`id`",
    "`",
    "``",
    "```",
    "a`b",
    "`\n",
    "`$(x)`",
    "`'",
    '`"',
    "`\\",
    "x`",
    "`n",
    "`0",
    "````",
    "` `",
]
BANGS = ["!", "!!", "!$", "!x", "a!b", "!-1", "!?x?", "^a^b", "!PATH!", "'!'", '"!"', "\\!", "!\n!", "!#", "! !"]
PERCENTS = [
    "%",
    "%%",
    "%PATH%",
    "%1",
    "%*",
    "%~dp0",
    "100%",
    "%s",
    "%n",
    "%2B",
    "%0a",
    "%%PATH%%",
    "%=%",
    "%PATH:~0,1%",
    "% %",
]
CARETS = ["^", "^^", "^\n", "a^b", '^"', "^%", "^!", "^&", "^|", "^<", "^>", "^(", "x^", "^ ", "^^^"]
AMPERSANDS = ["&", "&&", "a&b", "|", "||", "<x", ">x", ">>x", ";", "(x)", "{x}", "[x]", "&!", "2>&1", "|&"]
NEWLINES = [
    "\n",
    "a\nb",
    "\n\n",
    "x\n",
    "\nx",
    "a\n'b",
    'a\n"b',
    "\n!x",
    "\\\n",
    "a \\ \nb",
    "\n#c",
    "\n'@\n",
    "\nEOF\n",
    "\n```\n",
    "\nJSON;\n",
]
RETURNS = [
    "\r",
    "\r\n",
    "a\rb",
    "\r\r",
    "x\r",
    "\rx",
    "\r'",
    '\r"',
    "\r!",
    "\\\r",
    "\r\n\r\n",
    "\t\r",
    "\r`",
    "\r$x",
    "\v\f\r",
]
NULS = [
    "\0",
    "a\0b",
    "\0\0",
    "x\0",
    "\0x",
    "\0'",
    '\0"',
    "\\0",
    "\\\0",
    "\0\n",
    "\0\x01",
    "\x01",
    "\x02\x03",
    "\x1b[31m",
    "\x1b]0;t\a",
]
DELS = [
    "\x7f",
    "a\x7fb",
    "\x7f\x7f",
    "x\x7f",
    "\x7fx",
    "\x7f'",
    '\x7f"',
    "\b",
    "\a",
    "\t",
    "a\tb",
    "\t\t",
    "\x1b",
    "\x1f",
    "\x7f\n",
]
C1 = [chr(code) for code in (*range(0x80, 0x8B), 0x90, 0x9B, 0x9D, 0x9F)]
BIDI = [*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff"]
SURROGATES = [
    "\ud800",
    "\udfff",
    "\udc00",
    "\udbff",
    "a\ud800b",
    "\ud800\ud800",
    "\udc00\ud800",
    "\ud800'",
    "\udcff\n",
    "\ud83d",
    "\ude00",
    "x\udfff",
    "\udfffx",
    "\ud800\\",
    "\udc80",
]
EMOJI = [
    "😀",
    "👩‍👩‍👧",
    "🇮🇳",
    "é",
    "e\u0301",
    "漢字",
    "नमस्ते",
    "😀'",
    '😀"',
    "\U0010ffff",
    "\U0001f600\n",
    "́",
    "\u00a0",
    "\u3000",
    "﷽",
]

CORPUS = {
    "quotes": QUOTES,
    "dollars": DOLLARS,
    "backticks": BACKTICKS,
    "bangs": BANGS,
    "percents": PERCENTS,
    "carets": CARETS,
    "ampersands": AMPERSANDS,
    "newlines": NEWLINES,
    "returns": RETURNS,
    "nuls": NULS,
    "dels": DELS,
    "c1": C1,
    "bidi": BIDI,
    "surrogates": SURROGATES,
    "emoji": EMOJI,
}

TYPED = {kind: texts for kind, texts in CORPUS.items() if kind != "surrogates"}  # a variable's value is valid UTF-8

_ALPHABET = [
    *"'\"\\$`!%^&|<>(){}[];,:=@#~*?/-+_. \n\r\t\0\x7f\x1b",
    *"abcXYZ019",
    "\u2019",
    "\u202e",
    "\x9b",
    "\ud800",
    "é",
    "😀",
    "{{",
    "}}",
    "\\u",
]


def payload(text: str, *, otp: str = "482913", more: Any = None) -> dict[str, Any]:
    """Return the page's message with ``text`` in every place that takes any text, also as a field's name."""
    parameters = [{"type": "text", "text": otp}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    message = {"messaging_product": "whatsapp", "to": "+919812345678", "type": "template", "template": template}
    extra = {"ref": text, "ref1": f"a {text}", "ref2": f"{text} z", text: more}
    return {"messaging_object": message, "extra_info": extra}


def hostile() -> list[dict[str, Any]]:
    """Return a payload for each text of the corpus, with the text as the code too."""
    return [payload(text, otp=text) for texts in CORPUS.values() for text in texts]


def by_kind() -> list[dict[str, Any]]:
    """Return one payload for each kind of the corpus."""
    return [payload(texts[0], otp=texts[-1], more=[{text: f"{text} z"} for text in texts]) for texts in CORPUS.values()]


def everything() -> dict[str, Any]:
    """Return the whole corpus in one payload."""
    return payload("everything", more={kind: [{text: text} for text in texts] for kind, texts in CORPUS.items()})


def exact(value: Any) -> Any:
    """Return ``value`` without what a program's language cannot send exactly: half characters and integers above 2**53 - 1."""
    if isinstance(value, dict):
        return {exact(name): exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, str):
        return value.encode(errors="ignore").decode()
    return value if value is None or isinstance(value, bool | float) else max(-(2**53) + 1, min(value, 2**53 - 1))


def proof() -> list[dict[str, Any]]:
    """Return the payloads of a proof: each text and KSHELL_PAYLOADS generated payloads, or fewer without that variable."""
    count = os.environ.get("KSHELL_PAYLOADS")
    return [*hostile(), *generated(int(count))] if count else [*by_kind(), *generated(15)]


def generated(count: int, seed: int = 5) -> list[dict[str, Any]]:
    """Return payloads of random text and random JSON, the same for the same seed."""
    source = random.Random(seed)  # noqa: S311 - the same payloads every time
    return [payload(_text(source), otp=_text(source), more=_json(source, 2)) for _ in range(count)]


def _text(source: random.Random) -> str:
    return "".join(source.choice(_ALPHABET) for _ in range(source.randrange(12)))


def _json(source: random.Random, depth: int) -> Any:
    kind = source.randrange(9 if depth else 6)
    if kind == 6:
        return [_json(source, depth - 1) for _ in range(source.randrange(3))]
    if kind > 6:
        return {_text(source): _json(source, depth - 1) for _ in range(source.randrange(3))}
    return (None, True, False, source.randrange(-(10**18), 10**18), source.randrange(10) / 8, _text(source))[kind]


def request_of(url: str, body: dict[str, Any], number: int = 0, secret: Secret | None = None) -> Request:
    """Return a request for ``body``, with ``number`` in its URL to identify it."""
    return build(SEND_AUTHENTICATION, _pod(url), _account(number, secret), body)


LIST_TEMPLATES = Endpoint(
    name="list-templates",
    title="List templates",
    summary="List the templates of a business account",
    method="GET",
    path="/v2/{sid}/whatsapp/{waba_id}/message_templates",
    key_header="api-key",
    media_type="",
    success=200,
    message_id="",
    fields=(SID, API_KEY),
    rules={},
    answers=tuple(answer for answer in ANSWERS if answer.code in ("WA200", "RBC001")),
)
"""An endpoint without a payload, from the vendor's page *WhatsApp templates API V2*. kshell has no command for it."""


def request_without_payload(url: str) -> Request:
    """Return a request to ``LIST_TEMPLATES``."""
    return build(LIST_TEMPLATES, _pod(url), _account(), {}, {"waba_id": "1234567"})


def _pod(url: str) -> Pod:
    return Pod("test", "", url, embedded=False, proxy="", origin=NOWHERE)


def _account(number: int = 0, secret: Secret | None = None) -> Account:
    key = secret or Secret("env", "KALEYRA_API_KEY")
    return Account("test", "", "test", f"HX{number}IN", key, "+911234567890", "auth", {}, OtpPolicy(), NOWHERE)
