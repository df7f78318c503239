"""``send``: the one command that sends."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, Any

import click

from kshell.commands import Result, command, message_options, pass_session
from kshell.errors import EXIT_INTERRUPTED, EXIT_REFUSED
from kshell.exchanges import document, outcome
from kshell.jsontext import dumps
from kshell.models import TIMEOUT, Delivery, Exchange
from kshell.responses import explain
from kshell.terminal import finding_line

if TYPE_CHECKING:
    from kshell.session import Draft, Overrides, Session


class Seconds(click.FloatRange):
    """A time to wait; ``nan``, which is in no range and out of none, is refused like the rest."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True, max=3600)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. click's own error where it is none, or out of the range."""
        seconds: float = super().convert(value, param, ctx)
        if isnan(seconds):
            self.fail(f"{value} is not a number of seconds.", param, ctx)
        return seconds


@command("send", examples=["send to=+919812345678", "send -a low-balance to=+919812345678 --json"])
@message_options
@click.option("--json", "as_json", is_flag=True, help="Print request, answer and explanation as one JSON document.")
@click.option("--raw", is_flag=True, help="Print the body as it came, also on a terminal.")
@click.option("--yes", is_flag=True, help="Do not ask before sending to a live pod (only the shell asks).")
@click.option("--force", is_flag=True, help="Send although check finds an error, to see what the API says.")
@click.option(
    "--timeout",
    type=Seconds(),
    default=TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="Wait this long for the whole answer.",
)
@pass_session
def send(
    session: Session, overrides: Overrides, *, as_json: bool, raw: bool, yes: bool, force: bool, timeout: float
) -> Result:
    """Send the message, once, and say what the answer means.

    The body of the answer goes to stdout, the rest to stderr. Exit codes: 0 accepted, 1 refused, 4 not sent, 5 unknown.
    Without an account of your own nothing leaves this machine: the account demo sends to an embedded simulator.
    """
    del yes  # the shell asks; a command line has been thought about already
    draft = session.draft(overrides)
    notes = (*draft.notes, *map(finding_line, draft.findings))
    if draft.errors and not force:
        return _refused_here(draft, notes, as_json=as_json)
    exchange = session.send(draft, timeout=timeout)
    explanation = explain(exchange, draft.account.name)
    code = EXIT_INTERRUPTED if exchange.interrupted else exchange.delivery.exit_code
    if as_json:
        return Result(dumps(document(exchange, explanation)) + "\n", notes, code)
    body = exchange.response.body if exchange.response else b""
    return Result(body, (*notes, *outcome(exchange, explanation)), code, raw=raw)


def _refused_here(draft: Draft, notes: tuple[str, ...], *, as_json: bool) -> Result:
    notes = (
        *notes,
        "error: not sent: the payload has errors",
        "hint: mend them, or add --force to see what the API says",
    )
    unsent = Exchange(draft.request, None, Delivery.NOT_SENT, 0)
    return Result(dumps(document(unsent, None)) + "\n" if as_json else "", notes, EXIT_REFUSED)
