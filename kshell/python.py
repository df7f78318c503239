"""kshell as a library: a ``Message`` can be inspected, written as a snippet, and sent.

The page ``docs/python.md`` describes it; its examples are run as tests.
"""

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import NamedTuple

from kshell.api.answers import explain
from kshell.core.arguments import is_number, require, require_seconds, require_text
from kshell.core.errors import EXIT_REFUSED, Note, TransportError, UsageError, YoursError, did_you_mean, listed
from kshell.core.exchange import Delivery, Explanation
from kshell.core.models import TIMEOUT, Draft, Finding, Json, Payload, Request
from kshell.profiles.api_key import resolve
from kshell.profiles.files import Places
from kshell.profiles.trust import folder_notes
from kshell.session.session import Overrides, Session
from kshell.snippets.catalog import find_target
from kshell.snippets.shells import SHELLS


class PayloadError(YoursError):
    """Raised by ``Message.send`` for a payload with errors that it may not pass over; ``findings`` are these errors."""

    exit_code = EXIT_REFUSED

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = findings[0]
        more = f", and {len(findings) - 1} more" if len(findings) > 1 else ""
        super().__init__(
            f"not sent: {first.code} at {first.pointer or '/'}: {first.message}{more}",
            hint=f"{first.fix}; or send(allow=[{first.code!r}]) to see what the API answers, or force=True for every rule",
        )
        self.findings = tuple(findings)


class Answer(NamedTuple):
    """The outcome of a send.

    ``delivery`` is ``accepted``, ``refused``, ``not-sent`` or ``unknown``. ``status`` is the HTTP status; ``json`` is the body
    as a JSON value, ``None`` if it is not JSON; ``message_id`` is the id of an accepted message, else empty. ``error`` is the
    network's failure, ``None`` if the API answered. If it did not answer, ``status`` is 0. ``marks`` are ``simulated`` if no
    network was used. ``notes`` say which files of the working directory replace others, and what it names as the key.
    """

    delivery: Delivery
    status: int
    json: Json
    message_id: str
    explanation: Explanation
    error: TransportError | None
    elapsed_ms: float
    marks: tuple[str, ...]
    notes: tuple[Note, ...]


class Message:
    """One complete, immutable message. ``kshell.message`` creates it."""

    def __init__(self, session: Session, draft: Draft) -> None:
        self._session = session
        self._draft = draft

    @property
    def payload(self) -> Payload:
        """The JSON object to send, as dicts, lists, strings and numbers."""
        return self._draft.payload

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The rules of the API's page that the payload breaks, errors first."""
        return self._draft.findings

    @property
    def request(self) -> Request:
        """Method, URL, headers and body. The header with the API key holds a reference to the key."""
        return self._draft.request

    @property
    def variables(self) -> Mapping[str, str]:
        """The template's variables and their values, with a generated ``otp``."""
        return dict(self._draft.values)

    def curl(self, *, shell: str = "bash", compact: bool = False, reveal: bool = False) -> str:
        """The request as a curl command for ``bash`` (and ``zsh``, ``fish``, ``sh``), ``powershell`` or ``cmd``.

        The command reads the key from the environment; ``reveal`` writes the key into it. ``compact`` makes it one line.
        Raises ``UsageError`` for another shell or for text that it cannot quote, ``SecretError`` if the key cannot be read.
        """
        require_text(shell=shell)
        if shell not in SHELLS:
            hint = did_you_mean(shell, SHELLS) or f"shells: {listed(sorted(SHELLS))}"
            raise UsageError(f"there is no shell {shell!r}", hint=hint)
        return SHELLS[shell](self.request, self._key(reveal=reveal), compact)

    def snippet(self, target: str, *, reveal: bool = False) -> str:
        """The request for another tool or language; ``kshell snippet`` lists the targets. Raises as ``curl`` does."""
        require_text(target=target)
        return find_target(target).write(self.request, self._key(reveal=reveal))

    def send(self, *, timeout: float = TIMEOUT, force: bool = False, allow: Collection[str] = ()) -> Answer:
        """Send the message, once for each call; ``timeout`` is in seconds, up to 3600, from connecting to the last byte.

        A refusal or a failure of the network is an ``Answer``. Raises ``PayloadError`` if a finding is an error, unless its
        rule is one of ``allow`` or ``force`` is given. Raises ``UsageError`` for a rule that there is not and for a timeout
        out of its range, ``SecretError`` for an unreadable key, ``TrustError`` for an untrusted pod.
        """
        require_seconds("timeout", timeout, zero=False)
        require(
            isinstance(allow, Collection) and not isinstance(allow, str), "allow", allow, "list of rules", "['to-e164']"
        )
        for rule in allow:
            if not isinstance(rule, str) or rule not in self.request.endpoint.rules:
                raise UsageError(f"there is no rule {rule!r}", hint="kshell explain RULE describes a rule")
        if errors := self._draft.refused_by(allow, force=force):
            raise PayloadError(errors)
        exchange = self._session.send(self._draft, timeout=timeout)
        return Answer(
            delivery=exchange.delivery,
            status=exchange.response.status if exchange.response else 0,
            json=exchange.answer.json,
            message_id=exchange.answer.message_id,
            explanation=explain(exchange, self._draft.account.name, self._draft.options),
            error=exchange.error,
            elapsed_ms=exchange.elapsed_ms,
            marks=exchange.marks,
            notes=tuple(folder_notes(self._session.places, self._draft)),
        )

    def _key(self, *, reveal: bool) -> str | None:
        return resolve(self._draft.account) if reveal else None


def message(
    account: str = "",
    *,
    pod: str = "",
    template: str = "",
    home: str | PathLike[str] | None = None,
    **variables: str | int,
) -> Message:
    """The message that an account sends with these variables of its template.

    Without ``account`` it is what ``KSHELL_ACCOUNT`` names, or else ``demo``.
    ``pod`` and ``template`` replace the account's own. ``home`` is a folder with ``profiles/`` and ``templates/``; by default
    they are searched for in the same folders as by the command line. Without ``otp`` a code is generated.

    Raises ``ProfileError`` and ``TemplateError`` for a faulty or missing file, ``UsageError`` for an unknown variable, for a
    missing required one, and for an argument that is no text, such as ``None``; a variable may be an integer too.
    """
    require_text(account=account, pod=pod, template=template)
    for name, value in variables.items():
        fits = isinstance(value, str) or is_number(value, whole=True)
        require(fits, name, value, "text", "'…', or leave it out")
    values = {name: str(value) for name, value in variables.items()}
    session = Session(Places.standard(str(home) if home is not None else None))
    return Message(session, session.draft(Overrides(account, pod, template, values)))
