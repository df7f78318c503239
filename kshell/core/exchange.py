"""What a send leaves: the response, the delivery, the exchange, and its explanation. A preview needs none of them.

Nothing here does I/O, and every type is immutable, as in ``models``.
"""

from enum import StrEnum
from typing import NamedTuple

from kshell.core.errors import EXIT_DONE, EXIT_NOT_SENT, EXIT_REFUSED, EXIT_UNKNOWN, TransportError
from kshell.core.json_text import Json
from kshell.core.models import Draft, Request


class Response(NamedTuple):
    """An HTTP response. ``fault`` says what went wrong in the transfer of the body; empty if the body is complete."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str = ""


class Delivery(StrEnum):
    """The outcome of a send, as far as kshell can know it."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """The exit code of a ``send`` with this outcome."""
        codes = {"accepted": EXIT_DONE, "refused": EXIT_REFUSED, "not-sent": EXIT_NOT_SENT, "unknown": EXIT_UNKNOWN}
        return codes[self]


class Body(NamedTuple):
    """The parsed body of a response. ``fault`` says why it is not a JSON object; empty if it is one.

    ``error_keys`` are the keys of its ``error`` object. A field that is absent, or has another type, is empty.
    """

    json: Json = None
    code: str = ""
    message: str = ""
    message_id: str = ""
    error_keys: tuple[str, ...] = ()
    fault: str = ""
    is_json: bool = True


class Exchange(NamedTuple):
    """One send: the request, and a response or an error. ``interrupted`` says whether Ctrl-C ended it.

    ``answer`` is the parsed body of the response; it is empty if there is no response. An API key in the response is masked.
    ``marks`` are ``simulated`` if no network was used, and ``replayed`` or ``recorded`` with a cassette.
    """

    request: Request
    response: Response | None
    delivery: Delivery
    elapsed_ms: float
    error: TransportError | None = None
    interrupted: bool = False
    answer: Body = Body()
    marks: tuple[str, ...] = ()


class Sent(NamedTuple):
    """A draft that was sent, and the exchange."""

    draft: Draft
    exchange: Exchange


class Explanation(NamedTuple):
    """What an answer means: who must act, whether a retry helps, and the command to type next."""

    code: str
    title: str
    meaning: str
    who: str
    retry: str
    next: str
    source: str
