"""A test finds only the programs that it asks for (tests/support/programs.py)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import ALWAYS, OPTIONAL, PROGRAMS, VARIABLE, Programs, hidden, needs

HERE = Path(__file__).parent
FINDERS = {"which", "find_spec", "importorskip"}


def test_a_program_that_a_test_does_not_ask_for_is_not_found():
    """A program that a test does not ask for cannot be run, even if it is installed."""
    for name in PROGRAMS:
        with pytest.raises(FileNotFoundError):
            subprocess.run([name])


@needs("bash", "curl")
def test_a_program_finds_what_the_test_asks_for():
    """A shell in a test finds only the programs that the test asks for."""
    done = subprocess.run(["bash", "--norc", "-c", "command -v curl dash fish"], capture_output=True, text=True)
    assert [Path(found).name for found in done.stdout.splitlines()] == ["curl"]


@pytest.mark.parametrize("name", ["sh", "git", "cat", "touch"])
def test_the_shell_git_and_coreutils_are_always_found(name):
    """A test finds sh, git and coreutils without asking for them."""
    assert name in ALWAYS
    assert subprocess.run([name], stdin=subprocess.DEVNULL, capture_output=True).returncode in (0, 1)


def test_nothing_else_is_on_the_path():
    """The PATH of a test has only the programs of ``ALWAYS``."""
    listed = {name for folder in os.environ["PATH"].split(os.pathsep) for name in os.listdir(folder)}
    assert listed <= set(ALWAYS)


def test_a_hidden_program_is_missing(tmp_path):
    """The reason of a skip says whether the program is hidden by the variable or not installed."""
    (tmp_path / "bin").mkdir()
    for name in ("fish", "zsh"):
        (tmp_path / "bin" / name).write_text("")
        (tmp_path / "bin" / name).chmod(0o755)
    programs = Programs(str(tmp_path / "bin"), hidden("fish"), tmp_path)
    assert programs.missing(["zsh"]) == ""
    assert programs.missing(["zsh", "fish"]) == "fish is hidden by KSHELL_TEST_WITHOUT"
    assert programs.missing(["bash"]) == "bash is not installed"


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", set()),
        ("fish", {"fish"}),
        (" fish, go ,", {"fish", "go"}),
        ("all", set(OPTIONAL)),
        ("go,all", set(OPTIONAL)),
    ],
)
def test_the_variable_hides_what_it_names(value, names):
    """KSHELL_TEST_WITHOUT hides the names between its commas; ``all`` hides every program."""
    assert hidden(value) == names


def test_an_unknown_name_is_refused():
    """An unknown program in KSHELL_TEST_WITHOUT or in ``needs`` is an error that lists the known names."""
    with pytest.raises(
        pytest.UsageError, match=r"^KSHELL_TEST_WITHOUT: unknown name fsh; known names: all, bash, .*, zsh"
    ):
        hidden("fsh,go")
    with pytest.raises(ValueError, match=r"^fsh: not in tests/support/programs\.py, which has bash, .*, zsh"):
        needs("fsh")


SKIPPED = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def server():
    raise AssertionError("a fixture was set up")

@pytest.mark.needs("bash")
def test_with_bash(server): ...
"""


def test_a_test_is_skipped_before_its_fixtures_are_set_up(write):
    """A test without its program is skipped before its fixtures are set up."""
    file = write("test_skipped.py", SKIPPED)
    words = [sys.executable, "-m", "pytest", "-p", "support.programs", "-p", "no:cacheprovider", "-rs", file]
    environment = {**os.environ, "PYTHONPATH": str(HERE), VARIABLE: "bash", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
    assert "bash is hidden by KSHELL_TEST_WITHOUT" in done.stdout
    assert done.returncode == 0


def looks_for_a_program(part: ast.AST) -> bool:
    """Return whether a part of a module searches for a program or package, or names one by its absolute path."""
    match part:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name):
            return name in FINDERS
        case ast.Constant(str(text)):
            return text.startswith(("/bin/", "/usr/"))
    return False


FINDERS_OR_PATHS = re.compile("|".join([*FINDERS, "['\"]/(?:bin|usr)/"]))


def test_no_module_looks_for_a_program_itself():
    """No test module searches for a program by itself, which would bypass the PATH of the test."""
    texts = {file: file.read_text(encoding="utf-8") for file in HERE.rglob("*.py")}
    found = [
        f"{file.name}:{getattr(part, 'lineno', 0)}: {ast.unparse(part)}"
        for file, text in texts.items()
        if file.name not in ("programs.py", "test_programs.py") and FINDERS_OR_PATHS.search(text)
        for part in ast.walk(ast.parse(text))
        if looks_for_a_program(part)
    ]
    assert found == []
