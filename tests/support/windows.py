r"""How Windows reads a pasted line, written from its documentation and independent of ``kshell.snippets``.

- ``crt_argv``: Microsoft, *Parsing C command-line arguments*.
- ``cmd``: the phases of cmd.exe's parser: percent expansion, special characters and carets, delayed expansion.
- ``powershell``: Microsoft, *about_Quoting_Rules*, *about_Parsing*, *about_Preference_Variables*
  (``$PSNativeCommandArgumentPassing``), for the constructs that a snippet uses and no others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class RefusedError(Exception):
    """The line does not just run one program with arguments."""


_BACKSLASHES = re.compile(r"\\*")
_TEXT = {True: re.compile(r'[^\\"]*'), False: re.compile(r'[^\\" \t]*')}  # by whether it is in quotes


def crt_argv(line: str) -> list[str]:
    """Return the arguments that a C program gets, its own name first."""
    argv: list[str] = []
    current: str | None = None
    quoted = False
    position = 0
    while position < len(line):
        backslashes = _BACKSLASHES.match(line, position)[0]  # type: ignore[index]
        position += len(backslashes)
        character = line[position : position + 1]
        if character == '"':
            current = (current or "") + backslashes[: len(backslashes) // 2]
            if len(backslashes) % 2:
                current += '"'
            elif quoted and line[position + 1 : position + 2] == '"':
                current += '"'  # within quotes a pair of quotes is one
                position += 1
            else:
                quoted = not quoted
        elif character in (" ", "\t") and not quoted:
            if backslashes:
                current = (current or "") + backslashes
            if current is not None:
                argv.append(current)
            current = None
        else:
            text = _TEXT[quoted].match(line, position)[0]  # type: ignore[index]
            current = (current or "") + backslashes + text
            position += len(text) - 1
        position += 1
    return argv if current is None else [*argv, current]


# ---- cmd.exe


def cmd(text: str, environment: Mapping[str, str], *, batch: bool, delayed: bool = False) -> list[str]:
    """Return the arguments of the program that these lines start. Raises ``RefusedError`` if they run another command."""
    lines = [_percent(line, environment, batch=batch) for line in text.split("\n")]
    joined = _special("\n".join(lines))
    if len(joined) > 8191:
        raise RefusedError("longer than a line of cmd.exe")
    return crt_argv(_delayed(joined, environment) if delayed else joined)


def _percent(line: str, environment: Mapping[str, str], *, batch: bool) -> str:
    """Phase 1. Only a batch file has ``%%`` and ``%1`` and deletes an unknown variable; a prompt keeps it."""
    folded = {name.upper(): value for name, value in environment.items()}

    def value(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%" if batch else "%%"
        if match[1] is not None:
            return folded.get(match[1].upper(), "" if batch else match[0])
        return ""  # %1, %*: a batch file without arguments; a lone % of a batch file

    pattern = r"%%|%([^%:\n]+)%|%[0-9*]|%" if batch else r"%([^%:\n]+)%"
    return re.sub(pattern, value, line)


def _special(text: str) -> str:
    """Phase 2. Quotes protect special characters; a caret protects one, and joins the next line at a line's end."""
    done: list[str] = []
    quoted = False
    position = 0
    while position < len(text):
        character = text[position]
        if character == '"':
            quoted = not quoted
        elif character == "\n":
            raise RefusedError(f"the line ends after {''.join(done)[-20:]!r}")
        elif not quoted and character == "^":
            position += 1
            if text[position : position + 1] == "\n":
                position += 1
            done.append(text[position : position + 1])
            position += 1
            continue
        elif not quoted and character in "&|<>()":
            raise RefusedError(f"{character} outside of quotes")
        done.append(character)
        position += 1
    return "".join(done)


def _delayed(line: str, environment: Mapping[str, str]) -> str:
    """Phase 5. Only a line with a ``!`` has ``!name!`` expanded and its carets removed once more."""
    if "!" not in line:
        return line
    expanded = re.sub(r"!([^!]*)!", lambda match: environment.get(match[1], ""), line)
    return re.sub(r"\^(.)", r"\1", expanded).replace("!", "")


# ---- PowerShell

_SINGLE = "'\u2018\u2019\u201a\u201b"
_DOUBLE = '"\u201c\u201d\u201e'
_DASHES = "-\u2013\u2014\u2015"


class Version(NamedTuple):
    """A PowerShell version. ``preference`` is ``$PSNativeCommandArgumentPassing``; None if the version lacks it."""

    name: str
    preference: str | None
    backslash_escapes: bool  # whether a backslash before a quote counts when the version decides to add quotes


VERSIONS = (
    Version("5.1", None, backslash_escapes=False),
    Version("7.0", None, backslash_escapes=True),
    Version("7.4", "Windows", backslash_escapes=True),
    Version("7.4 with Legacy", "Legacy", backslash_escapes=True),
)


def powershell(text: str, environment: Mapping[str, str], version: Version) -> list[str]:
    """Return the arguments of the one program in these statements."""
    if text.startswith("curl.exe --% "):
        program, _, line = text.partition(" --% ")
        return crt_argv(f"{program} {_verbatim(line, environment)}")
    variables: dict[str, str] = {}
    argv: list[str] | None = None
    for statement in _statements(text):
        words = [_evaluated(word, variables, environment) for word in statement]
        if statement[0][0] == "variable" and statement[1] == ("bare", "="):
            variables[statement[0][1]] = words[2]
        elif words[0] == "if":
            _if(statement, variables, version)
        elif argv is None:
            argv = _native(words, version)
        else:
            raise RefusedError("a second program")
    if argv is None:
        raise RefusedError("no program")
    return argv


def _verbatim(line: str, environment: Mapping[str, str]) -> str:
    """What follows ``--%`` (*about_Parsing*, the stop-parsing token): up to a line's end or a pipe, with %NAME% expanded."""
    quoted = False
    for character in line:
        quoted ^= character == '"'
        if character == "\n" or (not quoted and character in "|&"):
            raise RefusedError(f"{character!r} ends the line")
    folded = {name.upper(): value for name, value in environment.items()}
    return re.sub("%([^%]+)%", lambda match: folded.get(match[1].upper(), match[0]), line)


Token = tuple[str, str]


def _statements(text: str) -> list[list[Token]]:
    """Return the tokens of each statement; ``;`` and a line's end separate statements."""
    statements: list[list[Token]] = [[]]
    position = 0
    while position < len(text):
        character = text[position]
        if character in "\n;":
            statements.append([])
            position += 1
        elif text.startswith("`\n", position):
            position += 2
        elif character in " \t":
            position += 1
        else:
            token, position = _token(text, position)
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def _token(text: str, start: int) -> tuple[Token, int]:
    character = text[start]
    if character in _SINGLE or character in _DOUBLE:
        return _quoted(text, start, _SINGLE if character in _SINGLE else _DOUBLE)
    if character in "({":
        end = _closing(text, start)
        return ("group", text[start + 1 : end]), end + 1
    if character == "@" and text[start + 1 : start + 2] in (*_SINGLE, *_DOUBLE, "(", "{"):
        raise RefusedError("a here-string, array or hashtable")
    match = re.compile(r"[^\s;'\"(){}`,|&<>\u2018-\u201f]+").match(text, start)
    if not match:
        raise RefusedError(f"{character} outside of quotes")
    word = match[0]
    variable = re.fullmatch(r"\$(\w+)", word)
    return ("variable", variable[1]) if variable else ("bare", word), match.end()


def _quoted(text: str, start: int, quotes: str) -> tuple[Token, int]:
    position = start + 1
    done: list[str] = []
    while position < len(text):
        character = text[position]
        if character in quotes:
            if text[position + 1 : position + 2] not in (*quotes,):
                return ("single" if quotes == _SINGLE else "double", "".join(done)), position + 1
            position += 1  # a double quote is one quote
        elif quotes == _DOUBLE and character == "`":
            raise RefusedError("an escape in double quotes")
        done.append(character)
        position += 1
    raise RefusedError("a quote that is not closed")


def _closing(text: str, start: int) -> int:
    depth = 0
    position = start
    while position < len(text):
        character = text[position]
        if character in _SINGLE or character in _DOUBLE:
            _, position = _quoted(text, position, _SINGLE if character in _SINGLE else _DOUBLE)
            continue
        depth += (character in "({") - (character in ")}")
        if depth == 0:
            return position
        position += 1
    raise RefusedError("a bracket that is not closed")


def _evaluated(token: Token, variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
    kind, text = token
    if kind == "variable":
        return variables.get(text, "")
    if kind == "double":
        expanded = re.sub(r"\$env:(\w+)", lambda match: environment.get(match[1], ""), text)
        if "$" in re.sub(r"\$env:\w+", "", text):
            raise RefusedError("an expansion in double quotes")
        return expanded
    return text


def _if(statement: list[Token], variables: dict[str, str], version: Version) -> None:
    """Run the one condition and the one assignment of a snippet as PowerShell does."""
    condition, block = statement[1][1], statement[2][1]
    comparison = re.fullmatch(
        r"\$ExecutionContext\.SessionState\.PSVariable\.GetValue\('(\w+)', '(\w+)'\) -eq '(\w+)'", condition
    )
    if not comparison or comparison[1] != "PSNativeCommandArgumentPassing":
        raise RefusedError(f"a condition: {condition}")
    if (version.preference or comparison[2]).lower() != comparison[3].lower():
        return
    replaced = re.fullmatch(r" \$(\w+) = \$(\w+) -replace '([^']*)', '([^'$]*)' ", block)
    if not replaced:
        raise RefusedError(f"a block: {block}")
    variables[replaced[1]] = re.sub(replaced[3], lambda _: replaced[4], variables[replaced[2]])


def _native(words: list[str], version: Version) -> list[str]:
    if version.preference not in (None, "Legacy"):
        return words  # each argument is escaped by the rules of the C runtime and so arrives unchanged
    return crt_argv(" ".join(_legacy(word, version) for word in words))


def _legacy(word: str, version: Version) -> str:
    """Return an argument in quotes if it has a blank outside of quotes; a quote in it is kept."""
    inside = escaped = False
    blank = False
    for character in word:
        if character == '"' and not escaped:
            inside = not inside
        elif character.isspace() and not inside:
            blank = True
        escaped = version.backslash_escapes and character == "\\"
    return f'"{word}"' if blank else word
