"""The man page is made from the definitions of the commands."""

from __future__ import annotations

import re

from conftest import PROJECT
from support.registered import COMMANDS


def test_the_wheel_s_man_page_is_what_help_prints(cli):
    """``docs/kshell.1``, which the wheel installs, is what ``help --man`` prints."""
    file = PROJECT / "docs" / "kshell.1"
    assert file.read_text(encoding="utf-8") == cli("help", "--man").out, (
        "kshell help --man > docs/kshell.1 writes it anew"
    )
    assert '"docs/kshell.1" = "share/man/man1/kshell.1"' in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_man_page_has_every_command(cli):
    """Every command has a section of its own, and no text of it is taken for an instruction of roff."""
    text = cli("help", "--man").out
    assert set(re.findall(r"^\.SS (\S+)$", text, re.MULTILINE)) == set(COMMANDS)
    known = {"TH", "SH", "SS", "B", "PP", "TP", "RS", "RE", "ad", "nh", "br"}
    assert set(re.findall(r"^[.'](\S*)", text, re.MULTILINE)) == known
