"""``docs`` rewrites the blocks under its comments, keeps all other text, and checks hand-written curl commands."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from support.page import FORMAT, PAGE
from support.payloads import TYPED
from support.programs import needs

from kshell.core.errors import Note
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.curl import lint
from kshell.documents.markdown import MarkdownReader
from kshell.documents.reader import content
from kshell.documents.regenerate import regenerate
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.snippets.shells import SHELLS

FENCE = "```"
KEY = "A1b2c3d4e5f6071829304a5b6c7d8e9f0"


def made(text: str) -> str:
    """Return a document as ``docs`` rewrites it."""
    return regenerate(text, "guide.md", Places.standard()).text


def faults(block: str, language: str = "bash") -> list[str]:
    """Return the faults of a hand-written block."""
    text = f"# Guide\n\n{FENCE}{language}\n{block}\n{FENCE}\n"
    return [fault.headline for fault in regenerate(text, "guide.md", Places.standard()).faults]


@pytest.fixture
def block(cli):
    """Return a function that gives a command's output as a block under its comment: ``block("curl -a docs", "bash")``.

    A path in it is relative to the folder of the shipped files.
    """

    def owned(command: str, language: str) -> str:
        ran = cli(*command.split())
        return f"<!-- kshell: {command} -->\n{FENCE}{language}\n{ran.out.replace(f'{PROJECT}/', '')}{FENCE}\n"

    return owned


@pytest.mark.parametrize(
    ("command", "language"),
    [
        ("curl -a docs", "bash"),
        ("curl -a docs --shell powershell", "powershell"),
        ("curl -a docs --shell cmd", "bat"),
        ("snippet python -a docs", "python"),
        ("snippet c# -a docs", "csharp"),
        ("snippet go -a docs --placeholders", "go"),
        ("render -a docs", "json"),
        ("check -a docs", "text"),
        ("explain WA-401", "text"),
        ("explain ref", "text"),
        ("accounts docs --json", "json"),
        ("help send", "text"),
        ("openapi", "json"),
        ("schema pod", "json"),
        ("schema template", "json"),
        ("trigger failed --code 131026 ref=a timestamp=1764000000 message_id=A1B2C3", "json"),
    ],
)
def test_a_block_holds_what_the_command_prints(block, command, language):
    """A stale, empty or missing block is replaced by the command's output, with its language kept."""
    expected = block(command, language)
    comment = f"<!-- kshell: {command} -->\n"
    for before in (f"{comment}{FENCE}{language}\nold\n{FENCE}\n", f"{comment}{FENCE}{language}\n{FENCE}\n", comment):
        assert made(before) == expected
    assert made(expected) == expected


def test_the_language_of_a_block_stays():
    """The text after a fence, such as the language, is kept."""
    assert made(f"<!-- kshell: curl -a docs -->\n{FENCE}sh title=x\n{FENCE}\n").startswith(
        f"<!-- kshell: curl -a docs -->\n{FENCE}sh title=x\ncurl "
    )


def test_an_answer_is_the_same_every_time():
    """A ``send`` in a document goes to the embedded simulator and has the same id and time each time."""
    text = made("<!-- kshell: send to=+919812345678 otp=482913 2>&1 -->\n")
    assert "202 Accepted · WA202 Request Accepted · AXXXXXXXXXXXXXXXXXXX · 38 ms · simulated\n{\n" in text
    assert made(text) == text


def test_a_refusal_is_documented_with_its_explanation():
    """With ``2>&1`` a block has the explanation of a refusal."""
    text = made("<!-- kshell: send -a low-balance to=+919812345678 otp=482913 2>&1 -->\n")
    assert "E110" in text
    assert "  move    yours: top the account up" in text


@pytest.mark.parametrize("kind", ["codes", "fields", "rules"])
def test_a_table_is_markdown(cli, kind):
    """``explain --table`` gives a Markdown table of codes, fields or rules, without a fence."""
    expected = f"<!-- kshell: explain --table {kind} -->\n{cli('explain', '--table', kind).out}\nText.\n"
    for before in ("\nText.\n", "| old |\n| --- |\n\nText.\n"):
        assert made(f"<!-- kshell: explain --table {kind} -->\n{before}") == expected


def test_a_row_of_a_table_has_as_many_cells_as_its_head(cli):
    """Each row of a table has as many cells as its head, also if a cell has a ``|``."""
    for kind in ("codes", "fields", "rules"):
        lines = cli("explain", "--table", kind).out.splitlines()
        assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}


def test_a_block_in_a_list_keeps_its_indentation():
    """The lines of a block in a list have the indentation of its fence."""
    text = made(f"- item\n\n  <!-- kshell: explain WA202 -->\n  {FENCE}\n  {FENCE}\n- next\n")
    assert "\n  202 WA202 · Request Accepted\n" in text
    assert text.endswith(f"\n  {FENCE}\n- next\n")


def test_a_fence_is_longer_than_what_it_holds():
    """A block whose content has a fence gets a longer fence."""
    text = made("<!-- kshell: snippet hurl -a docs ref=``` -->\n")
    assert "\n````hurl\n" in text
    assert made(text) == text


@pytest.mark.parametrize("line", ["help", "help curl", "help expect"])
def test_help_is_wrapped_the_same_everywhere(monkeypatch, line):
    """Help in a document has the same width for every terminal width."""
    texts = set()
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        texts.add(made(f"<!-- kshell: {line} -->\n"))
    assert len(texts) == 1


def test_a_comment_in_a_block_is_text():
    """A comment inside a fence is text."""
    text = f"{FENCE}markdown\n<!-- kshell: curl -a docs -->\n{FENCE}\n"
    assert made(text) == text


@pytest.mark.parametrize(
    "comment",
    [
        "<!-- kshell: explain WA202\n-->",
        "<!-- kshell:\nexplain WA202 -->",
        "<!-- kshell:\n  explain WA202\n-->",
        "<!--\n  kshell: explain\n  WA202\n-->",
    ],
)
@pytest.mark.parametrize("below", ["", f"\n{FENCE}text\nold\n{FENCE}\n"])
def test_a_comment_may_have_several_lines(comment, below):
    """A comment of several lines owns the block below it."""
    assert "Request Accepted" in made(f"{comment}\n{below}")
    assert "\nold\n" not in made(f"{comment}\n{below}")
    assert made(f"{comment}\n{below}").startswith(f"{comment}\n")


def test_a_comment_of_another_kind_may_have_several_lines():
    """A comment of several lines that does not begin with ``kshell:`` is text."""
    text = f"<!-- note\nkshell: explain WA202 -->\n{FENCE}text\nold\n{FENCE}\n"
    assert made(text) == text


def test_nothing_else_is_changed():
    """Line ends, blank lines, unusual characters and other comments are kept."""
    text = "\ufeff# T\r\n\r\n\r\n<!-- note -->\r\n~~~\r\ncurl\r\n~~~\r\n<!-- kshell: explain WA202 -->\r\n```\r\n```\r\nend  "
    after = made(text)
    assert after.startswith(text.partition("<!-- kshell")[0])
    assert after.endswith("\r\n```\r\nend  ")
    assert "\n" not in after.replace("\r\n", "")


@given(
    st.lists(st.sampled_from(["", "text", "```", "```sh", "~~~~", "| a |", "  ```", "- x", "<!-- x -->"]), max_size=12)
)
def test_a_document_without_comments_stays(lines):
    """A document without kshell's comments is not changed."""
    text = "\n".join(lines)
    assert made(text) == text


@given(st.text(), st.sampled_from(["```", "````", "~~~"]))
def test_a_fence_gives_back_what_was_put_in(text, fence):
    """Any line written into a fence is read back as that line."""
    text = " ".join(text.splitlines())
    (empty,) = MarkdownReader([fence, fence]).read()[1]
    lines = MarkdownReader([fence, fence]).rewritten(empty, f"{text}\n")
    (block,) = MarkdownReader(lines).read()[1]
    assert (list(content(lines, block)), block.end) == ([text], len(lines))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_document_with_both_line_ends_keeps_them(end):
    """A line keeps its end; a new block has that of its comment."""
    other = {"\n": "\r\n", "\r\n": "\n"}[end]
    text = f"# T{other}{other}<!-- kshell: explain WA202 -->{end}{FENCE}{end}old{end}{FENCE}{other}end"
    after = made(text)
    assert after.startswith(text.partition(f"{end}{FENCE}")[0])
    assert after.endswith(f"{FENCE}{other}end")
    block = after.partition(" -->")[2].removesuffix(f"{FENCE}{other}end")
    assert block.count("\n") == block.count(end) > 5
    assert ("\r" in block) == ("\r" in end)


@pytest.mark.parametrize("below", ["", "\n", f"\n{FENCE}\n{FENCE}"])
def test_a_comment_may_stand_on_the_first_and_on_the_last_line(below):
    """A comment after a byte order mark is one, and so is one without a line end."""
    after = made(f"\ufeff<!-- kshell: explain WA202 -->{below}")
    assert after.startswith(
        f"\ufeff<!-- kshell: explain WA202 -->\n{FENCE}text\n202 " if "`" not in below else "\ufeff<!-- "
    )
    assert "Request Accepted" in after
    assert made(after) == after


def test_a_table_below_a_command_that_prints_none_stays(cli):
    """A comment owns a table only if its command prints one: another table is the writer's."""
    text = "<!-- kshell: explain WA202 -->\n| mine |\n| --- |\n"
    after = made(text)
    assert f"\n{FENCE}text\n202 WA202" in after
    assert after.endswith(f"{FENCE}\n| mine |\n| --- |\n")
    assert made(after) == after


# ---- what cannot stand in a document


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("sandbox", "'sandbox' is not allowed in a document", "schema, trigger"),
        ("docs x.md", "'docs' is not allowed in a document", "render, check, curl"),
        ('""', "'' is not allowed in a document", "render, check, curl"),
        ("curl to=+919812345678", "otp is not given", "add otp=482913"),
        ("curl -a docs --reveal", "--reveal is not allowed in a document", "--masked"),
        ("explain --from -", "stdin is not allowed in a document", "name a file"),
        ("explain --from=-", "stdin is not allowed in a document", "name a file"),
        ("trigger read --url=https://x", "--url is not allowed in a document", "a page posts nothing"),
        ("trigger read", "timestamp is not given", "add timestamp=1764000000 message_id=A1B2C3"),
        ("trigger read timestamp=1 message_id=", "message_id is not given", "add message_id=A1B2C3"),
        ("curl --help", "--help is not allowed in a document", "help NAME"),
        ("curl --home=/ -a docs", "--home is not allowed in a document", "kshell --home DIR docs FILE"),
        ("send -a docs otp=1 --force", "the pod in is not the embedded simulator", "-p sandbox"),
        ("send -p in to=+919812345678 otp=482913", "the pod in is not the embedded simulator", "-p sandbox"),
        ("curl -a nobody", "there is no account 'nobody'", "accounts: "),
        ("curl 'a", "a quote that is not closed", "close it"),
        ("snippet cobol", "there is no target 'cobol'", "targets: "),
    ],
)
def test_a_comment_that_fails_is_an_error_with_its_place(cli, write, command, message, hint):
    """A comment whose command fails is an error with its place and exit code 3, and the document is not changed."""
    file = write("guide.md", f"# Guide\n\n<!-- kshell: {command} -->\n{FENCE}\nold\n{FENCE}\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 3
    assert f"error: guide.md:3:14: {message}" in ran.err
    assert hint in ran.err
    assert "\nold\n" in file.read_text()


def test_a_comment_without_a_command_is_said(cli, write):
    """A comment that ends after its colon is an error that says what to write."""
    assert "guide.md:1:14: a comment without a command\n" in failing(cli, write, "<!-- kshell: -->\n").err


def failing(cli, write, text):
    """Run ``docs`` on a text; assert that the document is not changed."""
    file = write("guide.md", text)
    ran = cli("docs", "guide.md")
    assert file.read_text() == text
    return ran


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("send -a docs otp=1", "not sent: the payload has errors, by the rule to-e164"),
        ("curl -a docs --strict", "curl prints nothing: exit code 1"),
    ],
)
def test_a_command_that_prints_nothing_is_an_error(cli, write, command, message):
    """A refused command is an error at its comment with the findings, and its block is kept."""
    ran = failing(cli, write, f"# Guide\n\n<!-- kshell: {command} -->\n{FENCE}\nold\n{FENCE}\n")
    assert ran.code == 3
    assert f"error: guide.md:3:14: {message}\n" in ran.err
    assert "  error to-e164 /messaging_object/to '+91XXXXXXXXX' is not a number in E.164 form" in ran.err


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_command_that_fails_is_an_error_although_it_prints(cli, write, monkeypatch, code):
    """A command with an exit code from 2 to 5 is an error, even if it prints."""
    failed = Result("half", [Note("error", "it broke", None, "mend it", ("because: of that",))], code)
    monkeypatch.setattr("kshell.documents.regenerate.perform", lambda *_, **__: failed)
    ran = failing(cli, write, "<!-- kshell: send -->\n")
    assert ran.code == 3
    assert "error: guide.md:1:14: it broke\n" in ran.err
    assert "    because: of that\nhint: mend it\n" in ran.err


def test_findings_are_no_failure(cli, write):
    """The findings of ``check`` are written into the block, although its exit code is 1."""
    write("guide.md", "<!-- kshell: check -a docs -->\n")
    assert cli("docs", "guide.md").code == 0
    assert "error to-e164" in Path("guide.md").read_text()


def test_a_comment_without_an_end_is_an_error(cli, write):
    """A comment without an end is an error with exit code 3."""
    ran = failing(cli, write, f"# Guide\n<!-- kshell: pods\n\n{FENCE}\nold\n{FENCE}\n")
    assert ran.code == 3
    assert "guide.md:2:14: a comment without an end" in ran.err
    assert "hint: close it with -->" in ran.err


def test_text_behind_a_comment_is_an_error(cli, write):
    """Text after a comment on its line is an error with exit code 3."""
    ran = failing(cli, write, "<!-- kshell: pods --> text\n")
    assert ran.code == 3
    assert "guide.md:1:14: text after the comment, 'text'" in ran.err


def test_an_error_is_where_its_command_is(cli, write):
    """The error of a comment of several lines has the line of the command."""
    ran = failing(cli, write, "<!-- kshell:\n  nothing -->\n")
    assert "error: guide.md:2:3: 'nothing' is not allowed in a document\n    nothing -->\n    ^\n" in ran.err


FAULTY = (
    f"<!-- kshell: nothing -->\n<!-- kshell: explain WA202 -->\n{FENCE}\nold\n{FENCE}\n"
    f"{FENCE}bash\ncurl 'x\n{FENCE}\n<!-- kshell: curl -a nobody -->\n"
)


def test_every_error_is_shown(cli, write):
    """The errors and faults of all files are shown, in the order of each document."""
    write("other.md", "<!-- kshell: other -->\n")
    write("guide.md", FAULTY)
    ran = cli("docs", "guide.md", "absent.md", "other.md")
    assert ran.code == 3
    for message in (
        "absent.md cannot be read",
        "other.md:1:14: 'other'",
        "guide.md:7:6: a quote that is not closed",
        "nothing was rewritten",
    ):
        assert message in ran.err
    assert ran.err.index("guide.md:1:14: 'nothing'") < ran.err.index("guide.md:9:14: there is no account")


def test_check_shows_all_of_it(cli, write):
    """``docs --check`` shows errors, faults and stale blocks of a file in one run."""
    file = write("guide.md", FAULTY)
    ran = cli("docs", "--check", "guide.md")
    assert ran.code == 3
    assert "-old\n+202 WA202 · Request Accepted\n" in ran.out
    for message in ("guide.md:1:14", "guide.md:7:6", "guide.md:9:14", "guide.md is stale"):
        assert f"error: {message}" in ran.err
    assert file.read_text() == FAULTY


def test_a_block_without_an_end_is_an_error(cli, write):
    """A block without an end is an error with exit code 3."""
    write("guide.md", f"<!-- kshell: curl -a docs -->\n{FENCE}sh\nold\n\n# Next\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 3
    assert "guide.md:1:14: the block below this comment has no end" in ran.err


# ---- the command


def test_it_rewrites_in_place(cli, write):
    """``docs`` rewrites the file, keeps its mode, and leaves no other file."""
    file = write("guide.md", "<!-- kshell: explain WA202 -->\n")
    file.chmod(0o640)
    ran = cli("docs", "guide.md")
    assert (ran.code, ran.out, ran.err) == (0, "", "guide.md: 1 block, rewritten\n")
    assert "Request Accepted" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir() == ["guide.md"]
    assert cli("docs", "guide.md").err == "guide.md: 1 block, up to date\n"


def test_a_link_stays_a_link(cli, write):
    """``docs`` rewrites the target of a link and keeps the link."""
    write("real.md", "<!-- kshell: explain WA202 -->\n")
    Path("guide.md").symlink_to("real.md")
    assert cli("docs", "guide.md").code == 0
    assert Path("guide.md").is_symlink()
    assert "Request Accepted" in Path("real.md").read_text()


@needs("patch")
def test_check_prints_a_diff_and_changes_nothing(cli, write):
    """``docs --check`` prints a diff of a stale block that ``patch`` accepts, changes nothing and exits with 1."""
    file = write("guide.md", f"# Guide\n\n<!-- kshell: explain WA202 -->\n{FENCE}\nold\n{FENCE}\n")
    before = file.read_text()
    ran = cli("docs", "--check", "guide.md")
    assert ran.code == 1
    assert ran.out.startswith("--- guide.md\n+++ guide.md (updated)\n@@ ")
    assert "\n-old\n+202 WA202 · Request Accepted\n" in ran.out
    assert "hint: kshell docs guide.md" in ran.err
    assert file.read_text() == before
    subprocess.run(["patch", "-s", "guide.md"], input=ran.out.encode(), check=True)
    assert cli("docs", "--check", "guide.md") == (0, "", "1 file: 1 block, all true\n")


def test_check_finds_faults(cli, write):
    """``docs --check`` exits with 1 for a faulty hand-written block."""
    write("guide.md", f"{FENCE}bash\ncurl 'x\n{FENCE}\n")
    ran = cli("docs", "--check", "guide.md")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: guide.md:2:6: a quote that is not closed; close it with '\n1 file: no blocks\n"


def test_several_files_are_all_or_none(cli, write):
    """An error in one file keeps all files from being rewritten."""
    first = write("a.md", "<!-- kshell: explain WA202 -->\n")
    write("b.md", "<!-- kshell: nothing -->\n")
    assert cli("docs", "a.md", "b.md").code == 3
    assert "Accepted" not in first.read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.md", "absent.md cannot be read"),
        (".", ". has no documents"),
        ("*.md", "no file matches *.md"),
    ],
)
def test_what_names_no_document_is_an_error(cli, name, message):
    """A missing file, a folder without documents and a pattern without files are errors with exit code 3."""
    ran = cli("docs", name)
    assert ran.code == 3
    assert f"error: {message}" in ran.err


def test_a_file_that_is_no_text_is_an_error(cli, write):
    """A file that is not UTF-8 is an error that says so."""
    write("guide.md", b"\xff")
    assert "guide.md is not UTF-8" in cli("docs", "guide.md").err


def test_a_fault_is_a_warning_where_blocks_are_made(cli, write):
    """Without ``--check`` a fault is a warning and the file is rewritten."""
    file = write("guide.md", f"{FENCE}bash\ncurl 'x\n{FENCE}\n<!-- kshell: explain WA202 -->\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 0
    assert "warning: guide.md:2:6: a quote that is not closed" in ran.err
    assert "Request Accepted" in file.read_text()


def test_a_warning_has_its_place_in_the_new_text(cli, write):
    """Of a rewritten document a fault is where it is now; ``--check``, which changes nothing, gives its present place."""
    comment, hand = "<!-- kshell: explain WA202 -->\n", f"Text.\n\n{FENCE}bash\ncurl 'x\n{FENCE}\n"
    long = f"{FENCE}\n" + "old\n" * 9 + f"{FENCE}\n"
    file = write("guide.md", f"{hand}{comment}{hand}{comment}{long}{hand}")

    def places(*words: str) -> list[str]:
        lines = [
            int(line.split(":")[2]) for line in cli("docs", *words, "guide.md").err.splitlines() if "quote" in line
        ]
        return [file.read_text().splitlines()[line - 1] for line in lines]

    assert places("--check") == places() == ["curl 'x"] * 3


@pytest.mark.parametrize(("count", "start"), [(0, "no blocks"), (1, "1 block,"), (2, "2 blocks, all up to date")])
def test_blocks_are_counted(cli, write, count, start):
    """``docs`` reports the number of blocks of each file."""
    write("guide.md", "<!-- kshell: explain WA202 -->\n" * count)
    cli("docs", "guide.md")
    assert cli("docs", "guide.md").err.startswith(f"guide.md: {start}")


# ---- hand-written curl

URL = "https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages"
TYPE = "-H 'Content-Type: application/json'"
KEYED = '-H "api-key: $KALEYRA_API_KEY"'
BODY = dumps(Session(Places.standard()).draft(Overrides(variables={"to": "+919812345678", "otp": "482913"})).payload)
RIGHT = f"curl -X POST {URL} {TYPE} {KEYED} -d '{BODY}'"


def right(old: str = "", new: str = "") -> str:
    """Return the correct command with a part replaced."""
    assert old in RIGHT
    return RIGHT.replace(old, new)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (right("-X POST", "-X POST \\ \n"), "guide.md:4:14: a space after the backslash; remove it"),
        ("curl https://x.example -d '{", "guide.md:4:27: a quote that is not closed; close it with '"),
        (f'curl {URL} \\\n  -d "{{', 'guide.md:5:6: a quote that is not closed; close it with "'),
        (
            "curl https://api.in.kaleyra.com/v2",
            "guide.md:4:6: an unknown host, https://api.in.kaleyra.com; hosts of pods: ",
        ),
        (right(".in.", ".na."), "guide.md:4:14: an unknown host, https://api.na.kaleyra.io"),
        (
            f"$ curl {URL} {TYPE} -H 'api-key: {KEY}' -d '{BODY}'",
            f"guide.md:4:{len(URL) + len(TYPE) + 13}: what looks like a real API key; write ",
        ),
        (right(f" {TYPE}", f"\n  {TYPE}"), f"guide.md:4:{len(URL) + 14}: a line that ends without a backslash; "),
        (right(f" {URL}", f"\n{URL}"), "guide.md:4:13: a line that ends without a backslash; "),
        ("echo\ncurl -H \u2018a: b\u2019 https://x.example", "guide.md:5:9: a typographic quote"),
        ("curl \u2013s https://x.example", "guide.md:4:6: a typographic dash before an option; write - "),
        (
            "curl https://x.example -H 'Authorization: Bearer $TOKEN'",
            'guide.md:4:27: $TOKEN in single quotes, which is sent as it stands; use double quotes: "…$TOKEN…"',
        ),
        ("curl 'https://$HOST/x'", "guide.md:4:6: $HOST in single quotes"),
    ],
)
def test_a_fault_is_found(text, fault):
    """A command that would fail when pasted gives one fault with its place and a repair, without the key."""
    (found,) = faults(text)
    assert found.startswith(fault)
    assert KEY not in found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            right(KEYED, "-H 'api-key: ${KALEYRA_API_KEY}'"),
            "${KALEYRA_API_KEY} in single quotes, which is sent as it stands",
        ),
        (right(URL, f"'{URL.replace('HX1IN', '$SID')}'"), "$SID in single quotes"),
        (
            right(f"'{BODY}'", "'$BODY'"),
            '$BODY in single quotes, which is sent as it stands; use double quotes: "$BODY"',
        ),
        (
            right("+919812345678", "$TO"),
            "$TO in single quotes, which is sent as it stands; end the single quotes for it",
        ),
        (right(f"{TYPE} "), "no Content-Type, so curl says application/x-www-form-urlencoded; add -H 'Content-Type: "),
        (right("application/json", "text/plain"), "the Content-Type text/plain; the API takes application/json"),
        (right(f"{KEYED} "), 'no api-key; add -H "api-key: $KALEYRA_API_KEY"'),
        (right("-X POST", "-X GET"), "the method GET; the API takes POST; write -X POST"),
        (right("-X POST", "-G"), "curl's option --get, with which nothing is posted; remove it"),
        (right("https:", "http:"), "http, by which anyone can read the API key; write https://api.in.kaleyra.io"),
        (right("https://"), "no scheme, so curl takes http, by which anyone can read the API key; write https://"),
        (right(f"-d '{BODY}'"), "no payload; add --data-raw"),
        (right("-X POST ").replace(f"-d '{BODY}'", ""), "no payload, so curl sends GET; add --data-raw"),
        (right("-d '", "-F 'a="), "a form; the API takes JSON; write --data-raw"),
        (
            right(f"'{BODY}'", f'"{BODY}"'),
            "double quotes around the payload, which end at the first one in it; use single",
        ),
        (right(BODY, "[]"), "the payload is not a JSON object"),
        (right(BODY, "{}"), "/messaging_object messaging_object is missing, but mandatory; add it"),
        (right('"index": 0', '"index": 10'), "/messaging_object/template/components/1/index index is 10; write 0 to 9"),
    ],
)
def test_what_the_api_refuses_is_found(text, fault):
    """A command for this API that the API would refuse gives one fault."""
    (found,) = faults(text)
    assert found.partition(": ")[2].startswith(fault)


def test_a_payload_that_is_no_json_is_found_where_it_breaks():
    """A payload that is not JSON gives a fault at the line and column of the wrong character."""
    (found,) = faults(right(f"'{BODY}'", '\'{\n  "to": 1\n  "type": 2\n}\''))
    assert found.startswith("guide.md:6:3: the payload is not JSON: ")


def test_a_number_that_json_does_not_have_is_found():
    """A payload with NaN gives a fault, though Python's own reader would take it."""
    (found,) = faults(right(f"'{BODY}'", "'{\"to\": NaN}'"))
    assert ": the payload is not JSON: JSON has no number NaN; " in found


def test_several_faults_of_a_command_are_all_found():
    """All faults of a command are found."""
    found = faults(right(KEYED, "-H 'api-key: $KEY'").replace(BODY, '{"messaging_object": {"to": 1,}'))
    assert [fault.split(": ")[1].split(",")[0] for fault in found] == [
        "$KEY in single quotes",
        "the payload is not JSON",
    ]


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        right(KEYED, "-H 'api-key: Axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3'"),
        right(KEYED, "-H 'api-key: YOUR_KEY'"),
        right("application/json", "[type]").replace(BODY, "[payload]"),
        right("api.in.kaleyra.io", "API_DOMAIN"),
        right("api.in.kaleyra.io", "{api_domain}"),
        right("api.in.kaleyra.io", "[api_domain]"),
        right("api.in.kaleyra.io", "api.your-company.example"),
        right(URL, f'"{URL.replace("api.in.kaleyra.io", "$HOST").replace("HX1IN", "$SID")}"'),
        right("application/json", "application/json; charset=utf-8"),
        right(f"{TYPE} ").replace("-d", "--json"),
        right("+919812345678", "+91XXXXXXXXXX"),
        right("+919812345678", "<to_number>").replace("482913", "<one-time-password>", 1),
        right("482913", "ONE_TIME_PASSWORD"),
        right('"index": 0', '"index": INDEX'),
        right("+919812345678", "'\"$TO\"'"),
        right(f"'{BODY}'", "'{ … }'"),
        right(f"'{BODY}'", "'{...}'"),
        right(f"'{BODY}'", '"$BODY"'),
        right(f"'{BODY}'", "@body.json"),
        right(f"'{BODY}'", '"$(kshell render -a docs | jq "."\')"'),
        f"curl {URL} -K headers.txt -d @- <<'EOF'",
        f'curl {URL} "${{HEADERS[@]}}" -d @body.json',
        f"curl … {URL} …",
        f"{RIGHT} | jq .",
        "curl http://127.0.0.1:8255/inbox",
        "curl -X GET https://api.in.kaleyra.io/v1/HX1IN/numbers -H 'api-key: <api-key>'",
        "curl 'https://odata.test/Products?$filter=Price' -d 'a: {'",
        "curl https://openai.test/v1 -H 'api-key: <key>' -d '{'",
        "curl -fsSL https://example.com/install.sh | sh",
        "echo curl 'x",
    ],
)
def test_what_is_right_has_no_fault(text):
    """Variables, masked keys, placeholders, loopback and other sites give no fault."""
    assert faults(text) == []


@pytest.mark.parametrize("shell", ["bash", "cmd"])
@pytest.mark.parametrize("kind", TYPED)
def test_what_curl_prints_has_no_fault(shell, kind):
    """A command that ``curl`` prints has no fault, whatever its values."""
    session = Session(Places.standard())
    hosts = lint.hosts_of(session.places)
    for text in TYPED[kind]:
        request = session.draft(Overrides(variables={"to": "+919812345678", "otp": "482913", "ref": text})).request
        assert list(lint.all_faults(SHELLS[shell](request, None, compact=False), hosts)) == []


def test_the_page_s_sample_has_no_fault():
    """The page's sample, with its masked values, has no fault."""
    assert faults(PAGE) == []


def test_the_page_s_form_has_no_fault():
    """The page's Request Format, with its placeholders, has no fault."""
    assert faults(FORMAT) == []


def test_other_languages_are_not_looked_at():
    """A block in a language other than a shell's is not checked."""
    assert faults("curl 'x", "python") == []


def test_a_block_that_docs_makes_has_no_fault():
    """A block that ``docs`` writes has no fault."""
    text = made("<!-- kshell: curl -a docs -->\n").partition("\n")[2]
    assert regenerate(text, "guide.md", Places.standard()).faults == ()


@pytest.mark.parametrize(
    ("key", "real"),
    [(KEY, True), ("A" * 33, False), ("Asandbox0000000000000000000000000", False), ("short", False), ("$KEY", False)],
)
def test_a_real_key_is_long_and_not_masked(key, real):
    """A text counts as a real key if it is long and not masked."""
    assert lint.looks_real(key) is real
