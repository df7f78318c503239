"""Every registered command of every frontend has help, and examples that run."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path

import click
import pytest
from support.registered import COMMANDS, command

from kshell.console.caller import Caller
from kshell.console.dispatch import perform, perform_line
from kshell.profiles.files import Places
from kshell.scripts.ledger import Ledger
from kshell.session.session import Session
from kshell.shell.running import Shell

EVERY = [(entry.frontends[0], name) for name, entry in COMMANDS.items()]
GUIDE = "# Guide\n"
COPIED = "curl https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages -H \"api-key: $K\" -d '{}'"
FILES = {
    "profiles/pods/mine.yaml": "base_url: https://example.com\n",
    "README.md": GUIDE,
    "docs/guide.md": GUIDE,
    "guide/a.rst": "Guide\n=====\n",
    "command.txt": COPIED,
    "sessions/demo.kshell": "set to=+919812345678\nsend\n",
}
ANSWERS = "mine\nin\nHX1IN\n+911234567890\nauth1\nen_US\n\nKALEYRA_API_KEY\n"


@pytest.fixture
def ready(write, monkeypatch) -> Session:
    """Return a session in which the files, variables and exchanges that the examples use exist."""
    for name, text in FILES.items():
        write(name, text)
    Ledger(Path("run.ledger"), "send\n").close()
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setattr("kshell.simulator.server.serve", lambda *_, **__: None)
    monkeypatch.setattr("kshell.commands.shell.at_terminal", lambda: True)
    monkeypatch.setattr("kshell.shell.loop.run", lambda *_, **__: 0)
    session = Session(Places.standard())
    for line in ("set to=+919812345678 otp=482913 ref=a", "send -a low-balance", "send"):
        perform_line(line, Caller(session, "shell"))
    return session


def test_what_reads_a_file_says_why_it_cannot():
    """No parameter asks click whether its file is readable: a file that is not is a wrong file, and no wrong usage."""
    kinds = [it.type for _, name in EVERY for it in command(name).params if isinstance(it.type, click.Path)]
    assert kinds
    assert not any(kind.readable for kind in kinds)


@pytest.mark.parametrize(("frontend", "name"), EVERY)
def test_it_has_help_and_an_example(frontend, name):
    """Every command's help begins with a sentence, has examples of it and describes each option."""
    result = perform([name, "--help"], Caller(Session(Places.standard()), frontend))
    assert result.exit_code == 0
    known = command(name)
    assert known.get_short_help_str(200)
    assert known.examples
    assert {shlex.split(example)[0] for example in known.examples} == {name}
    assert all(param.help for param in known.params if param.param_type_name == "option")


@pytest.mark.parametrize(("frontend", "name"), EVERY)
def test_its_examples_run(ready, monkeypatch, frontend, name):
    """Every example runs without a usage or setup error."""
    for example in command(name).examples:
        caller = Shell(ready) if frontend == "shell" else Caller(ready, frontend)
        if example == "record stop":
            perform_line("record other.kshell", caller)
        monkeypatch.setattr(sys, "stdin", io.StringIO(ANSWERS))
        result = perform_line(example, caller)
        assert not any("internal error in kshell" in str(note) for note in result.notes)
        expected = {3} if example.startswith("doctor") else {0, 1}  # the pod of this folder is not trusted yet
        assert result.exit_code in expected, (example, result)
