"""The part of a typed line that may be stored: never a code, a recipient or a key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kshell.privacy.history_lines import SHORTEST_IN_HISTORY, storable
from kshell.privacy.numbers import without_numbers
from kshell.privacy.privacy import Privacy
from kshell.privacy.references import References
from kshell.privacy.sources import kind_by_name
from kshell.privacy.values import Private
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("send to=+919812345678 otp=482913", "send to={{ to }} otp={{ otp }}"),
        ("send to='+91 98' -a demo", "send to={{ to }} -a demo"),
        ("set otp='J$F' ref=customer-42", "set otp={{ otp }} ref=customer-42"),
        ("otp 482913", "otp {{ otp }}"),
        ("otp new", "otp new"),
        ("otp 'J$FpnYnP'", "otp {{ otp }}"),
        ("'otp' 'J$FpnYnP'", "'otp' {{ otp }}"),
        ("otp --help", "otp --help"),
        ("otp", "otp"),
        ("set ref=order-48291", "set ref={{ ref }}"),
        ("set pin_code=ab language=en_US", "set pin_code={{ pin_code }} language=en_US"),
        ("set ref={{ '482913' }}", "set ref={{ ref }}"),
        ("set ref=\u0664\u0668\u0662\u0669", "set ref={{ ref }}"),
        ("set ref={{ body.data.message_id }}", "set ref={{ body.data.message_id }}"),
        ("curl to=+919812345678 | pbcopy", "curl to={{ to }} | pbcopy"),
        ("render > payload.json", "render > payload.json"),
        ("use account acme", "use account acme"),
        ("use account Ab1Cd2Ef3Gh4Ij5Kl6M", "use account Ab1Cd2Ef3Gh4Ij5Kl6M"),
        ("diff 12 13", "diff 12 13"),
        ("send --timeout 30", "send --timeout 30"),
        ("explain WA-401", "explain WA-401"),
        ("kshell otp ABCDEF", "otp {{ otp }}"),
        ('"otp" ABCDEF', '"otp" {{ otp }}'),
        (r"ot\p ABCDEF", r"ot\p {{ otp }}"),
        ("otp -- ABCDEF", "otp -- {{ otp }}"),
        ("send otp= ABCDEF", "send otp={{ otp }} {{ otp }}"),
        ("vars # ABCDEF", "vars"),
        ("set ref='a # b' # ABCDEF", "set ref='a # b'"),
        ("expect status == 202 # ABCDEF", "expect status == 202"),
        ("expect status > 300", "expect status > 300"),
        ('expect body.code == "WA202"', 'expect body.code == "WA202"'),
        ("capture otp = body.said", "capture otp = body.said"),
    ],
)
def test_a_value_that_tells_becomes_the_expression_that_means_it(line, kept):
    """A private value is replaced by an expression with its variable's name, and the rest of the line is kept."""
    assert storable(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        " send to=+91",
        "curl | grep 482913",
        "explain A0123456789abcdef0123456789abcdef",
        "use account Ab1Cd2Ef3Gh4Ij5Kl6Mn",
        "echo {{ '482913' }}",
        "opt ABCDEF",
        "{{ 'otp' }} ABCDEF",
        'expect otp == "ABCDEF"',
        "kshell expect 'ABCDEF' == to",
        'expect body.otp == "ABCDEF"',
        'capture otp = "ABCDEF"',
        "curl otp=ABCDEF | grep ABCDEF",
        "send 'to=+91",
        "# a comment 12345",
        "",
        "a\nb",
    ],
)
def test_a_line_that_may_still_tell_is_not_stored(line):
    """A line that may still have a private value, or begins with a space, is not stored."""
    assert storable(line) == ""


def test_this_session_s_secrets_are_found_wherever_they_stand():
    """A code of letters in the session keeps a line with that code from being stored."""
    session = Session(Places.standard())
    for name, text in {"otp": "ABCDEF", "to": "+919812345678", "language": "en_US"}.items():
        session.set(name, text)
    privacy = session.privacy(keys=False)
    assert privacy.storable("curl | grep ABCDEF") == ""
    assert privacy.storable("curl | grep abcdef") == ""
    assert privacy.storable("set language=en_US") == "set language=en_US"


def test_a_secret_has_three_characters_or_more():
    """A secret under three characters is not searched for in lines."""
    session = Session(Places.standard())
    session.set("otp", "ab")
    session.set("pin", "abc")
    assert {*session.privacy(keys=False).forms(SHORTEST_IN_HISTORY)} == {"abc", "YWJj"}


@given(st.text(max_size=30), st.text(alphabet="0123456789", min_size=6, max_size=15))
def test_no_run_of_digits_survives(text, digits):
    """The digits of a number or code are not stored, whatever text is around them."""
    assert digits not in storable(f"send {text} to=+{digits} ref={digits} {digits}{text}")


@given(st.text())
def test_what_is_stored_is_one_line_that_holds_no_code(text):
    """A stored line has no line break and no four digits in a row."""
    kept = storable(text)
    assert "\n" not in kept
    assert not re.search(r"[0-9]{4}", kept)


# ---- numbers


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call +919812345678!", "call +91XXXXXXXX78!"),
        ("%2B91%2098123%2045678", "%2B91XXXXXXXX78"),
        ("\\u002b919812345678", "\\u002b91XXXXXXXX78"),
        ("447700900123, or", "44XXXXXXXX23, or"),
        ("1234567", "12XXX67"),
        ("91 98123-45678", "91XXXXXXXX78"),
        ("+1 2345", "+1 2345"),
        ("123456", "123456"),
        ("A447700900123", "A447700900123"),
        ("0.12345678 12345678.5", "0.12345678 12345678.5"),
        ("1763874518 1763874518123", "1763874518 1763874518123"),
        ("e2f9bbd4-1234-4567-8901-123456789012", "e2f9bbd4-1234-4567-8901-123456789012"),
        ("2026-11-23T05:08:38", "2026-11-23T05:08:38"),
        ("12345678", "12345678"),
    ],
)
def test_what_looks_like_a_number_is_masked(text, masked):
    """A text in the form of a phone number is masked; times, ids and fractions are not."""
    assert without_numbers(text, ["919812345678"], ["12345678"]) == masked


@pytest.mark.parametrize(
    ("name", "kind"),
    [("to", "NUMBER"), ("phone2", "NUMBER"), ("otp", "CODE"), ("PIN", "CODE"), ("ref", ""), ("language_code", "")],
)
def test_the_name_of_a_variable_says_what_it_holds(name, kind):
    """A variable's name decides whether its value is a number, a code or neither."""
    assert kind_by_name(name) == kind


@pytest.mark.parametrize("code", ["QXZWVB", 'J"Fpq\x1b', "ab", "\u00e9t\u00e9x"])
def test_a_form_of_a_code_betrays_it_or_is_too_short(code):
    """Every form of a code that would be replaced is also found as a leak, from four characters on."""
    value = Private("CODE", code)
    for form in value.forms().values():
        assert Privacy([value]).leak(f"<{form}>") == ("CODE" if len(code) >= 4 else "")


def test_a_session_s_private_values_are_those_of_its_drafts_and_variables(monkeypatch):
    """A session's private values are those of its drafts and variables, without captured values or a missing key."""
    monkeypatch.delenv("KALEYRA_API_KEY")
    session = Session(Places.standard())
    session.account = "docs"
    session.set("code", "WA202", source="captured")
    session.set("pin", "QXZWVB")
    session.draft(Overrides(variables={"to": "+91 98123 45678", "otp": "ABCDEF"}))
    values = session.privacy().values
    assert {value.text for value in values} >= {"ABCDEF", "QXZWVB", "+91 98123 45678", "+919812345678"}
    assert not [value for value in values if value.kind == "KEY" or value.text == "WA202"]


@pytest.mark.parametrize("written", ["5821-3974", "58 213 974", "58.21.39.74", "(5821) 3974", "5821/3974"])
@pytest.mark.parametrize("code", ["58213974", "5821-3974"])
def test_a_code_in_groups_is_the_code(code, written):
    """Neither a report, nor a recording, nor the history keeps the digits of a code, however they are grouped."""
    privacy = Privacy([Private("CODE", code)])
    references = References()
    references.update(privacy)
    assert "39" not in privacy.mask(f"it was {written}, twice")
    assert references.private_in(f"it was {written}") == {written.lstrip("("): "CODE"}
    assert "39" not in privacy.storable(f"set note='it was {written}'")


def test_digits_that_hold_a_code_by_chance_are_no_code():
    """A longer run of digits is another number."""
    assert Privacy([Private("CODE", "821397")]).leak("15-821397-4") == "CODE"
    assert Privacy([Private("CODE", "821397")]).mask("58 2139 74") == "58 2139 74"


def test_a_code_in_groups_that_no_session_knows_is_not_stored():
    """Three groups of two to four digits look like a code."""
    assert storable("set note='it was 58 213 974'") == "set note={{ note }}"
    assert storable("set note='page 7 of 12'") == "set note='page 7 of 12'"
