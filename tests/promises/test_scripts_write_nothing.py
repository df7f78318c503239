"""A script reads and sends; it writes only files that the command line named."""

from __future__ import annotations

from pathlib import Path

import pytest

SEND = "send to=+919812345678 otp=482913\n"
PAGE = "<!-- kshell: explain E110 -->\n"
CURL = "curl -X POST 'https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages' -d '{\"messaging_object\": {}}'\n"
WRITING = {
    "docs page.md": "docs without --check writes a file",
    "import curl.txt --account mine": "import --account writes a file",
    "import curl.txt --template mine": "import --template writes a file",
    "run inner.kshell --report json=out.json": "run --report KIND=FILE writes a file",
    "run inner.kshell --report tap=out.tap": "run --report KIND=FILE writes a file",
    "run inner.kshell --cassette out.yaml": "run --cassette writes a file",
    "run inner.kshell --cassette out.yaml --record once": "run --cassette writes a file",
    "run inner.kshell --cassette out.yaml --record new": "run --cassette writes a file",
    "run inner.kshell --cassette out.yaml --record all": "run --cassette writes a file",
    "run inner.kshell --rows r.csv --ledger out.ledger": "run --ledger writes a file",
    "run inner.kshell --update --yes": "run --update --yes writes a file",
    "init": "init cannot be used in a script",
}
READING = [
    "docs --check page.md",
    "import curl.txt",
    "run inner.kshell --report tap",
    "run inner.kshell",
    "run --check inner.kshell",
    "trigger sent",
    "inbox --json",
    "openapi",
    "schema account",
]


@pytest.fixture
def before(write) -> set[Path]:
    """Return the paths of a folder with a page, a curl command and a script to run."""
    write("page.md", PAGE)
    write("curl.txt", CURL)
    write("inner.kshell", SEND)
    write("outer.kshell", "source s.kshell\n")
    write("nested.kshell", "run s.kshell\n")
    return {*Path().rglob("*"), Path("s.kshell")}


def text_of(line: str) -> str:
    """Return a script that sends and then has ``line``."""
    return f"{SEND}{line}\n"


@pytest.mark.parametrize("line", WRITING)
@pytest.mark.parametrize("script", ["s.kshell", "outer.kshell", "nested.kshell"])
def test_a_line_that_writes_is_refused_before_the_first_line_runs(cli, write, before, script, line):
    """A script with a line that writes a file exits with 3 at that line's place, and sends and writes nothing."""
    write("s.kshell", text_of(line))
    ran = cli("run", script)
    assert (ran.code, ran.out) == (3, "")
    assert f"error: s.kshell:2:1: {WRITING[line]}" in ran.err
    assert "\nhint: " in ran.err
    assert {*Path().rglob("*")} == before
    assert Path("page.md").read_text() == PAGE


@pytest.mark.parametrize("line", WRITING)
def test_a_line_that_writes_is_refused_on_stdin(cli, before, line):
    """A piped script with a line that writes a file exits with 3, and writes nothing."""
    ran = cli(input=text_of(line).encode())
    assert ran.code == 3
    assert f"error: stdin:2:1: {WRITING[line]}" in ran.err
    assert {*Path().rglob("*")} | {Path("s.kshell")} == before


@pytest.mark.parametrize("line", WRITING)
def test_a_computed_word_does_not_hide_a_line_that_writes(cli, write, before, line):
    """A line whose words are expressions is refused when it runs, and writes nothing."""
    command, *rest = line.split()
    words = " ".join([f'{{{{ "{command}" }}}}', *(f'{{{{ "{word}" }}}}' for word in rest)])
    write("s.kshell", f"{words}\n")
    ran = cli("run", "s.kshell")
    assert ran.code == 3
    assert WRITING[line] in ran.err
    assert {*Path().rglob("*")} == before
    assert Path("page.md").read_text() == PAGE


@pytest.mark.parametrize("line", ["vars > out.txt", "vars >> out.txt", "vars | tee out.txt"])
def test_a_script_redirects_nothing(cli, write, before, line):
    """In a script ``>``, ``>>`` and ``|`` are words, which ``vars`` does not take: no file is written."""
    write("s.kshell", f"{line}\n")
    assert cli("run", "s.kshell").code == 3
    assert {*Path().rglob("*")} == before


@pytest.mark.parametrize("line", READING)
def test_a_line_that_only_reads_is_not_refused(cli, write, before, line):
    """A script may run checks, previews and reports on stdout, none of which writes a file."""
    write("s.kshell", f"{line}\n")
    ran = cli("run", "s.kshell")
    assert "writes a file" not in ran.err
    assert "cannot be used in a script" not in ran.err
    assert {*Path().rglob("*")} == before


def test_a_recorded_cassette_is_played_in_a_script(cli, write, before):
    """A script may play a cassette with ``run --cassette FILE --record none``, which writes no file."""
    assert cli("run", "inner.kshell", "--cassette", "kept.yaml").code == 0
    write("s.kshell", "run inner.kshell --cassette kept.yaml --record none\n")
    assert cli("run", "s.kshell").code == 0


def test_scripts_that_name_each_other_often_are_checked_once_each(cli, write):
    """Each of twenty scripts is checked once, although each of them runs the next one twice."""
    for number in range(20):
        write(f"{number}.kshell", f"run {number + 1}.kshell\n" * 2)
    write("20.kshell", "vars\n")
    assert cli("run", "--check", "0.kshell").code == 0
