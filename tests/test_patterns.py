"""Patterns that a start puts off: they match as others do, and ``re`` is itself again afterwards."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from kshell.patterns import patterns_at_first_use


@pytest.fixture
def late() -> re.Pattern[str]:
    """A pattern that was defined while patterns were put off."""
    with patterns_at_first_use():
        return re.compile(r"(?P<first>\w+) (?:\w+)", flags=re.IGNORECASE)


def test_matches(late: re.Pattern[str]) -> None:
    """A pattern that was put off matches, with its flags and its groups."""
    match = late.fullmatch("One two")
    assert match is not None
    assert match["first"] == "One"
    assert late.flags & re.IGNORECASE


def test_is_a_pattern(late: re.Pattern[str]) -> None:
    """Whoever asks is told that it is a pattern, and the functions of re take it."""
    assert isinstance(late, re.Pattern)
    assert re.sub(late, r"\g<first>", "one two three") == "one three"


def test_asked_inside() -> None:
    """A module that matches while it is imported can: the pattern is compiled there and then."""
    with patterns_at_first_use():
        assert re.compile("a+").fullmatch("aaa")


def test_re_is_itself_again() -> None:
    """Behind it re.compile compiles, also where an import failed."""
    before = re.compile
    with pytest.raises(ImportError), patterns_at_first_use():
        raise ImportError
    assert re.compile is before
    assert isinstance(re.compile("a"), re.Pattern)


def test_a_faulty_pattern_is_told_at_its_first_use() -> None:
    """What is not a pattern is told when something is matched with it."""
    with patterns_at_first_use():
        faulty = re.compile("(")
    with pytest.raises(re.error):
        faulty.match("")


def test_the_command_line_puts_them_off() -> None:
    """The command line starts without compiling PyYAML's pattern over all of Unicode."""
    program = """
import re, sys
compiled = []
compile_now = re._compiler.compile
re._compiler.compile = lambda pattern, flags=0: compiled.append(pattern) or compile_now(pattern, flags)
sys.argv = ["kshell", "pods"]
from kshell.__main__ import main
code = main()
late = sys.modules["yaml.reader"].Reader.NON_PRINTABLE
before = len(compiled)
sys.exit(code or (late.pattern in compiled[:before]))
"""
    assert subprocess.run([sys.executable, "-c", program], stdout=subprocess.DEVNULL, check=False).returncode == 0


def test_importing_kshell_leaves_re_alone() -> None:
    """Whoever imports kshell as a library gets compiled patterns."""
    program = "import re, kshell.cli, kshell.places as p; assert isinstance(p._NAME, re.Pattern)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
