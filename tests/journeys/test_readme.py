"""README.md and two pages show what kshell prints; every block of the README is checked; it leads to every page of docs/."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support import transcripts
from support.programs import needs

from kshell.console.dispatch import check_words
from kshell.syntax.lines import split

PROJECT = Path(__file__).parents[2]
README = PROJECT / "README.md"
TEXT = README.read_text(encoding="utf-8")
PAGES = sorted((PROJECT / "docs").glob("*.md"))
BLOCKS = re.findall(r"^([^\n]*)\n```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
"""The line before each fenced block, its language and its text."""


def typed() -> list[str]:
    """Return the commands of the blocks that no test runs whole, each without what stands before ``kshell``."""
    lines = [line for _, kind, text in BLOCKS if kind in ("sh", "powershell") for line in text.splitlines()]
    parts = [part for line in lines for part in re.split(r" && |; ", line)]
    return [found[1] for part in parts if (found := re.match(r"\S*kshell (.*)", part))]


def links(page: Path) -> list[str]:
    """Return the targets of a page's links and pictures to other files and places, not to the web."""
    return re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@needs("bash")
def test_the_readme_shows_what_the_commands_print():
    """Each console block of the README is the output of its commands; tests/support/transcripts.py rewrites them."""
    assert transcripts.run_again(TEXT) == TEXT, "python tests/support/transcripts.py README.md writes it anew"


@needs("bash")
@pytest.mark.parametrize("name", ["security.md", "templates.md"])
def test_a_page_shows_what_the_commands_print(name):
    """Each console block of the page is what its commands print; tests/support/transcripts.py writes them."""
    text = (PROJECT / "docs" / name).read_text(encoding="utf-8")
    assert transcripts.run_again(text) == text, f"python tests/support/transcripts.py docs/{name} writes it anew"


def test_the_readme_is_short():
    """The README has at most 280 lines; longer listings are pages of docs/."""
    assert len(TEXT.splitlines()) <= 280


def test_every_block_of_the_readme_is_checked():
    """A block is run as a console block, made by ``kshell docs``, or holds commands that the tests below check."""
    for before, kind, text in BLOCKS:
        assert kind in ("console", "sh", "powershell") or before.startswith("<!-- kshell: "), text


@pytest.mark.parametrize("command", sorted(set(typed())))
def test_a_command_of_the_readme_is_a_command(command):
    """Each kshell command in a block that is not run has the name and the options that kshell has."""
    check_words([word.plain for word in split(command)], frontend="line", whole=True)


def test_the_first_command_ends_in_an_accepted_message(cli):
    """What the README's first command sends is accepted by the simulator, without a finding."""
    (first,) = [text for before, _, text in BLOCKS if before == "<!-- first command -->"]
    ran = cli(*first.split("kshell ")[1].split())
    assert ran.code == 0
    assert "warning" not in ran.err


def test_windows_has_the_same_first_command():
    """The PowerShell line is the first command, with the names that Windows gives to Python and the environment."""
    (first,) = [text for before, _, text in BLOCKS if before == "<!-- first command -->"]
    (windows,) = [text for _, kind, text in BLOCKS if kind == "powershell"]
    posix = windows.replace("py -m", "python3 -m").replace("\\", "/").replace("Scripts", "bin").replace(";", " &&")
    assert posix == first


def test_ci_runs_the_readme_s_test_command():
    """The README marks exactly one test command, which ``.ci/run`` reads from it."""
    (command,) = [text for before, kind, text in BLOCKS if (before, kind) == ("<!-- test command -->", "sh")]
    assert "pytest" in command


def test_the_shell_is_shown_as_it_is():
    """docs/shell.svg and the session in docs/shell.md are what the program shows now in a terminal."""
    sys.path.insert(0, str(PROJECT / "docs"))
    from record_session import recorded

    for file, text in recorded().items():
        assert file.read_text(encoding="utf-8") == text, "python docs/record_session.py records it anew"


def test_the_picture_of_the_shell_loads_nothing():
    """The picture is XML of shapes and text alone, so that GitHub and every browser draw it."""
    picture = ET.parse(PROJECT / "docs" / "shell.svg")  # noqa: S314 - kshell made it
    assert {element.tag.rpartition("}")[2] for element in picture.iter()} == {"svg", "title", "rect", "text"}
    assert "docs/shell.svg" in links(README)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page):
    """Each page of docs/ is linked from the README."""
    assert f"docs/{page.name}" in [link.partition("#")[0] for link in links(README)]


@pytest.mark.parametrize("page", [README, *PAGES, *PROJECT.glob("[CS]*.md")], ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_a_heading(page):
    """Each link between the pages names a file that exists, and a heading of it."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs", "tests/documents/samples"]
)
def test_docs_finds_nothing_to_mend(cli, name):
    """``kshell docs --check`` finds every block current and every curl command valid."""
    ran = cli("docs", "--check", str(PROJECT / name))
    assert (ran.code, ran.out) == (0, "")
