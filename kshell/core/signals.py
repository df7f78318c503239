"""Handle SIGINT (Ctrl-C), SIGTERM and SIGHUP: each of them ends a command alike, and has its own exit code."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # a signal while typing is imported could not be handled yet
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
ENDING = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))  # Windows has no SIGHUP
_EXIT_INTERRUPTED = 130
_SOON = 0.005  # seconds

_received: list[int] = []
_holding: list[Held] = []


def handle(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set ``handler`` for every signal that the process does not ignore; ``nohup`` makes it ignore SIGHUP."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def unblock() -> None:
    """Receive the signals that came while Python started, if its caller blocked them, as ``env --block-signal`` does."""
    if hasattr(signal, "pthread_sigmask"):  # Windows has none
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [getattr(signal, name) for name in _NAMES])


def leave(number: int, _frame: FrameType | None) -> None:
    """End the process at once. This is the handler during the imports, before anything can be sent."""
    os.write(2, b"interrupted; nothing was sent\n")
    os._exit(128 + number)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise ``KeyboardInterrupt`` for any of the signals; inside of ``Held`` only record the first one.

    During an import the signal comes again a moment later: an exception in the callbacks of importlib would be lost, and the
    lock that they hold would stop every later import of other threads.
    """
    if _is_importing(frame):
        _come_again(number)
        return
    _received.append(number)
    if _holding and _holding[-1].holding and not _holding[-1].interrupted:
        _holding[-1].interrupted = True
    else:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _come_again(number: int) -> None:
    import threading

    main = threading.main_thread().ident
    again = getattr(signal, "pthread_kill", None)  # Windows has none; elsewhere it ends a wait of the main thread
    timer = threading.Timer(_SOON, again or signal.raise_signal, (main, number) if again else (number,))
    timer.daemon = True
    timer.start()


def received() -> int:
    """Return how many signals have come."""
    return len(_received)


def exit_code(code: int) -> int:
    """Return the exit code of the process: 128 plus the signal if a signal ended the command, else ``code``."""
    return 128 + _received[0] if _received and code == _EXIT_INTERRUPTED else code


def asked_to_end() -> bool:
    """Whether SIGTERM or SIGHUP came. Ctrl-C ends a command, but not the shell."""
    return any(number != signal.SIGINT for number in _received)


class Held:
    """A context, such as the writing of reports, that the first signal does not interrupt; a second one does.

    Only the main thread gets signals, so in another thread nothing is held.
    ``interrupted`` says whether a signal was held. A context may begin with ``holding`` false, and set it later: then no
    signal can come between the work that may be interrupted and the work that may not.
    """

    def __init__(self, *, holding: bool = True) -> None:
        self.holding = holding
        self.interrupted = False

    def __enter__(self) -> Held:
        """Begin to hold signals."""
        import threading  # the start of kshell does without it

        if threading.current_thread() is threading.main_thread():
            _holding.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop holding signals."""
        if self in _holding:
            _holding.remove(self)
