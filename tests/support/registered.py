"""The complete registrations, for tests that are parametrized by them.

A registration without all its parts is left out: ``test_registration.py`` fails for it and says what to add.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from kshell.api.endpoints import ANSWERS
from kshell.console.command import Command
from kshell.syntax.command_table import SECTIONS, Entry

PROJECT = Path(__file__).parents[2]
ROWS: dict[str, Entry] = {name: entry for entries in SECTIONS.values() for name, entry in entries.items()}
"""The table of commands."""


def commands_in(module: str) -> dict[str, Command]:
    """Return the commands that ``kshell/commands/MODULE.py`` defines, by name."""
    found = vars(import_module(f"kshell.commands.{module}")).values()
    return {value.name: value for value in found if isinstance(value, Command) and value.name}


DEFINED: dict[str, dict[str, Command]] = {
    file.stem: commands_in(file.stem) for file in (PROJECT / "kshell" / "commands").glob("[!_]*.py")
}
"""The commands that the modules of ``kshell/commands/`` define, by module and name."""

COMMANDS: dict[str, Entry] = {name: entry for name, entry in ROWS.items() if name in DEFINED.get(entry.module, {})}
"""The rows of the table whose module defines the command."""


def command(name: str) -> Command:
    """Return the command ``name`` of ``COMMANDS``."""
    return DEFINED[COMMANDS[name].module][name]


def parts_of_an_answer(name: str) -> dict[str, Path]:
    """Return the files that every documented answer has: its account, session and cassette."""
    return {
        "account": PROJECT / "profiles" / "accounts" / f"{name}.yaml",
        "session": PROJECT / "sessions" / f"{name}.kshell",
        "cassette": PROJECT / "cassettes" / f"{name}.yaml",
    }


SHOWN_ANSWERS = tuple(
    answer.name
    for answer in ANSWERS
    if answer.name and all(file.exists() for file in parts_of_an_answer(answer.name).values())
)
"""The names of the documented answers that have an account, a session and a cassette."""
