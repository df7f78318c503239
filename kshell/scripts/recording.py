"""Recordings: what is typed, kept as a script that gives the same session and the same requests.

A recipient, a code or a key becomes a reference, such as ``{{ to_1 }}``: equal values share one, and the first line of the
file says which ``--var`` a run wants for them. A code that was generated is generated anew. Lines that failed are left out;
a send that was not accepted is kept, with the ``expect`` that lets a run go on behind it. What only the shell has and sends
all the same, ``again`` and ``edit``, is kept as the ``send`` that makes the same request, or said to be missing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kshell.core.errors import KshellError, Note
from kshell.core.models import Delivery
from kshell.privacy.references import References
from kshell.privacy.sources import kind_by_name
from kshell.profiles.files import shown, write_private
from kshell.syntax.command_table import SECTIONS
from kshell.syntax.lines import Line, Piece, quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kshell.core.models import Exchange, Result, Sent
    from kshell.session.session import Overrides, Session
    from kshell.syntax.lines import Word

_GIVEN = ("var", "row")  # what a run is given from outside
_NOT_KEPT = frozenset({
    "source", "run", "help", "shell", "exit", "import", "docs", "sandbox", "completion",
})  # fmt: skip
_HOW = frozenset({"--force", "--yes", "--json", "--raw", "--timeout"})  # the options of what sends


class Recording:
    """One recording under way; its file is whole after every line."""

    def __init__(self, file: Path, session: Session, *, expects: bool) -> None:
        """Begin with the session as it is."""
        self.file = file
        self.references = References()
        self.given: dict[str, None] = {}
        self._expects = expects
        self._lines: list[tuple[Line | str, str]] = []
        self._sent = len(session.sent)
        self._otp = ""
        self._looked_at: tuple[object, ...] = ()
        self._update(session)
        for line in self._state(session):
            self._add(line)
        self._write(session)

    def keep(self, session: Session, line: Line, result: Result) -> list[Note]:
        """Keep a line that was run, where it did something; the notes say what the recording lacks.

        Raises ``SetupError`` if the file cannot be written.
        """
        sent = session.sent[-1] if len(session.sent) > self._sent else None
        self._sent = len(session.sent)
        if self._update(session):
            self._write_anew()
        own = line if line.head in _known() else as_send(session, sent, line) if sent else None
        kept = own is not None and line.head not in _NOT_KEPT and (result.exit_code == 0 or sent is not None)
        if own and kept:
            self._add(own)
        elif line.head not in ("source", "record") and _generated(session) not in ("", self._otp):
            self._add("otp new")
        missing = [] if own or not sent else self._missing(line)
        if kept and sent:
            for expectation in self._expectation(sent.exchange):
                self._add(expectation)
        self._write(session)
        return missing

    def _missing(self, line: Line) -> list[Note]:
        """Say in the file and to the user that a message was sent which no line of a script makes."""
        self._add(f"# {line.head}: not kept, no send line makes the message it sent")
        text = f"{shown(self.file)} lacks this message: no send line makes what {line.head} sent"
        return [Note("warning", text)]

    def _add(self, line: Line | str) -> None:
        known = len(self.references.names)
        text = self._text(line)
        if text.startswith("expect ") and self._lines and self._lines[-1][1] == text:
            return  # it was written for the answer already
        self._lines.append((line, text))
        if len(self.references.names) > known:
            self._write_anew()

    def _update(self, session: Session) -> bool:
        """Ask what is private, if something was drafted or set since the last time; return whether that has changed."""
        now = (len(session.drafts), session.account, *session.settings.items())
        if now == self._looked_at:
            return False
        self._looked_at = now
        return self.references.update(session.privacy())

    def _write_anew(self) -> None:
        """Write every line again: an earlier one may contain a value that is known to be private only now."""
        self._lines = [(line, self._text(line)) for line, _ in self._lines]

    def _text(self, line: Line | str) -> str:
        return line if isinstance(line, str) else self._written(line)

    def _write(self, session: Session) -> None:
        self._otp = _generated(session)
        for name, setting in session.settings.items():
            if setting.source in _GIVEN:
                self.given.setdefault(name)
        head = [f"# {self.command('FILE')}"] if self._wanted() else []
        write_private(self.file, "".join(f"{text}\n" for text in [*head, *(text for _, text in self._lines)]))

    def _wanted(self) -> list[str]:
        """The variables that a run wants."""
        return [*self.given, *(name for name in self.references.names.values() if name not in self.given)]

    def command(self, file: str) -> str:
        """How to run the recording, as a terminal takes it, but for the values of its variables."""
        return " ".join(["kshell run", file, *(f"--var {name}=…" for name in self._wanted())])

    # ---- the session as lines

    def _state(self, session: Session) -> Iterator[Line | str]:
        from kshell.session.session import DEFAULT_ACCOUNT

        if session.account != DEFAULT_ACCOUNT:
            yield f"use account {quote(session.account)}"
        for kind, name in (("pod", session.pod), ("template", session.template)):
            if name:
                yield f"use {kind} {quote(name)}"
        for name, setting in session.settings.items():
            if name == "otp" and setting.source == "generated":
                yield "otp new"
            elif setting.source not in _GIVEN:
                yield Line("", 1, (f"set {name}={quote(setting.text)}",))

    # ---- a line, without its secrets

    def _written(self, line: Line) -> str:
        if line.head in ("expect", "capture"):
            text = self.references.in_expression(line.text.strip())
        else:
            words = line.words()
            text = " ".join(self._word(word, words[0], position) for position, word in enumerate(words))
        return _left_out(line) if self.references.private_in(text) else text

    def _word(self, word: Word, head: Word, position: int) -> str:
        """A word in the one spelling that a recording has for it: ``name=``, then what follows."""
        first, *rest = _merged(word) or [Piece("", word.column)]
        if first.expression:
            return "".join(map(self._piece, (first, *rest)))
        name, equals, value = first.text.partition("=")
        if equals and name.isidentifier():
            own = self._assignment(name, value) if not rest else f"{name}={self.references.quoted(value)}"
            return own + "".join(map(self._piece, rest))
        if not rest and position == 1 and head.plain == "otp" and first.text != "new":
            return self.references.expression("CODE", first.text)
        return "".join(map(self._piece, (first, *rest)))

    def _piece(self, piece: Piece) -> str:
        if piece.expression:
            return f"{{{{{self.references.in_expression(piece.text)}}}}}"
        return self.references.quoted(piece.text)

    def _assignment(self, name: str, value: str) -> str:
        kind = kind_by_name(name)
        if kind and value:
            return f"{name}={self.references.expression(kind, value)}"
        return f"{name}={self.references.quoted(value) or quote('')}"

    def _expectation(self, exchange: Exchange) -> Iterator[str]:
        if not self._expects:
            if exchange.delivery is not Delivery.ACCEPTED:
                yield f'expect delivery == "{exchange.delivery}"'
            return
        yield expectation(exchange)


def expectation(exchange: Exchange) -> str:
    """The ``expect`` that an answer like this one fulfils."""
    if exchange.response is None:
        return f'expect delivery == "{exchange.delivery}"'
    code = exchange.answer.code
    return f"expect status == {exchange.response.status}" + (f" and body.code == {json.dumps(code)}" if code else "")


def _left_out(line: Line) -> str:
    return f"# {line.head}: not kept, a secret is in it"


def as_send(session: Session, sent: Sent, line: Line) -> Line | None:
    """The ``send`` that makes now the request that ``again`` or ``edit`` made; None where none does."""
    from kshell.session.session import Overrides, Session

    draft = sent.draft
    copy = Session(session.places)  # a draft may generate a code, which is not to be the session's
    copy.account, copy.pod, copy.template = session.account, session.pod, session.template
    copy.settings = dict(session.settings)
    overrides = Overrides(draft.account.name if draft.account.name != copy.account else "")
    if copy.current_pod(overrides).name != draft.pod.name:
        overrides = overrides._replace(pod=draft.pod.name)
    if copy.current_template(overrides).name != draft.template.name:
        overrides = overrides._replace(template=draft.template.name)
    has = copy.values(overrides)
    own = {name: text for name, text in draft.values.items() if draft.template.variable(name) and has.get(name) != text}
    overrides = overrides._replace(variables=own)
    try:
        same = copy.draft(overrides).request == draft.request
    except KshellError:
        return None
    return Line("", 1, (" ".join(["send", *_named(overrides), *_options(line)]),)) if same else None


def _named(overrides: Overrides) -> Iterator[str]:
    for option, name in zip(("-a", "-p", "-t"), overrides[:3], strict=True):
        if name:
            yield f"{option} {quote(name)}"
    for name, text in overrides.variables.items():
        yield f"{name}={quote(text)}"


def _options(line: Line) -> Iterator[str]:
    """How a line said to send: its options, without the number of an exchange and without variables."""
    words = [word.plain for word in line.words()[1:]]
    for before, word in zip(["", *words], words, strict=False):
        if word in _HOW or word.startswith("--timeout=") or before == "--timeout":
            yield word


def _known() -> set[str]:
    return {name for entries in SECTIONS.values() for name, entry in entries.items() if "script" in entry.frontends}


def _generated(session: Session) -> str:
    setting = session.settings.get("otp")
    return setting.text if setting and setting.source == "generated" else ""


def _merged(word: Word) -> list[Piece]:
    """The pieces of a word, neighbouring plain ones as one."""
    merged: list[Piece] = []
    for piece in word.pieces:
        if merged and not piece.expression and not merged[-1].expression:
            merged[-1] = Piece(merged[-1].text + piece.text, merged[-1].column)
        else:
            merged.append(piece)
    return merged
