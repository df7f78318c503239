"""``use``, ``set``, ``unset``, ``vars``, ``otp``: show and change the session, in the shell and in scripts."""

import shutil
from collections.abc import Collection
from typing import Any

import click

from kshell.console.caller import Caller, session_of
from kshell.console.command import Assignment, command, offering, pass_caller, pass_session
from kshell.core.errors import Note, UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import Finding, Result
from kshell.core.terminal import columns, cut, safe_line, width_of
from kshell.profiles.code_policy import generate
from kshell.profiles.files import Kind
from kshell.profiles.profiles import load_account
from kshell.session.session import Session

Rows = list[tuple[str, str | None, str]]  # name, value, source


class _Kind(click.Choice[str]):
    """``account``, ``pod`` or ``template``. Where the name of one stands in its place, the error has the whole line."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        """Return the kind. Raises ``UsageError`` for another word."""
        kinds: tuple[Kind, ...] = ("account", "pod", "template")
        if value in kinds:
            return str(value)
        places = session_of(ctx).places if ctx and ctx.obj else None
        lines = [f"use {kind} {value}" for kind in kinds if places and value in places.names(kind)]
        hint = " or ".join(lines) or did_you_mean(value, kinds) or "use account NAME"
        raise UsageError(f"use takes account, pod or template, then a name; {value!r} is none of them", hint=hint)


@command("use", examples=["use account demo", "use pod sandbox", "use template auth"])
@click.argument("kind", type=_Kind(["account", "pod", "template"]), metavar="account|pod|template")
@click.argument("name", shell_complete=offering("things"))
@pass_session
def use(session: Session, kind: str, name: str) -> Result:
    """Change the account, the pod or the template of the session.

    A new account also selects its pod and template. The variables that were set stay.
    """
    if kind == "account":
        session.files.account(name)
        session.use_account(name)
    elif kind == "pod":
        session.pod = session.files.pod(name).name
    else:
        session.template = session.files.template(name).name
    return Result()


@command("set", examples=["set to=+919812345678 ref=customer-42"])
@click.argument(
    "variables",
    nargs=-1,
    required=True,
    type=Assignment(),
    shell_complete=offering("assignments"),
    metavar="NAME=VALUE...",
)
@pass_caller
def set_command(caller: Caller, variables: tuple[tuple[str, str], ...]) -> Result:
    """Set variables for the rest of the session.

    A variable that the template does not have is kept too: another template or an expression may use it. The shell says at
    once what check would find.
    """
    session = caller.session
    template = session.current_template()
    known = [variable.name for variable in template.variables]
    notes = []
    for name, text in variables:
        session.set(name, text)
        near = "" if name in known else did_you_mean(name, known)
        notes += [Note("warning", f"the template {template.name} has no {name!r}; {near}")] if near else []
    return Result(notes=[*notes, *_early_findings(caller, dict(variables))])


def _early_findings(caller: Caller, names: Collection[str]) -> list[Finding]:
    """What check would find in these variables, in the shell; a script is checked when it sends."""
    if caller.frontend != "shell":
        return []
    from kshell.session.early_check import early_findings

    return early_findings(caller.session, names)


@command("unset", examples=["unset ref"])
@click.argument("names", nargs=-1, required=True, shell_complete=offering("settings"), metavar="NAME...")
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


@command("vars", examples=["vars", "vars ref"])
@click.argument("name", required=False, shell_complete=offering("variables"), metavar="[NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@pass_session
def vars_command(session: Session, name: str | None, *, as_json: bool) -> Result:
    """Show every variable with its value and its source, and list the missing ones.

    Values that are too long for the screen are cut. With a NAME, print only its whole value.
    """
    rows = session.table()
    if name is not None:
        return Result(f"{_value(rows, name)}\n")
    if as_json:
        return Result(dumps([{"name": name, "value": value, "source": source} for name, value, source in rows]) + "\n")
    source = session.account_source
    notes = [Note("info", f"account {session.account}, from {source}")] if source else []
    missing = [name for name, _, source in rows if source == "missing"]
    text = f"missing: {' '.join(missing)}; set {' '.join(f'{name}=…' for name in missing)}"
    return Result(
        _table(rows, shutil.get_terminal_size().columns), [*notes, *([Note("info", text)] if missing else [])]
    )


def _value(rows: Rows, name: str) -> str:
    """Return the value of a variable. Raises ``UsageError`` for an unknown one, and for one without a value."""
    values = {known: value for known, value, _ in rows}
    if name not in values:
        raise UsageError(f"there is no variable {name!r}", hint=did_you_mean(name, values) or listed(values))
    value = values[name]
    if value is None:
        raise UsageError(f"{name} has no value", hint=f"set {name}=…")
    return value


def _table(rows: Rows, width: int) -> str:
    """Return the variables as a table of at most ``width`` columns: long values are cut, and sources if nothing else helps."""
    names, values, sources = zip(*((name, safe_line(value or ""), source) for name, value, source in rows), strict=True)
    for words in (_SOURCES, _SHORT_SOURCES):
        shown = [words.get(source, source) for source in sources]
        room = width - max(map(len, names)) - max(map(len, shown)) - 4  # two blanks between columns
        if room >= min(_LEAST_VALUE, max(map(width_of, values))):
            break
    return columns([*zip(names, (cut(value, max(room, 1)) for value in values), shown, strict=True)])


_SOURCES = {"template": "default of the template", "account": "from the account", "set": "set in this session"}
_SHORT_SOURCES = {"template": "default", "generated when needed": "generated"}
_LEAST_VALUE = 20  # columns


@command("otp", examples=["otp", "otp 482913", "otp new"])
@click.argument("code", required=False, shell_complete=offering("codes"))
@pass_caller
def otp_command(caller: Caller, code: str | None) -> Result:
    """Show the one-time password, set it, or generate a new one by the account's policy.

    The session keeps the code until otp new, otp CODE or unset otp, so send uses the code that a preview showed.
    """
    session, findings = caller.session, list[Finding]()
    if code == "new":
        session.set("otp", generate(load_account(session.places, session.account).otp), source="generated")
    elif code is not None:
        session.set("otp", code)
        findings = _early_findings(caller, ["otp"])
    if "otp" not in session.settings:
        return Result(notes=[Note("info", "no code yet; the next message generates one, or otp new does it now")])
    return Result(f"{session.settings['otp'].text}\n", findings)
