"""The pages of docs/ that list exit codes, variables, keys, filters and commands have those that kshell has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kshell.console.man_page import ENVIRONMENT, EXITS
from kshell.profiles.keys import ACCOUNT_KEYS, HEADER_KEYS, OTP_KEYS, POD_KEYS, VARIABLE_KEYS
from kshell.profiles.preferences import CHOICES
from kshell.syntax.command_table import SECTIONS
from kshell.templating.environment import SandboxEnvironment, make_environment

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHELL = (PAGE.parent / "shell.md").read_text(encoding="utf-8")
TEMPLATES = (PAGE.parent / "templates.md").read_text(encoding="utf-8")
KEYS = {"account": ACCOUNT_KEYS, "otp": OTP_KEYS, "pod": POD_KEYS}


def rows(heads: str, terms: list[tuple[str, str]]) -> str:
    """Return a Markdown table of terms and their meanings, as the page has it."""
    return f"| {heads} | meaning |\n| --- | --- |\n" + "".join(f"| `{term}` | {says} |\n" for term, says in terms)


@pytest.mark.parametrize(
    "table",
    [
        rows("code", list(EXITS)),
        rows("variable", list(ENVIRONMENT)),
        *(rows("key", [(name, key.says) for name, key in keys.items()]) for keys in KEYS.values()),
    ],
    ids=["exit codes", "environment", *KEYS],
)
def test_a_table_of_the_reference_is_complete(table):
    """Each table of the page has the rows that the program has."""
    assert table in TEXT


def test_the_page_of_templates_names_the_filters():
    """docs/templates.md lists the filters that a template can use, without ``d``, Jinja's other name of ``default``."""
    named = re.search(r"the filters\s(.*?)\. ", TEMPLATES, re.DOTALL)
    known = {name for name in make_environment(SandboxEnvironment).filters if name.isidentifier()}
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) == known - {"bounded", "d"}


def test_the_page_of_templates_has_the_keys_of_the_header():
    """docs/templates.md describes each key of a template's header, and no other."""
    assert re.findall(r"^\| `(\w+)` \|", TEMPLATES, re.MULTILINE) == [*HEADER_KEYS, *VARIABLE_KEYS]


def test_the_page_of_the_shell_has_the_shell_s_commands():
    """docs/shell.md describes each command that only the shell and scripts have."""
    own = [name for entries in SECTIONS.values() for name, entry in entries.items() if "line" not in entry.frontends]
    assert [name for name in own if f"`{name}" not in SHELL] == []


def test_the_page_of_the_shell_has_the_preferences():
    """docs/shell.md shows a file with every preference and its values."""
    (example,) = re.findall(r"```yaml\n(.*?)```", SHELL, re.DOTALL)
    assert re.findall(r"^\w+", example, re.MULTILINE) == ["account", *CHOICES]
    for key, (known, _) in CHOICES.items():
        assert re.search(rf"^{key}: {known[0]} .*: {re.escape(' | '.join(known))}$", example, re.MULTILINE), key
