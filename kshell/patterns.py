"""Regular expressions compiled at first use: most of those that a start's imports define are never matched with.

PyYAML alone compiles one over all of Unicode, for a parser that libyaml stands in for; it is 6 ms of a command's 90. Only
the process of the command line starts so; who imports kshell gets ``re`` as it is.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_compile = re.compile


class _AtFirstUse:
    """A pattern that is compiled when something is asked of it; ``re`` keeps what was compiled."""

    def __init__(self, *pattern: Any) -> None:
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        return getattr(_compile(*self._pattern), name)


@contextmanager
def patterns_at_first_use() -> Iterator[None]:
    """What is imported inside gets its patterns from ``re.compile`` uncompiled; a faulty one fails only when it is used."""
    re.compile = _AtFirstUse  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile
