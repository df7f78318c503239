"""Read the pods, accounts and templates that a session names: each time anew, or once for a whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kshell.core.endpoint import Endpoint
from kshell.core.errors import Note
from kshell.core.models import Account, Draft, Origin, Pod, Template
from kshell.profiles import api_key
from kshell.profiles.files import Kind, Places
from kshell.profiles.profiles import load_account, load_pod
from kshell.templating.templates import load_template, render, typed_values

if TYPE_CHECKING:
    from kshell.api.checks import Checked, FormCheck
    from kshell.templating.forms import Form, Values

MOST_PREPARED = 64

LOADERS: dict[Kind, Callable[[Places, str], Any]] = {
    "pod": load_pod,
    "account": load_account,
    "template": load_template,
}
"""What reads a file of each kind; it takes the folders and a name."""


class Files:
    """The profiles and templates of a session. Every call reads the file, so that an edit is seen at once."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def load(self, kind: Kind, name: str) -> Any:
        """Return the pod, the account or the template called ``name``. Raises ``ProfileError`` and ``TemplateError``."""
        return LOADERS[kind](self._places, name)

    def account(self, name: str) -> Account:
        """Return the account called ``name``. Raises ``ProfileError``."""
        account: Account = self.load("account", name)
        return account

    def pod(self, name: str) -> Pod:
        """Return the pod called ``name``. Raises ``ProfileError``."""
        pod: Pod = self.load("pod", name)
        return pod

    def template(self, name: str) -> Template:
        """Return the template called ``name``. Raises ``TemplateError``."""
        template: Template = self.load("template", name)
        return template

    def checked(self, endpoint: Endpoint, account: Account, template: Template, values: Mapping[str, str]) -> Checked:
        """Return the payload that a template makes of ``values``, cut and checked. Raises ``TemplateError``.

        It is empty if the endpoint takes no payload.
        """
        from kshell.api.checks import checked  # slow, and the prompt does not need it

        return checked(endpoint, account, render(template, values) if endpoint.takes_payload else {})

    def key(self, account: Account) -> str:
        """Return the account's API key. Raises ``SecretError``."""
        return api_key.resolve(account)

    def require_trust(self, account: Account, pod: Pod) -> None:
        """Raise ``TrustError`` if the account's key must not be sent to the pod before the user trusts its file."""
        from kshell.profiles.trust import require_trust

        require_trust(self._places, pod, own_account=self._places.holds(account.origin))

    def folder_notes(self, draft: Draft) -> Sequence[Note]:
        """Return what the user should know of a send that uses files of the working directory."""
        from kshell.profiles.trust import folder_notes

        return [*folder_notes(self._places, draft)]


def _prepared(endpoint: Endpoint, account: Account, template: Template, typed: Values) -> tuple[Form, FormCheck] | None:
    """Return what payloads with values of these names and types have in common; None if each must be rendered."""
    from kshell.api.checks import FormCheck
    from kshell.templating.forms import form_of

    form = form_of(template, typed) if endpoint.takes_payload else None
    if form is None or any(place.endswith("/type") for place in form.holes):
        return None  # the pointer of a field leads to components of one type
    return form, FormCheck(endpoint, account, form.fill(typed), typed, form.holes)


class KeptFiles(Files):
    """The profiles and templates of a run. Each file is read once, so that every row has the same. Threads may share them."""

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        self._trusted: set[tuple[Origin, Origin]] = set()
        self._notes: dict[tuple[Origin, ...], Sequence[Note]] = {}
        self._loaded: dict[tuple[Kind, str], Any] = {}
        self._keys: dict[str, str] = {}  # by account
        self._prepared: dict[tuple[object, ...], tuple[Form, FormCheck] | None] = {}

    def load(self, kind: Kind, name: str) -> Any:
        """Return a file's content as it was when the run first named it. Raises as ``Files`` does."""
        if (kind, name) not in self._loaded:
            self._loaded[kind, name] = super().load(kind, name)
        return self._loaded[kind, name]

    def checked(self, endpoint: Endpoint, account: Account, template: Template, values: Mapping[str, str]) -> Checked:
        """Return what ``Files`` returns; of a row like an earlier one, only what differs is made and checked."""
        typed = typed_values(template, values)
        kind = (endpoint.name, account.name, template.source, *typed, *map(type, typed.values()))
        try:
            prepared = self._prepared[kind]
        except KeyError:
            if len(self._prepared) >= MOST_PREPARED:
                self._prepared.clear()
            prepared = self._prepared[kind] = _prepared(endpoint, account, template, typed)
        if prepared is None or not prepared[0].holds(values):
            return super().checked(endpoint, account, template, values)
        form, check = prepared
        return check.checked(form.fill(typed), typed)

    def key(self, account: Account) -> str:
        """Return the account's API key, which is read once: a keyring takes milliseconds. Raises ``SecretError``."""
        if account.name not in self._keys:
            self._keys[account.name] = super().key(account)
        return self._keys[account.name]

    def require_trust(self, account: Account, pod: Pod) -> None:
        """Raise ``TrustError`` as ``Files`` does. What was trusted once is trusted to the end of the run."""
        if (account.origin, pod.origin) not in self._trusted:
            super().require_trust(account, pod)
            self._trusted.add((account.origin, pod.origin))

    def folder_notes(self, draft: Draft) -> Sequence[Note]:
        """Return what the user should know, as it was when the run first used these files."""
        origins = (draft.account.origin, draft.pod.origin, draft.template.origin)
        if origins not in self._notes:
            self._notes[origins] = super().folder_notes(draft)
        return self._notes[origins]
