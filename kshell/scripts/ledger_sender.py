"""Send the messages of a row by a ledger: each is claimed before its first byte, and its outcome is noted."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from kshell.api.answers import brief_response
from kshell.api.payload import recipients_of
from kshell.core.errors import LedgerError
from kshell.profiles.files import quoted
from kshell.scripts.ledger import Claim

if TYPE_CHECKING:
    from kshell.core.models import Exchange
    from kshell.scripts.ledger import Entry, Ledger, Row
    from kshell.session.session import Sender
    from kshell.transport.client import Attempt


def ledger_sender(ledger: Ledger, row: Row, send: Sender) -> Sender:
    """Return a sender for the sends of ``row``, in the order of its script.

    A send that an earlier run ended is not sent: its status, code and message id are the answer. The sender raises
    ``LedgerError`` for a send whose outcome is unknown, and if the ledger cannot be written.
    """
    ordinals = count(1)

    def send_once(attempt: Attempt) -> Exchange:
        claim = Claim(row, next(ordinals), time.time())
        recipient = next(iter(recipients_of(attempt.request.endpoint, attempt.request.payload)), "")
        try:
            earlier = ledger.claim(claim, recipient)
            if earlier:
                return _played(ledger, earlier, attempt)
            exchange = send(attempt)
        except BaseException:  # also Ctrl-C: what is known now is noted
            ledger.end(claim, attempt.exchange.delivery.value)
            raise
        status = exchange.response.status if exchange.response else 0
        ledger.end(claim, exchange.delivery.value, status, exchange.answer.code, exchange.answer.message_id)
        return exchange

    return send_once


def _played(ledger: Ledger, earlier: Entry, attempt: Attempt) -> Exchange:
    """Return the answer that an earlier run got. Raise ``LedgerError`` if it is not known."""
    if earlier.state not in ("accepted", "refused"):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(earlier.claimed_at))
        raise LedgerError(
            f"not sent: row {earlier.number} was begun at {when}, and its outcome is unknown",
            hint=f"kshell ledger {quoted(ledger.file)} --rows unknown lists such rows; --resend unknown --yes sends them again",
        )
    answer = brief_response(attempt.request.endpoint, earlier.status, earlier.code, earlier.message_id)
    return attempt.play(answer)._replace(marks=("from the ledger",))
