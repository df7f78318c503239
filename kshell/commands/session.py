"""``use``, ``set``, ``unset``, ``vars``, ``otp``: show and change the session, in the shell and in scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kshell.console.command import Assignment, Known, command, pass_session
from kshell.core.errors import Note, UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import columns, safe_line
from kshell.profiles.code_policy import generate
from kshell.profiles.profiles import load_account

if TYPE_CHECKING:
    from kshell.session.session import Session


@command("use", examples=["use account demo", "use pod sandbox", "use template auth"])
@click.argument("kind", type=click.Choice(["account", "pod", "template"]), metavar="account|pod|template")
@click.argument("name", type=Known("things"))
@pass_session
def use(session: Session, kind: str, name: str) -> Result:
    """Change the account, the pod or the template of the session.

    A new account also selects its pod and template. The variables that were set stay.
    """
    if kind == "account":
        session.files.account(name)
        session.account, session.pod, session.template = name, "", ""
    elif kind == "pod":
        session.pod = session.files.pod(name).name
    else:
        session.template = session.files.template(name).name
    return Result()


@command("set", examples=["set to=+919812345678 ref=customer-42"])
@click.argument("variables", nargs=-1, required=True, type=Assignment(), metavar="NAME=VALUE...")
@pass_session
def set_command(session: Session, variables: tuple[tuple[str, str], ...]) -> Result:
    """Set variables for the rest of the session.

    A variable that the template does not have is kept too: another template or an expression may use it.
    """
    template = session.current_template()
    known = [variable.name for variable in template.variables]
    notes = []
    for name, text in variables:
        session.set(name, text)
        near = "" if name in known else did_you_mean(name, known)
        notes += [Note("warning", f"the template {template.name} has no {name!r}; {near}")] if near else []
    return Result(notes=notes)


@command("unset", examples=["unset ref"])
@click.argument("names", nargs=-1, required=True, type=Known("settings"), metavar="NAME...")
@pass_session
def unset(session: Session, names: tuple[str, ...]) -> Result:
    """Remove variables from the session. After unset otp the next message generates a new code."""
    for name in names:
        if name not in session.settings:
            near = did_you_mean(name, session.settings) or f"these are set: {listed(session.settings)}"
            raise UsageError(f"{name!r} is not set in this session", hint=near)
    for name in names:
        session.settings.pop(name, None)
    return Result()


@command("vars", examples=["vars"])
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_session
def vars_command(session: Session, *, as_json: bool) -> Result:
    """Show every variable with its value and its source, and list the missing ones."""
    rows = session.table()
    if as_json:
        return Result(dumps([{"name": name, "value": value, "source": source} for name, value, source in rows]) + "\n")
    missing = [name for name, _, source in rows if source == "missing"]
    text = f"missing: {' '.join(missing)}; set {' '.join(f'{name}=…' for name in missing)}"
    notes = [Note("info", text)] if missing else []
    return Result(
        columns([(name, safe_line(value or ""), _SOURCES.get(source, source)) for name, value, source in rows]), notes
    )


_SOURCES = {"template": "default of the template", "account": "from the account", "set": "set in this session"}


@command("otp", examples=["otp", "otp 482913", "otp new"])
@click.argument("code", required=False, type=Known("codes"))
@pass_session
def otp_command(session: Session, code: str | None) -> Result:
    """Show the one-time password, set it, or generate a new one by the account's policy.

    The session keeps the code until otp new, otp CODE or unset otp, so send uses the code that a preview showed.
    """
    if code == "new":
        session.set("otp", generate(load_account(session.places, session.account).otp), source="generated")
    elif code is not None:
        session.set("otp", code)
    if "otp" not in session.settings:
        return Result(notes=[Note("info", "no code yet; the next message generates one, or otp new does it now")])
    return Result(f"{session.settings['otp'].text}\n")
