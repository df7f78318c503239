"""One endpoint of the API as data: the form of its URL, its headers, fields, rules and answers.

Nothing here does I/O. The endpoints themselves are in ``api``. A ``Request`` refers to its endpoint.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple

Kind = Literal["object", "list", "text", "integer"]
Role = Literal["", "code", "recipients", "sender"]
Severity = Literal["error", "warning"]


class Field(NamedTuple):
    """One field of a request. ``name`` is the page's term; ``pointer`` is its place in the payload, empty outside of it.

    In a pointer ``body`` and ``button`` mean every component of that type, and ``*`` means every item. The API takes only
    the values in ``allowed``; a value that is not in ``known`` is not an error. ``variable`` is the template variable.
    ``role`` says what is private in it: a one-time password, or the phone numbers of the recipients or of the sender.
    ``cut_at`` is the number of characters after which the API cuts the text; 0 if it does not cut.
    """

    name: str
    pointer: str
    kind: Kind
    mandatory: bool
    says: str
    example: str
    section: str
    allowed: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    variable: str = ""
    role: Role = ""
    cut_at: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of this field: the page's term, the variable, the JSON key, the pointer."""
        key = self.pointer.rpartition("/")[2]
        return tuple(dict.fromkeys(name for name in (self.name, self.variable, key, self.pointer) if name))


class Hit(NamedTuple):
    """A JSON pointer to a place that breaks a rule, what is wrong there, and what to write instead."""

    pointer: str
    message: str
    fix: str


class Rule(NamedTuple):
    """A rule: ``says`` states it in a sentence, ``page`` cites the API's page, ``find`` yields the places that break it.

    ``find`` takes the payload. A rule of a table of fields takes ``fields`` before it, and looks at one after the other; a
    rule ``of_account`` takes the ``Account`` that sends after it. What ``find`` yields depends on the texts and numbers at the
    pointers ``reads``, on every ``type``, and on the payload's shape: its names, its items, the types of its values.

    ``prevents`` is the code of Meta's with which a message that breaks the rule may fail; it is empty if there is none.
    """

    code: str
    severity: Severity
    says: str
    page: str
    find: Callable[..., Iterator[Hit]]
    reads: tuple[str, ...] = ()
    prevents: str = ""
    of_account: bool = False
    fields: tuple[Field, ...] = ()

    def by_field(self) -> "tuple[Rule, ...]":
        """The same rule for each of its fields alone; if it has none, the rule itself."""
        return tuple(self._replace(fields=(field,), reads=(field.pointer,)) for field in self.fields) or (self,)


class DocumentedAnswer(NamedTuple):
    """A documented answer. ``name`` is the shipped account that gets it; ``who`` says who must act.

    ``key`` is a key inside the body's ``error`` object; it tells answers with the same code apart. ``next`` is a command,
    in which ``{account}`` is the account's name and ``{message}`` are the options that repeat the send.
    """

    name: str
    status: int
    code: str
    key: str
    title: str
    meaning: str
    who: str
    retry: str
    next: str
    source: str


class Endpoint(NamedTuple):
    """What the API's page states about one endpoint.

    ``path`` has its parameters in braces, such as ``/v2/{sid}/messages``. ``key_header`` is the header with the API key, in
    lower case. ``media_type`` is the payload's; it is empty if the endpoint takes no payload. ``success`` is the HTTP
    status that means success even if the body has no code. ``message_id`` is the JSON pointer of the message's id in an
    answer; it is empty if the answer has no id.
    """

    name: str
    title: str
    summary: str
    method: str
    path: str
    key_header: str = ""
    media_type: str = ""
    success: int = 200
    message_id: str = ""
    fields: tuple[Field, ...] = ()
    rules: Mapping[str, Rule] = {}
    answers: tuple[DocumentedAnswer, ...] = ()

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    @property
    def takes_payload(self) -> bool:
        """Whether a request has a body."""
        return bool(self.media_type)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters, in order."""
        return _parameters(self.path)

    def pointers(self, role: Role) -> tuple[str, ...]:
        """The pointers of the payload's fields that have ``role``."""
        return tuple(field.pointer for field in self.fields if field.role == role and field.pointer)


@cache
def _parameters(path: str) -> tuple[str, ...]:
    return tuple(piece.partition("}")[0] for piece in path.split("{")[1:])
