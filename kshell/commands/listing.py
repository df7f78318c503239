"""``accounts``, ``pods``, ``templates``: list the profiles and templates with their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kshell.console.command import Known, command, pass_session
from kshell.core.errors import EXIT_DONE, EXIT_SETUP, KshellError, Note, UsageError
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import columns, safe_line
from kshell.profiles.files import shown
from kshell.profiles.profiles import load_account, load_pod
from kshell.templating.templates import describe, load_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from kshell.core.models import Account, Json, Origin, Pod, Template
    from kshell.profiles.files import Kind
    from kshell.session.session import Session

Rows = list[tuple[str, ...]]

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _name(kind: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    return click.argument("name", required=False, type=Known(kind), metavar="[NAME]")


@command("accounts", examples=["accounts", "accounts demo"])
@_name("accounts")
@_AS_JSON
@pass_session
def accounts(session: Session, name: str | None, *, as_json: bool) -> Result:
    """List the accounts, or show one, with the file that defines it. A key is never shown."""
    if name:
        return _one(_account_data(load_account(session.places, name)), as_json=as_json)
    return _all(session, "account", load_account, lambda it: (it.name, it.pod, it.phone_number), as_json=as_json)


@command("pods", examples=["pods", "pods in"])
@_name("pods")
@_AS_JSON
@pass_session
def pods(session: Session, name: str | None, *, as_json: bool) -> Result:
    """List the pods, or show one, with the file that defines it."""
    if name:
        return _one(_pod_data(load_pod(session.places, name)), as_json=as_json)
    return _all(session, "pod", load_pod, lambda it: (it.name, it.base_url), as_json=as_json)


@command("templates", examples=["templates", "templates auth", "templates auth --source"])
@_name("templates")
@click.option("--source", is_flag=True, help="Print the text of the template's file, to copy it.")
@_AS_JSON
@pass_session
def templates(session: Session, name: str | None, *, source: bool, as_json: bool) -> Result:
    """List the templates, or show one with its variables and the file that defines it.

    A template of your own is a file templates/NAME.json.j2; it may begin as a copy:
    templates auth --source > templates/mine.json.j2

    It begins with a comment in YAML between {# and #}: title, and variables, each with help, default, required (true or
    false) and type (text or integer). Below it stands the payload as JSON, with "{{ NAME }}" where a value goes. Filters
    change a value, as in {{ NAME | upper }}.
    """
    if source:
        if not name:
            raise UsageError("--source needs the name of a template", hint="templates auth --source")
        return Result(load_template(session.places, name).source)
    if name:
        return _one_template(load_template(session.places, name), as_json=as_json)
    return _all(session, "template", load_template, lambda it: (it.name,), as_json=as_json)


def _all(
    session: Session,
    kind: Kind,
    load: Callable[..., Any],
    row: Callable[[Any], tuple[str, ...]],
    *,
    as_json: bool,
) -> Result:
    """List all files of a kind: ``row``, the file and the title. An unreadable file becomes a note beside the list."""
    rows: Rows = []
    notes: list[Note] = []
    data: list[Json] = []
    for name, origin in session.places.names(kind).items():
        try:
            item = load(session.places, name)
        except KshellError as error:
            notes.append(error.note)
            continue
        rows.append((*row(item), _source(origin), item.title))
        data.append(_DATA[kind](item))
    text = dumps(data) + "\n" if as_json else columns(_safe(rows))
    return Result(text, notes, EXIT_SETUP if notes else EXIT_DONE, prose=not as_json)


def _source(origin: Origin) -> str:
    return "shipped" if origin.place == "shipped" else shown(origin.file)


def _one(data: dict[str, Json], *, as_json: bool) -> Result:
    if as_json:
        return Result(dumps(data) + "\n")
    return Result(columns([(name, _cell(value)) for name, value in data.items() if value not in ("", {})]), prose=True)


def _cell(value: Json) -> str:
    if isinstance(value, dict):
        return safe_line(", ".join(f"{name}={_cell(item)}" for name, item in value.items()))
    if isinstance(value, list):
        return safe_line(" ".join(map(_cell, value)))
    return safe_line(str(value).lower() if isinstance(value, bool) else str(value))


def _account_data(account: Account) -> dict[str, Json]:
    return {
        **_plain(account),
        "api_key": str(account.api_key),
        "variables": dict(account.variables),
        "otp": dict(account.otp._asdict()),
        "approved": {name: [*languages] for name, languages in account.approved.items()},
    }


def _pod_data(pod: Pod) -> dict[str, Json]:
    return {**_plain(pod), "live": pod.live}


def _template_data(template: Template) -> dict[str, Json]:
    return {**_plain(template), "variables": [dict(variable._asdict()) for variable in template.variables]}


def _plain(item: Account | Pod | Template) -> dict[str, Json]:
    shown = {name: value for name, value in item._asdict().items() if name != "text"}  # the file's whole text
    return {**shown, "origin": item.origin.place, "file": str(item.origin.file)}


_DATA: dict[Kind, Callable[[Any], dict[str, Json]]] = {
    "account": _account_data,
    "pod": _pod_data,
    "template": _template_data,
}


def _one_template(template: Template, *, as_json: bool) -> Result:
    if as_json:
        return Result(dumps(_template_data(template)) + "\n")
    head: Rows = [("name", template.name), ("title", template.title), ("file", str(template.origin.file))]
    rows: Rows = [(f"  {variable.name}", describe(variable)) for variable in template.variables]
    return Result(f"{columns(_safe(head))}variables\n{columns(_safe(rows))}", prose=True)


def _safe(rows: Rows) -> Rows:
    return [tuple(map(safe_line, row)) for row in rows]
