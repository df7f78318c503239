"""kshell: a shell and templating toolkit for Kaleyra's *Send Authentication Template Messages* API.

The public names are the stages of one message; each is imported when it is first asked for.
"""

from __future__ import annotations

__version__ = "0.1.0"

_PUBLIC = {
    "Account": "core.models",
    "Delivery": "core.models",
    "Exchange": "core.models",
    "Finding": "core.models",
    "KshellError": "core.errors",
    "Pod": "core.models",
    "Request": "core.models",
    "Response": "core.models",
    "Session": "session.session",
    "Simulator": "simulator.simulator",
    "check": "api.rules",
    "curl": "snippets",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 - the names are literal above


def __getattr__(name: str) -> object:
    """Import a public name where it is used: a bare ``import kshell`` costs nothing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"kshell.{_PUBLIC[name]}"), name)
