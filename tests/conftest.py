"""The base of every test: an empty directory, an empty environment, and fixtures that run kshell."""

from __future__ import annotations

import fcntl
import gc
import io
import json
import marshal
import os
import shutil
import signal
import socket
import stat
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
from hypothesis import HealthCheck, settings
from support import canary
from support.screen import Terminal

from kshell.core.errors import KshellError

PROJECT = Path(__file__).parent.parent
pytest_plugins = ["support.programs"]
EMPTY = "empty"  # the folder in which a test runs
# prefixes of the environment variables that a test keeps
KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "PYTEST_", "COV", "KSHELL_PAYLOADS", "KSHELL_GOLDEN")

# without bytecode each kshell process of a test would compile all of kshell again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# a shell starts a job in the background with SIGINT ignored, and so would be every program that a test interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)


settings.register_profile(
    "suite",
    max_examples=int(os.environ.get("KSHELL_EXAMPLES", "20")),  # of a property test that does not set it
    deadline=None,  # a busy machine would miss it
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("suite")


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Remove the user's environment variables before the first test module is imported."""
    for name in [name for name in os.environ if not name.startswith(KEPT)]:
        del os.environ[name]
    os.environ["HOME"] = os.devnull  # no file can be below it


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Keep the garbage collector from walking through what is imported and collected, then and each time it runs."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100_000)  # objects; by default it runs for each 700 new ones
        gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers more than there are cores for ``-n auto``: half of a test's time is waiting."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Send the report of a test as bytes: xdist takes many times as long for each of its values."""
    report = yield
    return {"bytes": marshal.dumps(report)}


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, Any, Any]:
    """Read the bytes of a report."""
    data |= marshal.loads(data.pop("bytes"))  # noqa: S302 - of a worker of this run
    return (yield)


class Ran(NamedTuple):
    """The exit code and the output of a kshell command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as a JSON value."""
        return json.loads(self.out)


_MODE = stat.S_IFDIR | 0o755  # of a folder that was just made


class Folders:
    """Numbered folders below ``root``; a folder that a test left empty is used again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.numbers = count()
        self.spare: list[Path] = []

    def take(self) -> Path:
        """Return a folder that has only the empty folder in which a test runs, both with mode 0755."""
        if self.spare:
            return self.spare.pop()
        folder = self.root / str(next(self.numbers))
        for path in (folder, folder / EMPTY):
            path.mkdir()
            path.chmod(0o755)
        return folder

    def give_back(self, folder: Path) -> bool:
        """Keep a folder for the next test if it is as new; return whether it is: it has its modes and no file."""
        is_new = all(
            os.lstat(path).st_mode == _MODE and os.listdir(path) == names
            for path, names in ((folder, [EMPTY]), (folder / EMPTY, []))
        )
        if is_new:
            self.spare.append(folder)
        return is_new


_CAPTURED = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Keep the captured output of a test for ``recorded_output``."""
    report = yield
    if call.when == "call":
        item.stash[_CAPTURED] = report.capstdout + report.capstderr
    return report


class Output:
    """The output of all programs, terminals and errors of a test that runs below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.streams: list[bytes] = []
        self.errors: list[BaseException] = []

    def add(self, words: Sequence[object], *streams: bytes | str | None) -> None:
        """Keep the streams of a command, unless ``--reveal`` is among its arguments."""
        if "--reveal" not in " ".join(map(str, words)):
            self.streams += [
                text.encode(errors="surrogateescape") if isinstance(text, str) else text for text in streams if text
            ]

    def all(self) -> bytes:
        """Return all streams and the formatted errors."""
        errors = ("".join(traceback.format_exception(error)) for error in self.errors)
        return b"\n".join([*self.streams, *(text.encode(errors="surrogateescape") for text in errors)])


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return Folders(tmp_path_factory.mktemp("folders"))


@pytest.fixture(autouse=True)
def recorded_output(request: pytest.FixtureRequest, _folders: Folders) -> Iterator[Output]:
    """Run each test in an empty directory, as a user without configuration whose key is a canary.

    Fail the test if it shows or leaves the key, or if kshell stores a code or number. A test that handles the key itself
    is marked ``shows_the_key``. All of it is one fixture, since each fixture takes as long as a quick test.
    """
    recorded = Output(_folders.take())
    with pytest.MonkeyPatch.context() as patch:
        _record(recorded, patch)
        patch.chdir(recorded.folder / EMPTY)
        user = f"{recorded.folder}/user"
        for name, value in (("HOME", user), ("XDG_CONFIG_HOME", f"{user}/.config"), ("COLUMNS", "100")):
            patch.setenv(name, value)
        patch.setenv("KALEYRA_API_KEY", canary.KEY)
        yield recorded
    recorded.add((), request.node.stash.get(_CAPTURED, ""), *(terminal.bytes for terminal in Terminal.opened))
    Terminal.opened.clear()
    is_new = _folders.give_back(recorded.folder)
    if not request.node.get_closest_marker("shows_the_key"):
        assert not canary.shown(recorded.all())
        assert is_new or not canary.kept(recorded.folder)


def _record(recorded: Output, patch: pytest.MonkeyPatch) -> None:
    """Give ``recorded`` each error of kshell and the output of each program."""
    begin, communicate = KshellError.__init__, subprocess.Popen.communicate

    def raised(self: KshellError, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        recorded.errors.append(self)

    def ended(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> Any:
        streams = communicate(self, *arguments, **options)
        recorded.add(self.args if isinstance(self.args, list | tuple) else [self.args], *streams)
        return streams

    patch.setattr(KshellError, "__init__", raised)
    patch.setattr(subprocess.Popen, "communicate", ended)


@pytest.fixture
def tmp_path(recorded_output: Output) -> Path:
    """Replace pytest's fixture, which searches the folders of all earlier tests for each new one."""
    return recorded_output.folder


@pytest.fixture
def cli(capfdbinary: pytest.CaptureFixture[bytes], recorded_output: Output) -> Any:
    """Return a function that runs a command line in this process: ``cli("send", "to=+919812345678")`` gives a ``Ran``.

    ``input`` is what it reads from stdin.
    """
    from kshell.cli import run

    def ran(*words: str, input: bytes | None = None) -> Ran:  # noqa: A002
        capfdbinary.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            if input is not None:
                patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input), encoding="utf-8"))
            code = run(words)
        out, err = capfdbinary.readouterr()
        recorded_output.add(words, out, err)
        return Ran(code, out.decode(), err.decode())

    return ran


@pytest.fixture
def program() -> Any:
    """Return a function that runs kshell in a new process; ``input`` and ``env`` are optional."""

    def ran(*words: str, input: bytes = b"", env: dict[str, str] | None = None, timeout: float = 60) -> Ran:  # noqa: A002
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
    """Reserve the simulator's default port for one test at a time; skip if another program has it."""
    from kshell.commands.sandbox import DEFAULT_PORT

    file = Path(tempfile.gettempdir()) / f"kshell-tests-{DEFAULT_PORT}"
    with suppress(PermissionError):
        file.touch()  # the file may belong to another user
    with file.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _listened_on(DEFAULT_PORT):
            pytest.skip(f"another program listens on port {DEFAULT_PORT}")
        yield


def _listened_on(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Return a function that writes a file below the working directory and returns its path."""

    def written(name: str, text: str | bytes) -> Path:
        file = Path.cwd() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return written


@pytest.fixture
def clone() -> Iterator[Path]:
    """Yield the working directory as a clone of kshell, with copies of all shipped profiles and templates.

    The copies are removed afterwards, because the shipped accounts have the key that no test may leave behind.
    """
    place = Path.cwd()
    for name in ("profiles", "templates"):
        shutil.copytree(PROJECT / name, place / name)
    yield place
    for name in ("profiles", "templates"):
        shutil.rmtree(place / name)
