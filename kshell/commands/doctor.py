"""``doctor``: checks the setup and prints a command that repairs each problem. It sends nothing."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import EXIT_DONE, EXIT_SETUP, KshellError
from kshell.core.json_text import dumps
from kshell.core.models import Account, Result
from kshell.core.terminal import safe_line
from kshell.profiles import api_key
from kshell.profiles.files import Kind, Places, quoted, shown
from kshell.profiles.preferences import file_of, load_preferences
from kshell.profiles.profiles import line_of, load_account, load_pod
from kshell.profiles.trust import require_trust
from kshell.session.files import LOADERS
from kshell.session.session import ACCOUNT_VARIABLE, Session, default_account
from kshell.templating.templates import load_template, unread_variables


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


def _files(places: Places) -> Iterator[Check]:
    for kind, load in LOADERS.items():
        names, faults = places.names(kind), []
        for name, origin in names.items():
            try:
                load(places, name)
            except KshellError as error:
                faults.append(_faulty_file(origin.file, error))
        if count := len(names) - len(faults):
            yield Check("ok", f"{count} {kind}{'' if count == 1 else 's'} can be read")
        yield from faults


def _faulty_file(file: Path, error: KshellError) -> Check:
    """The check of a file that cannot be read: edit it, or move away what is no file, such as a folder or a broken link."""
    what = "; ".join(filter(None, (error.note.headline, error.hint)))
    if file.is_file():
        return Check("wrong", what, _editing(file, error.at.line if error.at else 1))
    return Check("wrong", what, f"mv {quoted(file)} {quoted(file)}.old")


def _readable(load: Callable[..., Any], *arguments: object) -> Any:
    """What ``load`` returns; None if it raises an error, which another check reports."""
    try:
        return load(*arguments)
    except KshellError:
        return None


def _accounts(places: Places) -> Iterator[Check]:
    """What is wrong with the user's own accounts."""
    names = [name for name, origin in places.names("account").items() if origin.place != "shipped"]
    own = [account for name in names if (account := _readable(load_account, places, name))]
    if not own:
        yield Check("note", "you have no account of your own; demo works without one", "kshell init")
    for account in own:
        problems = list(_account(places, account))
        yield from problems or [Check("ok", f"account {account.name} has its key, pod and template")]
        yield from _unread(places, account)


def _account(places: Places, account: Account) -> Iterator[Check]:
    yield from _missing(places, account, "pod", account.pod)
    yield from _missing(places, account, "template", account.template)
    try:
        api_key.resolve(account)
    except KshellError as error:
        yield Check("wrong", f"account {account.name}: {error.message}", _key_mend(account, error))
    if api_key.is_in_profile(account, _readable(load_pod, places, account.pod)):
        what = f"account {account.name}: the API key is in the profile; write api_key: env:NAME or file:PATH"
        yield Check("wrong", what, _editing_key(account))
        yield from _private(account.origin.file)
    if account.api_key.scheme == "file":
        yield from _private(api_key.key_file(account))


def _missing(places: Places, account: Account, kind: Kind, name: str) -> Iterator[Check]:
    if name not in places.names(kind):
        yield Check(
            "wrong",
            f"account {account.name}: there is no {kind} {str(name)!r}",
            _editing(account.origin.file, line_of(account, kind)),
        )


def _unread(places: Places, account: Account) -> Iterator[Check]:
    """A note for each variable of the account that its template does not have."""
    template = _readable(load_template, places, account.template)
    for note in unread_variables(account, template) if template else ():
        line = note.place.line if note.place else 1
        yield Check("note", f"{note.headline}; {note.hint}", _editing(account.origin.file, line))


def _key_mend(account: Account, error: KshellError) -> str:
    if account.api_key.scheme == "keyring":
        return error.hint
    if account.api_key.scheme == "env":
        return _reading(account.api_key.target)
    return _key_file_mend(account) if account.api_key.scheme == "file" else _editing_key(account)


def _key_file_mend(account: Account) -> str:
    """The command that writes the key's file, or gives it to its owner; or edits the account if it can be no such file."""
    file = api_key.key_file(account)
    folder = next(path for path in file.parents if path.exists())
    if not folder.is_dir() or (file.exists() and not file.is_file()):
        return _editing_key(account)
    if file.exists() and not os.access(file, os.R_OK):
        return f"chmod 600 {quoted(file)}"
    make = "" if folder == file.parent else f"mkdir -p {quoted(file.parent)} && "
    return f"{make}touch {quoted(file)} && chmod 600 {quoted(file)} && cat > {quoted(file)}"


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
        yield _faulty_file(file_of(places), error)


def _default_account(places: Places) -> Iterator[Check]:
    """The account that ``KSHELL_ACCOUNT`` names, or else the one of the shell's preferences."""
    name, source = default_account()
    mend, whose = f"unset {ACCOUNT_VARIABLE}", "every command"
    if not source:
        preferences = _readable(load_preferences, places)
        name, source = preferences.account if preferences else "", shown(file_of(places))
        mend, whose = _editing(file_of(places), 1), "the shell"
    if name in places.names("account"):
        yield Check("ok", f"{whose} uses the account {name} by default, as {source} says")
    elif name:
        yield Check("wrong", f"there is no account {name!r}, which {source} names", mend)


def _secrecy(places: Places) -> Iterator[Check]:
    for name in ("history", "trusted"):
        yield from _private(places.user / name)


def _private(file: Path) -> Iterator[Check]:
    """A problem if others can read ``file``. A folder or a device has another mode for good reasons."""
    if file.is_file() and file.stat().st_mode & 0o044:
        yield Check("wrong", f"{shown(file)} can be read by others", f"chmod 600 {quoted(file)}")


def _editor(_: Places) -> Iterator[Check]:
    variable, chosen = _chosen_editor()
    installed = _installed_editor()
    if chosen and shutil.which(chosen.split()[0]) is None:
        mend = f"export {variable}={installed}" if installed else ""
        yield Check("wrong", f"edit would open {chosen.split()[0]}, which is not installed", mend)
    if not chosen and not installed:
        yield Check("note", "there is no editor for edit: install one, or name yours in the variable EDITOR")


def _chosen_editor() -> tuple[str, str]:
    """The variable that names the user's editor, and the editor; both are empty if there is none."""
    named = ((name, os.environ.get(name, "").strip()) for name in ("VISUAL", "EDITOR"))
    return next(((name, editor) for name, editor in named if editor), ("", ""))


def _installed_editor() -> str:
    """The editor that click opens without the variables; empty if none is installed."""
    return next(filter(shutil.which, ("sensible-editor", "vim", "nano", "vi")), "")


def _editing(file: Path, line: int) -> str:
    _, chosen = _chosen_editor()
    editor = chosen if chosen and shutil.which(chosen.split()[0]) else _installed_editor()
    return f"{editor or 'vi'} +{line} {quoted(file)}"


_CHECKS: tuple[Callable[[Places], Iterator[Check]], ...] = (
    _files, _accounts, _pods, _preferences, _default_account, _secrecy, _editor,
)  # fmt: skip
