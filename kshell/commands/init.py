"""``init``: creates an account from the user's answers. The key is never shown and never an argument of a command."""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from kshell.api.authentication.fields import LANGUAGES
from kshell.api.regions import language_hint
from kshell.console.command import command, pass_session
from kshell.console.printer import show
from kshell.core.errors import EXIT_INTERRUPTED, Note, UsageError, did_you_mean, listed
from kshell.core.json_text import dumps
from kshell.core.models import DEFAULT_KEY_VARIABLE, Result
from kshell.profiles.api_key import SCHEMES, header_fault
from kshell.profiles.files import FOLDERS, Places, shown, write_private
from kshell.profiles.keys import NUMBER, SEGMENT
from kshell.profiles.preferences import Preferences, documented, file_of, save_account
from kshell.profiles.profiles import SID_HINT, load_account
from kshell.profiles.schemas import schema
from kshell.session.session import ACCOUNT_VARIABLE, Session

_SCHEMA = "account.schema.json"  # below the user's folder; written anew by each init, so that it is this version's


class Answers(NamedTuple):
    """The user's answers. ``api_key`` is the reference that the account's file contains."""

    name: str
    pod: str
    sid: str
    phone_number: str
    api_key: str
    template_name: str
    language: str


@command("init", examples=["init"])
@pass_session
def init(session: Session) -> Result:
    """Create an account from your answers, and the file of your preferences.

    The API key is not shown while you type it. It goes to a separate file, or stays in an environment variable that the
    account names. The files are in your configuration directory; only you can read them (0600). Nothing is sent.
    """
    if sys.stdin is None:
        raise UsageError("stdin is closed, so nothing can be asked", hint="kshell init, at a terminal")
    try:
        answers = _ask_all(session.places)
    except click.Abort:
        notes = [Note("info", ""), Note("info", "stopped; nothing more was written")]
        return Result(notes=notes, exit_code=EXIT_INTERRUPTED)
    written = [_write_account(session.places, answers)]
    load_account(session.places, answers.name)
    try:
        is_default = click.confirm("Start the shell with this account from now on", default=True, err=True)
    except click.Abort:
        is_default = False  # the account is written already
    preferences = file_of(session.places)
    if is_default:
        written.append(save_account(session.places, answers.name))
    elif not preferences.exists():
        write_private(preferences, documented(Preferences()))
        written.append(preferences)
    lines = [*(f"wrote {shown(file)}" for file in written), *_next(answers, is_default=is_default)]
    return Result(notes=[Note("info", line) for line in lines])


def _next(answers: Answers, *, is_default: bool) -> list[str]:
    message = f"-a {answers.name} to=+919812345678"
    shell = "kshell" if is_default else f"kshell -a {answers.name}"
    return [
        "next: kshell doctor checks the account",
        f"      {shell} starts the shell with it; export {ACCOUNT_VARIABLE}={answers.name} makes it the default everywhere",
        f"      kshell send {message} -p sandbox tries it on the simulator, which sends no real message",
        f"      kshell curl {message} shows the request that goes to {answers.pod}",
    ]


def _ask_all(places: Places) -> Answers:
    name = _ask("Name of the account", lambda text: _name_fault(places, text), "mine")
    pods = [*places.names("pod")]
    pod = _ask(f"Pod ({listed(pods)})", lambda text: _unknown(text, pods, did_you_mean), "in")
    sid = _ask("SID", _unless(SEGMENT, SID_HINT))
    number = _ask("Business number that sends", _unless(NUMBER, "write + and country code, such as +911234567890"))
    name_form = "write the name as WhatsApp shows it, without spaces"
    template_name = _ask("Name of the template that WhatsApp approved", _unless(SEGMENT, name_form))
    language = _ask("Language of the template", lambda text: _unknown(text, LANGUAGES, language_hint), "en_US")
    return Answers(name, pod, sid, number, _ask_key(places, name), template_name, language)


def _ask(question: str, fault: Callable[[str], str], default: str = "") -> str:
    """Ask on stderr until ``fault`` returns nothing for the answer, and return it."""

    def checked(text: str) -> str:
        if message := fault(text.strip()):
            raise click.BadParameter(message)
        return text.strip()

    # without a default, click asks again after an empty answer and gives no reason; so ``checked`` gets it
    return str(click.prompt(question, default=default, show_default=bool(default), value_proc=checked, err=True))


def _name_fault(places: Places, name: str) -> str:
    if not re.fullmatch("[A-Za-z0-9][A-Za-z0-9_-]*", name):
        return "a name is letters, digits, - and _"
    file = _account_file(places, name)
    return f"{shown(file)} exists already; choose another name" if file.exists() else ""


def _unknown(text: str, known: Sequence[str], hint: Callable[[str, Sequence[str]], str]) -> str:
    return "" if text in known else hint(text, known) or f"one of {listed(known)}"


def _unless(pattern: str, message: str) -> Callable[[str], str]:
    return lambda text: "" if re.fullmatch(pattern, text) else message


def _ask_key(places: Places, name: str) -> str:
    """Ask for the key, and return the reference to it: a file that is written now, or an environment variable."""
    while key := _read_hidden("API key (not shown; empty: it is in an environment variable)"):
        fault = header_fault(key)
        if not fault:
            file = places.user / "keys" / name
            write_private(file, f"{key}\n")
            return f"file:{file}"
        show(Result(notes=[Note("error", fault)]))
    variable = _ask(
        "Environment variable that holds it",
        _unless(SCHEMES["env"][0], "a variable's name is letters, digits and _"),
        DEFAULT_KEY_VARIABLE,
    )
    return f"env:{variable}"


def _read_hidden(question: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(question, default="", hide_input=True, show_default=False, err=True)).strip()
    line = sys.stdin.readline()  # getpass would read from the terminal instead of the pipe
    if not line:
        raise click.Abort
    return line.strip()


def _account_file(places: Places, name: str) -> Path:
    folder, ending = FOLDERS["account"]
    return places.user / folder / f"{name}{ending}"


def _write_account(places: Places, answers: Answers) -> Path:
    """Write the account, and the schema by which an editor checks and completes it. Return the account's file."""
    schema_file = places.user / _SCHEMA
    write_private(schema_file, f"{dumps(schema('account'))}\n")
    fields = answers._asdict()
    variables = {name: fields.pop(name) for name in ("template_name", "language")}
    file = _account_file(places, fields.pop("name"))
    lines = [f"# yaml-language-server: $schema={os.path.relpath(schema_file, file.parent)}"]
    lines += [f"{key}: {json.dumps(value)}" for key, value in fields.items()]
    lines += ["template: auth", "variables:", *(f"  {key}: {json.dumps(value)}" for key, value in variables.items())]
    write_private(file, "\n".join([*lines, "otp: {length: 6, alphabet: digits}"]) + "\n")
    return file
