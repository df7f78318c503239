"""The line that shows how far a slow command is. It is written only if stderr is a terminal."""

import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable

from kshell.scripts.script_run import STATES
from kshell.scripts.tally import in_order

_PAUSE = 0.1  # seconds between two writes


class Progress:
    """The progress of a run over ``total`` cases; 0 shows nothing. ``clock`` returns seconds."""

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total if sys.stderr.isatty() else 0
        self.states: Counter[str] = Counter()
        self._clock = clock
        self._begun = self._written = clock()
        self._shown = False

    def step(self, state: str) -> None:
        """Count a case that ended in ``state``, and show the counts, the rate and the time left."""
        self.states[state] += 1
        done = sum(self.states.values())
        if done < self.total and self._clock() - self._written >= _PAUSE:
            rate = done / (self._clock() - self._begun)
            counts = ", ".join(f"{count} {name}" for name, count in in_order(self.states, STATES))
            self.show(f"{done}/{self.total} · {rate:.0f}/s · {_duration((self.total - done) / rate)} left · {counts}")

    def show(self, text: str) -> None:
        """Replace the line by ``text``, cut to one line of the terminal."""
        if self.total:
            self._written, self._shown = self._clock(), bool(text)
            sys.stderr.write(f"\r\x1b[K{text[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Erase the line, before other output."""
        if self._shown:
            self.show("")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
