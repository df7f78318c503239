"""``trigger``: a status callback as the vendor posts it, without a message."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from kshell.api.callbacks import callback_request
from kshell.api.statuses import META_ERRORS, STATUSES
from kshell.console.caller import Caller
from kshell.console.command import Assignment, command, offering, pass_caller
from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_REFUSED, Note, UsageError, did_you_mean, listed
from kshell.core.exchange import Delivery, Exchange
from kshell.core.json_text import dumps
from kshell.core.models import Result, is_loopback
from kshell.session.session import Session

_NAMES = ("to", "ref", "ref1", "ref2", "message_id", "timestamp")
_RECIPIENT = "+919812345678"
_UNDELIVERABLE = 131026
_TIMEOUT = 10.0  # seconds


@command(
    "trigger",
    examples=["trigger delivered to=+919812345678 ref=customer-42", "trigger failed --code 131026"],
)
@click.argument("status", shell_complete=offering("statuses"), metavar="STATUS")
@click.argument(
    "values",
    nargs=-1,
    type=Assignment(),
    shell_complete=lambda _, __, start: [it for it in map("{}=".format, _NAMES) if it.startswith(start)],
    metavar="[NAME=VALUE]...",
)
@click.option(
    "--code",
    shell_complete=offering("meta"),
    metavar="N",
    help="Meta's error code of a failed message. [default: 131026]",
)
@click.option("--url", metavar="URL", help="Post the callback to this application: on this machine, or https.")
@pass_caller
def trigger(
    caller: Caller, status: str, values: tuple[tuple[str, str], ...], *, code: str | None, url: str | None
) -> Result:
    """Print a status callback as the vendor posts it, or post it to --url. No message is sent.

    STATUS is sent, delivered, read, failed or not-sent. NAME is to, ref, ref1, ref2, message_id or timestamp (in seconds since
    1970). Without to and refs the session's are used, else +919812345678; without message_id a new one. With --url the exit
    code is 0 if the application answered with 2xx, 1 for another answer, 4 if nothing was sent, 5 if it did not answer.
    """
    from kshell.simulator.callbacks import status_callback
    from kshell.simulator.statuses import Status, meta_error

    known = [row.code for row in STATUSES]
    if status not in known:
        raise UsageError(
            f"there is no status {status!r}", hint=did_you_mean(status, known) or f"statuses: {listed(known)}"
        )
    if code is not None and status != "failed":
        raise UsageError(f"a message that is {status} has no error", hint="--code goes with the status failed")
    errors = (meta_error(_code(code)),) if status == "failed" else ()
    about, timestamp = _about(caller.session, dict(values))
    body = status_callback(about, Status(status, timestamp, errors))
    if url is None:
        return Result(f"{dumps(body)}\n")
    _refuse_url(url, in_script=caller.frontend == "script")
    from kshell.transport.client import Route, send

    return _posted(send(callback_request(url, body), "", Route(_TIMEOUT)))


def _code(text: str | None) -> int:
    if text is None:
        return _UNDELIVERABLE
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        near = did_you_mean(text, [row.code for row in META_ERRORS])
        raise UsageError(f"{text!r} is not a code of Meta's", hint=near or "it is a number, such as 131026")
    return int(text)


def _about(session: Session, values: Mapping[str, str]) -> tuple[Any, float]:
    """Return the message that the callback is about, and the status's time in Unix seconds."""
    from kshell.simulator.callbacks import About
    from kshell.simulator.simulator import new_message_id

    for name in values:
        if name not in _NAMES:
            raise UsageError(
                f"a callback has no {name!r}", hint=did_you_mean(name, _NAMES) or f"names: {listed(_NAMES)}"
            )
    timestamp = values.get("timestamp", str(int(time.time())))
    if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 10:
        raise UsageError(f"{timestamp!r} is not a timestamp", hint="write seconds since 1970, such as 1764000000")
    chosen = {"to": _RECIPIENT, **session.variables, **values}
    return About(
        chosen["to"].partition(",")[0],
        session.current_account().phone_number,
        values.get("message_id") or new_message_id(),
        *(chosen.get(name, "") for name in ("ref", "ref1", "ref2")),
    ), int(timestamp)


def _refuse_url(url: str, *, in_script: bool) -> None:
    """Raise ``UsageError`` for a URL to which no callback is posted: a script may be somebody else's."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme if parts.port != 0 else ""
    except ValueError:  # brackets without an address, or a port that does not exist
        scheme = ""
    if (scheme in ("http", "https") and is_loopback(url)) or (scheme == "https" and not in_script):
        return
    hint = (
        "a script posts only to this machine" if scheme == "https" else "write https://…, or http:// for this machine"
    )
    raise UsageError(f"no callback is posted to {url}", hint=f"{hint}, such as http://127.0.0.1:5000/hook")


def _posted(exchange: Exchange) -> Result:
    """Return what the application answered; its body goes to stdout."""
    if exchange.interrupted:
        return Result(notes=[Note("info", f"interrupted; delivery: {exchange.delivery}")], exit_code=EXIT_INTERRUPTED)
    response, url = exchange.response, exchange.request.url
    if response is None:
        if exchange.delivery is Delivery.NOT_SENT:
            causes = (exchange.error.message, *exchange.error.causes) if exchange.error else ()
            hint = "does the application run there?"
            note = Note("error", f"nothing was posted to {url}", hint=hint, details=causes)
        else:
            hint = f"it has {_TIMEOUT:g} s to answer"
            note = Note("error", f"{url} did not answer; it may have the callback", hint=hint)
        return Result(notes=[note], exit_code=exchange.delivery.exit_code)
    said = Note("info", f"{response.status} {response.reason}".strip() + f" · {exchange.elapsed_ms:.0f} ms")
    if response.status // 100 == 2:
        return Result(response.body, [said], EXIT_DONE)
    refusal = Note("error", f"the application answered {response.status}", hint="its log says why")
    return Result(response.body, [said, refusal], EXIT_REFUSED)
