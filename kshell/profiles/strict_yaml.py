"""Read YAML strictly: text in, nodes with positions out. The only module that imports PyYAML.

Every scalar stays the text that was typed (PyYAML's loaders turn ``012345`` into 5349 and ``no`` into False). Aliases,
anchors, tags, duplicate keys, several documents and deep nesting are refused with their position. The callers say through
``Table`` which keys a file may have.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any, NamedTuple, NoReturn, cast

import yaml

from kshell.core.errors import Place, SetupError, did_you_mean, listed

# libyaml is five times faster and takes a tab after a colon, but also as indentation, and has other error messages
_FASTEST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEEPEST = 8  # levels; the deepest value of a profile is account -> variables -> value

# An error shows its line: a literal API key in it (its name may be misspelt) and a proxy's password must be masked.
# These patterns are compiled when they are used, which few starts of kshell do.
_KEY = r"""(?i)(?:k[ey]{2}|secret|token|passw)[\w-]{,20}["']?(?=[\s:=]|\Z)[\s:=]*"""
_CREDENTIALS = r"(?<=://)[^/\s]+(?=@)"
_NAMED = r"""[ \t]*["']?\w+["']?[ \t]*:(?=\s|\Z)"""
_ANCHOR = r"(?<![^\s\ufeff\[\]{},:?-])[&*][^\s\[\]{},]"

_ENTRY = r"\s*[\w-]+:(\s|\Z)"
_TAB_INDENT = r"(?m)^ *\t"

_LINE_BREAK = re.compile("\r(?!\n)|[\x85\u2028\u2029]")  # a line break to YAML, not to editors or ``Place``

Value = str | list["Node"] | dict[str, tuple["Node", "Node"]]


class Node(NamedTuple):
    """A scalar's text, a list of nodes, or a mapping from name to (key node, value node). Positions count from 1."""

    value: Value
    line: int
    column: int

    @property
    def shape(self) -> str:
        """The kind of value for a message, such as ``a list``."""
        return {str: "text", list: "a list", dict: "a mapping"}[type(self.value)]


class Document:
    """A YAML document: its root node, and methods that raise an error at a node."""

    def __init__(self, file: str, text: str, fault: type[SetupError], *, before: str = "") -> None:
        """Parse ``text``, which follows ``before`` in ``file``. Raises ``fault``."""
        self.file = file
        self.fault = fault
        self._text = text
        self._before = before
        self._lines_before = before.count("\n")
        self._columns_before = len(before) - before.rfind("\n") - 1
        self.root = self._parse()

    def fail(self, node: Node, message: str, hint: str) -> NoReturn:
        """Raise ``fault`` at ``node``; the error shows the line with a caret."""
        self._fail(node.line, node.column, message, hint)

    def fail_at_key(self, key: Node, message: str, hint: str) -> NoReturn:
        """Raise ``fault`` at ``key``; the line is shown only up to the key, since an API key may follow a misspelt name."""
        end = key.column - 1 + len(cast("str", key.value)) + 2  # with its quotes or its colon
        self._fail(key.line, key.column, message, hint, end)

    def _fail(self, line: int, column: int, message: str, hint: str, end: int | None = None) -> NoReturn:
        place = self.place(line, column)
        raise self.fault(message, hint=hint, at=place._replace(text=place.text[:end])) from None

    def place(self, line: int, column: int) -> Place:
        """Return the place at ``line`` and ``column``, with secrets masked in its line."""
        return Place.in_text(self.file, self._shown, line, column)

    @cached_property
    def _shown(self) -> str:
        """The whole text of the file, with secrets masked."""
        return _without_secrets(self._before + self._text)

    def _spot(self, mark: Any) -> tuple[int, int]:
        column = mark.column if mark.line else self._columns_before + mark.column
        return self._lines_before + mark.line + 1, column + 1

    def _refuse(self, position: int, what: str) -> NoReturn:
        before = self._before + self._text[:position]
        character = f"U+{ord(self._text[position]):04X}"
        self._fail(before.count("\n") + 1, len(before) - before.rfind("\n"), f"{what}: {character}", "remove it")

    def _parse(self) -> Node:
        for odd in _LINE_BREAK.finditer(self._text):
            self._refuse(odd.start(), "a line break that editors do not agree on")
        if "\t" not in self._text or not re.search(_TAB_INDENT, self._text):
            with suppress(yaml.YAMLError, UnicodeError):
                return self._tree(_FASTEST)
        try:
            return self._tree(yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            self._refuse(error.position, "a character that YAML does not allow")
        except yaml.MarkedYAMLError as error:
            line, column = self._spot(error.problem_mark or error.context_mark)
            lines = (self._before + self._text).split("\n")
            self._fail(line, column, *_message_and_hint(error, lines, line, column))

    def _tree(self, loader: Any) -> Node:
        events = self._events(loader)
        root: Node | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._fail(*self._spot(event.start_mark), "a second document", "keep one; remove the line ---")
                root = self._node(next(events), events, 1)
        return root or Node("", 1, 1)

    def _events(self, loader: Any) -> Iterator[yaml.Event]:
        for event in yaml.parse(self._text, Loader=loader):
            spot = self._spot(event.start_mark)
            # the message does not repeat the name: it may be an API key
            if isinstance(event, yaml.AliasEvent):
                self._fail(*spot, "an alias (*)", "write the value out; quote a value that begins with *")
            if getattr(event, "anchor", None):
                self._fail(*spot, "an anchor (&)", "remove it; quote a value that begins with &")
            if getattr(event, "tag", None):
                self._fail(*spot, "a tag (!)", "remove it: every value is text; quote a value that begins with !")
            yield event

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
        line, column = self._spot(event.start_mark)
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
                self.fail_at_key(key, f"{named(key)} is set twice", f"the first is on line {first.line}; keep one")
            entries[key.value] = key, self._node(next(events), events, depth + 1)
        return entries


document = lru_cache(maxsize=64)(Document)
"""Return a ``Document``, parsed once for each text: a script loads its profiles at every line."""


def anchor_in(text: str) -> Any:
    """Return the PyYAML mark of the first anchor or alias in ``text``; None if it has neither.

    For callers that read the text with another loader. Raises ``yaml.YAMLError`` if the text is not YAML.
    """
    if not re.search(_ANCHOR, text):
        return None  # most texts need not be parsed
    events = yaml.parse(text, Loader=_FASTEST)
    return next((event.start_mark for event in events if getattr(event, "anchor", None)), None)


class Table:
    """A mapping with a fixed set of keys; ``what`` names it in messages (``an account``)."""

    def __init__(self, document: Document, node: Node, what: str, known: Iterable[str]) -> None:
        """Raise the document's fault if ``node`` is not a mapping or has a key that is not in ``known``."""
        self.document = document
        self.node = node
        self.what = what
        known = list(known)
        if node.value == "":
            document.fail(node, f"{what} is empty", f"its keys are {listed(known)}")
        if not isinstance(node.value, dict):
            document.fail(node, f"{what} is a mapping, not {node.shape}", f"write KEY: VALUE; keys: {listed(known)}")
        self.entries = node.value
        for name, (key, _) in self.entries.items():
            if name not in known:
                near = did_you_mean(name, known)
                document.fail_at_key(key, f"{what} has no {named(key)}", near or f"keys: {listed(known)}")

    def get(self, key: str) -> Node | None:
        """Return the node of the value; None if the key is absent."""
        return self.entries[key][1] if key in self.entries else None

    def text(self, key: str, default: str | None = None) -> str:
        """Return the value as typed, or ``default`` if the key is absent. Without a default raise the document's fault."""
        node = self.get(key)
        if node is None:
            if default is None:
                self.document.fail(self.node, f"{self.what} needs {key!r}", f"add a line: {key}: …")
            return default
        return self.scalar(node, key)

    def scalar(self, node: Node, key: str) -> str:
        """Return the text of ``node``. Raise the document's fault for a list or a mapping."""
        if not isinstance(node.value, str):
            self.document.fail(node, f"{key!r} is text, not {node.shape}", f"write {key}: VALUE")
        return node.value

    def mapping(self, key: str, form: str) -> dict[str, tuple[Node, Node]]:
        """Return the entries of the value; none if the key is absent. Raise the document's fault for another value."""
        node = self.get(key)
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self.fail(key, f"{key!r} is a mapping, not {node.shape}", f"write {form}")
        return node.value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return the value as a bool. Raise the document's fault for other text than ``true`` or ``false``."""
        text = self.text(key, "true" if default else "false")
        if text not in ("true", "false"):
            self.fail(key, f"{key!r} is true or false, not {text!r}", f"write {key}: true, or remove the line")
        return text == "true"

    def fail(self, key: str, message: str, hint: str) -> NoReturn:
        """Raise the document's fault at the value of ``key``."""
        self.document.fail(self.get(key) or self.node, message, hint)


def named(key: Node) -> str:
    """Return the quoted name of a key for a message, secrets masked."""
    return repr(_without_secrets(cast("str", key.value)))


def _without_secrets(text: str) -> str:
    """Return ``text`` with ``*`` for a value like ``api_key``'s, up to the next name at the same or a lower depth."""
    masked: list[str] = []
    depth = -1  # of the line that named a secret
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        start = 0
        if depth < 0 or (re.match(_NAMED, line) and indent <= depth):
            match = re.search(_KEY, line)
            start, depth = (match.end(), indent) if match else (len(line), -1)
        masked.append(re.sub(_CREDENTIALS, "***", line[:start]) + re.sub(r"\S", "*", line[start:]))
    return "\n".join(masked)


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    return takewhile(lambda event: not isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent), events)


def _message_and_hint(error: yaml.MarkedYAMLError, lines: list[str], line: int, column: int) -> tuple[str, str]:
    """Return the message and the hint for PyYAML's ``error`` at ``line`` and ``column``. They repeat no value."""
    problem = str(error.problem or error.context)
    if "'\\t'" in problem:
        indented = not lines[line - 1][: column - 1].strip()
        return "a tab where YAML wants spaces", "indent with spaces" if indented else "write a space in its place"
    problem = re.sub("(tag handle).*", r"\1", problem)  # the handle may be an API key
    return f"not YAML: {problem}", _hint(problem, lines, line, column)


def _hint(problem: str, lines: list[str], line: int, column: int) -> str:
    above = next((number for number in range(line - 1, 0, -1) if lines[number - 1].split("#")[0].strip()), line)
    if "unexpected end of stream" in problem:
        return "close the quote or the bracket"
    name_only = re.fullmatch(r"\s*[\w-]+\s*", lines[line - 1][: column - 1])
    misplaced = "<block mapping start>" in problem
    if "expected ':'" in problem or ((name_only or misplaced) and not re.match(_ENTRY, lines[above - 1])):
        return f"write KEY: VALUE in line {above}, with a blank after the colon"
    if misplaced:
        return f"begin it in the same column as the other keys; line {above} begins in another"
    if name_only:
        return f"begin it in the same column as line {above}"
    return "quote a value that contains : # { [ or a quote"
