"""Completion on the command line: bash, zsh and fish ask kshell for the words at the cursor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.programs import needs
from support.screen import PROJECT, Terminal

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(kshell completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(kshell completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "kshell completion fish | source"),
}
NEEDED = {"fish": ("fish", "clear")}  # Ctrl-L of fish runs clear

HOSTILE = """
pod: sandbox
sid: HX1IN
api_key: env:KALEYRA_API_KEY
phone_number: "+15005550000"
variables: {template_name: "auth1$(touch ${PWD}/run);touch ${PWD}/run", language: en}
"""


def environment(folder: Path) -> dict[str, str]:
    """Put a kshell program into ``folder``; return a shell's environment with ``folder`` in its PATH and as its home."""
    program = folder / "kshell"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} -m kshell "$@"\n')
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "PS1": "> ", "HISTFILE": "/dev/null", "HOME": str(folder)}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=needs(*NEEDED.get(name, (name,)))) for name in SHELLS])
def _started(request, tmp_path_factory):
    """Yield an interactive shell with kshell's completion, one for all tests of this file."""
    words, setup = SHELLS[request.param]
    folder = tmp_path_factory.mktemp("home")
    terminal = Terminal(*words, lines=40, env=environment(folder), cwd=str(folder))
    terminal.enter(f"{setup}; echo rea''dy").until("ready\n")
    terminal.folder = folder
    yield terminal
    terminal.close()


@pytest.fixture
def shell(_started):
    """Return that shell with an empty line, an empty screen and no profiles in its folder."""
    shutil.rmtree(_started.folder / "profiles", ignore_errors=True)
    return _started.type("\x15\x0c").until(lambda text: "kshell" not in text)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("kshell se", "kshell send "),
        ("kshell send wa_source=za", "wa_source=zapier"),
        ("kshell send to=+9", "+91"),
        ("kshell send to=+919812345678,+29", "8,+290"),
        ("kshell accounts lo", "low-balance"),
        ("kshell send --pod=san", "--pod=sandbox"),
        ("kshell curl ref", "ref1="),
        ("kshell explain WA4", "WA401"),
        ("kshell help expe", "kshell help expect "),
        ("kshell --home /et", "/etc/"),
    ],
)
def test_tab_completes(shell, typed, offered):
    """Tab completes a command, a value, a name, an option's value or a code, or lists the candidates."""
    shell.type(f"{typed}\t\t").until(lambda text: offered in f"{text} ")


def test_what_a_profile_says_is_not_run(shell):
    """A value from a profile that Tab inserts is quoted, so that the shell cannot run it."""
    file = shell.folder / "profiles" / "accounts" / "acme.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HOSTILE)
    shell.type("kshell render -a acme to=+919812345678 otp=1 template_name=a\t").until("touch")
    shell.enter("; echo do''ne").until("done\n")
    assert not (shell.folder / "run").exists()


@needs("fish")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("kshell snippet python", "python\tPython, with httpx"),
        ("kshell send language=en_I", "language=en_IN\tEnglish, India"),
        ("kshell send to=+919812345678,+29", "to=+919812345678,+290\tSaint Helena"),
    ],
)
def test_fish_shows_what_has_a_comma_whole(tmp_path, typed, offered):
    """The completion of fish shows descriptions and lists of recipients past their first comma."""
    script = f"kshell completion fish | source; complete -C '{typed}'"
    done = run(["fish", "--no-config", "-c", script], environment(tmp_path))
    assert offered in done.stdout.splitlines()


@needs("zsh")
def test_zsh_without_a_setup_completes_too(tmp_path):
    """In a zsh without ``compinit`` the printed text runs it, without output."""
    script = 'eval "$(kshell completion zsh)"; print -r -- $_comps[kshell]'
    done = run(["zsh", "-f", "-c", script], environment(tmp_path))
    assert (done.stdout, done.stderr) == ("_kshell_completion\n", "")


def run(words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a shell to its end; return its exit code and output."""
    return subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("line", "position", "offered"),
    [
        ("kshell se", 1, "plain\nsend\nSend the message once, and explain the..."),
        ("kshell send wa_source=za", 2, "plain\nwa_source=zapier\na source the API knows"),
        ("kshell send ", 2, "plain\nto=\n"),
        ("kshell render -a acme template_name=a", 4, "plain\n'template_name=auth1$(touch run);''x\u2019\u2019'\n"),
    ],
)
def test_powershell_is_answered_in_three_lines(cli, write, monkeypatch, line, position, offered):
    """PowerShell gets type, value and help of each completion; a value that it would expand is in single quotes."""
    write("profiles/accounts/acme.yaml", HOSTILE.replace(";touch ${PWD}/run", ";'x\u2019").replace("${PWD}/", ""))
    ask_as_powershell(monkeypatch, line, position)
    assert offered in cli().out


def ask_as_powershell(monkeypatch, line, position):
    """Set the variables by which PowerShell asks for the completions of the word at ``position``."""
    for name, value in (
        ("_KSHELL_COMPLETE", "powershell_complete"),
        ("COMP_WORDS", line),
        ("COMP_CWORD", str(position)),
    ):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("line", "position", "offered"),
    [
        ("kshell accounts od", 2, "plain\nodd\na\\x1b[2Jb\n"),
        ("kshell render -a odd template_name=a", 4, "plain\n'template_name=a\\x1b[2Jb'\n"),
    ],
    ids=["help", "value"],
)
def test_what_a_profile_says_is_harmless_in_a_completion(cli, write, monkeypatch, line, position, offered):
    """Control characters of a profile are escaped in the help and in the values that PowerShell shows."""
    account = "pod: sandbox\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\n"
    text = '"a\\x1b[2Jb"'
    write("profiles/accounts/odd.yaml", f"title: {text}\n{account}variables: {{template_name: {text}, language: en}}\n")
    ask_as_powershell(monkeypatch, line, position)
    assert offered in cli().out


def test_powershell_gets_its_script(cli):
    """``completion powershell`` prints a script that registers kshell's completion."""
    out = cli("completion", "powershell").out
    assert "Register-ArgumentCompleter -Native -CommandName kshell" in out
    assert "$env:_KSHELL_COMPLETE = 'powershell_complete'" in out
