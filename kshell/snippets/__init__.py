r"""Request -> text for a tool: what is pasted or run makes exactly the request that ``send`` makes.

A target is a function and a row of ``TARGETS``; it gets the ``Request`` and the key to print, or None for a reference to
the account's environment variable. The body is JSON, so a character that a language cannot quote is written ``\uXXXX``
and stays the same value. What cannot be expressed safely is refused by a ``UsageError``.
"""

from __future__ import annotations

from kshell.snippets import files, programs
from kshell.snippets.placeholders import with_placeholders
from kshell.snippets.shells import SHELLS, curl, posix_quote
from kshell.snippets.targets import TARGETS, Target

__all__ = ["SHELLS", "TARGETS", "Target", "curl", "files", "posix_quote", "programs", "with_placeholders"]
