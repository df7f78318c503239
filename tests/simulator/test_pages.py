"""What the simulator serves beside the API: the inbox and its events, answers to ask for, and who may ask."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from support.clock import with_limit
from support.servers import wait_until

import kshell
from kshell.simulator import pages
from kshell.simulator.documented import FAILURES
from kshell.simulator.pages import Knowledge, Pages
from kshell.simulator.simulator import Simulator
from kshell.simulator.statuses import META_TITLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kshell import Sandbox

TO, OTHER = "+919812345678", "+919812345679"
HEADERS = {"Content-Type": "application/json", "api-key": "Acanary00000000000000000000000key"}


class Answer(NamedTuple):
    """An answer that was read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """One sandbox for the tests of this module."""
    with kshell.sandbox() as box:
        yield box


@pytest.fixture
def box(served: Sandbox) -> Sandbox:
    """The sandbox, emptied."""
    served.clear()
    return served


def ask(box: Sandbox, method: str, target: str, body: object = None, **headers: str) -> Answer:
    """Return the answer to a request on a connection of its own."""
    with closing(HTTPConnection(urlsplit(box.url).netloc, timeout=60)) as http:
        http.request(method, target, body if isinstance(body, bytes) else json.dumps(body), HEADERS | headers)
        answer = http.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())


def payload(to: str = TO, code: str = "482913", **extra: str) -> dict[str, Any]:
    """Return a correct payload."""
    parameters = [{"type": "text", "text": code}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": "auth1", "language": {"code": "en_US"}, "components": components}
    return {
        "messaging_object": {"messaging_product": "whatsapp", "to": to, "template": template},
        "extra_info": extra,
    }


def send(box: Sandbox, to: str = TO, code: str = "482913", **extra: str) -> Answer:
    """Send a message."""
    return ask(box, "POST", f"/v2/{box.sid}/whatsapp/{box.phone_number}/messages", payload(to, code, **extra))


# ---- the inbox


def test_a_message_has_every_field(box: Sandbox) -> None:
    """``GET /inbox`` shows numbers, ids, codes, template, refs, payload, the time, and each status with its time."""
    answer = send(box, ref="customer-42", ref1="a", ref2="b")
    [message] = ask(box, "GET", "/inbox").json
    received = message.pop("received")
    statuses = [{"status": name, "timestamp": received, "errors": []} for name in ("sent", "delivered", "read")]
    assert message.pop("id") > 0
    assert message.pop("payload")["messaging_object"]["recipient_type"] == "individual"
    assert message == {
        "recipient": TO,
        "sender": box.phone_number,
        "message_id": answer.json["data"]["message_id"],
        "template_name": "auth1",
        "language": "en_US",
        "code": "482913",
        "button_code": "482913",
        "ref": "customer-42",
        "ref1": "a",
        "ref2": "b",
        "fails_with": 0,
        "statuses": statuses,
    }


@pytest.mark.parametrize("to", ["+919812345678", "%2B919812345678", "919812345678"])
def test_the_messages_of_a_number(box: Sandbox, to: str) -> None:
    """``to`` chooses a recipient, also where its plus is not encoded and means a space."""
    send(box, f"{OTHER},{TO}")
    assert [message["recipient"] for message in ask(box, "GET", f"/inbox?to={to}").json] == [TO]


def test_the_messages_after_one(box: Sandbox) -> None:
    """``after`` leaves out the messages up to that id."""
    for code in "123":
        send(box, code=code)
    first = ask(box, "GET", "/inbox").json[0]
    assert [message["code"] for message in ask(box, "GET", f"/inbox?after={first['id']}").json] == ["2", "3"]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "wait=x", "wait=-1", "wait=61", "wait=nan"])
def test_a_wrong_query_is_refused(box: Sandbox, query: str) -> None:
    """A value that is no id or no time gets 400, and the answer says what to write."""
    answer = ask(box, "GET", f"/inbox?{query}")
    assert (answer.status, "from 0 to 60" in answer.json["message"]) == (400, True)


def test_a_wait_is_answered_as_soon_as_there_is_a_message(box: Sandbox) -> None:
    """``wait`` answers with the first message to the number, and messages to others do not answer it."""
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, box, "GET", f"/inbox?to={TO}&wait=30")
        while not waiting.done():
            send(box, OTHER)
            if len(box.inbox) > 3:
                send(box, TO)
        assert [message["recipient"] for message in waiting.result().json] == [TO] * (len(waiting.result().json))
    assert waiting.result().json


def test_a_wait_for_a_message_that_is_there_ends_at_once(box: Sandbox) -> None:
    """``wait`` does not wait where there is a message already."""
    send(box)
    begun = time.monotonic()
    assert len(ask(box, "GET", "/inbox?wait=60").json) == 1
    assert time.monotonic() - begun < 30


def test_a_wait_for_nothing_is_answered_by_an_empty_list(box: Sandbox) -> None:
    """When no message comes in the time, the answer is ``[]``."""
    send(box, OTHER)
    assert ask(box, "GET", f"/inbox?to={TO}&wait=0.05").json == []


def test_every_waiter_gets_each_message_once(box: Sandbox) -> None:
    """Of 30 clients that wait for their own number while 8 send, each is answered once, with its message."""
    numbers = [f"+9198{number:06}" for number in range(30)]
    with ThreadPoolExecutor(40) as pool:
        waiting = {number: pool.submit(ask, box, "GET", f"/inbox?to={number}&wait=30") for number in numbers}
        list(pool.map(lambda number: send(box, number), numbers))
        got = {number: [message["recipient"] for message in future.result().json] for number, future in waiting.items()}
    assert got == {number: [number] for number in numbers}


def test_waiters_are_limited(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where too many requests wait, one more is answered "Please try again later", and the others get their message."""
    monkeypatch.setattr(pages, "WAITING_LIMIT", 2)
    with events(box) as one, events(box) as other:
        assert [ask(box, "GET", target).json["code"] for target in ("/inbox?wait=9", "/inbox/events")] == [
            "WA500",
            "WA500",
        ]
        send(box)
        assert [stream.next()[0] for stream in (one, other)] == ["message", "message"]


def test_a_waiter_that_is_gone_waits_no_more(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that closes its connection leaves its place to another."""
    monkeypatch.setattr(pages, "WAITING_LIMIT", 1)
    with socket.create_connection(urlsplit(box.url).netloc.split(":")) as gone:  # type: ignore[arg-type]
        gone.sendall(b"GET /inbox?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert wait_until(lambda: ask(box, "GET", "/inbox?wait=0.01").status == 500)
    assert wait_until(lambda: ask(box, "GET", "/inbox?wait=0.01").status == 200)


def test_a_deleted_inbox_is_empty(box: Sandbox) -> None:
    """``DELETE /inbox`` answers 204 and forgets the messages and the answers that were asked for."""
    send(box)
    ask(box, "POST", "/next", {"answer": "low-balance"})
    answer = ask(box, "DELETE", "/inbox")
    assert (answer.status, answer.body) == (204, b"")
    assert ask(box, "GET", "/inbox").json == []
    assert send(box).status == 202


# ---- events


class Events:
    """A stream of server-sent events."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def next(self) -> tuple[str, Any, str]:
        """Return the next event: its name, its JSON and its id."""
        fields: dict[str, str] = {}
        while line := self._stream.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        return (fields["event"], json.loads(fields["data"]), fields["id"]) if "data" in fields else self.next()


@contextmanager
def events(box: Sandbox, **headers: str) -> Iterator[Events]:
    """A stream of the sandbox's events that has begun."""
    with closing(HTTPConnection(urlsplit(box.url).netloc, timeout=60)) as http:
        http.request("GET", "/inbox/events", headers=headers)
        answer = http.getresponse()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer)


def test_a_message_and_its_statuses_are_events(box: Sandbox) -> None:
    """A message is an event with what ``GET /inbox`` shows, and each of its statuses one that names the message."""
    with events(box) as stream:
        send(box)
        [message] = ask(box, "GET", "/inbox").json
        seen = [stream.next() for _ in range(4)]
    assert [name for name, _, _ in seen] == ["message", "status", "status", "status"]
    assert {number for _, _, number in seen} == {str(message["id"])}
    assert seen[0][1] == message
    about = {name: message[name] for name in ("id", "message_id", "recipient")}
    assert [data for _, data, _ in seen[1:]] == [about | status for status in message["statuses"]]


def test_a_failed_status_is_an_event_with_its_error(box: Sandbox) -> None:
    """The event of a failed status has Meta's error."""
    with events(box) as stream:
        send(box, "+15001310260")
        seen = [stream.next() for _ in range(3)]
    assert [data.get("status") for _, data, _ in seen] == [None, "sent", "failed"]
    assert seen[2][1]["errors"][0]["code"] == 131026


def test_statuses_of_earlier_messages_are_events() -> None:
    """Who begins to listen after a message gets the statuses that are still to come, and not the message."""

    def statuses(delay: float) -> list[str]:
        """The statuses of a first message, until the last one of a second message came."""
        seen: list[str] = []
        with kshell.sandbox(delay=delay) as box:
            send(box)
            with events(box) as stream:
                send(box, OTHER)
                while (event := stream.next()[1]).get("status") != "read" or event["recipient"] == TO:
                    seen += [event["status"]] if event["recipient"] == TO else []
        return seen

    seen = with_limit(statuses, lambda seen: seen == [], 0.2, 3)
    assert seen
    assert seen == ["sent", "delivered", "read"][-len(seen) :]  # on a busy machine the first may be over


def test_events_go_on_after_the_last_one_that_was_seen(box: Sandbox) -> None:
    """A browser that connects again names the last id, and gets the messages after it."""
    for code in "123":
        send(box, code=code)
    first = box.inbox[0].id
    with events(box, **{"Last-Event-ID": str(first)}) as stream:
        seen = [stream.next()[1] for _ in range(8)]
    assert [data["code"] for data in seen if "code" in data] == ["2", "3"]


def test_an_id_of_an_earlier_server_is_no_obstacle(box: Sandbox) -> None:
    """A browser that saw more messages of a server that has ended gets the next one of this server."""
    with events(box, **{"Last-Event-ID": "99999"}) as stream:
        send(box)
        assert stream.next()[0] == "message"


def test_an_event_is_one_line_of_data(box: Sandbox) -> None:
    """A code with line breaks cannot add a line to the stream."""
    with events(box) as stream:
        send(box, code="1\n\ndata: 2\r")
        assert stream.next()[1]["code"] == "1\n\ndata: 2\r"


# ---- answers to ask for


@pytest.mark.parametrize("name", FAILURES)
def test_the_next_answer_is_the_one_asked_for(box: Sandbox, name: str) -> None:
    """``POST /next`` with the name of a documented failure answers the next message so."""
    asked = ask(box, "POST", "/next", {"answer": name})
    assert (asked.status, asked.body) == (204, b"")
    answer = send(box)
    assert (answer.status, answer.json) == (FAILURES[name].status, FAILURES[name].body)
    assert send(box).status == 202


def test_the_next_message_to_a_number_fails(box: Sandbox) -> None:
    """``POST /next`` with a status, a code and a number lets the next message to that number fail."""
    ask(box, "POST", "/next", {"to": TO, "status": "failed", "code": 131049})
    for number in (OTHER, TO, TO):
        send(box, number)
    assert [(message.recipient, message.fails_with) for message in box.inbox] == [(OTHER, 0), (TO, 131049), (TO, 0)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"?", 'the body is not JSON: write {"answer"'),
        ([], 'write {"answer"'),
        ({}, 'write {"answer"'),
        ({"answer": "balance"}, "answer is one of incorrect-key"),
        ({"answer": 131026}, "answer is one of incorrect-key"),
        ({"status": "failed", "code": 1}, "code is one of 2, 10"),
        ({"status": "failed", "code": "131026"}, "code is one of 2, 10"),
        ({"status": "read", "code": 131026}, 'write {"answer"'),
        ({"answer": "low-balance", "number": TO}, 'write {"answer"'),
        ({"answer": "low-balance", "to": 91}, 'write {"answer"'),
        ({"answer": "low-balance", "to": "91"}, "is not a number in E.164 form"),
        (b"[" * 4_000, 'the body is not JSON: write {"answer"'),
    ],
)
def test_an_answer_that_cannot_be_given_is_refused(box: Sandbox, body: object, says: str) -> None:
    """A body of ``POST /next`` that names no answer gets 400, and the answer says what to write."""
    answer = ask(box, "POST", "/next", body)
    assert (answer.status, says in answer.json["message"]) == (400, True)


def test_a_large_body_of_next_is_refused(box: Sandbox) -> None:
    """A body of ``POST /next`` over 4 KiB gets 413."""
    assert ask(box, "POST", "/next", b" " * 5_000).status == 413


# ---- the page and its documents


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"])
def test_a_browser_gets_the_phone_page(box: Sandbox, accept: str) -> None:
    """Who accepts HTML gets the page."""
    answer = ask(box, "GET", "/", Accept=accept)
    assert (answer.headers["content-type"], answer.body[:15]) == ("text/html; charset=utf-8", b"<!doctype html>")


@pytest.mark.parametrize("accept", ["*/*", "application/json"])
def test_another_program_gets_a_description(box: Sandbox, accept: str) -> None:
    """Who does not ask for HTML gets JSON: the magic values, what else is served, and the codes of Meta's."""
    about = ask(box, "GET", "/", Accept=accept).json
    assert "POST /next" in about["pages"]
    assert about["errors"].keys() == set(map(str, META_TITLES))


@pytest.mark.parametrize("target", ["/", "/phone.css", "/phone.js", "/inbox", "/openapi.json", "/inbox?after=x"])
def test_every_page_carries_the_policy(box: Sandbox, target: str) -> None:
    """No page loads from elsewhere, runs inline code, is framed, cached or read by another origin."""
    headers = ask(box, "GET", target, Accept="text/html").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    assert (policy["frame-ancestors"], policy["form-action"], policy["base-uri"]) == ("'none'", "'none'", "'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert (headers["cache-control"], headers["cross-origin-resource-policy"]) == ("no-store", "same-origin")


def test_the_page_holds_nothing_inline_and_loads_nothing_from_elsewhere(box: Sandbox) -> None:
    """The page has no inline script, style or handler, and no address of another host."""
    page = ask(box, "GET", "/", Accept="text/html").body.decode().replace("http://www.w3.org/2000/svg", "")
    script = ask(box, "GET", "/phone.js").body.decode()
    assert [
        text for text in ("<script>", "<style", " style=", " onclick=", "http:", "https:", "//") if text in page
    ] == []
    assert [
        text for text in ("innerHTML", "insertAdjacentHTML", "document.write", "eval(", "http") if text in script
    ] == []


def test_a_page_without_its_method_is_refused(box: Sandbox) -> None:
    """PUT on a page is answered 405 with the methods that it has."""
    assert [ask(box, "PUT", target).status for target in ("/", "/inbox", "/next")] == [405, 405, 405]
    assert sorted(ask(box, "PUT", "/inbox").headers["allow"].split(", ")) == ["DELETE", "GET", "HEAD"]


def test_the_document_is_the_one_that_was_handed_in() -> None:
    """``GET /openapi.json`` is what the command handed to the server."""
    app = Pages(Simulator(), print, Knowledge(openapi='{"openapi": 1}'), None)
    assert called(app, "/openapi.json") == (200, {"openapi": 1})


def called(app: Pages, path: str) -> tuple[int, Any]:
    """Return the status and the JSON of what an application answers to GET."""
    import asyncio

    sent: list[Any] = []

    async def send_event(event: Any) -> None:
        sent.append(event)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "headers": [],
        "query_string": b"",
    }
    asyncio.run(app(scope, receive, send_event))
    return sent[0]["status"], json.loads(sent[1]["body"])


def test_the_meanings_of_codes_are_those_of_explain() -> None:
    """``kshell sandbox`` tells the page what each of Meta's codes means and whose move it is."""
    from kshell.commands.sandbox import knowledge

    assert knowledge().meanings.keys() == META_TITLES.keys()
    assert "Whose move? Yours: " in knowledge().meanings[131026]
