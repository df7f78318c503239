r"""A request as text for a tool or a language. The text, pasted or run, makes exactly the request that ``send`` makes.

A target is a function registered in ``TARGETS``. It gets the ``Request`` and the key to print, or None for a reference to the
account's environment variable. A program has the payload as a literal of its language, so that a reader can write a variable
into it. A command line and a file have JSON, in which a character that cannot be quoted is written ``\uXXXX``.
A target raises ``UsageError`` if its language cannot express the request exactly.
"""

from __future__ import annotations

from kshell.snippets import compiled, files, javascript, placeholders, programs
from kshell.snippets.shells import SHELLS, curl, posix_quote
from kshell.snippets.targets import TARGETS, Target, find_target

__all__ = [
    "SHELLS", "TARGETS", "Target", "compiled", "curl", "files", "find_target", "javascript", "placeholders", "posix_quote",
    "programs",
]  # fmt: skip
