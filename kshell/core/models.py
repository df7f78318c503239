"""The data types of kshell, from the pod, account and template to the request and the result; ``exchange`` has the others.

Nothing here does I/O. Every type is immutable. They are named tuples because every start of kshell defines all of them, and
a tuple takes a tenth of a dataclass's time. For the same reason annotations are not text, which NamedTuple would compile.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from kshell.core.endpoint import Endpoint
from kshell.core.errors import EXIT_DONE, Note, Place
from kshell.core.json_text import Json as Json
from kshell.core.json_text import Payload as Payload
from kshell.core.json_text import dumps

DEFAULT_KEY_VARIABLE = "KALEYRA_API_KEY"
REDACTED = "(redacted)"
TIMEOUT = 30.0  # seconds, from connecting to the last byte of the answer


class Secret:
    """A reference to an API key. Only ``api_key.resolve`` returns the key; a printed reference never shows it.

    ``scheme`` is ``env``, ``file``, ``keyring`` or ``literal``; ``target`` is the text after the colon, or the literal key.
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
        """The environment variable from which a snippet reads the key."""
        return self.target if self.scheme == "env" else DEFAULT_KEY_VARIABLE


class Reference(str):
    """A name in an account's file, of a pod, a template or a variable. ``place`` returns its place for a message."""

    __slots__ = ("place",)
    place: Callable[[], Place]

    def __new__(cls, name: str, place: Callable[[], Place]) -> "Reference":
        """Return ``name`` with what returns its place."""
        reference = super().__new__(cls, name)
        reference.place = place
        return reference


class Origin(NamedTuple):
    """The file of a pod, an account or a template, and which of the searched folders holds it."""

    file: Path
    place: Literal["home", "here", "user", "shipped"]


class Pod(NamedTuple):
    """One region of the API, or the embedded simulator. ``text`` is the whole text of its file when it was read."""

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
    """How one-time passwords are generated: 1 to 15 characters of a named alphabet."""

    length: int = 6
    alphabet: str = "digits"


class Account(NamedTuple):
    """A sender: a SID, a reference to its API key, the business number, and default values of its messages.

    ``approved`` has the languages of each template that WhatsApp approved, by its name; it is empty if they are not listed.
    """

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
    approved: Mapping[str, Sequence[str]] = {}


class Variable(NamedTuple):
    """A variable of a template. ``kind`` is the JSON type of its value outside of a string."""

    name: str
    help: str = ""
    default: str | None = None
    required: bool = True
    kind: Literal["text", "integer"] = "text"


class Request(NamedTuple):
    """One HTTP request. ``headers`` holds a reference to the API key, not the key."""

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


class Finding(NamedTuple):
    """An error or a warning about a payload. ``pointer`` is a JSON pointer (RFC 6901); ``code`` names the rule.

    ``prevents`` is the code of Meta's with which the message may fail otherwise; it is empty if there is none.
    """

    severity: Literal["error", "warning"]
    code: str
    pointer: str
    message: str
    fix: str
    prevents: str = ""

    def masked(self, mask: Callable[[str], str]) -> "Finding":
        """Return the finding with ``mask`` applied to its pointer, message and fix."""
        return self._replace(pointer=mask(self.pointer), message=mask(self.message), fix=mask(self.fix))


class Template(NamedTuple):
    """A payload template. ``variables`` are in the order of its header; ``source`` is the file's whole text."""

    name: str
    title: str
    variables: tuple[Variable, ...]
    origin: Origin
    source: str

    def variable(self, name: str) -> Variable | None:
        """Return the variable called ``name``; None if the template does not have it."""
        return next((variable for variable in self.variables if variable.name == name), None)

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Return those of ``names`` that are no variable of the template."""
        known = {variable.name for variable in self.variables}
        return [name for name in names if name not in known]

    def missing(self, values: Mapping[str, str]) -> list[Variable]:
        """Return the required variables that ``values`` does not hold."""
        return [variable for variable in self.variables if variable.required and variable.name not in values]


class Draft(NamedTuple):
    """One complete message that is not sent yet. ``notes`` tell the user how its values were chosen.

    ``codes`` and ``recipients`` are the one-time passwords and the phone numbers in its payload, unchanged.
    """

    account: Account
    pod: Pod
    template: Template
    values: Mapping[str, str]
    findings: tuple[Finding, ...]
    request: Request
    notes: tuple[Note, ...]
    codes: Sequence[str]
    recipients: Sequence[str]

    @property
    def payload(self) -> Payload:
        """The payload of its request."""
        return self.request.payload

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that are errors."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def refused_by(self, allow: Container[str], *, force: bool) -> tuple[Finding, ...]:
        """The errors that make ``send`` refuse, without those of the rules in ``allow``; none with ``force``."""
        return () if force else tuple(error for error in self.errors if error.code not in allow)

    @property
    def options(self) -> str:
        """Options that repeat this send: ``-a``, and ``-p`` and ``-t`` where they differ from the account's."""
        words = ["-a", self.account.name]
        words += ["-p", self.pod.name] if self.pod.name != self.account.pod else []
        words += ["-t", self.template.name] if self.template.name not in ("", self.account.template) else []
        return " ".join(words)


class Result(NamedTuple):
    """The result of a command: ``output`` goes to stdout, ``notes`` go to stderr in this order.

    Bytes come from a server: a pipe gets them unchanged, a terminal only if ``raw``. ``sent`` means that the exit code tells
    the outcome of a send, so the code stays the same if stdout cannot be written. ``prose`` is text that only people read:
    on a terminal its lines break at words. ``findings``, if given, are what ``output`` lists. ``colour`` is the value of
    ``--color``, None if it was not given.
    """

    output: str | bytes = ""
    notes: Sequence[Note | Finding] = ()
    exit_code: int = EXIT_DONE
    raw: bool = False
    sent: bool = False
    prose: bool = False
    findings: Sequence[Finding] = ()
    colour: bool | None = None

    @property
    def data(self) -> bytes:
        """The output as bytes: UTF-8 in every locale, since JSON is UTF-8."""
        return self.output.encode("utf-8", "backslashreplace") if isinstance(self.output, str) else self.output


def first_error(notes: Sequence[Note | Finding]) -> Note | None:
    """Return the first note that is an error, or None. Findings do not count: they are about a payload."""
    return next((note for note in notes if isinstance(note, Note) and note.kind == "error"), None)


@lru_cache(maxsize=64)  # a run asks several times for each row
def is_loopback(url: str) -> bool:
    """Whether the host of ``url`` is ``localhost``, ``127.0.0.0/8`` or ``[::1]``; ``127.0.0.1.`` is a DNS name, and is not."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    try:
        host, port = urlsplit(url).hostname or "", urlsplit(url).port
        return port != 0 and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:  # a name, brackets without an address, or a port that does not exist
        return False
