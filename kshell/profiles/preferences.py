"""The user's preferences for the shell: one YAML file in the configuration directory. Every key is optional."""

import re
from pathlib import Path
from typing import NamedTuple

from kshell.core.errors import ProfileError, did_you_mean, listed
from kshell.core.models import Pod
from kshell.profiles.files import Places, read_text, shown, write_private
from kshell.profiles.strict_yaml import Document, Table

FILE = "preferences.yaml"


class Preferences(NamedTuple):
    """The preferences, with the default of each."""

    keys: str = "emacs"
    color: str = "auto"
    confirm: str = "live"
    account: str = ""

    @property
    def colour(self) -> bool | None:
        """Whether to colour the output; None: the terminal and ``NO_COLOR`` decide."""
        return {"auto": None, "always": True, "never": False}[self.color]

    def asks(self, pod: Pod) -> bool:
        """Whether the shell asks before it sends to ``pod``."""
        return self.confirm == "always" or (self.confirm == "live" and pod.live)


CHOICES: dict[str, tuple[tuple[str, ...], str]] = {
    "keys": (("emacs", "vi"), "how the line is edited"),
    "color": (("auto", "always", "never"), "auto: on a terminal, unless NO_COLOR is set"),
    "confirm": (("live", "always", "never"), "when the shell asks before it sends"),
}
"""The values of each preference, the default first, and what the preference is for."""


def file_of(places: Places) -> Path:
    """Return the path of the preferences file, whether or not it exists."""
    return places.user / FILE


def load_preferences(places: Places) -> Preferences:
    """Return the user's preferences, or the defaults without a file. Raises ``ProfileError`` at a wrong value."""
    file = file_of(places)
    table = _table(file, read_text(file, ProfileError)) if file.exists() else None
    if table is None:
        return Preferences()
    return Preferences(account=table.text("account", ""), **{key: _choice(table, key) for key in CHOICES})


def _table(file: Path, text: str) -> Table | None:
    document = Document(shown(file), text, ProfileError)
    keys = ["account", *CHOICES]
    return Table(document, document.root, "the preferences", keys) if document.root.value != "" else None


def _choice(table: Table, key: str) -> str:
    known = CHOICES[key][0]
    text = table.text(key, known[0])
    if text not in known:
        table.fail(key, f"{key!r} is not {text!r}", did_you_mean(text, known) or f"one of {listed(known)}")
    return text


def documented(preferences: Preferences) -> str:
    """Return the text of the file that ``init`` writes: each preference with its purpose and its values."""
    lines = ["# Preferences for the kshell shell. Every line is optional."]
    account = f"account: {preferences.account}" if preferences.account else "# account: NAME"
    lines += ["", "# the account that the shell starts with, unless KSHELL_ACCOUNT or -a names one", account]
    for key, (known, what) in CHOICES.items():
        lines += ["", f"# {what}: {' | '.join(known)}", f"{key}: {getattr(preferences, key)}"]
    return "\n".join(lines) + "\n"


def save_account(places: Places, name: str) -> Path:
    """Write ``name`` as the account of the preferences, and return their file. Its other lines stay.

    Raises ``ProfileError`` if the file cannot be read with that line; then nothing is written.
    """
    file = file_of(places)
    if not file.exists():
        text = documented(Preferences(account=name))
    else:
        line = f"account: {name}\n"
        old = read_text(file, ProfileError)
        text, count = re.subn(r"^account:.*\n?", line, old, flags=re.MULTILINE)
        text = text if count else f"{old.rstrip()}\n{line}".lstrip()
        _table(file, text)
    write_private(file, text)
    return file
