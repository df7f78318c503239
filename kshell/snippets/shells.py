r"""Snippets that are command lines: curl for three families of shells, HTTPie and wget for POSIX shells.

``bash`` means every shell with the same quoting in the forms used here: bash, dash, zsh, fish, busybox, ksh, yash.
"""

from collections.abc import Callable

from kshell.core.models import Request
from kshell.snippets.targets import body, bounded, headers, refuse, target

# Characters to avoid inside of single quotes: ' ends the quote, fish reads two backslashes as one, an interactive bash may
# expand ! after the first line, and a backtick is hard to read.
POSIX_AVOID = "'\\!`"
POWERSHELL_AVOID = "'\"\\"
VERBATIM_AVOID = '"\\%|&'  # outside of quotes, which it sees in \" too, PowerShell ends the line at | and &
# In double quotes cmd.exe still expands %, and ! with delayed expansion. The other characters have a meaning in a
# parenthesized block, or if the line is parsed twice.
CMD_AVOID = '"\\%!^&|<>()'

POSIX_MOST = 128 * 1024 - 1  # bytes of one argument in Linux
POWERSHELL_MOST = 32_767 - 256  # characters of a command line in Windows (CreateProcess), minus room for the key
CMD_MOST = 8191 - 256  # characters of a line of cmd.exe after expansion, minus room for the key


@target("curl", "curl, for bash, dash, zsh, fish and busybox", "bash")
def posix_curl(request: Request, key: str | None = None, compact: bool = False) -> str:  # noqa: FBT001, FBT002 - a row of SHELLS
    """Return a curl command for every shell with the quoting of POSIX, as ``SHELLS`` says."""
    words = [f"curl -X {request.method} {posix_quote(request.url)}"]
    words += [f"-H {value}" for value in _posix_headers(request, key, ": ")]
    words += [f"--data-raw {text}" for text in _posix_body(request, compact=compact)]
    return (" " if compact else " \\\n  ").join(words)


@target("httpie", "HTTPie", "bash")
def _httpie(request: Request, key: str | None) -> str:
    refuse(key, "\\", "HTTPie reads as an escape")
    if key is not None:
        refuse(key[:1], "=@:", "HTTPie reads as a part of its separator")
    # without --ignore-stdin HTTPie also reads stdin if stdin is not a terminal
    words = [f"http --ignore-stdin {request.method} {posix_quote(request.url)}", *_posix_headers(request, key, ":")]
    return " \\\n  ".join((*words, *(f"--raw {text}" for text in _posix_body(request))))


@target("wget", "GNU Wget", "bash")
def _wget(request: Request, key: str | None) -> str:
    # by default wget tries 20 times and follows redirects: that sends again, and gives the key to another host
    words = [f"wget -q -O - --content-on-error --tries=1 --max-redirect=0 --method={request.method}"]
    words += [f"--header={value}" for value in _posix_headers(request, key, ": ")]
    words += [f"--body-data={text}" for text in _posix_body(request)]
    return " \\\n  ".join((*words, posix_quote(request.url)))


def posix_quote(text: str) -> str:
    """Return ``text``, which has no line break, quoted as one word that bash, dash, zsh and fish read alike."""
    # in single quotes fish reads \\ as one backslash and \' as a quote; in double quotes all shells read \\ as one
    return "'" + text.replace("\\", "\0").replace("'", "'\"'\"'").replace("\0", "'\"\\\\\"'") + "'"


def _posix_headers(request: Request, key: str | None, separator: str) -> list[str]:
    """Return the headers, each as one quoted word."""
    plain = headers(request, key, lambda text: text, lambda _: "")
    quoted = headers(request, key, lambda _: "", lambda variable: f"${variable}")
    return [
        f'"{name}{separator}{variable}"' if variable else posix_quote(f"{name}{separator}{text}")
        for (name, text), (_, variable) in zip(plain, quoted, strict=True)
    ]


def _posix_body(request: Request, *, compact: bool = False) -> list[str]:
    """Return the body as a list of one quoted word; an empty list if the endpoint takes no payload."""
    text = body(request, avoid=POSIX_AVOID, indent=None if compact else 2)
    return [bounded(f"'{text}'", len(text.encode()), POSIX_MOST, "one argument of a command")] if text else []


def _powershell(request: Request, key: str | None, compact: bool) -> str:  # noqa: FBT001 - a row of SHELLS
    if compact:
        return _powershell_verbatim(request, key)
    refuse(key, '"\\', "PowerShell before 7.3 does not pass to a program unchanged")
    text = body(request, avoid=POWERSHELL_AVOID, ascii_only=True)
    words = [f"curl.exe -X {request.method} {_powershell_quote(request.url)}"]
    words += [f"-H {value}" for value in _powershell_headers(request, key)]
    words += ["--data-raw $body"] if text else []
    statements = [f"$body = '{text}'", _POWERSHELL_LEGACY] if text else []
    written = "\n".join((*statements, " `\n  ".join(words)))
    return bounded(written, len(written) + text.count('"'), POWERSHELL_MOST, "a command line of Windows")


def _powershell_verbatim(request: Request, key: str | None) -> str:
    # every version passes the line after --% to the program unchanged, except that it expands %NAME%
    refuse(key, '"%', "PowerShell expands or does not pass to a program unchanged")
    refuse(request.url, "%", "PowerShell expands after --%")
    text = body(request, avoid=VERBATIM_AVOID, indent=None, ascii_only=True)
    words = [f'curl.exe --% -X {request.method} "{request.url}"']
    words += [f'-H "{value}"' for value in _cmd_headers(request, key)]
    words += ['--data-raw "' + text.replace('"', '\\"') + '"'] if text else []
    written = " ".join(words)
    return bounded(written, len(written), POWERSHELL_MOST, "a command line of Windows")


# PowerShell before 7.3, and later versions with this preference, do not escape quotes inside of an argument.
_POWERSHELL_LEGACY = (
    "if ($ExecutionContext.SessionState.PSVariable.GetValue('PSNativeCommandArgumentPassing', 'Legacy') -eq 'Legacy') "
    "{ $body = $body -replace '\"', '\\\"' }"
)


def _powershell_headers(request: Request, key: str | None) -> list[str]:
    plain = headers(request, key, _powershell_quote, lambda variable: f'"$env:{variable}"')
    return [f"{value[0]}{name}: {value[1:]}" for name, value in plain]


def _powershell_quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _cmd(request: Request, key: str | None, compact: bool) -> str:  # noqa: FBT001 - a row of SHELLS
    refuse(key, '%!"', "cmd.exe expands or ends the quotes with")
    refuse(request.url, "%", "cmd.exe expands")
    # ^" opens an argument for the program but not for cmd.exe. So the quotes of each JSON string are quotes for both, and a ^
    # between two strings continues the line
    text = body(request, avoid=CMD_AVOID, indent=None if compact else 2, ascii_only=True)
    words = [f'curl -X {request.method} "{request.url}"']
    words += [f'-H "{value}"' for value in _cmd_headers(request, key)]
    words += ['--data-raw ^"' + text.replace('"', '\\"').replace("\n", " ^\n") + '^"'] if text else []
    written = (" " if compact else " ^\n  ").join(words)
    return bounded(written, len(written.replace("^\n", "")), CMD_MOST, "a line of cmd.exe")


def _cmd_headers(request: Request, key: str | None) -> list[str]:
    plain = headers(request, key, lambda text: text, lambda variable: f"%{variable}%")
    # a backslash before the closing quote would escape it, so trailing backslashes are doubled
    return [f"{name}: {value}" + value[len(value.rstrip("\\")) :] for name, value in plain]


SHELLS: dict[str, Callable[[Request, str | None, bool], str]] = {
    **dict.fromkeys(("bash", "zsh", "fish", "sh"), posix_curl),
    "powershell": _powershell,
    "cmd": _cmd,
}
"""What writes curl for each shell, without a final newline, of a request, the key to print, and whether all is one line.

Without a key the command reads it from the account's environment variable.
"""
