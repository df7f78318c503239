"""Complete the word at the cursor from the definitions of the commands, with fuzzy matching."""

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from click.shell_completion import CompletionItem
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from kshell.core.errors import KshellError
from kshell.core.terminal import safe_line
from kshell.session.session import Session
from kshell.shell.expression_items import expression_at, items_in
from kshell.syntax.lines import Word, cut, quote, split

_DRAW_TIME = 0.004  # seconds in which the main thread draws the typed character, before completion takes the CPU


class Typed(NamedTuple):
    """The words before the cursor, and the word at the cursor, which begins ``length`` characters before the cursor."""

    words: list[str]
    word: str
    length: int


class CommandCompleter(Completer):
    """Completes commands, options, names, variables and values, and files after ``>``."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield the completions. A bug does not interrupt typing: it raises only if ``KSHELL_DEBUG`` is set."""
        time.sleep(_DRAW_TIME)
        try:
            yield from self._completions(document.text_before_cursor.rpartition("\n")[2], complete_event)
        except Exception:  # a bug in kshell
            if os.environ.get("KSHELL_DEBUG"):
                raise

    def _completions(self, text: str, event: CompleteEvent) -> Iterator[Completion]:
        expression = expression_at(text)
        if expression is not None:
            sent = self.session.sent
            embedded = bool(sent) and sent[-1].draft.pod.embedded  # only then no key press makes a request
            word, found = items_in(expression, self.session.names(expression if embedded else ""))
            items = [CompletionItem(value, help=text) for value, text in found.items()]
            yield from matching(Typed([], word, len(word)), "", items, write=str)
            return
        try:
            _, sign, target = cut(text)
        except KshellError:
            sign = target = ""
        if sign:
            yield from self._files(target, event) if sign != "|" else ()
            return
        typed = typed_before(text)
        if typed is None:
            return
        prefix = _kept_prefix(typed.word)
        items = self._items(typed.words, prefix)
        if any(item.type != "plain" for item in items):
            yield from self._files(typed.word, event)
        yield from matching(typed, prefix, items)

    def _files(self, start: str, event: CompleteEvent) -> Iterator[Completion]:
        """Yield the files with printable names: another name could control the terminal."""
        return (file for file in self.paths.get_completions(Document(start), event) if file.text.isprintable())

    def _items(self, words: list[str], prefix: str) -> list[CompletionItem[str]]:
        from kshell.console.caller import Caller
        from kshell.console.completion_shells import WordComplete
        from kshell.console.group import commands_of

        completion = WordComplete(commands_of("shell"), {"obj": Caller(self.session, "shell")}, "", "")
        return completion.get_completions(words, prefix)


def matching(
    typed: Typed, prefix: str, items: Iterable[CompletionItem[str]], *, write: Callable[[str], str] = quote
) -> Iterator[Completion]:
    """Yield the items that contain the characters typed after ``prefix``, in this order; the closest match first.

    ``write`` returns the text that stands for a value in the line.
    """
    tail = typed.word[len(prefix) :]
    pattern = re.compile(f"(?=({'.*?'.join(map(re.escape, tail))}))", re.IGNORECASE)
    matches = []
    for position, item in enumerate(items):
        value = item.value.removeprefix(prefix)
        match = pattern.search(value)
        if item.type == "plain" and match:
            matches.append((match.start(), len(match[1]), position, value, item.help or ""))
    for *_, value, meta in sorted(matches):
        yield Completion(
            write(prefix + value) if not value.endswith("=") else prefix + value,
            start_position=-typed.length,
            # a value without its NAME=, an option with its dashes
            display=safe_line(value if prefix.endswith(("=", ",")) else prefix + value),
            display_meta=meta,
        )


def typed_before(text: str) -> Typed | None:
    """Return the words before the cursor, also with an open quote; None if they cannot be split."""
    words = _words(text)
    if words is None:
        return None
    if not words or len(_words(text + "x") or ()) > len(words):
        return Typed([word.plain for word in words], "", 0)
    *before, last = words
    return Typed([word.plain for word in before], last.plain, len(text) - last.column + 1)


def _words(text: str) -> list[Word] | None:
    """Return the words of a line whose last word may have an open quote; None if they cannot be split."""
    for ending in ("", "'", '"') if not text.endswith("\\") else ():
        try:
            return split(text + ending)
        except KshellError:
            continue
    return None


def _kept_prefix(word: str) -> str:
    """Return what completion keeps of a word: ``NAME=``, all recipients but the last, the dash of an option."""
    name, equals, value = word.partition("=")
    if equals:
        return f"{name}={value[: value.rfind(',') + 1]}"
    return "-" if word.startswith("-") else ""
