"""``inbox``: the messages that the simulator delivered, drawn as a phone shows them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_session
from kshell.core.errors import Note
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import fitted, safe_line, width_of

if TYPE_CHECKING:
    from kshell.session.session import Session
    from kshell.simulator.inbox import Delivered

_WIDEST = 44  # columns of a bubble; a phone is narrow


@command("inbox", examples=["inbox", "inbox --json"])
@click.option("--all", "everything", is_flag=True, help="Draw every message, not only the last three.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of every message.")
@pass_session
def inbox(session: Session, *, everything: bool, as_json: bool) -> Result:
    """Show the messages that the embedded simulator delivered, with the button that copies the code.

    WhatsApp takes the text from the approved template; kshell knows only the code in the text and the code of the button.
    """
    if as_json:
        return Result(dumps([json.loads(line) for line in session.simulator.kept.lines()]) + "\n")
    messages = session.simulator.inbox
    if not messages:
        return Result(notes=[Note("info", "the simulator delivered nothing yet; send to=… -p sandbox sends a message")])
    shown = messages if everything else messages[-3:]
    hidden = len(messages) - len(shown)
    notes = [Note("info", f"{hidden} earlier not shown; inbox --all shows them")] if hidden else []
    width = min(_WIDEST, shutil.get_terminal_size().columns - 1)
    return Result("\n".join("\n".join(bubble(message, width)) + "\n" for message in shown), notes)


def bubble(message: Delivered, width: int) -> list[str]:
    """The lines of a message as a chat bubble, ``width`` columns wide: the text with the code, and the button below it."""
    inner = width - 4
    body, button = safe_line(message.code), safe_line(message.button_code)
    head = safe_line(f"{message.recipient} · {message.template_name} · {message.language}")
    note = [] if body == button else ["⚠ text and button hold different codes"]
    return [
        fitted(head, width).rstrip(),
        f"╭{'─' * (inner + 2)}╮",
        *(f"│ {fitted(line, inner)} │" for line in _wrapped(f"{body} is your verification code.", inner)),
        f"├{'─' * (inner + 2)}┤",
        f"│ {_centred(f'⧉ Copy code  {button}', inner)} │",
        f"╰{'─' * (inner + 2)}╯",
        *note,
    ]


def _wrapped(text: str, width: int) -> list[str]:
    from textwrap import wrap

    return wrap(text, width)


def _centred(text: str, width: int) -> str:
    return fitted(" " * max(0, (width - width_of(text)) // 2) + text, width)
