"""The search of tests/conftest.py finds the canary secrets wherever they may not appear."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import canary
from support.screen import Terminal

from kshell.console.dispatch import perform_line
from kshell.core.errors import SecretError
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.running import Shell


@pytest.fixture
def kshells_own(tmp_path: Path) -> Path:
    """Return the path of a file that kshell keeps for the user; its folder exists, the file does not."""
    file = tmp_path / "user" / ".config" / "kshell" / "history"
    file.parent.mkdir(parents=True)
    return file


def test_every_test_has_it_as_its_key():
    """The canary key is in the environment variable in which accounts look for their key."""
    assert os.environ["KALEYRA_API_KEY"] == canary.KEY


@pytest.mark.shows_the_key
def test_it_is_found_in_what_a_program_said(recorded_output):
    """The canary key is found in the output of a program that a test started."""
    subprocess.run([sys.executable, "-c", "import os; print(os.environ['KALEYRA_API_KEY'])"], capture_output=True)
    assert "Acanary" in canary.shown(recorded_output.all())


@pytest.mark.shows_the_key
def test_it_is_found_in_an_error(recorded_output):
    """The canary key is found in the text of an exception, even if the exception is never shown."""
    with pytest.raises(SecretError):
        raise SecretError(f"the key is {canary.KEY}")
    assert "Acanary" in canary.shown(recorded_output.all())


@pytest.mark.shows_the_key
def test_it_is_found_on_a_terminal():
    """The output of a terminal is searched for the canary key, as the standard streams are."""
    Terminal("printenv", "KALEYRA_API_KEY").until("Acanary")
    assert any(canary.shown(terminal.bytes) for terminal in Terminal.opened)


def test_reveal_may_show_it(cli, recorded_output):
    """The output of a command with ``--reveal`` is not searched for the key."""
    assert canary.shown(cli("curl", "-a", "docs", "--reveal").out.encode())
    assert not canary.shown(recorded_output.all())


@pytest.mark.shows_the_key
def test_a_key_is_found_in_any_file(tmp_path):
    """The canary key is found in any file of a test's folder."""
    file = tmp_path / "any" / "file"
    file.parent.mkdir()
    file.write_text(f"x{canary.SHIPPED_KEY}x")
    assert len(canary.kept(tmp_path)) == 1


@pytest.mark.shows_the_key
@pytest.mark.parametrize("secret", [canary.NUMBER, canary.CODE])
def test_a_code_or_number_is_found_in_what_kshell_keeps(kshells_own, tmp_path, secret):
    """A code or number is found in the user's folder and in a cassette; a file that the user wrote may contain it."""
    (tmp_path / "script.kshell").write_text(f"set to={secret}\n")
    assert canary.kept(tmp_path) == []
    kshells_own.write_text(f"set to={secret}\n")
    (tmp_path / "cassette.yaml").write_text(f"interactions:\n- body: {secret}\n")
    assert len(canary.kept(tmp_path)) == 2


@pytest.mark.shows_the_key
@pytest.mark.parametrize("kind", ["junit", "json", "html", "tap"])
@pytest.mark.parametrize("secret", [canary.NUMBER, canary.NUMBER[1:], canary.CODE])
def test_a_code_or_number_is_found_in_a_report(cli, tmp_path, kind, secret):
    """A code or number is found in a report, which is recognized by its first characters."""
    (tmp_path / "s.kshell").write_text("expect 1 == 2\n")
    file = tmp_path / "report"
    cli("run", str(tmp_path / "s.kshell"), "--report", f"{kind}={file}")
    assert canary.kept(tmp_path) == []
    file.write_text(file.read_text() + secret)
    assert len(canary.kept(tmp_path)) == 1


@pytest.mark.shows_the_key
def test_a_code_or_number_is_found_in_a_recording(tmp_path):
    """A code or number is found in a recording, which is recognized by its first line."""
    shell = Shell(Session(Places.standard()))
    for line in (f"record {tmp_path / 'r.kshell'}", f"set to={canary.NUMBER}"):
        perform_line(line, shell)
    assert canary.kept(tmp_path) == []
    file = tmp_path / "r.kshell"
    file.write_text(file.read_text() + f"otp {canary.CODE}\n")
    assert len(canary.kept(tmp_path)) == 1


@pytest.mark.parametrize(
    "part",
    [
        f"salt: {canary.CODE}f0{canary.CODE}f0{canary.CODE}f0{canary.CODE}f0",
        f"CODE-{canary.CODE}abcdef",
        f"number-abcdef{canary.CODE}",
        f"A{canary.CODE}ABCDEFGHIJKLM",
    ],
)
def test_a_code_that_stands_in_a_random_part_by_chance_is_no_leak(kshells_own, tmp_path, part):
    """The digits of the code in a salt, a pseudonym or a message's id are chance; those beside it are a leak."""
    kshells_own.write_text(f"{part}\n")
    assert canary.kept(tmp_path) == []
    kshells_own.write_text(f"{part} {canary.CODE}\n")
    assert len(canary.kept(tmp_path)) == 1
    kshells_own.unlink()


def test_a_number_that_looks_like_a_pseudonym_is_a_leak(kshells_own, tmp_path):
    """Twelve digits after ``number-`` are a number, and no pseudonym."""
    kshells_own.write_text(f"number-{canary.NUMBER[1:]}\n")
    assert len(canary.kept(tmp_path)) == 1
    kshells_own.unlink()
