"""The command line: usage, help, streams, and the imports at the start."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECT
from support.registered import COMMANDS, command
from support.servers import unused_port, wait_until

import kshell
from kshell.console.caller import Caller
from kshell.console.dispatch import perform, perform_line
from kshell.console.group import commands_of
from kshell.core.errors import Note, SetupError
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.syntax.command_table import SECTIONS

TO = "to=+919812345678"
PACKAGE = PROJECT / "kshell"
ON_THE_LINE = [name for name, entry in COMMANDS.items() if "line" in entry.frontends]


@pytest.mark.parametrize("words", [("-a=low-balance",), ("-alow-balance",), ("-a", "low-balance")], ids=" ".join)
def test_a_short_option_takes_its_value_as_any_other(cli, words):
    """A short option takes its value after ``=``, directly after its letter, or as the next argument."""
    assert cli("send", *words, TO, "otp=1").err.startswith("400 Bad Request · E110")


# ---- wrong usage

WRONG = {
    "sned": "did you mean send?",
    "": "help",
    "use account demo": "type use account|pod|template NAME in the shell, or use account|pod|template NAME in a script",
    "send --tiemout 3": "kshell help send",
    "send -x": "kshell help send",
    "send --timeout": "help",
    "send --timeout x": "kshell help send",
    "send --timeout=-1": "kshell help send",
    "curl -a": "help",
    "curl --json": "kshell help curl",
    "render to": "a variable is written like to=+919812345678",
    "render =x": "a variable is written like to=+919812345678",
    "render 1a=x": "a variable is written like to=+919812345678",
    "render 'a b=x'": "a variable is written like to=+919812345678",
    "render languge=en": "did you mean language?",
    "render": "add to=…",
    "check": "add to=…",
    "explain qqqqqqqq": "codes: WA202",
    "explain WA-402": "did you mean WA-401?",
    "explain": "kshell explain CODE",
    "accounts demo docs": "kshell help accounts",
    "sandbox --port 65536": "kshell help sandbox",
    "sandbox --port x": "kshell help sandbox",
    "trust": "kshell help trust",
    "help sned": "did you mean send?",
    "--home nowhere accounts": "--home and KSHELL_HOME name a folder",
    "accounts --home nowhere": "--home and KSHELL_HOME name a folder",
    "--nonsense": "kshell help",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_says_what_to_type_instead(cli, line):
    """A usage error gives exit code 2, an empty stdout, one error and a hint."""
    ran = cli(*(shlex.split(line) if line else [""]))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert WRONG[line] in ran.err.partition("hint: ")[2]


@pytest.mark.parametrize("frontend", ["line", "shell", "script"])
def test_the_hint_of_wrong_usage_can_be_typed_everywhere(frontend):
    """The hint of a usage error begins with ``kshell`` and can be typed in every frontend."""
    session = Session(Places.standard())
    (note,) = perform(["send", "-x"], Caller(session, frontend)).notes
    assert (note.kind, note.hint) == ("error", "kshell help send")
    assert "Examples" in perform_line(note.hint, Caller(session, "shell")).output


@pytest.mark.parametrize("kind", ["account", "pod", "template"])
def test_a_name_that_is_none_names_what_there_is(cli, kind):
    """An unknown account, pod or template gives exit code 3 and a hint with the known names."""
    ran = cli("render", f"--{kind}", "dema", TO)
    assert (ran.code, ran.out) == (3, "")
    assert f"error: there is no {kind} 'dema'" in ran.err
    assert f"hint: {'did you mean demo? ' if kind == 'account' else ''}" in ran.err
    assert {"account": "docs", "pod": "sandbox", "template": "auth"}[kind] in ran.err


# ---- where things are looked for

ACCOUNT = "pod: sandbox\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\ntitle: %s\n"


@pytest.mark.parametrize("words", [("--home", "there", "accounts"), ("accounts", "--home", "there")])
def test_home_is_understood_before_and_behind_the_command(cli, write, words):
    """``--home DIR``, before or after the command, replaces the working directory."""
    write("there/profiles/accounts/mine.yaml", ACCOUNT % "over there")
    write("profiles/accounts/mine.yaml", ACCOUNT % "over here")
    out = cli(*words).out
    assert "over there" in out
    assert "over here" not in out


@pytest.mark.parametrize(
    ("variable", "words", "title"),
    [("there", (), "over there"), ("there", ("--home", "."), "over here"), ("", (), "over here")],
)
def test_the_option_goes_before_the_variable(cli, write, monkeypatch, variable, words, title):
    """``--home`` takes precedence over ``KSHELL_HOME``, and an empty ``KSHELL_HOME`` is ignored."""
    write("there/profiles/accounts/mine.yaml", ACCOUNT % "over there")
    write("profiles/accounts/mine.yaml", ACCOUNT % "over here")
    monkeypatch.setenv("KSHELL_HOME", variable)
    assert title in cli("accounts", "mine", *words).out


# ---- help


@pytest.mark.parametrize("name", ON_THE_LINE)
def test_help_is_one_text_with_examples(cli, name):
    """``-h``, ``--help`` and ``help COMMAND`` print the same usage, description and examples."""
    texts = {cli(name, "-h").out, cli(name, "--help").out, cli("help", name).out}
    assert len(texts) == 1
    text = texts.pop()
    assert text.startswith(f"Usage: kshell {name} ")
    assert command(name).examples
    for example in command(name).examples:
        assert f"  kshell {example}\n" in text


@pytest.mark.parametrize("words", [("-h",), ("--help",), ("help",)])
def test_the_help_lists_every_command(cli, words):
    """``kshell help`` lists every command of the command line, by section."""
    ran = cli(*words)
    assert (ran.code, ran.err) == (0, "")
    for name in ON_THE_LINE:
        assert f"\n  {name} " in ran.out
    assert "kshell send to=+919812345678" in ran.out


@pytest.mark.parametrize(
    ("frontend", "name", "where", "usage"),
    [
        ("line", "expect", "expect is for the shell and scripts.", "Usage: expect "),
        ("line", "history", "history is for the shell.", "Usage: history "),
        ("shell", "shell", "shell is for the command line.", "Usage: kshell shell "),
        ("script", "edit", "edit is for the shell.", "Usage: edit "),
        ("script", "init", "init is for the command line and the shell.", "Usage: kshell init "),
    ],
)
def test_help_shows_a_command_of_another_frontend(frontend, name, where, usage):
    """``help`` for a command of another frontend names that frontend, then shows its usage and examples."""
    result = perform(["help", name], Caller(Session(Places.standard()), frontend))
    assert result.exit_code == 0
    assert result.output.startswith(f"{where}\n\n{usage}")
    assert f"\n  {'kshell ' if 'kshell' in usage else ''}{command(name).examples[0]}\n" in result.output
    assert ("--home" in result.output, "--color" in result.output) == (False, False)


@pytest.mark.parametrize("frontend", ["line", "shell", "script"])
def test_help_knows_every_command_everywhere(frontend):
    """``help NAME`` shows every command in every frontend."""
    for name in COMMANDS:
        result = perform(["help", name], Caller(Session(Places.standard()), frontend))
        assert (result.exit_code, result.notes) == (0, ()), name
        assert "Examples:\n" in result.output, name


def test_the_help_names_what_only_the_shell_and_scripts_have(cli):
    """``kshell help`` names the commands of the shell and scripts below those of the command line."""
    names = " ".join(name for name in COMMANDS if name not in ON_THE_LINE)
    assert names in " ".join(cli("help").out.rpartition("In the shell and in scripts")[2].split())


def test_help_finds_the_nearest_of_all_commands(cli):
    """The did-you-mean of ``help`` knows the commands of the shell and scripts too."""
    assert "did you mean expect?" in cli("help", "expct").err


def environment(**variables: str) -> dict[str, str]:
    """Return the environment for a kshell process, with these variables."""
    return {**os.environ, "PYTHONPATH": str(PROJECT), **variables}


@pytest.mark.parametrize("example", command("sandbox").examples)
def test_the_simulator_starts_and_stops(default_port, example):
    """``sandbox`` first prints its URL and exits with 0 on Ctrl-C; if its port is taken, a hint names another."""
    words = [sys.executable, "-m", "kshell", *shlex.split(example)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True
    ) as process:
        assert process.stdout
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    taken = process.returncode == 2 and "kshell sandbox --port 0" in err and "--port" not in example
    assert taken or (process.returncode == 0 and first.startswith("http://127.0.0.1:") and not err)


# ---- streams


def ran(*words: str | bytes, stdout: Any = subprocess.PIPE, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run kshell in a process with this stdout and these environment variables."""
    return subprocess.run(
        [sys.executable, "-m", "kshell", *words],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(**variables),
        timeout=60,
    )


@pytest.mark.parametrize("words", [("curl", "-a", "docs"), ("send", TO, "otp=482913"), ("--version",)], ids=" ".join)
def test_a_reader_that_is_gone_is_no_error(words):
    """A closed pipe on stdout gives exit code 0 and no traceback; a send still shows its outcome on stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    done = ran(*words, stdout=writer)
    os.close(writer)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr
    assert b"error: " not in done.stderr
    assert (b"202 Accepted" in done.stderr) is (words[0] == "send")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is full is Linux's")
@pytest.mark.parametrize(
    ("words", "code"),
    [(("send", TO, "otp=482913"), 0), (("render", TO, "otp=482913"), 3), (("--version",), 3)],
)
def test_a_full_disk_is_said(words, code):
    """A full disk is an error on stderr, but the exit code of a send still reports the delivery."""
    with open("/dev/full", "wb") as full:
        done = ran(*words, stdout=full)
    assert done.returncode == code
    assert (b"202 Accepted" in done.stderr) is (words[0] == "send")
    assert b"error: stdout cannot be written: No space left on device\n" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("closed", "account", "code"), [("1", "demo", 0), ("2", "low-balance", 1)])
def test_a_closed_stream_does_not_change_the_exit_code(closed, account, code):
    """With stdout or stderr closed, the exit code still reports the delivery and the other stream is written."""
    words = shlex.join([sys.executable, "-m", "kshell", "send", "-a", account, TO, "otp=482913"])
    done = subprocess.run(["sh", "-c", f"{words} {closed}>&-"], capture_output=True, env=environment(), timeout=60)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b'"code"' in done.stdout or " ms · simulated\n".encode() in done.stderr


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_simulator_serves_on_when_its_reader_is_gone(stream):
    """The simulator goes on serving after the reader of its output closed the pipe."""
    port = unused_port()
    words = [sys.executable, "-m", "kshell", "sandbox", "--port", str(port)]
    reader, writer = os.pipe()
    os.close(reader)
    others = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(words, env=environment(), **{**others, stream: writer}) as process:
        os.close(writer)
        assert wait_until(lambda: answers(port))
        assert answers(port)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def answers(port: int) -> bool:
    """Return whether the simulator at ``port`` answers a request for its inbox with 200."""
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as http:
            http.request("GET", "/inbox")
            return http.getresponse().status == 200
    except OSError:
        return False


@pytest.mark.parametrize("variables", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}])
def test_stdout_is_utf_8_whatever_the_locale(variables):
    """JSON on stdout is UTF-8 in every locale."""
    done = ran("render", TO, "otp=é日😀", "ref=x" * 300, **variables)
    texts = json.loads(done.stdout.decode("utf-8"))["messaging_object"]["template"]["components"][0]["parameters"]
    assert (done.returncode, texts[0]["text"]) == (0, "é日😀")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((b"render", b"to=\xff\xfe", b"otp=1"), 2, "error: the value of to is not UTF-8\n"),
        ((b"send", b"to=+919812345678", b"otp=1", b"ref=\xff"), 2, "error: the value of ref is not UTF-8\n"),
        ((b"accounts", b"\xff"), 3, "\\udcff"),
        ((b"--home", b"\xff", b"accounts"), 2, "\\udcff"),
        ((b"\xff",), 2, "\\udcff"),
    ],
)
def test_bytes_that_are_no_text_are_refused(cli, words, code, says):
    """An argument that is not UTF-8 is an error, and the message shows the bytes escaped."""
    done = cli(*map(os.fsdecode, words))
    assert (done.code, done.out) == (code, "")
    assert says in done.err


def test_bytes_that_are_no_text_do_not_crash_the_program():
    """A process with an argument that is not UTF-8 exits with 3 and no traceback."""
    done = ran(b"send", b"-a", b"\xff", b"to=+919812345678", b"otp=1")
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"Traceback" not in done.stderr
    assert b"\\udcff" in done.stderr


# ---- what starting costs


def test_the_version_is_said(cli):
    """``kshell --version`` prints the version, also with other arguments."""
    done = ran("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"kshell {kshell.__version__}\n")
    assert cli("--version", "accounts") == (0, f"kshell {kshell.__version__}\n", "")


def loaded(code: str) -> set[str]:
    """Return the names of the modules that are imported after ``code`` ran."""
    program = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=environment(), text=True, timeout=60, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def test_a_snippet_loads_nothing_that_it_does_not_need():
    """``kshell curl -a docs`` imports no HTTP client, server, shell or phone number library, and no other snippet."""
    modules = loaded('sys.argv = ["kshell", "curl", "-a", "docs"]\nfrom kshell.__main__ import main\nmain()')
    slow = {"httpx", "httpcore", "vcr", "prompt_toolkit", "uvicorn", "phonenumbers", "pygments", "keyring", "asyncio"}
    assert "kshell.snippets.shells" in modules
    assert not modules & {*slow, "kshell.snippets.catalog"}


def test_the_errors_have_the_exit_codes_of_their_family():
    """Every subclass of SetupError has the exit code 3."""
    assert {error.exit_code for error in SetupError.__subclasses__()} == {3}


# ---- who understands what


def test_the_root_of_every_frontend_lists_its_own_commands():
    """The command line, the shell and scripts each list the commands that the table gives them."""
    for frontend in ("line", "shell", "script"):
        entries = [pair for entries in SECTIONS.values() for pair in entries.items()]
        assert list(commands_of(frontend).names) == [name for name, entry in entries if frontend in entry.frontends]


# ---- what one line leaves to the next


def test_ctrl_c_speaks_of_the_line_it_ends(monkeypatch):
    """Ctrl-C in a later line reports that nothing was sent, even if an earlier line's message was accepted."""
    session = Session(Places.standard())
    assert perform(["send", "to=+919812345678"], Caller(session, "shell")).exit_code == 0

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "draft", interrupted)
    result = perform(["render"], Caller(session, "shell"))
    assert (result.exit_code, result.notes) == (130, [Note("info", "interrupted; nothing was sent")])


def test_an_option_without_its_value_names_the_help(cli):
    """An option without its value gives a hint that names the command's help."""
    assert "hint: kshell help send" in cli("send", "--timeout").err


def test_what_is_no_variable_is_not_repeated(cli):
    """An error for an argument such as ``api-key=…`` repeats its name and not its value, which may be a key."""
    ran = cli("send", "api-key=Acanary00000000000000000000000key")
    assert ran.code == 2
    assert "canary" not in ran.err


@pytest.mark.parametrize("words", ["", "import", "run -", "init"])
def test_a_closed_stdin_is_one_clear_error(words):
    """What reads stdin says that it is closed; no fault of kshell's own."""
    line = f"exec {shlex.quote(sys.executable)} -m kshell {words} <&-"
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": str(PROJECT)}
    )
    assert done.returncode == (2 if words in ("", "init") else 3)
    assert done.stderr.startswith("error: stdin is closed")


@pytest.mark.parametrize(
    "words",
    [
        ("send", "to=+919812345678", "--timeout"),
        ("inbox", "--wait"),
        ("sandbox", "--delay"),
        ("run", "s.kshell", "--rate"),
        ("run", "s.kshell", "--delay"),
    ],
    ids=" ".join,
)
def test_a_number_that_is_none_is_wrong_usage(cli, words):
    """``nan`` is no number for any option: a usage error, exit code 2."""
    ran = cli(*words, "nan")
    assert (ran.code, ran.out) == (2, "")
    assert f"{words[-1]}': 'nan' is not a number" in ran.err
