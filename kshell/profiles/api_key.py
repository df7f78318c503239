"""Resolve an account's reference to its API key, for a send or for ``--reveal``. No other module reads a key.

No error message raised here contains the key.
"""

import os
import re
from pathlib import Path

from kshell.core.errors import SecretError
from kshell.core.models import Account, Pod
from kshell.profiles.files import quoted

MOST_BYTES = 4096


def header_fault(key: str) -> str:
    """Return why ``key`` cannot be a header's value, without showing it; empty if it can."""
    if not key:
        return "the API key is empty"
    if not re.fullmatch(r"[!-~]+", key):
        return "the API key holds a space, a line break or a character that is not ASCII"
    return ""


SCHEMES = {
    "env": (r"[A-Za-z_][A-Za-z0-9_]*", "the text after env: is not a variable name"),
    "file": (r"(?s).*\S.*", "file: without a path"),
    "keyring": (r"(?s)[^/]+/.+", "the text after keyring: is not SERVICE/USER"),
}
"""The pattern of what stands after each kind of reference, and what is wrong with another text."""


def resolve(account: Account) -> str:
    """Return the account's API key. Raises ``SecretError`` if it cannot be read or cannot be a header's value."""
    secret = account.api_key
    readers = {"env": _from_environment, "file": _from_file, "keyring": _from_keyring}
    key = secret.target if secret.scheme == "literal" else readers[secret.scheme](account)
    if fault := header_fault(key):
        raise SecretError(f"{fault} ({secret}, account {account.name})", hint=f"correct the key in {secret}")
    return key


def is_in_profile(account: Account, pod: Pod | None) -> bool:
    """Whether the account's file holds a secret key: a literal one, unless ``pod`` is embedded and so accepts any key."""
    return account.api_key.scheme == "literal" and not (pod and pod.embedded)


def key_file(account: Account) -> Path:
    """The file that an account's ``file:`` reference names."""
    # Path.expanduser raises for an unknown user
    return account.origin.file.parent / os.path.expanduser(account.api_key.target)


def _from_environment(account: Account) -> str:
    secret = account.api_key
    key = os.environ.get(secret.target, "")
    if not key:
        raise SecretError(
            f"the environment variable {secret.target}, which holds the API key, is not set",
            hint=f"export {secret.target}=… with the key from your Kaleyra account; or try -a demo, which needs no key",
        )
    return key


def _from_file(account: Account) -> str:
    secret, file = account.api_key, key_file(account)
    try:
        if not file.is_file():
            raise SecretError(f"{secret}: {file} is not a file", hint="write only the API key into that file")
        with file.open("rb") as stream:
            raw = stream.read(MOST_BYTES)
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"  # of editors and PowerShell
        return raw.decode(encoding, errors="replace").strip()
    except OSError as error:
        raise SecretError(f"{secret} cannot be read: {error.strerror}", hint=f"ls -l {quoted(file)}") from None


def _from_keyring(account: Account) -> str:
    secret = account.api_key
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise SecretError(f"{secret} needs the keyring extra", hint="pip install 'kaleyra-shell[keyring]'") from None
    service, _, user = secret.target.partition("/")
    try:
        key = keyring.get_password(service, user)
    except KeyringError as error:
        unlock = f"keyring get {quoted(service)} {quoted(user)} > /dev/null"  # it asks for the keyring's password
        raise SecretError(f"{secret}: the keyring refused: {type(error).__name__}", hint=unlock) from None
    if not key:
        raise SecretError(
            f"{secret}: the keyring has no such entry", hint=f"keyring set {quoted(service)} {quoted(user)}"
        )
    return str(key)
