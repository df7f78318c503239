"""The installed program in a real terminal: the content of the screen, cell by cell."""

from __future__ import annotations

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.screen import PROJECT, Terminal
from support.servers import local_pod

HOSTILE = b'{"code": "\x1b[2J\x1b]0;owned\x07\x9b5;5HWA\xe2\x80\xae", "message": "\r\x1b[1;1Hgotcha\x08\x0f"}'


class Slow(BaseHTTPRequestHandler):
    """A server that reads the request and never answers, or answers with control characters."""

    answer = b""

    def do_POST(self) -> None:
        """Send the answer, or none."""
        self.rfile.read(int(self.headers["content-length"]))
        self.server.received.set()
        if not self.answer:
            time.sleep(60)
        self.wfile.write(
            b"HTTP/1.1 400 \x1b[31mBad\x1b[2J\r\ncontent-length: %d\r\n\r\n%b" % (len(self.answer), self.answer)
        )

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server():
    """Yield the server ``Slow``, for which the pod ``mine`` exists."""
    served = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    served.daemon_threads = True
    served.received = threading.Event()
    local_pod(f"http://127.0.0.1:{served.server_port}", name="mine")
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture
def shell():
    """Yield a function that starts the shell: ``shell(columns=40)`` gives a ``Terminal`` at the first prompt."""
    started: list[Terminal] = []

    def start(**settings: object) -> Terminal:
        started.append(Terminal.kshell(**settings))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


def colours(terminal: Terminal) -> set[str]:
    """Return the colours of the cells on the screen."""
    cells = (terminal.screen.buffer[y][x] for y in range(terminal.screen.lines) for x in range(terminal.screen.columns))
    return {colour for cell in cells for colour in (cell.fg, cell.bg)}


def test_prompt_menu_send_and_refusal(shell):
    """A first session shows the prompt, toolbar, menu with help, an accepted send, an explained refusal, and ends."""
    terminal = shell()
    assert terminal.text.splitlines()[1].startswith("demo@sandbox auth>")
    assert " SIMULATED  demo@sandbox  auth  missing: to  last: nothing sent" in terminal.text
    terminal.type("send wa_source=z").until("zapier").until("a source the API knows")
    terminal.type("\x15send to=+9").until("+91 ").until("India")
    terminal.type("19812345678 otp=482913\r").until("last: 202 WA202 accepted")
    assert "202 Accepted · WA202 Request Accepted · A" in terminal.text
    terminal.enter("send -a low-balance to=+919812345678").until("last: 400 E110 refused")
    assert "yours: top the account up" in terminal.text
    assert '"code": "E110"' in terminal.text
    terminal.type("\x04")
    assert terminal.ended()


def test_a_live_account_looks_different_at_a_glance(shell):
    """The prompt and the toolbar of a live pod show LIVE in red."""
    terminal = shell()
    terminal.enter("use account docs").until(" LIVE  docs@in auth>")
    terminal.until(" LIVE  docs@in  auth  ready")
    assert "red" in colours(terminal)


def test_without_colour_live_is_still_told(shell):
    """With NO_COLOR no cell has a colour or is dim, and the prompt shows the word LIVE."""
    terminal = shell(env={"NO_COLOR": "1"})
    terminal.enter("use account docs").until(" LIVE  docs@in auth>")
    terminal.enter("render otp=1").until('"wa_source": "api"')
    assert colours(terminal) == {"default"}
    assert b"\x1b[2m" not in terminal.bytes


def test_forty_columns(shell):
    """At 40 columns the toolbar takes two lines without loss, and ``help`` shows every command."""
    terminal = shell(columns=40)
    lines = terminal.text.splitlines()
    assert lines[-2:] == [" SIMULATED  demo@sandbox  auth", " missing: to  last: nothing sent"]
    terminal.enter("help").until("not remembered.")
    assert "doctor" in terminal.text


def test_ctrl_c_during_a_slow_send_ends_the_send_and_not_the_shell(shell, server):
    """Ctrl-C during a slow send reports the delivery, and the shell goes on."""
    terminal = shell()
    terminal.enter("send -p mine to=+919812345678")
    assert server.received.wait(60)
    terminal.type("\x03").until("last: unknown")
    assert "delivery: unknown" in terminal.text
    terminal.enter("pods sandbox").until("Embedded simulator")


def test_a_hostile_answer_controls_nothing(shell, server, monkeypatch):
    """An answer with control characters changes neither title nor earlier lines, and they are shown escaped."""
    monkeypatch.setattr(Slow, "answer", HOSTILE)
    terminal = shell(lines=80)
    terminal.enter("pods sandbox").until("127.0.0.1:8255")
    before = terminal.screen.display[:3]
    terminal.enter("send -p mine to=+919812345678").until("last: 400")
    assert terminal.screen.title == ""
    assert terminal.screen.display[:3] == before
    assert "\\x1b[31mBad" in terminal.text
    assert "gotcha" not in terminal.screen.display[0]
    terminal.enter("last").until("api-key: (redacted)")
    assert b"\x1b]0;owned" not in terminal.bytes


def test_vi_keys(shell, write, tmp_path):
    """The preference ``keys: vi`` holds, and the toolbar shows the mode."""
    write(str(tmp_path / "user/.config/kshell/preferences.yaml"), "keys: vi\n")
    terminal = shell()
    terminal.until("vi insert").type("xpods\x1b").until("vi navigation")
    terminal.type("0x").until("> pods").enter(" ").until("https://api.in.kaleyra.io")


def test_httpx_loads_behind_the_prompt(shell, tmp_path):
    """The library httpx is not imported before the prompt is drawn."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, threading, time\n"
        "from prompt_toolkit.application import Application\n"
        "drawn = Application._redraw\n"
        "def redraw(self, *rest, **named):\n"
        "    loaded = 'httpx' in sys.modules\n"
        "    if self._is_running and not hasattr(sys, 'written'):\n"
        f"        sys.written = open({str(tmp_path / 'loaded')!r}, 'w').write(str(loaded))\n"
        "    drawn(self, *rest, **named)\n"
        "Application._redraw = redraw\n"
    )
    terminal = shell(env={"PYTHONPATH": f"{tmp_path}:{PROJECT}"})
    assert (tmp_path / "loaded").read_text() == "False"
    terminal.enter("send to=+919812345678").until("WA202")


def test_the_shell_begins_with_what_to_type():
    """``kshell shell`` starts the shell too; one dim line of help is above the first prompt."""
    terminal = Terminal.kshell("shell")
    first, second, *_ = terminal.text.splitlines()
    assert first == "help lists the commands; Tab completes; exit or Ctrl-D ends"
    assert second.startswith("demo@sandbox auth>")
    assert b"\x1b[2mhelp lists" in terminal.bytes
    terminal.close()


def test_a_home_that_is_not_there_is_said():
    """KSHELL_HOME with a missing folder is an error, and no shell starts."""
    terminal = Terminal(sys.executable, "-m", "kshell", env={"KSHELL_HOME": "/nowhere"})
    terminal.until("error: /nowhere is not a directory").until("hint:")
    assert terminal.ended()


def test_without_a_terminal_the_shell_says_so(cli):
    """``kshell shell`` without a terminal is a usage error, exit code 2."""
    ran = cli("shell")
    assert ran.code == 2
    assert "the shell needs a terminal" in ran.err


def test_a_preference_that_cannot_be_is_said_and_the_shell_starts(shell, write, tmp_path):
    """A wrong preference is an error with a did-you-mean, and the shell starts."""
    write(str(tmp_path / "user/.config/kshell/preferences.yaml"), "keys: emcas\n")
    assert "did you mean emacs?" in shell().text
