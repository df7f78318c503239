"""API keys: a reference becomes the key, and no error shows the key."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path
from types import ModuleType

import pytest

from kshell.core.errors import SecretError
from kshell.core.models import Account, Origin, OtpPolicy, Secret
from kshell.core.terminal import note_lines
from kshell.profiles import api_key

KEY = "Acanary0123456789"


def account(reference: str) -> Account:
    """Return an account of the working directory whose key is ``reference``."""
    scheme, _, target = reference.partition(":")
    origin = Origin(Path.cwd() / "profiles" / "accounts" / "acme.yaml", "here")
    return Account("acme", "", "in", "HX1IN", Secret(scheme, target), "+911234567890", "auth", {}, OtpPolicy(), origin)


def refusal(reference: str) -> SecretError:
    """Return the error that resolving the key raises."""
    with pytest.raises(SecretError) as caught:
        api_key.resolve(account(reference))
    return caught.value


def test_a_key_is_read_from_the_environment(monkeypatch):
    """The reference ``env:NAME`` gives the value of that variable."""
    monkeypatch.setenv("ACME_KEY", KEY)
    assert api_key.resolve(account("env:ACME_KEY")) == KEY


def test_a_literal_key_is_itself():
    """A literal key in the profile is the key."""
    assert api_key.resolve(account(f"literal:{KEY}")) == KEY


@pytest.mark.parametrize("text", [KEY, f"{KEY}\n", f"  {KEY}\r\n\n"])
def test_a_key_is_read_from_a_file(write, text):
    """``file:PATH`` is relative to the profile's folder, and blanks around the key are dropped."""
    write("profiles/accounts/key.txt", text)
    assert api_key.resolve(account("file:key.txt")) == KEY
    assert api_key.resolve(account(f"file:{Path.cwd()}/profiles/accounts/key.txt")) == KEY


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_key_file_may_begin_with_a_byte_order_mark(write, encoding):
    """A key's file may be saved as editors of Windows and PowerShell save text: UTF-8 or UTF-16 with a byte order mark."""
    write("profiles/accounts/key.txt", f"{KEY}\r\n".encode(encoding))
    assert api_key.resolve(account("file:key.txt")) == KEY


def test_a_tilde_is_the_user_s_home(monkeypatch, tmp_path):
    """``~`` in ``file:~/PATH`` is the user's home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "key.txt").write_text(KEY)
    assert api_key.resolve(account("file:~/key.txt")) == KEY


@pytest.fixture
def keyring(monkeypatch):
    """Install a keyring that has one key and raises for the service ``locked``."""
    module, errors = ModuleType("keyring"), ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise errors.KeyringError(KEY)
        return {("kaleyra", "acme/in"): KEY}.get((service, user))

    module.get_password = get_password
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setitem(sys.modules, "keyring.errors", errors)


@pytest.mark.usefixtures("keyring")
def test_a_key_is_read_from_the_keyring():
    """The reference ``keyring:SERVICE/USER`` gives the keyring's key; USER may contain a slash."""
    assert api_key.resolve(account("keyring:kaleyra/acme/in")) == KEY


@pytest.mark.usefixtures("keyring")
@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        (
            "keyring:locked/acme",
            "keyring:locked/acme: the keyring refused: KeyringError",
            "keyring get locked acme > /dev/null",
        ),
        (
            "keyring:kaleyra/other",
            "keyring:kaleyra/other: the keyring has no such entry",
            "keyring set kaleyra other",
        ),
    ],
)
def test_a_keyring_without_the_key_is_one_clear_error(reference, message, hint):
    """A locked keyring and a missing entry are errors with a hint."""
    error = refusal(reference)
    assert (error.message, error.hint) == (message, hint)


def test_a_keyring_needs_its_extra(monkeypatch):
    """If the package keyring is missing, the hint names the extra to install."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    error = refusal("keyring:kaleyra/acme")
    assert error.message == "keyring:kaleyra/acme needs the keyring extra"
    assert error.hint == "pip install 'kaleyra-shell[keyring]'"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_one_clear_error(monkeypatch, value):
    """An unset or empty variable is an error that names it, with a hint that exports it."""
    if value is not None:
        monkeypatch.setenv("ACME_KEY", value)
    error = refusal("env:ACME_KEY")
    assert error.message == "the environment variable ACME_KEY, which holds the API key, is not set"
    assert error.hint.startswith("export ACME_KEY=…")


@pytest.mark.parametrize("make", [None, Path.mkdir, os.mkfifo])
def test_a_key_file_that_is_none_is_one_clear_error(make):
    """A key's file that is missing, a directory or a FIFO is an error with the path, without waiting."""
    folder = Path("profiles/accounts")
    folder.mkdir(parents=True)
    if make:
        make(folder / "key.txt")
    error = refusal("file:key.txt")
    assert error.message == f"file:key.txt: {Path.cwd()}/profiles/accounts/key.txt is not a file"
    assert error.hint == "write only the API key into that file"


def test_a_home_of_nobody_is_no_file():
    """A path below the home of an unknown user is reported as not a file."""
    assert "is not a file" in refusal("file:~nobody-of-that-name/key.txt").message


def test_a_key_file_that_may_not_be_read_is_one_clear_error(write, monkeypatch):
    """A key's file without read permission is an error with the system's message."""
    write("profiles/accounts/key.txt", KEY)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert refusal("file:key.txt").message == "file:key.txt cannot be read: Permission denied"


NO_HEADER = {
    "empty": "",
    "a space": f"{KEY} x",
    "a line break": f"{KEY}\r\nX-Other: 1",
    "an accent": f"{KEY}é",
    "a control character": f"{KEY}\x07",
    "two lines": f"{KEY}\n{KEY}",
}


@pytest.mark.parametrize("case", NO_HEADER)
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(write, case):
    """A key that is not a valid header value is refused, and the error does not show it."""
    write("profiles/accounts/key.txt", NO_HEADER[case])
    error = refusal("file:key.txt")
    assert error.message.endswith("(file:key.txt, account acme)")
    assert KEY not in "".join([*note_lines(error.note), repr(error), *traceback.format_exception(error)])


@pytest.mark.parametrize("key", [KEY, "!~", "A" * 4096, "a:b/c=d'\"\\"])
def test_every_visible_ascii_character_may_be_in_a_key(key):
    """A key may contain every visible ASCII character."""
    assert api_key.header_fault(key) == ""


def test_a_missing_key_is_exit_code_3_and_nothing_is_sent(cli, write):
    """``send`` without its key exits with 3, prints an error and a hint, and leaves stdout empty."""
    write(
        "profiles/accounts/acme.yaml", "pod: sandbox\nsid: HX1\napi_key: env:ACME_KEY\nphone_number: '+911234567890'\n"
    )
    ran = cli("send", "-a", "acme", "to=+919812345678", "otp=1", "template_name=a", "language=en")
    assert (ran.code, ran.out) == (3, "")
    assert "error: the environment variable ACME_KEY" in ran.err
