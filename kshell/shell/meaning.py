"""What a typed line means that another program taught: ``to=+91…`` alone, ``?``, ``q``, a curl command from elsewhere."""

import re

from kshell.syntax.command_table import OTHER_WORDS

_ASSIGNMENT = re.compile(r"\s*[A-Za-z_]\w*=")
# not followed by a variable or an option of kshell's own curl
_CURL = re.compile(
    r"\s*(?:\$ )?(curl(?:\.exe)?\s+(?![A-Za-z_]\w*=|-[apth]\b|--(?:account|pod|template|shell|compact|strict|help)\b).*)",
    re.DOTALL,
)
# a URL as a word of its own, or an option that only the program curl has
_ELSEWHERE = re.compile(
    r"""\s['"$]*https?://|\s(?:-[XHd]|--(?:request|header|data|data-raw|data-binary|url|location))[\s'"=]"""
)


def meant(line: str) -> str:
    """Return the line of kshell that ``line`` means; ``line`` itself where it is one, or means nothing known."""
    if _ASSIGNMENT.match(line):
        return f"set {line.lstrip()}"
    first, *rest = line.split(maxsplit=1) or [""]
    return " ".join([OTHER_WORDS[first], *rest]) if first in OTHER_WORDS else line


def curl_from_elsewhere(text: str) -> str:
    """Return the curl command that ``text`` is, if kshell's own ``curl`` cannot take it; else ``""``."""
    command = _CURL.fullmatch(text)
    return command[1] if command and _ELSEWHERE.search(text.partition(" | ")[0]) else ""
