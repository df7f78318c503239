"""JSON text: printable, and the same value in any spelling."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kshell.core.json_text import dumps

TEXT = st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def joined(value: object) -> object:
    """Return ``value`` as JSON reads it: a high surrogate and the low one after it become one character."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [joined(item) for item in value]
    if isinstance(value, dict):
        return {joined(name): joined(item) for name, item in value.items()}
    return value


def strings(text: str) -> str:
    """Return the content of all strings of a JSON text as one text."""
    found, inside, skip = "", False, False
    for character in text:
        if inside and (skip or character != '"'):
            found += character
            skip = character == "\\" and not skip
        else:
            inside = (not inside) if character == '"' else inside
    return found


@given(value=VALUES, indent=st.sampled_from([None, 2]), avoid=st.text(PUNCTUATION))
@example(value='it\'s 100% \\ "x" !', indent=None, avoid="'\\!`\"%")
@example(value={"a,b": [1, -2.5], "c:d": {}}, indent=2, avoid=",:[]{}-.")
@example(value="\ud800x\udfff", indent=2, avoid="")
def test_any_json_is_the_same_value_in_any_spelling(value, indent, avoid):
    """JSON text is read back as the same value, whatever characters it avoids."""
    assert json.loads(dumps(value, indent=indent, avoid=avoid)) == joined(value)


@given(value=VALUES, avoid=st.text(PUNCTUATION))
@example(value="\x7f\x80\x9f\u00ad\u200b\u202e\u2028\ufeff\U000e0001\ud800\n\t", avoid="")
def test_every_character_is_printable(value, avoid):
    """JSON text has only printable characters and the newlines of its indent."""
    text = dumps(value, avoid=avoid)
    assert text.replace("\n", "").isprintable()
    assert dumps(value, indent=None, avoid=avoid).isprintable()
    assert text.encode()


@given(value=VALUES, avoid=st.text(PUNCTUATION))
@example(value='"\\', avoid='"')
@example(value='"\\', avoid="\\")
def test_what_is_to_be_avoided_is_in_no_string(value, avoid):
    r"""No string has an avoided character, except for the backslashes of escapes such as ``\uXXXX`` and ``\n``."""
    inside = strings(dumps(value, avoid=avoid))
    assert not set(avoid.replace("\\", "")) & set(inside)
    if "\\" in avoid:
        assert "\\\\" not in inside


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é😀中", '"é😀中"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\x7f", '"\\u007f"'),
        ("a\u202eb", '"a\\u202eb"'),
        ("\u00a0", '"\\u00a0"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
        ("\ud800", '"\\ud800"'),
        ("\uffff", '"\\uffff"'),
        ("a\tb\nc", '"a\\tb\\nc"'),
        ({"a": [1, "b"], "c": {}}, '{\n  "a": [\n    1,\n    "b"\n  ],\n  "c": {}\n}'),
    ],
)
def test_visible_characters_stay_as_they_are(value, text):
    """Visible characters of every script are written unescaped, and invisible ones are escaped."""
    assert dumps(value) == text


def test_without_indent_it_is_one_line_without_spaces():
    """Without an indent JSON text is one line without spaces."""
    assert dumps({"a": [1, "b c"]}, indent=None) == '{"a":[1,"b c"]}'


@pytest.mark.parametrize(
    ("avoid", "text"),
    [
        ("'", '"\\u0027\\"\\\\!\\n"'),
        ('"', '"\'\\u0022\\\\!\\n"'),
        ("\\", '"\'\\"\\u005c!\\n"'),
        ("!", '"\'\\"\\\\\\u0021\\n"'),
        ("'\\!`\"", '"\\u0027\\u0022\\u005c\\u0021\\n"'),
    ],
)
def test_an_avoided_character_is_written_by_its_number(avoid, text):
    r"""An avoided character is written as ``\uXXXX``."""
    assert dumps("'\"\\!\n", avoid=avoid) == text


@given(value=VALUES, indent=st.integers(1, 4))
def test_indented_json_is_written_as_python_writes_it(value, indent):
    """JSON with an indent has the lines and the blanks of Python's own ``json.dumps``."""
    expected = json.dumps(value, indent=indent)
    assert (
        dumps(value, indent=indent, ascii_only=True).encode("utf-8", "surrogatepass")
        == expected.replace("\x7f", "\\u007f").encode()
    )
