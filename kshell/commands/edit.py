"""``edit``: the payload in the user's editor, checked on return, and sent only when told to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import click

from kshell.commands import Result, command, message_options, pass_session
from kshell.commands.send import Sending, deliver, question, sending_options
from kshell.errors import Place, SetupError, UsageError
from kshell.jsontext import dumps
from kshell.terminal import finding_line, safe

if TYPE_CHECKING:
    from kshell.models import Payload
    from kshell.session import Draft, Overrides, Session


@command("edit", examples=["edit to=+919812345678 otp=482913"])
@message_options
@sending_options
@pass_session
def edit(session: Session, overrides: Overrides, *, sending: Sending) -> Result:
    """Open the payload in $EDITOR, check what comes back, and ask whether to send it.

    With --yes it is sent without asking. What is not sent is printed.
    """
    draft = session.draft(overrides)
    payload = _edited(session, dumps(draft.payload) + "\n")
    if payload is None:
        return Result(notes=[*draft.notes, "nothing was changed; nothing was sent"])
    edited = session.redraft(draft, payload)
    if sending.yes or (not edited.errors and _told_to_send(session, edited)):
        return deliver(session, edited, sending._replace(yes=True), ask=False)
    notes = (*map(finding_line, edited.findings), "not sent")
    return Result(dumps(edited.payload) + "\n", notes, exit_code=1 if edited.errors else 0)


def _told_to_send(session: Session, draft: Draft) -> bool:
    if session.confirm is None:
        return False
    return session.confirm("\n".join([*map(safe, map(finding_line, draft.findings)), question(draft)]))


def _edited(session: Session, text: str) -> Payload | None:
    """The payload as it was saved, None where it was not; what is not JSON may be edited again."""
    while True:
        saved = _in_editor(text)
        if saved is None:
            return None
        try:
            return _parsed(saved)
        except UsageError as error:
            shown = "\n".join(map(safe, error.lines()))
            if session.confirm is None or not session.confirm(f"{shown}\nEdit it again?"):
                raise
        text = saved


def _in_editor(text: str) -> str | None:
    try:
        return click.edit(text, extension=".json")
    except click.ClickException as error:
        raise SetupError(error.format_message(), hint="export EDITOR=… with the name of your editor") from None


def _parsed(text: str) -> Payload:
    from kshell.jinja import parse

    try:
        payload = parse(text)
    except json.JSONDecodeError as error:
        at = Place.in_text("payload", text, error.lineno, error.colno)
        raise UsageError(f"not JSON: {error.msg}", hint="edit opens it again from the start", at=at) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}", hint="edit opens it again from the start") from None
    if not isinstance(payload, dict):
        raise UsageError("a payload begins with { and ends with }", hint="edit opens it again from the start")
    return cast("Payload", payload)
