"""kshell: a shell and templating toolkit for Kaleyra's *Send Authentication Template Messages* API.

``kshell.message(...)`` makes a message; ``docs/python.md`` shows what can be done with it. Each public name is imported when
it is first asked for, so that ``import kshell`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing takes 3 ms
if TYPE_CHECKING:
    from kshell.core.errors import (
        KshellError,
        LedgerError,
        ProfileError,
        ScriptError,
        SecretError,
        TemplateError,
        TransportError,
        TrustError,
        UsageError,
    )
    from kshell.core.exchange import Delivery, Explanation
    from kshell.core.models import Finding, Request
    from kshell.python import Answer, Message, PayloadError, message
    from kshell.scripts.run_rows import RowCounts, run_rows
    from kshell.testing import Sandbox, sandbox

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Delivery",
    "Explanation",
    "Finding",
    "KshellError",
    "LedgerError",
    "Message",
    "PayloadError",
    "ProfileError",
    "Request",
    "RowCounts",
    "Sandbox",
    "ScriptError",
    "SecretError",
    "TemplateError",
    "TransportError",
    "TrustError",
    "UsageError",
    "__version__",
    "message",
    "run_rows",
    "sandbox",
]


def __getattr__(name: str) -> object:
    """Import a public name from the module that defines it. Raises ``AttributeError`` for any other name."""
    from importlib import import_module

    modules = ("core.errors", "core.models", "core.exchange", "testing", "python", "scripts.run_rows")
    for module in (import_module(f"kshell.{room}") for room in modules if name in __all__):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
