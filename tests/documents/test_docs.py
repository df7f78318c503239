"""``docs``: blocks under a comment are made again, everything else stays, and hand-written curl is looked over."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.page import FORMAT, PAGE
from support.payloads import TYPED
from support.programs import needs

from kshell.console.dispatch import Performed
from kshell.core.errors import Note
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.curl import lint as curlfaults
from kshell.documents import markdown
from kshell.documents.regenerate import regenerate
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.snippets import SHELLS

FENCE = "```"
KEY = "A1b2c3d4e5f6071829304a5b6c7d8e9f0"


def made(text: str) -> str:
    """A document as ``docs`` makes it."""
    return regenerate(text, "guide.md", Places.standard()).text


def faults(block: str, language: str = "bash") -> list[str]:
    """What is wrong with a hand-written block."""
    text = f"# Guide\n\n{FENCE}{language}\n{block}\n{FENCE}\n"
    return [fault.headline for fault in regenerate(text, "guide.md", Places.standard()).faults]


@pytest.fixture
def block(cli):
    """What a command prints, in a block under its comment: ``block("curl -a docs", "bash")``."""

    def owned(command: str, language: str) -> str:
        ran = cli(*command.split())
        return f"<!-- kshell: {command} -->\n{FENCE}{language}\n{ran.out}{FENCE}\n"

    return owned


@pytest.mark.parametrize(
    ("command", "language"),
    [
        ("curl -a docs", "bash"),
        ("curl -a docs --shell powershell", "powershell"),
        ("curl -a docs --shell cmd", "bat"),
        ("snippet python -a docs", "python"),
        ("snippet go -a docs --placeholders", "go"),
        ("render -a docs", "json"),
        ("check -a docs", "text"),
        ("explain WA-401", "text"),
        ("explain ref", "text"),
        ("accounts docs --json", "json"),
        ("help send", "text"),
    ],
)
def test_a_block_holds_what_the_command_prints(block, command, language):
    """A stale block, an empty one and none at all become the command's output, in the language that it has."""
    expected = block(command, language)
    comment = f"<!-- kshell: {command} -->\n"
    for before in (f"{comment}{FENCE}{language}\nold\n{FENCE}\n", f"{comment}{FENCE}{language}\n{FENCE}\n", comment):
        assert made(before) == expected
    assert made(expected) == expected


def test_the_language_of_a_block_stays():
    """What stands behind the fence is the writer's."""
    assert made(f"<!-- kshell: curl -a docs -->\n{FENCE}sh title=x\n{FENCE}\n").startswith(
        f"<!-- kshell: curl -a docs -->\n{FENCE}sh title=x\ncurl "
    )


def test_an_answer_is_the_same_every_time():
    """A document's send goes to the embedded simulator; its id and time never change."""
    text = made("<!-- kshell: send to=+919812345678 otp=482913 2>&1 -->\n")
    assert "202 Accepted · WA202 Request Accepted · AXXXXXXXXXXXXXXXXXXX · 38 ms · simulated\n{\n" in text
    assert made(text) == text


def test_a_refusal_is_documented_with_its_explanation():
    """With ``2>&1`` the block holds what a terminal shows."""
    text = made("<!-- kshell: send -a low-balance to=+919812345678 otp=482913 2>&1 -->\n")
    assert "E110" in text
    assert "  move    yours: top the account up" in text


@pytest.mark.parametrize("kind", ["codes", "fields", "rules"])
def test_a_table_is_markdown(cli, kind):
    """``explain --table`` makes a table of every code, field or rule, which needs no fence."""
    expected = f"<!-- kshell: explain --table {kind} -->\n{cli('explain', '--table', kind).out}\nText.\n"
    for before in ("\nText.\n", "| old |\n| --- |\n\nText.\n"):
        assert made(f"<!-- kshell: explain --table {kind} -->\n{before}") == expected


def test_a_row_of_a_table_has_as_many_cells_as_its_head(cli):
    """A ``|`` in a cell does not make another."""
    for kind in ("codes", "fields", "rules"):
        lines = cli("explain", "--table", kind).out.splitlines()
        assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}


def test_a_block_in_a_list_keeps_its_indentation():
    """The lines of a block stand behind what the fence stands behind."""
    text = made(f"- item\n\n  <!-- kshell: explain WA202 -->\n  {FENCE}\n  {FENCE}\n- next\n")
    assert "\n  202 WA202 · Request Accepted\n" in text
    assert text.endswith(f"\n  {FENCE}\n- next\n")


def test_a_fence_is_longer_than_what_it_holds():
    """A Hurl file has a fence of its own, which does not end the block."""
    text = made("<!-- kshell: snippet hurl -a docs -->\n")
    assert "\n````hurl\n" in text
    assert made(text) == text


@pytest.mark.parametrize("line", ["help", "help curl", "help expect"])
def test_help_is_wrapped_the_same_everywhere(monkeypatch, line):
    """Help in a document has one width, whatever the width of the writer's terminal is."""
    texts = set()
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        texts.add(made(f"<!-- kshell: {line} -->\n"))
    assert len(texts) == 1


def test_a_comment_in_a_block_is_text():
    """What a document says about comments is no comment."""
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
    """Wherever its lines break, it owns the block behind it."""
    assert "Request Accepted" in made(f"{comment}\n{below}")
    assert "\nold\n" not in made(f"{comment}\n{below}")
    assert made(f"{comment}\n{below}").startswith(f"{comment}\n")


def test_a_comment_of_another_kind_may_have_several_lines():
    """It is text, with all that it says of kshell further down."""
    text = f"<!-- note\nkshell: explain WA202 -->\n{FENCE}text\nold\n{FENCE}\n"
    assert made(text) == text


def test_nothing_else_is_changed():
    """Line ends, blank lines, odd characters and other comments stay as they are."""
    text = "\ufeff# T\r\n\r\n\r\n<!-- note -->\r\n~~~\r\ncurl\r\n~~~\r\n<!-- kshell: explain WA202 -->\r\n```\r\n```\r\nend  "
    after = made(text)
    assert after.startswith(text.partition("<!-- kshell")[0])
    assert after.endswith("\r\n```\r\nend  ")
    assert "\n" not in after.replace("\r\n", "")


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["", "text", "```", "```sh", "~~~~", "| a |", "  ```", "- x", "<!-- x -->"]), max_size=12)
)
def test_a_document_without_comments_stays(lines):
    """Whatever it holds."""
    text = "\n".join(lines)
    assert made(text) == text


@given(st.text(), st.sampled_from(["```", "````", "~~~"]))
def test_a_fence_gives_back_what_was_put_in(text, fence):
    """Any lines in a fence are read as those lines."""
    text = " ".join(text.splitlines())
    lines = markdown.fenced(f"{text}\n", "text", fence=fence)
    _, (block,) = markdown.read(lines)
    assert (list(markdown.content(lines, block)), block.end) == ([text], len(lines))


# ---- what cannot stand in a document


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("sandbox", "'sandbox' is not allowed in a document", "render, check, curl"),
        ("docs x.md", "'docs' is not allowed in a document", "render, check, curl"),
        ('""', "'' is not allowed in a document", "render, check, curl"),
        ("curl to=+919812345678", "otp is not given", "add otp=482913"),
        ("curl -a docs --reveal", "--reveal is not allowed in a document", "--masked"),
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
    """Exit code 3, the file, the line and the column; the document stays as it is."""
    file = write("guide.md", f"# Guide\n\n<!-- kshell: {command} -->\n{FENCE}\nold\n{FENCE}\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 3
    assert f"error: guide.md:3:14: {message}" in ran.err
    assert hint in ran.err
    assert "\nold\n" in file.read_text()


def failing(cli, write, text):
    """A run of ``docs`` that fails and leaves the document as it was."""
    file = write("guide.md", text)
    ran = cli("docs", "guide.md")
    assert file.read_text() == text
    return ran


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("send -a docs otp=1", "not sent: the payload has errors"),
        ("curl -a docs --strict", "curl prints nothing: exit code 1"),
    ],
)
def test_a_command_that_prints_nothing_is_an_error(cli, write, command, message):
    """Where it was refused, its block stays, and what it said stands at the comment."""
    ran = failing(cli, write, f"# Guide\n\n<!-- kshell: {command} -->\n{FENCE}\nold\n{FENCE}\n")
    assert ran.code == 3
    assert f"error: guide.md:3:14: {message}\n" in ran.err
    assert "  error to-e164 /messaging_object/to '+91XXXXXXXXX' is not a number in E.164 form" in ran.err


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_command_that_fails_is_an_error_although_it_prints(cli, write, monkeypatch, code):
    """Only the codes 0 and 1 are an answer."""
    failed = Performed(Result("half", [Note("error", "it broke", None, "mend it", ("because: of that",))], code))
    monkeypatch.setattr("kshell.documents.regenerate.perform", lambda *_, **__: failed)
    ran = failing(cli, write, "<!-- kshell: send -->\n")
    assert ran.code == 3
    assert "error: guide.md:1:14: it broke\n" in ran.err
    assert "    because: of that\nhint: mend it\n" in ran.err


def test_findings_are_no_failure(cli, write):
    """What ``check`` finds is its answer, although its exit code is 1."""
    write("guide.md", "<!-- kshell: check -a docs -->\n")
    assert cli("docs", "guide.md").code == 0
    assert "error to-e164" in Path("guide.md").read_text()


def test_a_comment_without_an_end_is_an_error(cli, write):
    """It would hide the rest of the document."""
    ran = failing(cli, write, f"# Guide\n<!-- kshell: pods\n\n{FENCE}\nold\n{FENCE}\n")
    assert ran.code == 3
    assert "guide.md:2:14: a comment without an end" in ran.err
    assert "hint: close it with -->" in ran.err


def test_text_behind_a_comment_is_an_error(cli, write):
    """It would not be clear what the comment owns."""
    ran = failing(cli, write, "<!-- kshell: pods --> text\n")
    assert ran.code == 3
    assert "guide.md:1:14: text after the comment, 'text'" in ran.err


def test_an_error_is_where_its_command_is(cli, write):
    """In a comment of several lines, that is the command's line."""
    ran = failing(cli, write, "<!-- kshell:\n  nothing -->\n")
    assert "error: guide.md:2:3: 'nothing' is not allowed in a document\n    nothing -->\n    ^\n" in ran.err


FAULTY = (
    f"<!-- kshell: nothing -->\n<!-- kshell: explain WA202 -->\n{FENCE}\nold\n{FENCE}\n"
    f"{FENCE}bash\ncurl 'x\n{FENCE}\n<!-- kshell: curl -a nobody -->\n"
)


def test_every_error_is_shown(cli, write):
    """In the order of the document, with those of the other files, and with the faults."""
    write("other.md", "<!-- kshell: other -->\n")
    write("guide.md", FAULTY)
    ran = cli("docs", "guide.md", "absent.md", "other.md")
    assert ran.code == 3
    for said in (
        "absent.md cannot be read",
        "other.md:1:14: 'other'",
        "guide.md:7:6: a quote that is not closed",
        "nothing was rewritten",
    ):
        assert said in ran.err
    assert ran.err.index("guide.md:1:14: 'nothing'") < ran.err.index("guide.md:9:14: there is no account")


def test_check_shows_all_of_it(cli, write):
    """Errors, faults and stale blocks of one file are said in one run."""
    file = write("guide.md", FAULTY)
    ran = cli("docs", "--check", "guide.md")
    assert ran.code == 3
    assert "-old\n+202 WA202 · Request Accepted\n" in ran.out
    for said in ("guide.md:1:14", "guide.md:7:6", "guide.md:9:14", "guide.md is stale"):
        assert f"error: {said}" in ran.err
    assert file.read_text() == FAULTY


def test_a_block_without_an_end_is_an_error(cli, write):
    """A fence that is never closed would take the rest of the document with it."""
    write("guide.md", f"<!-- kshell: curl -a docs -->\n{FENCE}sh\nold\n\n# Next\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 3
    assert "guide.md:1:14: the block below this comment has no end" in ran.err


# ---- the command


def test_it_rewrites_in_place(cli, write):
    """The file is as it should be, its permissions are what they were, and nothing else is beside it."""
    file = write("guide.md", "<!-- kshell: explain WA202 -->\n")
    file.chmod(0o640)
    ran = cli("docs", "guide.md")
    assert (ran.code, ran.out, ran.err) == (0, "", "guide.md: 1 block, rewritten\n")
    assert "Request Accepted" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert os.listdir() == ["guide.md"]
    assert cli("docs", "guide.md").err == "guide.md: 1 block, up to date\n"


def test_a_link_stays_a_link(cli, write):
    """What a link leads to is rewritten."""
    write("real.md", "<!-- kshell: explain WA202 -->\n")
    Path("guide.md").symlink_to("real.md")
    assert cli("docs", "guide.md").code == 0
    assert Path("guide.md").is_symlink()
    assert "Request Accepted" in Path("real.md").read_text()


@needs("patch")
def test_check_prints_a_diff_and_changes_nothing(cli, write):
    """A stale block is exit code 1; the diff is one that ``patch`` takes."""
    file = write("guide.md", f"# Guide\n\n<!-- kshell: explain WA202 -->\n{FENCE}\nold\n{FENCE}\n")
    before = file.read_text()
    ran = cli("docs", "--check", "guide.md")
    assert ran.code == 1
    assert ran.out.startswith("--- guide.md\n+++ guide.md (updated)\n@@ ")
    assert "\n-old\n+202 WA202 · Request Accepted\n" in ran.out
    assert "hint: kshell docs guide.md" in ran.err
    assert file.read_text() == before
    subprocess.run(["patch", "-s", "guide.md"], input=ran.out.encode(), check=True)
    assert cli("docs", "--check", "guide.md") == (0, "", "")


def test_check_finds_faults(cli, write):
    """A hand-written block that is faulty is exit code 1, although nothing is stale."""
    write("guide.md", f"{FENCE}bash\ncurl 'x\n{FENCE}\n")
    ran = cli("docs", "--check", "guide.md")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "error: guide.md:2:6: a quote that is not closed; close it with '\n"


def test_several_files_are_all_or_none(cli, write):
    """An error in one leaves the others as they are."""
    first = write("a.md", "<!-- kshell: explain WA202 -->\n")
    write("b.md", "<!-- kshell: nothing -->\n")
    assert cli("docs", "a.md", "b.md").code == 3
    assert "Accepted" not in first.read_text()


@pytest.mark.parametrize("name", ["absent.md", "."])
def test_a_file_that_cannot_be_read_is_an_error(cli, name):
    """An absent file or a directory is exit code 3."""
    ran = cli("docs", name)
    assert ran.code == 3
    assert f"{name} cannot be read" in ran.err


def test_a_file_that_is_no_text_is_an_error(cli, write):
    """What is not UTF-8 is exit code 3."""
    write("guide.md", b"\xff")
    assert "guide.md is not UTF-8" in cli("docs", "guide.md").err


def test_a_fault_is_a_warning_where_blocks_are_made(cli, write):
    """Without ``--check`` a fault is said and the file is rewritten all the same."""
    file = write("guide.md", f"{FENCE}bash\ncurl 'x\n{FENCE}\n<!-- kshell: explain WA202 -->\n")
    ran = cli("docs", "guide.md")
    assert ran.code == 0
    assert "warning: guide.md:2:6: a quote that is not closed" in ran.err
    assert "Request Accepted" in file.read_text()


@pytest.mark.parametrize(("count", "start"), [(0, "no blocks"), (1, "1 block,"), (2, "2 blocks, all up to date")])
def test_blocks_are_counted(cli, write, count, start):
    """In the singular and in the plural."""
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
    """The right command with a part replaced."""
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
        (
            "curl https://x.example -H 'Authorization: Bearer $TOKEN'",
            'guide.md:4:27: $TOKEN in single quotes, which is sent as it stands; use double quotes: "…$TOKEN…"',
        ),
        ("curl 'https://$HOST/x'", "guide.md:4:6: $HOST in single quotes"),
    ],
)
def test_a_fault_is_found(text, fault):
    """What would fail when it is pasted is said with file, line, column and how to mend it; a key is not repeated."""
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
    """A command with this API's URL is held to what the API takes."""
    (found,) = faults(text)
    assert found.partition(": ")[2].startswith(fault)


def test_a_payload_that_is_no_json_is_found_where_it_breaks():
    """At the line and the column of the character that does not fit."""
    (found,) = faults(right(f"'{BODY}'", '\'{\n  "to": 1\n  "type": 2\n}\''))
    assert found.startswith("guide.md:6:3: the payload is not JSON: ")


def test_several_faults_of_a_command_are_all_found():
    """One does not hide another."""
    found = faults(right(KEYED, "-H 'api-key: $KEY'").replace(BODY, '{"messaging_object": {"to": 1,}'))
    assert [said.split(": ")[1].split(",")[0] for said in found] == [
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
        "curl http://127.0.0.1:8025/inbox",
        "curl -X GET https://api.in.kaleyra.io/v1/HX1IN/numbers -H 'api-key: <api-key>'",
        "curl 'https://odata.test/Products?$filter=Price' -d 'a: {'",
        "curl https://openai.test/v1 -H 'api-key: <key>' -d '{'",
        "curl -fsSL https://example.com/install.sh | sh",
        "echo curl 'x",
    ],
)
def test_what_is_right_has_no_fault(text):
    """Variables, masked keys, placeholders, what cannot be seen, this machine and other sites are no faults."""
    assert faults(text) == []


@pytest.mark.parametrize("shell", ["bash", "cmd"])
@pytest.mark.parametrize("kind", TYPED)
def test_what_curl_prints_has_no_fault(shell, kind):
    """Whatever its values hold: what kshell writes is right."""
    hosts = curlfaults.hosts_of(Places.standard())
    for text in TYPED[kind]:
        variables = {"to": "+919812345678", "otp": "482913", "ref": text}
        request = Session(Places.standard()).draft(Overrides(variables=variables)).request
        assert list(curlfaults.faults(SHELLS[shell](request, None, compact=False), hosts)) == []


def test_the_page_s_sample_has_no_fault():
    """Its number and codes are masked, so that nothing can be said of them."""
    assert faults(PAGE) == []


def test_the_page_s_form_has_no_fault():
    """Nor has its Request Format, with every placeholder in its place."""
    assert faults(FORMAT) == []


def test_other_languages_are_not_looked_at():
    """A block that is no shell's is none of curl's."""
    assert faults("curl 'x", "python") == []


def test_a_block_that_docs_makes_has_no_fault():
    """What kshell prints passes its own inspection, written by hand or not."""
    text = made("<!-- kshell: curl -a docs -->\n").partition("\n")[2]
    assert regenerate(text, "guide.md", Places.standard()).faults == ()


@pytest.mark.parametrize(
    ("key", "real"),
    [(KEY, True), ("A" * 33, False), ("Asandbox0000000000000000000000000", False), ("short", False), ("$KEY", False)],
)
def test_a_real_key_is_long_and_not_masked(key, real):
    """A run of one character masks a key."""
    assert curlfaults.looks_real(key) is real
