"""Regenerate the blocks under ``kshell`` comments of a document, and check its hand-written curl commands.

This module does no file I/O. Each comment's command runs in a new session that gives the same answers every time.
"""

import os
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path, PurePath
from typing import NamedTuple

from kshell.console.caller import Caller
from kshell.console.dispatch import perform
from kshell.core.errors import EXIT_DONE, EXIT_REFUSED, Note, Place, ScriptError, listed
from kshell.core.models import Result, first_error
from kshell.core.terminal import note_lines
from kshell.curl import lint
from kshell.documents.asciidoc import AsciidocReader
from kshell.documents.markdown import MarkdownReader
from kshell.documents.reader import Block, Comment, Reader, content
from kshell.documents.restructured_text import RestReader
from kshell.profiles.files import Places
from kshell.session.session import DEFAULT_ACCOUNT, Session
from kshell.snippets import catalog
from kshell.transport.exchange_text import shown_body

COMMANDS = (
    "render", "check", "curl", "snippet", "send", "explain", "accounts", "pods", "templates", "help", "openapi", "schema",
    "trigger",
)  # fmt: skip
"""The commands that a comment may contain: their output is the same every time, and they change nothing."""

READERS: dict[str, type[Reader]] = {
    ".md": MarkdownReader, ".markdown": MarkdownReader, ".mdx": MarkdownReader, ".rst": RestReader,
    ".adoc": AsciidocReader, ".asciidoc": AsciidocReader,
}  # fmt: skip
"""The reader of a document by the ending of its name; a document with another ending is read as Markdown."""

_LISTINGS = ("accounts", "pods", "templates")

_REFUSED = {
    "--reveal": "--masked prints a mask in place of the key",
    "--home": "kshell --home DIR docs FILE",
    "--help": "help NAME gives the same",
    "-h": "help NAME gives the same",
    "--url": "a page posts nothing; without it trigger prints the callback",
}
_JSON = ("render", "send", "openapi", "schema", "trigger")
_FIXED = ("timestamp=1764000000", "message_id=A1B2C3")  # what trigger would otherwise make anew
_WITH_NOTES = "2>&1"  # as in a shell: the block contains stderr too
_MESSAGE_ID = "AXXXXXXXXXXXXXXXXXXX"  # as on the API's page
_ELAPSED_MS = 38.0
_WIDTH = 98  # columns; as help is wrapped in a terminal of 100
_SHELLS = {"", "bash", "sh", "shell", "zsh", "fish", "console", "shell-session", "cmd", "bat", "batch"}
_FENCES = {"bash": "bash", "powershell": "powershell", "cmd": "bat"}


class Regenerated(NamedTuple):
    """The new text of a document, its number of generated blocks, and the faults of its hand-written curl commands.

    ``true`` is the number of blocks that are up to date. A block that cannot be generated keeps its text; its error is in
    ``errors``, with those of comments that are not taken. The places of ``faults`` are those in the old text; for each block
    ``moves`` has the line after which the new text is moved, and by how many lines.
    """

    text: str
    blocks: int
    true: int
    faults: tuple[Note, ...]
    errors: tuple[ScriptError, ...]
    moves: tuple[tuple[int, int], ...]

    def faults_after(self) -> Iterator[Note]:
        """Yield the faults with their places in the new text."""
        for fault in self.faults:
            line = fault.place.line if fault.place else 0
            moved = line + sum(by for after, by in self.moves if line > after)
            yield fault._replace(place=fault.place and fault.place._replace(line=moved))


def regenerate(text: str, file: str, places: Places) -> Regenerated:
    """Regenerate every block under a ``kshell`` comment of ``text``; ``file`` is its name, whose ending tells its format."""
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    pieces = re.split(r"(\r?\n)", text.removeprefix(bom))
    lines, ends = pieces[::2], [bom, *pieces[1::2]]  # each line with the line end before it
    reader = READERS.get(PurePath(file).suffix.lower(), MarkdownReader)(lines)
    comments, own, findings = reader.read()
    hosts = lint.hosts_of(places)
    faults = tuple(fault for block in own for fault in _faults(lines, block, file, hosts))
    errors = [
        ScriptError(it.message, hint=it.hint, at=Place(file, it.line + 1, it.column, lines[it.line])) for it in findings
    ]
    moves: list[tuple[int, int]] = []
    stale = 0
    rewritten = list(lines)
    for comment in reversed(comments):  # from the end, so that earlier line numbers stay valid
        try:
            old, new = _new_block(comment, reader, file, places)
        except ScriptError as error:
            errors.append(error)
            continue
        if rewritten[old.stop : old.stop + 1] == [""] == new[-1:]:
            new.pop()  # one blank line is enough
        moves.append((old.stop, len(new) - len(old)))
        if rewritten[old.start : old.stop] != new:
            end = ends[comment.end] if comment.end < len(ends) else "\r\n" if "\r\n" in text else "\n"
            rewritten[old.start : old.stop], ends[old.start : old.stop] = new, [end] * len(new)
            stale += 1
    errors.sort(key=lambda error: (error.at.line, error.at.column) if error.at else (0, 0))
    text = "".join(chain.from_iterable(zip(ends, rewritten, strict=True)))
    return Regenerated(text, len(comments), len(moves) - stale, faults, tuple(errors), tuple(moves))


def _new_block(comment: Comment, reader: Reader, file: str, places: Places) -> tuple[range, list[str]]:
    """Return the lines that a block has, none if there is none yet, and those that it should have."""
    at = Place(file, comment.line + 1, comment.column, reader.lines[comment.line])
    _check_end(comment, at)
    if comment.block and not comment.block.closed:
        raise ScriptError("the block below this comment has no end", hint=f"close it with {comment.block.fence}", at=at)
    words = _words(comment.command, at)
    text = _output(words, at, places)
    is_table = text.startswith("| ")
    if is_table and not reader.tables:
        raise ScriptError("a table stands in a Markdown document only", hint="write it without --table", at=at)
    block = (
        comment.block if comment.block and (comment.block.fence or is_table) else None
    )  # else it is the writer's table
    if block and block.fence:
        return range(block.start, block.end), reader.rewritten(block, text)
    old = range(block.start, block.end) if block else range(comment.end, comment.end)
    return old, reader.new(text, _language(words), block.indent if block else comment.indent)


def _check_end(comment: Comment, at: Place) -> None:
    if comment.closing:
        raise ScriptError("a comment without an end", hint=f"close it with {comment.closing}", at=at)
    if comment.rest:
        raise ScriptError(f"text after the comment, {comment.rest!r}", hint="write it on a separate line", at=at)


def _words(command: str, at: Place) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        raise ScriptError("a quote that is not closed", hint="close it", at=at) from None
    if not words:
        raise ScriptError("a comment without a command", hint="write one after kshell:, such as curl -a docs", at=at)
    if words[0] not in COMMANDS:
        hint = f"allowed: {listed(COMMANDS, most=20)}"
        raise ScriptError(f"{words[0]!r} is not allowed in a document", hint=hint, at=at)
    if "-" in words or "--from=-" in words:
        raise ScriptError("stdin is not allowed in a document", hint="name a file", at=at)
    for word, hint in _REFUSED.items():
        if word in (argument.partition("=")[0] for argument in words):
            raise ScriptError(f"{word} is not allowed in a document", hint=hint, at=at)
    return words


def _output(words: Sequence[str], at: Place, places: Places) -> str:
    """The output of a line. Raises ``ScriptError`` if it fails."""
    notes = words[-1] == _WITH_NOTES
    session = _session(_public(words, places))
    result = perform(words[:-1] if notes else words, Caller(session), width=_WIDTH)
    text = _text(result, notes=notes)
    # a refusal of the simulated API and the findings of check are output, not failures
    if result.exit_code != EXIT_DONE and not (result.exit_code == EXIT_REFUSED and text):
        raise _failed(words, result, at)
    missing = ["otp=482913"] if session.generated else []
    if words[0] == "trigger":
        missing += [fixed for fixed in _FIXED if not any(re.match(f"{fixed.partition('=')[0]}=.", it) for it in words)]
    if missing:
        message = f"{missing[0].partition('=')[0]} is not given, so the block would change each time"
        raise ScriptError(message, hint=f"add {' '.join(missing)}", at=at)
    return _without_folders(text, places)


def _public(words: Sequence[str], places: Places) -> Places:
    """Return the files that a page may show: none of the user's, and in a list of all only those that ship."""
    nowhere = Path(os.devnull)
    if words[0] in _LISTINGS and all(word.startswith("-") for word in words[1:]):
        return Places(None, nowhere, nowhere, places.shipped)
    return places._replace(user=nowhere)


def _without_folders(text: str, places: Places) -> str:
    """Return ``text`` with paths relative to the folders of profiles, which are elsewhere on another machine."""
    for folder in filter(None, (places.home and places.home.absolute(), places.here, places.shipped)):
        text = text.replace(f"{folder}{os.sep}", "")
    return text.replace(str(Path.home()), "~")


def _failed(words: Sequence[str], result: Result, at: Place) -> ScriptError:
    """The command's error, with the place of its comment. The details are all other lines of the command's notes."""
    fallback = Note("error", f"{words[0]} prints nothing: exit code {result.exit_code}")
    error = first_error(result.notes) or fallback
    below = (note_lines(error._replace(hint=""))[1:] if note is error else note_lines(note) for note in result.notes)
    return ScriptError(error.headline, hint=error.hint, at=at, details=chain.from_iterable(below))


def _text(result: Result, *, notes: bool) -> str:
    output = result.output if isinstance(result.output, str) else shown_body(result.output)
    lines = [line for note in result.notes for line in note_lines(note)] if notes else []
    return "".join(f"{line}\n" for line in lines) + output


def _language(words: Sequence[str]) -> str:
    """The language of a new fenced block."""
    if words[0] == "snippet":
        return next((target.fence for target in map(catalog.named, words[1:]) if target), "text")
    if words[0] == "curl":
        return next((_FENCES[word] for word in words[1:] if word in _FENCES), "bash")
    json = words[0] in _JSON or "--json" in words
    return "json" if json and words[-1] != _WITH_NOTES else "text"


def _session(places: Places) -> Session:
    """A session with fixed answers that sends only to the embedded simulator."""
    from kshell.simulator.simulator import Simulator

    simulator = Simulator(new_id=lambda: _MESSAGE_ID)
    session = Session(
        places,
        simulator=simulator,
        sender=lambda attempt: attempt.run()._replace(elapsed_ms=_ELAPSED_MS),
        embedded_only=True,
    )
    session.account, session.account_source = DEFAULT_ACCOUNT, ""  # whatever KSHELL_ACCOUNT names here
    return session


# ---- hand-written curl


def _faults(lines: Sequence[str], block: Block, file: str, hosts: Collection[str]) -> Iterator[Note]:
    if block.language.lower() not in _SHELLS:
        return
    text = "\n".join(content(lines, block))
    for fault in lint.all_faults(text, hosts):
        place = Place(file, block.first + fault.line, fault.column + len(block.indent))
        yield Note("warning", f"{fault.message}; {fault.fix}", place)
