"""``send``: sends a message; ``again`` and ``edit`` send with the same ``deliver``."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import click

from kshell.api.answers import explain
from kshell.console.caller import Caller
from kshell.console.command import Number, command, gathered, message_options, offering, pass_caller
from kshell.core.errors import EXIT_INTERRUPTED, EXIT_NOT_SENT, EXIT_REFUSED, Note, UsageError, did_you_mean, listed
from kshell.core.exchange import Delivery, Exchange
from kshell.core.json_text import dumps
from kshell.core.models import TIMEOUT, Draft, Finding, Json, Result
from kshell.core.terminal import finding_line
from kshell.session.session import Overrides, Session
from kshell.transport.exchange_text import document, outcome


class Sending(NamedTuple):
    """The values of the options that every sending command has."""

    as_json: bool
    raw: bool
    yes: bool
    force: bool
    allow: tuple[str, ...]
    timeout: float

    def refused(self, draft: Draft) -> tuple[Finding, ...]:
        """The errors of ``draft`` that neither ``--force`` nor ``--allow`` passes over."""
        return draft.refused_by(self.allow, force=self.force)


def _known_rules(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes of rules. Raises ``UsageError`` for a rule that does not exist."""
    from kshell.api.endpoints import RULES

    for name in names:
        if name not in RULES:
            hint = did_you_mean(name, RULES) or f"rules: {listed(RULES, most=20)}"
            raise UsageError(f"there is no rule {name!r}", hint=hint)
    return names


sending_options = gathered(
    "sending",
    Sending,
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print request, answer, marks (simulated, replayed, recorded) and explanation as one JSON document.",
    ),
    click.option("--raw", is_flag=True, help="Print the body unchanged, also on a terminal: a key is not masked."),
    click.option("--yes", is_flag=True, help="Do not ask before sending (only the shell asks)."),
    click.option("--force", is_flag=True, help="Send a payload with errors too, to see what the API answers."),
    click.option(
        "--allow",
        multiple=True,
        callback=_known_rules,
        shell_complete=offering("rules"),
        metavar="RULE",
        help="Send a payload in which this rule finds an error, such as otp-twice. Repeatable.",
    ),
    click.option(
        "--timeout",
        type=Number(0, 3600, min_open=True),
        default=TIMEOUT,
        show_default=True,
        metavar="SECONDS",
        help="Wait this long for the complete answer.",
    ),
)
"""The options of every command that sends; the function gets them as one ``Sending`` named ``sending``."""


@command("send", examples=["send to=+919812345678", "send -a low-balance to=+919812345678 --json"])
@message_options
@sending_options
@pass_caller
def send(caller: Caller, overrides: Overrides, *, sending: Sending) -> Result:
    """Send the message once, and explain the answer.

    The body of the answer goes to stdout, the rest to stderr. Exit codes: 0 accepted; 1 refused by the API, or not sent
    because check finds an error; 4 not sent; 5 unknown.
    Without an account of your own nothing leaves this machine: the account demo sends to an embedded simulator.
    """
    draft = caller.session.draft(overrides)
    return deliver(caller, draft, sending, ask=caller.asks(draft.pod))


def deliver(caller: Caller, draft: Draft, sending: Sending, *, ask: bool) -> Result:
    """Send a draft, after a question if ``ask``, and return the explained answer."""
    notes: tuple[Note | Finding, ...] = (*draft.notes, *draft.findings)
    if sending.refused(draft):
        return _not_sent(draft, notes, sending)
    notes = (*caller.session.files.folder_notes(draft), *notes)
    if ask and not sending.yes and caller.confirm:
        if not caller.confirm(question(draft), notes):
            return Result(notes=[Note("info", "not sent")], exit_code=EXIT_NOT_SENT)
        notes = ()  # they were shown with the question
    exchange = caller.session.send(draft, timeout=sending.timeout)
    meaning = partial(explain, exchange, draft.account.name, draft.options)
    code = EXIT_INTERRUPTED if exchange.interrupted else exchange.delivery.exit_code
    if sending.as_json:
        return Result(dumps(document(exchange, meaning())) + "\n", notes, code, sent=True)
    body = exchange.response.body if exchange.response else b""
    body = _received(caller.session) if sending.raw else body
    return Result(body, (*notes, *outcome(exchange, meaning)), code, raw=sending.raw, sent=True)


def _received(session: Session) -> bytes:
    """Return the body of the last answer with the API key unmasked, if the server repeats it."""
    from kshell.transport.client import cut_to_limit

    received = session.attempt.received if session.attempt else None
    return cut_to_limit(received).body if received else b""


def question(draft: Draft) -> str:
    """The question before a send: the recipients, the account and the pod."""
    numbers = draft.recipients
    known = listed(numbers, most=_MOST_NAMED)
    to = known if len(numbers) == 1 else f"{len(numbers)} recipients ({known})" if numbers else "no recipient"
    pod = draft.pod
    where = f"the live pod {pod.name} ({pod.base_url.removeprefix('https://')})" if pod.live else f"the pod {pod.name}"
    return f"Send to {to} as {draft.account.name} on {where}?"


_MOST_NAMED = 3  # recipients in a question


def _not_sent(draft: Draft, notes: Sequence[Note | Finding], sending: Sending) -> Result:
    rules = dict.fromkeys(error.code for error in sending.refused(draft))
    text = f"not sent: the payload has errors, by {'the rule' if len(rules) == 1 else 'the rules'} {listed(rules)}"
    options = " ".join(f"--allow {rule}" for rule in rules)
    hint = f"correct them; or add {options} (--force: all rules) to see what the API answers"
    own = draft.template.origin.place != "shipped"
    details = [f"the API's page is for no other kind of message: {draft.request.endpoint.title}"] if own else []
    refusal = Note("error", text, hint=hint, details=tuple(details))
    notes = (*notes, refusal)
    if not sending.as_json:
        return Result("", notes, EXIT_REFUSED)
    error: dict[str, Json] = {
        "message": refusal.text,
        "causes": [finding_line(found) for found in sending.refused(draft)],
        "hint": refusal.hint,
    }
    unsent = Exchange(draft.request, None, Delivery.NOT_SENT, 0)
    return Result(dumps(document(unsent, None) | {"error": error}) + "\n", notes, EXIT_REFUSED)
