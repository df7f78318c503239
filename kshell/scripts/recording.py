"""Recordings: typed lines, kept as a script that sets up the same session and sends the same requests.

A recipient, a code or a key becomes a reference, such as ``{{ to_1 }}``. Equal values share one. The first line of the file
names the variables that a run needs. A generated code is generated again. Lines that failed are left out. A send that was
not accepted is kept with an ``expect``, so that a run continues after it. A script has no ``again`` and no ``edit``: they
are kept as the ``send`` that makes the same request. If no ``send`` does, a comment and a warning say so.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kshell.core.errors import KshellError, Note
from kshell.core.exchange import Delivery, Exchange, Sent
from kshell.privacy.references import References
from kshell.privacy.sources import kind_by_name
from kshell.profiles.files import shown, write_private
from kshell.syntax.command_table import COMMANDS
from kshell.syntax.lines import Line, Piece, Word, quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kshell.core.models import Result
    from kshell.session.session import Overrides, Session

_GIVEN = ("var", "row")  # the sources of variables that come from outside a script
_NOT_KEPT = frozenset({
    "source", "run", "help", "shell", "exit", "import", "docs", "sandbox", "completion",
})  # fmt: skip
_SETS_CODE = re.compile(r"(?:set otp=|otp (?!new))(?:\{\{ \w+ \}\}|\S+)")
_SEND_FLAGS = frozenset({"--force", "--yes", "--json", "--raw"})  # options of send that do not change the message
_SEND_VALUES = ("--timeout", "--allow")  # such options with a value


class Recording:
    """An open recording. Its file is complete after every line."""

    def __init__(self, file: Path, session: Session, *, expects: bool) -> None:
        """Begin with lines that set up the current session."""
        self.file = file
        self.references = References()
        self.given: dict[str, None] = {}
        self._expects = expects
        self._lines: list[tuple[Line | str, str]] = []
        self._sent_count = session.sent_count
        self._otp = ""
        self._last_seen: tuple[object, ...] = ()
        self._update(session)
        for line in self._setup(session):
            self._add(line)
        self._write(session)

    def keep(self, session: Session, line: Line, result: Result) -> list[Note]:
        """Keep a line that was run, if it had an effect. Return a warning for a message that the recording lacks.

        Raises ``SetupError`` if the file cannot be written.
        """
        sent = session.sent[-1] if session.sent_count > self._sent_count else None
        self._sent_count = session.sent_count
        if self._update(session):
            self._rewrite()
        in_scripts = line.head in COMMANDS and "script" in COMMANDS[line.head].frontends
        script_line = line if in_scripts else as_send(session, sent, line) if sent else None
        effective = result.exit_code == 0 or sent is not None
        kept = script_line is not None and line.head not in _NOT_KEPT and effective
        if script_line and kept:
            self._add(script_line)
        elif line.head not in ("source", "record") and _generated_code(session) not in ("", self._otp):
            self._add("otp new")
        warnings = [] if script_line or not sent else self._missing(line)
        if kept and sent:
            for expectation in self._expectation(sent.exchange):
                self._add(expectation)
        self._write(session)
        return warnings

    def _missing(self, line: Line) -> list[Note]:
        """Write a comment for a message that no ``send`` line makes, and return a warning."""
        self._add(f"# {line.head}: not kept, no send line makes the message it sent")
        text = f"{shown(self.file)} lacks this message: no send line makes what {line.head} sent"
        return [Note("warning", text)]

    def _add(self, line: Line | str) -> None:
        known = len(self.references.names)
        text = self._text(line)
        if text.startswith("expect ") and self._lines and self._lines[-1][1] == text:
            return  # the recording wrote the same line for the answer
        if text == "otp new":
            self._drop_replaced_code()
        self._lines.append((line, text))
        if len(self.references.names) > known:
            self._rewrite()

    def _drop_replaced_code(self) -> None:
        """Drop the lines that set the code if no later line uses it: a run would need the code for nothing."""
        for position in range(len(self._lines) - 1, -1, -1):
            text = self._lines[position][1]
            if _SETS_CODE.fullmatch(text):
                del self._lines[position]
            elif "otp" in text or not text.startswith(("set ", "use ")):
                return

    def _update(self, session: Session) -> bool:
        """Read the private values again if the session has changed since. Return whether they have changed."""
        now = (len(session.private_values()), len(session.accounts), session.account, *session.settings.items())
        if now == self._last_seen:
            return False
        self._last_seen = now
        return self.references.update(session.privacy())

    def _rewrite(self) -> None:
        """Write every line again: an earlier one may contain a value that has become private."""
        self._lines = [(line, self._text(line)) for line, _ in self._lines]

    def _text(self, line: Line | str) -> str:
        return line if isinstance(line, str) else self._masked(line)

    def _write(self, session: Session) -> None:
        self._otp = _generated_code(session)
        for name, setting in session.settings.items():
            if setting.source in _GIVEN:
                self.given.setdefault(name)
        head = [f"# {self.command('FILE')}"] if self._required() else []
        write_private(self.file, "".join(f"{text}\n" for text in [*head, *(text for _, text in self._lines)]))

    def _required(self) -> list[str]:
        """Return the variables that a run needs."""
        read = "\n".join(text for _, text in self._lines)
        names = (name for name in self.references.names.values() if re.search(rf"\b{name}\b", read))
        return [*dict.fromkeys((*self.given, *names))]

    def command(self, file: str) -> str:
        """Return the terminal command that runs the recording, with ``…`` for the value of each variable."""
        return " ".join(["kshell run", file, *(f"--var {name}=…" for name in self._required())])

    # ---- the session as lines

    def _setup(self, session: Session) -> Iterator[Line | str]:
        from kshell.session.session import DEFAULT_ACCOUNT, default_account

        if {session.account, default_account()[0]} != {DEFAULT_ACCOUNT}:
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

    def _masked(self, line: Line) -> str:
        if line.head in ("expect", "capture"):
            text = self.references.in_expression(line.text.strip())
        else:
            words = line.words()
            text = " ".join(self._word(word, words[0], position) for position, word in enumerate(words))
        return _omitted(line) if self.references.private_in(text) else text

    def _word(self, word: Word, head: Word, position: int) -> str:
        """Return a word in its normal spelling: ``name=`` without quotes, then the quoted value."""
        first, *rest = _merged(word) or [Piece("", word.column)]
        if first.expression:
            return "".join(map(self._piece, (first, *rest)))
        name, equals, value = first.text.partition("=")
        if equals and name.isidentifier():
            start = self._assignment(name, value) if not rest else f"{name}={self.references.quoted(value)}"
            return start + "".join(map(self._piece, rest))
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
    """Return an ``expect`` line that holds for answers like this one."""
    if exchange.response is None:
        return f'expect delivery == "{exchange.delivery}"'
    code = exchange.answer.code
    return f"expect status == {exchange.response.status}" + (f" and body.code == {json.dumps(code)}" if code else "")


def _omitted(line: Line) -> str:
    return f"# {line.head}: not kept, it contains a secret"


def as_send(session: Session, sent: Sent, line: Line) -> Line | None:
    """Return the ``send`` line that makes the request of ``again`` or ``edit``, or None if no ``send`` makes it."""
    from kshell.session.session import Overrides, Session

    draft = sent.draft
    copy = Session(session.places)  # a draft may generate a code, and the session must not get it
    copy.account, copy.pod, copy.template = session.account, session.pod, session.template
    copy.settings = dict(session.settings)
    overrides = Overrides(draft.account.name if draft.account.name != copy.account else "")
    if copy.current_pod(overrides).name != draft.pod.name:
        overrides = overrides._replace(pod=draft.pod.name)
    if copy.current_template(overrides).name != draft.template.name:
        overrides = overrides._replace(template=draft.template.name)
    current = copy.values(overrides)
    used = {name: text for name, text in draft.values.items() if draft.template.variable(name)}
    overrides = overrides._replace(variables={name: text for name, text in used.items() if current.get(name) != text})
    try:
        same = copy.draft(overrides).request == draft.request
    except KshellError:
        return None
    return Line("", 1, (" ".join(["send", *_override_words(overrides), *_send_options(line)]),)) if same else None


def _override_words(overrides: Overrides) -> Iterator[str]:
    for option, name in zip(("-a", "-p", "-t"), overrides[:3], strict=True):
        if name:
            yield f"{option} {quote(name)}"
    for name, text in overrides.variables.items():
        yield f"{name}={quote(text)}"


def _send_options(line: Line) -> Iterator[str]:
    """Yield the options of a line that a ``send`` takes too and that do not change the message."""
    words = [word.plain for word in line.words()[1:]]
    for before, word in zip(["", *words], words, strict=False):
        if word in (*_SEND_FLAGS, *_SEND_VALUES) or word.partition("=")[0] in _SEND_VALUES or before in _SEND_VALUES:
            yield word


def _generated_code(session: Session) -> str:
    setting = session.settings.get("otp")
    return setting.text if setting and setting.source == "generated" else ""


def _merged(word: Word) -> list[Piece]:
    """Return the pieces of a word, with neighbouring pieces of plain text merged."""
    merged: list[Piece] = []
    for piece in word.pieces:
        if merged and not piece.expression and not merged[-1].expression:
            merged[-1] = Piece(merged[-1].text + piece.text, merged[-1].column)
        else:
            merged.append(piece)
    return merged
