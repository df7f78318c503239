"""Find where the curl commands of a text begin: after a prompt, assignments, ``sudo``, ``cd x &&``, ``x=$(`` or a fence."""

import re

_QUOTED = r"""'[^'\n]*+'|"(?:[^"\\\n]|\\.)*+\""""
_PROMPT = r"(?:(?:PS[ ])?[\w@:~/.\\-]*+[$%>][ \t]++|[\w@:~/.-]++\#[ \t]++|[A-Z]:\\[^\n>'\"]*+>[ \t]*+)"
_ASSIGNMENT = rf"(?:\w++=(?:[^\s'\"`;&|()$]|\$(?!\()|{_QUOTED})*+[ \t]++)"
_WRAPPER = (
    r"(?:(?:time|sudo|env|command|exec|nohup|nice|timeout|watch|then|do|else|if|elif|while|until|!|\{)"
    r"(?:[ \t]++(?:-u[ \t]++\S++|-\S*+|\d[\w.]*+))*+[ \t]++|\([ \t]*+)"
)
_CURL = (
    rf"(?:{_ASSIGNMENT}|{_WRAPPER}|\$\w++[ \t]*+=[ \t]*+)*+(?:\w++=\"?\$\([ \t]*+)?"
    r"(?P<curl>(?:[\w.:/\\~-]*[/\\])?curl(?:\.exe)?)(?=\s|\Z)"
)
_OTHER = rf"(?!{_CURL.replace('?P<curl>', '?:')})(?:[^\n'\"`#;&|\\]|\\.|{_QUOTED})++(?:&&|\|\|?|;)[ \t]*+"

_BEFORE = rf"(?P<prompt>{_PROMPT}{{0,2}}+)(?:(?:['\"]@[ \t]*+)?(?:\|\|?|&&)[ \t]*+)?"
CURL = re.compile(rf"^[ \t]*+{_BEFORE}(?:{_OTHER})*+{_CURL}", re.MULTILINE)
"""A line up to the curl command in it; the group ``curl`` is its first word."""

# PowerShell: an assignment, or the end of a here-string or a quoted text that is piped
_NEEDED = re.compile(rf"^[ \t]*\$\w+[ \t]*=[ \t]*['\"@$]|^(?:['\"]@|[ \t]*{_QUOTED})[ \t]*\|", re.MULTILINE)
_SOURCE = re.compile(rf"(?:\bcat[ \t]*(<<-?[ \t]*[\w'\"]+)|\becho(?:[ \t]+-n)?[ \t]+({_QUOTED}))[ \t]*\|[ \t]*\Z")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*", re.MULTILINE)
_PROMPTED = re.compile(r"(?:\n>[^\n]*)+")


def first_command(text: str) -> str:
    """Return ``text`` with blanks for what is before its first curl command, and without what is after its fence.

    Line and column of the command stay. What ``cat`` or ``echo`` pipe into it becomes a redirection of its stdin.
    """
    match = CURL.search(text)
    if not match:
        return text
    start = match.start("curl")
    *_, fence = (None, *_FENCE.finditer(text, 0, start))
    end = re.compile(rf"^[ \t>]*{fence[1]}", re.MULTILINE).search(text, start) if fence else None
    rest = text[start : end.start()].rstrip() if end else text[start:]
    first = fence.end() if fence else 0
    if _NEEDED.search(text, first, start):
        return _blank(text[:first]) + text[first:start] + rest
    if match["prompt"]:
        line, line_break, others = rest.partition("\n")
        rest = line + _PROMPTED.sub(lambda lines: lines[0].replace("\n>", "\n "), f"{line_break}{others}", count=1)
    blank = _blank(text[:start])
    source = _SOURCE.search(text[:start], match.start())
    if source and source[1]:
        blank = f"{blank[: source.start(1)]}{source[1]}{' ' * (start - source.end(1))}"
    elif source:
        blank = f"{blank[: source.start(2) - 4]}<<< {source[2]}{' ' * (start - source.end(2))}"
    return blank + rest


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
