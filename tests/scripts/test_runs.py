"""Rows, jobs and reports: each row is run once, counted, and reported without a secret."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.programs import needs
from support.random_parts import without_random_parts
from support.servers import local_pod

from kshell.core.errors import ScriptError
from kshell.scripts.progress import Progress
from kshell.scripts.rows import read_rows
from kshell.session.session import Session

HERE = Path(__file__).parents[1]
KEY = "Acanary00000000000000000000000key"
TO, CODE, SENDER = "+919812345678", "482913", "+447700900123"
SEND = "send\nexpect delivery == 'accepted'\n"


@pytest.fixture
def rows(write):
    """Return a function that writes a file of rows and reads it."""

    def read(content: bytes | str, name: str = "r.csv"):
        return list(read_rows(write(name, content)))

    return read


@pytest.fixture
def run(cli, write):
    """Return a function that runs a script with rows: ``run(script, rows, *options)`` gives a ``Ran``."""

    def ran(script: str, content: str | bytes, *options: str, name: str = "r.csv"):
        write("s.kshell", script)
        write(name, content)
        return cli("run", "s.kshell", "--rows", name, *options)

    return ran


@pytest.fixture
def sandbox():
    """Yield the base URL of a simulator over HTTP in a process."""
    with subprocess.Popen(
        [sys.executable, "-m", "kshell", "sandbox", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    ) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)


# ---- what a row is


@pytest.mark.parametrize(
    "content",
    [
        "to,ref\n+919812345678,a b\n",
        "to;ref\r\n+919812345678;a b\r\n",
        "to\tref\n+919812345678\ta b",
        b'\xef\xbb\xbf"to","ref"\n"+919812345678","a b"\n\n',
        " to , ref \n+919812345678,a b\n,\n",
    ],
    ids=["commas", "semicolons and CRLF", "tabs", "a BOM and quotes", "blanks and an empty row"],
)
def test_a_csv_file_is_read_as_spreadsheets_write_it(rows, content):
    """CSV is read with commas, semicolons or tabs, any line ends, a BOM, quotes and blanks."""
    assert [row.cells for row in rows(content)] == [{"to": TO, "ref": "a b"}]


def test_a_quoted_cell_keeps_its_line_breaks(rows):
    """A quoted cell keeps its line breaks and separators, and the next row has its true line number."""
    found = rows('to,ref\n1,"a\r\nb,""c"""\n2,x\n')
    assert [(row.number, row.line, row.cells["ref"]) for row in found] == [(1, 2, 'a\r\nb,"c"'), (2, 4, "x")]


FAULTY = [
    ("a,b,c", "3 cells, but the first line names 2"),
    ("a", "1 cells, but the first line names 2"),
    ("9.19877E+11,b", "a spreadsheet has rounded this number"),
    ("9,19877E+11,b", "3 cells"),
    ('"9,19877E+11",b', "a spreadsheet has rounded this number"),
    ('a,"b"c', "it is not CSV"),
    ('a,"b', "a quote is opened and never closed"),
]


@pytest.mark.parametrize(("line", "message"), FAULTY, ids=[row[0] for row in FAULTY])
def test_a_faulty_row_is_one_clear_error_and_the_others_go_on(run, line, message):
    """A faulty row is one error with its number and line, exit code 3, and the other rows are run."""
    ran = run(SEND, f"to,ref\n{TO},first\n{line}\n{TO},third\n")
    assert ran.code == 3
    assert ran.err.count("error:") == 1
    assert "error: r.csv:3:1: row 2: " in ran.err
    assert message in ran.err
    assert "rows: 2 passed, 1 failed; messages: 2 accepted" in ran.err or "1 failed, 2 passed" in ran.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has no rows"),
        ("to,ref\n", "has no rows"),
        ("to,to\n1,2\n", "two columns are named 'to'"),
        ("Phone Number,ref\n1,2\n", "'Phone Number' cannot name a variable"),
        (b"\xff\xfet\x00o\x00", "not UTF-8"),
        ('"to\n1\n', "never closed"),
    ],
    ids=["empty", "no rows", "a name twice", "no name", "UTF-16", "an open header"],
)
def test_a_file_without_usable_rows_is_one_clear_error(run, content, message):
    """A file without usable rows is one error with exit code 3, and nothing is run."""
    ran = run(SEND, content)
    assert ran.code == 3
    assert message in ran.err
    assert "messages:" not in ran.err


def test_json_lines_are_rows(rows):
    """In JSON lines numbers keep their digits, booleans become words, and null leaves the variable unset."""
    found = rows(
        '\ufeff{"to": "+91", "index": 012}\n{"to": 919812345678901234567890, "b": true, "c": null}\n', "r.jsonl"
    )
    assert found[0].fault
    assert found[1].cells == {"to": "919812345678901234567890", "b": "true"}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"a": {}}', '{"a": []}', '{"a b": 1}', '{"a": 1, "a": 2}', '{"to": 9.19877E+11}', "[" * 9999]
)
def test_a_faulty_json_line_is_one_clear_error(rows, line):
    """A faulty JSON line is one error with its row, and the next row is read."""
    found = rows(f'{line}\n{{"to": "x"}}\n', "r.jsonl")
    assert "r.jsonl:1:1: row 1: " in f"{found[0].fault.headline} "
    assert found[1].cells == {"to": "x"}


def test_a_json_string_is_no_number(rows):
    """A string of JSON that looks like a rounded number is text: no spreadsheet has written it."""
    (row,) = rows('{"ref": "1E+02", "ref1": "9.19877E+11"}\n', "r.jsonl")
    assert (row.fault, row.cells) == (None, {"ref": "1E+02", "ref1": "9.19877E+11"})


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=2, max_size=2))
def test_any_text_in_a_cell_is_that_text(rows, texts):
    """A quoted cell is read as the text that a CSV writer put there, or refused as a rounded number."""
    import csv
    import io

    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerows([["x", "a", "b"], ["1", *texts]])
    (row,) = rows(buffer.getvalue().encode())
    if not row.fault:
        assert [row.cells["a"], row.cells["b"]] == texts
    else:
        assert "rounded" in row.fault.text


def test_a_cell_is_plain_text(run, tmp_path):
    """An expression in a cell is not expanded, and a cell adds no argument."""
    ran = run(
        "set ref1={{ ref }}\nrender\nvars --json\n",
        'to,ref\n+919812345678,"{{ 7 }} otp=1"\n',
        "--report",
        "json=r.json",
    )
    assert ran.code == 0
    write_up = "expect ref == '{{ 7 }} otp=1' and ref1 == ref\n"
    assert run(write_up.replace("and ref1 == ref", ""), 'to,ref\n+919812345678,"{{ 7 }} otp=1"\n').code == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_the_row_s_fault(rows, number):
    """JSON has no such number, so it is not taken as text either."""
    found = rows(f'{{"to": {number}}}\n', "r.jsonl")
    assert f"it is not JSON: JSON has no number {number}" in found[0].fault.text


@pytest.mark.parametrize(("name", "row"), [("r.jsonl", "{\n"), ("r.csv", "1,2,3\n")])
def test_rows_are_refused_after_ten_thousand_faulty_ones(rows, name, row):
    """A file with so many faulty rows is another file; up to there each is a fault of its own."""
    head = "a,b\n" if name.endswith("csv") else ""
    assert len(rows(head + row * 10_000, name)) == 10_000
    with pytest.raises(ScriptError, match="more than 10000 rows are faulty; the first is row 1: ") as raised:
        rows(head + row * 10_001, name)
    assert raised.value.at.line == 1 + bool(head)


def test_quotes_that_are_never_closed_are_refused_after_twenty(rows):
    """Each of them costs a pass over the rest of the file."""
    with pytest.raises(ScriptError, match="more than 20 rows open a quote that is never closed"):
        rows("a,b\n" + 'x","\n' * 30, "r.csv")


def test_rows_of_an_unknown_kind_are_refused(cli, write):
    """A file of rows that is neither .csv nor .jsonl is refused."""
    write("s.kshell", SEND)
    write("r.xlsx", b"PK")
    assert "neither .csv nor .jsonl" in cli("run", "s.kshell", "--rows", "r.xlsx").err


# ---- a run in a run


@pytest.fixture
def nested(cli, write):
    """Return a function that runs a script which runs two nested scripts before it sends: ``nested(*options)``."""

    def ran(*options: str):
        write("innermost.kshell", f"set to={TO}\nsend -a low-balance\nexpect status == 400\n")
        write("inner.kshell", f"run innermost.kshell\nset to={TO}\nsend\n")
        write("outer.kshell", f"run inner.kshell\nset to={TO}\nsend\n")
        return cli("run", "outer.kshell", *options)

    return ran


def test_the_summary_counts_what_a_nested_run_sent(nested):
    """The summary counts the messages of nested runs."""
    ran = nested()
    assert (ran.code, ran.err.splitlines()[-1].rpartition(";")[0]) == (
        0,
        "scripts: 1 passed; messages: 2 accepted, 1 refused",
    )


def test_the_report_of_a_case_holds_what_a_nested_run_sent(nested):
    """A case of a report lists its own deliveries and then those of its nested runs."""
    nested("--report", "json=r.json")
    (case,) = json.loads(Path("r.json").read_text())["cases"]
    assert case["deliveries"] == ["accepted", "accepted", "refused"]


def test_a_nested_run_that_passes_is_no_failure(cli, write):
    """A nested run that passes is no failure, even if a send in it was refused as expected."""
    write("inner.kshell", f"set to={TO}\nsend -a low-balance\nexpect status == 400\n")
    write("outer.kshell", "run inner.kshell\n")
    assert cli("run", "outer.kshell").code == 0


def test_a_failure_of_a_nested_run_says_what_was_accepted_before_it(cli, write):
    """A failed nested run still counts the message that was accepted before the failure."""
    write("inner.kshell", f"set to={TO}\nsend\nexpect status == 1\n")
    write("outer.kshell", "run inner.kshell\n")
    ran = cli("run", "outer.kshell")
    assert (ran.code, ran.err.splitlines()[-1].rpartition(";")[0]) == (1, "scripts: 1 failed; messages: 1 accepted")


# ---- every row once


def many(count: int) -> str:
    """Return a CSV text with ``count`` rows."""
    return "to,ref\n" + "".join(f"+91981{number:07d},row {number}\n" for number in range(count))


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_each_row_is_run_once(run, jobs, monkeypatch):
    """Each row is sent once, with one job and with several."""
    sent: list[str] = []
    original = Session.send

    def counting(self, draft, *, timeout):
        sent.append(draft.values["ref"])
        return original(self, draft, timeout=timeout)

    monkeypatch.setattr(Session, "send", counting)
    ran = run(SEND, many(40), "--jobs", jobs)
    assert ran.code == 0
    assert sorted(sent) == sorted(f"row {number}" for number in range(40))
    assert ran.err.startswith("rows: 40 passed; messages: 40 accepted;")


ROWS = int(os.environ.get("KSHELL_TEST_ROWS", "80"))  # with 1000 the test takes 15 s


def test_many_rows_reach_the_simulator_once_each(run, sandbox):
    """With eight jobs over HTTP, the simulator's inbox and the report have each recipient once."""
    import httpx

    local_pod(sandbox)
    ran = run(f"use pod local\n{SEND}", many(ROWS), "--jobs", "8", "--report", "json=r.json")
    assert ran.code == 0
    assert f"rows: {ROWS} passed; messages: {ROWS} accepted" in ran.err
    got = [entry["recipient"] for entry in httpx.get(f"{sandbox}/inbox", trust_env=False).json()]
    assert sorted(got) == sorted(f"+91981{number:07d}" for number in range(ROWS))
    assert [case["deliveries"] for case in json.loads(Path("r.json").read_text())["cases"]] == [["accepted"]] * ROWS


# however slow the machine is, all rows are counted
COUNTS_ALL = """
from kshell.__main__ import entry
from kshell.scripts import runs
assert runs._COUNTING_SECONDS
runs._COUNTING_SECONDS = 60
entry()
"""


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_an_interrupted_run_says_what_happened_to_each_row(sandbox, write, jobs):
    """Ctrl-C in a run exits with 130; the summary has every row, and its counts agree with the server's inbox."""
    import httpx

    local_pod(sandbox)
    write("s.kshell", f"use pod local\n{SEND}")
    write("r.csv", many(3000))
    with subprocess.Popen(
        [sys.executable, "-c", COUNTS_ALL, "run", "s.kshell", "--rows", "r.csv", "--jobs", jobs],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    ) as process:
        assert httpx.get(f"{sandbox}/inbox?wait=50", trust_env=False, timeout=60).json()
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    matches = [re.fullmatch(r"s\.kshell rows? (\d+)(?: to (\d+))?: (.*)", line) for line in err.splitlines()]
    spans = [(int(found[1]), int(found[2] or found[1]), found[3]) for found in matches if found]
    assert [number for first, last, _ in spans for number in range(first, last + 1)] == list(range(1, 3001))
    certain = sum(last - first + 1 for first, last, verdict in spans if "accepted" in verdict)
    possible = certain + sum(last - first + 1 for first, last, verdict in spans if "unknown" in verdict)
    received = len(httpx.get(f"{sandbox}/inbox", trust_env=False).json())
    assert min(certain, 1000) <= received <= possible


def test_bail_runs_no_row_after_one_that_failed(run):
    """``--bail`` runs no row after a failure, and the summary names the rows that were not run."""
    ran = run("expect ref != 'row 2'\n", many(10), "--bail")
    assert ran.code == 1
    assert "s.kshell rows 4 to 10: not run" in ran.err


def test_no_progress_is_written_where_there_is_no_terminal(run):
    """No progress line is written if stderr is not a terminal."""
    assert "\r" not in run(SEND, many(3)).err


def test_a_terminal_is_told_how_far_the_run_has_come(write):
    """On a terminal a run shows its progress on one line, which is cleared before other output."""
    write("s.kshell", SEND)
    write("r.csv", many(200))
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "kshell", "run", "s.kshell", "--rows", "r.csv"]
    process = subprocess.Popen(words, stderr=theirs, env={**os.environ, "PYTHONPATH": str(HERE.parent)})
    os.close(theirs)
    shown = ""
    with suppress(OSError):  # nobody writes any more
        while read := os.read(ours, 65536):
            shown += read.decode()
    os.close(ours)
    assert process.wait(60) == 0
    assert re.search(r"\r\x1b\[K\d+/200 · \d+/s · \d+ s left · \d+ passed\r\x1b\[K", shown)
    assert "\r\x1b[Krows: 200 passed; messages: 200 accepted" in shown


def test_progress_has_the_rate_and_the_time_left(monkeypatch):
    """The line of progress has the rate and the time left, fits into one line, and is written every 0.1 seconds."""
    now, written = [100.0], io.StringIO()
    written.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setenv("COLUMNS", "40")
    progress = Progress(10_000, lambda: now[0])
    for number in range(4000):
        now[0] += 0.125 * (number % 2)
        progress.step("passed")
    lines = written.getvalue().split("\r\x1b[K")[1:]
    assert lines[-1] == "4000/10000 · 16/s · 6 min 15 s left · 4"
    assert len(lines) <= 2001


def test_what_the_lines_print_is_not_shown_for_rows(run, cli):
    """With rows the output of the lines is not shown, as the help says; failures are."""
    ran = run("render\nexpect ref != 'row 1'\n", many(2))
    assert (ran.code, ran.out) == (1, "")
    assert "it does not hold" in ran.err
    text = " ".join(cli("run", "--help").out.split())
    assert "Failures and the number of warnings are shown, not the output of the lines" in text


def test_the_help_of_retry_promises_nothing_that_it_does_not_do(cli):
    """The help of ``--retry`` says that nothing is sent again."""
    assert "look again at phone and statuses, up to N times. Nothing is sent again." in " ".join(
        cli("run", "--help").out.split()
    )


# ---- reports


@pytest.fixture
def reported(cli, write, monkeypatch):
    """Return a function that runs rows that pass, fail and are faulty, with canary secrets, and writes four reports."""
    monkeypatch.setenv("CANARY", KEY)
    write(
        "profiles/accounts/c.yaml",
        f"pod: sandbox\nsid: HX1IN\napi_key: env:CANARY\nphone_number: '{SENDER}'\n"
        "variables: {template_name: a, language: en}\n",
    )
    write("r.csv", f"to,ref\n{TO},<b>&\"'\x1b[2J\n{TO}\n{TO},refuse {CODE} {KEY} {TO}\n{TO},last\n")
    write("s.kshell", f"use account c\notp {CODE}\nset a='</script>]]>\x0b' \\\n  b={TO}\nsend otp={CODE}\n"
          "expect 'refuse' not in ref\n")  # fmt: skip

    def files(*options: str):
        kinds = ("junit", "json", "html", "tap")
        reports = [word for kind in kinds for word in ("--report", f"{kind}=r.{kind}")]
        return cli("run", "s.kshell", "--rows", "r.csv", *options, *reports)

    return files


def test_no_report_holds_a_secret(reported):
    """No report has a key, a code or a full number."""
    reported()
    for kind in ("junit", "json", "html", "tap"):
        text = without_random_parts(Path(f"r.{kind}").read_text())
        for secret in (KEY, CODE, TO, TO[1:], SENDER):
            assert secret not in text, (kind, secret)


def test_a_report_has_the_permissions_that_the_umask_gives(cli, write):
    """A report, which the command line names, and its folder are readable by whom the umask allows, such as CI."""
    write("s.kshell", "vars\n")
    for mask, file, folder in ((0o022, 0o644, 0o755), (0o027, 0o640, 0o750), (0o077, 0o600, 0o700)):
        before = os.umask(mask)
        cli("run", "s.kshell", "--report", f"json=out{mask}/r.json")
        os.umask(before)
        assert [stat.S_IMODE(path.stat().st_mode) for path in (Path(f"out{mask}/r.json"), Path(f"out{mask}"))] == [
            file,
            folder,
        ]


def test_junit_is_what_ci_systems_read(reported):
    """The JUnit report validates against the schema of Jenkins' xUnit plugin and has the right counts."""
    import xmlschema

    reported("--bail")
    xmlschema.XMLSchema(HERE / "junit-10.xsd").validate("r.junit")
    from xml.etree import ElementTree as ET

    suite = ET.parse("r.junit").getroot()[0]  # noqa: S314 - our own file
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "0", "errors": "1", "skipped": "2",
    }  # fmt: skip
    reported()
    suite = ET.parse("r.junit").getroot()[0]  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    assert [case.get("name") for case in suite] == [f"row {number}" for number in range(1, 5)]


def test_json_has_every_line_of_every_case(reported):
    """The JSON report has each line's request, answer, explanation and failure."""
    reported()
    data = json.loads(Path("r.json").read_text())
    assert [case["state"] for case in data["cases"]] == ["passed", "failed", "failed", "passed"]
    send = data["cases"][0]["steps"][3]
    assert send["exchange"]["response"]["body"]["code"] == "WA202"
    assert send["exchange"]["request"]["body"]["messaging_object"]["to"] == "+91XXXXXXXX78"
    assert send["exchange"]["explanation"]["code"] == "WA202"
    assert "it does not hold" in data["cases"][2]["failure"][0]


def test_json_lines_have_a_case_in_each_line(cli, write):
    """The report ``jsonl`` has one line for each case, which is the case of the report ``json``."""
    write("s.kshell", SEND)
    write("r.csv", many(3))
    cli("run", "s.kshell", "--rows", "r.csv", "--report", "jsonl=r.jsonl", "--report", "json=r.json")
    lines = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert lines == json.loads(Path("r.json").read_text())["cases"]
    assert [line["row"] for line in lines] == [1, 2, 3]


def test_tap_is_all_that_stands_on_stdout(cli, write):
    """With ``--report tap`` stdout has only TAP 14: the version, the plan and one line for each case."""
    write("a#.kshell", "set to=+919812345678\nsend\n")
    write("b.kshell", "expect 1 == 2\n")
    write("c.kshell", "vars\n")
    ran = cli("run", "a#.kshell", "b.kshell", "c.kshell", "--bail", "--report", "tap")
    lines = [line for line in ran.out.splitlines() if not line.startswith("  ")]
    assert lines == [
        "TAP version 14",
        "1..3",
        "ok 1 - a\\#.kshell",
        "not ok 2 - b.kshell",
        "ok 3 - c.kshell # SKIP not run",
    ]


def test_no_finding_stands_between_the_lines_of_tap(cli, write):
    """The findings of a ``check`` line are not printed into a report on stdout."""
    write("s.kshell", f"set to=+919812345678 otp=1 ref={'x' * 300}\ncheck\n")
    assert cli("run", "s.kshell", "--report", "tap").out == "TAP version 14\n1..1\nok 1 - s.kshell\n"


@pytest.mark.parametrize(
    ("report", "message"),
    [("xml=x", "there is no report 'xml'"), ("junit", "needs a file"), ("html=.", "is a directory")],
)
def test_a_report_that_cannot_be_is_refused_before_anything_runs(run, report, message):
    """A report of an unknown kind or to an impossible file is a usage error before any line is run."""
    ran = run(SEND, many(1), "--report", report)
    assert ran.code == 2
    assert message in ran.err
    assert "messages:" not in ran.err


def test_html_needs_nothing_but_itself(reported):
    """The HTML report loads nothing, its policy allows its own script alone, and a row's values are escaped."""
    reported()
    page = Path("r.html").read_text()
    assert not re.search(r"<link|<img|src=|@import|url\(|\son\w+=", page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert "&lt;/script&gt;" in page
    assert "<b>&" not in page.replace("<b>s.kshell", "")


@needs("chromium", "grep")  # Debian starts it by a script that runs grep
def test_html_is_a_page_that_a_browser_shows(reported, tmp_path):
    """Headless Chromium renders the HTML report with both failures open and first, and runs its filter."""
    reported()
    page = Path("r.html").resolve().as_uri()
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/chromium"]
    picture = tmp_path / "page.png"
    subprocess.run(
        [*browser, "--window-size=1000,1400", f"--screenshot={picture}", page],
        capture_output=True,
        timeout=300,
        check=True,
    )
    assert picture.stat().st_size > 20_000
    dumped = subprocess.run(
        [*browser, "--dump-dom", page], capture_output=True, timeout=300, check=True
    ).stdout.decode()
    states = re.findall(r'<details class="case" data-state="(\w+)"( open="")?>', dumped)
    assert states == [("failed", ' open=""'), ("failed", ' open=""'), ("passed", ""), ("passed", "")]
    assert '<div id="filter"><select aria-label="State"><option value="">all</option><option>failed</option>' in dumped
    assert "<output>4 of 4</output>" in dumped
    assert "it does not hold: 'refuse' not in ref" in dumped
