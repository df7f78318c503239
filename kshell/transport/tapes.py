"""Cassettes: exchanges kept in a file and played back. The one door to vcrpy.

vcrpy gives the patch of httpx, the file's format and its safe loader, and what the record modes mean; here are the
pseudonyms, an index, and what a miss says.

No key, code or phone number stands in a cassette. Each is replaced by a pseudonym (``CODE-4f0c2a9d1b37``) that is the same
for equal values and another for different ones, made with the cassette's own salt: equal requests match, and a request with
another code does not. A code that the session generated is known by its number (``CODE-generated0001``), so that a script
which generates codes can be played. A played answer gets the values of the request that asked for it back in their places.
Whoever has the file can still find out whether a number or a code they guess is in it; a guess costs a thousand hashes.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
from collections import defaultdict, deque
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from vcr import patch
from vcr.cassette import Cassette
from vcr.persisters.filesystem import CassetteNotFoundError
from vcr.record_mode import RecordMode
from vcr.request import Request
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer

from kshell.api.endpoints import ENDPOINTS, read_url
from kshell.api.payload import codes_of, recipients_of
from kshell.api.request import header_names
from kshell.core.errors import CassetteError, Place, SetupError
from kshell.core.json_text import dumps
from kshell.core.models import is_loopback
from kshell.privacy.masking import SHORTEST, Private, betrayed, replacer
from kshell.profiles.code_policy import GENERATED
from kshell.profiles.files import shown, write_private
from kshell.profiles.strict_yaml import anchor_in
from kshell.transport.client import MOST_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kshell.core.models import Json, Payload

    Change = Callable[[str], str]

Mode = Literal["none", "once", "new", "all"]
Facts = dict[str, str]
Answer = dict[str, Any]

MODES: dict[Mode, RecordMode] = {
    "none": RecordMode.NONE,
    "once": RecordMode.ONCE,
    "new": RecordMode.NEW_EPISODES,
    "all": RecordMode.ALL,
}
MOST_BYTES = 64 * 1024 * 1024
MOST_NUMBERS = 1000  # in an answer, each hidden at the price of a pseudonym
_END = 16 * 1024  # characters: a secret may be cut in two at the end of what was read
MOST_READ = (
    MOST_BODY + 8 * _END
)  # of an answer; more than the client takes, so that it says so, now and when it is played

_HASHES = 1000
_E164 = re.compile(r"\+[1-9][0-9]{6,14}(?![0-9])")
_PSEUDONYM = re.compile(r"(?:KEY|CODE|NUMBER)-(?:[0-9a-f]{12}|generated[0-9]{4,})(?:-[a-z]+)?")
_CODE = re.compile(r"(CODE-(?:[0-9a-f]{12}|generated[0-9]{4})(?:-(?:escaped|json|url|base))?)")
_UNCERTAIN = re.compile("generated|-[a-z]+$")  # which code such a pseudonym stands for cannot be asked of it
_MOST_CODES = 3  # in one fact
_KEPT_HEADERS = tuple(dict.fromkeys(name for endpoint in ENDPOINTS for name in header_names(endpoint)))
_SIMULATED = "Recorded from kshell's simulator, not from the API; key, code and numbers are pseudonyms."
_LIVE = "Recorded from the API; key, code and numbers are pseudonyms."


@contextmanager
def cassette(file: Path, mode: Mode = "once") -> Iterator[None]:
    """What httpx sends meanwhile is answered from ``file``, or sent and recorded there, as ``mode`` says.

    ``none`` sends nothing, ``once`` records where there is no file yet, ``new`` records what the file does not have, ``all``
    records everything anew. Raises ``CassetteError``: at the start for a file that cannot be used, in a send for a request that
    may not be sent, at the end for what must not or cannot be written.
    """
    if mode == "none" and not file.exists():
        raise CassetteError(f"there is no cassette {shown(file)}", hint="--record once records it")
    kept = _File(file, anew=mode == "all")
    with ExitStack() as stack:
        with _bounded_streams():
            stack.enter_context(_Cassette.use(path=str(file), persister=kept, serializer=kept, record_mode=MODES[mode]))
        yield
    if kept.failure:
        raise kept.failure


# ---- how much is read of an answer


@contextmanager
def _bounded_streams() -> Iterator[None]:
    """What vcrpy patches meanwhile reads no more of an answer than is kept; by itself it reads all that a server sends."""
    real = patch._HttpxHttpTransport_handle_request

    def bounded(transport: Any, request: Any) -> Any:
        response = real(transport, request)
        response.stream = _Bounded(response.stream)
        return response

    patch._HttpxHttpTransport_handle_request = bounded
    try:
        yield
    finally:
        patch._HttpxHttpTransport_handle_request = real


class _Bounded:
    """A stream that ends once so much is read that the client says it was more than it takes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.close = stream.close

    def __iter__(self) -> Iterator[bytes]:
        left = MOST_READ
        for chunk in self._stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return


# ---- pseudonyms


class Pseudonyms:
    """Values to pseudonyms, and back for who knows the value."""

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self._names: dict[Private, str] = {}

    def of(self, private: Private) -> str:
        """The pseudonym: equal for equal values, and not to be turned round without trying values."""
        if private.number:
            return f"{private.kind}-generated{private.number:04}"
        if private not in self._names:
            text = private.text.encode("utf-8", "surrogatepass")
            digest = hashlib.pbkdf2_hmac("sha256", text, bytes.fromhex(self.salt), _HASHES, 6)
            self._names[private] = f"{private.kind}-{digest.hex()}"
        return self._names[private]

    def hider(self, values: list[Private]) -> Change:
        """Replaces each value, in each of its forms, by its pseudonym."""
        table: dict[str, str] = {}
        for value in values:
            for end, form in value.forms().items():
                table.setdefault(form, self.of(value) + end)
        return replacer(table)

    def restorer(self, values: list[Private]) -> Change:
        """Undoes what ``hider`` did."""
        return replacer({self.of(value) + end: form for value in values for end, form in value.forms().items()})


def private_values(request: Request) -> list[Private]:
    """Every key, number and code in a request."""
    payload = _payload(request) or {}
    address = read_url(request.uri)
    recipients = [number for endpoint in ENDPOINTS for number in recipients_of(endpoint, payload)]
    codes = [code for endpoint in ENDPOINTS for code in codes_of(endpoint, payload)]
    text = unquote(request.uri) + _text(request.body)
    values = [Private("KEY", request.headers.get(endpoint.key_header, "")) for endpoint in ENDPOINTS]
    numbers = (*(address.senders if address else ()), *recipients, *_E164.findall(text))
    values += [Private("NUMBER", number) for number in numbers]
    made = GENERATED.get()
    values += [Private("CODE", code, made.index(code) + 1 if code in made else 0) for code in codes]
    return [value for value in dict.fromkeys(values) if value.text and not _PSEUDONYM.fullmatch(value.text)]


def _payload(request: Request) -> Payload | None:
    try:
        value = json.loads(_text(request.body))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(body: bytes | None) -> str:
    return (body or b"").decode("utf-8", "surrogateescape")


# ---- what is kept of an exchange


def _hidden_request(request: Request, hide: Change) -> Request:
    """The request as the cassette keeps it and as it is looked up: the headers that matter, a payload in one spelling."""
    payload = _payload(request)
    body = hide(_text(request.body)) if payload is None else dumps(_changed_json(payload, hide), indent=None)
    headers = {name: hide(request.headers[name]) for name in _KEPT_HEADERS if name in request.headers}
    return Request(request.method, hide(request.uri), body.encode("utf-8", "surrogateescape"), headers)


def _changed_json(value: Json, change: Change) -> Json:
    if isinstance(value, dict):
        return {change(name): _changed_json(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_changed_json(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _changed_answer(answer: Answer, change: Change) -> Answer:
    """``answer`` with its reason, its headers and its body changed."""
    status = {**answer["status"], "message": change(answer["status"]["message"] or "")}
    headers = {change(name): [change(text) for text in texts] for name, texts in answer["headers"].items()}
    body = change(_text(answer["body"]["string"])).encode("utf-8", "surrogateescape")
    return {"status": status, "headers": headers, "body": {"string": body}}


def _cut(body: bytes) -> bytes:
    """What was read of a body that is too long, hidden already, without its end, and longer than the client takes."""
    return _text(body)[:-_END].encode("utf-8", "surrogateescape") + b" " * (MOST_READ - MOST_BODY)


def _leak(request: Request, answer: Answer, values: list[Private]) -> str:
    """The kind of a value that the pseudonyms left in some other spelling; empty where there is none."""
    headers = [text for name, texts in answer["headers"].items() for text in (name, *texts)]
    said = [answer["status"]["message"], *headers, _text(answer["body"]["string"])]
    text = "\n".join([request.uri, *request.headers.values(), _text(request.body), *said])
    return betrayed(_PSEUDONYM.sub(" ", text), values)


# ---- matching


def facts_of(request: Request) -> Facts:
    """What must be equal for two requests to match, each fact under a name that a message can use."""
    url = urlsplit(request.uri)
    facts = {"method": request.method, "host": f"{url.scheme}://{url.netloc}", "path": url.path, "query": url.query}
    facts |= {f"header {name}": text for name, text in request.headers.items()}
    payload = _payload(request)
    return facts | (_leaves("", payload) if payload is not None else {"body": _text(request.body)})


def _leaves(pointer: str, value: Json) -> Facts:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not members:
        return {pointer or "/": json.dumps(value)}
    return {name: fact for key, item in members for name, fact in _leaves(f"{pointer}/{key}", item).items()}


def _key(facts: Facts) -> str:
    return json.dumps(facts, sort_keys=True)


class Asked(NamedTuple):
    """A fact of a request that was not found: as it is looked up, with its codes as they are, and as it may be told."""

    hidden: tuple[str, str]
    plain: tuple[str, str]
    told: tuple[str, str]


def _asked(request: Request, values: list[Private], names: Pseudonyms) -> list[Asked]:
    """The facts of a request. A short code stands in other text by chance, and that text is told as it is."""
    others = [value for value in values if value not in _short(values)]
    plain = [value for value in values if value.kind != "CODE"]
    versions = (facts_of(_hidden_request(request, names.hider(hide))).items() for hide in (values, plain, others))
    whole = {json.dumps(code.text) for code in values if code.kind == "CODE"}
    asked = [Asked(*facts) for facts in zip(*versions, strict=False)]
    return [fact._replace(told=fact.hidden) if fact.plain[1] in whole else fact for fact in asked]


def _short(values: list[Private]) -> list[Private]:
    return [value for value in values if value.kind == "CODE" and len(value.text) < SHORTEST]


def _differences(recorded: Facts, asked: list[Asked], names: Pseudonyms) -> list[tuple[str, str, str]]:
    """(name, what was recorded, what is asked) of every fact that differs.

    A recorded code has its pseudonym wherever it stood, in a host too; what could have been the same is not told.
    """
    left = dict(recorded)
    unequal = [fact for fact in asked if left.get(fact.hidden[0]) != fact.hidden[1]]
    for fact in asked:
        if fact not in unequal:
            del left[fact.hidden[0]]
    different: list[tuple[str, str, str]] = []
    for fact in unequal:
        twin = next((kept for kept in left.items() if _was(kept, fact.plain, names)), None)
        if twin:
            del left[twin[0]]
        else:
            different.append((fact.plain[0], left.pop(fact.hidden[0], "nothing"), fact.told[1]))
    return different + [(name, text, "nothing") for name, text in left.items()]


def _was(kept: tuple[str, str], plain: tuple[str, str], names: Pseudonyms) -> bool:
    """Whether a recorded fact was ``plain`` before a code in it was replaced by its pseudonym."""
    return all(was == now or _stands_for(was, now, names) for was, now in zip(kept, plain, strict=True))


def _is_code(text: str) -> bool:
    return _CODE.fullmatch(text.strip('"')) is not None


def _stands_for(kept: str, plain: str, names: Pseudonyms) -> bool:
    pieces = _CODE.split(kept)  # text and pseudonyms by turns
    codes = list(dict.fromkeys(pieces[1::2]))
    if not 0 < len(codes) <= _MOST_CODES:
        return False
    groups = {code: f"(?P<code{number}>.+?)" for number, code in enumerate(codes)}
    pattern = ""
    for position, piece in enumerate(pieces):
        pattern += re.escape(piece) if position % 2 == 0 else groups[piece]
        if position % 2:
            groups[piece] = f"(?P=code{codes.index(piece)})"
    match = re.fullmatch(pattern, plain, re.DOTALL)
    alone = not "".join(pieces[::2]).strip('"')
    return match is not None and all(
        names.of(Private("CODE", text)) == code or (_UNCERTAIN.search(code) is not None and not alone)
        for code, text in zip(codes, match.groups(), strict=True)
    )


class _Cassette(Cassette):  # type: ignore[misc] # vcrpy has no types
    """vcrpy's cassette with pseudonyms, an index in place of its search, and an answer played once.

    vcrpy compares each request with each recorded one; the index makes N exchanges cost time linear in N.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._file: _File = options["persister"]
        self._facts: list[Facts] = []
        self._unplayed: dict[str, deque[int]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._claimed = threading.local()
        self._complete = False

    @classmethod
    def load(cls, **options: Any) -> _Cassette:
        """The cassette with what its file holds."""
        loaded = super().load(**options)
        for position, request in enumerate(loaded.requests):
            loaded._facts.append(facts_of(request))
            loaded._unplayed[_key(loaded._facts[-1])].append(position)
        loaded._complete = True
        return loaded  # type: ignore[no-any-return]

    def can_play_response_for(self, request: Request) -> bool:
        """Whether an answer is left for ``request``; it is then this thread's. Raises where it may not be sent either."""
        if not self.rewound or self.record_mode == RecordMode.ALL:
            return False
        values = private_values(request)
        asked = facts_of(_hidden_request(request, self._file.names.hider(values)))
        with self._lock:
            left = self._unplayed[_key(asked)]
            self._claimed.play = (left.popleft(), values) if left else None
        if self._claimed.play is None and self.write_protected:
            raise self._miss(request, values)
        return self._claimed.play is not None

    def play_response(self, request: Request) -> Answer:  # noqa: ARG002 - vcrpy's signature
        """The answer that ``can_play_response_for`` found."""
        position, values = self._claimed.play
        self.play_counts[position] += 1
        return _changed_answer(self.data[position][1], self._file.names.restorer(values))

    def append(self, request: Request, response: Answer) -> None:
        """Keep an exchange. Never raises: the message is sent, and its answer must reach who sent it."""
        if not self._complete:
            super().append(request, response)
            return
        values = private_values(request)
        said = dict.fromkeys(_E164.findall(_text(response["body"]["string"])))
        if len(said) > MOST_NUMBERS:
            self._file.faults.append(f"an answer has more than {MOST_NUMBERS} phone numbers")
            self.dirty = True  # else vcrpy would not come to write it, and nothing would be said
            return
        values += [Private("NUMBER", number) for number in said]
        hide = self._file.names.hider(values)
        hidden, answer = _hidden_request(request, hide), _changed_answer(response, hide)
        if len(response["body"]["string"]) > MOST_BODY:
            answer["body"]["string"] = _cut(answer["body"]["string"])
        self._file.faults += _encodings(response)
        self._file.faults += _faults(hidden, answer, values)
        super().append(hidden, answer)

    def _miss(self, request: Request, values: list[Private]) -> CassetteError:
        file = shown(self._file.path)
        hint = "--record new records what is missing; --record all records everything anew"
        if not self._facts:
            return CassetteError(f"not sent: the cassette {file} is empty", hint=hint)
        names = self._file.names
        asked = _asked(request, values, names)
        position, differing = min(
            ((position, _differences(facts, asked, names)) for position, facts in enumerate(self._facts)),
            key=lambda found: len(found[1]),
        )
        if not differing:
            return CassetteError(f"not sent: the cassette {file} has no further answer to this request", hint=hint)
        restored = names.restorer(_short(values))
        what = "; ".join(
            f"{name} was {recorded if _is_code(recorded) else restored(recorded)}, now {now}"
            for name, recorded, now in differing[:6]
        )
        more = f"; and {len(differing) - 6} more" if len(differing) > 6 else ""
        return CassetteError(
            f"not sent: the cassette {file} has no such request; nearest is its request {position + 1}: {what}{more}",
            hint=hint,
        )


def _encodings(answer: Answer) -> Iterator[str]:
    """Why an answer must not be written as it came."""
    texts = [text for name, texts in answer["headers"].items() if name.lower() == "content-encoding" for text in texts]
    if any(text.lower() != "identity" for text in texts):
        yield "an answer is compressed, and a secret in it would not be found"


def _faults(request: Request, answer: Answer, values: list[Private]) -> Iterator[str]:
    """Why an exchange must not be written, pseudonyms and all."""
    kind = _leak(request, answer, values)
    if kind:
        yield f"a {kind.lower()} would be in it, in a spelling that has no pseudonym"


# ---- the file


class _File:
    """vcrpy's persister and serializer: reads safely; writes privately, whole, and only what holds no secret."""

    def __init__(self, path: Path, *, anew: bool) -> None:
        self.path = path
        self.anew = anew
        self.names = Pseudonyms(secrets.token_hex(16))
        self.faults: list[str] = []
        self.failure: CassetteError | None = None

    def load_cassette(self, _path: str, serializer: object) -> Any:  # noqa: ARG002 - vcrpy's signature
        """Requests and answers, none where all are recorded anew. Raises ``CassetteError``."""
        if not self.path.exists():
            raise CassetteNotFoundError
        try:
            requests, answers, *_ = deserialize(self._read(), self)
            loaded = [*map(_checked, requests)], [_changed_answer(answer, str) for answer in answers]
        except Exception as error:  # noqa: BLE001 - a file can be wrong in every way
            if self.anew:
                raise CassetteNotFoundError from None
            raise self._unusable(error) from None
        if self.anew:
            raise CassetteNotFoundError
        return loaded

    def save_cassette(self, _path: str, cassette_dict: Answer, serializer: object) -> None:  # noqa: ARG002 - vcrpy's
        """Write the file, or leave what was there and keep why as ``failure``: vcrpy's patch must be taken back first."""
        file = shown(self.path)
        if self.faults:
            hint = "what was sent was sent; run it without --cassette"
            self.failure = CassetteError(f"the cassette {file} was not written: {self.faults[0]}", hint=hint)
            return
        try:
            write_private(self.path, serialize(cassette_dict, self))
        except SetupError as error:
            self.failure = CassetteError(error.message, hint=f"what was sent was sent; {error.hint}")

    def deserialize(self, text: str) -> Any:
        """The file's data, by vcrpy's safe loader; the salt is taken from it."""
        if (at := anchor_in(text)) is not None:
            raise _AnchorError(at)
        data = yamlserializer.deserialize(text)
        _check(data)
        salt = data["kshell"]["salt"]
        bytes.fromhex(salt)
        self.names = Pseudonyms(salt)
        return data

    def serialize(self, data: Answer) -> str:
        """The file's text: what it is and its salt first."""
        requests = (interaction["request"] for interaction in data["interactions"])
        note = _SIMULATED if all(is_loopback(request["uri"]) for request in requests) else _LIVE
        head = yamlserializer.serialize({"kshell": {"note": note, "salt": self.names.salt}})
        return str(head + yamlserializer.serialize(data))

    def _read(self) -> str:
        if not self.path.is_file():
            raise ValueError("it is not a regular file")
        if self.path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1024 // 1024} MiB")
        return self.path.read_text(encoding="utf-8")

    def _unusable(self, error: Exception) -> CassetteError:
        why = error.strerror if isinstance(error, OSError) else "it is not a cassette that kshell recorded"
        mark = getattr(error, "problem_mark", None)  # where vcrpy's YAML loader stumbled
        at = Place(shown(self.path), mark.line + 1, mark.column + 1) if mark else None
        hint = "--record all records it anew; another file is another cassette"
        return CassetteError(f"the cassette {shown(self.path)} cannot be used: {why}", hint=hint, at=at)


class _AnchorError(ValueError):
    """A cassette has an anchor or an alias, which a few bytes of can be made to take any room."""

    def __init__(self, mark: Any) -> None:
        super().__init__()
        self.problem_mark = mark


def _check(data: Any) -> None:
    """Raise for what is of another kind than vcrpy writes it."""
    for interaction in data["interactions"]:
        request, answer = interaction["request"], interaction["response"]
        status, body = answer["status"], answer["body"]["string"]
        texts = [request["method"], request["uri"], status["message"] or ""]
        for headers in (request["headers"], answer["headers"]):
            texts += [text for name, values in headers.items() for text in (name, *_listed(values))]
        bodies = [request["body"] or "", body]
        if not all(isinstance(text, str) for text in texts) or not all(
            isinstance(text, str | bytes) for text in bodies
        ):
            raise ValueError("a text is no text")
        if type(status["code"]) is not int or not texts[2].isascii():
            raise ValueError("a status is none")


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [None]


def _checked(request: Request) -> Request:
    facts_of(request)  # raises for what is no request
    return request
