"""What of a typed line may be stored: never a code, a recipient or a key."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kshell.masking import secret_values, storable


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
        ("otp -- ABCDEF", "otp -- {{ otp }}"),
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
    ],
)
def test_a_value_that_tells_becomes_the_expression_that_means_it(line, kept):
    """By its name or by its looks; the rest of the line stays."""
    assert storable(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        " send to=+91",
        "curl | grep 482913",
        "explain A0123456789abcdef0123456789abcdef",
        "use account Ab1Cd2Ef3Gh4Ij5Kl6Mn",
        "echo {{ '482913' }}",
        "send 'to=+91",
        "# a comment 12345",
        "",
        "a\nb",
    ],
)
def test_a_line_that_may_still_tell_is_not_stored(line):
    """Digits in a row, a key's shape, an open quote, a first space: nothing of it is kept."""
    assert storable(line) == ""


def test_this_session_s_secrets_are_found_wherever_they_stand():
    """A code of letters is known by the session that has it."""
    secrets = secret_values({"otp": "ABCDEF", "to": "+919812345678", "language": "en_US"})
    assert secrets == ["ABCDEF", "+919812345678"]
    assert storable("curl | grep ABCDEF", secrets) == ""
    assert storable("set language=en_US", secrets) == "set language=en_US"


def test_a_secret_has_three_characters_or_more():
    """A shorter one stands in half of all lines by chance."""
    assert secret_values({"otp": "ab", "pin": "abc"}) == ["abc"]


@given(st.text(max_size=30), st.text(alphabet="0123456789", min_size=6, max_size=15))
def test_no_run_of_digits_survives(text, digits):
    """Whatever stands around a number or a code, it is not in what is stored."""
    assert digits not in storable(f"send {text} to=+{digits} ref={digits} {digits}{text}")


@given(st.text())
def test_what_is_stored_is_one_line_that_holds_no_code(text):
    """Any text: what is kept has no line break and no four digits in a row."""
    kept = storable(text)
    assert "\n" not in kept
    assert not re.search(r"[0-9]{4}", kept)
