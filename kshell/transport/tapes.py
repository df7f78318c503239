"""``Tape``: what stands between a session and the network, plays exchanges from a cassette and keeps new ones in it.

No key, code or phone number stands in a cassette: each is replaced by its pseudonym, so that equal requests match and a request
with another code does not. A played answer gets back the values of the request that asked for it. The API key's header is not
compared, so a replay needs no key.
"""

from __future__ import annotations

import secrets
from collections import defaultdict, deque
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Literal

from kshell.core.errors import CassetteError, SecretError, SetupError
from kshell.privacy.numbers import e164_in
from kshell.privacy.privacy import Privacy
from kshell.privacy.pseudonyms import Pseudonyms
from kshell.privacy.values import Private
from kshell.profiles.files import shown
from kshell.transport.client import MOST_BODY, TOO_LONG, cut_to_limit
from kshell.transport.tape_file import read_cassette, write_cassette
from kshell.transport.tape_misses import why_missing
from kshell.transport.tape_requests import (
    KeptExchange,
    answer_text,
    changed_response,
    facts_of,
    kept_request,
    numbers_of,
    request_text,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from kshell.core.models import Exchange, Request, Response
    from kshell.privacy.values import Change
    from kshell.transport.client import Attempt
    from kshell.transport.tape_requests import Facts

    FactsKey = frozenset[tuple[str, str]]

Mode = Literal["none", "once", "new", "all"]

MOST_NUMBERS = 1000  # phone numbers in an answer; hiding each costs a pseudonym
_END = 16 * 1024  # characters; the end of a cut answer may contain a part of a private value
MOST_READ = (
    MOST_BODY + 8 * _END
)  # bytes of an answer; the client's limit and enough to know what is private at that limit


class Tape:
    """A cassette in use: ``with Tape(file, mode) as send`` gives what sends. Several threads may send through it.

    Mode ``none`` sends nothing, ``once`` sends if there is no file yet, ``new`` sends what the file does not have, and ``all``
    sends everything and keeps nothing of what was there. What was sent is in the file once the tape is closed.
    """

    def __init__(self, file: Path, mode: Mode = "once") -> None:
        self.file = file
        self.mode = mode
        self._names = Pseudonyms(secrets.token_hex(16))
        self._exchanges: list[KeptExchange] = []
        self._facts: list[Facts] = []  # of the exchanges that were in the file
        self._unplayed: dict[FactsKey, deque[int]] = defaultdict(deque)
        self._key_in_requests = False  # somewhere else than in its header: only then is it needed to compare
        self._sends = True
        self._faults: list[str] = []  # why the file must not be written
        self._changed = False
        self._lock = Lock()

    def __enter__(self) -> Callable[[Attempt], Exchange]:
        """Read the file and return ``send``. Raises ``CassetteError`` if it cannot be used, or is missing in mode ``none``."""
        exists = self.file.exists()
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
        """Write what was sent. Raises ``CassetteError`` if that must not or cannot be written, and no other error is raised."""
        try:
            self._write()
        except CassetteError:
            if error is None:
                raise

    def _write(self) -> None:
        if self._faults:
            hint = "what was sent was sent; run it without --cassette"
            raise CassetteError(f"the cassette {shown(self.file)} was not written: {self._faults[0]}", hint=hint)
        if not self._changed:
            return
        try:
            with self._lock:  # a thread that an interrupted run does not wait for may still send
                write_cassette(self.file, self._names.salt, self._exchanges)
        except SetupError as error:
            raise CassetteError(error.message, hint=f"what was sent was sent; {error.hint}") from None

    # ---- sending

    def send(self, attempt: Attempt) -> Exchange:
        """Play the answer to an attempt's request, or let it run and keep what came of it.

        Raises ``CassetteError`` if there is no answer and nothing may be sent.
        """
        request = attempt.request
        privacy = Privacy([*numbers_of(request), *attempt.private])
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
        """Return a kept answer with the private values of the request that asks for it."""
        if "KEY-" in answer_text(response):
            privacy = _with_key(privacy, attempt)
        return cut_to_limit(changed_response(response, privacy.restorer(self._names)))

    def _miss(self, request: Request, privacy: Privacy) -> CassetteError:
        why = why_missing(self._facts, request, privacy, self._names)
        hint = "--record new records what is missing; --record all records everything anew"
        return CassetteError(f"not sent: the cassette {shown(self.file)} {why}", hint=hint)

    # ---- keeping

    def _keep(self, request: Request, response: Response, privacy: Privacy, key: Private) -> bool:
        """Keep an exchange, or note why the file must not be written; return whether it is kept.

        An answer that broke off is not kept.
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
    """Return why an answer must not be kept as it came, or ``""``."""
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
    return hidden._replace(body=_without_end(hidden.body)) if response.fault == TOO_LONG else hidden


def _without_end(body: bytes) -> bytes:
    """Return a cut body, already hidden, without its end, and filled up so that it is over the client's limit again."""
    return text_of(body)[:-_END].encode("utf-8", "surrogateescape") + b" " * (MOST_READ - MOST_BODY)
