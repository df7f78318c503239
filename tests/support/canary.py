"""Canary secrets for every test, and the search for every spelling of them in the output and files of a test.

A key may appear only in the output of a command with ``--reveal``. The code and the number may not be in files that kshell
writes: those in the user's folder, cassettes, reports and recordings.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_plus

from support.random_parts import without_random_parts

from kshell.snippets.shells import posix_quote

KEY = "Acanary'\"\\/+%&=$7f3d9key"  # each spelling of it is a different text
SHIPPED_KEY = "Asandbox0000000000000000000000000"  # the accounts of the simulator have it
CODE = "482913"
NUMBER = "+919812345678"  # most tests send to it


def spellings(secret: str) -> set[str]:
    """Return the secret plain, URL-encoded, JSON-escaped, quoted for a shell and Python, and in base64 at each offset."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
    quoted = (shlex.quote(secret), posix_quote(secret), repr(secret))
    found |= {text.strip("'\"") for text in quoted} | {repr(raw)[2:-1]}  # the quotes may enclose more than the secret
    found.add(re.sub("[^A-Za-z0-9]", lambda match: f"\\u{ord(match[0]):04x}", secret))
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw).decode()
        inner = coded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]  # independent of its neighbours
        found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return found


@cache
def _pattern(*secrets: str) -> re.Pattern[bytes]:
    """Return a pattern that matches any spelling of any of these secrets."""
    texts = set().union(*map(spellings, secrets))
    return re.compile(b"|".join(re.escape(text.encode()) for text in sorted(texts, key=len, reverse=True)))


def shown(output: bytes) -> str:
    """Return the first spelling of a key in ``output`` with the text before it, or ``""``."""
    return _found(_pattern(KEY, SHIPPED_KEY), output)


def kept(folder: Path) -> list[str]:
    """Return every file below ``folder`` that has a secret it must not have, with the text around the secret."""
    found: list[str] = []
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            held = file.read_bytes()
            hit = shown(held) or (_private_in(held) if _is_own(file, held) else "")
            found += [f"{file}: {hit}"] if hit else []
    return found


# the beginnings of files that kshell writes and that no test writes by hand
_BEGINNINGS = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kshell run"',
    b'{\n  "kshell": "',
    b'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
    b"TAP version 14\n",
    b"# kshell run FILE --var ",  # a recording that needs variables
)


def _is_own(file: Path, held: bytes) -> bool:
    """Return whether kshell wrote the file: in the user's folder except profiles, or a cassette, report or recording."""
    own = ".config/kshell/" in file.as_posix() and "profiles" not in file.parts and "templates" not in file.parts
    return own or b"interactions:" in held[:4096] or held.startswith(_BEGINNINGS)


def _private_in(held: bytes) -> str:
    """Return the first spelling of the code or the number outside of random parts, with the text before it, or ``""``."""
    text = without_random_parts(held.decode("latin-1"))
    return _found(_pattern(CODE, NUMBER, NUMBER[1:]), text.encode("latin-1"))


def _found(pattern: re.Pattern[bytes], held: bytes) -> str:
    match = pattern.search(held)
    return repr(held[max(match.start() - 40, 0) : match.end()]) if match else ""
