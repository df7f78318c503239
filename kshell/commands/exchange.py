"""Earlier exchanges: ``history``, ``last``, ``again``, ``diff``. They are numbered from 1, as ``history`` lists them."""

from collections.abc import Callable
from difflib import unified_diff

import click

from kshell.commands.send import Sending, deliver, sending_options
from kshell.console.caller import Caller
from kshell.console.command import as_json, command, offering, pass_caller, pass_session
from kshell.core.errors import Note, UsageError
from kshell.core.exchange import Delivery, Sent
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Request, Result, Secret
from kshell.core.terminal import columns, safe_line
from kshell.session.session import Session
from kshell.transport.exchange_text import document_of, short_line, shown_body, status_line


def _number(name: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    completed = offering("exchanges")
    return click.argument(
        name, required=False, type=click.IntRange(min=1), shell_complete=completed, metavar=f"[{name.upper()}]"
    )


@command("history", examples=["history", "history --json"])
@as_json
@pass_session
def history(session: Session, *, as_json: bool) -> Result:
    """List the last 100 messages that were sent in this session: number, sender, recipient, answer.

    The lines that you typed are a different history: use the arrow keys and Ctrl-R for them.
    """
    if as_json:
        return Result(dumps([document_of(sent) for sent in session.sent]) + "\n")
    if not session.sent:
        return Result(notes=[Note("info", "nothing was sent yet")])
    return Result(columns(_row(number, sent) for number, sent in session.numbered()), prose=True)


def _row(number: int, sent: Sent) -> tuple[str, ...]:
    draft, exchange = sent
    first, *others = draft.recipients or [""]
    to = f"{first} and {len(others)} more" if others else first
    who = f"{draft.account.name}@{draft.pod.name}"
    return str(number), who, to, short_line(exchange), exchange.answer.message_id, f"{exchange.elapsed_ms:.0f} ms"


@command("last", examples=["last", "last --answer"])
@_number("number")
@click.option("--answer", is_flag=True, help="Print only the body of the answer.")
@as_json
@pass_session
def last(session: Session, number: int | None, *, answer: bool, as_json: bool) -> Result:
    """Show the request and the answer of exchange NUMBER, by default the last one."""
    sent = _chosen(session, number)
    if as_json:
        return Result(dumps(document_of(sent)) + "\n")
    if answer:
        return Result(sent.exchange.response.body if sent.exchange.response else b"")
    return Result("\n".join(_whole(sent)) + "\n")


def _whole(sent: Sent) -> list[str]:
    draft, exchange = sent
    who = f"{draft.account.name}@{draft.pod.name} · {draft.template.name} · {exchange.delivery}"
    request = [*_head_lines(exchange.request), "", exchange.request.body, ""]
    response = exchange.response
    headers = [safe_line(f"{name}: {value}") for name, value in response.headers] if response else []
    body = ["", shown_body(response.body).rstrip("\n")] if response else []
    return [who, *request, status_line(exchange), *headers, *body]


def _head_lines(request: Request) -> list[str]:
    headers = (f"{name}: {REDACTED if isinstance(value, Secret) else value}" for name, value in request.headers)
    return [f"{request.method} {request.url}", *headers]


@command("again", examples=["again", "again 1"])
@_number("number")
@sending_options
@pass_caller
def again(caller: Caller, number: int | None, *, sending: Sending) -> Result:
    """Send the message of exchange NUMBER once more, by default the last one.

    It is a second message with the same code. If the first may have been delivered, the shell asks before it sends.
    """
    draft, exchange = _chosen(caller.session, number)
    ask = caller.asks(draft.pod) or exchange.delivery is Delivery.UNKNOWN
    return deliver(caller, draft, sending, ask=ask)


@command("diff", examples=["diff", "diff 1 2 --answers"])
@_number("first")
@_number("second")
@click.option("--answers", is_flag=True, help="Compare the answers instead of the requests.")
@pass_session
def diff(session: Session, first: int | None, second: int | None, *, answers: bool) -> Result:
    """Compare the requests of two exchanges, or their answers; by default of the last two.

    With one number, that exchange is compared with the last one. A request is its sender, method, URL, headers and payload.
    """
    count = session.sent_count
    pair = (first or max(1, count - 1), second or max(1, count))
    chosen = [_chosen(session, number) for number in pair]
    old, new = (_answer(sent) if answers else _request(sent) for sent in chosen)
    marks = (f" ({', '.join(sent.exchange.marks)})" if answers and sent.exchange.marks else "" for sent in chosen)
    what = "answer" if answers else "request"
    names = [f"{what} of {number}{mark}" for number, mark in zip(pair, marks, strict=True)]
    if old == new:
        return Result(notes=[Note("info", f"no difference: {' and '.join(names)}")])
    lines = "".join(
        f"{line}\n" for line in unified_diff(old[:_MOST_LINES], new[:_MOST_LINES], names[0], names[1], lineterm="")
    )
    cut = max(len(old), len(new)) > _MOST_LINES
    return Result(lines, [Note("info", f"only the first {_MOST_LINES} lines of each were compared")] if cut else [])


_MOST_LINES = 2_000  # which takes a second at most


def _request(sent: Sent) -> list[str]:
    request = sent.exchange.request
    who = f"{sent.draft.account.name}@{sent.draft.pod.name}"
    return [who, *_head_lines(request), "", *request.body.splitlines()]


def _answer(sent: Sent) -> list[str]:
    response = sent.exchange.response
    if response is None:
        return [status_line(sent.exchange)]
    answer = sent.exchange.answer
    text = shown_body(response.body) if answer.json is None else dumps(answer.json)
    return [safe_line(f"{response.status} {response.reason}"), *text.splitlines()]


def _chosen(session: Session, number: int | None) -> Sent:
    """The exchange with this number, by default the last one. Raises ``UsageError`` if there is no such exchange."""
    if not session.sent:
        raise UsageError("nothing was sent yet in this session", hint="send to=… sends a message")
    first, last = session.sent_count - len(session.sent) + 1, session.sent_count
    if number is not None and not first <= number <= last:
        raise UsageError(f"there is no exchange {number}", hint=f"history lists {first} to {last}")
    return session.sent[(number or last) - first]
