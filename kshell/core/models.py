"""The nouns a line passes through on its way from what was typed to what was answered.

Nothing here does I/O. All of it is immutable: tuples, which cost a tenth of a dataclass to define, and a start of the
command line defines all of them. For the same reason annotations are evaluated here: NamedTuple compiles those that are text.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

from kshell.core.endpoint import Endpoint
from kshell.core.errors import EXIT_DONE, EXIT_NOT_SENT, EXIT_REFUSED, EXIT_UNKNOWN, Note, Place, TransportError
from kshell.core.json_text import Json as Json
from kshell.core.json_text import Payload as Payload
from kshell.core.json_text import dumps

DEFAULT_KEY_VARIABLE = "KALEYRA_API_KEY"
REDACTED = "(redacted)"
TIMEOUT = 30.0  # seconds, from connecting to the last byte of the answer


class Secret:
    """A reference to an API key. Only ``keys.resolve`` turns it into the key; printed, it never is one.

    ``scheme`` is ``env``, ``file``, ``keyring`` or ``literal``; ``target`` is what stands behind the colon.
    """

    __slots__ = ("scheme", "target")

    def __init__(self, scheme: str, target: str) -> None:
        self.scheme = scheme
        self.target = target

    def __str__(self) -> str:
        return REDACTED if self.scheme == "literal" else f"{self.scheme}:{self.target}"

    def __repr__(self) -> str:
        return f"Secret({self})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (self.scheme, self.target) == (other.scheme, other.target)

    def __hash__(self) -> int:
        return hash((self.scheme, self.target))

    @property
    def variable(self) -> str:
        """The environment variable a snippet reads the key from."""
        return self.target if self.scheme == "env" else DEFAULT_KEY_VARIABLE


class Reference(str):
    """The name of a pod or a template as an account's file says it, with its place: for the error where there is none."""

    __slots__ = ("at",)
    at: Place

    def __new__(cls, name: str, at: Place) -> "Reference":
        """A text that knows where it stands."""
        made = super().__new__(cls, name)
        made.at = at
        return made


class Origin(NamedTuple):
    """The file a thing was read from, and which of the places kshell looks in it was found in."""

    file: Path
    place: Literal["home", "here", "user", "shipped"]


class Pod(NamedTuple):
    """Where: one region of the API, or the embedded simulator. ``text`` is the whole of its file, as it was read."""

    name: str
    title: str
    base_url: str
    embedded: bool
    proxy: str
    origin: Origin
    text: str = ""

    @property
    def loopback(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.base_url)

    @property
    def live(self) -> bool:
        """Whether a message sent here can reach a person."""
        return not (self.embedded or self.loopback)


class OtpPolicy(NamedTuple):
    """How one-time passwords are made: 1 to 15 characters of a named alphabet."""

    length: int = 6
    alphabet: str = "digits"


class Account(NamedTuple):
    """Who: a SID, a reference to its key, the business number that sends, and what its messages usually hold."""

    name: str
    title: str
    pod: str
    sid: str
    api_key: Secret
    phone_number: str
    template: str
    variables: Mapping[str, str]
    otp: OtpPolicy
    origin: Origin


class Variable(NamedTuple):
    """A value a template takes. ``kind`` is what it becomes in JSON outside of a string."""

    name: str
    help: str = ""
    default: str | None = None
    required: bool = True
    kind: Literal["text", "integer"] = "text"


class Request(NamedTuple):
    """One HTTP request, complete but for the key: ``headers`` holds its reference."""

    endpoint: Endpoint
    url: str
    headers: tuple[tuple[str, str | Secret], ...]
    payload: Payload

    @property
    def method(self) -> str:
        """The HTTP method, in capitals."""
        return self.endpoint.method

    @property
    def body(self) -> str:
        """The JSON text that is sent; empty if the endpoint takes no payload."""
        return dumps(self.payload) if self.endpoint.takes_payload else ""


class Response(NamedTuple):
    """What came back. ``fault`` says in words what is wrong with the body's transfer; empty when it is whole."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    fault: str = ""


class Delivery(StrEnum):
    """What became of a message, as far as this side can know."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"

    @property
    def exit_code(self) -> int:
        """The exit code of a ``send`` that ended so."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Delivery.ACCEPTED: EXIT_DONE,
    Delivery.REFUSED: EXIT_REFUSED,
    Delivery.NOT_SENT: EXIT_NOT_SENT,
    Delivery.UNKNOWN: EXIT_UNKNOWN,
}


class Body(NamedTuple):
    """The body of a response, read. ``fault`` says why it cannot be read as a documented one; empty when it can.

    ``error_keys`` are the keys of its ``error`` object. A field that is absent, or has another type, is empty.
    """

    json: Json = None
    code: str = ""
    message: str = ""
    message_id: str = ""
    error_keys: tuple[str, ...] = ()
    fault: str = ""
    is_json: bool = True


class Exchange(NamedTuple):
    """One send: the request, and an answer or an error. ``interrupted`` is whether Ctrl-C ended it.

    ``answer`` is the body of the response, read; it is empty if there is no response. An API key in the response is masked.
    ``marks`` are ``simulated`` if no network was used, and ``replayed`` or ``recorded`` with a cassette.
    """

    request: Request
    response: Response | None
    delivery: Delivery
    elapsed_ms: float
    error: TransportError | None = None
    interrupted: bool = False
    answer: Body = Body()
    marks: tuple[str, ...] = ()


class Finding(NamedTuple):
    """Something about a payload. ``pointer`` is a JSON pointer (RFC 6901); ``code`` names the rule."""

    severity: Literal["error", "warning"]
    code: str
    pointer: str
    message: str
    fix: str

    def masked(self, mask: Callable[[str], str]) -> "Finding":
        """The finding with ``mask`` applied to what it says of the payload."""
        return self._replace(pointer=mask(self.pointer), message=mask(self.message), fix=mask(self.fix))


class Template(NamedTuple):
    """A payload template: ``variables`` in the order of its header, and ``source``, the file's whole text."""

    name: str
    title: str
    variables: tuple[Variable, ...]
    origin: Origin
    source: str

    def variable(self, name: str) -> Variable | None:
        """The variable called ``name``, if the template has it."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def missing(self, values: Mapping[str, str]) -> list[Variable]:
        """The required variables that ``values`` does not hold."""
        return [variable for variable in self.variables if variable.required and variable.name not in values]


class Draft(NamedTuple):
    """One message, decided in full and not sent. ``notes`` are what the user should know of how it was decided."""

    account: Account
    pod: Pod
    template: Template
    values: Mapping[str, str]
    findings: tuple[Finding, ...]
    request: Request
    notes: tuple[Note, ...]

    @property
    def payload(self) -> Payload:
        """The payload of its request."""
        return self.request.payload

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that make ``send`` refuse."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def way(self) -> str:
        """Options that repeat this send: ``-a``, and ``-p`` and ``-t`` where they differ from the account's."""
        words = ["-a", self.account.name]
        words += ["-p", self.pod.name] if self.pod.name != self.account.pod else []
        words += ["-t", self.template.name] if self.template.name not in ("", self.account.template) else []
        return " ".join(words)


class Sent(NamedTuple):
    """A draft that was sent, and what came of it."""

    draft: Draft
    exchange: Exchange


class Explanation(NamedTuple):
    """What an answer means: whose move it is, whether a retry helps, and the command to type next."""

    code: str
    title: str
    meaning: str
    who: str
    retry: str
    next: str
    source: str


class Result(NamedTuple):
    """What a command came to: ``output`` for stdout, ``notes`` for stderr, in the order in which they are shown.

    Bytes came from a server: a pipe gets them as they are, a terminal only where ``raw``. ``sent``: the exit code says what
    became of a message, and that holds also where stdout cannot be written.
    """

    output: str | bytes = ""
    notes: Sequence[Note | Finding] = ()
    exit_code: int = EXIT_DONE
    raw: bool = False
    sent: bool = False


def first_error(notes: Sequence[Note | Finding]) -> Note | None:
    """The note that says why a command failed; ``None`` if there is none. A finding is about a payload, and does not say it."""
    return next((note for note in notes if isinstance(note, Note) and note.kind == "error"), None)


def is_loopback(url: str) -> bool:
    """Whether ``url`` names this machine: ``localhost``, ``127.0.0.0/8`` or ``[::1]``; ``127.0.0.1.`` is a name in the DNS."""
    from urllib.parse import urlsplit

    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
