"""Start and end the process of ``kshell`` and ``python -m kshell`` quickly.

``entry`` handles signals first, so only what that needs is imported above it.
"""

from __future__ import annotations

import gc
import sys

# garbage collection during the imports takes a tenth of the start and finds almost nothing
gc.set_threshold(100_000, 50, 50)

from kshell.core import signals  # noqa: E402

TYPE_CHECKING = False  # typing itself takes 3 ms to import
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn


def main() -> int:
    """Run the command line of this process and return its exit code. A signal during the run ends the command."""
    frontend = _frontend()
    try:
        signals.handle(signals.interrupt)
        return frontend()
    except KeyboardInterrupt:  # a second signal while the first one is reported, or one while a result is printed
        sys.stderr.write("interrupted\n")
        return 130


def _frontend() -> Callable[[], int]:
    """Import the shell or the command line, and return what runs it."""
    _open_streams()
    if sys.argv[1:] == ["--version"]:
        return _version
    import os

    if not sys.argv[1:] and _at_terminal() and "_KSHELL_COMPLETE" not in os.environ:
        from kshell.shell.loop import run as run_shell

        return lambda: _shell(run_shell)
    from kshell.cli import run

    return lambda: run(sys.argv[1:])


def _version() -> int:
    from kshell import __version__

    try:
        print(f"kshell {__version__}", flush=True)  # noqa: T201 - installers run this: it is fast and imports nothing more
    except OSError:
        from kshell.cli import run

        return run(["--version"])  # says why stdout cannot be written
    return 0


def _open_streams() -> None:
    """Open a closed stdout or stderr (``>&-``, which Python shows as None) on the null device.

    Without this the next socket would get the stream's file descriptor, and a note would go to the server.
    """
    from os import devnull

    sys.stdout = sys.stdout or open(devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends
    sys.stderr = sys.stderr or open(devnull, "w", encoding="utf-8")  # noqa: SIM115 - open until the process ends


def _at_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _shell(begin: Callable[[], int]) -> int:
    """Run the shell without importing what only a command line needs, so that its prompt shows sooner."""
    from kshell.core.errors import KshellError

    try:
        return begin()
    except KshellError as error:
        from kshell.console.printer import show
        from kshell.core.models import Result

        return show(Result(notes=[error.note], exit_code=error.exit_code))


def entry() -> NoReturn:
    """Run ``main`` and end the process with its exit code, without Python's own shutdown.

    Python's shutdown would wait for the worker threads of ``run --jobs``: a second Ctrl-C could not end a run whose server
    does not answer. A Ctrl-C during the shutdown would replace the exit code and print a traceback. And the shutdown takes
    20 to 40 ms, a fifth of ``kshell curl``. Nothing is lost: every command closes its own files before it returns.

    Signals are handled from the first instruction on. Before it, while Python itself starts, they end the process as ever,
    unless they are blocked.
    """
    signals.handle(signals.leave)
    signals.unblock()
    code = signals.exit_code(main())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the program that reads the stream has ended
            continue
    from os import _exit

    _exit(code)


if __name__ == "__main__":
    entry()
