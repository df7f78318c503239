"""``edit``: opens the payload in the user's editor, checks it, and sends it after a yes."""

import json
from collections.abc import Sequence
from typing import cast

import click

from kshell.commands.send import Sending, deliver, question, sending_options
from kshell.console.caller import Caller
from kshell.console.command import command, message_options, pass_caller
from kshell.core.errors import Note, Place, SetupError, UsageError
from kshell.core.json_text import dumps
from kshell.core.models import Draft, Finding, Payload, Result
from kshell.session.session import Overrides

_AGAIN = "Edit it again?"
_KEPT = Note("hint", "edit offers this text again")
_NEXT = Note("hint", "edit it again and correct its errors, or use edit --force to see what the API answers")


@command("edit", examples=["edit to=+919812345678 otp=482913"])
@message_options
@sending_options
@pass_caller
def edit(caller: Caller, overrides: Overrides, *, sending: Sending) -> Result:
    """Open the payload in $EDITOR, check it, and ask whether to send it.

    A payload with errors can be edited again. With --yes it is sent without asking. A payload that is not sent is printed,
    and the next edit offers its text again.
    """
    draft = caller.session.draft(overrides)
    edited = _edited(caller, draft, sending)
    if edited is None:
        return Result(notes=[*draft.notes, Note("info", "nothing was changed; nothing was sent")])
    faulty = bool(sending.refused(edited))
    if not faulty and (sending.yes or _confirmed(caller, edited.findings, question(edited))):
        caller.edited = ""
        return deliver(caller, edited, sending._replace(yes=True), ask=False)
    notes: tuple[Note | Finding, ...] = (*edited.findings, Note("info", "not sent"), _NEXT if faulty else _KEPT)
    return Result(dumps(edited.payload) + "\n", notes, exit_code=1 if edited.errors else 0)


def _confirmed(caller: Caller, notes: Sequence[Note | Finding], prompt: str) -> bool:
    """Whether the user answers yes; False if nobody can be asked."""
    return caller.confirm is not None and caller.confirm(prompt, notes)


def _edited(caller: Caller, draft: Draft, sending: Sending) -> Draft | None:
    """The draft as it was last saved; None if it was not. The user may edit invalid JSON and payload errors again."""
    edited = None
    resumed = bool(caller.edited) and _confirmed(caller, (), "Go on with the text that was not sent?")
    text = caller.edited if resumed else dumps(draft.payload) + "\n"
    while (saved := _in_editor(text)) is not None or resumed:
        resumed, text = False, saved or text
        caller.edited = text
        try:
            edited = caller.session.redraft(draft, _parsed(text))
        except UsageError as error:
            if _confirmed(caller, [error.note], _AGAIN):
                continue
            raise UsageError("not sent: the text is not a payload", hint=_KEPT.text) from None
        if not sending.refused(edited) or not _confirmed(caller, edited.findings, _AGAIN):
            break
    return edited


def _in_editor(text: str) -> str | None:
    try:
        return click.edit(text, extension=".json")
    except click.ClickException as error:
        if isinstance(error.__cause__, OSError):
            hint = "exit, then export EDITOR=… with the name of your editor"
            raise SetupError(error.format_message(), hint=hint) from None
        message = "the editor ended with an error, as vim does after :cq; nothing was changed or sent"
        raise SetupError(message, hint="edit opens the payload again; kshell doctor checks the editor") from None


def _parsed(text: str) -> Payload:
    from kshell.templating.payload_text import parse

    try:
        payload = parse(text)
    except json.JSONDecodeError as error:
        at = Place.in_text("payload", text, error.lineno, error.colno)
        raise UsageError(f"not JSON: {error.msg}", hint="correct it in the editor", at=at) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {error}", hint="correct it in the editor") from None
    if not isinstance(payload, dict):
        raise UsageError("a payload begins with { and ends with }", hint="correct it in the editor")
    return cast("Payload", payload)
