"""README.md and the pages of docs/ show what kshell prints, and CI runs the test command that the README names."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import transcripts
from support.programs import needs

README = Path(__file__).parents[2] / "README.md"
DOCS = README.parent / "docs"


@needs("bash", "curl")
def test_the_readme_shows_what_the_commands_print(default_port):
    """Each console block of the README is the output of its commands; tests/support/transcripts.py rewrites them."""
    text = README.read_text(encoding="utf-8")
    assert transcripts.run_again(text) == text, "python tests/support/transcripts.py README.md writes it anew"


@needs("bash")
@pytest.mark.parametrize("name", ["security.md", "templates.md"])
def test_a_page_shows_what_the_commands_print(name):
    """Each console block of a page of docs/ is what its commands print; tests/support/transcripts.py writes them."""
    text = (DOCS / name).read_text(encoding="utf-8")
    assert transcripts.run_again(text) == text


def test_ci_runs_the_readme_s_test_command():
    """The README marks exactly one test command, which ``.ci/run`` reads from it."""
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- test command -->\n```sh\n") == 1
    assert "pytest" in text.split("<!-- test command -->\n```sh\n")[1].split("```")[0]


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs", "tests/documents/samples"]
)
def test_docs_finds_nothing_to_mend(cli, name):
    """``kshell docs --check`` finds every block current and every curl command valid."""
    ran = cli("docs", "--check", str(README.parent / name))
    assert (ran.code, ran.out) == (0, "")
