"""One message, once: whatever a network or a server does, the delivery that kshell reports is true."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import in_time, with_limit
from support.programs import needs
from support.servers import (
    ACCEPTED,
    PAGE_SAMPLE,
    Server,
    answer,
    bomb,
    close,
    closed_port,
    drip,
    flood,
    hang,
    local_pod,
    pause,
    read,
    refusal,
    reset,
    say,
    tunnel_to,
    wait_until,
)

import kshell.transport.http  # noqa: F401 - else the first time limit counts the import of httpx
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.core.exchange import Delivery, Exchange
from kshell.core.models import Request, Secret
from kshell.transport.client import MOST_BODY, Attempt, Route, send
from kshell.transport.connections import SEND_THREAD, KeptConnections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.servers import Connection, Step

TIMEOUT = 0.3  # for a server that does not end by itself
PATIENCE = 30.0  # for a server that does
HANDSHAKE = 0.6  # for a server that does not end, over TLS
SLACK = 2.0  # seconds that a machine may add to a time-out
KEY = "Acanary00000000000000000000000key"
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"


class Outcome(NamedTuple):
    """The outcome of a send, as the user sees it."""

    code: int
    delivery: str
    response: Any
    error: Any
    seconds: float

    @property
    def is_without_answer(self) -> bool:
        """Whether the time limit ended the send before an answer began."""
        return bool(self.error) and "no answer within" in self.error["message"]


@pytest.fixture
def send_to(cli: Any) -> Any:
    """Return a function that sends to a URL by the command line, through the pod's ``proxy`` if one is given."""

    def sent(url: str, *, proxy: str = "", timeout: float = PATIENCE) -> Outcome:
        pod = local_pod(url, proxy=proxy)
        began = time.perf_counter()
        ran = cli("send", "-p", pod, "to=+919812345678", "otp=482913", "--json", "--timeout", str(timeout))
        seconds = time.perf_counter() - began
        document = ran.json
        return Outcome(ran.code, document["delivery"], document["response"], document["error"], seconds)

    return sent


class Schedule(NamedTuple):
    """The steps of a server, the true delivery of the message, and the start of the remark on the body."""

    steps: tuple[Step, ...]
    delivery: str
    requests: int = 1
    fault: str = ""
    timeout: float = PATIENCE


def _whole(*steps: Step, delivery: str, fault: str = "") -> Schedule:
    """Return the schedule of a server that reads the request before it does these steps."""
    return Schedule((read, *steps), delivery, fault=fault)


def _endless(*steps: Step, delivery: str = "unknown", fault: str = "") -> Schedule:
    """Return the schedule of a server that reads the request and does not end in time."""
    return Schedule((read, *steps), delivery, fault=fault, timeout=TIMEOUT)


INCOMPLETE = "it was not complete after {timeout:g} s"

SCHEDULES: dict[str, Schedule] = {
    "closes when it accepts": Schedule((close,), "unknown", requests=0),
    "reads nothing and hangs": Schedule((hang,), "unknown", requests=0, timeout=TIMEOUT),
    "answers without reading": Schedule((answer(202, ACCEPTED), hang), "accepted", requests=0),
    "reads all and never answers": _endless(hang),
    "reads all and resets": _whole(reset, delivery="unknown"),
    "reads all and closes": _whole(close, delivery="unknown"),
    "half a head, then closes": _whole(say(HEAD[:30]), close, delivery="unknown"),
    "half a head, then hangs": _endless(say(HEAD), hang),
    "answers too late": _endless(hang, answer(202, ACCEPTED)),
    "answers late, but in time": _whole(pause(0.05), answer(202, ACCEPTED), delivery="accepted"),
    "a head, a byte at a time": _endless(drip(HEAD * 9)),
    "202 with half a body, then closes": _whole(
        answer(202, ACCEPTED[:40], length=99), close, delivery="accepted", fault="it broke off after 40 bytes: "
    ),
    "202 with half a body, then hangs": _endless(
        answer(202, ACCEPTED[:40], length=99), hang, delivery="accepted", fault=INCOMPLETE
    ),
    "202 with half a body, then resets": _whole(
        answer(202, b"", length=99), pause(0.05), reset, delivery="accepted", fault="it broke off after 0 bytes: "
    ),
    "202 with a body, a byte at a time": _endless(
        say(HEAD + b"Content-Length: 999\r\n\r\n"), drip(ACCEPTED * 9), delivery="accepted", fault=INCOMPLETE
    ),
    "202 until it closes, a byte at a time": _endless(
        say(HEAD + b"\r\n"), drip(ACCEPTED * 9), delivery="accepted", fault=INCOMPLETE
    ),
    "202 with a faulty chunk": _whole(
        say(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\nzz\r\n'),
        delivery="accepted",
        fault="it broke off after 5 bytes: ",
    ),
    "200 with half a body": _whole(answer(200, ACCEPTED[:40], length=99), close, delivery="unknown"),
    "400 with half a body": _whole(answer(400, refusal("E110")[:20], length=99), close, delivery="refused"),
    "500 with half a body": _whole(answer(500, refusal("WA500")[:10], length=99), close, delivery="unknown"),
    "202 and nothing": _whole(answer(202), delivery="accepted", fault="it is empty"),
    "200 and nothing": _whole(answer(200), delivery="unknown", fault="it is empty"),
    "204": _whole(answer(204), delivery="unknown", fault="it is empty"),
    "202 and the page's own sample": _whole(
        answer(202, PAGE_SAMPLE), delivery="accepted", fault="it is not valid JSON"
    ),
    "202 and JSON with another content type": _whole(
        answer(202, ACCEPTED, ("Content-Type", "image/png")), delivery="accepted"
    ),
    "202 and no content type": _whole(say(b"HTTP/1.1 202 \r\n\r\n" + ACCEPTED), close, delivery="accepted"),
    "202 and Latin-1": _whole(answer(202, b'{"message": "\xe9"}'), delivery="accepted", fault="it is not UTF-8"),
    "202 and NUL": _whole(answer(202, b"\0\0"), delivery="accepted", fault="it is not text"),
    "202 and a list": _whole(answer(202, b"[1]"), delivery="accepted", fault="it is JSON, but not an object"),
    "200 and HTML": _whole(answer(200, HTML), delivery="unknown", fault="it is HTML, not JSON"),
    "403 and HTML": _whole(answer(403, HTML), delivery="refused", fault="it is HTML, not JSON"),
    "502 and HTML": _whole(answer(502, HTML), delivery="unknown", fault="it is HTML, not JSON"),
    "504 and nothing": _whole(answer(504), delivery="unknown", fault="it is empty"),
    "500 of the API": _whole(answer(500, refusal("WA500")), delivery="refused"),
    "100, then 202": _whole(say(b"HTTP/1.1 100 Continue\r\n\r\n"), answer(202, ACCEPTED), delivery="accepted"),
    "103, then 202": _whole(say(b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"), answer(202, ACCEPTED), delivery="accepted"),
    "100 without end": _endless(drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 9, 0.005), hang),
    "101": _whole(say(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), delivery="unknown"),
    "two answers": _whole(answer(202, ACCEPTED), answer(500, refusal("WA500")), delivery="accepted"),
    "not HTTP": _whole(say(b"SSH-2.0-OpenSSH_9.2\r\n"), delivery="unknown"),
    "a status line with NUL": _whole(say(b"HTTP/1.1 202 \0\r\n\r\n"), delivery="unknown"),
    "a status that is no number": _whole(say(b"HTTP/1.1 2O2 Accepted\r\n\r\n"), delivery="unknown"),
    "two lengths": _whole(say(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12"), delivery="unknown"),
    "a head of 200 KiB": _whole(say(HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n"), delivery="unknown"),
    "gzip that is none": _whole(
        answer(202, ACCEPTED, ("Content-Encoding", "gzip")),
        delivery="accepted",
        fault="it says it is encoded as gzip, but is not",
    ),
    "gzip": _whole(answer(202, gzip.compress(ACCEPTED), ("Content-Encoding", "GZIP")), delivery="accepted"),
    "deflate": _whole(answer(202, zlib.compress(ACCEPTED), ("Content-Encoding", "deflate")), delivery="accepted"),
    "half of a gzip": _whole(
        answer(202, gzip.compress(ACCEPTED)[:-9], ("Content-Encoding", "gzip")),
        delivery="accepted",
        fault="it is compressed, and only its first ",
    ),
    "brotli": _whole(
        answer(202, b"\x0b\x02\x80", ("Content-Encoding", "br")),
        delivery="accepted",
        fault="it is encoded as br, which was not asked for",
    ),
}

EXIT_CODES = {"accepted": 0, "refused": 1, "not-sent": 4, "unknown": 5}


class Tried(NamedTuple):
    """What came of a send within ``timeout`` seconds, and what reached the server."""

    timeout: float
    outcome: Outcome
    connections: int
    requests: int


def tried(send_to: Any, schedule: Schedule, tls: ssl.SSLContext | None = None) -> Tried:
    """Send to a server with a schedule; once more with more time, if the machine was too slow for what is expected."""

    def attempt(timeout: float) -> Tried:
        with Server(*schedule.steps, tls=tls) as server:
            outcome = send_to(server.url, timeout=timeout)
        assert max(server.connections, len(server.requests)) <= 1
        return Tried(timeout, outcome, server.connections, len(server.requests))

    def is_late(tried: Tried) -> bool:
        is_expected = tried[2:] == (1, schedule.requests) and tried.outcome.delivery == schedule.delivery
        return tried.outcome.is_without_answer and not is_expected

    return with_limit(attempt, is_late, schedule.timeout)


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_is_said_of_the_message_is_true(send_to, name):
    """Whatever a server does, there is one connection, at most one request, and a true exit code within the time-out."""
    schedule = SCHEDULES[name]
    timeout, outcome, *reached = tried(send_to, schedule)
    assert (outcome.delivery, outcome.code) == (schedule.delivery, EXIT_CODES[schedule.delivery])
    assert reached == [1, schedule.requests]
    assert in_time(outcome.seconds, timeout + SLACK)
    if outcome.response is None:
        assert outcome.error["message"].startswith("no answer")
    else:
        assert outcome.response["fault"].startswith(schedule.fault.format(timeout=timeout))


WHOLE = ("gzip", "deflate", "100, then 202", "103, then 202", "two answers", "answers late, but in time")


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_read_whole(send_to, name):
    """An answer that is compressed, late or follows other answers is read like the documented one, without a fault."""
    with Server(*SCHEDULES[name].steps) as server:
        response = send_to(server.url, timeout=PATIENCE).response
    assert (response["body"]["data"]["message_id"], response["fault"]) == ("A1", "")


PIECES = (
    read,
    close,
    reset,
    pause(0.02),
    say(HEAD),
    say(b"\r\n"),
    say(b"Content-Length: 91\r\n\r\n"),
    say(ACCEPTED),
    say(b"HTTP/1.1 100 Continue\r\n\r\n"),
    say(b"\xff"),
    answer(302, b"", ("Location", "/elsewhere")),
    answer(503, HTML),
)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(PIECES), max_size=5))
def test_no_order_of_events_makes_a_second_request_or_a_lie(steps):
    """Any sequence of reads, writes, pauses and ends gives at most one request, and "not sent" only if no byte arrived."""
    with Server(*steps) as server:
        exchange = deliver(server.url, timeout=0.1)
    assert len(server.requests) <= 1
    assert server.connections <= 1
    assert exchange.delivery is not Delivery.NOT_SENT or server.received == b""
    assert exchange.delivery is not Delivery.ACCEPTED or exchange.response.status == 202


def small_request(url: str) -> Request:
    """Return a request without a payload's fields."""
    headers = (("Content-Type", "application/json"), ("api-key", Secret("env", "KEY")))
    return Request(SEND_AUTHENTICATION, f"{url}/v2/HX1IN/whatsapp/+1/messages", headers, {})


def deliver(url: str, *, timeout: float = PATIENCE, key: str = KEY) -> Exchange:
    """Send a small request by the client alone and return the exchange."""
    return send(small_request(url), key, Route(timeout))


def kept(
    server: Server, *, thread: bool, timeout: float = PATIENCE, between: Callable[[], object] = lambda: None
) -> list[Exchange]:
    """Send two small requests over kept connections, from this thread or from another one, as ``run --jobs`` does.

    The second uses the first one's connection if that is open, however long this machine takes.
    """

    def both() -> list[Exchange]:
        first, second = (Attempt(small_request(server.url), lambda: KEY, Route(timeout)) for _ in range(2))
        exchange = first.run(connections=connections)
        between()
        return [exchange, second.run(connections=connections)]

    with pytest.MonkeyPatch.context() as patch, KeptConnections() as connections, ThreadPoolExecutor(1) as pool:
        patch.setattr("kshell.transport.http._IDLE_SECONDS", 600)
        return pool.submit(both).result() if thread else both()


THREADS = pytest.mark.parametrize("thread", [False, True], ids=["main thread", "other thread"])


@THREADS
@pytest.mark.parametrize("end", [close, reset])
def test_a_message_over_a_kept_connection_is_not_sent_again(end, thread):
    """A message whose kept connection ends before an answer is unknown, and is not sent again over a new one."""

    def answer_the_first(connection: Connection) -> None:
        (answer(202, ACCEPTED) if len(connection.server.requests) == 1 else end)(connection)

    with Server(read, answer_the_first, read, end) as server:
        deliveries = [exchange.delivery for exchange in kept(server, thread=thread)]
    assert (deliveries, len(server.requests)) == ([Delivery.ACCEPTED, Delivery.UNKNOWN], 2)


@THREADS
def test_a_kept_connection_that_the_server_has_closed_is_opened_anew(thread):
    """After an answer whose connection the server closes, the next message goes over a new connection, once."""
    closed = threading.Event()

    def close_and_say(connection: Connection) -> None:
        close(connection)
        closed.set()

    with Server(read, answer(202, ACCEPTED), close_and_say) as server:
        exchanges = kept(server, thread=thread, between=lambda: closed.wait(PATIENCE))
    deliveries = [exchange.delivery for exchange in exchanges]
    assert (deliveries, len(server.requests), server.connections) == ([Delivery.ACCEPTED] * 2, 2, 2)


@THREADS
def test_a_second_answer_is_not_taken_for_the_next_message(thread):
    """What a server sends after an answer ends the connection, so that no message gets the answer of another one."""
    length = b"Content-Length: %d\r\n\r\n" % len(ACCEPTED)
    refused = refusal("WA401")
    surplus = b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%b" % (len(refused), refused)
    with Server(read, say(HEAD + length + ACCEPTED + surplus), read, close) as server:
        exchanges = kept(server, thread=thread)
    deliveries = [exchange.delivery for exchange in exchanges]
    assert (deliveries, server.connections) == ([Delivery.ACCEPTED] * 2, 2)


@THREADS
def test_an_answer_in_drops_over_a_kept_connection_ends_in_time(thread):
    """A head that comes byte by byte over a kept connection ends the wait after the timeout, and the outcome is unknown."""

    def attempt(timeout: float) -> tuple[float, list[Exchange], int]:
        with Server(read, answer(202, ACCEPTED), read, drip(b"H" * 999, 0.1)) as server:
            exchanges = kept(server, thread=thread, timeout=timeout)
        return timeout, exchanges, len(server.requests)

    def is_late(tried: tuple[float, list[Exchange], int]) -> bool:
        _, (first, _), requests = tried
        return first.response is None or first.response.fault != "" or requests < 2

    timeout, (first, second), requests = with_limit(attempt, is_late, 0.5)
    assert (first.delivery, second.delivery, requests) == (Delivery.ACCEPTED, Delivery.UNKNOWN, 2)
    assert str(second.error) == f"no answer within {timeout:g} s; the API may have the message"
    assert in_time(second.elapsed_ms / 1000, timeout + SLACK)


@THREADS
def test_a_kept_connection_is_used_for_the_next_message(thread):
    """Two messages of a run go over one connection."""
    with Server(read, answer(202, ACCEPTED), read, answer(202, ACCEPTED)) as server:
        deliveries = [exchange.delivery for exchange in kept(server, thread=thread)]
    assert (deliveries, len(server.requests), server.connections) == ([Delivery.ACCEPTED] * 2, 2, 1)


# ---- not sent


def test_a_closed_port_is_not_sent(send_to):
    """A closed port on loopback gives exit code 4 and a hint that starts the simulator on that port."""
    with closed_port() as port:
        outcome = send_to(f"http://127.0.0.1:{port}")
    assert (outcome.code, outcome.delivery, outcome.response) == (4, "not-sent", None)
    assert "refused" in outcome.error["message"]
    assert f"kshell sandbox --port {port}" in outcome.error["hint"]


def test_the_hint_for_a_url_without_a_port_names_port_80():
    """The hint for ``http://localhost``, a URL without a port, names port 80."""
    request = Request(SEND_AUTHENTICATION, "http://localhost/v2/a/whatsapp/b/messages", (), {})
    assert "kshell sandbox --port 80 " in Attempt(request, lambda: KEY, Route()).exchange.error.hint


@contextmanager
def full_port() -> Iterator[int]:
    """Yield a loopback port that neither accepts nor refuses another connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        port: int = full.getsockname()[1]
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
        yield port


def test_a_connection_that_is_never_taken_up_is_not_sent(send_to):
    """A host that never accepts the connection gives exit code 4 within the time-out."""
    with full_port() as port:
        outcome = send_to(f"http://127.0.0.1:{port}", timeout=TIMEOUT)
    assert (outcome.code, outcome.delivery) == (4, "not-sent")
    assert outcome.error["message"] == "not sent: no answer within 0.3 s"
    assert in_time(outcome.seconds, TIMEOUT + SLACK)


def test_a_host_with_several_dead_addresses_takes_no_longer(send_to, monkeypatch):
    """The time-out covers all addresses of a host together."""
    with full_port() as port:
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 20)
        outcome = send_to("https://api.invalid", timeout=TIMEOUT)
    assert (outcome.code, outcome.error["message"]) == (4, "not sent: no answer within 0.3 s")
    assert in_time(outcome.seconds, TIMEOUT + SLACK)


def test_a_name_that_is_looked_up_for_too_long_is_not_sent(monkeypatch):
    """A slow name lookup ends at the time-out as "not sent", and nothing is written when the lookup ends later."""
    with Server(read, answer(202, ACCEPTED)) as server:
        found = threading.Event()
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

        def look_up(*_: object, **__: object) -> list[object]:
            found.wait(60)
            return [address]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        exchange = deliver("http://api.invalid", timeout=TIMEOUT)
        assert in_time(exchange.elapsed_ms / 1000, TIMEOUT + SLACK)
        found.set()
        assert wait_until(lambda: server.connections == 1)
    assert exchange.delivery is Delivery.NOT_SENT
    assert exchange.error
    assert exchange.error.message == "not sent: no answer within 0.3 s"
    assert server.received == b""


def test_a_host_without_an_address_is_not_sent(send_to):
    """A host name that does not resolve gives exit code 4 and a hint with a command that checks the host."""
    outcome = send_to("https://nowhere.invalid")
    assert (outcome.code, outcome.delivery) == (4, "not-sent")
    assert "curl -sSI https://nowhere.invalid" in outcome.error["hint"]


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid", "-.invalid", "\N{SNOWMAN}.invalid", "[::"])
def test_a_host_that_cannot_be_is_not_sent(host):
    """An impossible host name is "not sent"; the client raises nothing, whatever a library does with the name."""
    assert deliver(f"https://{host}").delivery is Delivery.NOT_SENT


def test_a_connection_that_is_reset_at_once_was_not_accepted(send_to):
    """An immediate reset is "not sent" before the request begins and "unknown" after it."""
    with Server(reset) as server:
        outcome = send_to(server.url)
    assert (outcome.code, outcome.delivery) in ((4, "not-sent"), (5, "unknown"))
    assert (server.connections, server.received, outcome.response) == (1, b"", None)


def test_an_attempt_that_did_not_begin_is_not_sent():
    """An attempt that did not begin has the delivery "not sent"."""
    exchange = Attempt(Request(SEND_AUTHENTICATION, "https://host", (), {}), lambda: KEY, Route()).exchange
    assert (exchange.delivery, exchange.error.message) == (Delivery.NOT_SENT, "not sent: it did not begin")


# ---- bounded


def test_a_body_of_100_megabytes_is_cut(send_to):
    """Of a body of 100 MB kshell reads 1 MiB, closes the connection and reports that the rest was not read."""
    sent: list[int] = []
    with Server(read, say(HEAD + b"Content-Length: 104857600\r\n\r\n"), flood(b"x" * 65536, 100, sent)) as server:
        outcome = send_to(server.url)
    assert sent[0] < 32 << 20
    assert (outcome.code, len(outcome.response["body"])) == (0, MOST_BODY)
    assert outcome.response["fault"] == "the server sent more than 1024 KiB; the rest was not read"


@pytest.mark.parametrize("chunk", [b"x" * 65536, b"3e8\r\n" + b"x" * 1000 + b"\r\n"], ids=["plain", "chunked"])
def test_a_body_without_end_takes_little_memory(chunk):
    """A body without end takes less than 6 MiB of memory."""
    coding = b"Transfer-Encoding: chunked\r\n" if chunk.startswith(b"3") else b""
    with Server(read, answer(202, ACCEPTED)) as server:
        deliver(server.url)  # imports what a send needs
    with Server(read, say(HEAD + coding + b"\r\n"), flood(chunk * (65536 // len(chunk)), 8)) as server:
        tracemalloc.start()
        try:
            exchange = deliver(server.url)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(exchange.response.body) == MOST_BODY
    assert peak < 6 << 20


def test_a_compressed_bomb_is_not_unpacked(send_to):
    """Of 40 MB compressed to 40 KB, only 1 MiB is unpacked."""
    packed = bomb(40)
    assert len(packed) < 100_000
    with Server(read, answer(202, packed, ("Content-Encoding", "gzip"))) as server:
        outcome = send_to(server.url)
    assert (outcome.code, len(outcome.response["body"])) == (0, MOST_BODY)
    assert outcome.response["fault"] == "it is compressed, and only its first 1048576 bytes were unpacked"


def test_a_body_of_exactly_the_limit_is_whole(send_to):
    """A body of exactly 1 MiB is read whole, without a remark on its size."""
    body = b"[" + b" " * (MOST_BODY - 2) + b"]"
    with Server(read, answer(202, body)) as server:
        outcome = send_to(server.url)
    assert (outcome.response["body"], outcome.response["fault"]) == ([], "it is JSON, but not an object")


# ---- nowhere else


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(send_to, status):
    """A redirect sends nothing to its target: the message counts as refused, and the location is shown."""
    with Server(read, answer(202, ACCEPTED)) as other:
        location = f"{other.url}/v2/x"
        with Server(read, answer(status, b"", ("Location", location))) as server:
            outcome = send_to(server.url)
    assert other.connections == 0
    assert len(server.requests) == 1
    assert (outcome.code, outcome.delivery, outcome.response["headers"]["location"]) == (1, "refused", location)


PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_proxy_is_taken_from_the_environment(send_to, monkeypatch, scheme):
    """A proxy named by an environment variable gets no connection."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    steps = (read, answer(202, ACCEPTED)) if scheme == "http" else (close,)
    with Server(read, answer(200)) as proxy, Server(*steps) as server:
        for name in PROXY_VARIABLES:
            monkeypatch.setenv(name, proxy.url)
        outcome = send_to(f"{scheme}://127.0.0.1:{server.port}")
    assert proxy.connections == 0
    assert server.connections == 1
    assert outcome.code == (0 if scheme == "http" else 4)


@pytest.mark.parametrize("by_variable", [True, False])
def test_no_netrc_is_read(send_to, monkeypatch, by_variable):
    """A password for the host in ``.netrc`` is not sent."""
    file = Path.home() / (".other" if by_variable else ".netrc")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    if by_variable:
        monkeypatch.setenv("NETRC", str(file))
    with Server(read, answer(202, ACCEPTED)) as server:
        send_to(server.url)
    assert server.requests[0].header("authorization") == []


def test_the_request_holds_nothing_but_what_it_needs(send_to):
    """A request has the API's two headers and those that HTTP needs; it has the key once."""
    with Server(read, answer(202, ACCEPTED)) as server:
        send_to(server.url)
    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/v2/HXSANDBOXIN/whatsapp/+15005550000/messages")
    names = sorted(name.lower() for name, _ in request.headers)
    assert names == ["accept", "accept-encoding", "api-key", "content-length", "content-type", "host", "user-agent"]
    assert request.header("accept-encoding") == ["identity"]
    assert request.header("content-type") == ["application/json"]


def test_the_pod_s_proxy_is_used(send_to):
    """A request over http goes to the proxy that the pod's profile names, and not directly to the host."""
    with Server(read, answer(202, ACCEPTED)) as proxy, Server(read) as server:
        outcome = send_to(server.url, proxy=proxy.url)
    assert server.connections == 0
    assert proxy.requests[0].target.startswith(f"{server.url}/v2/")
    assert outcome.code == 0


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_to_connect_is_not_sent(send_to, status):
    """A proxy that refuses CONNECT gets neither key nor message, and its answer is not taken for the API's."""
    with Server(read, answer(status, refusal("WA202"))) as proxy:
        outcome = send_to("https://api.invalid", proxy=proxy.url)
    assert proxy.requests[0].method == "CONNECT"
    assert proxy.requests[0].target == "api.invalid:443"
    assert proxy.requests[0].header("api-key") == []
    assert (outcome.code, outcome.delivery, outcome.response) == (4, "not-sent", None)
    assert proxy.url in outcome.error["hint"]


def test_a_proxy_that_is_not_there_is_not_sent(send_to):
    """If the pod's proxy does not run, the message is "not sent" and the hint names the proxy."""
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        outcome = send_to("https://api.invalid", proxy=url)
    assert (outcome.code, outcome.error["hint"]) == (4, f"the pod's proxy is {url}: is it right, and does it run?")


# ---- TLS


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for ``name`` with openssl; return the paths of certificate and key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={name}"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words, "-addext", "basicConstraints=critical,CA:TRUE"], check=True, capture_output=True)
    return certificate, key


class Tls(NamedTuple):
    """A server's TLS context, and the certificate that a client would have to trust."""

    context: ssl.SSLContext
    certificate: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tls]]:
    """Return a certificate for 127.0.0.1 and one for another host; tests that use them need openssl."""
    folder = tmp_path_factory.mktemp("tls")
    contexts = {}
    for name in ("IP:127.0.0.1", "DNS:other.example"):
        certificate, key = _certificate(folder, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        contexts[name[:2]] = Tls(context, certificate)
    return contexts


@pytest.fixture
def trusted(certificates, monkeypatch) -> Any:
    """Return a function that makes one of these certificates the only one in the bundle that httpx ships."""

    def trust(name: str) -> Tls:
        monkeypatch.setattr("certifi.where", lambda: str(certificates[name].certificate))
        return certificates[name]

    return trust


@needs("openssl")
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_nobody_vouches_for_is_refused(send_to, certificates, monkeypatch, variable):
    """A certificate that is not trusted gives exit code 4 and nothing is written, whatever the environment says."""
    tls = certificates["IP"]
    monkeypatch.setenv(variable, str(tls.certificate))
    monkeypatch.setenv("SSL_CERT_DIR", str(tls.certificate.parent))
    with Server(read, answer(202, ACCEPTED), tls=tls.context) as server:
        outcome = send_to(server.url)
    assert (outcome.code, outcome.delivery, server.received) == (4, "not-sent", b"")
    assert "certificate" in outcome.error["message"].lower()


@needs("openssl")
def test_a_certificate_for_another_host_is_refused(send_to, trusted):
    """A certificate for another host gives exit code 4, and nothing is written."""
    with Server(read, answer(202, ACCEPTED), tls=trusted("DN").context) as server:
        outcome = send_to(server.url)
    assert (outcome.code, outcome.delivery, server.received) == (4, "not-sent", b"")


def test_a_server_without_tls_is_not_sent(send_to):
    """A server that answers the TLS handshake in plain text gets neither key nor message."""
    with Server(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        outcome = send_to(f"https://127.0.0.1:{server.port}")
    assert (outcome.code, outcome.delivery) == (4, "not-sent")
    assert b"api-key" not in server.received


def test_a_handshake_that_is_never_answered_is_not_sent(send_to):
    """A TLS handshake that is never answered gives exit code 4 within the time-out."""
    with Server(hang) as server:
        outcome = send_to(f"https://127.0.0.1:{server.port}", timeout=TIMEOUT)
    assert (outcome.code, outcome.error["message"]) == (4, "not sent: no answer within 0.3 s")
    assert in_time(outcome.seconds, TIMEOUT + SLACK)


@needs("openssl")
def test_a_right_certificate_is_accepted(send_to, trusted):
    """A server with a trusted certificate for its host gets the request over TLS."""
    with Server(read, answer(202, ACCEPTED), tls=trusted("IP").context) as server:
        outcome = send_to(server.url)
    assert (outcome.code, len(server.requests)) == (0, 1)


@needs("openssl")
@pytest.mark.parametrize(
    ("steps", "delivery", "fault"),
    [
        ((drip(HEAD * 9),), "unknown", None),
        ((hang,), "unknown", None),
        ((say(HEAD + b"\r\n"), drip(ACCEPTED * 9)), "accepted", INCOMPLETE),
    ],
    ids=["head", "silence", "body"],
)
def test_the_time_is_bounded_over_tls_too(send_to, trusted, steps, delivery, fault):
    """An answer that comes a byte at a time over TLS ends at the same time-out as over http."""
    schedule = Schedule((read, *steps), delivery, timeout=HANDSHAKE)
    timeout, outcome, *_ = tried(send_to, schedule, trusted("IP").context)
    assert in_time(outcome.seconds, timeout + SLACK)
    assert outcome.delivery == delivery
    assert (outcome.response and outcome.response["fault"]) == (fault and fault.format(timeout=timeout))


@needs("openssl")
@pytest.mark.parametrize(
    ("name", "steps", "delivery"),
    [
        ("IP", (answer(202, ACCEPTED),), "accepted"),
        ("IP", (close,), "unknown"),
        ("DN", (answer(202, ACCEPTED),), "not-sent"),
    ],
    ids=["answered", "closed", "wrong certificate"],
)
def test_a_message_through_a_tunnel_begins_after_the_connect(send_to, trusted, name, steps, delivery):
    """Through a proxy's tunnel the message is not sent before the handshake with the host, and may be sent after it."""
    with Server(read, *steps, tls=trusted(name).context) as server, Server(read, tunnel_to(server.port)) as proxy:
        outcome = send_to(server.url, proxy=proxy.url)
    assert outcome.delivery == delivery
    assert [request.method for request in server.requests] == ["POST"] * (delivery != "not-sent")
    assert [(request.method, request.header("api-key")) for request in proxy.requests] == [("CONNECT", [])]


def test_a_proxy_is_asked_for_an_address_in_brackets(send_to):
    """A tunnel to an IPv6 address is asked for with the address in brackets, as RFC 9112 writes it."""
    with Server(read, answer(403, b"")) as proxy:
        outcome = send_to("https://[2001:db8::1]", proxy=proxy.url)
    assert (outcome.delivery, outcome.response) == ("not-sent", None)
    assert [(request.target, request.header("host")) for request in proxy.requests] == [
        ("[2001:db8::1]:443", ["[2001:db8::1]:443"])
    ]


def test_a_request_is_written_in_one_piece():
    """The head and the body of a request come together, so that a server reads both at once."""
    pieces: list[bytes] = []
    with Server(lambda connection: pieces.append(connection.receive()), answer(202, ACCEPTED)) as server:
        bodies = {deliver(server.url).request.body for _ in range(20)}  # two pieces may also come together
    assert {piece.partition(b"\r\n\r\n")[2].decode() for piece in pieces} == bodies


def test_what_is_given_up_is_cut():
    """After the time-out no thread goes on reading from a server that sends a byte at a time."""
    with Server(read, drip(HEAD * 100)) as server:
        exchange = with_limit(
            lambda timeout: deliver(server.url, timeout=timeout), lambda tried: tried.delivery is Delivery.NOT_SENT
        )
        assert exchange.delivery is Delivery.UNKNOWN
        assert wait_until(lambda: SEND_THREAD not in [thread.name for thread in threading.enumerate()])


# ---- what a user reads


def test_a_fate_that_is_not_known_is_said_with_what_to_do(cli):
    """Without an answer, stderr has the error and a hint to check the delivery before sending again; exit code 5."""

    def attempt(timeout: float) -> tuple[str, Any]:
        with Server(read, hang) as server:
            words = ("to=+919812345678", "--timeout", f"{timeout:g}")
            return words[-1], cli("send", "-p", local_pod(server.url), *words)

    seconds, ran = with_limit(attempt, lambda tried: tried[1].code == 4)
    assert (ran.code, ran.out) == (5, "")
    assert f"error: no answer within {seconds} s; the API may have the message\n" in ran.err
    assert "hint: it may have been delivered: " in ran.err


def test_an_error_of_the_transport_does_not_hold_the_key(monkeypatch):
    """An exception of the transport that contains the key is shown with ``(redacted)`` in the key's place."""

    def fail(*_: object) -> None:
        raise OSError(f"cannot write {KEY}")

    monkeypatch.setattr("kshell.transport.http.Connection.send", fail)
    request = Request(SEND_AUTHENTICATION, "https://host", (("api-key", Secret("env", "KEY")),), {})
    assert send(request, KEY, Route()).error.message == "not sent: cannot write (redacted)"


@pytest.mark.parametrize("key", [f"{KEY}\n", f"'{KEY}\n", f"'\"{KEY}\n"])
def test_a_key_that_is_no_header_is_not_in_the_error(key):
    """A message with a key that is not a valid header is not sent, and the error's note does not have the key."""
    with Server(read) as server:
        exchange = deliver(server.url, key=key)
    assert exchange.error.message.startswith("not sent: Illegal header value")
    assert KEY not in repr(exchange.error.note)


@pytest.mark.parametrize("echo", [f"{KEY}\0", f"{KEY}'\\\0"], ids=["plain", "quoted"])
@pytest.mark.parametrize("where", [b"HTTP/1.1 202 %s\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n%s\r\n"])
def test_an_error_that_quotes_the_server_does_not_quote_the_key(where, echo):
    """A server that echoes the key in a malformed answer does not bring the key into an error message."""
    key = echo.removesuffix("\0")
    with Server(read, say(where % echo.encode()), close) as server:
        exchange = deliver(server.url, key=key)
    outcome = repr(exchange.error.note) if exchange.error else exchange.response.fault
    assert "illegal " in outcome
    assert KEY not in outcome


def test_the_time_is_that_of_this_exchange():
    """``elapsed_ms`` counts the milliseconds from the connection to the last byte."""
    with Server(read, pause(0.1), answer(202, ACCEPTED)) as server:
        exchange = deliver(server.url)
    assert exchange.elapsed_ms >= 100
    assert in_time(exchange.elapsed_ms / 1000, 0.1 + SLACK)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "3601", "soon", ""])
def test_a_time_that_is_none_is_wrong_usage(cli, seconds):
    """``--timeout`` takes more than 0 and at most 3600 seconds; anything else is a usage error, exit code 2."""
    ran = cli("send", "to=+919812345678", "--timeout", seconds)
    assert (ran.code, ran.out) == (2, "")
    assert "--timeout" in ran.err
