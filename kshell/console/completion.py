"""Completions for the word at the cursor, each with a help text: in the kshell shell, in bash, zsh, fish and PowerShell.

A click parameter type (``Known``, ``Assignment``) names the function here that lists its values.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from kshell.api.authentication.fields import INDEX_RANGE
from kshell.api.endpoints import CODES, FIELD_WORDS, FIELDS, RULES, find_answers, find_fields
from kshell.api.regions import COUNTRIES, language_name
from kshell.api.statuses import META_ERRORS, OUTCOMES, STATUSES
from kshell.console.caller import session_of
from kshell.core.errors import KshellError, listed
from kshell.profiles.files import Kind, Places
from kshell.session.files import LOADERS
from kshell.session.session import Overrides
from kshell.syntax.command_table import COMMANDS
from kshell.templating.templates import describe


def complete(kind: str, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """The completions of a ``kind`` that begin with ``incomplete``; none if a profile cannot be read."""
    try:
        values = list(COMPLETIONS[kind](context, incomplete))
    except KshellError:
        return []
    return [CompletionItem(value, help=text) for value, text in values if value.startswith(incomplete)]


# ---- names


def _titles(context: click.Context, kind: Kind) -> Iterator[tuple[str, str]]:
    """The names of one kind with their titles; the title of an unreadable file is its error."""
    places = session_of(context).places
    return ((name, _title(places, kind, name, _state(origin.file))) for name, origin in places.names(kind).items())


def _state(file: Path) -> tuple[int, ...]:
    """Return what changes with a file's text or its permissions; nothing if it cannot be known."""
    try:
        status = file.stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


@lru_cache(maxsize=4096)  # every key that is typed asks for all titles
def _title(places: Places, kind: Kind, name: str, _state: tuple[int, ...]) -> str:
    """Return the title of a file; the file is read again only if its state has changed."""
    try:
        return str(LOADERS[kind](places, name).title)
    except KshellError as error:
        return error.message


def _commands(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """All commands of all frontends, since ``help`` explains each of them."""
    root: Any = context.find_root().command  # of the type Commands, whose module imports this one
    return ((name, root.find(name).get_short_help_str(90)) for name in COMMANDS)


def _explainable(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    for code in CODES:
        yield code, "; ".join(answer.title for answer in find_answers(code))
    for row in OUTCOMES:
        yield row.code, row.title
    for word in FIELD_WORDS:
        yield word, find_fields(word)[0].says
    for name, rule in RULES.items():
        yield name, rule.says


def _targets(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    from kshell.snippets.catalog import TARGETS

    return ((target.name, target.says) for target in TARGETS.values())


def _exchanges(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    from kshell.transport.exchange_text import status_line

    return ((str(number), status_line(sent.exchange)) for number, sent in session_of(context).numbered())


# ---- variables and their values


def _settings(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    settings = session_of(context).settings
    return ((name, f"{setting.text} ({setting.source})") for name, setting in settings.items())


def _assignments(context: click.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    name, equals, value = incomplete.partition("=")
    if equals:
        return ((f"{name}={text}", help_text) for text, help_text in _values(context, name, value))
    return _variables(context)


def _variables(context: click.Context) -> Iterator[tuple[str, str]]:
    """The variables of the current template that the line does not set yet."""
    typed = dict(context.params.get("variables") or ())
    for variable in session_of(context).current_template(_overrides(context)).variables:
        if variable.name not in typed:
            yield f"{variable.name}=", describe(variable)


def _values(context: click.Context, name: str, value: str) -> Iterator[tuple[str, str]]:
    if name == "to":
        yield from _recipients(context, value)
    elif name == "index":
        yield from ((str(number), "the button's position") for number in INDEX_RANGE)
    elif name == "template_name":
        yield from _template_names(context)
    elif name == "language" and (approved := _approved(context)):
        yield from ((language, f"{language_name(language)}, approved") for language in approved)
    else:
        known = next((field.known or field.allowed for field in FIELDS if field.variable == name), ())
        yield from ((text, language_name(text) if name == "language" else "a source the API knows") for text in known)


def _recipients(context: click.Context, value: str) -> Iterator[tuple[str, str]]:
    """Dialling codes with their countries for the last recipient; first the recipient that is set."""
    before = value[: value.rfind(",") + 1]
    if not before:
        yield from _current(context, "to")
    for code, countries in COUNTRIES.items():
        yield f"{before}+{code}", countries


def _current(context: click.Context, name: str) -> Iterator[tuple[str, str]]:
    overrides = _overrides(context)
    session = session_of(context)
    text = {**session.current_account(overrides).variables, **session.variables}.get(name)
    if text is not None:
        yield text, "the current value"


def _template_names(context: click.Context) -> Iterator[tuple[str, str]]:
    """The account's approved templates with their languages; the current name, if the account lists none."""
    approved = session_of(context).current_account(_overrides(context)).approved
    if not approved:
        yield from _current(context, "template_name")
    for name, languages in approved.items():
        yield name, f"approved in {listed(languages)}"


def _approved(context: click.Context) -> list[str]:
    """The languages in which the line's template is approved; those of all templates, if its name is not in the list."""
    approved = session_of(context).current_account(_overrides(context)).approved
    typed = dict(context.params.get("variables") or ())
    name = typed.get("template_name") or next((text for text, _ in _current(context, "template_name")), "")
    return [*approved.get(name, dict.fromkeys(language for known in approved.values() for language in known))]


def _overrides(context: click.Context) -> Overrides:
    options = context.params
    return Overrides(options.get("account") or "", options.get("pod") or "", options.get("template") or "")


COMPLETIONS: dict[str, Callable[[click.Context, str], Iterable[tuple[str, str]]]] = {
    "accounts": lambda context, _: _titles(context, "account"),
    "pods": lambda context, _: _titles(context, "pod"),
    "templates": lambda context, _: _titles(context, "template"),
    "things": lambda context, _: _titles(context, context.params["kind"]),  # the second argument of ``use``
    "commands": _commands,
    "explainable": _explainable,
    "rules": lambda *_: ((name, rule.says) for name, rule in RULES.items() if rule.severity == "error"),
    "statuses": lambda *_: ((row.code, row.title) for row in STATUSES),
    "meta": lambda *_: ((row.code, row.title) for row in META_ERRORS),
    "targets": _targets,
    "exchanges": _exchanges,
    "settings": _settings,
    "variables": lambda context, _: ((name, source) for name, _value, source in session_of(context).table()),
    "codes": lambda *_: [("new", "generate one by the account's policy")],
    "assignments": _assignments,
}
