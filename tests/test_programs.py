"""A test finds the programs that it asks for, and no other (tests/support/programs.py)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import ALWAYS, OPTIONAL, PROGRAMS, VARIABLE, Programs, hidden, needs

HERE = Path(__file__).parent
FINDERS = {"which", "find_spec", "importorskip"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_a_test_does_not_ask_for_is_not_found(name):
    """It cannot be run, also where the machine has it."""
    with pytest.raises(FileNotFoundError):
        subprocess.run([name])


@needs("bash", "curl")
def test_a_program_finds_what_the_test_asks_for():
    """A shell that a test asks for finds curl where the test asks for that, too, and finds no other shell."""
    done = subprocess.run(["bash", "--norc", "-c", "command -v curl dash fish"], capture_output=True, text=True)
    assert [Path(found).name for found in done.stdout.splitlines()] == ["curl"]


@pytest.mark.parametrize("name", ["sh", "git", "cat", "touch"])
def test_the_shell_git_and_coreutils_are_always_found(name):
    """A test need not ask for them."""
    assert name in ALWAYS
    assert subprocess.run([name], stdin=subprocess.DEVNULL, capture_output=True).returncode in (0, 1)


def test_nothing_else_is_on_the_path():
    """A test's PATH is folders of links to what is listed."""
    listed = {name for folder in os.environ["PATH"].split(os.pathsep) for name in os.listdir(folder)}
    assert listed <= set(ALWAYS)


def test_a_hidden_program_is_missing(tmp_path):
    """The reason of the skip names the variable; what is neither there nor hidden is not installed."""
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
    """Names with commas between them; ``all`` is every one."""
    assert hidden(value) == names


def test_an_unknown_name_is_refused():
    """In the variable, and in a test; the error lists the names that there are."""
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
    """A hidden program costs nothing and leaves nothing behind, and the run passes."""
    file = write("test_skipped.py", SKIPPED)
    words = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "support.programs",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
        "-rs",
        file,
    ]
    environment = {**os.environ, "PYTHONPATH": str(HERE), VARIABLE: "bash"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=20)
    assert "bash is hidden by KSHELL_TEST_WITHOUT" in done.stdout
    assert done.returncode == 0


def looks_for_a_program(part: ast.AST) -> bool:
    """Whether a part of a module finds a program or package by itself, or names a program by its absolute path."""
    match part:
        case ast.Name(name) | ast.Attribute(attr=name) | ast.alias(name):
            return name in FINDERS
        case ast.Constant(str(text)):
            return text.startswith(("/bin/", "/usr/"))
    return False


@pytest.mark.parametrize("file", sorted(HERE.rglob("*.py")), ids=lambda file: file.name)
def test_no_module_looks_for_a_program_itself(file):
    """Who looks for a program by name or by path runs it on some machines alone, and goes around the PATH of the test."""
    found = [part for part in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if looks_for_a_program(part)]
    lines = [f"{file.name}:{getattr(part, 'lineno', 0)}: {ast.unparse(part)}" for part in found]
    assert [line for line in lines if file.name not in ("programs.py", "test_programs.py")] == []
