"""What a message is before it is sent: ``render``, ``check``, ``curl``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kshell.commands import Result, command, message_options, pass_session
from kshell.errors import EXIT_REFUSED
from kshell.jsontext import dumps
from kshell.terminal import finding_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from kshell.session import Draft, Overrides, Session


def _strict(function: Callable[..., Result]) -> Callable[..., Result]:
    return click.option("--strict", is_flag=True, help="Print nothing and exit 1 when check would find an error.")(
        function
    )


@command("render", examples=["render to=+919812345678 otp=482913", "render -a docs"])
@message_options
@_strict
@pass_session
def render(session: Session, overrides: Overrides, *, strict: bool) -> Result:
    """Print the JSON payload."""
    draft = session.draft(overrides)
    return _preview(draft, dumps(draft.payload), strict=strict)


@command("curl", examples=["curl to=+919812345678 otp=482913", "curl -a docs --compact"])
@message_options
@click.option("--reveal", is_flag=True, help="Print the API key instead of a reference to it.")
@click.option("--compact", is_flag=True, help="Print one line.")
@_strict
@pass_session
def curl(session: Session, overrides: Overrides, *, reveal: bool, compact: bool, strict: bool) -> Result:
    """Print the request as a curl command for bash, dash, zsh and fish.

    The API key stays out of it: the line reads an environment variable, which is the one the account names or
    KALEYRA_API_KEY. What is printed makes the request that send makes.
    """
    from kshell import keys, snippets

    draft = session.draft(overrides)
    key = keys.resolve(draft.account) if reveal else None
    return _preview(draft, snippets.curl(draft.request, key=key, compact=compact), strict=strict)


@command("check", examples=["check to=+919812345678 otp=482913", "check to=+919812345678 otp=12345678901234567 --json"])
@message_options
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON list.")
@pass_session
def check(session: Session, overrides: Overrides, *, as_json: bool) -> Result:
    """Print what is wrong with the payload, one finding a line.

    A line holds the severity, the code of the rule, a JSON pointer, what is wrong, and what to write instead. An error
    makes the exit code 1; kshell explain CODE says what a rule rests on.
    """
    draft = session.draft(overrides)
    if as_json:
        output = dumps([finding._asdict() for finding in draft.findings]) + "\n"
    else:
        output = "".join(f"{finding_line(finding)}\n" for finding in draft.findings)
    notes = draft.notes if draft.findings or as_json else (*draft.notes, "no findings")
    return Result(output, notes, EXIT_REFUSED if draft.errors else 0)


def _preview(draft: Draft, text: str, *, strict: bool) -> Result:
    notes = (*draft.notes, *map(finding_line, draft.findings))
    if strict and draft.errors:
        return Result("", notes, EXIT_REFUSED)
    return Result(f"{text}\n", notes)
