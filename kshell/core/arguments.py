"""Check what a Python program passes: a wrong argument would otherwise fail later, in words about kshell's own code."""

import os
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from kshell.core.errors import UsageError

LONGEST = 3600.0  # seconds


def require(fits: object, name: str, given: object, kind: str, example: str) -> None:
    """Raise ``UsageError`` unless ``fits``: ``jobs is '8', which is no whole number``, and write ``jobs=8``."""
    if not fits:
        raise UsageError(f"{name} is {shortened(given)}, which is no {kind}", hint=f"write {name}={example}")


def require_text(**texts: object) -> None:
    """Raise ``UsageError`` for the first argument that is no text."""
    for name, given in texts.items():
        require(isinstance(given, str), name, given, "text", "'…'")


def require_seconds(name: str, given: Any, *, zero: bool) -> None:
    """Raise ``UsageError`` unless ``given`` is a number from 0 to ``LONGEST``; without ``zero``, one above 0."""
    fits = is_number(given) and 0 <= given <= LONGEST and (zero or given)
    require(fits, name, given, f"number of seconds {'from 0' if zero else 'above 0 and up'} to {LONGEST:.0f}", "5")


def is_number(given: object, *, whole: bool = False) -> bool:
    """Whether ``given`` is a number; ``True`` is none, and ``nan`` is not in any range."""
    return isinstance(given, int if whole else int | float) and not isinstance(given, bool)


def path_of(name: str, given: Any, example: str) -> Path:
    """Return the path that a program passed as a text or a path. Raises ``UsageError`` for what cannot name a file."""
    try:
        fits = b"\0" not in os.fsencode(path := Path(given))
    except (TypeError, UnicodeEncodeError):
        fits = False
    require(fits, name, given, "name of a file", repr(example))
    return path
