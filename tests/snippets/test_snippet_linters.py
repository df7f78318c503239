"""The golden files read like an expert's code: the linter or formatter of each language has nothing to say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from snippets.test_snippet_targets import golden_of
from support.programs import needs

RUFF = (sys.executable, "-m", "ruff")


def check(target: str, file: str, *words: str) -> None:
    """Copy the golden file of a target to ``file`` and run a linter on it, which has to print nothing that it would change."""
    shutil.copy(golden_of(target), file)
    done = subprocess.run([*words, file], capture_output=True, stdin=subprocess.DEVNULL, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["python", "python-requests"])
@pytest.mark.parametrize(
    "words", [("format", "--check"), ("check", "--select", "E,F,I,UP,S,B")], ids=["format", "lint"]
)
def test_python_is_formatted_and_has_no_fault(target: str, words: tuple[str, ...]) -> None:
    """Ruff would neither format the Python snippets otherwise nor find a fault, such as a request without a timeout."""
    check(target, "message.py", *RUFF, *words, "--isolated", "--no-cache")


@needs("gofmt")
def test_go_is_formatted() -> None:
    """Gofmt would not change the Go snippet."""
    check("go", "message.go", "gofmt", "-d")
    assert not subprocess.run(["gofmt", "-l", "message.go"], capture_output=True).stdout


@needs("prettier", "node")
@pytest.mark.parametrize("target", ["javascript", "axios", "k6"])
def test_javascript_is_formatted(target: str) -> None:
    """Prettier would not change the JavaScript snippets."""
    check(target, "message.mjs", "prettier", "--check")


@needs("php")
def test_php_has_no_error_of_syntax() -> None:
    """PHP finds no error of syntax in its snippet."""
    check("php", "message.php", "php", "-l")


@needs("ruby")
def test_ruby_has_no_warning() -> None:
    """Ruby finds no error of syntax in its snippet and warns of nothing."""
    check("ruby", "message.rb", "ruby", "-wc")


@needs("rubocop", "ruby")
def test_rubocop_has_no_offence(monkeypatch: pytest.MonkeyPatch) -> None:
    """RuboCop finds no offence in the Ruby snippet, with its own default rules."""
    monkeypatch.setenv("RUBOCOP_CACHE_ROOT", str(Path.cwd()))
    check("ruby", "message.rb", "rubocop")


@needs("shellcheck")
@pytest.mark.parametrize("target", ["curl", "wget", "httpie"])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_command_line_has_no_fault(target: str, shell: str) -> None:
    """ShellCheck finds no fault, except that it asks whether the payload's ``$`` is meant to be expanded; it is not."""
    check(target, "message.sh", "shellcheck", "--shell", shell, "--exclude", "SC2016")
