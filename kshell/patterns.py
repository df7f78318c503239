"""Regular expressions compiled at first use: most of those that a start's imports define are never matched with.

PyYAML alone compiles one over all of Unicode, for a parser that libyaml stands in for; it is 6 ms of a command's 90. Only
the process of the command line starts so, and only what it always imports: that much can be looked through for code that
asks ``match.re is PATTERN``. Who imports kshell gets ``re`` as it is.
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

    __class__: Any = re.Pattern  # for isinstance, and so for ``re.sub(pattern, …)``

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._text = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        return getattr(_compile(self._text, self._flags), name)


@contextmanager
def patterns_at_first_use() -> Iterator[None]:
    """What is imported inside gets patterns that are compiled when they are used; a faulty one fails only then."""
    re.compile = _AtFirstUse  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = _compile
