"""``trigger`` prints a status callback, or posts it to an application."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.clock import with_limit
from support.servers import Server, answer, closed_port, hang, read

from kshell.api.callbacks import status_reports
from kshell.api.statuses import STATUSES

TO = "to=+919812345678"


def report(text: str) -> Any:
    """Return the one status in a callback."""
    (found,) = status_reports(json.loads(text))
    return found


@pytest.mark.parametrize("status", [row.code for row in STATUSES])
def test_each_status_is_printed_with_the_values_given(cli, status):
    """``trigger STATUS`` prints a callback with one's own recipient, ids, refs and time; only a failed one has errors."""
    ran = cli("trigger", status, TO, "message_id=A1", "ref=a", "ref1=b", "ref2=c", "timestamp=1764000000")
    found = report(ran.out)
    assert (ran.code, found.status, found.recipient, found.message_id) == (0, status, "919812345678", "A1")
    assert (found.refs, found.timestamp) == ({"ref": "a", "ref1": "b", "ref2": "c"}, "1764000000")
    assert [error.code for error in found.errors] == (["131026"] if status == "failed" else [])


def test_a_failed_message_has_the_code_given(cli):
    """``--code`` is Meta's error of a failed message, also one that kshell does not know."""
    assert report(cli("trigger", "failed", "--code", "132001").out).errors[0].says == "Template does not exist"
    assert report(cli("trigger", "failed", "--code", "7").out).errors[0].code == "7"


def test_without_values_it_is_about_a_new_message(cli):
    """``trigger`` alone has a recipient, and each time another message id."""
    one, other = (report(cli("trigger", "sent").out) for _ in range(2))
    assert one.recipient == "919812345678"
    assert one.message_id != other.message_id


def test_in_a_script_it_is_about_the_session_s_recipient(cli, write):
    """In a script, recipient and refs are the session's, unless the line says otherwise."""
    write("s.kshell", "set to=+14155550100 ref=mine ref1=b\ntrigger sent ref1=c\n")
    found = report(cli("run", "s.kshell").out)
    assert (found.recipient, found.refs) == ("14155550100", {"ref": "mine", "ref1": "c"})


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["faild"], "there is no status 'faild'", "did you mean failed?"),
        (["sent", "reff=1"], "a callback has no 'reff'", "did you mean ref?"),
        (["sent", "--code", "131026"], "a message that is sent has no error", "--code goes with the status failed"),
        (["failed", "--code", "x"], "'x' is not a code of Meta's", "it is a number"),
        (["sent", "timestamp=now"], "'now' is not a timestamp", "write seconds since 1970"),
        (["sent", "--url", "http://example.com/"], "no callback is posted to http://example.com/", "write https://…"),
        (["sent", "--url", "ftp://127.0.0.1/"], "no callback is posted to ftp://127.0.0.1/", "write https://…"),
        (["sent", "--url", "http://127.0.0.1:0"], "no callback is posted to http://127.0.0.1:0", "write https://…"),
        (["sent", "--url", "https://h:99999"], "no callback is posted to https://h:99999", "write https://…"),
        (["sent", "--url", "http://["], "no callback is posted to http://[", "write https://…"),
    ],
)
def test_wrong_values_say_what_to_write(cli, words, error, hint):
    """A wrong status, name, code, time or URL is a usage error with a hint."""
    ran = cli("trigger", *words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"error: {error}\nhint: {hint}")


def test_it_posts_what_it_prints(cli):
    """``--url`` posts the callback as JSON, without a key, and says what the application answered."""
    words = ("trigger", "delivered", TO, "message_id=A1", "timestamp=1764000000")
    with Server(read, answer(204)) as server:
        ran = cli(*words, "--url", f"{server.url}/hook")
    (request,) = server.requests
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("204 Said · ")
    assert (request.method, request.target) == ("POST", "/hook")
    assert request.header("content-type") == ["application/json"]
    assert request.header("api-key") == []
    assert json.loads(request.body) == json.loads(cli(*words).out)


@pytest.mark.parametrize("status", [302, 400, 500])
def test_an_application_that_does_not_take_it_is_an_exit_code(cli, status):
    """Any answer but 2xx gives exit code 1 and the answer's body; a redirect is not followed."""
    with Server(read, answer(status, b"no\n", ("Location", "/other"))) as server:
        ran = cli("trigger", "sent", "--url", server.url)
    assert (ran.code, ran.out) == (1, "no\n")
    assert f"\nerror: the application answered {status}\n" in ran.err
    assert len(server.requests) == 1


def test_where_no_application_runs_nothing_is_posted(cli):
    """A connection that is refused gives exit code 4."""
    with closed_port() as port:
        ran = cli("trigger", "sent", "--url", f"http://127.0.0.1:{port}/hook")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith(f"error: nothing was posted to http://127.0.0.1:{port}/hook\n  ")
    assert "\nhint: does the application run there?" in ran.err


def test_an_application_that_does_not_answer_may_have_it(cli, monkeypatch):
    """No answer within the time gives exit code 5."""

    def attempt(timeout: float):
        monkeypatch.setattr("kshell.commands.trigger._TIMEOUT", timeout)
        with Server(read, hang) as server:
            return cli("trigger", "sent", "--url", server.url)

    ran = with_limit(attempt, lambda ran: ran.code == 4, 0.2)
    assert (ran.code, ran.out) == (5, "")
    assert "did not answer; it may have the callback" in ran.err


def test_a_script_posts_to_this_machine_alone(cli, write):
    """A script, which may be somebody else's, cannot post to another host."""
    write("s.kshell", "trigger sent --url https://example.com/hook\n")
    ran = cli("run", "s.kshell")
    assert ran.code == 2
    assert "hint: a script posts only to this machine" in ran.err


def test_statuses_codes_and_names_are_completed(cli):
    """Completion offers the statuses, Meta's codes with their titles, and the names of the values."""
    from kshell.console.caller import Caller
    from kshell.console.completion_shells import WordComplete
    from kshell.console.group import commands_of
    from kshell.profiles.files import Places
    from kshell.session.session import Session

    def offered(words: list[str], text: str) -> dict[str, str | None]:
        found = WordComplete(commands_of("shell"), {"obj": Caller(Session(Places.standard()), "shell")}, "", "")
        return {item.value: item.help for item in found.get_completions(words, text)}

    assert [*offered(["trigger"], "")] == ["sent", "delivered", "read", "failed", "not-sent"]
    assert offered(["trigger", "failed", "--code"], "13102")["131026"] == "Undeliverable"
    assert [*offered(["trigger", "failed"], "re")] == ["ref=", "ref1=", "ref2="]
