"""The simulator over HTTP, with real sockets and real signals."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from support.clock import in_time
from support.programs import needs

from kshell.core.errors import UsageError
from kshell.core.signals import ENDING
from kshell.simulator.documented import MAGIC_KEYS, MAGIC_RECIPIENTS, MAGIC_SENDERS, MAGIC_SIDS
from kshell.simulator.joined_writes import JoinedWrites
from kshell.simulator.payload import BODY_LIMIT
from kshell.simulator.server import serve
from kshell.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "Acanary00000000000000000000000key"
HEADERS = {"Content-Type": "application/json", "api-key": KEY}
TARGET = "/v2/HXAP16XXXXXX97IN/whatsapp/+911234567890/messages"
CODE = "482913"
MIB = 1 << 20
Answer = tuple[int, dict[str, str], bytes]


class Served(NamedTuple):
    """The result of a visit to a served simulator, and the lines about its requests."""

    result: Any
    lines: list[str]
    simulator: Simulator


def served(visit: Callable[[str], Any], simulator: Simulator | None = None) -> Served:
    """Serve in this thread, run ``visit`` with the base URL in another, then stop by SIGINT."""
    simulator = simulator or Simulator()
    lines: list[str] = []
    visits: list[Future[Any]] = []

    def visit_and_stop(url: str) -> Any:
        try:
            return visit(url)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor() as pool:
        serve(
            simulator,
            0,
            on_ready=lambda url: visits.append(pool.submit(visit_and_stop, url)),
            on_request=lines.append,
        )
    return Served(visits[0].result(), lines, simulator)


def connection(url: str) -> HTTPConnection:
    """Return a connection to ``url`` with a time-out of 5 seconds."""
    parts = urlsplit(url)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=60)


def ask(url: str, method: str, target: str, body: bytes | None = None) -> Answer:
    """Send a request; return the answer's status, headers and body."""
    with closing(connection(url)) as http:
        http.request(method, target, body, HEADERS)
        answer = http.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def message(to: str = "+919812345678") -> bytes:
    """Return a correct payload."""
    parameters = [{"type": "text", "text": CODE}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    return json.dumps({"messaging_object": {"messaging_product": "whatsapp", "to": to, "template": template}}).encode()


TO = "+919812345678,+919812345679"


class Visit(NamedTuple):
    """The answers of one visit."""

    url: str
    about: Answer
    sent: Answer
    inbox: Answer
    head: Answer
    large: Answer


@pytest.fixture(scope="module")
def visit() -> Visit:
    """Send a message to two recipients and request the other pages; return the answers."""

    def look(url: str) -> Visit:
        return Visit(
            url,
            about=ask(url, "GET", "/"),
            sent=ask(url, "POST", TARGET, message(TO)),
            inbox=ask(url, "GET", "/inbox"),
            head=ask(url, "HEAD", "/inbox"),
            large=ask(url, "POST", TARGET, b" " * (3 * MIB)),
        )

    seen: Visit = served(look, Simulator(new_id=lambda: "A1")).result
    return seen


def test_it_answers_as_the_simulator_does(visit: Visit) -> None:
    """An answer over HTTP is that of ``handle``, with only the date header added."""
    status, headers, body = visit.sent
    expected = Simulator(new_id=lambda: "A1").handle("POST", TARGET, HEADERS.items(), message(TO))
    assert (status, body) == (expected.status, expected.body)
    assert headers.keys() - dict(expected.headers).keys() == {"date"}
    assert headers.items() >= set(expected.headers)


def test_the_base_url_is_where_it_listens(visit: Visit) -> None:
    """With port 0 the base URL names the free port."""
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d+", visit.url)


def test_the_first_page_names_the_magic_values(visit: Visit) -> None:
    """``GET /`` names the inbox and the effect of each magic value."""
    status, _, body = visit.about
    about = json.loads(body)
    assert (status, about["inbox"]) == (200, "GET /inbox")
    assert {name: list(values) for name, values in about["magic"].items()} == {
        "to": list(MAGIC_RECIPIENTS),
        "api-key": list(MAGIC_KEYS),
        "sid": list(MAGIC_SIDS),
        "phone_number": list(MAGIC_SENDERS),
    }
    assert about["magic"]["to"]["+15005550005"] == "400 Low balance, E110"


def test_the_inbox_is_a_json_list(visit: Visit) -> None:
    """``GET /inbox`` lists the message of each recipient."""
    first, second = json.loads(visit.inbox[2])
    assert (first["recipient"], second["recipient"]) == tuple(TO.split(","))
    assert first["message_id"] == second["message_id"] == "A1"
    assert (first["sender"], first["template_name"], first["language"]) == ("+911234567890", "auth1", "en_US")
    assert (first["code"], first["button_code"]) == (CODE, CODE)
    assert first["payload"]["messaging_object"]["recipient_type"] == "individual"


def test_head_has_no_body(visit: Visit) -> None:
    """HEAD gives the headers without a body."""
    status, headers, body = visit.head
    assert (status, headers["content-type"], body) == (200, "application/json", b"")


def test_a_large_body_is_incorrect(visit: Visit) -> None:
    """A body over 1 MiB is answered with WA400."""
    status, _, body = visit.large
    assert (status, json.loads(body)["code"]) == (400, "WA400")


def test_a_line_about_a_request_holds_no_secret() -> None:
    """The line about a request has its status, code and number of recipients, and no key, code or phone number."""

    def visit(url: str) -> None:
        ask(url, "GET", "/")
        ask(url, "POST", TARGET, message())
        ask(url, "POST", TARGET, message("+919812345678,+919812345679"))
        ask(url, "POST", TARGET, message("+15005550005"))
        ask(url, "POST", f"/{KEY}/{CODE}", message())
        ask(url, "GET", TARGET)
        ask(url, "GET", "/inbox")

    assert served(visit).lines == [
        "200 about",
        "202 WA202, 1 recipient",
        "202 WA202, 2 recipients",
        "400 E110, 0 recipients",
        "404 404, 0 recipients",
        "405 405, 0 recipients",
        "200 inbox",
    ]


def test_an_endless_body_is_not_read_to_its_end() -> None:
    """A body over 1 MiB is answered without being read to its end."""
    sizes: list[int] = []

    class Weighing(Simulator):
        def handle(self, method: str, target: str, headers: Any, body: bytes) -> Any:
            sizes.append(len(body))
            return super().handle(method, target, headers, body)

    def visit(url: str) -> int:
        with closing(connection(url)) as http:
            http.putrequest("POST", TARGET)
            for name, value in {**HEADERS, "Transfer-Encoding": "chunked"}.items():
                http.putheader(name, value)
            http.endheaders()
            http.send(b"%x\r\n%s\r\n" % (2 * MIB, b" " * (2 * MIB)))
            return http.getresponse().status

    assert served(visit, Weighing()).result == 400
    assert BODY_LIMIT < sizes[0] < BODY_LIMIT + MIB // 2


def test_a_request_that_breaks_off_is_not_delivered() -> None:
    """An incomplete request is not delivered."""

    def visit(url: str) -> None:
        with closing(connection(url)) as http:
            http.putrequest("POST", TARGET)
            for name, value in {**HEADERS, "Content-Length": "5000"}.items():
                http.putheader(name, value)
            http.endheaders(message())
        ask(url, "GET", "/inbox")

    result = served(visit)
    assert (result.lines, result.simulator.inbox) == (["200 inbox"], ())


def never(text: str) -> None:
    """Fail if called."""
    pytest.fail(text)


def test_a_port_in_use_is_said() -> None:
    """A port in use is a UsageError that names it, with a hint for another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 cannot be opened: .*in use") as caught:
            serve(Simulator(), port, on_ready=never, on_request=never)
    assert "kshell sandbox --port 0" in caught.value.hint


def test_a_signal_s_own_handler_is_back_afterwards() -> None:
    """Serving restores the signal handlers of the process."""
    before = [signal.getsignal(number) for number in ENDING]
    served(connection)
    assert [signal.getsignal(number) for number in ENDING] == before


def test_another_thread_may_serve() -> None:
    """The simulator serves outside the main thread, and an exception of ``on_ready`` ends it."""

    def stop(url: str) -> None:
        raise BrokenPipeError(url)

    with ThreadPoolExecutor() as pool:
        serving = pool.submit(serve, Simulator(), 0, on_ready=stop, on_request=never)
    assert isinstance(serving.exception(), BrokenPipeError)


PROGRAM = """
from kshell.simulator.server import serve
from kshell.simulator.simulator import Simulator
serve(Simulator(), 0, on_ready=lambda url: print(url, flush=True), on_request=print)
"""


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_it_well(number: signal.Signals) -> None:
    """SIGINT, SIGTERM and SIGHUP end the server at once with exit code 0, even with open connections."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with program:
        assert program.stdout
        url = program.stdout.readline().strip()
        with closing(connection(url)) as kept, closing(connection(url)) as half:
            kept.request("GET", "/inbox")
            kept.getresponse().read()
            half.putrequest("POST", TARGET)
            half.putheader("Content-Length", "5000")
            half.endheaders(b"{")
            begun = monotonic()
            program.send_signal(number)
            try:
                out, err = program.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                program.kill()
                raise
    assert (program.returncode, out, err) == (0, "200 inbox\n", "")
    assert in_time(monotonic() - begun, 3)


@needs("httptools")
@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a:\r\n" * 200,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100,
        b"POST /v2/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:b\r\n" * 200,
    ],
    ids=["headers", "requests", "trailers"],
)
def test_httptools_keeps_no_more_than_h11(sent: bytes) -> None:
    """Too many headers, trailers or requests without an answer are answered 400, also where httptools parses them."""

    def send(url: str) -> bytes:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=60) as stream:
            stream.sendall(sent)
            return b"".join(iter(lambda: stream.recv(MIB), b""))

    assert b"400 Bad Request" in served(send).result


def test_what_is_written_in_one_turn_of_the_loop_is_sent_at_once() -> None:
    """The head and the body of a response are one write; ``close`` writes what is left, and nothing follows it."""
    sent: list[bytes] = []

    class Transport(asyncio.Transport):
        closed = False

        def write(self, data: Any) -> None:
            sent.append(data)

        def close(self) -> None:
            self.closed = True

        def is_closing(self) -> bool:
            return self.closed

    async def write() -> None:
        joined = JoinedWrites(Transport(), asyncio.get_running_loop())
        for data in (b"head", b"body"):
            joined.write(data)
        await asyncio.sleep(0)
        joined.write(b"last")
        joined.close()
        joined.write(b"late")
        await asyncio.sleep(0)
        assert joined.is_closing()

    asyncio.run(write())
    assert sent == [b"headbody", b"last"]
