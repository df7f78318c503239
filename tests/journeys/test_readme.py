"""The README shows what kshell prints, and the commands it names are those that CI runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import transcripts
from support.programs import needs

README = Path(__file__).parents[2] / "README.md"


@needs("bash", "curl")
def test_the_readme_shows_what_the_commands_print(default_port):
    """Each console block of the README is what its commands print; tests/support/transcripts.py README.md writes them."""
    text = README.read_text(encoding="utf-8")
    assert transcripts.run_again(text) == text, "python tests/support/transcripts.py README.md writes it anew"


def test_ci_runs_the_readme_s_test_command():
    """``.ci/run`` takes the test command out of the README, where exactly one is marked."""
    text = README.read_text(encoding="utf-8")
    assert text.count("<!-- test command -->\n```sh\n") == 1
    assert "pytest" in text.split("<!-- test command -->\n```sh\n")[1].split("```")[0]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_docs_finds_nothing_to_mend(cli, name):
    """``kshell docs --check`` finds every block as it is written, and no curl command that would fail when pasted."""
    ran = cli("docs", "--check", str(README.parent / name))
    assert (ran.code, ran.out) == (0, "")
