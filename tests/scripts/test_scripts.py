"""Scripts as a user writes and runs them."""

from __future__ import annotations

import os
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.clock import in_time
from support.registered import COMMANDS
from support.servers import local_pod

from kshell.console.caller import Caller
from kshell.console.dispatch import perform_line
from kshell.console.group import commands_of
from kshell.core.errors import Place, ScriptError
from kshell.profiles.files import Places
from kshell.scripts.script import parse_script, read_script
from kshell.session.session import Session
from kshell.syntax.command_table import SECTIONS
from kshell.syntax.expressions import value_of
from kshell.syntax.failed_expect import failed_parts
from kshell.syntax.lines import Line

TO = "set to=+919812345678\n"
CONTRACT = """# otp.kshell
use account demo
set to=+919812345678 ref=customer-42
otp new
send
expect status == 202 and body.code == "WA202"
capture id = body.data.message_id
set ref1={{ id }}
check
"""


@pytest.fixture
def run(cli, write):
    """Return a function that runs a script's text: ``run("send …", "--bail")`` gives a ``Ran``."""

    def ran(text: str | bytes, *options: str):
        write("s.kshell", text)
        return cli("run", "s.kshell", *options)

    return ran


def lines(text: str) -> list[Line]:
    """Return the lines of a script's text."""
    from pathlib import Path

    return list(parse_script(text, Path("s.kshell")).lines)


# ---- the file


def test_the_contract_s_script_passes(run):
    """The contract's example script sends once, is accepted, and exits with 0."""
    ran = run(CONTRACT)
    assert ran.code == 0
    assert "scripts: 1 passed; messages: 1 accepted" in ran.err


@pytest.mark.parametrize("mark", ["\r\n", "\r", "\n"])
def test_every_kind_of_line_end_is_read(run, mark):
    """A script is read with CRLF, CR or LF as line ends, and with a BOM."""
    assert run(b"\xef\xbb\xbf" + CONTRACT.replace("\n", mark).encode()).code == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("set a=b \\\n  c=d", ["set a=b   c=d"]),
        ("set a=b\\\\\nvars", ["set a=b\\\\", "vars"]),
        ("# a \\\nvars", ["vars"]),
        ("vars # a \\\nvars", ["vars # a \\", "vars"]),
        ("set a='# x' \\\nb=c", ["set a='# x' b=c"]),
        ("vars \\", ["vars \\"]),
        ("\n\n  # x\n", []),
    ],
)
def test_a_backslash_goes_on_with_the_next_line(text, expected):
    """A backslash at a line's end joins the next line, unless it is escaped or in a comment; empty lines are skipped."""
    assert [line.text for line in lines(text)] == expected


@given(st.lists(st.text("ab {}", max_size=5), min_size=1, max_size=4), st.integers(0, 30))
def test_every_column_of_a_continued_line_has_its_place(parts, column):
    """Each column of a joined line is mapped to the line and column of that character in the file."""
    line = Line("f", 3, tuple(parts))
    if column < len(line.text):
        place = line.place(column + 1)
        assert parts[place.line - 3][place.column - 1] == line.text[column]


def test_an_error_on_a_continued_line_is_shown_where_it_is(run):
    """An error in a continued line shows the line and column of the file."""
    ran = run("set a=b \\\n  ref={{ nope }}")
    assert "s.kshell:2:10: 'nope' is undefined\n    ref={{ nope }}\n           ^\n" in ran.err


def test_a_script_that_is_too_large_is_refused_whole(cli):
    """A script over 256 KiB on stdin is refused, and no line of it is run."""
    ran = cli(input=b"send to=+919812345678 otp=1\n" + b"# more\n" * (256 * 1024 // 7 + 1))
    assert (ran.code, ran.out) == (3, "")
    assert "error: stdin is larger than 256 KiB\nhint: split it\n" in ran.err


def test_a_script_of_too_many_lines_is_refused_whole(cli, write):
    """A script has at most 10,000 lines beside blank ones and comments."""
    assert len(read_script(write("s.kshell", "# a\n\notp\n" * 10_000)).lines) == 10_000
    write("s.kshell", "otp\n" * 10_001)
    ran = cli("run", "--check", "s.kshell")
    assert ran.code == 3
    assert ran.err == (
        "error: s.kshell has more than 10000 lines\nhint: split it; run --rows FILE sends one message for each row\n"
    )


def test_a_check_stops_after_a_hundred_faults(cli, write):
    """The check of a script, with those that it includes, ends at 100 faults and says so once, at the end."""
    write("inner.kshell", "nope\n" * 150)
    write("s.kshell", "nope\nsource inner.kshell\nnope\n")
    ran = cli("run", "--check", "s.kshell")
    assert (ran.code, ran.err.count("there is no command 'nope'")) == (3, 101)
    assert ran.err.endswith("hint: the check stopped after 100 faults; correct these first\n")
    assert ran.err.count("the check stopped") == 1


@pytest.mark.parametrize("line", ["expect {}", "capture a = {}", "set a={{{{{}}}}}"])
def test_an_expression_has_at_most_four_thousand_characters(cli, write, line):
    """A longer one is refused by the check and when it is typed, at its beginning."""
    text = line.format("'" + "a" * 3_999 + "'")
    write("s.kshell", f"{text}\n")
    ran = cli("run", "--check", "s.kshell")
    assert ran.code == 3
    assert "an expression of more than 4000 characters" in ran.err
    write("s.kshell", line.format("'" + "a" * 3_998 + "'") + "\n")
    assert cli("run", "--check", "s.kshell").code == 0


@pytest.mark.parametrize(("line", "fault"), [("expect 1 | nope", "filter"), ("expect 1 is nope", "test")])
def test_a_check_finds_an_unknown_filter_and_test(cli, write, line, fault):
    """Before anything is run: exit code 3, and the name of what does not exist."""
    write("s.kshell", f"{line}\n")
    ran = cli("run", "--check", "s.kshell")
    assert ran.code == 3
    assert fault in ran.err
    assert "nope" in ran.err


def test_a_script_on_stdin_is_run(program, cli):
    """``kshell`` runs a script on stdin, without a summary if it passes."""
    ran = program(input=b"set to=+919812345678\nsend\n")
    assert (ran.code, ran.json["code"]) == (0, "WA202")
    assert "scripts:" not in ran.err
    assert "stdin:1:1: there is no command 'snd'" in cli(input=b"snd").err


def test_a_kshell_before_a_command_is_passed_over(run, cli):
    """``kshell`` before a command is ignored in a script and on stdin."""
    lines = "kshell set to=+919812345678\n  kshell send\nkshell expect status == 202 # fine\nkshell capture id = body.code\n"
    assert run(f"{lines}expect id == 'WA202'\n").code == 0
    assert cli(input=lines.encode()).code == 0
    ran = run(f"{lines}kshell expect status == 1\n")
    assert "s.kshell:5:15: it does not hold: status == 1\n  kshell expect status == 1\n                ^\n" in ran.err
    assert "there is no command 'snd'" in run("kshell snd\n").err
    assert "there is no command 'kshell'" in run("kshell\n").err


def test_exit_ends_a_script(cli, run, write):
    """``exit`` ends its script and the scripts that include it; other scripts of the run go on."""
    ran = cli(input=b"send to=+919812345678 otp=1\nexit\n")
    assert (ran.code, ran.json["code"]) == (0, "WA202")
    assert run(f"{TO}exit\nexpect 1 == 2\n").code == 0
    assert run(f"{TO}send -a low-balance\nexit\nexpect status == 400\n").code == 1
    write("inner.kshell", "exit\n")
    write("outer.kshell", "source inner.kshell\nexpect 1 == 2\n")
    write("other.kshell", f"{TO}send\n")
    ran = cli("run", "outer.kshell", "other.kshell")
    assert (ran.code, ran.json["code"]) == (0, "WA202")


def test_exit_in_a_script_that_is_run_does_not_leave_the_shell(write):
    """``exit`` in a script leaves the shell if the script is sourced, and not if it is run."""
    write("s.kshell", "exit\n")
    caller = Caller(Session(Places.standard()), "shell")
    perform_line("run s.kshell", caller)
    assert not caller.ended
    perform_line("source s.kshell", caller)
    assert caller.ended


@pytest.mark.parametrize("frontend", ["line", "shell", "script"])
@pytest.mark.parametrize("name", ["import", "docs", "sandbox", "completion"])
def test_what_needs_no_session_is_for_every_frontend(frontend, name):
    """A command that needs no session works in every frontend."""
    result = perform_line(f"{name} --help", Caller(Session(Places.standard()), frontend))
    assert result.exit_code == 0


def test_a_hint_of_a_line_that_fails_can_be_typed_at_a_terminal(run):
    """The hint of a line that fails while it runs begins with ``kshell``, so it can be typed on the command line."""
    assert "hint: kshell help send\n" in run("set ref=soon to=+919812345678\nsend --timeout {{ ref }}\n").err


def test_each_script_has_a_session_of_its_own(cli, write):
    """A variable set in one script is not set in the next script of the run."""
    write("a.kshell", "set to=+919812345678\nrender\n")
    write("b.kshell", "render\n")
    ran = cli("run", "a.kshell", "b.kshell")
    assert ran.code == 2
    assert "b.kshell:1:1: not set: to" in ran.err


def test_ten_thousand_lines_run(run):
    """10,000 lines are read, checked and run within 15 s, and a fault on the last line is found."""
    text = ("# a comment\n" * 9 + "set ref=x\n") * 1000
    begun = time.monotonic()
    assert run(text).code == 0
    assert "s.kshell:10001:1: there is no command 'snd'" in run(text + "snd\n").err
    assert in_time(time.monotonic() - begun, 15)


# ---- errors before the first line runs

WRONG = [
    ("snd", "1:1: there is no command 'snd'", "did you mean send?"),
    ("set a='b", "1:7: a quote that is not closed", "close it"),
    ("expect 1 +", "1:11: the expression ends too early", "kshell help expect"),
    ("expect status == 202 $ 3", "1:22: unexpected char '$'", ""),
    ("expect", "1:7: expect without an expression", "kshell help expect"),
    ("expect a | nofilter", "No filter named 'nofilter'", ""),
    ("expect a }} {{ b", "1:13: no braces here", "remove them"),
    ("expect status = 202", "1:15: there is no = in an expression", "write =="),
    ("expect status === 202", "1:15: there is no === in an expression", "write =="),
    ("expect a == 1 && b", "1:15: there is no && in an expression", "write and"),
    ("expect !a", "1:8: there is no ! in an expression", "write not"),
    ("expect a == 1 AND b", "1:15: there is no AND in an expression", "write and"),
    ("expect (status == 202", "1:8: ( is not closed", "close it with )"),
    ("expect body['code' == 1", "1:12: [ is not closed", "close it with ]"),
    ("expect status == 202)", "1:21: ) closes nothing", "remove it"),
    ("expect status is 202", "1:15: is tests, as in is defined", "write =="),
    ("expect body.code WA202", "1:18: WA202 is not expected here", "a comparison such as == is missing"),
    ("capture x = {{ body }}", "1:13: no braces here", "write body"),
    ("expect {{ status }} == 202", "1:8: no braces here", "write status == 202"),
    ("set a={{ 'x }}", "1:10: a quote that is not closed", "close it with '"),
    ("capture = 1", "1:9: capture takes NAME = EXPRESSION", "capture id = "),
    ("capture status = 1", "1:9: 'status' is a name of the answer", "another name"),
    ("set a={{ b. }}", "1:9: ", ""),
    ("use acount demo", "1:1: use takes account, pod or template", "hint: did you mean account?\n"),
    ("send --timeout x", "1:1: Invalid value", "hint: kshell help send\n"),
    ("use", "Choose from: account, pod, template\n", "hint: kshell help use\n"),
    ("curl -X POST", "kshell's curl has no option -X\n", "hint: kshell import FILE reads"),
    ("render > f", "1:1: '>' is not NAME=VALUE", "hint: only the shell writes output to a file or a program\n"),
    ("set 1=2", "1:1: '1=' is not NAME=VALUE", ""),
    ("source nope.kshell", "1:1: nope.kshell cannot be read", "ls -l"),
    ("source s.kshell", "1:1: a loop: s.kshell → s.kshell", "remove one"),
    ("shell", "1:1: shell cannot be used in a script", "type kshell shell on the command line\n"),
    ("zzz", "1:1: there is no command 'zzz'", "hint: kshell help lists the commands\n"),
]


@pytest.mark.parametrize(("line", "message", "hint"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_with_a_line_is_told_before_any_line_runs(run, line, message, hint):
    """A fault in a line is an error with its place, a caret and a hint; nothing is run, exit code 3."""
    for options in ((), ("--check",)):
        ran = run(f"{line}\nset to=+919812345678\nsend\n", *options)
        assert ran.code == 3
        assert "error: s.kshell:1:" in ran.err
        assert message in ran.err
        assert hint in ran.err
        assert re.search(rf"^  {re.escape(line)}\n +\^$", ran.err, re.MULTILINE)
        assert "WA202" not in ran.out


def test_every_fault_of_every_script_is_told_at_once(cli, write):
    """The faults of a script and of the scripts it includes are all reported at once."""
    write("a.kshell", "snd\nsource b.kshell\n")
    write("b.kshell", "rendr\n")
    err = cli("run", "a.kshell").err
    assert "a.kshell:1:1" in err
    assert "b.kshell:1:1" in err


def test_check_runs_nothing(run):
    """``--check`` reads a script and runs none of its lines."""
    ran = run(f"{TO}send\n", "--check")
    assert (ran.code, ran.out, ran.err) == (0, "", "2 lines, no fault: s.kshell\n")


@pytest.mark.parametrize("content", [b"\xff", b"x" * (9 << 20)], ids=["not UTF-8", "9 MiB"])
def test_a_file_that_is_no_script_is_one_clear_error(run, content):
    """A script that is not UTF-8 or too large is an error with the file's name, exit code 3."""
    ran = run(content)
    assert ran.code == 3
    assert "s.kshell" in ran.err


def test_checking_a_script_leaves_the_commands_as_they_are(cli, run):
    """A command still understands ``-h`` after a script with that command was checked."""
    commands_of.cache_clear()
    run("check to=+919812345678\n", "--check")
    assert cli("check", "-h").code == 0


# ---- source


def test_source_is_relative_to_the_file_that_says_it(cli, write):
    """``source`` finds a file relative to the script that names it, and the variables it sets stay set."""
    write("deep/one.kshell", "source more/two.kshell\nrender\n")
    write("deep/more/two.kshell", "source ../three.kshell\n")
    write("deep/three.kshell", TO)
    assert cli("run", "deep/one.kshell").json["messaging_object"]["to"] == "+919812345678"


def test_source_takes_an_expression(cli, write):
    """``source`` takes a computed name, and refuses a loop that is found only while the script runs."""
    write("one.kshell", "source {{ what }}.kshell\n")
    write("two.kshell", "set ref=x\n")
    assert cli("run", "one.kshell", "--var", "what=two").code == 0
    assert "a loop" in cli("run", "one.kshell", "--var", "what=one").err


def test_a_script_that_runs_scripts_cannot_run_itself(cli, write):
    """A loop of ``run`` is refused with exit code 3, and ``run`` finds files relative to the script."""
    write("deep/one.kshell", "run two.kshell\n")
    write("deep/two.kshell", "set ref=x\n")
    assert cli("run", "deep/one.kshell").code == 0
    write("deep/two.kshell", "run one.kshell\n")
    ran = cli("run", "deep/one.kshell")
    assert ran.code == 3
    assert "a loop: deep/one.kshell → deep/two.kshell → deep/one.kshell" in ran.err


def test_a_script_is_checked_with_the_scripts_that_it_runs(cli, write):
    """A fault in a script that a script runs is reported before the first line is run."""
    write("deep/one.kshell", f"{TO}send\nrun --jobs 2 two.kshell three.kshell\n")
    write("deep/two.kshell", "set ref=x\n")
    write("deep/three.kshell", "snd\n")
    ran = cli("run", "deep/one.kshell")
    assert (ran.code, ran.out) == (3, "")
    assert "error: deep/three.kshell:1:1: there is no command 'snd'" in ran.err


@pytest.mark.parametrize("command", ["run", "source"])
def test_a_script_that_runs_stdin_leaves_it_unread_while_it_is_checked(cli, write, command):
    """The check of a script with ``run -`` or ``source -`` does not read stdin."""
    write("s.kshell", f"{command} -\n")
    ran = cli("run", "s.kshell", input=f"{TO}send\n".encode())
    assert (ran.code, ran.json["code"]) == (0, "WA202")


def test_a_computed_command_that_there_is_not_is_a_fault_of_the_script(run):
    """A computed name of an unknown command is an error with its place and exit code 3."""
    ran = run("set word=snd\n{{ word }}\n")
    assert ran.code == 3
    assert "error: s.kshell:2:1: there is no command 'snd'\n" in ran.err


def test_source_of_what_cannot_be_read_is_an_error_at_its_line():
    """In the shell, ``source`` of a file that cannot be read is an error with the typed line and exit code 3."""
    result = perform_line("source nope.kshell", Caller(Session(Places.standard()), "shell"))
    (note,) = result.notes
    assert (note.place, result.exit_code) == (Place("line", 1, 1, "source nope.kshell"), 3)
    assert note.text.startswith("nope.kshell cannot be read")


def test_source_in_the_shell_changes_the_session(write):
    """``source`` in the shell sets the session's variables."""
    write("s.kshell", "set ref=x\n")
    session = Session(Places.standard())
    assert perform_line("source s.kshell", Caller(session, "shell")).exit_code == 0
    assert session.variables == {"ref": "x"}


def test_a_failure_in_an_included_script_is_told_with_its_own_place(cli, write):
    """A failure in an included script has the place in that script and ends the including script."""
    write("one.kshell", "source two.kshell\nset to=+919812345678\nsend\n")
    write("two.kshell", "set ref=x\nexpect 1 == 2\n")
    ran = cli("run", "one.kshell")
    assert ran.code == 1
    assert "error: two.kshell:2:8: it does not hold: 1 == 2" in ran.err
    assert ran.out == ""


# ---- expect and capture


FAILURES = [
    ("status == 202", "8: it does not hold: status == 202", ["left   400  (status)", "right  202"]),
    (
        'status == 400 and body.code == "WA202"',
        '26: it does not hold: body.code == "WA202"',
        ['left   "E110"  (body.code)'],
    ),
    ("not status == 400", "12: it holds, and must not: status == 400", ["left   400  (status)"]),
    ("status == 1 or status == 2", "8: it does not hold: status == 1", ["23: it does not hold: status == 2"]),
    ("not (status == 1 or status == 400)", "28: it holds, and must not: status == 400", ["left   400"]),
    ("status in [200, 202]", "8: it does not hold", ["left   400  (status)", "right  [200, 202]"]),
    ("status not in [400]", "8: it does not hold", ["right  [400]"]),
    ("0 < status < 300", "8: it does not hold", ["value  0", "value  400  (status)", "value  300"]),
    ("body.data", "8: it does not hold: body.data", ["value  {}  (body.data)"]),
    ("body.nope is defined", "8: it does not hold", ["body.nope"]),
    ("body.code | lower == 'x'", "8: it does not hold", ['left   "e110"  (body.code | lower)']),
    ("status == 202 if true else false", "8: it does not hold", ["value  false"]),
    ("(status) == (1 + 1)", "8: it does not hold", ["right  2  ((1 + 1))"]),
    ("status == 1 and nope == 2", "8: it does not hold: status == 1", ["left   400"]),
    ("not body.data is defined", "12: it holds, and must not: body.data is defined", ["value  {}  (body.data)"]),
    ("not (not status == 1)", "17: it does not hold: status == 1", ["left   400"]),
    ("'and' == 'or'", "8: it does not hold", ["left   \"and\"  ('and')"]),
]


@pytest.mark.parametrize(("expression", "first", "shown"), FAILURES, ids=[row[0] for row in FAILURES])
def test_what_does_not_hold_shows_the_values_on_both_sides(run, expression, first, shown):
    """A failed expect shows the comparison that failed, its column and its values; exit code 1."""
    ran = run(f"{TO}send -a low-balance\nexpect {expression}\n")
    assert ran.code == 1
    assert f"error: s.kshell:3:{first}" in ran.err
    for text in shown:
        assert text in ran.err


@pytest.mark.parametrize(
    "expression", ["status == 400 # a comment", "'#' in 'a # b'", "body['code'] == \"E110\"", "1 < 2 < 3"]
)
def test_the_rest_of_the_line_is_the_expression(run, expression):
    """The rest of an expect's line is its expression, with quotes and ``#`` in quotes, without a comment."""
    assert run(f"{TO}send -a low-balance\nexpect {expression}\n").code == 0


@given(st.recursive(st.sampled_from(["a == 1", "b", "c in [1]", "not d"]), lambda inner: st.one_of(
    st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
    inner.map("({})".format), inner.map("not ({})".format)), max_leaves=6), st.tuples(*[st.integers(0, 1)] * 4))  # fmt: skip
def test_something_is_always_to_blame(expression, values):
    """For each false expression at least one comparison is shown, as it is written there."""
    from kshell.templating.evaluation import evaluate

    names = dict(zip("abcd", values, strict=True))
    if not evaluate(expression, names):
        found = failed_parts(expression, names)
        assert found
        for part in found:
            assert expression[part.offset :].startswith(part.text)


def test_a_name_that_nobody_set_is_an_error_at_its_column(run):
    """An undefined name in an expression is an error with its column and a did-you-mean, exit code 3."""
    ran = run(f"{TO}send\nexpect stauts == 202\n")
    assert ran.code == 3
    assert "s.kshell:3:8: 'stauts' is undefined" in ran.err
    assert "did you mean status?" in ran.err


PARTS = [
    "a", "body", ".x", ".data", "[0]", "['k']", "==", "=", "!=", "!", "(", ")", "[", "]", "{", "}", "{{", "}}", '"', "'",
    "'x'", "1", "2.5", "+", "/", "%", "~", "|", "|length", ",", ":", "$", "&", "&&", "not", "in", "is", "if", "else", "defined",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=7).map(" ".join))
@example("in in ( )")
@example("not in in ( )")
def test_whatever_is_wrong_with_an_expression_is_a_fault_with_its_place(expression):
    """Any text as an expression gives a value, a failed comparison, or an error with its place and a hint."""
    names = {"a": "x", "body": {"data": {"k": [1]}}}
    try:
        if not value_of(expression, names, lambda offset: Place("s", 1, offset + 1)):
            assert failed_parts(expression, names)
    except ScriptError as error:
        fault = error
        assert fault.hint
        assert 1 <= fault.at.column <= len(expression) + 1


LACKING = [
    ("body.nope == 1", "8: it does not hold: body.nope == 1", "(body.nope)", "body has code, message, data, error"),
    ("headers.x == 1", "8: it does not hold: headers.x == 1", "(headers.x)", "headers has content-type"),
    (
        "body.data.message_id",
        "8: it does not hold: body.data.message_id",
        "(body.data.message_id)",
        "body.data is empty",
    ),
    ("body.error[3].x == 1", "8: it does not hold", "(body.error[3].x)", "body.error has balance"),
    ("body['cod'] in ['E110']", "8: it does not hold", "(body['cod'])", "did you mean code?"),
    ("status == 400 and body.nope == 1", "26: it does not hold: body.nope == 1", "(body.nope)", "body has"),
    ("not body.nope == 1", "12: it does not hold: body.nope == 1", "(body.nope)", "body has"),
    ("body.code.x or status == 400", "8: it does not hold: body.code.x", "(body.code.x)", "body.code is a text"),
    ("body.nope | length > 0", "8: it does not hold", "(body.nope | length)", "body has"),
]


@pytest.mark.parametrize(("expression", "first", "side", "hint"), LACKING, ids=[row[0] for row in LACKING])
def test_an_expect_on_what_the_answer_lacks_does_not_hold(run, expression, first, side, hint):
    """An expect on a missing part of the answer fails and names the parts that the answer has; exit code 1."""
    ran = run(f"{TO}send -a low-balance\nexpect {expression}\n")
    assert ran.code == 1
    assert f"error: s.kshell:3:{first}" in ran.err
    assert f"(not in the answer)  {side}" in ran.err
    assert f"hint: {hint}" in ran.err


@pytest.mark.parametrize("expression", ["body.nope is not defined", "body.nope | default(1) == 1", "true or body.nope == 1",
                                        "not (body.nope is defined and body.nope.deep == 1)"])  # fmt: skip
def test_an_expect_that_needs_nothing_the_answer_lacks_holds(run, expression):
    """An expect with ``is not defined`` or ``default`` passes if the part is missing from the answer."""
    assert run(f"{TO}send\nexpect {expression}\n").code == 0


@pytest.mark.parametrize("line", ["capture x = body.data.message_id", "set ref={{ body.data.message_id }}"])
def test_a_value_that_the_answer_lacks_cannot_be_kept(run, line):
    """``capture`` and ``set`` of a part that the answer lacks fail with exit code 1."""
    ran = run(f"{TO}send -a low-balance\n{line}\nexpect status == 400\n")
    assert ran.code == 1
    assert "body.data.message_id is not in the answer\n" in ran.err
    assert "hint: body.data is empty\n" in ran.err


@pytest.mark.parametrize(
    ("expression", "code"), [("ref.nope == 1", 3), ("bdoy.code == 1", 3), ("elapsed_ms.x == 1", 1)]
)
def test_only_the_answer_can_lack_something(run, expression, code):
    """A missing part of a variable and an undefined name are errors of the script; only an answer can lack a part."""
    assert run(f"{TO}set ref=x\nsend\nexpect {expression}\n").code == code


def test_an_expect_on_a_message_that_has_not_arrived_looks_again(run, monkeypatch):
    """``--retry`` evaluates an expect on a missing part of ``phone`` again."""
    looks = iter([{"phone": {}}, {"phone": {}}, {"phone": {"code": 1}}])
    monkeypatch.setattr(Session, "names", lambda _, __: next(looks))
    assert run(f"{TO}send\nexpect phone.code == 1\n", "--retry", "2", "--delay", "0.01").code == 0


def test_what_the_answer_has_is_told_without_the_key(write, run, monkeypatch):
    """A field of the answer that is named after the key is masked in a hint."""
    monkeypatch.setenv("CANARY", "Acanary00000000000000000000000key")
    monkeypatch.setattr(
        "kshell.session.session.Session.names", lambda _, __: {"body": {"Acanary00000000000000000000000key": 1}}
    )
    write("profiles/accounts/c.yaml", "pod: sandbox\nsid: HX1IN\napi_key: env:CANARY\nphone_number: '+14155550100'\n"
          "variables: {template_name: a, language: en}\n")  # fmt: skip
    for line in ("expect body.x == 1", "capture x = body.x", "set ref={{ body.x }}"):
        err = run(f"{TO}send -a c\n{line}\n").err
        assert "body has (redacted)" in err
        assert "Acanary0" not in err


UNDEFINED = [
    ("expect body.code == WA202", "3:21: 'WA202' is undefined", 'write a text in quotes: "WA202"'),
    ("expect x == null", "3:13: 'null' is undefined", "write none"),
    ("set ref={{ to_1 }}", "3:12: 'to_1' is undefined", "set to_1=…, or for a run with --var to_1=…"),
    ("set ref={{ 1/0 }}", "3:13: a division by zero", "must not be 0"),
    ("expect ref < 5", "3:8: '<' not supported", "NAME | int"),
]


@pytest.mark.parametrize(("line", "message", "hint"), UNDEFINED, ids=[row[0] for row in UNDEFINED])
def test_what_an_expression_fails_by_is_told_with_what_to_type(run, line, message, hint):
    """An expression that cannot be evaluated is an error with its column and a hint, exit code 3."""
    ran = run(f"set to=+919812345678 ref=r x=1\nsend\n{line}\n")
    assert ran.code == 3
    assert f"error: s.kshell:{message}" in ran.err
    assert hint in ran.err


def test_an_answer_that_is_not_there_yet_wants_a_send(run):
    """An expect on ``status`` before the first send gives the hint that it is defined after a send."""
    assert "hint: it is defined after a send\n" in run("expect status == 202\n").err


def test_expressions_see_what_vars_lists(run):
    """An expression sees the template's defaults and the account's variables; the session's values take precedence."""
    assert run('expect wa_source == "api" and index == "0" and language\n').code == 0
    assert run("set wa_source=x\nexpect wa_source == 'x'\nset ref={{ wa_source }}\nexpect ref == 'x'\n").code == 0


def test_an_account_that_cannot_be_read_is_no_fault_of_an_expression():
    """An expression over set variables is evaluated even if the account cannot be read."""
    session = Session(Places.standard())
    session.set("a", "1")
    session.account = "nobody"
    assert session.names("a") == {"a": "1"}


def test_a_value_that_is_shown_is_harmless_and_short(run):
    """A value in an error has its control characters escaped and is cut if it is long."""
    ran = run("set a={{ '\\x1b[2J' }} b=" + "x" * 2000 + "\nexpect a == b\n")
    assert "\x1b" not in ran.err
    assert "\\u001b[2J" in ran.err or "\\x1b[2J" in ran.err
    assert "(2002 characters)" in ran.err


def test_a_value_that_is_shown_is_never_the_key(write, run, monkeypatch):
    """A value in an error that equals the key is masked."""
    monkeypatch.setenv("CANARY", "Acanary00000000000000000000000key")
    write("profiles/accounts/c.yaml", "pod: sandbox\nsid: HX1IN\napi_key: env:CANARY\nphone_number: '+14155550100'\n"
          "variables: {template_name: a, language: en}\n")  # fmt: skip
    ran = run("set to=+919812345678 k=Acanary00000000000000000000000key\nsend -a c\nexpect k == 1\n")
    assert 'left   "(redacted)"  (k)' in ran.err


def test_capture_keeps_a_value_as_text(run):
    """``capture`` sets a variable with the source "captured"; an object is kept as JSON."""
    ran = run(f"{TO}send\ncapture id = body.data.message_id\ncapture all = body.data\nvars --json\n")
    rows = {row["name"]: row for row in __import__("json").loads(ran.out.partition("\n")[2])}
    assert re.fullmatch("A[A-Z0-9]{19}", rows["id"]["value"])
    assert rows["id"]["source"] == "captured"
    assert rows["all"]["value"] == f'{{"message_id": "{rows["id"]["value"]}"}}'


def test_a_captured_value_adds_no_word_and_is_not_expanded(run):
    """A captured value is neither expanded nor split into arguments."""
    ran = run("set x='{{ 1 }} a=b' to=+919812345678\ncapture y = x\nset ref={{ y }}\nrender\n")
    assert ran.json["extra_info"]["ref"] == "{{ 1 }} a=b"


def test_retry_looks_again_and_sends_nothing(run, monkeypatch):
    """``--retry`` looks again at the statuses of a message and sends nothing again."""
    looks = iter([{"statuses": []}, {"statuses": ["sent"]}, {"statuses": ["sent", "read"]}])
    monkeypatch.setattr(Session, "names", lambda _, __: next(looks))
    ran = run(f"{TO}send\nexpect statuses[-1] == 'read'\n", "--retry", "2", "--delay", "0.01")
    assert ran.code == 0
    assert "messages: 1 accepted" in ran.err


def test_an_answer_is_read_once(run, monkeypatch):
    """An expect on the answer alone is not repeated: the answer stays what it is."""
    monkeypatch.setattr("kshell.scripts.runs.Run._pause", lambda *_: pytest.fail("it waited"))
    assert run(f"{TO}send\nexpect status == 200\n", "--retry", "2").code == 1


# ---- what fails


def test_a_refused_send_is_judged_by_the_expect_that_follows(run):
    """A refused send is no failure if an expect comes before the next send."""
    assert run(f"{TO}send -a low-balance\nvars\nexpect body.code == 'E110'\n").code == 0
    ran = run(f"{TO}send -a low-balance\nsend\nexpect status == 202\n")
    assert ran.code == 1
    assert "error: s.kshell:2:1: send ended with 1, and no expect follows" in ran.err
    assert "WA202" not in ran.out


def test_a_message_that_was_not_sent_is_judged_too(run):
    """A message that was not sent gives exit code 4, unless an expect follows that accepts it."""
    local_pod("http://127.0.0.1:9", name="away")
    assert run(f"{TO}send -p away\nexpect delivery == 'not-sent' and status == 0\n").code == 0
    assert run(f"{TO}send -p away\n").code == 4


def test_a_payload_that_send_refuses_is_a_failure_whatever_follows(run):
    """A payload that ``send`` refuses is a failure, even if an expect follows."""
    ran = run(f"{TO}send\nsend otp=1234567890123456\nexpect status == 202\n")
    assert ran.code == 1
    assert "error: s.kshell:3:1: not sent: the payload has errors" in ran.err


def test_what_fails_while_it_runs_has_its_place(run):
    """A missing variable or account that is found while a line runs is an error with its place."""
    assert "error: s.kshell:1:1: not set: to\n  send\n  ^\n" in run("send\n").err
    ran = run("use account nobody\n")
    assert ran.code == 3
    assert "error: s.kshell:1:1: there is no account 'nobody'" in ran.err


def test_a_failing_script_does_not_keep_the_others_from_running(cli, write):
    """A failed script does not stop the other scripts of a run, unless ``--bail`` is given."""
    write("a.kshell", "expect 1 == 2\n")
    write("b.kshell", f"{TO}send\n")
    assert "WA202" in cli("run", "a.kshell", "b.kshell").out
    ran = cli("run", "a.kshell", "b.kshell", "--bail")
    assert ran.out == ""
    assert ran.code == 1
    assert "b.kshell: not run" in ran.err


def test_a_variable_from_outside_is_plain_text(cli, write):
    """The value of ``--var`` is not expanded."""
    write("s.kshell", f"{TO}render\n")
    assert cli("run", "s.kshell", "--var", "ref={{ 7 }}").json["extra_info"]["ref"] == "{{ 7 }}"


# ---- the commands


@pytest.mark.parametrize("name", [name for name in SECTIONS["Scripts"] if name in COMMANDS])
def test_every_command_of_scripts_has_help_and_examples(name):
    """Each command of the section "Scripts" has help and examples in each frontend that understands it."""
    for frontend in SECTIONS["Scripts"][name].frontends:
        found = commands_of(frontend).get_command(None, name)
        assert found is not None
        assert found.help
        assert found.examples
        caller = Caller(Session(Places.standard()), frontend)
        assert perform_line(f"{name} --help", caller).exit_code == 0


@pytest.mark.parametrize("command", ["source", "run"])
def test_a_fault_in_a_nested_script_is_shown_at_its_own_place(cli, write, command):
    """Where the script was included stands below, also where its name is known at run time alone."""
    write("inner.kshell", "# first\nsnd\n")
    write("outer.kshell", f"{command} {{{{ name }}}}\n")
    err = cli("run", "outer.kshell", "--var", "name=inner.kshell").err
    assert "error: inner.kshell:2:1: there is no command 'snd'\n  snd\n  ^\n  included at outer.kshell:1:1\n" in err
    assert "outer.kshell:1:1: inner" not in err


def test_scripts_that_source_each_other_twice_are_read_once(cli, write):
    """Thirty files, each of which sources the next one twice, are checked in time: each is read once, not a billion times."""
    for number in range(30):
        write(f"s{number}.kshell", f"source s{number + 1}.kshell\n" * 2)
    write("s30.kshell", "otp\n")
    assert cli("run", "--check", "s0.kshell").code == 0


@pytest.mark.parametrize("words", ["docs --check", "run", "import", "run --rows"])
def test_a_fifo_is_not_waited_for(cli, write, words):
    """Nobody may write into it: a command that would read it ends with exit code 3."""
    os.mkfifo("f.csv")
    write("s.kshell", "otp\n")
    ran = cli(*words.split(), "f.csv", *(["s.kshell"] if "rows" in words else []))
    assert ran.code == 3
    assert "f.csv is not a regular file" in ran.err


@pytest.mark.parametrize("option", ["--cassette", "--report=json", "--rows"])
def test_a_name_that_is_too_long_is_an_error_of_the_file(cli, write, option):
    """The system refuses such a name; it is no internal error."""
    write("s.kshell", "send to=+919812345678 otp=1\n")
    name = "a" * 5_000 + ".csv"
    words = [f"{option}={name}"] if "=" in option else [option, name]
    ran = cli("run", "s.kshell", *words)
    assert ran.code == 3
    assert "internal error" not in ran.err
    assert "File name too long" in ran.err
