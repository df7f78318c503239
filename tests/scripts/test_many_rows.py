"""Many rows: they are read as they are run, and a run keeps counts in their place."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from conftest import PROJECT
from support.counting import rows_csv
from support.servers import ACCEPTED, Connection, Server, answer, local_pod, read, wait_until

from kshell.core.errors import ScriptError
from kshell.core.models import Result
from kshell.scripts.reports import Reports
from kshell.scripts.rows import MOST_LINE, Row, RowFile, read_rows
from kshell.scripts.script import read_script
from kshell.scripts.script_run import Case
from kshell.scripts.tally import MOST_SHOWN, Tally
from kshell.simulator.simulator import Simulator


def case(script, number: int, state: str) -> Case:
    """Return a case of a row that has ended in a state."""
    made = Case(script, Row(number, number + 1, {}))
    made.position, made.state = number - 1, state
    return made


@pytest.fixture
def script(write):
    """Return a script."""
    return read_script(write("s.kshell", "send\n"))


@pytest.mark.parametrize(("name", "head", "row"), [("r.csv", "to\n", "{}\n"), ("r.jsonl", "", '{{"to": "{}"}}\n')])
def test_rows_are_read_as_they_are_asked_for(write, name, head, row):
    """The first rows of a file come before the rest of it is read: what follows may be of any kind."""
    file = write(name, head + "".join(row.format(number) for number in range(2000)))
    with file.open("ab") as stream:
        stream.truncate()
        stream.write(b"x" * (MOST_LINE + 1))
    rows = read_rows(file)
    assert [found.cells["to"] for found in islice(rows, 1000)] == [str(number) for number in range(1000)]
    with pytest.raises(ScriptError, match="a line is longer than 1024 KiB"):
        list(rows)


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_a_row_that_is_not_utf_8_is_faulty(write, name):
    """A row with other bytes is a fault of its own, and the rows after it are read."""
    texts = (b"to,ref\n1,a\n2,\xff\n3,c\n", b'{"to": "1"}\n{"to": "\xff"}\n{"to": "3"}\n')
    found = list(read_rows(write(name, texts[name == "r.jsonl"])))
    assert [row.cells.get("to") for row in found] == ["1", None, "3"]
    assert "row 2: it is not UTF-8" in found[1].fault.text


def test_after_an_open_quote_the_next_lines_are_rows(write):
    """A quote that is never closed makes one faulty row, wherever it stands in a long file."""
    lines = "".join(f"{number},x\n" for number in range(30_000))
    found = list(read_rows(write("r.csv", f'a,b\n1,"x\n{lines}')))
    assert [row.number for row in found if row.fault] == [1]
    assert found[1].cells == {"a": "0", "b": "x"}
    assert (len(found), found[-1].line) == (30_001, 30_002)


def test_the_number_of_rows_is_estimated_by_lines(write):
    """The total of the progress line is the number of lines, less the names of a CSV file."""
    assert RowFile(write("r.csv", rows_csv(50))).estimate() == 50


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_only_the_beginning_of_a_long_file_is_read_for_its_total(write, name):
    """The number of rows of a long file is estimated from its beginning and its size, without reading the rest."""
    row = '{"to": "+919812345678"}\n'
    rows = (3 << 20) // len(row)
    file = write(name, ("to\n" if name == "r.csv" else "") + row * rows)
    with file.open("r+b") as stream:
        stream.seek(2 << 20)
        stream.write(b"\n" * (1 << 19))  # would be counted as rows
    assert RowFile(file).estimate() == pytest.approx(rows, rel=0.01)


@pytest.mark.parametrize("order", [range(1, 7), (6, 5, 4, 3, 2, 1), (2, 1, 4, 3, 6, 5)])
def test_verdicts_are_in_the_order_of_the_rows(script, order):
    """Neighbouring rows with one verdict share a line, in whatever order they end."""
    tally = Tally()
    for number in order:
        tally.add(case(script, number, "passed" if number < 5 else "not run"))
    assert list(tally.verdicts()) == ["s.kshell rows 1 to 4: passed", "s.kshell rows 5 to 6: not run"]


def test_more_verdicts_than_a_person_reads_are_counted(script):
    """At most 100 lines of verdicts are shown, then the number of the other rows."""
    tally = Tally()
    for number in range(1, 3001):
        tally.add(case(script, number, ("passed", "not run")[number % 2]))
    *shown, last = tally.verdicts()
    assert (len(shown), last) == (MOST_SHOWN, f"and {3000 - MOST_SHOWN} more")
    assert tally.states == {"passed": 1500, "not run": 1500}


def test_a_report_of_many_rows_holds_the_first_and_the_failures(script, monkeypatch):
    """Beyond its limit a report has only failures, as many again, and says how many cases are not listed."""
    monkeypatch.setattr("kshell.scripts.reports.MOST_CASES", 3)
    reports = Reports(["tap"])
    for number in range(1, 21):
        made = case(script, number, "passed" if number % 2 else "failed")
        made.unrun = None if number % 2 else Result(exit_code=1)
        reports.take(made)
    text = reports.texts(None)["tap"]
    assert re.findall(r"row (\d+)", text) == ["1", "2", "3", "4", "6", "8"]
    assert text.endswith("# 14 more cases are not listed, which did not fail or are beyond 3 failures\n")


def test_json_lines_are_written_as_cases_end(write):
    """The report jsonl of a killed run has the cases that had ended."""
    write("s.kshell", "send\n")
    write("r.csv", rows_csv(5000))
    with subprocess.Popen(
        [sys.executable, "-m", "kshell", "run", "s.kshell", "--rows", "r.csv", "--report", "jsonl=r.jsonl"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as run:
        lines = Path("r.jsonl")
        assert wait_until(lambda: lines.exists() and lines.read_bytes().count(b"\n") >= 3)
        run.send_signal(signal.SIGKILL)
    whole = lines.read_text().rpartition("\n")[0].split("\n")
    assert [json.loads(line)["row"] for line in whole] == [*range(1, len(whole) + 1)]


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_file_that_cannot_be_read_to_its_end_ends_the_run(cli, write, jobs):
    """The rows before a line that is too long are run and counted; the error and its line are shown, and the exit code is 3."""
    write("s.kshell", "send\n")
    write("r.csv", f"{rows_csv(150)}{'x' * (MOST_LINE + 1)}\n")
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--jobs", jobs)
    assert ran.code == 3
    assert "error: r.csv:152:1: a line is longer than 1024 KiB" in ran.err
    assert "rows: 150 passed, and more not counted; messages: 150 accepted; " in ran.err


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_the_warnings_of_rows_that_pass_are_counted(cli, write, jobs):
    """Of a run with rows the end says for each rule in how many rows it gave a warning, and in which row first."""
    write("s.kshell", "check\nrender\n")
    long = "x" * 256
    write("r.csv", f"to,otp,ref\n+919812345678,1,a\n+15005550000,1,{long}\n+919812345678,1,{long}\n")
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--jobs", jobs, "--report", "json=r.json")
    warned = ["warning: ref-cut in 2 rows, first in row 2", "warning: to-sender in row 2"]
    assert sorted(ran.err.splitlines()[:-1]) == warned
    assert ran.err.splitlines()[-1].startswith("rows: 3 passed; ")
    cases = json.loads(Path("r.json").read_text())["cases"]
    assert [sorted(case["warnings"]) for case in cases] == [[], ["ref-cut", "to-sender"], ["ref-cut"]]


def test_without_rows_a_warning_is_shown_once(cli, write):
    """Without rows each line's warnings are shown, and not counted again at the end."""
    write("s.kshell", "check to=+15005550000 otp=1\n")
    ran = cli("run", "s.kshell")
    assert (ran.out + ran.err).count("to-sender") == 1


def test_a_row_that_check_finds_faulty_shows_the_findings(cli, write):
    """A row that fails at ``check`` shows what check found, and a report has it too."""
    write("s.kshell", "check\n")
    write("r.csv", "to,otp\n+12,1\n")
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--report", "json=r.json")
    assert ran.code == 1
    assert ran.err.startswith("s.kshell row 1:\nerror to-e164 /messaging_object/to '+12' is not a number")
    assert json.loads(Path("r.json").read_text())["cases"][0]["failure"][0].startswith("error to-e164")


def test_a_key_is_read_once_in_a_run(cli, write):
    """All rows of a run are sent with the key to which the account's reference led at first."""
    account = 'pod: sandbox\nsid: HX1IN\nphone_number: "+15005550000"\napi_key: file:key.txt\n'
    write("profiles/accounts/mine.yaml", account)
    key = write("profiles/accounts/key.txt", "first")
    write("rows.csv", "to\n+919800000001\n+919800000002\n")
    write("s.kshell", "send -a mine -p local template_name=auth1 language=en_US\n")

    def change(_: Connection) -> None:
        key.write_text("second")

    with Server(read, change, answer(202, ACCEPTED), read, answer(202, ACCEPTED)) as server:
        local_pod(server.url)
        assert cli("run", "s.kshell", "--rows", "rows.csv").code == 0
    assert [request.header("api-key") for request in server.requests] == [["first"], ["first"]]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not bind threads to cores")
@pytest.mark.parametrize(("jobs", "cores"), [("1", os.cpu_count()), ("4", 1)])
def test_the_jobs_of_a_run_share_one_core(cli, write, monkeypatch, jobs, cores):
    """The threads of several jobs work on one core, that of a single job on any; the thread of the caller stays free."""
    used = []
    handle = Simulator.handle
    monkeypatch.setattr(Simulator, "handle", lambda *it: used.append(os.sched_getaffinity(0)) or handle(*it))
    write("rows.csv", "to\n" + "".join(f"+9198000000{number:02}\n" for number in range(20)))
    before = os.sched_getaffinity(0)
    assert cli("run", write("s.kshell", "send\n").name, "--rows", "rows.csv", "--jobs", jobs).code == 0
    assert len(set[int]().union(*used)) == min(cores, len(before))
    assert os.sched_getaffinity(0) == before
