"""Lines that another program taught, and completions inside of an expression."""

from __future__ import annotations

import pytest

from kshell.shell.expression_items import expression_at, items_in
from kshell.shell.meaning import curl_from_elsewhere, meant


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("to=+919812345678", "set to=+919812345678"),
        ("  to=+919812345678 otp=1", "set to=+919812345678 otp=1"),
        ("q", "exit"),
        (" quit ", "exit"),
        ("? curl", "help curl"),
        ("version", "--version"),
        ("send to=+919812345678", "send to=+919812345678"),
        ("expect status == 202", "expect status == 202"),
        ("", ""),
    ],
)
def test_a_line_means_what_a_stranger_means(line, wanted):
    """A variable alone is set, and words of other programs run kshell's commands; other lines stay."""
    assert meant(line) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "curl -X POST 'https://api.in.kaleyra.io/v2/…'",
        "$ curl https://api.in.kaleyra.io/v2/",
        'curl.exe --location "https://api.in.kaleyra.io" \\\n  --header "a: b"',
        "curl -H 'a: b' -d '{}'",
    ],
)
def test_a_curl_command_from_elsewhere_is_known(text):
    """A URL, or an option that only the program curl has, marks a curl command from elsewhere."""
    assert curl_from_elsewhere(text) == text.removeprefix("$ ")


@pytest.mark.parametrize(
    "text",
    [
        "curl", "curl to=+919812345678", "curl -a demo to=+919812345678", "curl to=+919812345678 | tr -d x",
        "curl --compact ref=https://example.org", "curl ref='see https://example.org'", "send ref=-X", "curl -X",
    ],
)  # fmt: skip
def test_kshell_s_own_curl_is_not_taken_for_it(text):
    """A line that kshell's ``curl`` takes is its own."""
    assert curl_from_elsewhere(text) == ""


NAMES = {"status": 202, "body": {"code": "WA202", "data": {"message_id": "A1"}}, "delivery": "accepted", "to": "+91"}


PATHS = ["status", "body", "body.code", "body.data", "body.data.message_id", "delivery", "to"]


@pytest.mark.parametrize(
    ("expression", "offered"),
    [
        ("", PATHS),
        ("status ", ["==", "!=", "<", ">", "in", "and", "or", "is defined", "| length"]),
        ("body.code == ", ['"WA202"', *PATHS]),
        ("status == 202 and ", PATHS),
    ],
)
def test_an_expression_is_completed(expression, offered):
    """At a name stand names, behind one operators, and behind ``==`` first the value that the name has."""
    assert [*items_in(expression, NAMES)[1]][: len(offered)] == offered


def test_what_came_of_a_message_is_offered():
    """Where a name can stand, where the last message went and what came of it are offered too."""
    assert {"live", "statuses", "phone.code"} <= items_in("", NAMES)[1].keys()


def test_before_an_answer_its_names_are_offered_too():
    """Without an answer the names that every answer has are offered."""
    assert {"status", "delivery", "body.code"} <= items_in("", {"to": "+91"})[1].keys()


@pytest.mark.parametrize(
    ("text", "expression"),
    [("expect st", "st"), ("capture id = bo", " bo"), ("capture id", None), ("send to=1", None), ("expect", None)],
)
def test_only_expect_and_capture_have_an_expression(text, expression):
    """An expression is what follows ``expect``, and the sign of a ``capture``."""
    assert expression_at(text) == expression
