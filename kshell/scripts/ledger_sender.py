"""Send the messages of the rows of a run by its ledger.

Each message is claimed before its first byte, and its outcome is noted. A row of which nothing is left to send is passed over.
"""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING
from weakref import ref

from kshell.api.answers import brief_response
from kshell.api.payload import recipients_of
from kshell.core.errors import EXIT_UNKNOWN, FateUnknownError, LedgerError
from kshell.core.models import Result
from kshell.profiles.files import quoted
from kshell.scripts.ledger import Claim
from kshell.scripts.script_run import FROM_LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.core.exchange import Exchange
    from kshell.scripts.ledger import Entry, Ledger, Row
    from kshell.scripts.script import Script
    from kshell.scripts.script_run import Case
    from kshell.session.session import Sender
    from kshell.transport.client import Attempt

_ANSWERED = ("accepted", "refused")


class LedgerRows:
    """The rows of a run with ``ledger``. ``close`` is called if the ledger cannot be written: no further row may begin then.

    ``late`` are the rows that another job or run was sending when their turn came, or that it sent before their own claim. They
    are looked at again at the end.
    """

    def __init__(self, ledger: Ledger, close: Callable[[], None]) -> None:
        self.ledger = ledger
        self.late: dict[Case, None] = {}
        self.error: LedgerError | None = None  # why the run was closed
        self._close = close

    def settle(self) -> list[Case]:
        """Wait a moment for the outcomes of the late rows, and return these rows. Raises ``LedgerError``."""
        if self.late:
            self.ledger.settle(self._row(case) for case in self.late)
        return [*self.late]

    def passes_over(self, case: Case) -> bool:
        """Whether the row of ``case`` must not be run now. Unless it is late, the case has its outcome then."""
        try:
            entries = self.ledger.sends_of(self._row(case)) if self.ledger.has_others else []
        except LedgerError as error:
            self._fail(error)
            case.state, case.unrun = "failed", Result(notes=[error.note], exit_code=error.exit_code)
            return True
        if not entries:
            return False
        unknown = self._unknown_among(entries)
        case.answered = frozenset(entry.ordinal for entry in entries if entry.state in _ANSWERED)
        if not unknown and not 0 < _sends_in(case.script) <= len(case.answered):
            return False
        if unknown and unknown.state == "claimed" and case not in self.late:
            self.late[case] = None
            return True
        case.unrun = Result(notes=[self._error_of(unknown).note], exit_code=EXIT_UNKNOWN) if unknown else Result()
        case.earlier = tuple("unknown" if entry.state == "claimed" else entry.state for entry in entries)
        case.state = "passed over"
        return True

    def sender(self, case: Case, send: Sender) -> Sender:
        """Return a sender for the sends of a row, in the order of its script.

        A send that an earlier run ended is not sent: its status, code and message id are the answer. The sender raises
        ``FateUnknownError`` for a send whose outcome is unknown, and for one that another job or run has begun since
        ``passes_over``; the row is late then, unless a message of it was sent. It raises ``LedgerError`` if the ledger cannot
        be written.
        """
        ordinals = count(1)
        row, found = self._row(case), ref(case)  # the case keeps its sender; both are gone at once when it has ended
        answered, again = case.answered, case in self.late
        new: list[Exchange] = []

        def send_once(attempt: Attempt) -> Exchange:
            claim = Claim(row, next(ordinals), time.time())
            recipient = next(iter(recipients_of(attempt.request.endpoint, attempt.request.payload)), "")
            try:
                earlier = self.ledger.claim(claim, recipient)
                if earlier is None:
                    new.append(send(attempt))
                    self._note(claim, new[-1])
                    return new[-1]
            except LedgerError as error:
                self._fail(error)
                raise
            except BaseException:  # also Ctrl-C: what is known now is noted
                self._note(claim, attempt.exchange)
                raise
            if earlier.state in _ANSWERED and (claim.ordinal in answered or new or again):
                return _played(earlier, attempt)
            if not new and (late := found()):
                self.late[late] = None  # another job or run was faster
            raise self._error_of(earlier)

        return send_once

    def _note(self, claim: Claim, exchange: Exchange) -> None:
        answer, status = exchange.answer, exchange.response.status if exchange.response else 0
        self.ledger.end(claim, exchange.delivery.value, status, answer.code, answer.message_id)

    def _fail(self, error: LedgerError) -> None:
        self.error = error
        self._close()

    def _row(self, case: Case) -> Row:
        number, line, cells, _ = case.row or (0, 0, {}, None)
        return self.ledger.row(cells, number, line)

    def _unknown_among(self, entries: Sequence[Entry]) -> Entry | None:
        """Return the first send whose outcome is unknown and which may not be sent again."""
        unknown = (entry for entry in entries if entry.state in ("claimed", "unknown"))
        return next((entry for entry in unknown if not self.ledger.may_be_sent(entry)), None)

    def _error_of(self, entry: Entry) -> FateUnknownError:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.claimed_at))
        text = f"not sent again: the message to {entry.masked} was begun at {when}, and its outcome is unknown"
        hint = f"kshell ledger {quoted(self.ledger.file)} --rows unknown lists all such rows"
        return FateUnknownError(text, hint=hint)


def _sends_in(script: Script) -> int:
    """Return how many messages a complete run of ``script`` sends, or 0 if only a run can tell."""
    heads = [line.head for line in script.lines]
    included = any(head in ("source", "run", "exit") or "{" in head for head in heads)
    return 0 if included else heads.count("send")


def _played(earlier: Entry, attempt: Attempt) -> Exchange:
    """Return the answer that an earlier run got."""
    answer = brief_response(attempt.request.endpoint, earlier.status, earlier.code, earlier.message_id)
    return attempt.play(answer)._replace(marks=(FROM_LEDGER,))
