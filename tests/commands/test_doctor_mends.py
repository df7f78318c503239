"""Every command that ``doctor`` prints repairs what it is printed for."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from conftest import PROJECT

from kshell.profiles.files import Places

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "Amended00000000000000000000000key"
ACCOUNT = """\
pod: {pod}
sid: HX1IN
phone_number: "+911234567890"
api_key: {key}
template: {template}
variables:
  language: en
  {variable}: x
"""
MINE = "profiles/accounts/mine.yaml"


def account(pod: str = "in", key: str = "env:KALEYRA_API_KEY", template: str = "auth", variable: str = "ref") -> str:
    """Return an account of the user's own."""
    return ACCOUNT.format(pod=pod, key=key, template=template, variable=variable)


class Fault(NamedTuple):
    """A fault in the setup: its files, what ``doctor`` says of it, and the line that its editor or its reader is given."""

    files: dict[str, str]
    what: str
    typed: str = ""
    modes: Mapping[str, int] = MappingProxyType({})
    env: Mapping[str, str] = MappingProxyType({})


FAULTS = {
    "no account": Fault({}, "you have no account", f"mine\nin\nHX1IN\n+911234567890\nauth1\nen\n{KEY}\n"),
    "a key that stands nowhere": Fault({MINE: account(key="env:NO_KEY")}, "NO_KEY", KEY),
    "a missing key's file": Fault({MINE: account(key="file:k")}, "is not a file", KEY),
    "a missing key's file in a missing folder": Fault({MINE: account(key='"file:a b/c/k"')}, "is not a file", KEY),
    "an empty key's file": Fault({MINE: account(key="file:k"), "profiles/accounts/k": ""}, "the API key is empty", KEY),
    "a key's file that is a folder": Fault(
        {MINE: account(key="file:../pods"), "profiles/pods/x": ""}, "is not a file", "api_key: env:KALEYRA_API_KEY"
    ),
    "a key's file in a file": Fault({MINE: account(key="file:mine.yaml/k")}, "file", "api_key: env:KALEYRA_API_KEY"),
    "a key's file that others read": Fault(
        {MINE: account(key="file:k"), "profiles/accounts/k": KEY}, "can be read by others", modes={"profiles/accounts/k": 0o644}
    ),
    "a literal key": Fault({MINE: account(key="Aliteral1")}, "the API key is in the profile", "api_key: env:KALEYRA_API_KEY"),
    "a missing entry of the keyring": Fault({MINE: account(key="keyring:a b/me")}, "no such entry"),
    "a locked keyring": Fault({MINE: account(key="keyring:locked/me")}, "the keyring refused"),
    "a missing keyring": Fault({MINE: account(key="keyring:none/me")}, "needs the keyring extra"),
    "an unknown pod": Fault({MINE: account(pod="nowhere")}, "there is no pod", "pod: in"),
    "an unknown template": Fault({MINE: account(template="nothing")}, "there is no template", "template: auth"),
    "a variable that nothing reads": Fault({MINE: account(variable="lang")}, "has no variable 'lang'", "  ref: x"),
    "a faulty account": Fault({MINE: account().replace("sid", "syd")}, "no 'syd'", "sid: HX1IN"),
    "a faulty template": Fault({"templates/t.json.j2": '{\n"a": {% x %}\n}\n'}, "templates/t.json.j2:2", '"a": 1'),
    "a faulty pod": Fault({"profiles/pods/x.yaml": "base_url: https://api.in.kaleyra.io/x\n"}, "not a base URL", "base_url: https://api.in.kaleyra.io"),
    "a folder in place of a pod": Fault({"profiles/pods/x.yaml/y": ""}, "is a directory"),
    "an untrusted pod": Fault({"profiles/pods/x.yaml": "base_url: https://x.invalid\n"}, "is not trusted"),
    "faulty preferences": Fault({"user/preferences.yaml": "keys: vim\n"}, "'keys' is not 'vim'", "keys: vi"),
    "a folder in place of the preferences": Fault({"user/preferences.yaml/y": ""}, "is a directory"),
    "a history that others read": Fault(
        {"user/history": "x\n"}, "history can be read by others", modes={"user/history": 0o644}
    ),
    "an editor that is not installed": Fault({}, "edit would open gone", env={"EDITOR": "gone"}),
    "another editor that is not installed": Fault({}, "edit would open gone", env={"VISUAL": "gone -w"}),
}  # fmt: skip


@pytest.fixture
def programs(monkeypatch, tmp_path):
    """Put ``kshell``, an editor, ``pip`` and ``keyring`` on the ``PATH``; the last two change ``state``, which is returned."""
    folder, state = tmp_path / "programs", tmp_path / "state"
    folder.mkdir()
    state.mkdir()
    editor = "import os, sys\nline, file = int(sys.argv[1][1:]), sys.argv[2]\nlines = open(file).read().split('\\n')\n"
    editor += "lines[line - 1] = os.environ['TYPED']\nopen(file, 'w').write('\\n'.join(lines))\n"
    texts = {
        "kshell": f"#!/bin/sh\nPYTHONPATH='{PROJECT}' exec '{sys.executable}' -m kshell \"$@\"\n",
        "nano": f"#!{sys.executable}\n{editor}",
        "pip": f'#!/bin/sh\n[ "$*" = "install kaleyra-shell[keyring]" ] && touch \'{state}/installed\'\n',
        "keyring": f'#!/bin/sh\ntouch "{state}/$1 $2 $3"\n',
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return state


class _Keyring(types.ModuleType):
    """A keyring that is locked, or has an entry, by what its program has done."""

    def __init__(self, state: Path) -> None:
        super().__init__("keyring")
        self.errors = types.ModuleType("keyring.errors")
        self.errors.KeyringError = OSError  # type: ignore[attr-defined]
        self._state = state

    def get_password(self, service: str, user: str) -> str | None:
        """Return the password; None if there is no such entry."""
        if service == "locked" and not (self._state / "get locked me").exists():
            raise OSError
        return KEY if service in ("locked", "none") or (self._state / f"set {service} {user}").exists() else None


def problems(cli) -> dict[str, str]:
    """Return what ``doctor`` finds, with the command that mends it."""
    return {check["what"]: check["mend"] for check in cli("doctor", "--json").json if check["state"] != "ok"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_printed_mend_mends(cli, write, monkeypatch, programs, name):
    """Run in a POSIX shell, the command that ``doctor`` prints for a fault repairs it, and makes no other fault."""
    fault = FAULTS[name]
    user = Places.standard().user
    files = {file: str(user / file.removeprefix("user/")) if file.startswith("user/") else file for file in fault.files}
    for file, text in fault.files.items():
        write(files[file], text).chmod(fault.modes.get(file, 0o600))
    for variable, text in fault.env.items():
        monkeypatch.setenv(variable, text)
    keyring = _Keyring(programs)

    def install() -> None:
        missing = fault.what == "needs the keyring extra" and not (programs / "installed").exists()
        monkeypatch.setitem(sys.modules, "keyring", None if missing else keyring)
        monkeypatch.setitem(sys.modules, "keyring.errors", keyring.errors)

    install()
    before = problems(cli)
    (what,) = (what for what in before if fault.what in what)
    variable = next(iter(fault.env), "NO_KEY")
    script = f"{before[what]}\nprintenv {variable} || :"
    done = subprocess.run(
        ["sh", "-c", script],
        input=f"{fault.typed}\n".encode(),
        env={**os.environ, "TYPED": fault.typed},
        capture_output=True,
    )
    assert done.returncode == 0
    monkeypatch.setenv(variable, done.stdout.decode().rstrip("\n"))
    install()
    assert problems(cli).keys() <= before.keys() - {what} | {"you have no account of your own; demo works without one"}


def test_a_folder_in_place_of_a_key_s_file_keeps_its_mode(cli, write):
    """``doctor`` says of a folder that it is not a file, and never to change the mode of the folder."""
    write(MINE, account(key="file:/dev"))
    assert {what: mend for what, mend in problems(cli).items() if "/dev" in what + mend} == {
        "account mine: file:/dev: /dev is not a file": "vi +4 profiles/accounts/mine.yaml"
    }


def test_a_faulty_file_is_told_with_its_correction(cli, write):
    """``doctor`` says of a faulty file what to write, such as the reference that an API key in capitals was meant to be."""
    write(MINE, account(key="ACME_KEY"))
    place = "profiles/accounts/mine.yaml:4:10"
    assert f"{place}: an api_key that looks like a reference, but is not one; write api_key: env:ACME_KEY" in problems(
        cli
    )
