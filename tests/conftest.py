"""What every test stands on: an empty directory, an empty environment, and ways to run kshell."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

PROJECT = Path(__file__).parent.parent

# without bytecode each kshell that a test starts would compile all of kshell anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# a property is tried on this many examples where its test does not say how many; a busy machine makes none of them fail
settings.register_profile("suite", max_examples=int(os.environ.get("KSHELL_EXAMPLES", "50")), deadline=None)
settings.load_profile("suite")


def pytest_xdist_auto_num_workers() -> int:
    """With ``-n auto`` one worker more than there are cores: the tests wait for terminals and sockets about as long."""
    return (os.cpu_count() or 1) + 1


class Ran(NamedTuple):
    """What a run of kshell came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What stdout holds, as JSON."""
        return json.loads(self.out)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Numbered folders, none of them made yet."""
    root = tmp_path_factory.mktemp("folders")
    return (root / str(number) for number in count())


@pytest.fixture
def tmp_path(_folders: Iterator[Path]) -> Path:
    """As pytest's own, which looks through the folders of all earlier tests before it makes one."""
    folder = next(_folders)
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _empty_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in an empty directory, as a user without configuration or key."""
    place = tmp_path / "empty"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user" / ".config"))
    for name in (
        "KSHELL_HOME",
        "KALEYRA_API_KEY",
        "NO_COLOR",
        "KSHELL_DEBUG",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    """Run a command line in this process: ``cli("send", "to=+919812345678")`` gives a ``Ran``."""
    from kshell.cli import run

    def ran(*words: str) -> Ran:
        capfdbinary.readouterr()
        code = run(words)
        out, err = capfdbinary.readouterr()
        return Ran(code, out.decode(), err.decode())

    return ran


@pytest.fixture
def program() -> Any:
    """Run kshell as a process of its own, as a user does; ``input`` and ``env`` are optional."""

    def ran(*words: str, input: bytes = b"", env: dict[str, str] | None = None, timeout: float = 20) -> Ran:  # noqa: A002
        done = subprocess.run(
            [sys.executable, "-m", "kshell", *words],
            input=input,
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT), **(env or {})},
            timeout=timeout,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return ran


@pytest.fixture
def default_port() -> Iterator[None]:
    """The simulator's own port, for one test at a time."""
    with (Path(tempfile.gettempdir()) / "kshell-tests-8025").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file below the working directory: ``write("profiles/pods/mine.yaml", "…")`` gives its path."""

    def written(name: str, text: str | bytes) -> Path:
        file = Path.cwd() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return written
