"""Secrets that every test runs with, and the search for them, in every spelling, in all that a test left or said.

The keys may be nowhere but where ``--reveal`` was typed; the code and the number in no file that kshell writes: what it keeps
in the user's folder, cassettes, reports and recordings.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from kshell.snippets import posix_quote

KEY = "Acanary'\"\\/+%&=$7f3d9key"  # every spelling of it is another text
SHIPPED_KEY = "Asandbox0000000000000000000000000"  # the accounts of the simulator have it
CODE = "482913"
NUMBER = "+919812345678"  # most tests send to it


def spellings(secret: str) -> set[str]:
    """The secret plain, URL-encoded, JSON-escaped, shell-quoted, as Python shows it, and in base64 wherever it begins."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    quoted = (shlex.quote(secret), posix_quote(secret), repr(secret))
    found |= {text.strip("'\"") for text in quoted} | {repr(raw)[2:-1]}  # the quotes may stand around more than it
    found.add(re.sub("[^A-Za-z0-9]", lambda match: f"\\u{ord(match[0]):04x}", secret))
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode()
        inner = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]  # what its neighbours have no part in
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


@cache
def _pattern(*secrets: str) -> re.Pattern[bytes]:
    """What matches any spelling of any of them."""
    texts = set().union(*map(spellings, secrets))
    return re.compile(b"|".join(re.escape(text.encode()) for text in sorted(texts, key=len, reverse=True)))


def shown(said: bytes) -> str:
    """The first spelling of a key in what was said, with what stands before it; empty where there is none."""
    return _found(_pattern(KEY, SHIPPED_KEY), said)


def kept(folder: Path) -> list[str]:
    """Every file below ``folder`` that holds what it may not, with the place."""
    found: list[str] = []
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            held = file.read_bytes()
            hit = shown(held) or (_found(_pattern(CODE, NUMBER, NUMBER[1:]), held) if _is_own(file, held) else "")
            found += [f"{file}: {hit}"] if hit else []
    return found


# how what kshell writes begins, and nothing that a test writes by hand
_BEGINNINGS = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kshell run"',
    b'{\n  "kshell": "',
    b'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    b"TAP version 14\n",
    b"# kshell run FILE --var ",  # a recording that wants something
)


def _is_own(file: Path, held: bytes) -> bool:
    """Whether kshell wrote it: below the user's folder, but for profiles; or a cassette, a report or a recording."""
    own = ".config/kshell/" in file.as_posix() and "profiles" not in file.parts and "templates" not in file.parts
    return own or b"interactions:" in held[:4096] or held.startswith(_BEGINNINGS)


def _found(pattern: re.Pattern[bytes], held: bytes) -> str:
    match = pattern.search(held)
    return repr(held[max(match.start() - 40, 0) : match.end()]) if match else ""
