"""``inbox``: the messages that the simulator delivered, drawn as a phone shows them."""

import shutil
from textwrap import wrap
from typing import Any

import click

from kshell.console.caller import Caller
from kshell.console.command import Number, command, pass_caller, refuse_both
from kshell.core.errors import EXIT_REFUSED, Note
from kshell.core.json_text import dumps
from kshell.core.models import Result
from kshell.core.terminal import fitted, safe_line, width_of
from kshell.profiles.profiles import load_pod
from kshell.simulator.inbox import Delivered, from_json

_WIDEST = 44  # columns of a bubble; a phone is narrow
_SIMULATOR = "sandbox"  # the pod with the address of ``kshell sandbox``


@command("inbox", examples=["inbox", "inbox --json", "inbox --to +919812345678 --code"])
@click.option("--to", default="", metavar="NUMBER", help="Only the messages to this number.")
@click.option("--wait", type=Number(0, 3600), default=0.0, metavar="S", help="Wait up to S seconds for a message.")
@click.option(
    "--code", "code_alone", is_flag=True, help="Print the newest code alone; exit 1 if no message reached the phone."
)
@click.option(
    "--url", metavar="URL", help="Ask the sandbox that runs here. [default on the command line: the pod sandbox's]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of every message.")
@pass_caller
def inbox(caller: Caller, *, to: str, wait: float, code_alone: bool, url: str | None, as_json: bool) -> Result:
    """Show the messages that the simulator delivered, with the button that copies the code.

    On the command line it asks the sandbox that runs on this machine (kshell sandbox); in the shell and in scripts it shows
    what the embedded simulator delivered. WhatsApp takes the text from the approved template; kshell knows only the code in
    the text and the code of the button.
    """
    refuse_both(code=code_alone, json=as_json)
    messages = _messages(caller, to, wait, url)
    if code_alone:
        arrived = [message for message in messages if not message["fails_with"]]
        return Result(f"{arrived[-1]['code']}\n") if arrived else _none(to, wait, messages)
    if as_json:
        return Result(f"{dumps([*messages])}\n")
    if not messages:
        text = "the simulator delivered nothing yet" if not to else f"the simulator delivered nothing to {to} yet"
        return Result(notes=[Note("info", f"{text}; send to={to or '…'} -p sandbox sends a message")])
    shown = messages[-3:]
    hidden = len(messages) - len(shown)
    notes = [Note("info", f"{hidden} earlier not shown; inbox --json has all")] if hidden else []
    width = min(_WIDEST, shutil.get_terminal_size().columns - 1)
    return Result("\n".join("\n".join(bubble(from_json(message), width)) + "\n" for message in shown), notes)


def _messages(caller: Caller, to: str, wait: float, url: str | None) -> list[dict[str, Any]]:
    """Return the messages of the sandbox at ``url``, or of the embedded simulator, as JSON."""
    session = caller.session
    if url is None and caller.frontend != "line":
        return session.messages(to)
    return session.messages(to, url or load_pod(session.places, _SIMULATOR).base_url, wait)


def _none(to: str, wait: float, failed: list[dict[str, Any]]) -> Result:
    """Return the error for a code that did not reach the phone; ``failed`` are the messages that fail."""
    if failed:
        code = failed[-1]["fails_with"]
        note = Note("error", f"the newest message fails with {code}", hint=f"kshell explain {code}")
        return Result(notes=[note], exit_code=EXIT_REFUSED)
    what = f"no message to {to} came" if to else "no message came"
    hint = "is the application's base URL the sandbox's, and is the number in the form +919812345678?"
    return Result(
        notes=[Note("error", f"{what} within {wait:g} s" if wait else what, hint=hint)], exit_code=EXIT_REFUSED
    )


def bubble(message: Delivered, width: int) -> list[str]:
    """The lines of a message as a chat bubble, ``width`` columns wide: the text with the code, and the button below it."""
    inner = width - 4
    body, button = safe_line(message.code), safe_line(message.button_code)
    status = message.statuses[-1].status if message.statuses else "accepted"
    head = safe_line(f"{message.recipient} · {message.template_name} · {message.language} · {status}")
    label = f"Copy code  {button}"
    blanks = " " * max(0, (inner - width_of(label)) // 2)
    notes = [] if body == button else ["⚠ text and button hold different codes"]
    if status == "failed":
        notes.append(f"✗ not on the phone: kshell explain {message.fails_with}")
    return [
        fitted(head, width).rstrip(),
        f"╭{'─' * (inner + 2)}╮",
        *(f"│ {fitted(line, inner)} │" for line in wrap(f"{body} is your verification code.", inner)),
        f"├{'─' * (inner + 2)}┤",
        f"│ {fitted(f'{blanks}{label}', inner)} │",
        f"╰{'─' * (inner + 2)}╯",
        *notes,
    ]
