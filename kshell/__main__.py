"""Where ``kshell`` and ``python -m kshell`` begin. Nothing here is needed but to begin quickly."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

from kshell import __version__


def main() -> int:
    """Run the command line of this process; the exit code is returned."""
    _open_streams()
    if sys.argv[1:] == ["--version"]:
        print(f"kshell {__version__}")  # noqa: T201 - asked for by every installer, and worth no import
        return 0
    # a start makes many objects and hardly any garbage: collecting while it imports costs a tenth of it
    gc.set_threshold(100_000, 50, 50)
    try:
        if not sys.argv[1:] and _at_terminal() and "_KSHELL_COMPLETE" not in os.environ:
            return _shell()
        from kshell.cli import run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was sent\n")
        return 130
    try:
        return run(sys.argv[1:])
    except KeyboardInterrupt:  # a second one, while the first was told
        return 130


def _open_streams() -> None:
    """Open a closed stdout or stderr (``>&-``, which Python shows as None) on the null device.

    Without this the next socket would get the stream's file descriptor, and a note would go to the server.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _shell() -> int:
    """The shell, without what only a command line needs: its prompt shows sooner."""
    from kshell.core.errors import KshellError
    from kshell.core.terminal import safe
    from kshell.shell.loop import begin

    try:
        return begin()
    except KshellError as error:
        print(*map(safe, error.lines()), sep="\n", file=sys.stderr)  # noqa: T201 - nothing that shows it is loaded yet
        return error.exit_code


def entry() -> NoReturn:
    """``main`` as the process: taking an interpreter apart takes 3 ms and would leave nothing cleaner."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # its reader is gone
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    entry()
