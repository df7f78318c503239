"""``doctor``: checks the setup and prints a command that repairs each problem. It sends nothing."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import EXIT_DONE, EXIT_SETUP, KshellError
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import safe_line
from kshell.profiles import api_key
from kshell.profiles.files import quoted, shown
from kshell.profiles.preferences import load_preferences
from kshell.profiles.profiles import line_of, load_account, load_pod
from kshell.profiles.trust import require_trust
from kshell.templating.templates import load_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kshell.core.models import Account, Origin, Pod
    from kshell.profiles.files import Kind, Places
    from kshell.session.session import Session


class Check(NamedTuple):
    """The result of one check; ``mend`` is the command that repairs it."""

    state: Literal["ok", "note", "wrong"]
    what: str
    mend: str = ""


@command("doctor", examples=["doctor", "doctor --json"])
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_session
def doctor(session: Session, *, as_json: bool) -> Result:
    """Check this setup, and print a command that repairs each problem. Nothing is sent.

    It reads every profile and template. It checks that each account of yours has its key, pod and template, that others
    cannot read your private files, and that pods of this folder are trusted. Exit code 3 means that it found a problem.
    """
    checks = [result for check in _CHECKS for result in check(session.places)]
    code = EXIT_SETUP if any(check.state == "wrong" for check in checks) else EXIT_DONE
    if as_json:
        return Result(dumps([dict(check._asdict()) for check in checks]) + "\n", exit_code=code)
    return Result("".join(map(_shown, checks)), exit_code=code)


def _shown(check: Check) -> str:
    mend = f"       mend: {safe_line(check.mend)}\n" if check.mend else ""
    return f"{check.state:<6} {safe_line(check.what)}\n{mend}"


_LOADERS: dict[Kind, Callable[[Places, str], object]] = {
    "pod": load_pod,
    "account": load_account,
    "template": load_template,
}


def _files(places: Places) -> Iterator[Check]:
    for kind, load in _LOADERS.items():
        names = places.names(kind)
        faults = [fault for name, origin in names.items() if (fault := _fault(places, name, origin, load))]
        if count := len(names) - len(faults):
            yield Check("ok", f"{count} {kind}{'' if count == 1 else 's'} can be read")
        yield from faults


def _fault(places: Places, name: str, origin: Origin, load: Callable[[Places, str], object]) -> Check | None:
    try:
        load(places, name)
    except KshellError as error:
        return Check("wrong", error.note.headline, _editing(origin.file, error.at.line if error.at else 1))
    return None


def _own(places: Places) -> Iterator[Account]:
    """The user's own accounts that can be read."""
    for name, origin in places.names("account").items():
        if origin.place != "shipped":
            try:
                yield load_account(places, name)
            except KshellError:
                continue  # _files reports it


def _accounts(places: Places) -> Iterator[Check]:
    own = list(_own(places))
    if not own:
        yield Check("note", "you have no account of your own; demo works without one", "kshell init")
    for account in own:
        problems = list(_account(places, account))
        yield from problems or [Check("ok", f"account {account.name} has its key, pod and template")]


def _account(places: Places, account: Account) -> Iterator[Check]:
    yield from _missing(places, account, "pod", account.pod)
    yield from _missing(places, account, "template", account.template)
    try:
        api_key.resolve(account)
    except KshellError as error:
        yield Check("wrong", f"account {account.name}: {error.message}", _key_mend(account))
    if api_key.is_in_profile(account, _pod_of(places, account)):
        what = f"account {account.name}: the API key is in the profile; write api_key: env:NAME or file:PATH"
        yield Check("wrong", what, _editing_key(account))
        yield from _private(account.origin.file)
    if account.api_key.scheme == "file":
        yield from _private(api_key.key_file(account))


def _pod_of(places: Places, account: Account) -> Pod | None:
    """The account's pod; None if it cannot be read, which ``_files`` reports."""
    try:
        return load_pod(places, account.pod)
    except KshellError:
        return None


def _missing(places: Places, account: Account, kind: Kind, name: str) -> Iterator[Check]:
    if name not in places.names(kind):
        yield Check(
            "wrong",
            f"account {account.name}: there is no {kind} {str(name)!r}",
            _editing(account.origin.file, line_of(account, kind)),
        )


def _key_mend(account: Account) -> str:
    scheme, target = account.api_key.scheme, account.api_key.target
    mends = {
        "env": _reading(target),
        "file": f"(umask 077; cat > {quoted(api_key.key_file(account))})",
        "keyring": "keyring set " + " ".join(map(quoted, target.split("/", 1))),
    }
    return mends.get(scheme, _editing_key(account))


def _reading(variable: str) -> str:
    """A command that reads a key into ``variable`` without echo: in fish or in any POSIX shell, which may lack ``read -s``."""
    if os.environ.get("SHELL", "").endswith("fish"):
        return f"read --silent --global --export {variable}"
    return f"stty -echo; read -r {variable}; stty echo; export {variable}"


def _editing_key(account: Account) -> str:
    return _editing(account.origin.file, line_of(account, "api_key"))


def _pods(places: Places) -> Iterator[Check]:
    for name, origin in places.names("pod").items():
        try:
            require_trust(places, load_pod(places, name), own_account=True)
        except KshellError as error:
            if error.at is None:  # _files reports a pod that cannot be read
                what = f"pod {name} comes from this folder and is not trusted; nothing is sent to it"
                yield Check("wrong", what, f"kshell trust {quoted(origin.file)}")


def _preferences(places: Places) -> Iterator[Check]:
    try:
        load_preferences(places)
    except KshellError as error:
        mend = _editing(places.user / "preferences.yaml", error.at.line if error.at else 1)
        yield Check("wrong", error.note.headline, mend)


def _secrecy(places: Places) -> Iterator[Check]:
    for name in ("history", "trusted"):
        yield from _private(places.user / name)


def _private(file: Path) -> Iterator[Check]:
    """A problem if others can read ``file``."""
    try:
        mode = file.stat().st_mode
    except OSError:
        return
    if mode & 0o044:
        yield Check("wrong", f"{shown(file)} can be read by others", f"chmod 600 {quoted(file)}")


def _editor(_: Places) -> Iterator[Check]:
    chosen = (os.environ.get("VISUAL") or os.environ.get("EDITOR") or "").split()
    if chosen and shutil.which(chosen[0]) is None:
        yield Check("wrong", f"edit would open {chosen[0]}, which is not installed", "export EDITOR=nano")
    if not chosen and not any(map(shutil.which, ("sensible-editor", "vim", "nano", "vi"))):
        yield Check("note", "there is no editor for edit", "export EDITOR=… with the name of your editor")


def _editing(file: Path, line: int) -> str:
    return f"${{EDITOR:-vi}} +{line} {quoted(file)}"


_CHECKS: tuple[Callable[[Places], Iterator[Check]], ...] = (_files, _accounts, _pods, _preferences, _secrecy, _editor)
