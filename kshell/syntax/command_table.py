"""The table of commands: their names, the module of ``kshell.commands`` that defines each, and its frontends.

This module imports no command: history, recordings, scripts and completion only need the names.
"""

from typing import Literal, NamedTuple

Frontend = Literal["line", "shell", "script"]


class Entry(NamedTuple):
    """The module that defines a command, and the frontends that understand it: the command line, the shell, scripts.

    ``whole`` is whether the command takes the rest of its line as one text, with its quotes and braces.
    """

    module: str
    frontends: tuple[Frontend, ...] = ("line", "shell", "script")
    whole: bool = False


_IN_SESSION: tuple[Frontend, ...] = ("shell", "script")
_TYPED: tuple[Frontend, ...] = ("line", "shell")  # typed by the user; a script, which may be hostile, cannot use it

SECTIONS: dict[str, dict[str, Entry]] = {
    "Messages": {
        "render": Entry("message"),
        "check": Entry("message"),
        "curl": Entry("message"),
        "snippet": Entry("message"),
        "send": Entry("send"),
        "edit": Entry("edit", ("shell",)),
    },
    "Session": {
        "use": Entry("session", _IN_SESSION),
        "set": Entry("session", _IN_SESSION),
        "unset": Entry("session", _IN_SESSION),
        "vars": Entry("session", _IN_SESSION),
        "otp": Entry("session", _IN_SESSION),
    },
    "What was sent": {
        "last": Entry("exchange", ("shell",)),
        "history": Entry("exchange", ("shell",)),
        "again": Entry("exchange", ("shell",)),
        "diff": Entry("exchange", ("shell",)),
        "inbox": Entry("inbox", ("shell", "script", "line")),
        "trigger": Entry("trigger"),
    },
    "Scripts": {
        "expect": Entry("expect", _IN_SESSION, whole=True),
        "capture": Entry("expect", _IN_SESSION, whole=True),
        "source": Entry("script", _IN_SESSION),
        "run": Entry("script"),
        "ledger": Entry("ledger"),
        "record": Entry("record", ("shell",)),
    },
    "Reference": {
        "explain": Entry("explain"),
        "accounts": Entry("listing"),
        "pods": Entry("listing"),
        "templates": Entry("listing"),
        "help": Entry("help"),
    },
    "Documentation": {
        "import": Entry("importing"),
        "docs": Entry("docs"),
        "openapi": Entry("schemas"),
        "schema": Entry("schemas"),
    },
    "Setup": {
        "init": Entry("init", _TYPED),
        "doctor": Entry("doctor"),
        "sandbox": Entry("sandbox"),
        "trust": Entry("trust", _TYPED),
        "completion": Entry("completion"),
        "shell": Entry("shell", ("line",)),
        "exit": Entry("shell", _IN_SESSION),
    },
}
"""Every command, by the section of the help that lists it."""

COMMANDS = {name: entry for entries in SECTIONS.values() for name, entry in entries.items()}
WHOLE = frozenset(name for name, entry in COMMANDS.items() if entry.whole)
"""The commands that take the rest of their line as one text."""

OTHER_WORDS: dict[str, str] = {"quit": "exit", "q": "exit", ":q": "exit", "?": "help", "version": "--version"}
"""Names from other programs, and the commands that they run. The help does not list them."""
