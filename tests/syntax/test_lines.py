"""A line of the shell or of a script: how it is split, expanded and quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import seconds_of

from kshell.core.errors import ScriptError
from kshell.syntax.lines import Continuation, Line, quote, split

NAMES = {"id": "A1", "spaced": "a b", "tricky": "{{ id }}", "body": {"items": [1], "data": {"message_id": "A9"}}}


def words(line: str) -> list[str]:
    """Return the expanded words of a line."""
    return [Line("line", 1, (line,)).expanded(word, NAMES) for word in split(line)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("set to=+91 ref=x", ["set", "to=+91", "ref=x"]),
        ("  set   a=b  ", ["set", "a=b"]),
        ("set a='b c'", ["set", "a=b c"]),
        ('set a="b \\" c"', ["set", 'a=b " c']),
        ("set a=b\\ c", ["set", "a=b c"]),
        ("set a=b # a comment", ["set", "a=b"]),
        ("set a=b#c", ["set", "a=b#c"]),
        ("# only a comment", []),
        ("", []),
        ("set a=''", ["set", "a="]),
        ('set a=""', ["set", "a="]),
    ],
)
def test_a_line_is_split_as_shells_do(line, expected):
    """A line is split at blanks; quotes and backslashes join, and ``#`` at the start of a word begins a comment."""
    assert words(line) == expected


def test_a_line_has_at_most_ten_thousand_words():
    """The word after them is where the fault is shown."""
    assert len(split("a " * 10_000)) == 10_000
    with pytest.raises(ScriptError, match="more than 10000 words in a line") as raised:
        split("a " * 10_001)
    assert raised.value.at.column == 20_001


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("set a={{ id }}", ["set", "a=A1"]),
        ("set a={{ body.data.message_id }}-x", ["set", "a=A9-x"]),
        ('set a="it is {{ id }}"', ["set", "a=it is A1"]),
        ("set a={{ body['items'] }}", ["set", "a=[1]"]),
        ("set a={{ body.items }}", ["set", "a=[1]"]),
        ("set a={{ '}}' }}", ["set", "a=}}"]),
        ("set a='{{ id }}'", ["set", "a={{ id }}"]),
    ],
)
def test_an_expression_is_expanded_where_it_stands(line, expected):
    """``{{ … }}`` is expanded in a bare or double-quoted word, and is plain text in single quotes."""
    assert words(line) == expected


def test_what_an_expression_gives_adds_no_word():
    """A value with a blank stays one word."""
    assert words("set a={{ spaced }}") == ["set", "a=a b"]


def test_what_an_expression_gives_is_not_expanded_again():
    """A value that looks like an expression is not expanded again."""
    assert words("set a={{ tricky }}") == ["set", "a={{ id }}"]


@pytest.mark.parametrize(
    ("line", "column"),
    [("set a='b", 7), ('set a="b', 7), ("set a={{ id", 7), ("set a=b\\", 8)],
)
def test_what_is_not_closed_is_shown_where_it_begins(line, column):
    """An open quote, an open expression and a last backslash are errors at their own column."""
    with pytest.raises(ScriptError) as caught:
        Line("s.kshell", 3, (line,)).words()
    assert str(caught.value.at) == f"s.kshell:3:{column}"


def test_an_unknown_name_is_an_error_at_its_column():
    """An undefined name in an expression is an error at its column."""
    line = Line("s.kshell", 2, ("set a={{ nope }}",))
    with pytest.raises(ScriptError, match="'nope' is undefined") as caught:
        line.expanded(line.words()[1], NAMES)
    assert str(caught.value.at) == "s.kshell:2:10"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_what_is_quoted_comes_back(text):
    """``quote`` writes any text as one word that ``split`` and ``Line.expanded`` read back unchanged."""
    assert words("k=" + quote(text)) == ["k=" + text]


@pytest.mark.parametrize("text", ["set ref={{ " + '""' * 500 + '"', "set ref={{" + '"a":"","b":\'\',' * 500])
def test_quotes_that_are_not_closed_are_told_at_once(text):
    """A line with many unclosed quotes is refused at once, without exponential time."""
    with pytest.raises(ScriptError, match="not closed"):
        split(text)


def test_escaped_quotes_in_a_string_that_is_not_closed_are_read_in_linear_time():
    """An unclosed string with 60,000 characters of escaped quotes is refused within 2 s."""

    def refused():
        with pytest.raises(ScriptError, match="not closed"):
            split('set ref={{ "' + '\\"' * 30_000)

    assert seconds_of(refused, 2) < 2


@given(
    st.lists(st.lists(st.sampled_from(["'", '"', "\\", "{{", "}}", "{", "}", "#", " ", "a"]), max_size=5), max_size=4)
)
def test_a_line_in_parts_is_in_a_comment_where_the_whole_is(pieces):
    """A comment takes no word, so a line ends in one exactly when a word behind it changes nothing."""
    parts = ["".join(piece) for piece in pieces]
    read = Continuation()
    for part in parts:
        read.add(part)
    text = "".join(parts)
    if "{{" not in text or not {"'", '"'} & set(text):  # an open quote in an expression waits for its end
        assert read.comment == _ends_in_comment(text)


def _ends_in_comment(text: str) -> bool:
    try:
        return split(text) == split(f"{text} x")
    except ScriptError:
        return False
