"""``import``: converts a curl command to a script, and on request to an account and a template."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kshell.console.command import command, pass_session
from kshell.console.printer import show
from kshell.core.errors import KshellError, Note, Place, ScriptError, listed
from kshell.core.models import DEFAULT_KEY_VARIABLE, Account, Result
from kshell.profiles.files import Kind, Places, read_stdin, read_text, shown, write_private
from kshell.profiles.profiles import load_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kshell.curl.to_script import Imported
    from kshell.session.session import Session


def _writes(options: Mapping[str, Any]) -> tuple[str, str] | None:
    name = next((name for name in ("account", "template") if options[name]), "")
    return (f"--{name}", f"type kshell import --{name} NAME on the command line") if name else None


@command("import", examples=["import command.txt", "import command.txt --account acme"], writes=_writes)
@click.argument("file", default="-", type=click.Path(readable=False), metavar="[FILE]")
@click.option("--account", default="", metavar="NAME", help="Also write the account to profiles/accounts/NAME.yaml.")
@click.option(
    "--template", default="", metavar="NAME", help="Write a new template to templates/NAME.json.j2, if one is needed."
)
@pass_session
def import_command(session: Session, file: str, account: str, template: str) -> Result:
    """Read a curl command, from a FILE or from stdin, and print it as a script.

    It reads the commands of the API's page, and those that kshell, browsers and Postman write for bash, PowerShell and
    cmd.exe, also behind a prompt, assignments or cd x &&, and in a fence of Markdown. kshell run runs the script. Parts
    that it does not understand are listed on stderr. The key is never printed and never written: an account refers to an
    environment variable.
    """
    return imported(session, *_read(file), account=account, template=template)


def imported(session: Session, text: str, name: str, *, account: str = "", template: str = "") -> Result:
    """Return the curl command ``text`` as a script; ``name`` says in messages where it stands. Raises ``KshellError``."""
    from kshell.curl import to_script
    from kshell.curl.command import read_curl

    copied = read_curl(text, name)
    profiles = to_script.find_profiles(copied, session.places, session.account)
    found = to_script.find_template(copied, profiles, session.places)
    odd = sorted(copied.notes, key=lambda it: (it.line, it.column))
    notes = [Note("warning", f"{it.message}; {it.fix}", Place(name, it.line, it.column)) for it in odd]
    account_text = to_script.account_text(found, template) if account else ""
    if template and found.source:
        notes.append(Note("info", _written(session.places, "template", template, found.source)))
    if account:
        notes.append(Note("info", _written(session.places, "account", account, account_text)))
        notes.append(Note("info", f"the key is not in it: export {_variable(found)}=…"))
        found = found._replace(profiles=profiles._replace(account=_load_written(session.places, account)))
    notes += _notes(found, template)
    lines = [*to_script.script(found, template), *(() if template else _suggestion(found))]
    return Result("".join(f"{line}\n" for line in lines), notes)


_NEW = "imported"


def _read(file: str) -> tuple[str, str]:
    if file != "-":
        return read_text(Path(file), ScriptError), shown(Path(file))
    if sys.stdin is not None and sys.stdin.isatty():
        show(Result(notes=[Note("info", "paste the curl command, then press Enter and Ctrl-D")]))
    return read_stdin(ScriptError), "stdin"


def _notes(imported: Imported, template: str) -> list[Note]:
    """The notes about what the script itself does not show."""
    from kshell.curl.to_script import left_over

    account, pod = imported.profiles
    form = bool(imported.copied.placeholders)  # a form has no real host, SID or number
    warnings: list[str] = []
    if account is None and imported.copied.address and not form:
        warnings.append("no account has this SID and number; import … --account NAME writes one")
    elif account and pod is None and not form:
        warnings.append(f"no pod has the host of the command; the pod of {account.name} is {account.pod}")
    name = account.name if account else ""
    warnings += [f"account {name} sets {it}, which the command does not have" for it in left_over(imported)]
    if imported.source and not template:
        warnings.append("no template makes this payload; import … --template NAME writes the one below")
    return [*_form_notes(imported), *(Note("warning", warning) for warning in warnings)]


def _form_notes(imported: Imported) -> list[Note]:
    """The notes that list a form's placeholders and the next step."""
    own, unfilled = imported.copied.placeholders, imported.unfilled
    names = list(dict.fromkeys([*own, *unfilled.values()]))
    if not names:
        return []
    assignments = " ".join(f"{name}=…" for name in _to_type(imported) or imported.unfilled)
    account = f"create your account with kshell init; then type kshell curl -a NAME {assignments}".rstrip()
    text = f"the command is a form; fill in its placeholders: {listed(names, most=20)}"
    hint = account if own else f"add a line to the script: set {assignments}"
    return [Note("warning", text, imported.copied.at, hint)]


def _to_type(imported: Imported) -> list[str]:
    """The names of required variables that the account does not set."""
    from kshell.curl.to_script import PERSONAL

    account, template = imported.profiles.account, imported.template
    needed = [it.name for it in template.missing(imported.values)] if template else list(imported.unfilled)
    return [name for name in needed if (name not in account.variables if account else name in PERSONAL)]


def _variable(imported: Imported) -> str:
    key = imported.copied.key
    return key.variable if key else DEFAULT_KEY_VARIABLE


def _written(places: Places, kind: Kind, name: str, text: str) -> str:
    file = places.new_file(kind, name)
    write_private(file, text)
    return f"written: {shown(file)}"


def _load_written(places: Places, name: str) -> Account:
    """Load the account that was just written. If it cannot be read, delete its file and raise ``ProfileError``."""
    try:
        return load_account(places, name)
    except KshellError:
        places.find("account", name).file.unlink()
        raise


def _suggestion(imported: Imported) -> list[str]:
    """A new template as comment lines, since a script cannot contain a template."""
    if not imported.source:
        return []
    lines = [f"# {line}".rstrip() for line in imported.source.splitlines()]
    return ["", f"# use template {_NEW}, once templates/{_NEW}.json.j2 holds:", *lines]
