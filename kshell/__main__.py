"""Start and end the process of ``kshell`` and ``python -m kshell`` quickly."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn

from kshell import __version__


def main() -> int:
    """Run the command line of this process and return its exit code."""
    _open_streams()
    if sys.argv[1:] == ["--version"]:
        print(f"kshell {__version__}")  # noqa: T201 - installers run this, so it is fast and imports nothing more
        return 0
    # garbage collection during the imports takes a tenth of the start and finds almost nothing
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
    except KeyboardInterrupt:  # a second Ctrl-C while the first one is reported
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
    """Start the shell without importing what only a command line needs, so that its prompt shows sooner."""
    from kshell.core.errors import KshellError
    from kshell.core.terminal import note_lines
    from kshell.shell.loop import begin

    try:
        return begin()
    except KshellError as error:
        print(*note_lines(error.note), sep="\n", file=sys.stderr)  # noqa: T201 - the console is not imported yet
        return error.exit_code


def entry() -> NoReturn:
    """Run ``main`` and end the process with its exit code, without Python's own shutdown.

    Python's shutdown would wait for the worker threads of ``run --jobs``: a second Ctrl-C could not end a run whose server
    does not answer. A Ctrl-C during the shutdown would replace the exit code and print a traceback. And the shutdown takes
    20 to 40 ms, a fifth of ``kshell curl``. Nothing is lost: every command closes its own files before it returns.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # the program that reads the stream has ended
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    entry()
