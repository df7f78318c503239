"""Where ``kshell`` and ``python -m kshell`` begin. Nothing here is needed but to begin quickly."""

from __future__ import annotations

import gc
import os
import sys

from kshell import __version__


def main() -> int:
    """Run the command line of this process; the exit code is returned."""
    if sys.argv[1:] == ["--version"]:
        print(f"kshell {__version__}")  # noqa: T201 - asked for by every installer, and worth no import
        return 0
    # a start makes many objects and hardly any garbage: collecting while it imports costs a tenth of it
    gc.set_threshold(100_000, 50, 50)
    try:
        if not sys.argv[1:] and sys.stdin.isatty() and sys.stdout.isatty() and "_KSHELL_COMPLETE" not in os.environ:
            return _shell()
        from kshell.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130
    finally:
        gc.freeze()  # the interpreter's last collections have nothing to find


def _shell() -> int:
    """The shell, without what only a command line needs: its prompt shows sooner."""
    from kshell.errors import KshellError
    from kshell.shell.loop import begin

    try:
        return begin()
    except KshellError as error:
        print(*error.lines(), sep="\n", file=sys.stderr)  # noqa: T201 - nothing that shows it is loaded yet
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
