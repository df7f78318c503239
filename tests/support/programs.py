"""What a test may run: Python, ``ALWAYS``, and what it asks for by ``@needs("fish", "curl")``.

A test that needs a program or package which is missing is skipped before any of its fixtures is set up. Its ``PATH`` holds
``ALWAYS`` and what it asked for, and nothing else. So a test that runs a program without asking for it fails everywhere, also
where the program is installed.

``KSHELL_TEST_WITHOUT=fish,go`` hides programs and packages of this machine, ``KSHELL_TEST_WITHOUT=all`` all of them.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "KSHELL_TEST_WITHOUT"

# every machine with git and a shell has them: the shell, git and coreutils
ALWAYS = (
    "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "env", "expr", "false", "git", "head", "id", "ln", "ls",
    "mkdir", "mktemp", "mv", "nl", "od", "paste", "printenv", "printf", "pwd", "readlink", "rm", "rmdir", "seq", "sh",
    "sleep", "sort", "stat", "stty", "tail", "tee", "test", "touch", "tr", "true", "tty", "uname", "uniq", "wc",
)  # fmt: skip
PROGRAMS = (
    "bash", "busybox", "chromium", "curl", "dash", "fish", "go", "http", "httpyac", "hurl", "java", "ksh93", "mksh",
    "newman", "node", "openssl", "patch", "php", "wget", "yash", "zsh",
)  # fmt: skip
PACKAGES = ("jsonschema", "requests", "tree_sitter", "tree_sitter_powershell")  # none of them is in the extra ``dev``
OPTIONAL = (*PROGRAMS, *PACKAGES)


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test that runs or imports ``names``, each of them one of ``OPTIONAL``. Raises ``ValueError`` for another name."""
    if unknown := set(names) - set(OPTIONAL):
        raise ValueError(
            f"{', '.join(sorted(unknown))}: not in tests/support/programs.py, which has {', '.join(OPTIONAL)}"
        )
    return pytest.mark.needs(*names)


def hidden(value: str) -> frozenset[str]:
    """Return the names that a value of ``KSHELL_TEST_WITHOUT`` hides. Raises ``pytest.UsageError`` for an unknown name."""
    names = {name.strip() for name in value.split(",") if name.strip()}
    if unknown := names - {"all", *OPTIONAL}:
        known = ", ".join(("all", *OPTIONAL))
        raise pytest.UsageError(f"{VARIABLE}: unknown name {', '.join(sorted(unknown))}; known names: {known}")
    return frozenset(OPTIONAL if "all" in names else names)


class Programs:
    """The programs on ``path``, a ``PATH``, less the hidden ones; ``folder`` gets a folder of links for each."""

    def __init__(self, path: str, without: frozenset[str], folder: Path) -> None:
        self._machine = path
        self._without = without
        self._folder = folder
        self._always = self._links("always", ALWAYS)

    def missing(self, names: Iterable[str]) -> str:
        """Return why a test that needs ``names`` cannot run, or ``""``."""
        for name in names:
            if name in self._without:
                return f"{name} is hidden by {VARIABLE}"
            if not (find_spec(name) if name in PACKAGES else shutil.which(name, path=self._machine)):
                return f"{name} is not installed"
        return ""

    def path(self, names: Iterable[str]) -> str:
        """Return a ``PATH`` that holds ``ALWAYS`` and ``names`` alone. All of ``names`` are there."""
        asked = [self._links(name, [name]) for name in names if name in PROGRAMS]
        return os.pathsep.join(map(str, [*asked, self._always]))

    def _links(self, folder: str, names: Iterable[str]) -> Path:
        """Return a folder with a link for each of ``names`` that this machine has; it is made at the first call."""
        links = self._folder / folder
        if not links.exists():
            links.mkdir()
            for name in names:
                if found := shutil.which(name, path=self._machine):
                    (links / name).symlink_to(Path(found).absolute())
        return links


_PROGRAMS = pytest.StashKey[Programs]()


def pytest_configure(config: pytest.Config) -> None:
    """Read ``KSHELL_TEST_WITHOUT``, and find this machine's programs."""
    config.addinivalue_line(
        "markers", "needs(*names): skipped where a program or package is missing (tests/support/programs.py)"
    )
    without = hidden(os.environ.get(VARIABLE, ""))
    folder = tempfile.TemporaryDirectory(prefix="kshell-programs-")
    config.add_cleanup(folder.cleanup)
    config.stash[_PROGRAMS] = Programs(os.environ["PATH"], without, Path(folder.name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test before anything is done for it, or give it its ``PATH``."""
    programs = item.config.stash[_PROGRAMS]
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    if reason := programs.missing(names):
        pytest.skip(reason)
    os.environ["PATH"] = programs.path(names)
