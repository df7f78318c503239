"""One message, once: for whatever a network or a server does, what kshell says became of the message is true."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
    wait_until,
)

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.core.models import Delivery, Exchange, Request, Response, Secret
from kshell.transport.client import MOST_BODY, SEND_THREAD, Attempt, Route, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.servers import Step

TIMEOUT = 0.3  # for a server that does not end by itself
PATIENCE = 10.0  # for one that does
HANDSHAKE = 0.6  # for one that does not either, over TLS: a handshake takes its time where the machine is busy
SLACK = 2.0  # what a busy machine may add to a time-out
KEY = "Acanary00000000000000000000000key"
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
HEAD = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\n"


class Told(NamedTuple):
    """What a send came to, as a user sees it."""

    code: int
    delivery: str
    response: Any
    error: Any
    seconds: float


@pytest.fixture
def told(cli: Any) -> Any:
    """Send to a URL by the command line; ``proxy`` is the pod's."""

    def sent(url: str, *, proxy: str = "", timeout: float = PATIENCE) -> Told:
        pod = local_pod(url, proxy=proxy)
        began = time.perf_counter()
        ran = cli("send", "-p", pod, "to=+919812345678", "otp=482913", "--json", "--timeout", str(timeout))
        seconds = time.perf_counter() - began
        document = ran.json
        return Told(ran.code, document["delivery"], document["response"], document["error"], seconds)

    return sent


class Schedule(NamedTuple):
    """What a server does, what then is true of the message, and how begins what is said of the body."""

    steps: tuple[Step, ...]
    delivery: str
    requests: int = 1
    fault: str = ""
    timeout: float = PATIENCE


def _whole(*steps: Step, delivery: str, fault: str = "") -> Schedule:
    """A server that reads the request before it does these steps."""
    return Schedule((read, *steps), delivery, fault=fault)


def _endless(*steps: Step, delivery: str = "unknown", fault: str = "") -> Schedule:
    """A server that reads the request, and does not come to an end in time."""
    return Schedule((read, *steps), delivery, fault=fault, timeout=TIMEOUT)


SCHEDULES: dict[str, Schedule] = {
    "closes when it accepts": Schedule((close,), "unknown", requests=0),
    "reads nothing and hangs": Schedule((hang,), "unknown", requests=0, timeout=TIMEOUT),
    "answers without reading": Schedule((answer(202, ACCEPTED), hang), "accepted", requests=0),
    "reads all and never answers": _endless(hang),
    "reads all and resets": _whole(reset, delivery="unknown"),
    "reads all and closes": _whole(close, delivery="unknown"),
    "half a head, then closes": _whole(say(HEAD[:30]), close, delivery="unknown"),
    "half a head, then hangs": _endless(say(HEAD), hang),
    "answers too late": _endless(pause(TIMEOUT + 0.1), answer(202, ACCEPTED)),
    "answers late, but in time": _whole(pause(0.05), answer(202, ACCEPTED), delivery="accepted"),
    "a head, a byte at a time": _endless(drip(HEAD + b"\r\n")),
    "202 with half a body, then closes": _whole(
        answer(202, ACCEPTED[:40], length=99), close, delivery="accepted", fault="it broke off after 40 bytes: "
    ),
    "202 with half a body, then hangs": _endless(
        answer(202, ACCEPTED[:40], length=99), hang, delivery="accepted", fault="it was not complete after 0.3 s"
    ),
    "202 with half a body, then resets": _whole(
        answer(202, b"", length=99), pause(0.05), reset, delivery="accepted", fault="it broke off after 0 bytes: "
    ),
    "202 with a body, a byte at a time": _endless(
        say(HEAD + b"Content-Length: 99\r\n\r\n"),
        drip(ACCEPTED),
        delivery="accepted",
        fault="it was not complete after 0.3 s",
    ),
    "202 until it closes, a byte at a time": _endless(
        say(HEAD + b"\r\n"), drip(ACCEPTED), delivery="accepted", fault="it was not complete after 0.3 s"
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


@pytest.mark.parametrize("name", SCHEDULES)
def test_what_is_said_of_the_message_is_true(told, name):
    """Whatever a server does: one connection, one request at most, in time, and the exit code tells the truth."""
    schedule = SCHEDULES[name]
    with Server(*schedule.steps) as server:
        said = told(server.url, timeout=schedule.timeout)
    assert (said.delivery, said.code) == (schedule.delivery, EXIT_CODES[schedule.delivery])
    assert (server.connections, len(server.requests)) == (1, schedule.requests)
    assert schedule.timeout == PATIENCE or said.seconds < TIMEOUT + SLACK
    if said.response is None:
        assert said.error["message"].startswith("no answer")
    else:
        assert said.response["fault"].startswith(schedule.fault)


WHOLE = ("gzip", "deflate", "100, then 202", "103, then 202", "two answers", "answers late, but in time")


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_is_read_whole(told, name):
    """An answer that is compressed, late or has others before it is the documented one, with nothing to remark."""
    with Server(*SCHEDULES[name].steps) as server:
        response = told(server.url, timeout=PATIENCE).response
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


@given(st.lists(st.sampled_from(PIECES), max_size=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_events_makes_a_second_request_or_a_lie(steps):
    """For any sequence of reads, writes, pauses and ends: one request at most, and never "not sent" with a byte received."""
    with Server(*steps) as server:
        exchange = deliver(server.url, timeout=0.1)
    assert len(server.requests) <= 1
    assert server.connections <= 1
    assert exchange.delivery is not Delivery.NOT_SENT or server.received == b""
    assert exchange.delivery is not Delivery.ACCEPTED or exchange.response.status == 202


def deliver(url: str, *, timeout: float = PATIENCE, key: str = KEY) -> Exchange:
    """Send a small request by the client alone."""
    headers = (("Content-Type", "application/json"), ("api-key", Secret("env", "KEY")))
    return send(Request(SEND_AUTHENTICATION, f"{url}/v2/HX1IN/whatsapp/+1/messages", headers, {}), key, Route(timeout))


# ---- not sent


def test_a_closed_port_is_not_sent(told):
    """Nothing listens: exit code 4, and the hint starts the simulator there."""
    with closed_port() as port:
        said = told(f"http://127.0.0.1:{port}")
    assert (said.code, said.delivery, said.response) == (4, "not-sent", None)
    assert "refused" in said.error["message"]
    assert f"kshell sandbox --port {port}" in said.error["hint"]


def test_the_hint_for_a_url_without_a_port_names_port_80():
    """``http://localhost`` is port 80."""
    request = Request(SEND_AUTHENTICATION, "http://localhost/v2/a/whatsapp/b/messages", (), {})
    assert "kshell sandbox --port 80 " in Attempt(request, lambda: KEY, Route()).exchange.error.hint


@contextmanager
def full_port() -> Iterator[int]:
    """A loopback port that takes up no further connection, and does not refuse it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as waiting:
        port: int = full.getsockname()[1]
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(("127.0.0.1", port))
        yield port


def test_a_connection_that_is_never_taken_up_is_not_sent(told):
    """A host that does not answer to the connection itself: exit code 4, in time."""
    with full_port() as port:
        said = told(f"http://127.0.0.1:{port}", timeout=TIMEOUT)
    assert (said.code, said.delivery) == (4, "not-sent")
    assert said.error["message"] == "not sent: no answer within 0.3 s"
    assert said.seconds < TIMEOUT + SLACK


def test_a_host_with_several_dead_addresses_takes_no_longer(told, monkeypatch):
    """The time is for all of them together."""
    with full_port() as port:
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 20)
        said = told("https://api.invalid", timeout=TIMEOUT)
    assert (said.code, said.error["message"]) == (4, "not sent: no answer within 0.3 s")
    assert said.seconds < TIMEOUT + SLACK


def test_a_name_that_is_looked_up_for_too_long_is_not_sent(monkeypatch):
    """Exit code 4, in time; and when the name is found at last, nothing is written any more."""
    with Server(read, answer(202, ACCEPTED)) as server:
        found = threading.Event()
        address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

        def look_up(*_: object, **__: object) -> list[object]:
            found.wait(10)
            return [address]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        exchange = deliver("http://api.invalid", timeout=TIMEOUT)
        assert exchange.elapsed_ms < (TIMEOUT + SLACK) * 1000
        found.set()
        assert wait_until(lambda: server.connections == 1)
    assert exchange.delivery is Delivery.NOT_SENT
    assert exchange.error
    assert exchange.error.message == "not sent: no answer within 0.3 s"
    assert server.received == b""


def test_a_host_without_an_address_is_not_sent(told):
    """A name that does not resolve: exit code 4, and a command that shows whether the host is there."""
    said = told("https://nowhere.invalid")
    assert (said.code, said.delivery) == (4, "not-sent")
    assert "curl -sSI https://nowhere.invalid" in said.error["hint"]


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid", "-.invalid", "\N{SNOWMAN}.invalid", "[::"])
def test_a_host_that_cannot_be_is_not_sent(host):
    """Whatever a library makes of an impossible name, the client raises nothing."""
    assert deliver(f"https://{host}").delivery is Delivery.NOT_SENT


def test_a_connection_that_is_reset_at_once_was_not_accepted(told):
    """The reset may come before the request is begun or after: both are said as they were."""
    with Server(reset) as server:
        said = told(server.url)
    assert (said.code, said.delivery) in ((4, "not-sent"), (5, "unknown"))
    assert (server.connections, server.received, said.response) == (1, b"", None)


def test_an_attempt_that_did_not_begin_is_not_sent():
    """Before anything happened an attempt says so."""
    exchange = Attempt(Request(SEND_AUTHENTICATION, "https://host", (), {}), lambda: KEY, Route()).exchange
    assert (exchange.delivery, exchange.error.message) == (Delivery.NOT_SENT, "not sent: it did not begin")


# ---- bounded


def test_a_body_of_100_megabytes_is_cut(told):
    """1 MiB is read, the connection is closed, and the answer says so."""
    sent: list[int] = []
    with Server(read, say(HEAD + b"Content-Length: 104857600\r\n\r\n"), flood(b"x" * 65536, 100, sent)) as server:
        said = told(server.url)
    assert sent[0] < 32 << 20
    assert (said.code, len(said.response["body"])) == (0, MOST_BODY)
    assert said.response["fault"] == "the server sent more than 1024 KiB; the rest was not read"


@pytest.mark.parametrize("chunk", [b"x" * 65536, b"3e8\r\n" + b"x" * 1000 + b"\r\n"], ids=["plain", "chunked"])
def test_a_body_without_end_takes_little_memory(chunk):
    """Whatever the server goes on to send, at most a few megabytes are held."""
    coding = b"Transfer-Encoding: chunked\r\n" if chunk.startswith(b"3") else b""
    with Server(read, say(HEAD + coding + b"\r\n"), flood(chunk * (65536 // len(chunk)), 8)) as server:
        tracemalloc.start()
        try:
            exchange = deliver(server.url)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(exchange.response.body) == MOST_BODY
    assert peak < 6 << 20


def test_a_compressed_bomb_is_not_unpacked(told):
    """Of 40 MB that come as 40 KB, 1 MiB is unpacked."""
    packed = bomb(40)
    assert len(packed) < 100_000
    with Server(read, answer(202, packed, ("Content-Encoding", "gzip"))) as server:
        said = told(server.url)
    assert (said.code, len(said.response["body"])) == (0, MOST_BODY)
    assert said.response["fault"] == "it is compressed, and only its first 1048576 bytes were unpacked"


def test_a_body_of_exactly_the_limit_is_whole(told):
    """1 MiB is not yet too much."""
    body = b"[" + b" " * (MOST_BODY - 2) + b"]"
    with Server(read, answer(202, body)) as server:
        said = told(server.url)
    assert (said.response["body"], said.response["fault"]) == ([], "it is JSON, but not an object")


# ---- nowhere else


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(told, status):
    """The server it points to sees nothing; the message counts as refused, and the location is shown."""
    with Server(read, answer(202, ACCEPTED)) as other:
        location = f"{other.url}/v2/x"
        with Server(read, answer(status, b"", ("Location", location))) as server:
            said = told(server.url)
    assert other.connections == 0
    assert len(server.requests) == 1
    assert (said.code, said.delivery, said.response["headers"]["location"]) == (1, "refused", location)


PROXY_VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_proxy_is_taken_from_the_environment(told, monkeypatch, scheme):
    """A proxy that the environment names sees nothing."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(read, answer(200)) as proxy, Server(read, answer(202, ACCEPTED)) as server:
        for name in PROXY_VARIABLES:
            monkeypatch.setenv(name, proxy.url)
        said = told(f"{scheme}://127.0.0.1:{server.port}", timeout=PATIENCE if scheme == "http" else TIMEOUT)
    assert proxy.connections == 0
    assert server.connections == 1
    assert said.code == (0 if scheme == "http" else 4)


@pytest.mark.parametrize("by_variable", [True, False])
def test_no_netrc_is_read(told, monkeypatch, by_variable):
    """A password for the host in ``.netrc`` stays there."""
    file = Path.home() / (".other" if by_variable else ".netrc")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("machine 127.0.0.1 login user password secret\n", encoding="utf-8")
    if by_variable:
        monkeypatch.setenv("NETRC", str(file))
    with Server(read, answer(202, ACCEPTED)) as server:
        told(server.url)
    assert server.requests[0].header("authorization") == []


def test_the_request_holds_nothing_but_what_it_needs(told):
    """Two headers of the API, and those that HTTP wants; the key once."""
    with Server(read, answer(202, ACCEPTED)) as server:
        told(server.url)
    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/v2/HXSANDBOXIN/whatsapp/+15005550000/messages")
    names = sorted(name.lower() for name, _ in request.headers)
    assert names == ["accept", "accept-encoding", "api-key", "content-length", "content-type", "host", "user-agent"]
    assert request.header("accept-encoding") == ["identity"]
    assert request.header("content-type") == ["application/json"]


def test_the_pod_s_proxy_is_used(told):
    """An http:// request goes to the proxy that the profile names, and not past it."""
    with Server(read, answer(202, ACCEPTED)) as proxy, Server(read) as server:
        said = told(server.url, proxy=proxy.url)
    assert server.connections == 0
    assert proxy.requests[0].target.startswith(f"{server.url}/v2/")
    assert said.code == 0


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses_to_connect_is_not_sent(told, status):
    """Its answer to CONNECT is not the API's; it saw neither key nor message."""
    with Server(read, answer(status, refusal("WA202"))) as proxy:
        said = told("https://api.invalid", proxy=proxy.url)
    assert proxy.requests[0].method == "CONNECT"
    assert proxy.requests[0].target == "api.invalid:443"
    assert proxy.requests[0].header("api-key") == []
    assert (said.code, said.delivery, said.response) == (4, "not-sent", None)
    assert proxy.url in said.error["hint"]


def test_a_proxy_that_is_not_there_is_not_sent(told):
    """The hint names the proxy, for it is what does not run."""
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}"
        said = told("https://api.invalid", proxy=url)
    assert (said.code, said.error["hint"]) == (4, f"the pod's proxy is {url}: is it right, and does it run?")


# ---- TLS


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for ``name`` and its key, made by openssl."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={name}"]
    words += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words, "-addext", "basicConstraints=critical,CA:TRUE"], check=True, capture_output=True)
    return certificate, key


class Tls(NamedTuple):
    """A server's side of TLS, and the certificate that a client would have to trust."""

    context: ssl.SSLContext
    certificate: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tls]]:
    """A certificate for 127.0.0.1 and one for another host; who uses it needs openssl."""
    folder = tmp_path_factory.mktemp("tls")
    made = {}
    for name in ("IP:127.0.0.1", "DNS:other.example"):
        certificate, key = _certificate(folder, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        made[name[:2]] = Tls(context, certificate)
    return made


@pytest.fixture
def trusted(certificates, monkeypatch) -> Any:
    """Let the bundle of certificates that httpx ships be one of these."""

    def trust(name: str) -> Tls:
        monkeypatch.setattr("certifi.where", lambda: str(certificates[name].certificate))
        return certificates[name]

    return trust


@needs("openssl")
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_nobody_vouches_for_is_refused(told, certificates, monkeypatch, variable):
    """Exit code 4 with nothing written, whatever the environment says of certificates."""
    tls = certificates["IP"]
    monkeypatch.setenv(variable, str(tls.certificate))
    monkeypatch.setenv("SSL_CERT_DIR", str(tls.certificate.parent))
    with Server(read, answer(202, ACCEPTED), tls=tls.context) as server:
        said = told(server.url)
    assert (said.code, said.delivery, server.received) == (4, "not-sent", b"")
    assert "certificate" in said.error["message"].lower()


@needs("openssl")
def test_a_certificate_for_another_host_is_refused(told, trusted):
    """Exit code 4 with nothing written."""
    with Server(read, answer(202, ACCEPTED), tls=trusted("DN").context) as server:
        said = told(server.url)
    assert (said.code, said.delivery, server.received) == (4, "not-sent", b"")


def test_a_server_without_tls_is_not_sent(told):
    """What answers to the handshake in plain text gets neither key nor message."""
    with Server(say(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        said = told(f"https://127.0.0.1:{server.port}")
    assert (said.code, said.delivery) == (4, "not-sent")
    assert b"api-key" not in server.received


def test_a_handshake_that_is_never_answered_is_not_sent(told):
    """Exit code 4, in time."""
    with Server(hang) as server:
        said = told(f"https://127.0.0.1:{server.port}", timeout=TIMEOUT)
    assert (said.code, said.error["message"]) == (4, "not sent: no answer within 0.3 s")
    assert said.seconds < TIMEOUT + SLACK


@needs("openssl")
def test_a_right_certificate_is_accepted(told, trusted):
    """Over TLS the same request arrives."""
    with Server(read, answer(202, ACCEPTED), tls=trusted("IP").context) as server:
        said = told(server.url)
    assert (said.code, len(server.requests)) == (0, 1)


@needs("openssl")
@pytest.mark.parametrize(
    ("steps", "delivery", "fault"),
    [
        ((drip(HEAD * 9),), "unknown", None),
        ((hang,), "unknown", None),
        ((say(HEAD + b"\r\n"), drip(ACCEPTED)), "accepted", "it was not complete after 0.6 s"),
    ],
    ids=["head", "silence", "body"],
)
def test_the_time_is_bounded_over_tls_too(told, trusted, steps, delivery, fault):
    """A byte at a time, inside TLS, ends at the same deadline."""
    with Server(read, *steps, tls=trusted("IP").context) as server:
        said = told(server.url, timeout=HANDSHAKE)
    assert said.seconds < HANDSHAKE + SLACK
    assert (said.delivery, said.response and said.response["fault"]) == (delivery, fault)


def test_what_is_given_up_is_cut():
    """Where a server writes on and on, a byte at a time, nothing reads it any more once the time is over."""
    with Server(read, drip(HEAD * 100)) as server:
        assert deliver(server.url, timeout=TIMEOUT).delivery is Delivery.UNKNOWN
        assert wait_until(lambda: SEND_THREAD not in [thread.name for thread in threading.enumerate()])


# ---- what a user reads


def test_a_fate_that_is_not_known_is_said_with_what_to_do(cli):
    """No answer: the error, its hint to look before sending again, and the status of what was begun."""
    with Server(read, hang) as server:
        ran = cli("send", "-p", local_pod(server.url), "to=+919812345678", "--timeout", "0.15")
    assert (ran.code, ran.out) == (5, "")
    assert "error: no answer within 0.15 s; the API may have the message\n" in ran.err
    assert "hint: it may have been delivered: " in ran.err


def test_an_error_of_the_transport_does_not_hold_the_key():
    """Whatever a library writes into its exception."""

    def fail(*_: object) -> Response:
        raise OSError(f"cannot write {KEY}")

    request = Request(SEND_AUTHENTICATION, "https://host", (("api-key", Secret("env", "KEY")),), {})
    error = send(request, KEY, Route(handle=fail)).error
    assert error.message == "no answer: cannot write (redacted); the API may have the message"


@pytest.mark.parametrize("key", [f"{KEY}\n", f"'{KEY}\n", f"'\"{KEY}\n"])
def test_a_key_that_is_no_header_is_not_in_the_error(key):
    """Where nobody checked it before."""
    with Server(read) as server:
        exchange = deliver(server.url, key=key)
    assert exchange.error.message.startswith("no answer: Illegal header value")
    assert KEY not in repr(exchange.error.note)


@pytest.mark.parametrize("echo", [f"{KEY}\0", f"{KEY}'\\\0"], ids=["plain", "quoted"])
@pytest.mark.parametrize("where", [b"HTTP/1.1 202 %s\r\n\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n%s\r\n"])
def test_an_error_that_quotes_the_server_does_not_quote_the_key(where, echo):
    """A server that says the key back in what cannot be parsed gets it into no message."""
    key = echo.removesuffix("\0")
    with Server(read, say(where % echo.encode()), close) as server:
        exchange = deliver(server.url, key=key)
    said = repr(exchange.error.note) if exchange.error else exchange.response.fault
    assert "illegal " in said
    assert KEY not in said


def test_the_time_is_that_of_this_exchange():
    """``elapsed_ms`` counts from connecting to the last byte."""
    with Server(read, pause(0.1), answer(202, ACCEPTED)) as server:
        exchange = deliver(server.url)
    assert 100 <= exchange.elapsed_ms < 100 + SLACK * 1000


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "3601", "soon", ""])
def test_a_time_that_is_none_is_wrong_usage(cli, seconds):
    """``--timeout`` is more than 0 and at most 3600 seconds."""
    ran = cli("send", "to=+919812345678", "--timeout", seconds)
    assert (ran.code, ran.out) == (2, "")
    assert "--timeout" in ran.err
