"""What a newcomer sees in the first hour, on a screen of 80 and of 40 columns."""

from __future__ import annotations

import re
import sys
from itertools import pairwise

import pytest
from support.programs import needs
from support.screen import PROJECT, Terminal

PROMPT = re.compile(r"^( LIVE  )?\S+@\S+ \S+> ?", re.MULTILINE)


class Screen:
    """A shell that one file of tests shares, on a screen of ``columns`` by 80."""

    def __init__(self, columns: int, home: str) -> None:
        self.columns = columns
        self.home = home
        self.start()

    def start(self) -> None:
        """Start the shell."""
        env = {"HOME": self.home, "XDG_CONFIG_HOME": f"{self.home}/.config", "PYTHONPATH": str(PROJECT)}
        self.terminal = Terminal.kshell(columns=self.columns, lines=80, env=env, cwd=self.home)

    def reset(self) -> None:
        """Come back to an empty prompt on an empty screen; in a new shell, if a test has left this one elsewhere."""
        try:
            self.clear("\x03", seconds=20)
        except AssertionError:
            self.terminal.close()
            self.start()

    def clear(self, *keys: str, seconds: float = 60) -> None:
        """Press keys, clear the screen, and wait for the prompt on it."""
        before = len(self.terminal.bytes)
        self.terminal.type("".join(keys)).enter("clear").until(
            lambda text: b"\x1b[2J" in self.terminal.bytes[before:] and PROMPT.match(text) is not None, seconds
        )
        self.cleared = len(self.terminal.bytes)

    def shows(self, line: str, wanted: str, *keys: str) -> list[str]:
        """Run a line on a clear screen, press keys, wait for ``wanted`` and the prompt; return the rows of the output."""
        if len(self.terminal.bytes) != self.cleared:
            self.clear()
        self.terminal.enter(line)
        for key in keys:
            self.terminal.until("[y/N]").type(key)
        self.terminal.until(lambda text: self.flat(text, wanted) and len(PROMPT.findall(text)) == 2)
        rows = self.terminal.text.split("\n")
        starts = [number for number, row in enumerate(rows) if PROMPT.match(row)]
        typed = -(-(len("demo@sandbox auth> ") + len(line)) // self.columns)  # the rows that the line itself takes
        return rows[starts[0] + typed : starts[1]]

    @staticmethod
    def flat(text: str, wanted: str) -> bool:
        """Return whether ``wanted`` is in the text, wherever its lines break."""
        return wanted in " ".join(text.split())

    def breaks_words(self, rows: list[str]) -> list[str]:
        """Return the rows that end inside of a word: they are full, and the next one goes on at once."""
        return [row for row, after in pairwise(rows) if len(row) == self.columns and after[:1] not in ("", " ")]

    def colours_of(self, text: str) -> set[str]:
        """Return the colours of the first row that has ``text``."""
        row = next(number for number, line in enumerate(self.terminal.screen.display) if text in line)
        column = self.terminal.screen.display[row].index(text)
        cells = (self.terminal.screen.buffer[row][column + offset] for offset in range(len(text)))
        return {cell.fg for cell in cells}


@pytest.fixture(scope="module", params=[80, 40])
def shared(request, tmp_path_factory):
    """Yield the shell on a wide and on a narrow screen."""
    shared = Screen(request.param, str(tmp_path_factory.mktemp("home")))
    yield shared
    shared.terminal.close()


@pytest.fixture
def screen(shared):
    """Return the shell at an empty prompt."""
    shared.reset()
    return shared


ONE_WIDTH = pytest.mark.parametrize("shared", [80], indirect=True)  # what does not depend on the width of the screen
LIVE = "send -p in to=+919812345678 wa_source=zapir otp=1"


def test_the_question_stands_below_its_reasons(screen):
    """The warnings of a live send are printed whole, and the question below them names the recipient."""
    rows = screen.shows(LIVE, "not sent", "\r")
    text = " ".join(" ".join(rows).split())
    assert text.index("did you mean zapier?") < text.index("Send to +919812345678 as demo on the live pod in")
    assert "(api.in.kaleyra.io)? [y/N] not sent" in text
    assert screen.breaks_words([row for row in rows if "/" not in row]) == []


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("send to=9198", "not sent: the payload has errors"),
        ("use account dmo", "did you mean demo?"),
        ("explain WA-401", "which has another endpoint"),
        ("check to=9198 otp=1", "the country code first, such as +919812345678"),
        ("help send", "Show this message and exit."),
        ("accounts", "Every message is accepted"),
        ("send -a low-balance to=+919812345678 --raw > /dev/null", "topped up"),
    ],
)
def test_lines_break_between_words(screen, line, wanted):
    """Errors, findings, explanations, tables and help break between words, and never at the edge of the screen."""
    assert screen.breaks_words(screen.shows(line, wanted)) == []


def test_a_long_value_is_cut_to_the_screen(screen):
    """``vars`` has one row for each variable, however long its value is; ``vars NAME`` prints it whole."""
    screen.shows(f"set ref={'x' * 90}", "")
    rows = screen.shows("vars", "missing: to;")
    assert [row.split()[0] for row in rows] == [
        "missing:", "to", "otp", "template_name", "language", "index", "ref", "ref1", "ref2", "wa_source",
    ]  # fmt: skip
    assert re.search(r"^ref +x{5,}… +set", "\n".join(rows), re.MULTILINE)
    assert "".join(screen.shows("vars ref", "")) == "x" * 90
    screen.shows("unset ref", "")


@ONE_WIDTH
def test_an_accepted_and_a_refused_answer_differ_in_colour(screen):
    """The status line of an accepted answer is green, that of a refusal red, in the output and in the toolbar."""
    screen.shows("send to=+919812345678 > /dev/null", "simulated")
    screen.terminal.until("last: 202")
    assert (screen.colours_of("202 Accepted"), screen.colours_of("last: 202")) == ({"green"}, {"green"})
    screen.shows("send -a low-balance to=+919812345678 > /dev/null", "topped up")
    screen.terminal.until("last: 400")
    assert (screen.colours_of("400 Bad Request"), screen.colours_of("last: 400")) == ({"red"}, {"red"})


@ONE_WIDTH
def test_findings_have_one_colour_on_stdout_and_stderr(screen):
    """``check`` colours a finding on stdout as ``render`` does on stderr."""
    seen = []
    for command in ("check", "render --strict"):
        screen.shows(f"{command} to=9198 otp=1", "such as +919812345678")
        seen.append(screen.colours_of("error") | screen.colours_of("to-e164"))
    assert seen == [{"red", "default"}] * 2


@ONE_WIDTH
def test_the_toolbar_and_the_history_say_simulated(screen):
    """An answer of the simulator is marked in the toolbar and in ``history``."""
    screen.shows("send to=+919812345678 > /dev/null", "simulated")
    screen.terminal.until("accepted · simulated")
    assert "· simulated" in " ".join(screen.shows("history", "simulated"))


@pytest.mark.usefixtures("default_port")
def test_a_curl_on_the_simulator_says_what_must_run(screen):
    """On a terminal a curl command for the simulator has a hint if ``kshell sandbox`` does not run."""
    rows = screen.shows("curl to=+919812345678 otp=1 --compact", "start kshell sandbox first")
    assert rows[0].startswith("hint: to run it, start kshell sandbox")


@ONE_WIDTH
def test_import_says_that_it_waits(screen):
    """``import`` without a file says what to paste and how to end."""
    screen.terminal.enter("clear").enter("import").until("paste the curl command")
    screen.terminal.type("\x04").until("error:")


@ONE_WIDTH
def test_a_paste_with_a_last_line_break_leaves_the_cursor_at_its_end(screen):
    """The last line break of a paste is not inserted, so that the menu of all commands does not open below it."""
    screen.terminal.enter("clear").type("\x1b[200~set ref=a\ncheck\n\x1b[201~x").until("… checkx")
    screen.terminal.type("\x03").until(lambda text: PROMPT.findall(text)[1:] != [])


@ONE_WIDTH
def test_usage_has_no_double_blank(screen):
    """The usage of a command in the shell begins with the command."""
    assert screen.shows("send --help", "Show this message and exit.")[0].startswith("Usage: send [OPTIONS]")


@needs("bash")
def test_ctrl_z_suspends_the_shell(tmp_path):
    """Ctrl-Z returns to the shell that started kshell, and ``fg`` continues."""
    terminal = Terminal("bash", "--norc", "--noprofile", "-i", env={"PS1": "$ "})
    terminal.enter(f"{sys.executable} -m kshell").until("last:")
    terminal.type("\x1a").until("Stopped").enter("fg").until(lambda text: text.count("last:") == 1 and "fg" in text)
    terminal.type("\x04").until(lambda text: text.endswith("$"))
    terminal.close()


# ---- the account of one's own


def test_the_shell_says_which_setting_chose_the_account():
    """With KSHELL_ACCOUNT the shell starts as that account, and the first line and the toolbar say so."""
    terminal = Terminal.kshell(columns=40, env={"KSHELL_ACCOUNT": "docs"})
    assert terminal.text.startswith("account docs, from KSHELL_ACCOUNT\n")
    assert " LIVE  docs@in auth>" in terminal.text
    terminal.until("account: KSHELL_ACCOUNT")
    terminal.enter("use account demo").until("demo@sandbox auth>").until(lambda text: "account: KSH" not in text)
    terminal.close()


def test_kshell_starts_as_an_account():
    """``kshell -a NAME -p POD`` starts the shell with them, whatever KSHELL_ACCOUNT names."""
    terminal = Terminal.kshell("-a", "docs", "-p", "sandbox", env={"KSHELL_ACCOUNT": "nobody"})
    assert "docs@sandbox auth>" in terminal.text
    terminal.close()
