"""No byte from a network, a file or a user controls the terminal; a pipe gets the bytes unchanged."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyte
import pytest
from conftest import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from support.servers import ACCEPTED, Server, answer, local_pod, read, say

from kshell.cli import run
from kshell.console.caller import Caller
from kshell.console.dispatch import perform
from kshell.core.errors import Note, NotSentError, Place, ScriptError
from kshell.core.models import Finding
from kshell.core.terminal import columns, finding_line, note_lines, paint, safe, safe_line, wrapped
from kshell.profiles.files import Places
from kshell.python import PayloadError
from kshell.session.session import Session

if TYPE_CHECKING:
    pass

TITLE, CLEAR, RESET = "\x1b]0;pwned\x07", "\x1b[2J\x1b[H", "\x1bc"
# A new title, twice; colour; another screen; line drawing; cursor up, left and home; clear; reset; text from right to left
HOSTILE = (
    f"{TITLE}\x9d0;pwned\x9c\x1b[31m\x9b31m\x1b[?1049h\x1b[?25l\x1b(0\x0e\x1b[3A\x1b[9D\r\x08\x0b\x0c{CLEAR}{RESET}"
    "\x7f\x85\x84\u202e\u2066\u200f\u2028pwned"
)
SPOKEN = "".join(character for character in HOSTILE if character.isascii() and character not in "\r\n\x0b\x0c\x7f")


class Screen(NamedTuple):
    """The exit code of a command, the bytes that the terminal got, and the lines that it shows."""

    code: int
    output: bytes
    lines: list[str]

    @property
    def text(self) -> str:
        """Return all lines as one text."""
        return "\n".join(self.lines)


def shown(output: bytes) -> list[str]:
    """Return the lines that an emulator shows; assert that the bytes only added lines."""
    screen = pyte.Screen(4000, 300)
    stream = pyte.ByteStream(screen)
    stream.feed(b"\x1b]0;before\x07\x1b]1;before\x07held\r\n")
    modes = set(screen.mode)
    stream.feed(output)
    assert (screen.title, screen.icon_name, screen.mode) == ("before", "before", modes)
    assert _line(screen, 0) == "held"
    assert (screen.cursor.x, screen.cursor.y) == (0, 1 + output.count(b"\n"))
    assert (screen.cursor.hidden, screen.cursor.attrs) == (False, screen.default_char)
    return [_line(screen, number) for number in range(1, screen.cursor.y)]


def _line(screen: pyte.Screen, number: int) -> str:
    cells = screen.buffer[number]
    return "".join(cells[column].data for column in range(max(cells, default=-1) + 1))


class Reader(threading.Thread):
    """Reads the other side of a terminal to its end."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.output = b""
        self.start()

    def run(self) -> None:
        """Read until no process has the terminal open."""
        try:
            while data := os.read(self.descriptor, 65536):
                self.output += data
        except OSError:  # Linux raises this at the end
            return


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs a command line on a terminal, without colour unless ``colour`` is true."""

    def ran(*words: str, colour: bool = False, **variables: str) -> Screen:
        ours, its = pty.openpty()
        reader = Reader(ours)
        with open(its, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
            for name, text in {"TERM": "xterm", "NO_COLOR": "" if colour else "1", **variables}.items():
                patched.setenv(name, text)
            patched.setattr(sys, "stdout", stream)
            patched.setattr(sys, "stderr", stream)
            code = run(words)
        reader.join()
        os.close(ours)
        if colour:
            return Screen(code, reader.output, [])
        lines = shown(reader.output)
        assert lines == reader.output.decode().split("\r\n")[:-1]  # each character is in its cell
        return Screen(code, reader.output, lines)

    return ran


def program_on_terminal(*words: str) -> tuple[int, bytes]:
    """Run kshell in a process on a terminal; return its exit code and the bytes that the terminal got."""
    ours, its = pty.openpty()
    reader = Reader(ours)
    process = subprocess.Popen(
        [sys.executable, "-m", "kshell", *words],
        stdin=its,
        stdout=its,
        stderr=its,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        start_new_session=True,
    )
    os.close(its)
    code = process.wait(60)
    reader.join()
    os.close(ours)
    return code, reader.output


def test_the_emulator_would_notice():
    """Each hostile sequence, unescaped, changes the emulator's state, so the other tests can fail."""
    for sequence in (TITLE, "\x9d0;pwned\x9c", CLEAR, RESET, "\x1b[3A", "\x1b[31m", "\x1b[?25l", "\x9b5B"):
        with pytest.raises(AssertionError):
            shown(f"two\r\nlines{sequence}\r\n".encode())
    assert shown(b"two\r\nlines\r\n") == ["two", "lines"]


# ---- from the network


def test_a_hostile_status_line_is_shown(on_terminal):
    """Control characters in a status line are escaped."""
    with Server(read, say(f"HTTP/1.1 202 {SPOKEN}\r\nContent-Length: 2\r\n\r\n{{}}".encode("latin-1"))) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
    assert screen.code == 0
    assert "202 \\x1b]0;pwned\\x07" in screen.text


def test_a_hostile_head_that_cannot_be_parsed_is_shown(on_terminal):
    """The parser's message about a hostile head has its control characters escaped."""
    with Server(read, say(f"HTTP/1.1 {HOSTILE}\r\n\r\n".encode())) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
    assert screen.code == 5
    assert "error: no answer: illegal status line" in screen.text


@pytest.mark.parametrize("words", [(), ("--json",), ("--json", "--raw")])
def test_hostile_headers_are_shown(on_terminal, words):
    """``send --json`` shows hostile headers as printable JSON."""
    value = SPOKEN.encode() + b"\x9d0;pwned\x9c"
    with Server(read, say(b"HTTP/1.1 202 x\r\nX-Told: " + value + b"\r\nContent-Length: 2\r\n\r\n{}")) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1", *words)
    assert screen.code == 0
    assert ("\\u001b]0;pwned\\u0007" in screen.text) is bool(words)


@pytest.mark.parametrize("key", ["code", "message", "message_id", "error", HOSTILE])
@pytest.mark.parametrize("status", [202, 400])
def test_hostile_json_is_shown(on_terminal, status, key):
    """Control characters in any JSON field are escaped in the status line, explanation and body."""
    data = {"message_id": HOSTILE} if key == "message_id" else {}
    body = json.dumps(
        {"code": "x", "data": data, "error": {HOSTILE: HOSTILE}, key: HOSTILE}, ensure_ascii=False
    ).encode()
    with Server(read, answer(status, body)) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
    assert screen.code == (0 if status == 202 else 1)
    assert "\\u001b]0;pwned\\u0007" in screen.text or key == "code"


@pytest.mark.parametrize(
    "body", [HOSTILE.encode(), HOSTILE.encode("utf-8") + b"\xff\x9b31m", b"<html>" + HOSTILE.encode()]
)
def test_a_hostile_body_is_shown(on_terminal, body):
    """Control characters in a body that is not JSON are escaped."""
    with Server(read, answer(202, body)) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
    assert screen.code == 0
    assert "\\x1b]0;pwned\\x07\\x9d0;pwned\\x9c" in screen.text


@pytest.mark.parametrize("status", [202, 400, 502])
def test_the_last_answer_explained_is_one_fact_a_line(status):
    """``explain`` of the last answer in the shell shows its control characters escaped."""
    session = Session(Places.standard())
    body = json.dumps({"code": HOSTILE, "message": HOSTILE}).encode()
    with Server(read, answer(status, body)) as server:
        perform(["send", "-p", local_pod(server.url), "to=+919812345678"], Caller(session, "shell"))
    output = perform(["explain"], Caller(session, "shell")).output
    assert "is not a documented code" in shown(output.replace("\n", "\r\n").encode())[0]


# ---- from a file


def profiles(home: Path) -> None:
    """Write an account, a pod and a template with hostile texts."""
    text = json.dumps(HOSTILE)  # JSON's escapes are valid in YAML
    account = f"title: {text}\npod: evil\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\n"
    files = {
        "profiles/accounts/evil.yaml": f"{account}variables: {{template_name: {text}, language: en}}\n",
        "profiles/pods/evil.yaml": f"title: {text}\nbase_url: https://api.example\n",
        "profiles/accounts/broken.yaml": f"{account}otp: {text}\n",
        "profiles/pods/broken.yaml": f"base_url: {text}\n",
        "profiles/accounts/unread.yaml": f"title: {HOSTILE}\n",
        "templates/evil.json.j2": f"{{#\ntitle: {text}\nvariables: {{to: {{help: {text}, default: {text}}}}}\n#}}\n"
        '{"to": "{{ to }}"}',
        "templates/broken.json.j2": f"{{# title: x #}}\n{{{{ {HOSTILE} }}}}",
        "templates/unread.json.j2": f'{{# title: x #}}\n{{"a": {HOSTILE}}}',
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content, encoding="utf-8", newline="")


LISTINGS = [
    ("accounts",), ("accounts", "evil"), ("accounts", "broken"), ("accounts", "unread"), ("accounts", "--json"),
    ("pods",), ("pods", "evil"), ("pods", "broken"), ("templates",), ("templates", "evil"), ("templates", "broken"),
    ("templates", "unread"), ("templates", "evil", "--json"), ("render", "-a", "evil", "-t", "evil"),
    ("render", "-t", "broken"), ("render", "-t", "unread"), ("curl", "-a", "evil", "-t", "evil"),
    ("check", "-a", "evil", "to=+1", "otp=1"), ("check", "-a", "evil", "-t", "evil", "--json"),
]  # fmt: skip


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_hostile_files_are_shown(on_terminal, words):
    """Control characters in profiles and templates are escaped, also in the line that an error shows."""
    profiles(Path.cwd())
    assert on_terminal(*words).output


@pytest.mark.parametrize("words", [("accounts",), ("templates", "evil"), ("accounts", "broken")], ids=" ".join)
def test_a_hostile_folder_is_shown(on_terminal, words):
    """Control characters in a folder's name are escaped."""
    home = Path.cwd() / HOSTILE.replace("\0", "")
    profiles(home)
    assert "pwned" in on_terminal("--home", str(home), *words).text


def test_the_diff_of_a_hostile_document_is_shown(on_terminal, write):
    """Control characters of a document are escaped in the diff that ``docs --check`` prints."""
    write("page.md", f"<!-- kshell: explain E110 -->\n```text\n{HOSTILE}\n```\n")
    assert "pwned" in on_terminal("docs", "--check", "page.md").text


# ---- from whoever typed it


@pytest.mark.parametrize(
    "words",
    [
        ("render", f"to={HOSTILE}", f"otp={HOSTILE}"),
        ("curl", f"to={HOSTILE}", f"otp={HOSTILE}"),
        ("curl", f"to={HOSTILE}", "--compact"),
        ("check", f"to={HOSTILE}", f"otp={HOSTILE}", f"ref={HOSTILE * 9}", f"index={HOSTILE}", f"language={HOSTILE}"),
        ("check", f"to={HOSTILE}", "--json"),
        ("send", f"to={HOSTILE}", f"otp={HOSTILE}"),
        ("send", f"to={HOSTILE}", "--force"),
        ("send", f"to={HOSTILE}", "--force", "--json"),
        ("send", "to=+1", "--timeout", HOSTILE),
        ("send", "-a", HOSTILE),
        ("send", f"--{HOSTILE}"),
        ("render", HOSTILE),
        ("render", f"{HOSTILE}=1"),
        ("explain", HOSTILE),
        ("accounts", HOSTILE),
        ("trust", HOSTILE),
        ("help", HOSTILE),
        ("--home", HOSTILE, "accounts"),
        (HOSTILE,),
    ],
    ids=lambda words: " ".join(words).replace(HOSTILE, "…")[:40].replace("\x1b", ""),
)
def test_hostile_words_are_shown(on_terminal, words):
    """Control characters in values, names, options and commands are escaped."""
    assert "pwned" in on_terminal(*words).text


# ---- bytes where bytes are wanted

BYTES = HOSTILE.encode() + b'\xff\0{"a":1}\r'


@pytest.mark.parametrize("words", [(), ("--raw",)])
def test_a_pipe_gets_the_exact_bytes(capfdbinary, words):
    """A pipe gets the exact bytes of the body."""
    with Server(read, answer(202, BYTES)) as server:
        code = run(["send", "-p", local_pod(server.url), "to=+919812345678", "otp=1", *words])
    assert (code, capfdbinary.readouterr().out) == (0, BYTES)


def test_raw_gives_a_terminal_the_exact_bytes(on_terminal):
    """``--raw`` gives a terminal the exact bytes of the body."""
    with Server(read, answer(202, BYTES)) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1", "--raw", colour=True)
    assert screen.output.endswith(BYTES)


def test_a_terminal_gets_json_indented(on_terminal):
    """A terminal gets the answer's JSON indented."""
    with Server(read, answer(202, ACCEPTED)) as server:
        screen = on_terminal("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1")
    assert '  "data": {\n    "message_id": "A1"\n  },' in screen.text


def test_notes_are_safe_in_a_pipe_too(cli):
    """Notes on stderr are escaped in a pipe too."""
    with Server(read, say(f"HTTP/1.1 400 {SPOKEN}\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        err = cli("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1").err
    assert "\\x1b]0;pwned\\x07" in err
    assert err.replace("\n", "").isprintable()


def test_a_terminal_of_its_own_is_safe_too(monkeypatch):
    """The whole program on a real terminal writes no control sequence except colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    with Server(read, answer(400, json.dumps({"code": "E110", "message": HOSTILE}).encode())) as server:
        words = ("send", "-p", local_pod(server.url), f"ref={HOSTILE}", "to=+919812345678", "otp=1")
        code, output = program_on_terminal(*words)
    assert code == 1
    assert "E110" in "".join(shown(output))


# ---- colour


@pytest.mark.parametrize(
    ("variables", "words", "coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({}, ("--no-color",), False),
        ({"NO_COLOR": "1"}, ("--color",), True),
        ({"TERM": "dumb"}, ("--color",), True),
    ],
)
def test_colour_is_for_terminals_and_can_be_chosen(on_terminal, variables, words, coloured):
    """The option decides on colour, then the environment, then whether it is a terminal."""
    assert (b"\x1b[" in on_terminal("send", "to=nobody", *words, colour=True, **variables).output) is coloured


@pytest.mark.parametrize(("words", "coloured"), [((), False), (("--color",), True), (("--no-color",), False)])
def test_a_pipe_has_colour_only_where_it_is_asked_for(cli, words, coloured):
    """Stderr in a pipe has colour only with ``--color``."""
    assert ("\x1b[1;31merror\x1b[0m" in cli("send", "to=nobody", *words).err) is coloured


@pytest.mark.parametrize(("words", "coloured"), [((), False), (("--color",), True), (("--no-color",), False)])
def test_json_in_a_pipe_is_coloured_only_where_it_is_asked_for(cli, words, coloured):
    """JSON in a pipe has colour only with ``--color``."""
    assert ("\x1b[" in cli("render", "to=+919812345678", "otp=1", *words).out) is coloured


# ---- the functions


@given(st.text(st.characters(exclude_categories=())))
def test_safe_text_does_nothing_but_show(text):
    """``safe`` makes any text harmless: the emulator's title, modes, cursor and other lines stay the same."""
    harmless = safe(text)
    # the letter takes a combining mark at the beginning, which pyte would put on the line above
    shown(("a" + "".join(harmless.split("\n")).replace("\t", " ") + "\r\n").encode())
    assert safe(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\r\0\x7f\x9b", "\\x0d\\x00\\x7f\\x9b"),
        ("\u202e\u2028\ufeff\ud800", "\\u202e\\u2028\\ufeff\\ud800"),
        ("é 日本 😀", "é 日本 😀"),
    ],
)
def test_what_controls_a_terminal_becomes_an_escape(text, harmless):
    """``safe`` escapes control and bidi characters, line separators and lone surrogates, and nothing else."""
    assert safe(text) == harmless


def test_a_line_is_one_line():
    """``safe_line`` escapes line breaks too."""
    assert safe_line("a\nb\r\n") == "a\\nb\\x0d\\n"


@pytest.mark.parametrize(("kind", "code"), [("error", "1;31"), ("warning", "1;33"), ("hint", "36")])
def test_the_kind_of_a_note_is_coloured_and_nothing_else(kind, code):
    """Of a note only the kind and its colon are coloured."""
    assert note_lines(Note(kind, "a word"), colour=True) == [f"\x1b[{code}m{kind}:\x1b[0m a word"]
    assert note_lines(Note(kind, "a word")) == [f"{kind}: a word"]


@pytest.mark.parametrize("text", ["error: of a server", "202 Accepted", ""])
def test_an_info_is_its_text(text):
    """A note of the kind "info" is shown as its text alone."""
    assert note_lines(Note("info", text), colour=True) == [text]


def test_a_note_is_shown_from_its_place_to_its_hint():
    """A note is shown as kind, place and text, the line with a caret, the details, and the hint."""
    note = Note("error", "no such name", Place("a.yaml", 2, 3, "- x"), "write y", ("because: z",))
    assert note_lines(note) == ["error: a.yaml:2:3: no such name", "  - x", "    ^", "  because: z", "hint: write y"]
    assert note_lines(note, colour=True)[-1] == "\x1b[36mhint:\x1b[0m write y"


def test_nothing_in_a_note_controls_a_terminal():
    """Text, place, details and hint of a note are escaped, each on its own line."""
    note = Note("error", HOSTILE, Place(HOSTILE, 1, 1, HOSTILE), HOSTILE, (HOSTILE, "a\nb"))
    lines = note_lines(note)
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


def test_a_note_that_moves_keeps_its_earlier_place():
    """A moved note has the new place, and its earlier place in text and details."""
    note = Note("error", "no such key", Place("a.yaml", 2, 3, "- x"), "write y", ("because: z",))
    moved = note.moved(Place("s.kshell", 9, 1, "send"))
    assert moved == Note(
        "error", "a.yaml:2:3: no such key", Place("s.kshell", 9, 1, "send"), "write y", ("- x", "  ^", "because: z")
    )


def test_a_note_without_a_place_moves_to_one():
    """A note without a place gets one and keeps its text and details."""
    place = Place("s.kshell", 9, 1, "send")
    assert Note("error", "text", None, "hint", ("more",)).moved(place) == Note(
        "error", "text", place, "hint", ("more",)
    )


def test_a_mask_reaches_everything_in_a_note():
    """``masked`` changes text, place, hint and details of a note."""
    note = Note("error", "a key", Place("key", 1, 2, "-key"), "no key", ("key", "x"))
    masked = Note("error", "a ***", Place("***", 1, 2, "-***"), "no ***", ("***", "x"))
    assert note.masked(lambda text: text.replace("key", "***")) == masked


@pytest.mark.parametrize(
    "error",
    [
        ScriptError("m", hint="h"),
        NotSentError("m", hint="h", causes=["c"]),
        PayloadError([Finding("error", "rule", "", "a", "b")]),
    ],
    ids=repr,
)
def test_an_error_gets_a_place_as_a_copy(error):
    """``placed`` returns a copy of the error with the place, and the error itself is unchanged."""
    before, place = error.note, Place("s.kshell", 9, 1, "send")
    placed = error.placed(place)
    assert (type(placed), str(placed), placed.note) == (type(error), str(error), before._replace(place=place))
    assert error.note == before


def test_an_error_keeps_its_own_place():
    """``placed`` keeps the place that an error already has."""
    error = ScriptError("m", at=Place("a.yaml", 1, 1))
    assert error.placed(Place("s.kshell", 9, 1)) is error
    assert error.placed(None) is error


def test_the_causes_of_a_failed_send_are_details():
    """The causes of a failed send are details, each indented further."""
    assert note_lines(NotSentError("m", hint="h", causes=["b", "c"]).note) == [
        "error: m",
        "  because: b",
        "    because: c",
        "hint: h",
    ]


def test_a_style_may_be_several():
    """``paint`` writes several styles as one sequence."""
    assert paint("x", "bold red", colour=True) == "\x1b[1;31mx\x1b[0m"
    assert paint("x", "bold red", colour=False) == "x"


def test_a_finding_is_one_line():
    """A finding is one line of severity, rule, pointer, message and fix."""
    assert finding_line(Finding("error", "rule", "", "a\nb", "mend")) == "error rule / a\\nb; mend"


def test_of_a_finding_the_severity_is_coloured():
    """Of a finding only the severity is coloured."""
    assert note_lines(Finding("warning", "rule", "/to", "a", "b"), colour=True) == [
        "\x1b[1;33mwarning\x1b[0m rule /to a; b"
    ]


@pytest.mark.parametrize(
    ("rows", "table"),
    [([], ""), ([("a", "bb"), ("aaa", "")], "a    bb\naaa\n"), ([("one",)], "one\n")],
)
def test_columns_line_up(rows, table):
    """``columns`` makes each column as wide as its widest cell, without trailing blanks."""
    assert columns(rows) == table


@pytest.mark.parametrize(
    ("line", "width", "rows"),
    [
        ("error: there is no such account", 20, ["error: there is no", "  such account"]),
        ("  means   the balance is low", 21, ["  means   the balance", "          is low"]),
        ("a /very/long/path/that/fits/nowhere b", 12, ["a", "  /very/long/path/that/fits/nowhere", "  b"]),
        ("äöü äöü", 7, ["äöü äöü"]),
        ("漢字 漢字", 7, ["漢字", "  漢字"]),
        ("any length", 0, ["any length"]),
    ],
)
def test_a_line_breaks_between_words(line, width, rows):
    """A line breaks at blanks by the width of its cells, and goes on below its text; a longer word stays whole."""
    assert wrapped(line, width) == rows


def test_a_note_is_as_wide_as_the_screen():
    """With a width, the text, the details and the hint of a note break, and the caret stays below its character."""
    place = Place("a.yaml", 1, 50, "x" * 49 + "!" + "y" * 40)
    lines = note_lines(
        Note("error", "a text of some words", place, "a hint of some words", ("one detail line",)), width=24
    )
    assert max(map(len, lines)) <= 24
    line = next(number for number, text in enumerate(lines) if "^" in text)
    assert lines[line - 1][lines[line].index("^")] == "!"


@pytest.mark.parametrize(("kind", "code"), [("accepted", "32"), ("refused", "31")])
def test_an_outcome_is_its_colour_alone(kind, code):
    """The status line of an answer has the colour of its outcome, and no word for it."""
    assert note_lines(Note(kind, "202 Accepted"), colour=True) == [f"\x1b[{code}m202 Accepted\x1b[0m"]
    assert note_lines(Note(kind, "202 Accepted")) == ["202 Accepted"]
