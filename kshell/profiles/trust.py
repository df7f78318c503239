"""Decide whether a pod's file, which someone else may have written, may choose where an API key is sent.

A pod from the working directory whose host is neither shipped nor loopback is used for sending only after
``kshell trust FILE``. Trust is remembered by the file's content, so a changed file must be trusted again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kshell.core.errors import TrustError
from kshell.profiles.files import Places, quoted, shown, write_private
from kshell.profiles.profiles import load_pod

if TYPE_CHECKING:
    from kshell.core.models import Pod

_REMEMBERED = "trusted"


def require_trust(places: Places, pod: Pod) -> None:
    """Raise ``TrustError`` if sending to ``pod`` needs the user's trust and does not have it."""
    if not places.introduced_here(pod.origin):
        return
    if not pod.proxy and (not pod.live or pod.base_url in _shipped_hosts(places)):
        return
    # the text that was loaded counts: the file may have changed since
    if _fingerprint(pod.text) not in _remembered(places):
        file = shown(pod.origin.file)
        raise TrustError(
            f"not sent: {file}, from this folder, would have the API key sent to {pod.proxy or pod.base_url}",
            hint=f"read the file; if you trust it, kshell trust {quoted(pod.origin.file)}",
        )


def remember(places: Places, pod: Pod) -> None:
    """Trust the content that ``pod``'s file had when it was read."""
    known = _remembered(places) | {_fingerprint(pod.text)}
    write_private(places.user / _REMEMBERED, "".join(f"{line}\n" for line in sorted(known)))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _remembered(places: Places) -> set[str]:
    try:
        return set((places.user / _REMEMBERED).read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return set()


def _shipped_hosts(places: Places) -> set[str]:
    shipped = Places(None, places.shipped, places.shipped, places.shipped)
    return {load_pod(shipped, name).base_url for name in shipped.names("pod")}
