"""The documentation's pages about the simulator: what they show is what happens."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import PROJECT
from support import transcripts
from support.programs import needs

if TYPE_CHECKING:
    from pathlib import Path

DOCS = PROJECT / "docs"
_FILE = re.compile(r"^<!-- file: (\S+) -->\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@needs("bash", "curl")
def test_the_page_about_phones_shows_what_the_commands_print(default_port):
    """Each console block of docs/phone.md is what its commands print; tests/support/transcripts.py writes them."""
    text = (DOCS / "phone.md").read_text(encoding="utf-8")
    assert transcripts.run_again(text) == text, "python tests/support/transcripts.py docs/phone.md writes it anew"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A folder with the files that docs/testing.md shows."""
    files = _FILE.findall((DOCS / "testing.md").read_text(encoding="utf-8"))
    assert [name for name, _ in files] == ["login.py", "test_login.py", "by_hand.py"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_application_of_the_page_about_tests_passes_its_tests(example: Path):
    """The tests of docs/testing.md pass in a project that has nothing but an installed kshell, whose plugin pytest finds."""
    others = [f"-pno:{plugin}" for plugin in ("cacheprovider", "hypothesispytest", "randomly", "schemathesis", "xdist")]
    words = ["-m", "pytest", "-q", *others, "test_login.py"]
    done = subprocess.run([sys.executable, *words], cwd=example, capture_output=True, text=True)
    assert "4 passed" in done.stdout, done.stdout


def test_the_program_of_the_page_about_tests_ends_well(example: Path):
    """The program without pytest of docs/testing.md runs to its end."""
    done = subprocess.run([sys.executable, "by_hand.py"], cwd=example, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
