"""Promise 17: ``kshell sandbox`` serves this machine alone, and keeps its memory and its time whatever it is sent."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from conftest import PROJECT
from support.clock import in_time, with_limit

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
MEMORY = 256 * MIB
PROMPT = 0.1  # seconds
TARGET = "/v2/HXAP16XXXXXX97IN/whatsapp/+911234567890/messages"
HEADERS = {"Content-Type": "application/json", "api-key": "Acanary00000000000000000000000key"}
HEAD = f"POST {TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MIB}\r\n\r\n".encode()
GET_INBOX = b"GET /inbox HTTP/1.1\r\nHost: localhost\r\n\r\n"
WAIT = b"GET /inbox?to=+919999999999&wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n"
EVENTS = b"GET /inbox/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
KSHELL = "from kshell.__main__ import entry; entry()"
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")


class Answer(NamedTuple):
    """An answer that was read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


class Sandbox(NamedTuple):
    """A ``kshell sandbox`` that listens on ``port`` of 127.0.0.1."""

    process: subprocess.Popen[str]
    port: int

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
        """The answer to a request on a connection of its own."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as http:
            http.request(method, target, body, HEADERS | headers)
            answer = http.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())

    def connect(self, sent: bytes) -> socket.socket:
        """A connection on which ``sent`` was written."""
        stream = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        stream.sendall(sent)
        return stream

    def send(self, count: int, body: bytes) -> None:
        """Send the same message ``count`` times; each is accepted."""
        assert [self.ask("POST", TARGET, body).status for _ in range(count)] == [202] * count

    def is_prompt(self, *sent: bytes) -> bool:
        """Whether ``GET /`` is answered within ``PROMPT`` while requests are open on which ``sent`` was written."""
        return any(in_time(self.seconds(*sent), PROMPT) for _ in range(3))

    def seconds(self, *sent: bytes) -> float:
        """How long ``GET /`` takes while requests are open on which ``sent`` was written.

        The median of five rounds, since a busy machine delays one or two; of each round the longest of five answers. Three
        rounds below ``PROMPT`` are enough, because the median of five is below it too.
        """
        rounds: list[float] = []
        while len(rounds) < 5 and sum(seconds < PROMPT for seconds in rounds) < 3:
            with ExitStack() as streams:
                for request in sent:
                    streams.enter_context(self.connect(request))
                times = [time.perf_counter()]
                for _ in range(5):
                    assert self.ask("GET", "/").status == 200
                    times.append(time.perf_counter())
            rounds.append(max(after - before for before, after in pairwise(times)))
        return sorted(rounds)[2]

    def most_memory(self) -> int:
        """The most bytes of memory that the process has held so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@contextmanager
def served(program: str = KSHELL) -> Iterator[Sandbox]:
    """``kshell sandbox --port 0`` as a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", program, "sandbox", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        text=True,
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        try:
            yield Sandbox(process, int(url.rpartition(":")[2]))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One that several tests ask."""
    with served() as sandbox:
        yield sandbox


def message(ref: object = "", to: str = "+919812345678") -> bytes:
    """A correct payload that holds ``ref`` in a field that the page does not name."""
    parameters = [{"type": "text", "text": "482913"}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    asked = {"messaging_product": "whatsapp", "to": to, "template": template}
    return json.dumps({"messaging_object": asked, "more": ref}, separators=(",", ":")).encode()


LARGE = message(["ab"] * ((MIB - 1000) // 5))  # 1 MiB of text, 12 MiB as objects
HEAVY = message([{}] * ((MIB - 1000) // 3))  # 1 MiB that takes a fifth of a second to read
POST_HEAVY = b"\r\n".join(
    [
        f"POST {TARGET} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(HEAVY)}".encode(),
        *(f"{name}: {value}".encode() for name, value in HEADERS.items()),
        b"",
        HEAVY,
    ]
)


# ---- this machine alone


@needs_proc
def test_it_listens_on_loopback_alone(sandbox):
    """The port is open on 127.0.0.1 and on no other address of the machine."""
    lines = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()]
    listening = [words[1] for words in lines if words[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{sandbox.port:04X}")] == [f"0100007F:{sandbox.port:04X}"]


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "127.0.0.1.",
    "192.0.2.1",
    "[::]",
    "[2001:db8::1]:80",
    "evil.example@127.0.0.1",
    "127.0.0.1/evil.example",
    "[evil",
    "",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_another_host_is_refused(sandbox, host):
    """A ``Host`` that is not a loopback one is answered 403, so a name that was made to resolve to 127.0.0.1 reads nothing."""
    answer = sandbox.ask("GET", "/inbox", Host=host)
    assert (answer.status, answer.json["code"], list(answer.json)) == (403, "403", ["code", "message", "data", "error"])


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("HEAD", "/inbox"),
        ("POST", TARGET),
        ("GET", "/nowhere"),
        ("OPTIONS", TARGET),
        ("DELETE", "/inbox"),
        ("POST", "/next"),
        ("GET", "/inbox/events"),
        ("GET", "/phone.js"),
    ],
)
@pytest.mark.parametrize(
    "header", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}], ids=["host", "origin"]
)
def test_every_path_and_method_refuses(sandbox, method, target, header):
    """403 comes before everything that a path or a method decides."""
    assert sandbox.ask(method, target, message() if method == "POST" else None, **header).status == 403


def test_a_request_without_a_host_is_refused(sandbox):
    """HTTP/1.0 allows a request that names no host; the simulator answers it 403."""
    with sandbox.connect(b"GET /inbox HTTP/1.0\r\n\r\n") as stream:
        assert stream.recv(MIB).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8255", "127.0.0.1", "127.8.9.10:1", "[::1]", "[::1]:8255"])
def test_a_loopback_host_is_answered(sandbox, host):
    """``localhost``, ``127.0.0.0/8`` and ``[::1]`` are this machine, with any port."""
    assert sandbox.ask("GET", "/inbox", Host=host).status == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://127.0.0.1.evil.example", "http://192.0.2.1:8255", ""]
)
def test_another_origin_is_refused(sandbox, origin):
    """A page of another site may not even ask: its message is answered 403 and reaches nobody."""
    answer = sandbox.ask("POST", TARGET, message(to="+919800000403"), Origin=origin)
    assert (answer.status, b"+919800000403" in sandbox.ask("GET", "/inbox").body) == (403, False)


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://127.0.0.1", "http://[::1]:8255"])
def test_a_loopback_origin_is_answered_without_cors(sandbox, origin):
    """A page of this machine may ask, but no header lets it read an answer of another port."""
    answer = sandbox.ask("GET", "/", Origin=origin)
    assert answer.status == 200
    assert [name for name in answer.headers if name.startswith("access-control-")] == []


# ---- what it is sent


@pytest.mark.parametrize("character", ["%00", "%1B", "%7F", "%C2%9B", "%C2%80", "%E2%80%AE"])
def test_a_sid_of_control_characters_is_incorrect(sandbox, character):
    """A SID that holds C0, DEL, C1 or a bidi control is answered RBC001: incorrect SID or API key."""
    answer = sandbox.ask("POST", TARGET.replace("HX", f"HX{character}"), message())
    assert (answer.status, answer.json["code"]) == (401, "RBC001")


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /inbox HTTP/one\r\n\r\n",
        b"GET /inbox HTTP/1.1\r\n\r\n",
        b"GET /inbox HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 70_000,
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ],
    ids=["TLS", "version", "no host", "two hosts", "long head", "length", "chunk"],
)
def test_a_malformed_request_is_answered_400(sandbox, sent):
    """What is no HTTP is answered 400 and the connection closed; the next request is answered."""
    with sandbox.connect(sent) as stream:
        assert b"400 Bad Request" in b"".join(iter(lambda: stream.recv(MIB), b""))
    assert sandbox.ask("GET", "/").status == 200


# ---- its memory and its time


@needs_proc
def test_large_messages_keep_the_memory():
    """After 20 accepted messages of 1 MiB and a read inbox, the process has never held more than 256 MB."""
    with served() as sandbox:
        sandbox.send(20, LARGE)
        kept = sandbox.ask("GET", "/inbox")
        assert (kept.status, len(kept.json) < 20) == (200, True)
        assert len(kept.body) < 17 * MIB
        assert sandbox.most_memory() < MEMORY


def test_a_full_inbox_that_is_read_delays_nobody():
    """While clients ask for a large inbox, other requests are answered in 100 ms."""
    with served() as sandbox:
        sandbox.send(8, LARGE)
        assert sandbox.is_prompt(GET_INBOX, GET_INBOX)


def test_clients_that_wait_delay_nobody():
    """While 40 clients wait for a message and 10 for events, other requests are answered in 100 ms."""
    with served() as sandbox, ExitStack() as open_streams:
        for request in (*[WAIT] * 40, *[EVENTS] * 10):
            open_streams.enter_context(sandbox.connect(request))
        assert sandbox.is_prompt()


def test_more_clients_than_may_wait_lock_nobody_out():
    """With 190 clients that want to wait, some are told to try again later, and messages are taken."""
    with served() as sandbox, ExitStack() as open_streams:
        for _ in range(190):
            open_streams.enter_context(sandbox.connect(WAIT))
        assert sandbox.ask("POST", TARGET, message()).status == 202
        assert sandbox.ask("GET", "/inbox?to=+919999999999&wait=1").json["code"] == "WA500"


def test_large_messages_delay_nobody(sandbox):
    """While messages of 1 MiB and 300,000 values are read, other requests are answered in 100 ms."""
    assert sandbox.is_prompt(POST_HEAVY, POST_HEAVY)


@needs_proc
def test_many_unfinished_requests_keep_the_memory_and_the_time():
    """With 300 clients that each sent all but the end of 1 MiB, others are answered in 100 ms and the memory stays bounded."""
    with served() as sandbox, ExitStack() as open_streams:
        for _ in range(300):
            stream = open_streams.enter_context(sandbox.connect(b""))
            try:
                stream.sendall(HEAD + b" " * (MIB - 1))
            except OSError:
                continue  # it was dropped
        assert sandbox.is_prompt()
        assert sandbox.ask("POST", TARGET, message()).status == 202
        assert sandbox.most_memory() < MEMORY


def test_many_open_connections_end_the_oldest():
    """Of more than 200 connections that wait for their clients the oldest is dropped at once, and new ones are answered."""
    with served() as sandbox, ExitStack() as open_streams:
        first = open_streams.enter_context(sandbox.connect(b"GET"))
        for _ in range(199):
            open_streams.enter_context(sandbox.connect(b"GET"))
        first.settimeout(0.3)
        with pytest.raises(TimeoutError):
            first.recv(1)
        assert sandbox.ask("GET", "/").status == 200
        first.settimeout(60)
        with suppress(ConnectionError):
            assert first.recv(1) == b""


def impatient(limit: float) -> AbstractContextManager[Sandbox]:
    """A simulator that gives each request ``limit`` seconds, which may be too short for a busy machine."""
    return served(f"from kshell.simulator import server; server.REQUEST_SECONDS = {limit}; {KSHELL}")


@pytest.fixture(scope="module")
def hasty() -> Iterator[Sandbox]:
    """A simulator that gives each request half a second."""
    with impatient(0.5) as sandbox:
        yield sandbox


UNFINISHED = {
    "nothing": b"",
    "head": b"POST / HTTP/1.1\r\nHost: loc",
    "body": HEAD + b"{",
    "second": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP",
    "refused": b"POST / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n{",
    "next": b"POST /next HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
}


@pytest.fixture(scope="module")
def dropped(hasty) -> frozenset[str]:
    """The names of the ``UNFINISHED`` requests whose connections were ended. All are open at once: each takes its time."""
    with ExitStack() as streams:
        opened = {name: streams.enter_context(hasty.connect(sent)) for name, sent in UNFINISHED.items()}
        end = time.monotonic() + 60
        while opened and time.monotonic() < end:
            opened = {
                name: stream for name, stream in opened.items() if not has_ended(stream, UNFINISHED[name] and b" ")
            }
        return frozenset(UNFINISHED.keys() - opened.keys())


def has_ended(stream: socket.socket, more: bytes) -> bool:
    """Whether a connection was ended; if nothing comes for a moment, ``more`` is written."""
    stream.settimeout(0.02)
    try:
        return not stream.recv(MIB)
    except TimeoutError:
        with suppress(ConnectionError):  # the next call finds it
            stream.sendall(more)
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("name", UNFINISHED)
def test_an_unfinished_request_is_dropped(dropped, name):
    """A request that is not complete in its time ends with its connection, even if a byte comes now and then."""
    assert name in dropped


def unread(sandbox: Sandbox, request: bytes, messages: int, seconds: float) -> int:
    """How many bytes come in the end of a request whose answer is not read while so many messages are sent, and so long."""
    received = 0
    with closing(socket.socket()) as stream, suppress(ConnectionError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        stream.settimeout(60)
        stream.connect(("127.0.0.1", sandbox.port))
        stream.sendall(request)
        sandbox.send(messages, message("x" * (MIB - 1000)))
        time.sleep(seconds)
        while data := stream.recv(MIB):
            received += len(data)
    return received


def test_an_answer_that_nobody_reads_is_dropped():
    """A client that asks for a full inbox and does not read it is dropped in the same time, before the answer's end."""

    def received(limit: float) -> int:
        with impatient(limit) as sandbox, suppress(ConnectionError):
            sandbox.send(16, message("x" * (MIB - 1000)))
            return unread(sandbox, GET_INBOX, 0, 3 * limit)
        return 0

    assert with_limit(received, lambda size: not MIB // 16 < size < 15 * MIB, 0.5, 5) in range(MIB // 16, 15 * MIB)


def test_a_client_that_waits_is_not_too_slow(hasty):
    """A request that waits for a message longer than a request may take to come in is answered, not dropped."""

    def answered(limit: float) -> Any:
        with nullcontext(hasty) if limit == 0.5 else impatient(limit) as sandbox, suppress(ConnectionError):
            return sandbox.ask("GET", f"/inbox?wait={2.4 * limit}").json
        return None

    assert with_limit(answered, lambda answer: answer is None, 0.5, 5) == []


@needs_proc
def test_events_that_nobody_reads_are_dropped():
    """A client that asks for events and does not read them is dropped, and the memory stays bounded."""

    def received(limit: float) -> tuple[int, int]:
        with impatient(limit) as sandbox:
            return unread(sandbox, EVENTS, 30, 3 * limit), sandbox.most_memory()

    size, memory = with_limit(received, lambda got: not 0 < got[0] < 15 * MIB, 0.5, 5)
    assert 0 < size < 15 * MIB
    assert memory < MEMORY


def test_the_time_of_a_request_is_seconds():
    """The tests above shorten the limit for a request; it is 10 seconds."""
    from kshell.simulator.server import REQUEST_SECONDS

    assert REQUEST_SECONDS == 10


@pytest.mark.parametrize(("number", "full"), [(signal.SIGINT, False), (signal.SIGTERM, True)], ids=["empty", "full"])
def test_a_signal_ends_it_within_a_second(number, full):
    """Empty, or full and with requests under way, waiting and unfinished: it ends with exit code 0, in silence."""

    def seconds() -> float:
        with served() as sandbox, ExitStack() as open_streams:
            if full:
                sandbox.send(8, LARGE)
                for sent in (GET_INBOX, WAIT, EVENTS, HEAD + b"{", b"GET", *[POST_HEAVY] * 4):
                    open_streams.enter_context(sandbox.connect(sent))
            begin = time.monotonic()
            sandbox.process.send_signal(number)
            out, err = sandbox.process.communicate(timeout=60)
            end = time.monotonic()
        assert (sandbox.process.returncode, out, err) == (0, "", "")
        return end - begin

    assert any(in_time(seconds(), 1) for _ in range(3))
