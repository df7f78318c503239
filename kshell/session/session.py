"""The session: the only mutable object, and the one path from what was typed to a ``Request`` and an ``Exchange``.

Every command that shows, checks or sends a message asks the session for a ``Draft``; nothing else builds a request.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple

from kshell.api.request import build, further_parameters
from kshell.core.errors import KshellError, Note, UsageError
from kshell.core.models import Draft, Sent, Template, Variable
from kshell.profiles import api_key as keys
from kshell.profiles import code_policy as otp
from kshell.profiles import profiles
from kshell.templating import templates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kshell.core.endpoint import Endpoint
    from kshell.core.models import Account, Exchange, Payload, Pod
    from kshell.privacy.privacy import Privacy
    from kshell.profiles.files import Places
    from kshell.simulator.simulator import Simulator
    from kshell.transport.client import Attempt

    Sender = Callable[[Attempt], Exchange]

DEFAULT_ACCOUNT = "demo"


class Overrides(NamedTuple):
    """What one line says in place of the session: empty means as the session has it."""

    account: str = ""
    pod: str = ""
    template: str = ""
    variables: Mapping[str, str] = {}


AS_IT_IS = Overrides()


class Setting(NamedTuple):
    """A variable of the session: its text, and where it came from (``set``, ``generated``, ``captured``, ``row`` …)."""

    text: str
    source: str


def send_attempt(attempt: Attempt) -> Exchange:
    """Send over the network, or to the simulator in process."""
    return attempt.run()


class Session:
    """What holds from line to line: account, pod, template, variables, the one-time password, what was sent.

    Everything that is sent goes through ``sender``. With ``embedded_only`` nothing is sent but to the simulator.
    """

    def __init__(
        self,
        places: Places,
        *,
        simulator: Simulator | None = None,
        sender: Sender = send_attempt,
        embedded_only: bool = False,
    ) -> None:
        self.places = places
        self.account = DEFAULT_ACCOUNT
        self.pod = ""
        self.template = ""
        self.settings: dict[str, Setting] = {}
        self.generated: tuple[str, ...] = ()  # every code that was generated here, oldest first
        self.drafts: list[Draft] = []  # all of them, because what was only previewed or refused is private too
        self.sent: list[Sent] = []
        self.attempt: Attempt | None = None  # the last send of the line that is being run
        self.sender = sender
        self._embedded_only = embedded_only
        if simulator is not None:
            self.simulator = simulator

    @cached_property
    def simulator(self) -> Simulator:
        """The embedded simulator, one for the session, so that it remembers what it delivered."""
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

    def current_account(self, overrides: Overrides = AS_IT_IS) -> Account:
        """The account that a line uses. Raises ``ProfileError``."""
        return profiles.load_account(self.places, overrides.account or self.account)

    def current_pod(self, overrides: Overrides = AS_IT_IS, account: Account | None = None) -> Pod:
        """The pod that a line uses; ``account`` is the line's, where it is known. Raises ``ProfileError``."""
        name = overrides.pod or self.pod or (account or self.current_account(overrides)).pod
        return profiles.load_pod(self.places, name)

    def current_template(self, overrides: Overrides = AS_IT_IS, account: Account | None = None) -> Template:
        """The template that a line uses, as ``current_pod``. Raises ``ProfileError`` and ``TemplateError``."""
        name = overrides.template or self.template or (account or self.current_account(overrides)).template
        return templates.load_template(self.places, name)

    def table(self) -> list[tuple[str, str | None, str]]:
        """(name, value, source) of every variable that there is or that is missing; the template's own come first."""
        account = self.current_account()
        template = self.current_template()
        found: dict[str, tuple[str | None, str]] = {
            variable.name: (variable.default, "template")
            if variable.default is not None
            else (None, _absence(variable))
            for variable in template.variables
        }
        found |= {name: (text, "account") for name, text in account.variables.items()}
        found |= {name: (setting.text, setting.source) for name, setting in self.settings.items()}
        return [(name, value, source) for name, (value, source) in found.items()]

    def names(self) -> dict[str, object]:
        """What an expression sees: the last answer, and every variable that has a value, whoever gave it."""
        from kshell.transport.exchange_text import answer_names

        return {**self.values(), **(answer_names(self.sent[-1].exchange) if self.sent else {})}

    def values(self, overrides: Overrides = AS_IT_IS) -> dict[str, str]:
        """Every variable that has a value; only the session's own where a profile cannot be read, which a send will tell."""
        try:
            account = self.current_account(overrides)
            given = _given(account, self.current_template(overrides, account))
        except KshellError:
            given = {}
        return {**given, **self.variables, **overrides.variables}

    def privacy(self, *, keys: bool = True) -> Privacy:
        """Return what is private here: in every draft, sent or not, in the variables, and the keys of the accounts used.

        Without ``keys`` no key is resolved.
        """
        from kshell.privacy.privacy import Privacy
        from kshell.privacy.sources import keys_of, named_values, values_of
        from kshell.privacy.values import Private

        found = [*keys_of(self._accounts())] if keys else []
        for draft in self.drafts:
            found += values_of(draft)
        found += [Private("CODE", code) for code in self.generated]
        for name, setting in self.settings.items():
            if setting.source != "captured" or name in ("to", "otp"):
                found += named_values(name, setting.text)  # a captured value is an answer's own, as in code = body.code
        return Privacy(found)

    def _accounts(self) -> list[Account]:
        """Return every account that was drafted for, and the current one."""
        accounts = {draft.account.name: draft.account for draft in self.drafts}
        with suppress(KshellError):
            accounts.setdefault(self.account, self.current_account())
        return [*accounts.values()]

    def without_key(self, text: str) -> str:
        """Return ``text`` with the key of the last message masked: a variable may contain it."""
        if not self.sent:
            return text
        from kshell.privacy.privacy import Privacy
        from kshell.privacy.sources import keys_of

        return Privacy(keys_of([self.sent[-1].draft.account])).mask_values(text)

    def draft(self, overrides: Overrides, endpoint: Endpoint | None = None) -> Draft:
        """The message that the session and one line's overrides make; without an ``endpoint`` an authentication message.

        The variables are those of the template, and parameters of the endpoint's path that no account has. An endpoint that
        takes no payload has no template.

        Raises ``ProfileError`` and ``TemplateError``, and ``UsageError`` for a variable that the template does not have
        and for required ones that are not set, all of them at once.
        """
        account = self.current_account(overrides)
        pod = self.current_pod(overrides, account)
        endpoint = endpoint or _send_authentication()
        if endpoint.takes_payload:
            template = self.current_template(overrides, account)
        else:
            template = Template("", endpoint.title, (), account.origin, "")
        further = map(Variable, further_parameters(endpoint, account))
        template = template._replace(variables=(*template.variables, *further))
        _refuse_unknown(template, overrides.variables)
        values, notes = self._values(account, template, overrides.variables)
        payload = templates.render(template, values) if endpoint.takes_payload else {}
        notes = (*_key_notes(account, pod), *notes)
        return self._kept(_drafted(endpoint, account, pod, template, values, payload, notes))

    def redraft(self, draft: Draft, payload: Payload) -> Draft:
        """``draft`` with another payload, such as one that was edited by hand."""
        endpoint, notes = draft.request.endpoint, _key_notes(draft.account, draft.pod)
        return self._kept(_drafted(endpoint, draft.account, draft.pod, draft.template, draft.values, payload, notes))

    def _kept(self, draft: Draft) -> Draft:
        if draft not in self.drafts[-1:]:
            self.drafts.append(draft)
        return draft

    def _values(
        self, account: Account, template: Template, typed: Mapping[str, str]
    ) -> tuple[dict[str, str], tuple[Note, ...]]:
        values = {**_given(account, template), **self.variables, **typed}
        notes: tuple[Note, ...] = ()
        if template.variable("otp") and "otp" not in values:
            policy = account.otp
            # kept, so that what was previewed is what is sent
            values["otp"] = otp.generate(policy)
            self.set("otp", values["otp"], source="generated")
            text = f"otp {values['otp']} generated: {policy.length} {policy.alphabet}, by account {account.name}"
            notes = (Note("info", text),)
        _refuse_missing(template, values)
        _refuse_half_characters(values)
        return values, notes

    def send(self, draft: Draft, *, timeout: float) -> Exchange:
        """Send a draft, once, or whatever else the session's sender does with it.

        Raises ``SecretError``, ``TrustError`` and, for a pod that a session does not send to, ``UsageError``; then nothing
        was sent. A sender may raise more.
        """
        from kshell.privacy.sources import values_of
        from kshell.profiles.trust import require_trust
        from kshell.transport.client import Attempt, Route

        if self._embedded_only and not draft.pod.embedded:
            hint = "send to the embedded one: -p sandbox"
            raise UsageError(f"the pod {draft.pod.name} would get the message", hint=hint)
        require_trust(self.places, draft.pod, own_account=self.places.holds(draft.account.origin))
        handle = self.simulator.handle if draft.pod.embedded else None
        route = Route(timeout, draft.pod.proxy, handle)
        key = partial(keys.resolve, draft.account)
        self.attempt = Attempt(draft.request, key, route, [*values_of(draft, self.generated)])
        exchange = self.sender(self.attempt)
        self.sent.append(Sent(draft, exchange))
        return exchange


def _send_authentication() -> Endpoint:
    from kshell.api.authentication.endpoint import SEND_AUTHENTICATION  # not needed for a prompt

    return SEND_AUTHENTICATION


def _drafted(
    endpoint: Endpoint,
    account: Account,
    pod: Pod,
    template: Template,
    values: Mapping[str, str],
    payload: Payload,
    notes: tuple[Note, ...],
) -> Draft:
    """The payload checked and cut, and its request: the only place where a payload becomes a ``Request``."""
    from kshell.api.payload import cut_texts
    from kshell.api.rules import check

    request = build(endpoint, pod, account, cut_texts(endpoint, payload), values)
    return Draft(account, pod, template, values, check(endpoint, payload), request, notes)


def _given(account: Account, template: Template) -> dict[str, str]:
    """The template's defaults, and over them the account's variables."""
    defaults = {known.name: known.default for known in template.variables if known.default is not None}
    return {**defaults, **account.variables}


def _absence(variable: Variable) -> str:
    if variable.name == "otp":
        return "generated when needed"
    return "missing" if variable.required else "optional"


def _refuse_unknown(template: Template, typed: Mapping[str, str]) -> None:
    what = f"the template {template.name}" if template.name else template.title
    for name in typed:
        if template.variable(name) is None:
            raise UsageError(
                f"{what} has no variable {name!r}",
                hint=templates.unknown_variable_hint(template, name),
            )


def _refuse_missing(template: Template, values: Mapping[str, str]) -> None:
    missing = template.missing(values)
    if missing:
        names = " ".join(f"{variable.name}=…" for variable in missing)
        raise UsageError(f"not set: {', '.join(variable.name for variable in missing)}", hint=f"add {names}")


def _refuse_half_characters(values: Mapping[str, str]) -> None:
    """Bytes that are not UTF-8, and half of a pair of surrogates: nothing that JSON could carry to anybody."""
    for name, text in values.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            hint = "is the terminal, or the file it came from, in another encoding?"
            raise UsageError(f"the value of {name} is not UTF-8", hint=hint) from None


def _key_notes(account: Account, pod: Pod) -> tuple[Note, ...]:
    if not keys.is_in_profile(account, pod):
        return ()
    text = f"the API key stands in {account.origin.file}; write api_key: env:NAME and keep it in the environment"
    return (Note("warning", text),)
