"""Completions for the word at the cursor, each with a help text: in the kshell shell, in bash, zsh, fish and PowerShell.

A click parameter type (``Known``, ``Assignment``) names the function here that lists its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    CompletionItem,
)

from kshell.api.authentication.fields import INDEX_RANGE
from kshell.api.endpoints import FIELDS, RULES, all_codes, field_words, find_answers, find_fields
from kshell.api.regions import COUNTRIES, language_name
from kshell.api.statuses import META_ERRORS, OUTCOMES, STATUSES
from kshell.console.caller import session_of
from kshell.core.errors import KshellError, listed
from kshell.core.terminal import safe_line
from kshell.profiles.files import Places
from kshell.profiles.profiles import load_account, load_pod
from kshell.session.session import Overrides
from kshell.templating.templates import describe, load_template


def complete(kind: str, context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """The completions of a ``kind`` that begin with ``incomplete``; none if a profile cannot be read."""
    try:
        values = list(COMPLETIONS[kind](context, incomplete))
    except KshellError:
        return []
    return [CompletionItem(value, help=safe_line(text)) for value, text in values if value.startswith(incomplete)]


# ---- names


def _accounts(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    return _titles(context, "account", load_account)


def _pods(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    return _titles(context, "pod", load_pod)


def _templates(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    return _titles(context, "template", load_template)


_TITLES: dict[Path, tuple[object, str]] = {}
"""The title of each file that was read, and the file's state then."""


def _titles(context: click.Context, kind: Any, load: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    """The names of one kind with their titles; the title of an unreadable file is its error.

    A file is read again only if its times or its size have changed, since every key that is typed asks for the titles.
    """
    places = session_of(context).places
    for name, origin in places.names(kind).items():
        state = _state(origin.file)
        kept = _TITLES.get(origin.file)
        if state is None or kept is None or kept[0] != state:
            kept = _TITLES[origin.file] = (state, _title(places, name, load))
        yield name, kept[1]


def _state(file: Path) -> tuple[int, ...] | None:
    """Return what changes with a file's text or its permissions; None if it cannot be known."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _title(places: Places, name: str, load: Callable[..., Any]) -> str:
    try:
        return str(load(places, name).title)
    except KshellError as error:
        return error.message


def _things(context: click.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """The names for the second argument of ``use``."""
    return COMPLETIONS[f"{context.params['kind']}s"](context, incomplete)


def _commands(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """All commands of all frontends, since ``help`` explains each of them."""
    from kshell.syntax.command_table import SECTIONS

    root: Any = context.find_root().command  # of the type Commands, whose module imports this one
    for section in SECTIONS.values():
        for name in section:
            if command := root.find(name):
                yield name, command.get_short_help_str(90)


def _explainable(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    for code in all_codes():
        yield code, "; ".join(answer.title for answer in find_answers(code))
    for row in OUTCOMES:
        yield row.code, row.title
    for word in field_words():
        yield word, find_fields(word)[0].says
    for name, rule in RULES.items():
        yield name, rule.says


def _rules(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    yield from ((name, rule.says) for name, rule in RULES.items() if rule.severity == "error")


def _statuses(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    return ((row.code, row.title) for row in STATUSES)


def _meta(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    return ((row.code, row.title) for row in META_ERRORS)


def _exchanges(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    from kshell.transport.exchange_text import status_line

    for number, sent in session_of(context).numbered():
        yield str(number), status_line(sent.exchange)


# ---- variables and their values


def _settings(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    for name, setting in session_of(context).settings.items():
        yield name, f"{setting.text} ({setting.source})"


def _set_or_not(context: click.Context, _: str) -> Iterator[tuple[str, str]]:
    """Every variable of the session and its template, with its source."""
    return ((name, source) for name, _, source in session_of(context).table())


def _codes(_: click.Context, __: str) -> Iterator[tuple[str, str]]:
    yield "new", "generate one by the account's policy"


def _assignments(context: click.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    name, equals, value = incomplete.partition("=")
    if equals:
        return ((f"{name}={text}", help_text) for text, help_text in _values(context, name, value))
    return _variables(context)


def _variables(context: click.Context) -> Iterator[tuple[str, str]]:
    """The variables of the current template that the line does not set yet."""
    typed = [name for name, _ in context.params.get("variables") or ()]
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


COMPLETIONS: dict[str, Callable[[click.Context, str], Iterator[tuple[str, str]]]] = {
    "accounts": _accounts,
    "pods": _pods,
    "templates": _templates,
    "things": _things,
    "commands": _commands,
    "explainable": _explainable,
    "rules": _rules,
    "statuses": _statuses,
    "meta": _meta,
    "exchanges": _exchanges,
    "settings": _settings,
    "variables": _set_or_not,
    "codes": _codes,
    "assignments": _assignments,
}
