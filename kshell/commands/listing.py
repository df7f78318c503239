"""``accounts``, ``pods``, ``templates``: list the profiles and templates with their files."""

from collections.abc import Callable
from typing import Any

import click

from kshell.console.command import as_json, command, offering, pass_session, refuse_both
from kshell.core.errors import EXIT_DONE, EXIT_SETUP, KshellError, UsageError
from kshell.core.json_text import dumps
from kshell.core.models import Account, Json, Pod, Result, Secret, Template
from kshell.core.terminal import columns
from kshell.profiles.files import Kind, shown
from kshell.session.session import Session
from kshell.templating.templates import describe

_COLUMNS: dict[Kind, tuple[str, ...]] = {
    "account": ("name", "pod", "phone_number"),
    "pod": ("name", "base_url"),
    "template": ("name",),
}
"""What a list shows of each kind, before the file and the title."""


def _name(kind: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    return click.argument("name", required=False, shell_complete=offering(kind), metavar="[NAME]")


@command("accounts", examples=["accounts", "accounts demo"])
@_name("accounts")
@as_json
@pass_session
def accounts(session: Session, name: str | None, *, as_json: bool) -> Result:
    """List the accounts, or show one, with the file that defines it. A key is never shown."""
    return _listed(session, "account", name, as_json=as_json)


@command("pods", examples=["pods", "pods in"])
@_name("pods")
@as_json
@pass_session
def pods(session: Session, name: str | None, *, as_json: bool) -> Result:
    """List the pods, or show one, with the file that defines it."""
    return _listed(session, "pod", name, as_json=as_json)


@command("templates", examples=["templates", "templates auth", "templates auth --source"])
@_name("templates")
@click.option("--source", is_flag=True, help="Print the text of the template's file, to copy it.")
@as_json
@pass_session
def templates(session: Session, name: str | None, *, source: bool, as_json: bool) -> Result:
    """List the templates, or show one with its variables and the file that defines it.

    A template of your own is a file templates/NAME.json.j2; it may begin as a copy:
    templates auth --source > templates/mine.json.j2

    It begins with a comment in YAML between {# and #}: title, and variables, each with help, default, required (true or
    false) and type (text or integer). Below it stands the payload as JSON, with "{{ NAME }}" where a value goes. Filters
    change a value, as in {{ NAME | upper }}.
    """
    refuse_both(source=source, json=as_json)
    if not source:
        return _listed(session, "template", name, as_json=as_json)
    if not name:
        raise UsageError("--source needs the name of a template", hint="templates auth --source")
    return Result(session.files.template(name).source)


def _listed(session: Session, kind: Kind, name: str | None, *, as_json: bool) -> Result:
    """List all files of a kind, or show the one called ``name``; in a list, an unreadable file becomes a note."""
    if name:
        item = session.files.load(kind, name)
        return Result(dumps(_data(item)) + "\n") if as_json else Result(_text(item), prose=True)
    items, notes = [], []
    for known in session.places.names(kind):
        try:
            items.append(session.files.load(kind, known))
        except KshellError as error:
            notes.append(error.note)
    files = ("shipped" if item.origin.place == "shipped" else shown(item.origin.file) for item in items)
    rows = [
        (*(getattr(item, column) for column in _COLUMNS[kind]), file, item.title)
        for item, file in zip(items, files, strict=True)
    ]
    text = dumps([_data(item) for item in items]) + "\n" if as_json else columns(rows)
    return Result(text, notes, EXIT_SETUP if notes else EXIT_DONE, prose=not as_json)


def _text(item: Account | Pod | Template) -> str:
    if not isinstance(item, Template):
        return columns([(name, _cell(value)) for name, value in _data(item).items() if value not in ("", {})])
    head = [("name", item.name), ("title", item.title), ("file", str(item.origin.file))]
    variables = [(f"  {variable.name}", describe(variable)) for variable in item.variables]
    return f"{columns(head)}variables\n{columns(variables)}"


def _cell(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_cell(item)}" for name, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_cell, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _data(item: Account | Pod | Template) -> dict[str, Json]:
    """Return a profile or a template as a JSON object, without the text of a pod's file, but with the file's path."""
    data = {name: _json(value) for name, value in item._asdict().items() if name != "text"}
    data |= {"origin": item.origin.place, "file": str(item.origin.file)}
    return {**data, "live": item.live} if isinstance(item, Pod) else data


def _json(value: Any) -> Any:
    """Return a value of a profile or a template as JSON: a named tuple as an object, a reference to a key as its text."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return dict(value._asdict()) if hasattr(value, "_asdict") else [_json(item) for item in value]
    return value
