"""Read the pods, accounts and templates that a session names: each time anew, or once for a whole run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kshell.core.errors import Note
from kshell.core.models import Account, Draft, Origin, Payload, Pod, Template
from kshell.profiles.files import Kind, Places
from kshell.profiles.profiles import load_account, load_pod
from kshell.templating.templates import load_template, render

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

    def payload(self, template: Template, values: Mapping[str, str]) -> Payload:
        """Return the payload that a template makes of ``values``. Raises ``TemplateError``."""
        return render(template, values)

    def require_trust(self, account: Account, pod: Pod) -> None:
        """Raise ``TrustError`` if the account's key must not be sent to the pod before the user trusts its file."""
        from kshell.profiles.trust import require_trust

        require_trust(self._places, pod, own_account=self._places.holds(account.origin))

    def folder_notes(self, draft: Draft) -> Sequence[Note]:
        """Return what the user should know of a send that uses files of the working directory."""
        from kshell.profiles.trust import folder_notes

        return [*folder_notes(self._places, draft)]


class KeptFiles(Files):
    """The profiles and templates of a run. Each file is read once, so that every row has the same. Threads may share them."""

    def __init__(self, places: Places) -> None:
        from kshell.templating.forms import Forms

        super().__init__(places)
        self._trusted: set[tuple[Origin, Origin]] = set()
        self._notes: dict[tuple[Origin, ...], Sequence[Note]] = {}
        self._loaded: dict[tuple[Kind, str], Any] = {}
        self._forms = Forms()

    def load(self, kind: Kind, name: str) -> Any:
        """Return a file's content as it was when the run first named it. Raises as ``Files`` does."""
        if (kind, name) not in self._loaded:
            self._loaded[kind, name] = super().load(kind, name)
        return self._loaded[kind, name]

    def payload(self, template: Template, values: Mapping[str, str]) -> Payload:
        """Return the payload that a template makes of ``values``. Raises ``TemplateError``."""
        return self._forms.render(template, values)

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
