"""The programs that a test may run: Python, those of ``ALWAYS``, and those that it names by ``@needs("fish", "curl")``.

A test is skipped before its fixtures are set up if a program or package that it needs is missing. Its ``PATH`` has the
programs of ``ALWAYS`` and those that it needs, and no others. A test that runs another program therefore fails on every
machine, even if the program is installed.

``KSHELL_TEST_WITHOUT=fish,go`` hides programs and packages of this machine; ``KSHELL_TEST_WITHOUT=all`` hides all of them.
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
    "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "echo", "env", "expr", "false", "git", "head", "id", "ln", "ls",
    "mkdir", "mktemp", "mv", "nl", "od", "paste", "printenv", "printf", "pwd", "readlink", "rm", "rmdir", "seq", "sh",
    "sleep", "sort", "stat", "stty", "tail", "tee", "test", "touch", "tr", "true", "tty", "uname", "uniq", "wc",
)  # fmt: skip
PROGRAMS = (
    "bash", "busybox", "chromium", "clear", "curl", "dash", "fish", "go", "gofmt", "grep", "http", "httpyac", "hurl", "java",
    "ksh93", "mcs", "mksh", "mono", "newman", "node", "openssl", "parallel", "patch", "perl", "php",
    "prettier", "rubocop", "ruby", "shellcheck", "strace", "wget", "wine", "x86_64-w64-mingw32-gcc", "yash", "zsh",
)  # fmt: skip
PACKAGES = (
    "distributed",
    "httptools",
    "jsonschema",
    "requests",
    "tree_sitter",
    "tree_sitter_powershell",
)  # none of them is in the extra ``dev``
NODE_PACKAGES = ("axe-core", "axios")
OPTIONAL = (*PROGRAMS, *PACKAGES, *NODE_PACKAGES)


def needs(*names: str) -> pytest.MarkDecorator:
    """Mark a test that runs or imports ``names``, all in ``OPTIONAL``. Raises ``ValueError`` for another name."""
    if unknown := set(names) - set(OPTIONAL):
        raise ValueError(
            f"{', '.join(sorted(unknown))}: not in tests/support/programs.py, which has {', '.join(OPTIONAL)}"
        )
    return pytest.mark.needs(*names)


def path_of(program: str) -> str:
    """Return the path of a program that the running test needs."""
    return shutil.which(program) or ""


def node_package(name: str, path: str | None = None) -> Path | None:
    """Return the folder of a package that is installed for all of Node.js, or is in ``NODE_PATH``; None if there is none."""
    node = shutil.which("node", path=path)
    folders = [Path(folder) for folder in os.environ.get("NODE_PATH", "").split(os.pathsep) if folder]
    folders += [Path(node).resolve().parents[1] / "lib" / "node_modules"] if node else []
    return next((folder / name for folder in folders if (folder / name).is_dir()), None)


def hidden(value: str) -> frozenset[str]:
    """Return the names that a value of ``KSHELL_TEST_WITHOUT`` hides. Raises ``pytest.UsageError`` for an unknown name."""
    names = {name.strip() for name in value.split(",") if name.strip()}
    if unknown := names - {"all", *OPTIONAL}:
        known = ", ".join(("all", *OPTIONAL))
        raise pytest.UsageError(f"{VARIABLE}: unknown name {', '.join(sorted(unknown))}; known names: {known}")
    return frozenset(OPTIONAL if "all" in names else names)


class Programs:
    """The programs on ``path``, a ``PATH``, without the hidden ones; ``folder`` gets a folder of links for each."""

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
            if not self._has(name):
                return f"{name} is not installed"
        return ""

    def _has(self, name: str) -> bool:
        if name in PACKAGES:
            return find_spec(name) is not None
        found = node_package(name, self._machine) if name in NODE_PACKAGES else shutil.which(name, path=self._machine)
        return found is not None

    def path(self, names: Iterable[str]) -> str:
        """Return a ``PATH`` with the programs of ``ALWAYS`` and ``names`` alone; all of ``names`` must be installed."""
        folders = [self._links(name, [name]) for name in names if name in PROGRAMS]
        return os.pathsep.join(map(str, [*folders, self._always]))

    def _links(self, folder: str, names: Iterable[str]) -> Path:
        """Return a folder with a link for each of ``names`` that this machine has; the first call makes it."""
        links = self._folder / folder
        if not links.exists():
            links.mkdir()
            for name in names:
                if found := shutil.which(name, path=self._machine):
                    (links / name).symlink_to(Path(found).absolute())
        return links


_PROGRAMS = pytest.StashKey[Programs]()


def pytest_configure(config: pytest.Config) -> None:
    """Read ``KSHELL_TEST_WITHOUT`` and find this machine's programs."""
    config.addinivalue_line(
        "markers", "needs(*names): skipped where a program or package is missing (tests/support/programs.py)"
    )
    without = hidden(os.environ.get(VARIABLE, ""))
    folder = tempfile.TemporaryDirectory(prefix="kshell-programs-")
    config.add_cleanup(folder.cleanup)
    config.stash[_PROGRAMS] = Programs(os.environ["PATH"], without, Path(folder.name))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test before its fixtures are set up, or set its ``PATH``."""
    programs = item.config.stash[_PROGRAMS]
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    if reason := programs.missing(names):
        pytest.skip(reason)
    os.environ["PATH"] = programs.path(names)
