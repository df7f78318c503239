"""The session: the state that lasts from line to line, and the only path from typed words to a ``Request``.

Every command that shows, checks or sends a message asks the session for a ``Draft``. Nothing else builds a request.
"""

from __future__ import annotations

import json
import os
import re
from collections import deque
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from kshell.api.request import further_parameters
from kshell.core.errors import KshellError, Note, ProfileError, UsageError
from kshell.core.models import Account, Draft, Payload, Pod, Template, Variable
from kshell.profiles import code_policy
from kshell.session.drafting import (
    defaults,
    drafted,
    key_notes,
    redrafted,
    refuse_missing,
    refuse_not_utf8,
    refuse_unknown,
    send_authentication,
    source_if_unset,
)
from kshell.session.files import Files
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from kshell.core.endpoint import Endpoint
    from kshell.core.exchange import Exchange, Sent
    from kshell.privacy.privacy import Privacy
    from kshell.privacy.values import Private
    from kshell.profiles.files import Places
    from kshell.simulator.simulator import Simulator
    from kshell.transport.client import Attempt

    Sender = Callable[[Attempt], Exchange]

HISTORY = 100  # exchanges, each with at most 1 MiB of an answer
DEFAULT_ACCOUNT = "demo"
ACCOUNT_VARIABLE = "KSHELL_ACCOUNT"


def default_account() -> tuple[str, str]:
    """Return the account of a new session, and what names it: ``KSHELL_ACCOUNT``, or empty for ``demo``."""
    named = os.environ.get(ACCOUNT_VARIABLE, "").strip()
    return (named, ACCOUNT_VARIABLE) if named else (DEFAULT_ACCOUNT, "")


class Overrides(NamedTuple):
    """Values that one line uses in place of the session's. Empty means the session's."""

    account: str = ""
    pod: str = ""
    template: str = ""
    variables: Mapping[str, str] = {}


NO_OVERRIDES = Overrides()


class Setting(NamedTuple):
    """A variable of the session. ``source`` is where it came from, such as ``set``, ``generated``, ``captured`` or ``row``."""

    text: str
    source: str


def send_attempt(attempt: Attempt) -> Exchange:
    """Send over the network, or to the simulator in this process."""
    return attempt.run()


@contextmanager
def keeping_connections() -> Iterator[Sender]:
    """Give a sender that keeps its connections until the block ends."""
    from kshell.transport.connections import KeptConnections

    with KeptConnections() as connections:
        yield lambda attempt: attempt.run(connections=connections)


class Session:
    """The state that lasts from line to line: account, pod, template, variables and sent messages.

    It keeps the private values of every draft, to mask them, and the last ``history`` exchanges, with None all of
    them; ``sent_count`` counts all.

    Every message goes through ``sender``. With ``embedded_only``, the session sends to the simulator alone.
    ``account_source`` is the setting that chose the account; empty if a line chose it, or nothing did.
    """

    def __init__(
        self,
        places: Places,
        *,
        simulator: Simulator | None = None,
        sender: Sender = send_attempt,
        embedded_only: bool = False,
        files: Files | None = None,
        history: int | None = HISTORY,
    ) -> None:
        self.places = places
        self.files = files or Files(places)
        self.account, self.account_source = default_account()
        self.pod = ""
        self.template = ""
        self.settings: dict[str, Setting] = {}
        self.generated: tuple[str, ...] = ()  # every code that the session generated, the oldest first
        self._private: dict[Private, None] = {}
        self._drafts: list[Draft] = []  # those whose values are not in ``_private`` yet
        self.accounts: dict[str, Account] = {}  # those of every draft
        self.sent: deque[Sent] = deque(maxlen=history)  # the newest ones
        self.sent_count = 0
        self.received: set[str] = set()  # the codes of the messages that it has seen on the simulator
        self.attempt: Attempt | None = None  # the last send, finished or not
        self.sender = sender
        self._embedded_only = embedded_only
        if simulator is not None:
            self.simulator = simulator

    @cached_property
    def simulator(self) -> Simulator:
        """The embedded simulator. The session has one, so that it remembers what it delivered."""
        from kshell.simulator.simulator import Simulator

        return Simulator()

    @property
    def variables(self) -> dict[str, str]:
        """The text of every variable that the session has set."""
        return {name: setting.text for name, setting in self.settings.items()}

    def set(self, name: str, text: str, *, source: str = "set") -> None:
        """Set a variable for the rest of the session."""
        self.settings[name] = Setting(text, source)
        if source == "generated":
            self.generated = (*self.generated, text)

    def use_account(self, name: str, *, source: str = "") -> None:
        """Change the account; its pod and its template replace those of the session."""
        self.account, self.account_source, self.pod, self.template = name, source, "", ""

    def current_account(self, overrides: Overrides = NO_OVERRIDES) -> Account:
        """Return the account that a line uses. Raises ``ProfileError``."""
        try:
            return self.files.account(overrides.account or self.account)
        except ProfileError as error:
            if overrides.account or not self.account_source or error.at:
                raise
            message = f"{error.message}, which {self.account_source} names"
            raise ProfileError(message, hint=error.hint, details=error.details) from None

    def current_pod(self, overrides: Overrides = NO_OVERRIDES, account: Account | None = None) -> Pod:
        """Return the pod that a line uses. ``account`` is the line's account, if known. Raises ``ProfileError``."""
        name = overrides.pod or self.pod or (account or self.current_account(overrides)).pod
        return self.files.pod(name)

    def current_template(self, overrides: Overrides = NO_OVERRIDES, account: Account | None = None) -> Template:
        """Return the template that a line uses, like ``current_pod``. Raises ``ProfileError`` and ``TemplateError``."""
        name = overrides.template or self.template or (account or self.current_account(overrides)).template
        return self.files.template(name)

    def table(self) -> list[tuple[str, str | None, str]]:
        """Return (name, value, source) of every variable, set or missing. The template's variables come first."""
        account = self.current_account()
        template = self.current_template()
        rows: dict[str, tuple[str | None, str]] = {
            variable.name: (variable.default, "template")
            if variable.default is not None
            else (None, source_if_unset(variable))
            for variable in template.variables
        }
        rows |= {name: (text, "account") for name, text in account.variables.items()}
        rows |= {name: (setting.text, setting.source) for name, setting in self.settings.items()}
        return [(name, value, source) for name, (value, source) in rows.items()]

    def names(self, text: str) -> dict[str, object]:
        """Return the names of the expressions in ``text``, with their values.

        They are the variables that have a value, the last answer's names, where it went, and what came of it. Of these, a
        variable hides the last two. What came of it is looked up only if ``text`` has the name, since it may need a request
        to the sandbox. Raises ``SetupError`` if no sandbox answers on a loopback pod.
        """
        if not self.sent:
            return {**self.values()}
        from kshell.syntax.diagnostics import ARRIVAL_NAMES
        from kshell.transport.exchange_text import answer_names, arrival_names, place_names

        last = self.sent[-1]
        names = {**place_names(last), **self.values(), **answer_names(last.exchange)}
        if last.draft.pod.live or not set(re.findall(r"\w+", text)) & set(ARRIVAL_NAMES) - names.keys():
            return names
        return {**arrival_names(last, self.messages), **names}

    def messages(self, to: str = "", url: str = "", wait: float = 0) -> list[dict[str, Any]]:
        """Return the messages of the embedded simulator, or of the sandbox at ``url``, oldest first, as JSON.

        With ``to``, return those to that number; for the first one, wait up to ``wait`` seconds. Raises ``UsageError`` for a
        URL that is not on this machine, ``SetupError`` if no sandbox answers there.
        """
        from kshell.transport.sandbox_inbox import fetch_messages

        messages = fetch_messages(url, to, wait=wait) if url else [*map(json.loads, self.simulator.kept.lines(to))]
        self.received |= {code for message in messages for code in (message["code"], message["button_code"])}
        return messages

    def values(self, overrides: Overrides = NO_OVERRIDES) -> dict[str, str]:
        """Return every variable that has a value. If a profile cannot be read, only the session's; a send reports the fault."""
        try:
            account = self.current_account(overrides)
            known = defaults(account, self.current_template(overrides, account))
        except KshellError:
            known = {}
        return {**known, **self.variables, **overrides.variables}

    def privacy(self, *, keys: bool = True) -> Privacy:
        """Return the private values: those of every draft, those of the variables, and the keys of the used accounts.

        Without ``keys`` no key is resolved.
        """
        from kshell.privacy.privacy import Privacy
        from kshell.privacy.sources import keys_of, named_values
        from kshell.privacy.values import Private

        private = [*(keys_of(self._known_accounts(), self.files.key) if keys else ()), *self.private_values()]
        private += [Private("CODE", code) for code in (*self.generated, *sorted(self.received))]
        for name, setting in self.settings.items():
            if setting.source != "captured" or name in ("to", "otp"):  # captured: part of an answer, code = body.code
                private += named_values(name, setting.text)
        return Privacy(private)

    def private_values(self) -> Collection[Private]:
        """Return the private values of every draft, also of a previewed or refused one."""
        from kshell.privacy.sources import values_of

        for draft in self._drafts:
            self._private.update(dict.fromkeys(values_of(draft)))
        self._drafts.clear()
        return self._private

    def _known_accounts(self) -> list[Account]:
        """Return the account of every draft, and the current one."""
        known = dict(self.accounts)
        if self.account not in known:
            with suppress(KshellError):
                known[self.account] = self.current_account()
        return [*known.values()]

    def without_key(self, text: str) -> str:
        """Return ``text`` with the key of the last message masked: a variable may contain it."""
        if not self.sent:
            return text
        from kshell.privacy.privacy import Privacy
        from kshell.privacy.sources import keys_of

        return Privacy(keys_of([self.sent[-1].draft.account], self.files.key)).mask_values(text)

    def draft(self, overrides: Overrides, endpoint: Endpoint | None = None) -> Draft:
        """Return a message made from the session and one line's overrides; an authentication message by default.

        Its variables are those of the template, and the path parameters that an account does not have. An endpoint that
        takes no payload has no template.

        Raises ``ProfileError`` and ``TemplateError``. Raises ``UsageError`` for a variable that the template does not have,
        and one ``UsageError`` for all required variables that are not set.
        """
        account = self.current_account(overrides)
        pod = self.current_pod(overrides, account)
        endpoint = endpoint or send_authentication()
        if endpoint.takes_payload:
            template = self.current_template(overrides, account)
        else:
            template = Template("", endpoint.title, (), account.origin, "")
        if further := further_parameters(endpoint, account):
            template = template._replace(variables=(*template.variables, *map(Variable, further)))
        refuse_unknown(template, overrides.variables)
        unread = templates.unread_variables(account, template) if template.name == account.template else []
        values, notes = self._values(account, template, overrides.variables, unread)
        checked = self.files.checked(endpoint, account, template, values)
        notes = (*key_notes(account, pod), *unread, *notes)
        return self._remembered(drafted(endpoint, account, pod, template, values, checked, notes))

    def redraft(self, draft: Draft, payload: Payload) -> Draft:
        """Return ``draft`` with another payload, such as one that was edited by hand."""
        return self._remembered(redrafted(draft, payload))

    def _remembered(self, draft: Draft) -> Draft:
        self._drafts.append(draft)
        if len(self._drafts) == HISTORY:
            self.private_values()
        self.accounts[draft.account.name] = draft.account
        return draft

    def _values(
        self, account: Account, template: Template, typed: Mapping[str, str], unread: Sequence[Note]
    ) -> tuple[dict[str, str], tuple[Note, ...]]:
        values = {**defaults(account, template), **self.variables, **typed}
        notes: tuple[Note, ...] = ()
        if template.variable("otp") and "otp" not in values:
            policy = account.otp
            # stored, so that a send has the code of its preview
            values["otp"] = code_policy.generate(policy)
            self.set("otp", values["otp"], source="generated")
            text = f"otp {values['otp']} generated: {policy.length} {policy.alphabet}, by account {account.name}"
            notes = (Note("info", text),)
        refuse_missing(template, values, unread)
        refuse_not_utf8(values)
        return values, notes

    def send(self, draft: Draft, *, timeout: float) -> Exchange:
        """Send a draft through the session's sender, once.

        Raises ``SecretError`` and ``TrustError``, and ``UsageError`` for a pod that the session must not send to. Nothing
        was sent then. A sender may raise other errors.
        """
        from kshell.core.exchange import Sent
        from kshell.privacy.sources import values_of
        from kshell.transport.client import Attempt, Route

        if self._embedded_only and not draft.pod.embedded:
            message = f"the pod {draft.pod.name} is not the embedded simulator"
            raise UsageError(message, hint="send to the simulator: -p sandbox")
        self.files.require_trust(draft.account, draft.pod)
        route = Route(timeout, draft.pod.proxy, self.simulator.handle if draft.pod.embedded else None)
        key = partial(self.files.key, draft.account)
        self.attempt = Attempt(draft.request, key, route, partial(values_of, draft, self.generated))
        exchange = self.sender(self.attempt)
        self.keep(Sent(draft, exchange))
        return exchange

    def numbered(self) -> Iterator[tuple[int, Sent]]:
        """Yield the exchanges of the history with their numbers, which count from 1 all that were sent."""
        return enumerate(self.sent, self.sent_count - len(self.sent) + 1)

    def keep(self, sent: Sent) -> None:
        """Add an exchange to the history, which forgets its oldest one if it is full."""
        self.sent.append(sent)
        self.sent_count += 1
