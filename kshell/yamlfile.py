"""The one door to YAML: text in, nodes with positions out.

Every scalar stays the text that was typed (PyYAML's loaders turn ``012345`` into 5349 and ``no`` into False). Aliases,
anchors, tags, duplicate keys, several documents and deep nesting are refused with their position. What keys a file may
have is said by ``profiles`` and ``templates``, through ``Table``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import yaml

from kshell.errors import Place, SetupError, did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEEPEST = 8  # the deepest thing a profile holds is account -> variables -> value

# A literal key must not be shown with the line an error is on, wherever it stands and however many lines it spans.
_KEY = re.compile(
    r"""(api_key["']?[ \t]*:)(\s*'[^']*'|\s*"[^"]*"|.*?(?=^[ \t]*[\w"']+[ \t]*:|[,}]|\Z))""", re.DOTALL | re.MULTILINE
)

Value = str | list["Node"] | dict[str, tuple["Node", "Node"]]


class Node(NamedTuple):
    """A scalar's text, a sequence, or a mapping from key to (key, value); ``line`` and ``column`` count from 1."""

    value: Value
    line: int
    column: int

    @property
    def shape(self) -> str:
        """What it is, in a message."""
        return {str: "text", list: "a list", dict: "a mapping"}[type(self.value)]


class Document:
    """A YAML file being read: its text, its root, and how an error in it is raised."""

    def __init__(self, file: str, text: str, fault: type[SetupError], *, line: int = 1) -> None:
        """Parse ``text``, which begins at ``line`` of ``file``. Raises ``fault``."""
        self.file = file
        self.text = "\n" * (line - 1) + text
        self.fault = fault
        self.root = self._parse()

    def fail(self, node: Node, message: str, hint: str = "") -> NoReturn:
        """Raise ``fault`` at ``node``, with its line and a caret."""
        self._fail(node.line, node.column, message, hint)

    def _fail(self, line: int, column: int, message: str, hint: str) -> NoReturn:
        raise self.fault(
            message, hint=hint, at=Place.in_text(self.file, _without_key(self.text), line, column)
        ) from None

    def _parse(self) -> Node:
        events = self._events()
        root: Node | None = None
        try:
            for event in events:
                if isinstance(event, yaml.DocumentStartEvent):
                    if root is not None:
                        self._fail(*_spot(event.start_mark), "a second document", "keep one; remove the line ---")
                    root = self._node(next(events), events, 1)
        except yaml.reader.ReaderError as error:
            before = self.text[: error.position]
            line, column = before.count("\n") + 1, error.position - before.rfind("\n")
            self._fail(line, column, f"a character that YAML does not allow: U+{error.character:04X}", "remove it")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._fail(*_spot(mark), *_in_words(error))
        return root or Node("", 1, 1)

    def _events(self) -> Iterator[yaml.Event]:
        for event in yaml.parse(self.text, Loader=yaml.SafeLoader):
            spot = _spot(event.start_mark)
            anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
            if isinstance(event, yaml.AliasEvent):
                self._fail(*spot, f"an alias, *{anchor}", "write the value out")
            if anchor:
                self._fail(*spot, f"an anchor, &{anchor}", "remove it")
            if tag:
                self._fail(*spot, f"a tag, {tag}", "remove it: every value is text as it was typed")
            yield event

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        line, column = _spot(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return Node(event.value, line, column)
        if depth > DEEPEST:
            self._fail(line, column, f"nested deeper than {DEEPEST} levels", "a profile is flat")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node([self._node(item, events, depth + 1) for item in _until_end(events)], line, column)
        return Node(self._entries(events, depth), line, column)

    def _entries(self, events: Iterator[yaml.Event], depth: int) -> dict[str, tuple[Node, Node]]:
        entries: dict[str, tuple[Node, Node]] = {}
        for event in _until_end(events):
            key = self._node(event, events, depth + 1)
            if not isinstance(key.value, str):
                self.fail(key, f"a key that is {key.shape}", "a key is a word")
            if key.value in entries:
                first = entries[key.value][0]
                self.fail(key, f"{key.value!r} is set twice", f"the first is on line {first.line}; keep one")
            entries[key.value] = key, self._node(next(events), events, depth + 1)
        return entries


@lru_cache(maxsize=64)
def document(file: str, text: str, fault: type[SetupError], *, line: int = 1) -> Document:
    """As ``Document``, but a text is parsed once: a script asks for its profiles at every line."""
    return Document(file, text, fault, line=line)


class Table:
    """A mapping whose keys are known; ``what`` names it in messages (``an account``)."""

    def __init__(self, document: Document, node: Node, what: str, known: Iterable[str]) -> None:
        """Raise the document's fault where ``node`` is no mapping or holds a key that is not ``known``."""
        self.document = document
        self.node = node
        self.what = what
        known = list(known)
        if node.value == "":
            document.fail(node, f"{what} with nothing in it", f"its keys are {listed(known)}")
        if not isinstance(node.value, dict):
            document.fail(node, f"{what} is a mapping, not {node.shape}", f"write KEY: VALUE; keys: {listed(known)}")
        self.entries = node.value
        for name, (key, _) in self.entries.items():
            if name not in known:
                document.fail(key, f"{what} has no {name!r}", did_you_mean(name, known) or f"keys: {listed(known)}")

    def get(self, key: str) -> Node | None:
        """The value's node, or None where the key is absent."""
        return self.entries[key][1] if key in self.entries else None

    def text(self, key: str, default: str | None = None) -> str:
        """The value as typed. A key that is absent is ``default``, or the document's fault where that is None."""
        node = self.get(key)
        if node is None:
            if default is None:
                self.document.fail(self.node, f"{self.what} without {key!r}", f"add a line: {key}: …")
            return default
        return self.scalar(node, key)

    def scalar(self, node: Node, key: str) -> str:
        """``node`` as text; anything else is the document's fault."""
        if not isinstance(node.value, str):
            self.document.fail(node, f"{key!r} is text, not {node.shape}", f"write {key}: VALUE")
        return node.value

    def flag(self, key: str, *, default: bool) -> bool:
        """``true`` or ``false``; anything else is the document's fault."""
        text = self.text(key, "true" if default else "false")
        if text not in ("true", "false"):
            self.fail(key, f"{key!r} is true or false, not {text!r}")
        return text == "true"

    def fail(self, key: str, message: str, hint: str = "") -> NoReturn:
        """Raise the document's fault at the value of ``key``."""
        self.document.fail(self.get(key) or self.node, message, hint)


def _without_key(text: str) -> str:
    return _KEY.sub(lambda match: match[1] + re.sub(r"\S", "*", match[2]), text)


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    for event in events:
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            return
        yield event


def _spot(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _in_words(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    problem = str(error.problem or error.context)
    if "'\\t'" in problem:
        return "a tab where YAML wants spaces", "indent with spaces"
    return f"not YAML: {problem}", "a value with : # { [ or a quote in it stands in quotes"
