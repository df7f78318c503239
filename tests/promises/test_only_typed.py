"""No script, however it is run, can trust a file or begin or end a recording: only the user can type these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from support.servers import Server, answer, read, wait_until

from kshell.console.dispatch import perform_line
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.running import Shell

# any proxy needs trust, so a server of the test can be the hostile one
POD = "base_url: https://api.evil.example\nproxy: {proxy}\n"
ACCOUNT = "pod: mine\nsid: HX1IN\napi_key: env:KALEYRA_API_KEY\nphone_number: '+911234567890'\n"
SEND = "send -a acme to=+919812345678 otp=1 template_name=auth1 language=en"
FIRST = "send -p sandbox to=+919812345678 otp=1"
HELD = "# the user's own\n"

Frontend = Callable[[str], Ran]


@pytest.fixture
def hostile(write):
    """Yield the proxy of a folder whose account would send the user's key through it; the user's file is beside it."""
    with Server(read, answer(502)) as server:
        write("profiles/pods/mine.yaml", POD.format(proxy=server.url))
        write("profiles/accounts/acme.yaml", ACCOUNT)
        write("../home/.bashrc", HELD)
        yield server


@pytest.fixture
def shell() -> Shell:
    """Return the user's shell."""
    return Shell(Session(Places.standard()))


def typed(line: str, shell: Shell) -> Ran:
    """Run a line as if the user typed it into the shell; return its exit code, output and notes."""
    result = perform_line(line, shell)
    output = result.output if isinstance(result.output, str) else result.output.decode()
    lines = [line for note in result.notes for line in note_lines(note)]
    return Ran(result.exit_code, output, "".join(f"{line}\n" for line in lines))


@pytest.fixture
def frontends(cli: Any, write: Any, shell: Shell) -> dict[str, Frontend]:
    """Return each frontend that runs the text of a script; as a file the script is s.kshell."""

    def by_command(*words: str, outer: str = "") -> Frontend:
        def ran(text: str) -> Ran:
            write("s.kshell", text)
            write("outer.kshell", outer)
            return cli(*words)

        return ran

    def by_shell(line: str) -> Frontend:
        def ran(text: str) -> Ran:
            write("s.kshell", text)
            return typed(line, shell)

        return ran

    return {
        "run": by_command("run", "s.kshell"),
        "run of several": by_command("run", "outer.kshell", "s.kshell"),
        "run with jobs": by_command("run", "--jobs", "2", "s.kshell"),
        "run --check": by_command("run", "--check", "s.kshell"),
        "stdin": lambda text: cli(input=text.encode()),
        "run of stdin": lambda text: cli("run", "-", input=text.encode()),
        "source in a script": by_command("run", "outer.kshell", outer=f"{FIRST}\nsource s.kshell\n"),
        "source of a computed name": by_command("run", "outer.kshell", outer="set f=s\nsource {{ f }}.kshell\n"),
        "run in a script": by_command("run", "outer.kshell", outer=f"{FIRST}\nrun s.kshell\n"),
        "source in the shell": by_shell("source s.kshell"),
        "run in the shell": by_shell("run s.kshell"),
    }


FRONTENDS = (
    "run", "run of several", "run with jobs", "run --check", "stdin", "run of stdin", "source in a script",
    "source of a computed name", "run in a script", "source in the shell", "run in the shell",
)  # fmt: skip
HINTS = {
    "trust": "hint: type kshell trust FILE on the command line, or trust FILE in the shell\n",
    "record": "hint: type record FILE in the shell\n",
}
LINES = {
    "trust profiles/pods/mine.yaml": "trust",
    "record ../home/.bashrc --force": "record",
    "record stop": "record",
}
SPELLINGS = {
    "kshell trust profiles/pods/mine.yaml": "trust",
    '"trust" profiles/pods/mine.yaml': "trust",
    "tr\\ust {{ 'profiles/pods/mine.yaml' }}": "trust",
    "trust": "trust",
    "kshell record --force ../home/.bashrc": "record",
    "'record' {{ '../home/.bashrc' }} --force": "record",
    "record {{ 'stop' }}": "record",
}


def nothing_came_of_it(server: Server, tmp_path: Path) -> bool:
    """Return whether no file is trusted, the pod got no connection and the user's file is unchanged."""
    trusted = (tmp_path / "user/.config/kshell/trusted").exists()
    return not trusted and server.connections == 0 and Path("../home/.bashrc").read_text() == HELD


def is_refused(ran: Ran, name: str, line: str, word: str) -> bool:
    """Return whether the script's second line is refused, with its place and a hint, before any line was run."""
    place = f"{name}:2:1: {word} cannot be used in a script\n"
    return ran[:2] == (3, "") and place in ran.err and f"\n  {line}\n  ^\n" in ran.err and HINTS[word] in ran.err


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_script_that_holds_what_only_the_user_can_type_is_refused_whole(hostile, frontends, tmp_path, frontend, line):
    """A script with ``trust`` or ``record`` exits with 3 before its first line: nothing is trusted, sent or written."""
    ran = frontends[frontend](f"{FIRST}\n{line}\n{SEND}\n")
    assert is_refused(ran, "stdin" if "stdin" in frontend else "s.kshell", line, LINES[line]), ran
    assert nothing_came_of_it(hostile, tmp_path)


@pytest.mark.parametrize("line", SPELLINGS)
def test_another_spelling_of_the_line_is_refused_too(hostile, frontends, tmp_path, line):
    """``trust`` and ``record`` are refused after ``kshell``, in quotes, escaped, with computed arguments or without any."""
    ran = frontends["run"](f"{FIRST}\n{line}\n{SEND}\n")
    assert is_refused(ran, "s.kshell", line, SPELLINGS[line]), ran
    assert nothing_came_of_it(hostile, tmp_path)


COMPUTED = [
    "{{ word }}", "kshell {{ word }}", "{{ word[:2] }}{{ word[2:] }}", "{{ '--' }} {{ word }}", "{{ 'kshell' }} {{ word }}",
]  # fmt: skip
ARGUMENTS = {"trust": "profiles/pods/mine.yaml", "record": "../home/.bashrc --force"}


@pytest.mark.parametrize("first", COMPUTED)
@pytest.mark.parametrize("word", ARGUMENTS)
@pytest.mark.parametrize("frontend", ["run", "stdin", "source in the shell", "run in the shell"])
def test_a_computed_command_is_refused_when_its_line_runs(hostile, frontends, tmp_path, frontend, word, first):
    """A computed ``trust`` or ``record`` ends the script at its line with exit code 3, and does nothing."""
    ran = frontends[frontend](f"set word={word}\n{first} {ARGUMENTS[word]}\n{SEND}\n")
    what = "there is no command 'kshell'" if first.startswith("{{ 'kshell'") else f"{word} cannot be used in a script"
    assert ran.code == 3
    assert f"{'stdin' if frontend == 'stdin' else 's.kshell'}:2:1: {what}\n" in ran.err
    assert nothing_came_of_it(hostile, tmp_path)


def test_a_word_from_outside_of_a_script_is_refused_too(hostile, cli, write, tmp_path):
    """Neither ``--var`` nor a cell of a row can make a script's line a ``trust`` command."""
    write("s.kshell", "{{ word }} profiles/pods/mine.yaml\n")
    write("r.csv", "word\ntrust\n")
    for words in (("--var", "word=trust"), ("--rows", "r.csv")):
        ran = cli("run", "s.kshell", *words)
        assert (ran.code, "s.kshell:1:1: trust cannot be used in a script" in ran.err) == (3, True)
    assert nothing_came_of_it(hostile, tmp_path)


@pytest.mark.parametrize("line", ["-- trust profiles/pods/mine.yaml", "--nonsense", "-x"])
def test_a_line_of_a_script_that_begins_with_an_option_is_refused_before_any_line_runs(
    hostile, cli, write, tmp_path, line
):
    """A script's line that begins with an option is an error with its place and exit code 3 before any line runs."""
    write("s.kshell", f"{FIRST}\n{line}\n{SEND}\n")
    ran = cli("run", "s.kshell")
    assert (ran.code, ran.out) == (3, "")
    assert "error: s.kshell:2:1: No such " in ran.err
    assert nothing_came_of_it(hostile, tmp_path)


def test_a_script_cannot_end_the_user_s_recording(shell, write):
    """A script with ``record stop`` does not end a recording that the user began in the shell."""
    typed("record r.kshell", shell)
    write("s.kshell", "record stop\n")
    for line in ("source s.kshell", "run s.kshell"):
        assert typed(line, shell).code == 3
    typed("set ref=x", shell)
    assert Path("r.kshell").read_text() == "set ref=x\n"


def test_the_user_s_own_word_still_counts(hostile, shell, write):
    """``trust`` typed into the shell lets a folder's pod be sent to, so the other tests of this file can fail."""
    assert "would have the API key sent to" in typed(SEND, shell).err
    assert typed("trust profiles/pods/mine.yaml", shell).code == 0
    write("s.kshell", f"{SEND}\n")
    typed("source s.kshell", shell)
    assert wait_until(lambda: hostile.connections == 1)


def test_a_recording_leaves_out_what_no_script_may_say(shell, write):
    """A recording leaves out ``trust`` and ``record``, so that it can be run as a script."""
    write("profiles/pods/mine.yaml", POD.format(proxy="http://127.0.0.1:1"))
    for line in ("record r.kshell", "trust profiles/pods/mine.yaml", "set ref=x", "record stop"):
        assert typed(line, shell).code == 0
    assert Path("r.kshell").read_text() == "set ref=x\n"
