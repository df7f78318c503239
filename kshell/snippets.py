r"""Request -> text for a tool and a shell: what is pasted makes exactly the request that ``send`` makes.

The request's body is JSON, so a character that a shell cannot quote is written ``\uXXXX`` and stays the same value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kshell.jsontext import dumps
from kshell.models import Secret

if TYPE_CHECKING:
    from kshell.models import Request

# Inside single quotes: ' ends the quote; two backslashes are one in fish; an interactive bash may expand ! in a line
# after the first, and a backtick is an eyesore to whoever reads the snippet.
POSIX_AVOID = "'\\!`"


def curl(request: Request, *, key: str | None = None, compact: bool = False) -> str:
    """A curl command for bash, dash, zsh and fish, ending without a newline.

    ``key`` is the API key to print; without it the line reads the key from the account's environment variable.
    ``compact`` puts everything on one line.
    """
    body = dumps(json.loads(request.body), indent=None if compact else 2, avoid=POSIX_AVOID)
    words = [f"curl -X {request.method} {posix_quote(request.url)}"]
    words += [f"-H {_header(name, value, key)}" for name, value in request.headers]
    words.append(f"--data-raw '{body}'")
    return (" " if compact else " \\\n  ").join(words)


def posix_quote(text: str) -> str:
    """``text`` as one word that bash, dash, zsh and fish read alike; it holds no line break."""
    # in single quotes fish reads \\ as one backslash and \' as a quote; in double quotes all four read \\ as one
    return "'" + text.replace("\\", "\0").replace("'", "'\"'\"'").replace("\0", "'\"\\\\\"'") + "'"


def _header(name: str, value: str | Secret, key: str | None) -> str:
    if not isinstance(value, Secret):
        return posix_quote(f"{name}: {value}")
    return posix_quote(f"{name}: {key}") if key is not None else f'"{name}: ${value.variable}"'
