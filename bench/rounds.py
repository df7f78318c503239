"""What the benches share: run programs, compare two of them in paired rounds, and print a row of a table.

Other programs disturb a measurement, so two sides run in turns, and the ratio of each round is taken. A row shows the least
and the median of these ratios: by the clock and, after ``CPU``, by the processor time of both sides, which a busy machine
disturbs less.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

HERE = Path(__file__).parent
KSHELL = str(Path(sys.executable).parent / "kshell")
WIDTH = 62


class Cost(NamedTuple):
    """What ``done`` pieces of work took: seconds by the clock and of the processor; the most memory in bytes."""

    done: int
    seconds: float
    cpu: float
    memory: int = 0

    @property
    def rate(self) -> float:
        """How many a second by the clock."""
        return self.done / self.seconds


def numbers(*defaults: int) -> list[int]:
    """Return the numbers on the command line; those that are missing are ``defaults``."""
    given = [int(word) for word in sys.argv[1:]]
    return given + list(defaults[len(given) :])


def cost(words: list[str], count: int = 1, *, stdin: str = os.devnull) -> Cost:
    """Run a program to its end, starting included. Raises ``SystemExit`` if it fails."""
    begun = time.perf_counter()
    with open(stdin, "rb") as source:
        process = subprocess.Popen(words, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said = process.stderr.read()  # to the end of the program
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words[:3])} ended with {process.returncode}: {said.decode()[-1000:]}")
    return Cost(count, time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss << 10)


def compare(what: str, own: Callable[[], Cost], other: Callable[[], Cost], rounds: int, goal: str) -> None:
    """Print a row: how many times faster ``own`` is than ``other``."""
    pairs = [(own(), other()) for _ in range(rounds)]
    clock = [mine.rate / its.rate for mine, its in pairs]
    cpu = [(mine.done / mine.cpu) / (its.done / its.cpu) for mine, its in pairs]
    ratios = f"{min(clock):7.3f} {statistics.median(clock):7.3f}   CPU {min(cpu):7.3f} {statistics.median(cpu):7.3f}"
    rates = " ".join(f"{statistics.median(side.rate for side in sides):9,.0f}/s" for sides in zip(*pairs, strict=True))
    print(f"{what:<{WIDTH}} {ratios}   {goal:<14} {rates}", flush=True)


def show(what: str, values: Iterable[float], unit: str, goal: str) -> None:
    """Print a row: the least and the median of ``values``."""
    known = [*values]
    print(f"{what:<{WIDTH}} {min(known):7.3f} {statistics.median(known):7.3f} {unit:<6} {goal}", flush=True)


def best(of: Iterable[int], rate: Callable[[int], Cost]) -> int:
    """Return the number with which one trial was the fastest."""
    return max(of, key=lambda number: rate(number).rate)


@contextmanager
def server(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server that prints its base URL; yield the process and the URL, and end it."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout
        yield process, process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def fixed_answers(*words: str) -> Iterator[str]:
    """Start ``server.py`` and yield its base URL."""
    with server(sys.executable, str(HERE / "server.py"), *words) as (_, url):
        yield url


@contextmanager
def folder(rows: int) -> Iterator[None]:
    """Enter a temporary folder with ``s.kshell``, which sends to the pod ``local``, and ``rows.csv``."""
    import tempfile

    before = os.getcwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        os.environ["XDG_CONFIG_HOME"] = name
        Path("kshell/profiles/pods").mkdir(parents=True)
        Path("s.kshell").write_text("send -p local\n")
        with open("rows.csv", "w") as file:
            file.write("to,otp\n")
            file.writelines(f"+9198{number:08},{number % 1_000_000:06}\n" for number in range(rows))
        try:
            yield
        finally:
            os.chdir(before)


def point_to(url: str) -> str:
    """Let the pod ``local`` be at ``url``; return the URL of its messages."""
    Path("kshell/profiles/pods/local.yaml").write_text(f"base_url: {url}\n")  # of the user, so that it needs no trust
    return f"{url}/v2/HXSANDBOXIN/whatsapp/+15005550000/messages"


def run(rows: int, *more: str) -> Cost:
    """Run ``s.kshell`` for each of the rows, as a user does."""
    return cost([KSHELL, "run", "s.kshell", "--rows", "rows.csv", *more], rows)
