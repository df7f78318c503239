"""A real terminal for tests: a program in a pseudo-terminal, and the screen as the user sees it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT = Path(__file__).parents[2]


class Terminal:
    """A program at a terminal of ``columns`` by ``lines``; ``bytes`` is all its output."""

    opened: ClassVar[list[Terminal]] = []  # since a test cleared it

    def __init__(
        self,
        *words: str,
        columns: int = 80,
        lines: int = 24,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
    ) -> None:
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.bytes = b""
        self._shown = 0, ""  # the number of bytes and the text of the screen after them
        self.opened.append(self)
        settings = {"TERM": "xterm", "PYTHONPATH": str(PROJECT), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **(env or {})}
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.child = pexpect.spawn(
            words[0], list(words[1:]), dimensions=(lines, columns), env=kept | settings, cwd=cwd, timeout=60
        )
        self.child.delaybeforesend = None
        self.screen.write_process_input = self.child.send  # the answer to a program that asks for the cursor's position

    @classmethod
    def kshell(cls, *words: str, **settings: object) -> Terminal:
        """Start kshell's shell and wait for its first prompt."""
        terminal = cls(sys.executable, "-m", "kshell", *words, **settings)  # type: ignore[arg-type]
        return terminal.until("last: nothing sent")

    def type(self, text: str) -> Terminal:
        r"""Press keys; ``\r`` is Enter, ``\x03`` Ctrl-C."""
        self.child.send(text)
        return self

    def enter(self, line: str) -> Terminal:
        """Type a line and press Enter."""
        return self.type(f"{line}\r")

    def read(self, seconds: float = 0.02) -> None:
        """Read the output that the program writes within that time."""
        try:
            got = self.child.read_nonblocking(65536, timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.bytes += got
        self.stream.feed(got)

    def until(self, wanted: str | Callable[[str], bool], seconds: float = 60) -> Terminal:
        """Wait for a text on the screen, or until ``wanted`` returns true for the screen's text."""
        end = time.monotonic() + seconds
        found = wanted if callable(wanted) else lambda text: wanted in text
        while not found(self.text):
            assert time.monotonic() < end, f"{wanted!r} did not come:\n{self.text}"
            self.read()
        return self

    def ended(self) -> bool:
        """Wait for the program's end; return True."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return True

    def close(self) -> None:
        """End the program."""
        self.child.close(force=True)

    @property
    def text(self) -> str:
        """Return the screen's text without trailing blanks. It is made anew only after more output, since that takes long."""
        if self._shown[0] != len(self.bytes):
            text = "\n".join(line.rstrip() for line in self.screen.display).rstrip()
            self._shown = len(self.bytes), text
        return self._shown[1]
