"""``Tape`` stands between a session and the network. It plays exchanges from a cassette and keeps new ones in it.

A cassette contains no key, code or phone number. Each is replaced by its pseudonym, so that equal requests match and a request
with another code does not. A played answer gets the values of the current request back. The API key's header is not compared,
so a replay needs no key.
"""

import os
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Literal

from kshell.core.errors import CassetteError, SecretError, SetupError
from kshell.core.exchange import Exchange, Response
from kshell.core.models import Request
from kshell.privacy.numbers import e164_in
from kshell.privacy.privacy import Privacy
from kshell.privacy.pseudonyms import Pseudonyms
from kshell.privacy.values import Change, Private
from kshell.profiles.files import shown
from kshell.transport.client import MOST_BODY, TOO_LONG, Attempt, cut_to_limit
from kshell.transport.tape_file import read_cassette, write_cassette
from kshell.transport.tape_misses import why_missing
from kshell.transport.tape_requests import (
    Facts,
    KeptExchange,
    answer_text,
    changed_response,
    facts_of,
    kept_request,
    numbers_of,
    request_text,
    text_of,
)

FactsKey = frozenset[tuple[str, str]]

Mode = Literal["none", "once", "new", "all"]

MOST_NUMBERS = 1000  # phone numbers in an answer; hiding each costs a pseudonym
_END = 16 * 1024  # characters; the end of a cut answer may contain a part of a private value
MOST_READ = (
    MOST_BODY + 8 * _END
)  # bytes of an answer; the client's limit and enough to know what is private at that limit


class Tape:
    """A cassette in use: ``with Tape(file, mode) as send`` gives a sender. Several threads may use it.

    Mode ``none`` sends nothing, ``once`` sends if there is no file yet, ``new`` sends requests that the file does not have, and
    ``all`` sends every request and replaces the file. New exchanges are written when the tape is closed.
    """

    def __init__(self, file: Path, mode: Mode = "once") -> None:
        self.file = file
        self.mode = mode
        self._names = Pseudonyms(secrets.token_hex(16))
        self._exchanges: list[KeptExchange] = []
        self._facts: list[Facts] = []  # of the exchanges read from the file
        self._unplayed: dict[FactsKey, deque[int]] = defaultdict(deque)
        self._key_in_requests = False  # outside of its header, so that a comparison needs the key
        self._sends = True
        self._faults: list[str] = []  # why the file must not be written
        self._changed = False
        self._lock = Lock()

    def __enter__(self) -> Callable[[Attempt], Exchange]:
        """Read the file and return ``send``. Raises ``CassetteError`` if it cannot be used, or is missing in mode ``none``."""
        exists = os.path.exists(self.file)  # Path.exists raises for a name that is too long
        if self.mode == "none" and not exists:
            raise CassetteError(f"there is no cassette {shown(self.file)}", hint="--record once records it")
        self._sends = self.mode in ("new", "all") or not exists
        if exists:
            salt, exchanges = read_cassette(self.file)
            self._names = Pseudonyms(salt)
            self._load(exchanges if self.mode != "all" else [])
        return self.send

    def _load(self, exchanges: list[KeptExchange]) -> None:
        self._exchanges = exchanges
        self._facts = [facts_of(kept.request) for kept in exchanges]
        self._key_in_requests = any("KEY-" in kept.request.url + kept.request.body for kept in exchanges)
        for position, facts in enumerate(self._facts):
            self._unplayed[frozenset(facts.items())].append(position)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Write new exchanges. Raises ``CassetteError`` if that is not allowed or fails, unless the block raised an error."""
        try:
            self._write()
        except CassetteError:
            if error is None:
                raise

    def _write(self) -> None:
        if self._faults:
            hint = "the messages were sent; run it without --cassette"
            raise CassetteError(f"the cassette {shown(self.file)} was not written: {self._faults[0]}", hint=hint)
        if not self._changed:
            return
        try:
            with self._lock:  # a thread that an interrupted run does not wait for may still send
                write_cassette(self.file, self._names.salt, self._exchanges)
        except SetupError as error:
            raise CassetteError(error.message, hint=f"the messages were sent; {error.hint}") from None

    # ---- sending

    def send(self, attempt: Attempt) -> Exchange:
        """Play the recorded answer to an attempt's request, or send the request and keep the answer.

        Raises ``CassetteError`` if there is no recorded answer and the mode forbids to send.
        """
        request = attempt.request
        privacy = Privacy([*numbers_of(request), *attempt.private()])
        if self._key_in_requests:
            privacy = _with_key(privacy, attempt)
        facts = facts_of(kept_request(request, privacy.hider(self._names)))
        with self._lock:
            unplayed = self._unplayed.get(frozenset(facts.items()))
            kept = self._exchanges[unplayed.popleft()] if unplayed else None
        if kept is not None:
            return attempt.play(self._restored(kept.response, privacy, attempt))
        if not self._sends:
            raise self._miss(request, _with_key(privacy, attempt))
        exchange = attempt.run(MOST_READ)
        received = attempt.received
        if received is not None and self._keep(request, received, privacy, Private("KEY", attempt.key)):
            return exchange._replace(marks=(*exchange.marks, "recorded"))
        return exchange

    def _restored(self, response: Response, privacy: Privacy, attempt: Attempt) -> Response:
        """Return a recorded answer with the private values of the current request."""
        if "KEY-" in answer_text(response):
            privacy = _with_key(privacy, attempt)
        return cut_to_limit(changed_response(response, privacy.restorer(self._names)))

    def _miss(self, request: Request, privacy: Privacy) -> CassetteError:
        why = why_missing(self._facts, request, privacy, self._names)
        hint = "--record new records what is missing; --record all records everything again"
        return CassetteError(f"not sent: the cassette {shown(self.file)} {why}", hint=hint)

    # ---- keeping

    def _keep(self, request: Request, response: Response, privacy: Privacy, key: Private) -> bool:
        """Keep an exchange, or note why the file must not be written; return whether it is kept.

        An incomplete answer is not kept.
        """
        kept, fault = None, _unkeepable(response)
        if not fault and response.fault in ("", TOO_LONG):
            numbers = (Private("NUMBER", number) for number in e164_in(text_of(response.body)))
            privacy = privacy.with_values([key, *numbers])
            hide = privacy.hider(self._names)
            kept = KeptExchange(kept_request(request, hide, self._names.of(key)), _kept_response(response, hide))
            kind = privacy.leak(f"{request_text(kept.request)}\n{answer_text(kept.response)}")
            fault = f"a {kind.lower()} would be in it, in a spelling that has no pseudonym" if kind else ""
        with self._lock:
            if fault:
                self._faults.append(fault)
            elif kept:
                self._exchanges.append(kept)
                self._changed = True
        return bool(kept and not fault)


def _with_key(privacy: Privacy, attempt: Attempt) -> Privacy:
    """Return ``privacy`` and the attempt's key, or ``privacy`` alone if the key cannot be resolved."""
    with suppress(SecretError):
        return privacy.with_values([Private("KEY", attempt.key)])
    return privacy


def _unkeepable(response: Response) -> str:
    """Return why an answer cannot be kept safely, or ``""``."""
    encodings = [text for name, text in response.headers if name.lower() == "content-encoding"]
    if any(text.lower() != "identity" for text in encodings):
        return "an answer is compressed, and a secret in it would not be found"
    if len(set(e164_in(text_of(response.body)))) > MOST_NUMBERS:
        return f"an answer has more than {MOST_NUMBERS} phone numbers"
    return ""


def _kept_response(response: Response, hide: Change) -> Response:
    """Return an answer as the cassette keeps it."""
    lower = tuple((name.lower(), text) for name, text in response.headers)
    hidden = changed_response(response._replace(headers=lower, fault=""), hide)
    if response.fault != TOO_LONG:
        return hidden
    body = text_of(hidden.body)[:-_END].encode("utf-8", "surrogateescape")
    return hidden._replace(body=body + b" " * (MOST_READ - MOST_BODY))  # which exceeds the client's limit again
