"""The shell as a user's keys drive it, in this process: real key presses through prompt_toolkit's pipe input."""

from __future__ import annotations

import json
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from support.servers import wait_until

from kshell.console.dispatch import perform
from kshell.core.models import Delivery, Exchange, Sent
from kshell.profiles.files import Places, shipped_folder
from kshell.profiles.preferences import Preferences
from kshell.session.session import Session
from kshell.shell import loop

ENTER, CTRL_C, CTRL_D, CTRL_R, UP, RIGHT, ESC, TAB = "\r", "\x03", "\x04", "\x12", "\x1b[A", "\x1b[C", "\x1b", "\t"
PAUSE = "\0"  # as long as the shell takes to read its history, which it does while one types
TO = "to=+919812345678"


class Shell(NamedTuple):
    """What a session at the keyboard came to."""

    out: str
    err: str
    session: Session


@pytest.fixture
def typed(capfdbinary, monkeypatch) -> Any:
    """Press keys in a new shell, then Ctrl-D: ``typed("vars", ENTER)`` gives a ``Shell``."""
    monkeypatch.setattr(loop, "_PRELOADED", ())

    def ran(*keys: str, **preferences: str) -> Shell:
        capfdbinary.readouterr()
        with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
            session = Session(Places.standard())
            shell = loop.Loop(session, Preferences(**preferences))
            press(pipe, "".join(keys) + CTRL_D, Ready(shell))
            assert shell.run() == 0
        out, err = capfdbinary.readouterr()
        return Shell(out.decode(), err.decode(), session)

    return ran


class Ready:
    """Waits until a shell is at the prompt that follows so many lines, with its history read."""

    def __init__(self, shell: loop.Loop) -> None:
        self.shell = shell
        self.prompted = 0
        ask = shell.prompts.prompt
        shell.prompts.prompt = lambda: self.count() or ask()

    def count(self) -> None:
        """One more prompt."""
        self.prompted += 1

    def after(self, lines: int) -> None:
        """Return when it is so; a suggestion, which nothing tells of, gets a moment more."""
        assert wait_until(lambda: self.prompted > lines and self.history_is_read(), 20)
        time.sleep(0.3)

    def history_is_read(self) -> bool:
        """Whether the arrow keys have something to bring back."""
        task = self.shell.prompts.default_buffer._load_history_task
        return self.shell.prompts.app.is_running and task is not None and task.done()


def press(pipe: Any, keys: str, ready: Ready) -> None:
    """Send the keys up to the first pause at once, and the rest from a thread."""
    first, *rest = keys.split(PAUSE)
    pipe.send_text(first)

    def later() -> None:
        lines = first.count(ENTER)
        for part in rest:
            try:
                ready.after(lines)
            except AssertionError:
                pipe.send_text(CTRL_C + CTRL_D)  # the shell ends, and with it the test
                raise
            lines += part.count(ENTER)
            pipe.send_text(part)

    threading.Thread(target=later).start()


def pasted(*lines: str) -> str:
    """Lines as a terminal hands over a paste."""
    return "\x1b[200~" + "\n".join(lines) + "\x1b[201~"


def test_a_line_is_run_and_its_output_printed(typed):
    """The same command line as ``kshell curl`` prints the same."""
    assert typed(f"curl {TO} otp=482913", ENTER).out.startswith("curl -X POST 'http://127.0.0.1:8025/v2/HXSANDBOXIN/")


def test_what_is_set_holds_for_the_next_line(typed):
    """``set`` changes the session."""
    shell = typed(f"set {TO} otp=482913", ENTER, "render", ENTER)
    assert json.loads(shell.out)["messaging_object"]["to"] == "+919812345678"


def test_a_one_line_override_does_not_change_the_session(typed):
    """A variable and ``-a`` of one line are gone on the next."""
    shell = typed(f"render -a docs {TO} otp=482913", ENTER, "vars", ENTER)
    assert shell.session.account == "demo"
    assert "missing: to" in shell.err


def test_ctrl_c_gives_up_the_line_and_not_the_shell(typed):
    """What was typed before Ctrl-C is not run; the next line is."""
    shell = typed("accounts", CTRL_C, "pods sandbox", ENTER)
    assert "low-balance" not in shell.out
    assert "Embedded simulator" in shell.out


def test_exit_leaves(typed):
    """Nothing is run after ``exit``."""
    assert typed("exit", ENTER, "pods", ENTER).out == ""


@pytest.mark.parametrize("word", ["quit", " quit "])
def test_quit_leaves_too(typed, word):
    """It is another word for ``exit``."""
    shell = typed(word, ENTER, "pods", ENTER)
    assert (shell.out, shell.err) == ("", "")


def test_quit_is_not_listed(typed):
    """Help lists ``exit``, and explains it where somebody asks for ``quit``."""
    assert "quit" not in typed("help", ENTER).out.replace("Ctrl-D and quit do", "")
    assert "Leave the shell" in typed("help quit", ENTER).out


def test_an_unknown_command_has_a_did_you_mean(typed):
    """A misspelt command is answered with the right one, and the shell goes on."""
    shell = typed("sned", ENTER, "pods", ENTER)
    assert "did you mean send?" in shell.err
    assert "sandbox" in shell.out


def test_a_command_as_documents_write_it_is_understood(typed):
    """``kshell`` in front of a command, as hints and documents have it, is no error."""
    assert "Embedded simulator" in typed("kshell pods sandbox", ENTER).out


def test_several_pasted_lines_are_run_one_by_one(typed):
    """A bracketed paste of three commands runs all three, each shown before it runs."""
    shell = typed(pasted(f"set {TO} otp=482913", "# a comment", "render"), ENTER)
    assert '"482913"' in shell.out
    assert f"» set {TO} otp=482913\n" in shell.err


def test_a_paste_stops_where_a_line_fails(typed):
    """After a line that fails the rest of the paste is not run, so that nothing is sent as somebody else."""
    shell = typed(pasted("use account nobody", f"send {TO}"), ENTER)
    assert shell.session.sent == []
    assert "stopped here: 1 more line not run" in shell.err


def test_a_backslash_joins_lines(typed):
    """Enter after a backslash goes on in the next line."""
    assert '"482913"' in typed(f"render {TO} \\", ENTER, "otp=482913", ENTER).out


def test_ctrl_r_finds_an_earlier_line(typed):
    """Ctrl-R searches the lines of this session."""
    shell = typed("pods sandbox", ENTER, "explain ref", ENTER, PAUSE, CTRL_R, "pods", ENTER, ENTER)
    assert shell.out.count("Embedded simulator") == 2


def test_an_earlier_line_is_suggested(typed):
    """After its first letters the right arrow takes the line that the history has."""
    shell = typed("pods sandbox", ENTER, PAUSE, "po", PAUSE, RIGHT, ENTER)
    assert shell.out.count("Embedded simulator") == 2


def test_a_line_comes_back_as_it_was_typed(typed):
    """The arrow key brings back a line of this session whole, its code too."""
    assert typed(f"curl {TO} otp=482913", ENTER, PAUSE, UP, ENTER).out.count('"482913"') == 4


def test_vi_keys(typed):
    """With the preference ``keys: vi``, Escape and ``x`` edit the line."""
    assert "Embedded simulator" in typed("xpods sandbox", ESC, "0", "x", ENTER, keys="vi").out


def test_emacs_keys(typed):
    """Without a preference Ctrl-A and Ctrl-D edit the line."""
    assert "Embedded simulator" in typed("xpods sandbox", "\x01", CTRL_D, ENTER).out


def test_a_bug_in_a_command_does_not_end_the_session(typed, monkeypatch):
    """A command that raises is told in two lines."""
    monkeypatch.setattr(Session, "table", lambda _: 1 / 0)
    monkeypatch.setattr(loop.status, "status_of", lambda _: loop.status.UNKNOWN)
    shell = typed("vars", ENTER, "pods sandbox", ENTER)
    assert "internal error in kshell: ZeroDivisionError" in shell.err
    assert "Embedded simulator" in shell.out


def test_a_bug_in_the_completer_does_not_end_the_session(typed, monkeypatch):
    """Tab over a fault of ours does nothing, and the line is run."""
    monkeypatch.setattr("kshell.shell.completer.matching", lambda *_: 1 / 0)
    assert "Embedded simulator" in typed("pods ", TAB, "sandbox", ENTER).out


def test_a_profile_that_breaks_meanwhile_does_not_end_the_session(typed, write):
    """An account that cannot be read is said in the toolbar and by the command; the shell goes on."""
    write("profiles/accounts/demo.yaml", "pod: [\n")
    shell = typed(f"render {TO}", ENTER, "use account docs", ENTER, "pods sandbox", ENTER)
    assert "profiles/accounts/demo.yaml" in shell.err
    assert shell.session.account == "docs"
    assert "Embedded simulator" in shell.out


# ---- pipes and files


def test_output_goes_into_a_file_of_one_s_own(typed):
    """``render > payload.json`` writes the payload, 0600, and nothing on the terminal."""
    shell = typed(f"render {TO} otp=482913 > payload.json", ENTER)
    assert shell.out == ""
    assert json.loads(Path("payload.json").read_text())["messaging_object"]["to"] == "+919812345678"
    assert stat.S_IMODE(Path("payload.json").stat().st_mode) == 0o600


def test_output_is_appended(typed):
    """``>>`` keeps what the file holds."""
    typed("otp 1 > log", ENTER, "otp 2 >> log", ENTER)
    assert Path("log").read_text() == "1\n2\n"


def test_output_goes_into_a_program(typed):
    """``curl | wc -l`` counts the lines of the snippet; the program is any line of the system's shell."""
    assert typed(f"curl {TO} otp=482913 --compact | wc -l | tr -d ' '", ENTER).out == "1\n"


def test_a_failing_command_leaves_the_file_alone(typed, write):
    """What a file held is still there when the command had nothing to put into it."""
    write("kept.json", "{}")
    typed("render > kept.json", ENTER)
    assert Path("kept.json").read_text() == "{}"


@pytest.mark.parametrize("line", [f"set {TO} 'ref=a > b'", f"set {TO} ref=a>b", f'set {TO} "ref=a | b"'])
def test_a_sign_inside_a_word_or_in_quotes_is_text(typed, line):
    """Only a word that begins with ``|`` or ``>`` leads elsewhere."""
    assert typed(line, ENTER).session.variables["ref"] in ("a > b", "a>b", "a | b")


def test_a_redirection_without_a_target_is_an_error(typed):
    """``render >`` says what to write behind it."""
    assert "nothing follows >" in typed(f"render {TO} >", ENTER).err


# ---- asking before a send


@pytest.fixture
def sent(monkeypatch) -> list[Any]:
    """The drafts that would have been sent; nothing leaves the process."""
    drafts: list[Any] = []

    def send(session: Session, draft: Any, *, timeout: float) -> Exchange:
        drafts.append(draft)
        exchange = Exchange(draft.request, None, Delivery.UNKNOWN, 1.0)
        session.sent.append(Sent(draft, exchange))
        return exchange

    monkeypatch.setattr(Session, "send", send)
    return drafts


LIVE = "send -p in to=+919812345678,+919812345679 otp=482913"


@pytest.mark.parametrize("answer", ["n", "", "no", CTRL_C, "what"])
def test_a_live_send_is_not_sent_without_a_yes(typed, sent, answer):
    """Anything but ``y`` or ``yes``, also Enter alone and Ctrl-C, keeps the message here."""
    shell = typed(LIVE, ENTER, answer, "" if answer == CTRL_C else ENTER)
    assert sent == []
    assert "not sent" in shell.err


@pytest.mark.parametrize("answer", ["y", "YES"])
def test_a_live_send_is_sent_after_a_yes(typed, sent, answer):
    """``y`` sends it, once."""
    typed(LIVE, ENTER, answer, ENTER)
    assert len(sent) == 1


def test_the_question_names_pod_account_and_recipients(typed, sent, monkeypatch):
    """It says to how many, where, and as whom; before it, that demo's key, no secret on the simulator, is one there."""
    asked: list[str] = []
    monkeypatch.setattr(loop.Loop, "confirm", lambda _, question: bool(asked.append(question)))
    typed(LIVE, ENTER)
    warning, question = asked[0].split("\n")
    assert warning.startswith(f"warning: the API key stands in {shipped_folder() / 'profiles/accounts/demo.yaml'}; ")
    assert question == "Send to 2 recipients on the live pod in (https://api.in.kaleyra.io) as demo?"
    assert len(asked) == 1


def test_yes_is_not_asked(typed, sent):
    """``--yes`` sends without a question."""
    typed(f"{LIVE} --yes", ENTER)
    assert len(sent) == 1


def test_a_script_that_the_shell_includes_asks_too(typed, sent, write):
    """A ``send`` on a line of it is asked about as one that is typed."""
    write("s.kshell", LIVE)
    assert "not sent" in typed("source s.kshell", ENTER, "n", ENTER).err
    assert sent == []


def test_exit_in_a_script_that_the_shell_includes_leaves_the_shell(typed, write):
    """What is typed behind it is not run."""
    write("s.kshell", "exit\n")
    assert typed("source s.kshell", ENTER, "pods sandbox", ENTER).out == ""


def test_the_simulator_is_not_asked_about(typed, sent):
    """A send to the simulator reaches nobody and asks nothing."""
    typed(f"send {TO}", ENTER)
    assert len(sent) == 1


def test_the_command_line_is_not_asked(sent):
    """What is typed at a system's shell, or stands in a program, has been thought about already."""
    words = ["send", "-p", "in", TO, "otp=482913"]
    perform(words)
    assert len(sent) == 1


def test_confirm_always_asks_about_the_simulator_too(typed, sent):
    """The preference ``confirm: always`` asks before every send."""
    typed(f"send {TO}", ENTER, "n", ENTER, confirm="always")
    assert sent == []


def test_again_after_an_unknown_fate_asks(typed, sent):
    """What may have been delivered is sent a second time only after a yes."""
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
    """An editor that replaces texts in the file, one pair after the other, unless it holds a text already."""

    def edits(*pairs: tuple[str, str], unless: str = "nothing") -> None:
        script, program = tmp_path / "editor.py", tmp_path / "editor"
        script.write_text(EDITOR.format(pairs=pairs, unless=unless))
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$1"\n')
        program.chmod(0o755)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", str(program))

    return edits


def test_what_was_edited_is_sent_when_told_to(typed, editor):
    """``edit``, a change, and ``y`` send the changed payload."""
    editor(("482913", "111222"))
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER)
    assert [message.body_code for message in shell.session.simulator.inbox] == ["111222"]


def test_what_was_edited_is_printed_when_not_told_to_send(typed, editor):
    """Enter alone sends nothing and prints the changed payload."""
    editor(("482913", "111222"))
    shell = typed(f"edit {TO} otp=482913", ENTER, ENTER)
    assert shell.session.sent == []
    assert '"111222"' in shell.out


def test_what_was_edited_is_checked(typed, editor):
    """An error in the edited payload is a finding; nothing is sent, and what to type next is said."""
    editor(("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913 --yes", ENTER, "n", ENTER)
    assert "error otp-length" in shell.err
    assert "not sent\nhint: edit it again" in shell.err
    assert '"1234567890123456"' in shell.out
    assert shell.session.sent == []


def test_what_was_edited_wrongly_can_be_edited_again(typed, editor):
    """The editor opens with what was written before, not from the start."""
    editor(("1234567890123456", "7654321"), ("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER, "y", ENTER)
    assert [message.body_code for message in shell.session.simulator.inbox] == ["7654321"]


def test_what_was_edited_wrongly_and_then_left_is_printed(typed, editor):
    """A second look that changes nothing does not throw away what the first one wrote."""
    editor(("482913", "1234567890123456"), unless="1234567890123456")
    shell = typed(f"edit {TO} otp=482913", ENTER, "y", ENTER)
    assert '"1234567890123456"' in shell.out
    assert "not sent" in shell.err


def test_errors_can_be_sent_by_force(typed, editor):
    """With ``--force`` a payload with errors is asked about like any other."""
    editor(("482913", "1234567890123456"))
    shell = typed(f"edit {TO} otp=482913 --force", ENTER, "y", ENTER)
    assert len(shell.session.sent) == 1


def test_an_editor_that_fails_changes_nothing(typed, tmp_path, monkeypatch):
    """After vim's ``:cq`` it is said that the editor ended with an error, and that nothing was sent."""
    program = tmp_path / "editor"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(program))
    shell = typed(f"edit {TO}", ENTER)
    assert "the editor ended with an error" in shell.err
    assert "nothing was changed or sent" in shell.err
    assert "hint: edit opens the payload again" in shell.err
    assert shell.session.sent == []


def test_an_edit_that_is_no_json_can_be_edited_again(typed, editor):
    """The fault is shown with its line, and a no ends it."""
    editor(('{\n  "messaging_object"', '{{\n  "messaging_object"'))
    shell = typed(f"edit {TO} otp=482913", ENTER, "n", ENTER)
    assert "payload:1:2: not JSON" in shell.err


def test_an_editor_that_is_not_there_is_said(typed, monkeypatch):
    """A missing editor is an error with what to type."""
    monkeypatch.setenv("VISUAL", "no-such-editor-here")
    assert "export EDITOR=" in typed(f"edit {TO}", ENTER).err


# ---- what was sent before


def test_history_lists_exchanges(typed):
    """Each send is a row: number, who, to whom, the answer in three words."""
    out = typed(f"set {TO}", ENTER, "send", ENTER, "send -a low-balance", ENTER, "history", ENTER).out
    assert "1  demo@sandbox         +919812345678  202 WA202 accepted" in out
    assert "2  low-balance@sandbox  +919812345678  400 E110 refused" in out


def test_last_shows_the_whole_exchange_without_the_key(typed):
    """Request line, headers, payload, status and body; the key is not in it."""
    out = typed(f"send {TO} otp=482913", ENTER, "last > shown", ENTER).out
    assert "WA202" in out
    shown = Path("shown").read_text()
    assert "api-key: (redacted)" in shown
    assert '"482913"' in shown
    assert "Asandbox" not in shown


def test_again_sends_the_same_message(typed):
    """The second message has the code of the first."""
    shell = typed(f"send {TO}", ENTER, "again", ENTER)
    first, second = shell.session.simulator.inbox
    assert first.body_code == second.body_code
    assert first.message_id != second.message_id


def test_diff_compares_payloads(typed):
    """The changed line is in it with both values."""
    out = typed(f"send {TO} ref=a", ENTER, f"send {TO} ref=b", ENTER, "diff", ENTER).out
    assert '-    "ref": "a"' in out
    assert '+    "ref": "b"' in out


def test_diff_compares_who_sends_and_where_to(typed):
    """The same payload of another account, or to another pod, is another request; the key is not in it."""
    out = typed(f"set {TO} otp=1", ENTER, "send > one", ENTER, "send -a low-balance > two", ENTER, "diff", ENTER).out
    assert "--- request of 1\n+++ request of 2\n" in out
    assert "-demo@sandbox\n" in out
    assert "+low-balance@sandbox\n" in out
    assert "-POST http://127.0.0.1:8025/v2/HXSANDBOXIN/" in out
    assert "+POST http://127.0.0.1:8025/v2/" in out
    assert " api-key: (redacted)\n" in out


def test_diff_says_where_there_is_no_difference(typed):
    """The same message sent twice is told to be the same."""
    shell = typed(f"send {TO} otp=1", ENTER, "again", ENTER, "diff", ENTER)
    assert "no difference: request of 1 and request of 2" in shell.err


def test_diff_compares_answers(typed):
    """With ``--answers`` the status is the first line that differs."""
    out = typed(f"send {TO}", ENTER, f"send -a low-balance {TO}", ENTER, "diff 1 2 --answers", ENTER).out
    assert "-202 Accepted" in out
    assert "+400 Bad Request" in out


@pytest.mark.parametrize("line", ["last", "again", "diff"])
def test_without_an_exchange_it_says_so(typed, line):
    """Before the first send there is nothing to show."""
    assert "nothing was sent yet" in typed(line, ENTER).err


def test_an_exchange_that_is_not_there_is_said(typed):
    """A number past the last one names those there are."""
    assert "history lists 1 to 1" in typed(f"send {TO}", ENTER, "last 7", ENTER).err


def test_inbox_draws_the_bubble_with_its_button(typed):
    """The code is in the text and behind the button."""
    out = typed(f"send {TO} otp=J$FpnYnP", ENTER, "inbox", ENTER).out
    assert "│ J$FpnYnP is your verification code." in out
    assert "⧉ Copy code  J$FpnYnP" in out
    assert len({len(line) for line in out.splitlines() if line[:1] in "╭│├╰"}) == 1


# ---- the history of lines


def history() -> Path:
    """The file that typed lines are kept in."""
    return Places.standard().user / "history"


def test_typed_lines_are_kept_privately(typed):
    """The file is 0600 in a folder of 0700, and holds neither code nor number."""
    typed(f"send {TO} otp=482913", ENTER, "otp 482913", ENTER, "set ref=order-48291", ENTER)
    assert history().read_text() == "send to={{ to }} otp={{ otp }}\notp {{ otp }}\nset ref={{ ref }}\n"
    assert stat.S_IMODE(history().stat().st_mode) == 0o600
    assert stat.S_IMODE(history().parent.stat().st_mode) == 0o700


def test_a_line_that_goes_on_is_kept_as_the_one_that_it_is(typed):
    r"""A code below a \ is behind otp all the same."""
    typed("otp \\", ENTER, "ABCDEF", ENTER)
    assert history().read_text() == "otp {{ otp }}\n"


def test_a_line_that_begins_with_a_space_is_forgotten(typed):
    """It is run, and neither the file nor the arrow key has it."""
    shell = typed(" pods sandbox", ENTER, "explain ref", ENTER, PAUSE, UP, UP, ENTER)
    assert shell.out.count("Embedded simulator") == 1
    assert history().read_text() == "explain ref\n"


def test_lines_of_an_earlier_session_come_back(typed):
    """What one shell kept, the next one finds."""
    typed("pods sandbox", ENTER)
    assert "Embedded simulator" in typed(PAUSE, CTRL_R, "pods", ENTER, ENTER).out


def test_a_history_others_could_read_is_made_private(typed):
    """A file of mode 0644 is 0600 after the next line."""
    history().parent.mkdir(parents=True)
    history().touch(0o644)
    typed("pods", ENTER)
    assert stat.S_IMODE(history().stat().st_mode) == 0o600


def test_a_history_that_cannot_be_written_is_no_error(typed):
    """A folder in the file's place costs the history and nothing else."""
    history().mkdir(parents=True)
    assert "Embedded simulator" in typed("pods sandbox", ENTER).out


def test_a_long_history_is_cut(typed):
    """Past its bound the file keeps the newest lines."""
    history().parent.mkdir(parents=True)
    history().write_text("".join(f"explain x{number % 7}\n" for number in range(3000)))
    typed("pods", ENTER)
    assert len(history().read_text().splitlines()) == 2001
