"""The history of typed lines, in a private file of limited length without codes, numbers and keys.

In the current session a line is recalled unchanged. The file has only what ``Privacy.storable`` returns for it.
"""

import os
from collections.abc import Iterable

from prompt_toolkit.history import History

from kshell.core.errors import SetupError
from kshell.profiles.files import append_private, write_private
from kshell.session.session import Session

MOST_LINES = 2000
_SLACK = 500  # lines over the limit before the file is cut


class PrivateHistory(History):
    """Lines in a file that only the user can read (mode 0600). A line that cannot be written is left out silently."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.file = session.places.user / "history"
        self._session = session

    def load_history_strings(self) -> Iterable[str]:
        """Return the lines of the file, the newest first."""
        try:
            lines = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        if len(lines) > MOST_LINES + _SLACK:
            write_private(self.file, "".join(f"{line}\n" for line in lines[-MOST_LINES:]))
        return reversed(lines[-MOST_LINES:])

    def append_string(self, string: str) -> None:
        """Remember a line, unless it begins with a space."""
        if not string[:1].isspace():
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Append to the file what may be stored of a line, or of each line of a paste."""
        from kshell.shell.meaning import curl_from_elsewhere
        from kshell.shell.running import logical_lines

        if curl_from_elsewhere(string):
            return  # it may contain a key
        try:
            privacy = self._session.privacy(keys=False)  # a keyring would ask for its password at every line
            kept = [line for line in map(privacy.storable, logical_lines(string)) if line]
            if kept:
                append_private(self.file, "\n".join(kept))
        except SetupError:
            return
        except Exception:  # a bug must not interrupt the shell; a line that may contain a secret is not stored
            if os.environ.get("KSHELL_DEBUG"):
                raise
