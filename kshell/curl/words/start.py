"""Find where the curl commands of a text begin: after a prompt, assignments, ``sudo``, ``cd x &&``, ``x=$(`` or a fence."""

from __future__ import annotations

import re

_QUOTED = r"""'[^'\n]*+'|"(?:[^"\\\n]|\\.)*+\""""
_PROMPT = r"(?:(?:PS[ ])?[\w@:~/.\\-]*+[$%>][ \t]++|[\w@:~/.-]++\#[ \t]++)"
_ASSIGNMENT = rf"(?:\w++=(?:[^\s'\"`;&|()$]|\$(?!\()|{_QUOTED})*+[ \t]++)"
_WRAPPER = (
    r"(?:(?:time|sudo|env|command|exec|nohup|nice|timeout|watch|then|do|else|if|elif|while|until|!|\{)"
    r"(?:[ \t]++(?:-u[ \t]++\S++|-\S*+|\d[\w.]*+))*+[ \t]++|\([ \t]*+)"
)
_CURL = (
    rf"(?:{_ASSIGNMENT}|{_WRAPPER})*+(?:\w++=\"?\$\([ \t]*+)?(?P<curl>(?:[\w.:/\\~-]*[/\\])?curl(?:\.exe)?)(?=\s|\Z)"
)
_OTHER = rf"(?!{_CURL.replace('?P<curl>', '?:')})(?:[^\n'\"`#;&|\\]|\\.|{_QUOTED})++(?:&&|\|\|?|;)[ \t]*+"

CURL = re.compile(rf"^[ \t]*+(?P<prompt>{_PROMPT}{{0,2}}+)(?:(?:\|\|?|&&)[ \t]*+)?(?:{_OTHER})*+{_CURL}", re.MULTILINE)
"""A line up to the curl command in it; the group ``curl`` is its first word."""

_ASSIGNED = re.compile(r"^[ \t]*\$\w+ = '", re.MULTILINE)  # PowerShell
_SOURCE = re.compile(rf"(?:\bcat[ \t]*(<<-?[ \t]*[\w'\"]+)|\becho(?:[ \t]+-n)?[ \t]+({_QUOTED}))[ \t]*\|[ \t]*\Z")
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})", re.MULTILINE)
_PROMPTED = re.compile(r"(?:\n>[^\n]*)+")


def first_command(text: str) -> str:
    """Return ``text`` with blanks for what is before its first curl command, and without what is after its fence.

    Line and column of the command stay. What ``cat`` or ``echo`` pipe into it becomes a redirection of its stdin.
    """
    match = CURL.search(text)
    if not match or _ASSIGNED.search(text, 0, match.start("curl")):
        return text
    start = match.start("curl")
    before, rest = text[:start], text[start:]
    fences = _FENCE.findall(before)
    if fences and (end := re.search(rf"^[ \t>]*{fences[-1]}", rest, re.MULTILINE)):
        rest = rest[: end.start()].rstrip()
    if match["prompt"]:
        line, line_break, others = rest.partition("\n")
        rest = line + _PROMPTED.sub(lambda lines: lines[0].replace("\n>", "\n "), f"{line_break}{others}", count=1)
    blank = re.sub(r"[^\n]", " ", before)
    source = _SOURCE.search(before, match.start())
    if source and source[1]:
        blank = f"{blank[: source.start(1)]}{source[1]}{' ' * (start - source.end(1))}"
    elif source:
        blank = f"{blank[: source.start(2) - 4]}<<< {source[2]}{' ' * (start - source.end(2))}"
    return blank + rest
