"""The errors: whose fault each one is, and its exit code.

::

    KshellError
     +-- YoursError            the user can correct something and run the command again
     |    +-- UsageError       2  an argument or option is wrong
     |    +-- PayloadError     1  check finds an error in the payload (``python``)
     |    +-- SetupError       3  a profile, template, script or secret is wrong or missing
     |         +-- ProfileError, TemplateError, ScriptError, SecretError, TrustError, CassetteError, LedgerError
     +-- TransportError        the transfer failed; kept in an Exchange, not raised
          +-- NotSentError     4  nothing of the request was written
          +-- FateUnknownError 5  the API may have the request

An answer of the API is never an exception: it is a ``Response``, with an explanation. Annotations are not text here, for the
reason that ``models`` gives.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, Self

EXIT_DONE = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_SETUP = 3
EXIT_NOT_SENT = 4
EXIT_UNKNOWN = 5
EXIT_INTERRUPTED = 130


class Place(NamedTuple):
    """A position in a text file: ``line`` and ``column`` count from 1, ``text`` is the line itself.

    ``column`` is 0 if only the line is known; then the place has no caret.
    """

    file: str
    line: int
    column: int
    text: str = ""

    @classmethod
    def in_text(cls, file: str, text: str, line: int, column: int) -> Self:
        """Return the place at ``line`` and ``column`` of ``text``, with that line for the caret."""
        lines = text.split("\n")
        shown = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
        return cls(file, line, column, shown)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def caret(self, most: int = 120) -> list[str]:
        """Return at most ``most`` characters of the line and, below it, a caret; an empty list if the line is not known."""
        if not self.text.strip():
            return []
        start = max(0, min(self.column - 1 - most // 2, len(self.text) - most))
        before = self.text[start : self.column - 1]
        indent = "".join("\t" if character == "\t" else " " for character in before)
        return [self.text[start : start + most], f"{indent}^"][: 2 if self.column else 1]


class Note(NamedTuple):
    """A message for the user. It stays data until ``terminal.note_lines`` turns it into lines.

    ``text`` is one sentence, without its place. ``place`` is where in a file it applies; that line is shown with a caret.
    ``details`` are lines to show below, such as causes or both values of a comparison. ``hint`` is what to do next.
    ``accepted`` and ``refused`` are the status line of an answer.
    """

    kind: Literal["error", "warning", "hint", "info", "accepted", "refused"]
    text: str
    place: Place | None = None
    hint: str = ""
    details: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The text after its place: ``otp.kshell:3:1: there is no command 'sned'``."""
        return f"{self.place}: {self.text}" if self.place else self.text

    def moved(self, place: Place) -> Self:
        """Return the note at ``place``. Its former place moves into the text, and the line of that place into the details."""
        details = (*self.place.caret(), *self.details) if self.place else self.details
        return self._replace(text=self.headline, place=place, details=details)

    def masked(self, mask: Callable[[str], str]) -> Self:
        """Return the note with ``mask`` applied to each of its texts."""
        place = self.place and self.place._replace(file=mask(self.place.file), text=mask(self.place.text))
        return self._replace(
            text=mask(self.text), place=place, hint=mask(self.hint), details=tuple(map(mask, self.details))
        )


class KshellError(Exception):
    """An error for the user: what is wrong, where, and what to type next."""

    exit_code = EXIT_SETUP

    def __init__(self, message: str, *, hint: str = "", at: Place | None = None, details: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at
        self.details = tuple(details)

    @property
    def note(self) -> Note:
        """The error as a note."""
        return Note("error", self.message, self.at, self.hint, self.details)

    def placed(self, at: Place | None) -> Self:
        """Return a copy of the error at ``at``; the error itself if it already has a place."""
        if self.at or not at:
            return self
        placed = self.__class__.__new__(self.__class__, *self.args)
        placed.__dict__.update(self.__dict__, at=at)
        return placed


class YoursError(KshellError):
    """Something on the user's side is wrong; nothing was sent to the API."""


class UsageError(YoursError):
    """An argument or option of the command line is wrong."""

    exit_code = EXIT_USAGE


class SetupError(YoursError):
    """A file or secret that the command needs is wrong or missing."""

    exit_code = EXIT_SETUP


class ProfileError(SetupError):
    """A pod or an account is wrong or missing."""


class TemplateError(SetupError):
    """A template is wrong, missing, or does not render to a JSON object."""


class SecretError(SetupError):
    """An API key cannot be read from the place that the account refers to."""


class ScriptError(SetupError):
    """A script, or a line typed into the shell, cannot be read."""


class TrustError(SetupError):
    """A file that someone else may have written would decide where an API key is sent."""


class CassetteError(SetupError):
    """A cassette cannot be read or written, or has no answer to a request that may not be sent."""


class LedgerError(SetupError):
    """A ledger cannot be read or written, or is that of another script."""


class TransportError(KshellError):
    """The transfer of a request or of its answer failed."""

    def __init__(self, message: str, *, hint: str = "", causes: Iterable[str] = ()) -> None:
        self.causes = tuple(causes)
        chain = (f"{'  ' * depth}because: {cause}" for depth, cause in enumerate(self.causes))
        super().__init__(message, hint=hint, details=chain)


class NotSentError(TransportError):
    """The transfer failed before any of the request was written."""

    exit_code = EXIT_NOT_SENT


class FateUnknownError(TransportError):
    """The transfer failed after the request was begun: the API may have the request."""

    exit_code = EXIT_UNKNOWN


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the name in ``known`` closest to ``word``, or ``""`` if no name is close."""
    from difflib import get_close_matches  # slow to import, and most runs make no typing error

    folded = {name.casefold(): name for name in known}
    return "".join(folded[name] for name in get_close_matches(word.casefold(), folded, n=1, cutoff=0.6))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean X?`` for the ``nearest`` name, or ``""``."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else ""


def listed(known: Iterable[str], *, most: int = 12) -> str:
    """Return ``a, b, c`` for a message; several names after the first ``most`` are counted. Return ``none`` for no names."""
    names = list(known)
    if len(names) <= most + 1:
        return ", ".join(names) or "none"
    return f"{', '.join(names[:most])} and {len(names) - most} more"
