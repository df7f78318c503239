"""The shell driven by a user's keys, in this process through prompt_toolkit's pipe input."""

from __future__ import annotations

import json
import stat
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from support.servers import wait_until

from kshell.commands import exchange as exchange_commands
from kshell.console.dispatch import perform
from kshell.core.exchange import Delivery, Exchange, Sent
from kshell.profiles.files import Places, shipped_folder
from kshell.profiles.preferences import Preferences
from kshell.session.session import Overrides, Session
from kshell.shell import loop

ENTER, CTRL_C, CTRL_D, CTRL_R, UP, RIGHT, ESC, TAB = "\r", "\x03", "\x04", "\x12", "\x1b[A", "\x1b[C", "\x1b", "\t"
PAUSE = (
    "\0"  # wait until the shell has read its history and looked for a suggestion, which it does while the user types
)
TO = "to=+919812345678"


class Shell(NamedTuple):
    """The output and the session of a shell that was typed into."""

    out: str
    err: str
    session: Session


@pytest.fixture
def typed(capfdbinary, monkeypatch) -> Any:
    """Return a function that presses keys in a new shell, then Ctrl-D: ``typed("vars", ENTER)`` gives a ``Shell``.

    A text of more than a few characters comes as a paste: prompt_toolkit looks for its key once, not for each character.
    """
    monkeypatch.setattr(loop, "_PRELOADED", ())

    def ran(*keys: str, **preferences: str) -> Shell:
        capfdbinary.readouterr()
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            session = Session(Places.standard())
            shell = loop.Loop(session, Preferences(**preferences))
            press(pipe, "".join(map(quickly, keys)) + CTRL_D, Ready(shell))
            assert shell.run() == 0
        out, err = capfdbinary.readouterr()
        return Shell(out.decode(), err.decode(), session)

    return ran


class Ready:
    """Waits until a shell has run a number of lines, has read its history and has looked for a suggestion."""

    def __init__(self, shell: loop.Loop) -> None:
        self.shell = shell
        self.prompted = 0
        self.suggested_for = ""  # the text for which a suggestion was looked for last
        shell.prompts.default_buffer.on_suggestion_set += self.keep
        ask = shell.prompts.prompt
        shell.prompts.prompt = lambda: self.count() or ask()

    def count(self) -> None:
        """Count one more prompt."""
        self.prompted += 1

    def keep(self, buffer: Any) -> None:
        """Keep the text for which a suggestion was found, or none."""
        self.suggested_for = buffer.text

    def after(self, lines: int, text: str) -> None:
        """Return once more than ``lines`` prompts were shown and a suggestion for ``text``, if any, was looked for."""
        assert wait_until(lambda: self.prompted > lines and self.history_is_read() and text in ("", self.suggested_for))

    def history_is_read(self) -> bool:
        """Return whether the shell has read its history."""
        task = self.shell.prompts.default_buffer._load_history_task
        return self.shell.prompts.app.is_running and task is not None and task.done()


def press(pipe: Any, keys: str, ready: Ready) -> None:
    """Send the keys up to the first pause at once, and the others from a thread."""
    first, *rest = keys.split(PAUSE)
    pipe.send_text(first)

    def later() -> None:
        lines, typed = first.count(ENTER), first
        for part in rest:
            try:
                ready.after(lines, typed.rpartition(ENTER)[2])
            except AssertionError:
                pipe.send_text(CTRL_C + CTRL_D)  # ends the shell, and with it the test
                raise
            lines, typed = lines + part.count(ENTER), part
            pipe.send_text(part)

    threading.Thread(target=later).start()


def quickly(keys: str) -> str:
    """Return a text without control characters as a paste, and other keys unchanged."""
    return pasted(keys) if len(keys) > 5 and keys.isprintable() else keys


def pasted(*lines: str) -> str:
    """Return the lines as a terminal sends a paste."""
    return "\x1b[200~" + "\n".join(lines) + "\x1b[201~"


def test_a_line_is_run_and_its_output_printed(typed):
    """A line in the shell prints the same as the command line."""
    assert typed(f"curl {TO} otp=482913", ENTER).out.startswith("curl -X POST 'http://127.0.0.1:8255/v2/HXSANDBOXIN/")


def test_what_is_set_holds_for_the_next_line(typed):
    """A variable that ``set`` sets is used by the next line."""
    shell = typed(f"set {TO} otp=482913", ENTER, "render", ENTER)
    assert json.loads(shell.out)["messaging_object"]["to"] == "+919812345678"


def test_a_one_line_override_does_not_change_the_session(typed):
    """A variable and ``-a`` in one line do not change the session."""
    shell = typed(f"render -a docs {TO} otp=482913", ENTER, "vars", ENTER)
    assert shell.session.account == "demo"
    assert "missing: to" in shell.err


def test_ctrl_c_gives_up_the_line_and_not_the_shell(typed):
    """Ctrl-C drops the typed line, and the shell goes on."""
    shell = typed("accounts", CTRL_C, "pods sandbox", ENTER)
    assert "low-balance" not in shell.out
    assert "Embedded simulator" in shell.out


def test_exit_leaves(typed):
    """After ``exit`` no line is run."""
    assert typed("exit", ENTER, "pods", ENTER).out == ""


@pytest.mark.parametrize("word", ["quit", " quit "])
def test_quit_leaves_too(typed, word):
    """``quit`` leaves the shell without output."""
    shell = typed(word, ENTER, "pods", ENTER)
    assert (shell.out, shell.err) == ("", "")


def test_quit_is_not_listed(typed):
    """``help`` does not list ``quit``, and ``help quit`` explains it."""
    assert "quit" not in typed("help", ENTER).out.replace("Ctrl-D and quit do", "")
    assert "Leave the shell" in typed("help quit", ENTER).out


def test_an_unknown_command_has_a_did_you_mean(typed):
    """A misspelt command gets a did-you-mean, and the shell goes on."""
    shell = typed("sned", ENTER, "pods", ENTER)
    assert "did you mean send?" in shell.err
    assert "sandbox" in shell.out


def test_a_command_as_documents_write_it_is_understood(typed):
    """``kshell`` before a command is ignored in the shell."""
    assert "Embedded simulator" in typed("kshell pods sandbox", ENTER).out


def test_several_pasted_lines_are_run_one_by_one(typed):
    """A pasted text runs line by line, and each line is shown before it runs."""
    shell = typed(pasted(f"set {TO} otp=482913", "# a comment", "render"), ENTER)
    assert '"482913"' in shell.out
    assert f"» set {TO} otp=482913\n" in shell.err


def test_a_paste_stops_where_a_line_fails(typed):
    """A pasted text stops at a line that fails, so that no later line is sent from the wrong account."""
    shell = typed(pasted("use account nobody", f"send {TO}"), ENTER)
    assert not shell.session.sent
    assert "stopped here: 1 more line not run" in shell.err


def test_a_backslash_joins_lines(typed):
    """A backslash at the end of a line joins the next line to it."""
    assert '"482913"' in typed(f"render {TO} \\", ENTER, "otp=482913", ENTER).out


def test_ctrl_r_finds_an_earlier_line(typed):
    """Ctrl-R searches the lines of this session."""
    shell = typed("pods sandbox", ENTER, "explain ref", ENTER, PAUSE, CTRL_R, "pods", ENTER, ENTER)
    assert shell.out.count("Embedded simulator") == 2


def test_an_earlier_line_is_suggested(typed):
    """The right arrow takes the suggested line from the history."""
    shell = typed("pods sandbox", ENTER, PAUSE, "po", PAUSE, RIGHT, ENTER)
    assert shell.out.count("Embedded simulator") == 2


def test_a_line_without_its_value_is_not_suggested(typed):
    """A line of an earlier session is not suggested if it lacks the value that was typed."""
    typed(f"set {TO}", ENTER, "otp 482913", ENTER)
    shell = typed(PAUSE, "set t", PAUSE, RIGHT, ENTER)
    assert "'t' is not NAME=VALUE" in shell.err


def test_a_line_comes_back_as_it_was_typed(typed):
    """The up arrow brings back a line of this session with its code."""
    assert typed(f"curl {TO} otp=482913", ENTER, PAUSE, UP, ENTER).out.count('"482913"') == 4


def test_vi_keys(typed):
    """The preference ``keys: vi`` makes Escape and ``x`` edit the line."""
    assert "Embedded simulator" in typed("xpods sandbox", ESC, "0", "x", ENTER, keys="vi").out


def test_emacs_keys(typed):
    """Without a preference Ctrl-A and Ctrl-D edit the line."""
    assert "Embedded simulator" in typed("xpods sandbox", "\x01", CTRL_D, ENTER).out


def test_a_bug_in_a_command_does_not_end_the_session(typed, monkeypatch):
    """A bug in a command is reported, and the shell goes on."""
    monkeypatch.setattr(Session, "table", lambda _: 1 / 0)
    monkeypatch.setattr(loop.status, "status_of", lambda _: loop.status.UNKNOWN)
    shell = typed("vars", ENTER, "pods sandbox", ENTER)
    assert "internal error in kshell: ZeroDivisionError" in shell.err
    assert "Embedded simulator" in shell.out


def test_a_bug_in_the_completer_does_not_end_the_session(typed, monkeypatch):
    """A bug in the completer has no effect on the line, which is run."""
    monkeypatch.setattr("kshell.shell.completer.matching", lambda *_: 1 / 0)
    assert "Embedded simulator" in typed("pods ", TAB, "sandbox", ENTER).out


def test_a_profile_that_breaks_meanwhile_does_not_end_the_session(typed, write):
    """A broken account is reported by the command, and the shell goes on."""
    write("profiles/accounts/demo.yaml", "pod: [\n")
    shell = typed(f"render {TO}", ENTER, "use account docs", ENTER, "pods sandbox", ENTER)
    assert "profiles/accounts/demo.yaml" in shell.err
    assert shell.session.account == "docs"
    assert "Embedded simulator" in shell.out


# ---- what strangers type


FOREIGN = """curl -X POST 'http://127.0.0.1:8025/v2/HXSANDBOXIN/whatsapp/+15005550000/messages' \\
  -H 'Content-Type: application/json' -H "api-key: $KALEYRA_API_KEY" \\
  --data-raw '{payload}'
"""


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("use demo", "hint: use account demo\n"),
        ("use sandbox", "hint: use pod sandbox\n"),
        ("use acount demo", "hint: did you mean account?\n"),
        ("send --to +919812345678", "hint: send to=…, without dashes\n"),
        ("set --to=+919812345678", "hint: set to=…, without dashes\n"),
        ("to +919812345678", "hint: set to=…\n"),
        ("curl -X", "kshell import FILE reads a curl command"),
        ("vars fer", "hint: "),
    ],
)
def test_a_slip_has_the_line_to_type(typed, line, hint):
    """A mistake that strangers make gets the line to type."""
    assert hint in typed(line, ENTER).err


def test_a_variable_alone_is_set(typed):
    """``to=…`` alone sets the variable."""
    assert typed(TO, ENTER).session.variables == {"to": "+919812345678"}


def test_version_and_a_question_mark_answer(typed):
    """``version`` prints the version, and ``?`` what ``help`` prints."""
    assert typed("version", ENTER).out.startswith("kshell 0.")
    assert typed("? curl", ENTER).out == typed("help curl", ENTER).out


def test_a_pasted_curl_is_read_and_its_lines_run_after_a_yes(typed):
    """A curl command from elsewhere is shown as lines of kshell; they run after ``y``, and no history has it."""
    payload = typed(f"render {TO} otp=482913", ENTER).out.replace("\n", " ")
    paste = pasted(*FOREIGN.format(payload=payload).splitlines())
    shell = typed(paste, ENTER, "y", ENTER)
    assert shell.out == "use account demo\nset to=+919812345678 otp=482913\n"
    assert shell.session.variables == {"to": "+919812345678", "otp": "482913"}
    assert typed(paste, ENTER, ENTER).session.variables == {}
    assert "curl" not in history().read_text()


def test_a_pasted_curl_of_another_api_is_not_offered(typed):
    """A curl command without a message of this API gives warnings and no question."""
    shell = typed("curl -X POST https://example.org -d '{}'", ENTER, "pods sandbox", ENTER)
    assert "Embedded simulator" in shell.out


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("otp 12345678901234567", "error otp-length"),
        ("set to=1", "error to-e164"),
        ("set language=english", "did you mean en, en_US, en_GB?"),
        ("set to=+919812345678", ""),
        ("otp new", ""),
    ],
)
def test_what_is_set_is_checked_at_once(typed, line, found):
    """``set`` and ``otp`` say at once what ``check`` would find, and only of the variables that the line sets."""
    shell = typed("set index=12 > /dev/null", ENTER, line, ENTER)
    assert found in shell.err
    assert not shell.session.private_values()
    assert shell.err.count("index-range") == 1


def test_a_script_is_not_checked_before_it_sends(typed, write):
    """``set`` in a sourced script has no findings: its ``send`` has them."""
    write("s.kshell", "set to=1\n")
    assert typed("source s.kshell", ENTER).err == ""


# ---- pipes and files


def test_output_goes_into_a_file_of_one_s_own(typed):
    """``render > FILE`` writes the payload with mode 0600 and prints nothing."""
    shell = typed(f"render {TO} otp=482913 > payload.json", ENTER)
    assert shell.out == ""
    assert json.loads(Path("payload.json").read_text())["messaging_object"]["to"] == "+919812345678"
    assert stat.S_IMODE(Path("payload.json").stat().st_mode) == 0o600


def test_findings_go_into_a_file_alone(typed):
    """``check > FILE`` writes the findings into the file, and prints them nowhere."""
    shell = typed("check to=1 otp=482913 > findings.txt", ENTER)
    assert "to-e164" in Path("findings.txt").read_text()
    assert "to-e164" not in shell.out + shell.err


def test_output_is_appended(typed):
    """``>>`` appends to the file."""
    typed("otp 1 > log", ENTER, "otp 2 >> log", ENTER)
    assert Path("log").read_text() == "1\n2\n"


def test_output_goes_into_a_program(typed):
    """``|`` pipes the output into a line of the system's shell."""
    assert typed(f"curl {TO} otp=482913 --compact | wc -l | tr -d ' '", ENTER).out == "1\n"


def test_a_failing_command_leaves_the_file_alone(typed, write):
    """A command that fails leaves the file of ``>`` unchanged."""
    write("kept.json", "{}")
    typed("render > kept.json", ENTER)
    assert Path("kept.json").read_text() == "{}"


@pytest.mark.parametrize("line", [f"set {TO} 'ref=a > b'", f"set {TO} ref=a>b", f'set {TO} "ref=a | b"'])
def test_a_sign_inside_a_word_or_in_quotes_is_text(typed, line):
    """``|`` and ``>`` inside a word or in quotes are text."""
    assert typed(line, ENTER).session.variables["ref"] in ("a > b", "a>b", "a | b")


@pytest.mark.parametrize("line", ["expect status > 300", "kshell expect status > 300"])
def test_a_comparison_is_no_redirection(typed, line):
    """``expect status > 300`` compares and writes no file, with and without ``kshell`` before it."""
    assert "it does not hold: status > 300" in typed(f"send {TO} > answer", ENTER, line, ENTER).err
    assert not Path("300").exists()


def test_a_redirection_without_a_target_is_an_error(typed):
    """``>`` without a file is an error that says what is missing."""
    assert "nothing follows >" in typed(f"render {TO} >", ENTER).err


# ---- asking before a send


@pytest.fixture
def sent(monkeypatch) -> list[Any]:
    """Return the drafts that the shell would send; nothing leaves the process."""
    drafts: list[Any] = []

    def send(session: Session, draft: Any, *, timeout: float) -> Exchange:
        drafts.append(draft)
        exchange = Exchange(draft.request, None, Delivery.UNKNOWN, 1.0)
        session.keep(Sent(draft, exchange))
        return exchange

    monkeypatch.setattr(Session, "send", send)
    return drafts


LIVE = "send -p in to=+919812345678,+919812345679 otp=482913"


@pytest.mark.parametrize("answer", ["n", "", "no", CTRL_C, "what"])
def test_a_live_send_is_not_sent_without_a_yes(typed, sent, answer):
    """A live send is not sent without ``y`` or ``yes``; Enter alone and Ctrl-C mean no."""
    shell = typed(LIVE, ENTER, answer, "" if answer == CTRL_C else ENTER)
    assert sent == []
    assert "not sent" in shell.err


@pytest.mark.parametrize("answer", ["y", "YES"])
def test_a_live_send_is_sent_after_a_yes(typed, sent, answer):
    """A live send is sent once after ``y`` or ``yes``."""
    typed(LIVE, ENTER, answer, ENTER)
    assert len(sent) == 1


def test_the_question_names_pod_account_and_recipients(typed, sent, monkeypatch):
    """The question names the recipients, the account and the pod, after a warning about a literal key."""
    asked: list[Any] = []
    monkeypatch.setattr(loop.Loop, "confirm", lambda _, question, notes: bool(asked.append((question, notes))))
    typed(LIVE, ENTER)
    question, (warning, *_) = asked[0]
    assert warning.text.startswith(f"the API key stands in {shipped_folder() / 'profiles/accounts/demo.yaml'}; ")
    assert question == (
        "Send to 2 recipients (+919812345678, +919812345679) as demo on the live pod in (api.in.kaleyra.io)?"
    )
    assert len(asked) == 1


def test_yes_is_not_asked(typed, sent):
    """``--yes`` sends without a question."""
    typed(f"{LIVE} --yes", ENTER)
    assert len(sent) == 1


def test_a_script_that_the_shell_includes_asks_too(typed, sent, write):
    """A live ``send`` in a sourced script asks too."""
    write("s.kshell", LIVE)
    assert "not sent" in typed("source s.kshell", ENTER, "n", ENTER).err
    assert sent == []


def test_exit_in_a_script_that_the_shell_includes_leaves_the_shell(typed, write):
    """``exit`` in a sourced script leaves the shell."""
    write("s.kshell", "exit\n")
    assert typed("source s.kshell", ENTER, "pods sandbox", ENTER).out == ""


def test_the_simulator_is_not_asked_about(typed, sent):
    """A send to the simulator asks nothing."""
    typed(f"send {TO}", ENTER)
    assert len(sent) == 1


def test_the_command_line_is_not_asked(sent):
    """A live send on the command line asks nothing."""
    words = ["send", "-p", "in", TO, "otp=482913"]
    perform(words)
    assert len(sent) == 1


def test_confirm_always_asks_about_the_simulator_too(typed, sent):
    """The preference ``confirm: always`` asks before every send."""
    typed(f"send {TO}", ENTER, "n", ENTER, confirm="always")
    assert sent == []


def test_again_after_an_unknown_fate_asks(typed, sent):
    """``again`` after an unknown delivery asks before it sends."""
    typed(f"send {TO}", ENTER, "again", ENTER, "n", ENTER)
    assert len(sent) == 1


# ---- the editor


EDITOR = """
import sys
from pathlib import Path
file = Path(sys.argv[1])
text = file.read_text(encoding="utf-8")
if {unless!r} not in text:
    for old, new in {pairs!r}:
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
"""


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Return a function that makes an editor which replaces texts in a file, unless the file has the text ``unless``."""

    def edits(*pairs: tuple[str, str], unless: str = "nothing") -> None:
        script, program = tmp_path / "editor.py", tmp_path / "editor"
        script.write_text(EDITOR.format(pairs=pairs, unless=unless))
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$1"\n')
        program.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(program))

    return edits


def test_what_was_edited_is_sent_when_told_to(typed, editor):
    """``edit`` sends the changed payload after ``y``."""
    editor(("482913", "111222"))
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER)
    assert [message.code for message in shell.session.simulator.inbox] == ["111222"]


def test_what_was_edited_is_printed_when_not_told_to_send(typed, editor):
    """``edit`` prints the changed payload and sends nothing after Enter alone."""
    editor(("482913", "111222"))
    shell = typed(f"edit {TO} otp=482913", ENTER, ENTER)
    assert not shell.session.sent
    assert '"111222"' in shell.out


def test_what_was_edited_is_checked(typed, editor):
    """``edit`` reports an error in the changed payload, sends nothing and gives a hint."""
    editor(("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913 --yes", ENTER, "n", ENTER)
    assert "error otp-length" in shell.err
    assert "not sent\nhint: edit it again" in shell.err
    assert '"1234567890123456"' in shell.out
    assert not shell.session.sent


def test_what_was_edited_wrongly_can_be_edited_again(typed, editor):
    """``edit`` opens a faulty payload again with the text that was written before."""
    editor(("1234567890123456", "7654321"), ("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER, "y", ENTER)
    assert [message.code for message in shell.session.simulator.inbox] == ["7654321"]


def test_what_was_edited_wrongly_and_then_left_is_printed(typed, editor):
    """A faulty payload that the second edit leaves unchanged is printed and not sent."""
    editor(("482913", "1234567890123456"), unless="1234567890123456")
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER)
    assert '"1234567890123456"' in shell.out
    assert "not sent" in shell.err


def test_errors_can_be_sent_by_force(typed, editor):
    """``edit --force`` asks about a payload with errors and sends it after ``y``."""
    editor(("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913 --force", ENTER, "y", ENTER)
    assert len(shell.session.sent) == 1


def test_an_editor_that_fails_changes_nothing(typed, tmp_path, monkeypatch):
    """An editor that exits with an error, as vim's ``:cq`` does, changes and sends nothing."""
    program = tmp_path / "editor"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    shell = typed(f"edit {TO}", ENTER)
    assert "the editor ended with an error" in shell.err
    assert "nothing was changed or sent" in shell.err
    assert "hint: edit opens the payload again" in shell.err
    assert not shell.session.sent


def test_an_edit_that_is_no_json_can_be_edited_again(typed, editor):
    """An edited payload that is not JSON is an error with its line, and ``n`` ends the edit."""
    editor(('{\n  "messaging_object"', '{{\n  "messaging_object"'))
    shell = typed(f"edit {TO} otp=482913", ENTER, "n", ENTER)
    assert "payload:1:2: not JSON" in shell.err


def test_an_edit_that_was_not_sent_is_offered_again(typed, editor):
    """The next ``edit`` offers the text that was not sent, JSON or not, and a send ends that."""
    editor(("482913", "111222"))
    shell = typed(f"edit {TO} otp=482913", ENTER, ENTER, f"edit {TO} otp=482913", ENTER, "y", ENTER, "y", ENTER)
    assert [message.code for message in shell.session.simulator.inbox] == ["111222"]
    editor(
        (
            "{",
            "[",
        )
    )
    shell = typed(f"edit {TO} otp=1", ENTER, "n", ENTER, f"edit {TO} otp=1", ENTER, "y", ENTER, "n", ENTER)
    assert shell.err.count("hint: edit offers this text again") == 2


def test_an_editor_that_is_not_there_is_said(typed, monkeypatch):
    """A missing editor is an error with a hint that sets EDITOR."""
    monkeypatch.setenv("VISUAL", "no-such-editor-here")
    assert "export EDITOR=" in typed(f"edit {TO}", ENTER).err


# ---- what was sent before


def test_history_lists_exchanges(typed):
    """``history`` lists each exchange with its number, account, recipient and outcome."""
    out = typed(f"set {TO}", ENTER, "send", ENTER, "send -a low-balance", ENTER, "history", ENTER).out
    assert "1  demo@sandbox         +919812345678  202 WA202 accepted" in out
    assert "2  low-balance@sandbox  +919812345678  400 E110 refused" in out


def test_last_shows_the_whole_exchange_without_the_key(typed):
    """``last`` shows the exchange with the key masked."""
    out = typed(f"send {TO} otp=482913", ENTER, "last > shown", ENTER).out
    assert "WA202" in out
    shown = Path("shown").read_text()
    assert "api-key: (redacted)" in shown
    assert '"482913"' in shown
    assert "Asandbox" not in shown


def test_again_sends_the_same_message(typed):
    """``again`` sends the same code with a new message id."""
    shell = typed(f"send {TO}", ENTER, "again", ENTER)
    first, second = shell.session.simulator.inbox
    assert first.code == second.code
    assert first.message_id != second.message_id


def test_diff_compares_payloads(typed):
    """``diff`` shows the changed line of two payloads with both values."""
    out = typed(f"send {TO} ref=a", ENTER, f"send {TO} ref=b", ENTER, "diff", ENTER).out
    assert '-    "ref": "a"' in out
    assert '+    "ref": "b"' in out


def test_diff_compares_who_sends_and_where_to(typed):
    """``diff`` shows another account or URL, with the key masked."""
    out = typed(f"set {TO} otp=1", ENTER, "send > one", ENTER, "send -a low-balance > two", ENTER, "diff", ENTER).out
    assert "--- request of 1\n+++ request of 2\n" in out
    assert "-demo@sandbox\n" in out
    assert "+low-balance@sandbox\n" in out
    assert "-POST http://127.0.0.1:8255/v2/HXSANDBOXIN/" in out
    assert "+POST http://127.0.0.1:8255/v2/" in out
    assert " api-key: (redacted)\n" in out


def test_diff_says_where_there_is_no_difference(typed):
    """``diff`` of two equal messages says that there is no difference."""
    shell = typed(f"send {TO} otp=1", ENTER, "again", ENTER, "diff", ENTER)
    assert "no difference: request of 1 and request of 2" in shell.err


def test_diff_compares_answers(typed):
    """``diff --answers`` shows the changed status."""
    out = typed(f"send {TO}", ENTER, f"send -a low-balance {TO}", ENTER, "diff 1 2 --answers", ENTER).out
    assert "-202 Accepted" in out
    assert "+400 Bad Request" in out


def test_diff_of_long_answers_compares_their_first_lines(typed, monkeypatch):
    """``diff`` of two payloads with too many lines to search compares the first ones, and says so."""
    monkeypatch.setattr(exchange_commands, "_MOST_LINES", 30)  # the code stands above the refs
    shell = typed(f"send {TO} otp=1 ref=a", ENTER, f"send {TO} otp=2 ref=b", ENTER, "diff", ENTER)
    assert '"text": "2"' in shell.out
    assert '"ref": "b"' not in shell.out
    assert "only the first 30 lines of each were compared" in shell.err


def test_the_history_keeps_the_last_exchanges_with_their_numbers(typed, monkeypatch):
    """A long session forgets its oldest exchanges; the others keep their numbers, and a forgotten one is named as such."""
    monkeypatch.setitem(globals(), "Session", partial(Session, history=2))  # the one of the fixture
    shell = typed(*[f"send {TO} > answer", ENTER] * 3, "history", ENTER, "last 1", ENTER)
    assert [line[0] for line in shell.out.splitlines() if "demo@" in line] == ["2", "3"]
    assert "history lists 2 to 3" in shell.err


def test_values_of_forgotten_exchanges_stay_private(typed):
    """A session that has forgotten an exchange, or never sent its draft, still masks the values."""
    session = Session(Places.standard(), history=1)
    for number in range(3):
        session.send(session.draft(Overrides(variables={"to": "+919812345678", "otp": f"48291{number}"})), timeout=60)
    assert len(session.sent) == 1
    assert "48291" not in session.privacy(keys=False).mask("codes 482910 482911 482912")


@pytest.mark.parametrize("chosen", [None, True, False])
def test_the_option_of_colours_holds_in_the_shell(monkeypatch, chosen):
    """``kshell --no-color`` and ``kshell --color`` replace the preference for the whole shell; without them it holds."""
    shown = []
    monkeypatch.setattr(loop.Loop, "run", lambda shell: shown.append(shell.preferences.colour) or 0)
    monkeypatch.setattr("kshell.commands.shell.at_terminal", lambda: True)
    words = {None: [], True: ["--color"], False: ["--no-color"]}[chosen]
    assert perform([*words, "shell"]).exit_code == 0
    assert shown == [chosen]


@pytest.mark.parametrize("line", ["last", "again", "diff"])
def test_without_an_exchange_it_says_so(typed, line):
    """``last``, ``again`` and ``diff`` before the first send say that nothing was sent."""
    assert "nothing was sent yet" in typed(line, ENTER).err


def test_an_exchange_that_is_not_there_is_said(typed):
    """The number of a missing exchange is an error that names the known numbers."""
    assert "history lists 1 to 1" in typed(f"send {TO}", ENTER, "last 7", ENTER).err


def test_inbox_draws_the_bubble_with_its_button(typed):
    """``inbox`` draws the message with the code in its text and at its button."""
    out = typed(f"send {TO} otp=J$FpnYnP", ENTER, "inbox", ENTER).out
    assert "│ J$FpnYnP is your verification code." in out
    assert "Copy code  J$FpnYnP" in out
    assert len({len(line) for line in out.splitlines() if line[:1] in "╭│├╰"}) == 1


# ---- the history of lines


def history() -> Path:
    """Return the path of the file with the typed lines."""
    return Places.standard().user / "history"


def test_typed_lines_are_kept_privately(typed):
    """The history file has mode 0600 in a folder of mode 0700, with references for codes and numbers."""
    typed(f"send {TO} otp=482913", ENTER, "otp 482913", ENTER, "set ref=order-48291", ENTER)
    assert history().read_text() == "send to={{ to }} otp={{ otp }}\notp {{ otp }}\nset ref={{ ref }}\n"
    assert stat.S_IMODE(history().stat().st_mode) == 0o600
    assert stat.S_IMODE(history().parent.stat().st_mode) == 0o700


def test_a_line_that_goes_on_is_kept_as_the_one_that_it_is(typed):
    r"""A code in a continued line is a reference in the history file."""
    typed("otp \\", ENTER, "ABCDEF", ENTER)
    assert history().read_text() == "otp {{ otp }}\n"


def test_a_line_that_begins_with_a_space_is_forgotten(typed):
    """A line that begins with a space is run and kept neither in the file nor for the arrow keys."""
    shell = typed(" pods sandbox", ENTER, "explain ref", ENTER, PAUSE, UP, UP, ENTER)
    assert shell.out.count("Embedded simulator") == 1
    assert history().read_text() == "explain ref\n"


def test_lines_of_an_earlier_session_come_back(typed):
    """A new shell finds the lines of an earlier one."""
    typed("pods sandbox", ENTER)
    assert "Embedded simulator" in typed(PAUSE, CTRL_R, "pods", ENTER, ENTER).out


def test_a_history_others_could_read_is_made_private(typed):
    """A history file of mode 0644 gets mode 0600 at the next line."""
    history().parent.mkdir(parents=True)
    history().touch(0o644)
    typed("pods", ENTER)
    assert stat.S_IMODE(history().stat().st_mode) == 0o600


def test_a_history_that_cannot_be_written_is_no_error(typed):
    """A history file that cannot be written is no error."""
    history().mkdir(parents=True)
    assert "Embedded simulator" in typed("pods sandbox", ENTER).out


def test_a_long_history_is_cut(typed):
    """A history file past its limit keeps the newest 2001 lines."""
    history().parent.mkdir(parents=True)
    history().write_text("".join(f"explain x{number % 7}\n" for number in range(3000)))
    typed("pods", ENTER)
    assert len(history().read_text().splitlines()) == 2001
