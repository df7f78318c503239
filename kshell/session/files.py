"""Read the pods, accounts and templates that a session names: each time anew, or once for a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.profiles.profiles import load_account, load_pod
from kshell.templating.templates import load_template

if TYPE_CHECKING:
    from kshell.core.models import Account, Pod, Template
    from kshell.profiles.files import Places


class Files:
    """The profiles and templates of a session. Every call reads the file, so that an edit is seen at once."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def account(self, name: str) -> Account:
        """Return the account called ``name``. Raises ``ProfileError``."""
        return load_account(self._places, name)

    def pod(self, name: str) -> Pod:
        """Return the pod called ``name``. Raises ``ProfileError``."""
        return load_pod(self._places, name)

    def template(self, name: str) -> Template:
        """Return the template called ``name``. Raises ``TemplateError``."""
        return load_template(self._places, name)


class KeptFiles(Files):
    """The profiles and templates of a run. Each file is read once, so that every row has the same. Threads may share them."""

    def __init__(self, places: Places) -> None:
        super().__init__(places)
        self._accounts: dict[str, Account] = {}
        self._pods: dict[str, Pod] = {}
        self._templates: dict[str, Template] = {}

    def account(self, name: str) -> Account:
        """Return the account called ``name`` as it was when the run first named it. Raises ``ProfileError``."""
        if name not in self._accounts:
            self._accounts[name] = super().account(name)
        return self._accounts[name]

    def pod(self, name: str) -> Pod:
        """Return the pod called ``name`` as it was when the run first named it. Raises ``ProfileError``."""
        if name not in self._pods:
            self._pods[name] = super().pod(name)
        return self._pods[name]

    def template(self, name: str) -> Template:
        """Return the template called ``name`` as it was when the run first named it. Raises ``TemplateError``."""
        if name not in self._templates:
            self._templates[name] = super().template(name)
        return self._templates[name]
