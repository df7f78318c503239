"""Earlier exchanges: ``history``, ``last``, ``again``, ``diff``. They are numbered from 1, as ``history`` lists them."""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

import click

from kshell.api.payload import recipients_of
from kshell.commands.send import Sending, deliver, sending_options
from kshell.console.command import command, pass_caller, pass_session
from kshell.core.errors import Note, UsageError
from kshell.core.exchange import Delivery
from kshell.core.json_text import dumps
from kshell.core.models import REDACTED, Result, Secret
from kshell.core.terminal import columns, safe_line
from kshell.transport.exchange_text import document_of, short_line, shown_body, status_line

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kshell.console.caller import Caller
    from kshell.core.exchange import Response, Sent
    from kshell.core.models import Request
    from kshell.session.session import Session


class Number(click.IntRange):
    """The number of an exchange."""

    def __init__(self) -> None:
        super().__init__(min=1)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The numbers of the session's exchanges."""
        from kshell.console import completion

        return completion.complete("exchanges", ctx, incomplete)


_NUMBER = click.argument("number", required=False, type=Number(), metavar="[NUMBER]")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@command("history", examples=["history", "history --json"])
@_AS_JSON
@pass_session
def history(session: Session, *, as_json: bool) -> Result:
    """List the last 100 messages that were sent in this session: number, sender, recipient, answer.

    The lines that you typed are a different history: use the arrow keys and Ctrl-R for them.
    """
    if as_json:
        return Result(dumps([document_of(sent) for sent in session.sent]) + "\n")
    if not session.sent:
        return Result(notes=[Note("info", "nothing was sent yet")])
    return Result(columns([(str(number), *_row(sent)) for number, sent in session.numbered()]), prose=True)


def _row(sent: Sent) -> tuple[str, ...]:
    draft, exchange = sent
    first, *others = recipients_of(draft.request.endpoint, draft.payload) or [""]
    to = f"{first} and {len(others)} more" if others else first
    who = f"{draft.account.name}@{draft.pod.name}"
    message_id = exchange.answer.message_id
    return tuple(map(safe_line, (who, to, short_line(exchange), message_id, f"{exchange.elapsed_ms:.0f} ms")))


@command("last", examples=["last", "last --answer"])
@_NUMBER
@click.option("--payload", "part", flag_value="payload", help="Print only the payload.")
@click.option("--answer", "part", flag_value="answer", help="Print only the body of the answer.")
@_AS_JSON
@pass_session
def last(session: Session, number: int | None, *, part: str | None, as_json: bool) -> Result:
    """Show the request and the answer of exchange NUMBER, by default the last one."""
    sent = _chosen(session, number)
    if as_json:
        return Result(dumps(document_of(sent)) + "\n")
    if part == "answer":
        return Result(sent.exchange.response.body if sent.exchange.response else b"")
    if part == "payload":
        return Result(f"{sent.exchange.request.body}\n")
    return Result("\n".join(_whole(sent)) + "\n")


def _whole(sent: Sent) -> list[str]:
    draft, exchange = sent
    who = f"{draft.account.name}@{draft.pod.name} · {draft.template.name} · {exchange.delivery}"
    answer = _answer_lines(exchange.response) if exchange.response else []
    return [who, *_request_lines(exchange.request), "", status_line(exchange), *answer]


def _request_lines(request: Request) -> list[str]:
    return [*_head_lines(request), "", request.body]


def _head_lines(request: Request) -> list[str]:
    headers = (f"{name}: {REDACTED if isinstance(value, Secret) else value}" for name, value in request.headers)
    return [f"{request.method} {request.url}", *headers]


def _answer_lines(response: Response) -> list[str]:
    headers = [safe_line(f"{name}: {value}") for name, value in response.headers]
    return [*headers, "", shown_body(response.body).rstrip("\n")]


@command("again", examples=["again", "again 1"])
@_NUMBER
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
@click.argument("first", required=False, type=Number(), metavar="[FIRST]")
@click.argument("second", required=False, type=Number(), metavar="[SECOND]")
@click.option("--answers", is_flag=True, help="Compare the answers instead of the requests.")
@pass_session
def diff(session: Session, first: int | None, second: int | None, *, answers: bool) -> Result:
    """Compare the requests of two exchanges, or their answers; by default of the last two.

    With one number, that exchange is compared with the last one. A request is its sender, method, URL, headers and payload.
    """
    count = session.sent_count
    pair = (first or max(1, count - 1), second or max(1, count))
    chosen = [_chosen(session, number) for number in pair]
    old, new = (_comparable(sent, answers=answers) for sent in chosen)
    names = [_name(number, sent, answers=answers) for number, sent in zip(pair, chosen, strict=True)]
    if old == new:
        return Result(notes=[Note("info", f"no difference: {' and '.join(names)}")])
    if max(len(old), len(new)) > _MOST_LINES:
        return _by_position(old, new, names)
    lines = unified_diff(old, new, names[0], names[1], lineterm="")
    return Result("".join(f"{line}\n" for line in lines))


def _by_position(old: list[str], new: list[str], names: list[str]) -> Result:
    """Compare each line with the line of the same number, which takes time linear in their number; show the first ones."""
    pairs = enumerate(zip_longest(old, new), 1)
    differing = ((number, *pair) for number, pair in pairs if pair[0] != pair[1])
    shown = [
        f"@@ line {number} @@\n"
        + "".join(f"{sign}{line}\n" for sign, line in zip("-+", pair, strict=True) if line is not None)
        for number, *pair in islice(differing, _MOST_SHOWN)
    ]
    count = len(shown) + sum(1 for _ in differing)
    text = f"{count} lines differ, each compared with the line of the same number because there are over {_MOST_LINES}"
    more = f"; the first {len(shown)} are shown" if count > len(shown) else ""
    return Result(f"--- {names[0]}\n+++ {names[1]}\n{''.join(shown)}", [Note("info", text + more)])


_MOST_LINES = 2_000  # of which a search for moved lines takes a second at most
_MOST_SHOWN = 100


def _name(number: int, sent: Sent, *, answers: bool) -> str:
    if not answers:
        return f"request of {number}"
    marks = ", ".join(sent.exchange.marks)
    return f"answer of {number} ({marks})" if marks else f"answer of {number}"


def _comparable(sent: Sent, *, answers: bool) -> list[str]:
    if not answers:
        request = sent.exchange.request
        return [
            f"{sent.draft.account.name}@{sent.draft.pod.name}",
            *_head_lines(request),
            "",
            *request.body.splitlines(),
        ]
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
