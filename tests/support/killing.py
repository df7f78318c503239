"""Run kshell in processes that kill themselves by SIGKILL at a statement of SQLite, or at a write to a socket.

    python tests/support/killing.py before|around KILLS WORD...

For each number n from 1 on, a process runs the command line of the WORDs, in which ``{n}`` stands for n, and kills itself at
the n-th moment. The moments are those before each such call; with ``around``, also those after it. The process is started KILLS
times so; then it runs to its end. The numbers end with the first that was not killed. A line has the number, the kills and the
last exit code. First of all, the command line is run with 0 for n, to its end.

The processes are forks of this one, which has imported kshell already: so a kill costs milliseconds.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple

sys.path[:0] = [str(Path(__file__).parents[2])]

Side = Literal["before", "around"]

_EVENTS = {"before": ("c_call",), "around": ("c_call", "c_return", "c_exception")}
_WATCHED = {sqlite3.Connection: ("execute", "close"), socket.socket: ("send", "sendall")}


class Moments:
    """A profile function that counts the moments of this process, and kills it at the moment ``last``."""

    def __init__(self, side: Side, last: int) -> None:
        self._events = _EVENTS[side]
        self._left = last
        self._lock = threading.Lock()

    def __call__(self, _: object, event: str, function: Any) -> None:
        """Take an event of the interpreter."""
        if event not in self._events or not _is_watched(function):
            return
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def _is_watched(function: Any) -> bool:
    kind = type(getattr(function, "__self__", None))
    return function.__name__ in next((names for known, names in _WATCHED.items() if issubclass(kind, known)), ())


def in_this_process(words: list[str]) -> None:
    """Run a command line here, so that a fork has everything that it imports and compiles."""
    from kshell.cli import run

    if run(words):
        raise SystemExit("the run before the first kill has failed")
    gc.collect()
    gc.freeze()  # a collection in a fork would copy all memory


def forked(words: list[str], moments: Moments | None = None) -> int:
    """Start a process that runs a command line, up to the last of ``moments`` if they are given. Return its id."""
    from kshell.cli import run

    if child := os.fork():
        return child
    code = 70
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        if moments:
            threading.setprofile(moments)
            sys.setprofile(moments)
        code = run(words)
    finally:
        os._exit(code)


def is_killed(words: list[str], moments: Moments) -> bool:
    """Run a command line in a process, and return whether it came to the last of the moments."""
    return os.waitstatus_to_exitcode(os.waitpid(forked(words, moments), 0)[1]) == -signal.SIGKILL


def main(side: Side, kills: int, pattern: list[str]) -> None:
    """Kill processes at every moment, then let one for each run to its end, all of them at once."""
    in_this_process([word.replace("{n}", "0") for word in pattern])
    running: dict[int, tuple[int, int]] = {}
    for n in count(1):
        words = [word.replace("{n}", str(n)) for word in pattern]
        made = sum(is_killed(words, Moments(side, n)) for _ in range(kills))
        running[forked(words)] = n, made
        if not made:
            break
    while running:
        child, status = os.wait()
        sys.stdout.write(" ".join(map(str, (*running.pop(child), os.waitstatus_to_exitcode(status)))) + "\n")


class Ended(NamedTuple):
    """What became of the command line with the number ``n``: how often it was killed, and its last exit code."""

    n: int
    kills: int
    code: int


def killed_at_every_moment(side: Side, kills: int, *pattern: str) -> list[Ended]:
    """Run this program, and return what it prints, by the number."""
    words = [sys.executable, __file__, side, str(kills), *pattern]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return sorted(Ended(*map(int, line.split())) for line in done.stdout.splitlines())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
