"""What every test stands on: an empty directory, an empty environment, and ways to run kshell."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from support import canary
from support.screen import Terminal

from kshell.core.errors import KshellError

PROJECT = Path(__file__).parent.parent
pytest_plugins = ["support.programs"]
EMPTY = "empty"  # the folder in which a test runs
# how the names of the environment variables begin that a test may find
KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "PYTEST_", "COV", "KSHELL_PAYLOADS", "KSHELL_GOLDEN")

# without bytecode each kshell that a test starts would compile all of kshell anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# a property is tried on this many examples where its test does not say how many; a busy machine makes none of them fail
settings.register_profile("suite", max_examples=int(os.environ.get("KSHELL_EXAMPLES", "50")), deadline=None)
settings.load_profile("suite")


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Take the environment of whoever runs the tests away, before the first test module is imported."""
    for name in [name for name in os.environ if not name.startswith(KEPT)]:
        del os.environ[name]
    os.environ["HOME"] = os.devnull  # nothing can be below it


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


class Folders:
    """Numbered folders below ``root``; one in which a test left nothing serves the next one, too."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.numbers = count()
        self.spare: list[Path] = []

    def take(self) -> Path:
        """A folder with nothing in it but the empty folder that every test runs in, both of mode 0755."""
        folder = self.spare.pop() if self.spare else self.root / str(next(self.numbers))
        for made in (folder, folder / EMPTY):
            made.mkdir(exist_ok=True)
            made.chmod(0o755)
        return folder

    def give_back(self, folder: Path) -> None:
        """Keep a folder for the next test, unless this one left something there."""
        place = folder / EMPTY
        if [*folder.rglob("*")] == [place] and place.is_dir() and not place.is_symlink():
            self.spare.append(folder)


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("folders"))


@pytest.fixture
def tmp_path(_folders: Folders) -> Iterator[Path]:
    """As pytest's own, which makes a folder for each test, and looks through those of all earlier ones before it does."""
    folder = _folders.take()
    yield folder
    _folders.give_back(folder)


_CAPTURED = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """What a test printed itself is kept for ``said``."""
    report = yield
    if call.when == "call":
        item.stash[_CAPTURED] = report.capstdout + report.capstderr
    return report


class Said:
    """All that programs, terminals and errors said during a test."""

    def __init__(self) -> None:
        self.streams: list[bytes] = []
        self.errors: list[BaseException] = []

    def hear(self, words: Sequence[object], *streams: bytes | str | None) -> None:
        """Keep what was said, but where ``--reveal`` was among the words."""
        if "--reveal" not in " ".join(map(str, words)):
            self.streams += [
                text.encode(errors="surrogateescape") if isinstance(text, str) else text for text in streams if text
            ]

    def all(self) -> bytes:
        """Streams, and errors as Python shows them."""
        errors = ("".join(traceback.format_exception(error)) for error in self.errors)
        return b"\n".join([*self.streams, *(text.encode(errors="surrogateescape") for text in errors)])


@pytest.fixture(autouse=True)
def said(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Said]:
    """Every test runs with a canary as its key, and fails where the key is shown or left, or a code or number is kept.

    A test that has to do with the key itself is marked ``shows_the_key``.
    """
    heard = Said()
    begin, communicate = KshellError.__init__, subprocess.Popen.communicate

    def raised(self: KshellError, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        heard.errors.append(self)

    def ended(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> Any:
        streams = communicate(self, *arguments, **options)
        heard.hear(self.args if isinstance(self.args, list | tuple) else [self.args], *streams)
        return streams

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KALEYRA_API_KEY", canary.KEY)
        patch.setattr(KshellError, "__init__", raised)
        patch.setattr(subprocess.Popen, "communicate", ended)
        yield heard
    heard.hear((), request.node.stash.get(_CAPTURED, ""), *(terminal.bytes for terminal in Terminal.opened))
    Terminal.opened.clear()
    if not request.node.get_closest_marker("shows_the_key"):
        assert not canary.shown(heard.all())
        assert not canary.kept(tmp_path)


@pytest.fixture(autouse=True)
def _empty_place(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs in an empty directory, as a user without configuration or key."""
    monkeypatch.chdir(tmp_path / EMPTY)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user" / ".config"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes], said: Said) -> Any:
    """Run a command line in this process: ``cli("send", "to=+919812345678")`` gives a ``Ran``."""
    from kshell.cli import run

    def ran(*words: str) -> Ran:
        capfdbinary.readouterr()
        code = run(words)
        out, err = capfdbinary.readouterr()
        said.hear(words, out, err)
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
    """The simulator's own port, for one test at a time; skips where another program of the machine has it."""
    file = Path(tempfile.gettempdir()) / "kshell-tests-8025"
    with suppress(PermissionError):
        file.touch()  # it may be another user's
    with file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _listened_on(8025):
            pytest.skip("another program listens on port 8025")
        yield


def _listened_on(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file below the working directory: ``write("profiles/pods/mine.yaml", "…")`` gives its path."""

    def written(name: str, text: str | bytes) -> Path:
        file = Path.cwd() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return written


@pytest.fixture
def clone() -> Iterator[Path]:
    """The working directory as a clone of kshell that is installed elsewhere: it holds copies of all that ships.

    They are removed afterwards, because the shipped accounts hold the key that no test may leave behind.
    """
    place = Path.cwd()
    for name in ("profiles", "templates"):
        shutil.copytree(PROJECT / name, place / name)
    yield place
    for name in ("profiles", "templates"):
        shutil.rmtree(place / name)
