"""``kshell.sandbox`` and the fixture ``kaleyra``: an application is tested against the simulator."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

import pytest
from support.servers import Server, answer, read, wait_until

import kshell

if TYPE_CHECKING:
    from kshell import Sandbox

TO, OTHER = "+919812345678", "+919812345679"


def send(box: Sandbox, to: str = TO, code: str = "482913", *, name: str = "auth1", key: str = "") -> int:
    """Send a message as an application does; return the status of the answer."""
    parameters = [{"type": "text", "text": code}]
    components = [
        {"type": "body", "parameters": parameters},
        {"type": "button", "sub_type": "url", "index": 0, "parameters": parameters},
    ]
    template = {"name": name, "language": {"code": "en_US"}, "components": components}
    body = {"messaging_object": {"messaging_product": "whatsapp", "to": to, "template": template}}
    request = urllib.request.Request(  # noqa: S310 - the URL is the sandbox's
        f"{box.url}/v2/{box.sid}/whatsapp/{box.phone_number}/messages",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "api-key": key or box.key},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as got:  # noqa: S310
            return int(got.status)
    except HTTPError as refused:
        with refused:
            return refused.code


# ---- the fixture


def test_it_knows_what_the_command_s_sandbox_knows(kaleyra: Sandbox) -> None:
    """The phone page of a test's sandbox has the meanings of Meta's codes, and OpenAPI is served."""
    with urllib.request.urlopen(f"{kaleyra.url}/", timeout=60) as about:  # noqa: S310
        assert "Whose move?" in json.load(about)["errors"]["131026"]
    with urllib.request.urlopen(f"{kaleyra.url}/openapi.json", timeout=60) as document:  # noqa: S310
        assert json.load(document)["openapi"].startswith("3.1")


def test_the_code_of_a_message(kaleyra: Sandbox) -> None:
    """``code_for`` returns the code that a number got, and ``inbox`` the whole message."""
    send(kaleyra)
    assert kaleyra.code_for(TO) == "482913"
    assert [(message.recipient, message.template_name) for message in kaleyra.inbox] == [(TO, "auth1")]


def test_the_fixture_is_empty_before_each_test(kaleyra: Sandbox) -> None:
    """The message of another test, its taken code and its answers are not there any more."""
    assert kaleyra.inbox == ()
    assert send(kaleyra) == 202
    assert kaleyra.code_for(TO) == "482913"


def test_a_code_that_is_still_to_come_is_waited_for(kaleyra: Sandbox) -> None:
    """``code_for`` returns as soon as the application has sent the message."""
    timer = threading.Timer(0.1, send, [kaleyra])
    timer.start()
    assert kaleyra.code_for(TO, timeout=60) == "482913"
    timer.join()


def test_a_code_is_returned_once(kaleyra: Sandbox) -> None:
    """After a first code ``code_for`` waits for the next message, so a test of "send again" gets the new code."""
    send(kaleyra, code="111111")
    assert kaleyra.code_for(TO) == "111111"
    timer = threading.Timer(0.1, send, [kaleyra, TO, "222222"])
    timer.start()
    assert kaleyra.code_for(TO, timeout=60) == "222222"
    timer.join()


def test_the_newest_code_is_returned(kaleyra: Sandbox) -> None:
    """Of two messages that came before ``code_for`` the newer one's code is returned."""
    send(kaleyra, code="111111")
    send(kaleyra, code="222222")
    assert kaleyra.code_for(TO) == "222222"


def test_a_code_that_does_not_come_is_a_time_out_that_says_why(kaleyra: Sandbox) -> None:
    """The error names the number, and what the sandbox got instead."""

    def said() -> str:
        with pytest.raises(TimeoutError, match=r"no code for \+919812345678 within 0 s: ") as caught:
            kaleyra.code_for(TO, timeout=0)
        return str(caught.value).partition(" s: ")[2]

    assert said() == "no request reached the sandbox"
    kaleyra.fail_next("incorrect-key")
    send(kaleyra)
    assert said() == "the last request was answered 401 RBC001, 0 recipients"
    send(kaleyra, OTHER)
    assert said() == f"there are messages to {OTHER}"
    kaleyra.fail_next(131026)
    send(kaleyra)
    assert said() == "its newest message fails with 131026; kshell explain 131026"
    send(kaleyra)
    kaleyra.code_for(TO)
    kaleyra.clear()
    send(kaleyra)
    kaleyra.code_for(TO)
    assert said() == "the newest one was returned already"


def test_statuses_of_a_number(kaleyra: Sandbox) -> None:
    """``statuses_of`` lists the statuses of the newest message to a number, and nothing for a number without one."""
    assert kaleyra.statuses_of(TO) == []
    send(kaleyra)
    assert kaleyra.statuses_of(TO) == ["sent", "delivered", "read"]
    kaleyra.fail_next(131026, to=TO)
    send(kaleyra)
    assert kaleyra.statuses_of(TO) == ["sent", "failed"]


def test_the_next_request_is_refused(kaleyra: Sandbox) -> None:
    """``fail_next`` with a documented failure lets one request be refused."""
    kaleyra.fail_next("low-balance")
    assert [send(kaleyra), send(kaleyra)] == [400, 202]


def test_callbacks_go_to_the_last_url(kaleyra: Sandbox) -> None:
    """``callbacks_to`` replaces the URL that gets the statuses; an empty one gets none."""
    with Server(read, answer(200)) as one, Server(read, answer(200)) as other:
        kaleyra.callbacks_to(one.url)
        send(kaleyra)
        assert wait_until(lambda: len(one.requests) == 3)
        kaleyra.callbacks_to(other.url)
        send(kaleyra)
        assert wait_until(lambda: len(other.requests) == 3)
        kaleyra.callbacks_to("")
        send(kaleyra)
    assert (len(one.requests), len(other.requests)) == (3, 3)


# ---- the context manager


def test_a_sandbox_ends_with_its_block() -> None:
    """After the block nothing listens on the URL, and no thread is left."""
    before = set(threading.enumerate())
    with kshell.sandbox() as box:
        assert send(box) == 202
    with pytest.raises(URLError):
        send(box)
    assert set(threading.enumerate()) == before


def test_two_sandboxes_know_nothing_of_each_other() -> None:
    """Each sandbox has a port and messages of its own."""
    with kshell.sandbox() as one, kshell.sandbox() as other:
        send(one)
        assert (len(one.inbox), len(other.inbox)) == (1, 0)


def test_statuses_may_take_their_time() -> None:
    """With a delay a message has no status at first."""
    with kshell.sandbox(delay=60) as box:
        send(box)
        assert box.statuses_of(TO) == []


def test_a_template_that_is_not_approved_fails() -> None:
    """With ``approved``, a message with another template is accepted and fails with 132001."""
    with kshell.sandbox(approved={"auth1": ["en_US"]}) as box:
        assert [send(box), send(box, name="auth2")] == [202, 202]
        assert [message.fails_with for message in box.inbox] == [0, 132001]


# ---- wrong arguments


@pytest.mark.parametrize(
    "wrong",
    [
        *({"delay": delay} for delay in (float("nan"), -1, float("inf"), None, "1", True)),
        *({"callback": callback} for callback in (None, 5, b"http://127.0.0.1/", "nope")),
        *(
            {"approved": approved}
            for approved in ("auth1", ["auth1"], {"auth1": "en_US"}, {"auth1": None}, {5: ["en"]})
        ),
    ],
    ids=repr,
)
def test_a_sandbox_of_wrong_arguments_does_not_begin(wrong: dict[str, Any]) -> None:
    """An argument of a wrong type or out of its range raises ``UsageError``, and no thread is left."""
    before = set(threading.enumerate())
    with pytest.raises(kshell.UsageError), kshell.sandbox(**wrong):
        pytest.fail("it began")
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("timeout", [float("nan"), -1, float("inf"), None, "1", True])
def test_the_wait_for_a_code_is_a_number_of_seconds(kaleyra: Sandbox, timeout: Any) -> None:
    """Another timeout raises ``UsageError`` at once: with nan the wait would never end."""
    with pytest.raises(kshell.UsageError, match="timeout is"):
        kaleyra.code_for(TO, timeout=timeout)


@pytest.mark.parametrize("given", [None, 919812345678, b"x", []], ids=repr)
def test_a_number_is_text(kaleyra: Sandbox, given: Any) -> None:
    """A number or a URL that is no text raises ``UsageError`` at once."""
    for call in (kaleyra.code_for, kaleyra.statuses_of, kaleyra.callbacks_to):
        with pytest.raises(kshell.UsageError, match="which is no text"):
            call(given)


@pytest.mark.parametrize("given", ["nope", 0, None, [], {}, True, float("nan"), "131026"], ids=repr)
def test_an_unknown_failure_cannot_be_asked_for(kaleyra: Sandbox, given: Any) -> None:
    """``fail_next`` raises ``ValueError``, with the known answers, for anything else."""
    with pytest.raises(ValueError, match="low-balance"):
        kaleyra.fail_next(given)


@pytest.mark.parametrize("given", ["nope", 919812345678, b"x"], ids=repr)
def test_a_failure_is_asked_for_a_number(kaleyra: Sandbox, given: Any) -> None:
    """``fail_next`` raises ``ValueError`` for a recipient that is no number in E.164 form."""
    with pytest.raises(ValueError, match=r"E\.164"):
        kaleyra.fail_next("low-balance", to=given)


# ---- what it costs

LOADED = """
import sys
import pytest
before = set(sys.modules)
import kshell.pytest_plugin
print(sorted(set(sys.modules) - before))
"""


def test_the_plugin_imports_nothing_more() -> None:
    """A pytest that does not use the fixture imports the plugin and the package's empty front, and nothing else of kshell."""
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['kshell', 'kshell.pytest_plugin']"
