"""Callbacks over HTTP: each status once and in order, whatever the URL does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from support.clock import in_time, with_limit
from support.servers import Server, answer, closed_port, hang, read, say, wait_until

import kshell
from kshell.core.errors import UsageError
from kshell.simulator import posting
from kshell.simulator.payload import Message
from kshell.simulator.posting import callbacks_to
from kshell.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell.simulator.inbox import Inbox

TO = "+919812345678"
STEPS = ["sent", "delivered", "read"]


def add(inbox: Inbox, message_id: str = "A1", to: str = TO, fails_with: int = 0) -> None:
    """Add a message for one recipient."""
    message = Message((to,), "auth1", "en", "1", "1", "customer-42", "", "", b"{}")
    inbox.add({to: fails_with}, "+911234567890", message_id, message)


@contextmanager
def posted_to(url: str, delay: float = 0) -> Iterator[tuple[Inbox, list[str]]]:
    """An inbox whose statuses are posted to ``url``, and the lines about the posts."""
    lines: list[str] = []
    inbox = Simulator(delay=delay).kept
    with callbacks_to(url, inbox, lines.append):
        yield inbox, lines


def test_each_status_is_posted_once_and_in_order() -> None:
    """A message's sent, delivered and read arrive in this order; each body names the message, its ref and the numbers."""
    with Server(read, answer(200)) as server, posted_to(f"{server.url}/hook?a=1") as (inbox, lines):
        add(inbox)
        assert wait_until(lambda: len(lines) == 3)
    assert [(request.method, request.target) for request in server.requests] == [("POST", "/hook?a=1")] * 3
    assert {*server.requests[0].header("content-type"), *server.requests[0].header("connection")} == {
        "application/json",
        "close",
    }
    bodies = [json.loads(request.body) for request in server.requests]
    assert [body["status"] for body in bodies] == STEPS
    assert {(body["message_id"], body["extra_info"]["ref"]) for body in bodies} == {("A1", "customer-42")}


def test_a_failed_message_is_posted_with_its_error() -> None:
    """A message that fails has two callbacks; the second has Meta's error."""
    with Server(read, answer(200)) as server, posted_to(server.url) as (inbox, lines):
        add(inbox, fails_with=131026)
        assert wait_until(lambda: len(lines) == 2)
    [status] = json.loads(server.requests[1].body)["meta_object"]["value"]["statuses"]
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)


def test_statuses_are_posted_with_the_delay_between_them() -> None:
    """The first callback comes a delay after the message, and each other one a delay after the one before."""
    times: list[float] = []
    with Server(read, lambda _: times.append(time.monotonic()), answer(200)) as server:
        begun = time.monotonic()
        with posted_to(server.url, delay=0.1) as (inbox, lines):
            add(inbox)
            assert wait_until(lambda: len(lines) == 3)
    assert [moment - begun >= 0.1 * count for count, moment in enumerate(times, start=1)] == [True] * 3


class Counting(threading.Thread):
    """A server that answers 204 to each request and keeps the statuses of each message; the quickest that can be written."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.statuses: defaultdict[str, list[str]] = defaultdict(list)
        self.start()

    def run(self) -> None:
        """Answer until the listener is closed."""
        with suppress(OSError):
            while True:
                stream, _ = self.listener.accept()
                with stream:
                    data = b""
                    while not data.endswith(b"}"):
                        data += stream.recv(65_536)
                    body = json.loads(data.partition(b"\r\n\r\n")[2])
                    self.statuses[body["message_id"]].append(body["status"])
                    stream.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_many_messages_without_a_delay_keep_their_order() -> None:
    """With a delay of 0 and 300 messages at once, each message's statuses arrive once and in order."""
    server = Counting()
    with server.listener, posted_to(server.url) as (inbox, lines):
        for number in range(300):
            add(inbox, f"A{number}")
        assert wait_until(lambda: len(lines) == 900)
    assert server.statuses == {f"A{number}": STEPS for number in range(300)}


@pytest.mark.parametrize(
    ("status", "says"), [(200, "200"), (204, "204"), (307, "307, not followed"), (404, "404"), (500, "500")]
)
def test_what_the_url_answers_is_logged(status: int, says: str) -> None:
    """One line for each post says which status it was, whose with a masked number, and what the URL answered."""
    with (
        Server(read, answer(status, b"", ("Location", "/elsewhere"))) as server,
        posted_to(server.url) as (inbox, lines),
    ):
        add(inbox)
        assert wait_until(lambda: len(lines) == 3)
    assert lines == [f"callback {name} for +91XXXXXXXX78: {says}" for name in STEPS]
    assert {request.target for request in server.requests} == {"/"}


def test_a_url_that_refuses_is_logged() -> None:
    """A closed port is said once for each status; nothing is posted again."""
    with closed_port() as port, posted_to(f"http://127.0.0.1:{port}/") as (inbox, lines):
        add(inbox)
        assert wait_until(lambda: len(lines) == 3)
        time.sleep(0.05)
    assert lines == [f"callback {name} for +91XXXXXXXX78: no answer (Connection refused)" for name in STEPS]


def test_an_answer_that_is_no_http_is_logged() -> None:
    """An answer that is not HTTP is said to be none."""
    with Server(read, say(b"hello\r\n\r\n")) as server, posted_to(server.url) as (inbox, lines):
        add(inbox)
        assert wait_until(lambda: len(lines) == 3)
    assert lines[0] == "callback sent for +91XXXXXXXX78: no answer (BadStatusLine)"


def test_a_url_that_hangs_is_given_up_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a URL does not answer, messages are accepted; after the time limit the next status is posted."""
    monkeypatch.setattr(posting, "POST_SECONDS", 0.2)
    with Server(read, hang) as server, posted_to(server.url) as (inbox, lines):
        begun = time.monotonic()
        for number in range(100):
            add(inbox, f"A{number}")
        assert in_time(time.monotonic() - begun, 10)  # a post takes 0.2 s
        assert wait_until(lambda: len(lines) >= 4)
        server.stopped.set()
    assert lines[0] == "callback sent for +91XXXXXXXX78: no answer (none within 0 s)"


def test_the_time_of_a_post_is_seconds() -> None:
    """The test above shortens the limit for a post; it is 5 seconds."""
    assert posting.POST_SECONDS == 5


def test_the_messages_that_wait_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many messages wait for a status, a new one's callbacks are dropped, and the log says so."""
    monkeypatch.setattr(posting, "QUEUE_LIMIT", 4)
    with closed_port() as port, posted_to(f"http://127.0.0.1:{port}", delay=60) as (inbox, lines):
        for number in range(5):
            add(inbox, f"A{number}")
    assert lines == ["callbacks of a message to +91XXXXXXXX78 dropped: 4 are waiting"]


def test_a_cleared_inbox_has_no_callbacks() -> None:
    """Statuses that were still to come of messages that were forgotten are not posted; those of new ones are."""

    def posted(delay: float) -> set[str]:
        with Server(read, answer(200)) as server, posted_to(server.url, delay=delay) as (inbox, lines):
            add(inbox, "A1")
            inbox.clear()
            add(inbox, "A2")
            assert wait_until(lambda: len(lines) >= 3)
        return {json.loads(request.body)["message_id"] for request in server.requests}

    assert with_limit(posted, lambda ids: "A1" in ids, 0.1, 3) == {"A2"}


def test_nothing_is_posted_after_the_end() -> None:
    """At the end of the block the statuses that are still to come are dropped, and the threads end."""
    with closed_port() as port, posted_to(f"http://127.0.0.1:{port}", delay=60) as (inbox, _):
        add(inbox)
    assert wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "kshell callbacks"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:5000",
        "ftp://127.0.0.1",
        "http://",
        "http://a:b@c/",
        "http://a:99999/",
        "http://[a",
        "http://a/ b",
        "http://a/\n",
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused(url: str) -> None:
    """A URL that is not http:// or https:// with a host, or has a password, is a usage error that says what to write."""
    with pytest.raises(UsageError, match="callbacks cannot be posted") as caught, posted_to(url):
        pass
    assert "http://HOST:PORT/PATH" in caught.value.hint


def test_callbacks_come_from_the_server_too() -> None:
    """A message that is sent over HTTP has its callbacks, with the id that the 202 gave."""
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    with Server(read, answer(200)) as server, kshell.sandbox(callback=server.url) as box:
        parameters: Any = [{"type": "text", "text": "1"}]
        components = [
            {"type": "body", "parameters": parameters},
            {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
        ]
        template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
        body = {"messaging_object": {"messaging_product": "whatsapp", "to": TO, "template": template}}
        http = HTTPConnection(urlsplit(box.url).netloc, timeout=60)
        path = f"/v2/{box.sid}/whatsapp/{box.phone_number}/messages"
        http.request("POST", path, json.dumps(body), {"Content-Type": "application/json", "api-key": box.key})
        message_id = json.loads(http.getresponse().read())["data"]["message_id"]
        http.close()
        assert wait_until(lambda: len(server.requests) == 3)
    assert [json.loads(request.body)["message_id"] for request in server.requests] == [message_id] * 3
