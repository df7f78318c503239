"""The variables that nothing reads: columns of rows, ``--var`` options, ``set`` lines. They are found before a script runs."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from kshell.core.errors import KshellError, Note, Place, did_you_mean, listed
from kshell.profiles.profiles import load_account
from kshell.scripts.script import Script, expressions_of, lines_with_sourced
from kshell.session.session import Session
from kshell.syntax.lines import Line
from kshell.templating.evaluation import names_in
from kshell.templating.templates import load_template


class ReadNames:
    """The names that scripts read: in their expressions, and through the templates that they can use."""

    def __init__(self, scripts: Iterable[Script], session: Session) -> None:
        self._lines = [line for script in scripts for line in lines_with_sourced(script)]
        read = {name.text for line in self._lines for text, _ in expressions_of(line) for name in names_in(text)}
        self._known = read | set(_template_names(self._lines, session))

    def unread(self, name: str, what: str, place: Place | None = None) -> list[Note]:
        """Return a warning if nothing reads ``name``; ``what`` says what has the name, such as ``the column``."""
        if name in self._known:
            return []
        hint = did_you_mean(name, self._known) or f"these names are read: {listed(sorted(self._known), most=20)}"
        if name.lower() in self._known:
            hint = f"write {name.lower()}: variables have names in lower case"
        return [Note("warning", f"nothing reads {what} {name!r}", place, hint)]

    def unread_settings(self) -> list[Note]:
        """Return a warning for each variable that a ``set`` line sets and nothing reads."""
        return [
            note
            for line in self._lines
            if line.head == "set"
            for word in line.words()[1:]
            if word.pieces and not word.pieces[0].expression
            for note in self.unread(word.pieces[0].text.partition("=")[0], "the variable", line.place(word.column))
        ]


def _template_names(lines: list[Line], session: Session) -> Iterator[str]:
    """Yield the variables of every template that the lines name, by itself or by an account, and of the session's.

    If a line computes the name of a template or of an account, those of all templates.
    """
    names = {kind: session.places.names(kind).keys() for kind in ("account", "template")}
    words = [word for line in lines if line.head not in ("expect", "capture") for word in line.words()]
    plain = {word.plain.rpartition("=")[2] for word in words} | {session.account, session.template}
    if any(word.pieces and word.pieces[0].expression for word in words):
        plain = {*names["account"], *names["template"]}
    templates = names["template"] & plain
    for account in names["account"] & plain:
        with suppress(KshellError):
            templates |= {load_account(session.places, account).template}
    for template in templates:
        with suppress(KshellError):
            yield from (variable.name for variable in load_template(session.places, template).variables)
