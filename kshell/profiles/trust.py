"""Decide whether a pod's file, which someone else may have written, may choose where an API key is sent.

A pod from the working directory whose host is not shipped is used for sending only after ``kshell trust FILE``. Trust is
remembered by the file's content, so a changed file must be trusted again. A pod on loopback needs no trust for an account of
the same directory.
"""

from collections.abc import Iterator

from kshell.core.errors import Note, TrustError
from kshell.core.models import Account, Draft, Pod, Template
from kshell.profiles.api_key import key_file
from kshell.profiles.files import Kind, Places, append_private, quoted, shown
from kshell.profiles.profiles import shipped_pods

_REMEMBERED = "trusted"


def require_trust(places: Places, pod: Pod, *, own_account: bool = False) -> None:
    """Raise ``TrustError`` if sending to ``pod`` needs the user's trust and does not have it.

    ``own_account`` says whether the account is a file of the working directory that the pod comes from.
    """
    if not places.introduced_here(pod.origin):
        return
    harmless = pod.embedded or (pod.loopback and own_account)
    harmless = harmless or any(it.base_url == pod.base_url for it in shipped_pods(places.shipped))
    if harmless and not pod.proxy:
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
    if _fingerprint(pod.text) not in _remembered(places):
        append_private(places.user / _REMEMBERED, _fingerprint(pod.text))


def folder_notes(places: Places, draft: Draft) -> Iterator[Note]:
    """Yield what the user should know of a send that uses files of the working directory.

    One note for each file that replaces a shipped file or one of the user's; and one for the secret of the user that an account
    of the directory names as the API key.
    """
    kinds: tuple[tuple[Kind, Pod | Account | Template], ...] = (
        ("account", draft.account), ("pod", draft.pod), ("template", draft.template),
    )  # fmt: skip
    for kind, used in kinds:
        other = places.replaced(kind, used.origin) if used.name else None
        if other:
            whose = f"the shipped {kind} {used.name}" if other.place == "shipped" else f"yours, {shown(other.file)}"
            text = f"{shown(used.origin.file)}, from this folder, is used in place of {whose}"
            yield Note("warning", text, hint=f"kshell {kind}s {quoted(used.name)} shows it")
    secret = "" if draft.pod.embedded else _secret_of_the_user(places, draft.account)
    if secret:
        whose = f"as {shown(draft.account.origin.file)}, from this folder, says"
        yield Note("info", f"the API key for {draft.pod.base_url} is {secret}, {whose}")


def _secret_of_the_user(places: Places, account: Account) -> str:
    """Return in words what an account of the directory has its key read from; empty if the directory holds the key itself.

    It is empty for the user's own account, also if a link in the directory leads to it.
    """
    if not places.introduced_here(account.origin) or account.origin.file.resolve().is_relative_to(
        places.user.resolve()
    ):
        return ""
    secret = account.api_key
    if secret.scheme == "file":
        file = key_file(account).resolve()
        return "" if file.is_relative_to(places.here.resolve()) else f"read from the file {shown(file)}"
    words = {"env": f"the environment variable {secret.target}", "keyring": f"the keyring's {secret.target}"}
    return words.get(secret.scheme, "")


def _fingerprint(text: str) -> str:
    import hashlib  # slow, and most sends need no trust

    return hashlib.sha256(text.encode()).hexdigest()


def _remembered(places: Places) -> set[str]:
    try:
        return set((places.user / _REMEMBERED).read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return set()
