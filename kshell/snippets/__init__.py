r"""A request as text for a tool or a language. The text, pasted or run, makes exactly the request that ``send`` makes.

A target is a function registered in ``TARGETS``. It gets the ``Request`` and the key to print, or None for a reference to the
account's environment variable. A character that a language cannot quote is written ``\uXXXX``: the body is JSON, so its value
stays the same. A target raises ``UsageError`` if its language cannot express the request safely.
"""

from __future__ import annotations

from kshell.snippets import files, programs
from kshell.snippets.placeholders import with_placeholders
from kshell.snippets.shells import SHELLS, curl, posix_quote
from kshell.snippets.targets import TARGETS, Target

__all__ = ["SHELLS", "TARGETS", "Target", "curl", "files", "posix_quote", "programs", "with_placeholders"]
