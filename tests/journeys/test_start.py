"""Starting kshell imports only what its frontend needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.screen import PROJECT

SENDING = ("kshell.core.exchange", "kshell.transport", "kshell.privacy")
SLOW = ("prompt_toolkit", "pygments", "httpx", "click", "jinja2", "difflib", *SENDING)


def loaded(code: str) -> set[str]:
    """Return those of ``SLOW`` that are imported after ``code`` ran in a new process."""
    program = f"{code}; import sys; sys.stderr.write('LOADED ' + ' '.join(m for m in {SLOW!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("LOADED ")[2].split())


@pytest.mark.parametrize("words", [["doctor"], ["help"]])
def test_the_command_line_loads_neither_the_shell_nor_the_client(words):
    """A command that does not send imports none of prompt_toolkit, Pygments and httpx."""
    assert loaded(f"from kshell.cli import run; run({words!r})").isdisjoint({"prompt_toolkit", "pygments", "httpx"})


def test_a_preview_loads_nothing_of_a_send():
    """A curl command is made with click and Jinja alone: what only a send or a misspelt option needs is not imported."""
    assert loaded("from kshell.cli import run; run(['curl', '-a', 'docs', 'to=+919812345678', 'otp=1'])") == {
        "click",
        "jinja2",
    }


def test_the_prompt_waits_for_neither_click_nor_jinja():
    """The shell shows its prompt before it imports click, Jinja and the other slow libraries."""
    assert loaded("import kshell.shell.loop") == {"prompt_toolkit"}
