"""YAML: a value is the text that was typed, and a refused construct is an error with line and column."""

from __future__ import annotations

from contextlib import suppress
from time import process_time

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.clock import in_time

from kshell.core.errors import Place, ProfileError
from kshell.core.terminal import note_lines
from kshell.profiles import strict_yaml
from kshell.profiles.strict_yaml import DEEPEST, Document, Node, Table


def read(text: str) -> Document:
    """Return the document of ``text``, named a.yaml."""
    return Document("a.yaml", text, ProfileError)


def value_of(text: str) -> object:
    """Return the value of the key v."""
    entries = read(text).root.value
    assert isinstance(entries, dict)
    return entries["v"][1].value


def fault_of(text: str) -> ProfileError:
    """Return the error that reading ``text`` raises."""
    with pytest.raises(ProfileError) as caught:
        read(text)
    return caught.value


AS_TYPED = [
    "012345", "+919812345678", "no", "yes", "on", "off", "y", "true", "null", "~", "12:34", "1e3", "0x1F", "0o17",
    "1_000", "3.0", ".inf", ".nan", "2024-01-31", "2024-01-31T10:00:00Z", "-0", "<<", "=", "NO", "0b101",
]  # fmt: skip


@pytest.mark.skipif(strict_yaml._FASTEST is yaml.SafeLoader, reason="PyYAML without libyaml takes no tab")
def test_a_tab_may_separate():
    """A tab after a colon or at a line's end is read as a blank, and a tab in quotes stays a tab."""
    assert [value_of(text) for text in ("v:\t1\n", "v: 1\t\n", "v: 1\t# c\n", "v: '1\t'\n")] == ["1", "1", "1", "1\t"]


@pytest.mark.parametrize("text", AS_TYPED)
def test_a_scalar_is_the_text_that_was_typed(text):
    """A scalar that YAML reads as a number, boolean, date or null stays the typed text."""
    assert value_of(f"v: {text}\n") == text


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(text=ANY_TEXT)
@example("\r\x85\u2028\u2029\ufeff")
@example("\ud800\udc00")
@example("\x00\x1b\x7f")
def test_load_of_dump_is_the_text(text):
    """Any text that another program writes in double quotes is read as that text."""
    assert value_of(yaml.safe_dump({"v": text}, default_style='"', allow_unicode=True)) == text


@pytest.mark.parametrize("style", [None, "'", "|"])
@given(text=st.text(st.characters(exclude_characters="\r\x85\u2028\u2029", exclude_categories=())))
@example("012345")
@example(" leading and trailing \n\n")
def test_load_of_dump_is_the_text_in_every_style(style, text):
    """A plain, single-quoted or block scalar is read as its text, unless YAML itself changes its line breaks."""
    assert value_of(yaml.safe_dump({"v": text}, default_style=style, allow_unicode=True)) == text


@settings(max_examples=100)
@given(text=st.text("ab:-?{}[],&*!|>'\"%#@\\~\0\t\r\n "))
def test_a_fault_is_always_at_a_place_of_the_file(text):
    """Any text is a document, or one error with a line and a column inside the file."""
    place = None
    try:
        read(text)
    except ProfileError as error:
        place = error.at or Place("", 0, 0)
    lines = text.split("\n")
    assert place is None or (1 <= place.line <= len(lines) and 1 <= place.column <= len(lines[place.line - 1]) + 1)


def bare(node: Node) -> object:
    """Return a node without the place of empty values, for which the two parsers report different places."""
    if isinstance(node.value, dict):
        return [(bare(key), bare(value)) for key, value in node.value.values()]
    if isinstance(node.value, list):
        return [bare(item) for item in node.value]
    return node if node.value else ""


@given(text=st.text("ab:-?{}[],|>'\"%#@\\~\r\n ") | st.lists(st.sampled_from(
    ["a", "b", ": ", ":", "\n", "\n  ", "\n- ", "- ", "? ", "[", "]", "{", "}", ", ", "'", '"', "|\n", ">-\n ", "#", " #"]
)).map("".join))  # fmt: skip
@example("a: 'b\n\n  c'")
@example("a: |2\n   b\n\n")
def test_both_parsers_read_the_same(text):
    """Both YAML parsers, libyaml and the Python one, read the same values at the same places."""
    both: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        for parser in (strict_yaml._FASTEST, yaml.SafeLoader):
            patch.setattr(strict_yaml, "_FASTEST", parser)
            with suppress(ProfileError):  # libyaml is the more lenient one
                both.append(bare(read(text).root))
    assert both[:1] * len(both) == both


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("v: |\n  a\n  b\n", "a\nb\n"),
        ("v: >-\n  a\n  b\n", "a b"),
        ('v: "a\\tb\\u00e9"\n', "a\tbé"),
        ("v: 'it''s'\n", "it's"),
        ("v:\n", ""),
        ("v: # nothing\n", ""),
        ("{v: 007}", "007"),
        ("---\nv: a\n...\n", "a"),
        ("%YAML 1.1\n---\nv: a\n", "a"),
        ("v: a\r\nw: b\r\n", "a"),
        ("v: a", "a"),
    ],
)
def test_every_way_to_write_a_scalar_is_understood(text, value):
    """A scalar is read in every YAML style: block, folded, quoted, empty, flow, with document marks or CRLF."""
    assert value_of(text) == value


def test_a_list_s_items_are_text_too():
    """The scalars in a list are the typed texts."""
    items = value_of("v: [01, no, {a: 1e3}]")
    assert isinstance(items, list)
    assert [item.value for item in items[:2]] == ["01", "no"]


def test_an_empty_text_is_an_empty_scalar():
    """An empty file, or one with only a comment, is an empty text at line 1."""
    assert read("").root == read("# a comment\n").root == Node("", 1, 1)


REFUSED = {
    "a tab that indents": ("v:\n\tw: 1\n", 2, 1, "a tab where YAML wants spaces", "indent with spaces"),
    "a duplicate key": ("v: 1\nw: 2\nv: 3\n", 3, 1, "'v' is set twice", "the first is on line 1"),
    "a duplicate key in a flow": ("{v: 1, v: 2}", 1, 8, "'v' is set twice", "keep one"),
    "an alias": ("v: *a\n", 1, 4, "an alias (*)", "write the value out"),
    "an anchor": ("v: &a 1\n", 1, 4, "an anchor (&)", "remove it"),
    "an anchor on a mapping": ("v: &a\n  w: 1\n", 1, 4, "an anchor (&)", "remove it"),
    "a tag": ("v: !!python/object:os.system 1\n", 1, 4, "a tag (!)", "every value is text"),
    "a tag on a list": ("v: !a [1]\n", 1, 4, "a tag (!)", "every value is text"),
    "a tag of no handle": ("v: !a!b c\n", 1, 4, "not YAML: found undefined tag handle", "quote a value"),
    "two documents": ("v: 1\n---\nv: 2\n", 2, 1, "a second document", "remove the line ---"),
    "NUL": ("v: 1\nw: a\0b\n", 2, 5, "a character that YAML does not allow: U+0000", "remove it"),
    "a control character": ("v: \x1b[2J\n", 1, 4, "a character that YAML does not allow: U+001B", "remove it"),
    "a lone surrogate": ("v: \ud800\n", 1, 4, "a character that YAML does not allow: U+D800", "remove it"),
    "an old Mac's line break": ("v: a\rw: b", 1, 5, "a line break that editors do not agree on: U+000D", "remove it"),
    "a line separator": ("v: 1\nw: 'a\u2028b'\n", 2, 6, "a line break that editors do not agree on: U+2028", "remove"),
    "a next line": ("v: 'a\x85b'\n", 1, 6, "a line break that editors do not agree on: U+0085", "remove it"),
    "an open quote": ("v: 1\nw: 'a\n", 3, 1, "not YAML: found unexpected end of stream", "close the quote"),
    "a key that is indented": ("v: 1\n w: 2\n", 2, 3, "not YAML: mapping values are not", "in the same column as line 1"),
    "a first key that is indented": (" v: 1\nw: 2\n", 2, 1, "not YAML: expected '<document start>'", "; line 1 begins in"),
    "a key between two columns": ("v:\n  w: 1\n x: 2\n", 3, 2, "not YAML: expected <block end>", "; line 2 begins in"),
    "no blank after a colon": ("v:1\n# c\nw: 2\n", 3, 1, "not YAML: expected '<document start>'", "KEY: VALUE in line 1,"),
    "no blank after the last colon": ("v: 1\nw:2\n", 3, 1, "not YAML: could not find expected ':'", "KEY: VALUE in line 2"),
    "no colon": ("v 1\nw: 2\n", 2, 2, "not YAML: mapping values", "write KEY: VALUE in line 1"),
    "an open bracket": ("v: [1\n", 2, 1, "not YAML: expected ',' or ']'", "quote a value"),
    "an unknown escape": ('v: "\\q"\n', 1, 6, "not YAML: found unknown escape character 'q'", "quote a value"),
    "a colon too many": ("v: a: b\n", 1, 5, "not YAML: mapping values are not allowed here", "quote a value"),
    "a percent sign": ("v: %a\n", 1, 4, "not YAML: found character '%' that cannot start any token", "quote a value"),
    "a list as a key": ("? [a]\n: 1\n", 1, 3, "a key that is a list", "a key is a word"),
    "a mapping as a key": ("{a: 1}: 1\n", 1, 1, "a key that is a mapping", "a key is a word"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_where_it_stands(case):
    """A refused construct is an error with file, line, column, the fault and a hint."""
    text, line, column, message, hint = REFUSED[case]
    error = fault_of(text)
    assert str(error.at) == f"a.yaml:{line}:{column}"
    assert error.message.startswith(message)
    assert hint in error.hint


def test_the_line_of_an_error_is_shown_with_a_caret_below_its_column():
    """An error shows its place, the line, a caret under the column, and a hint."""
    assert note_lines(fault_of("v: 1\nw: *a\n").note) == [
        "error: a.yaml:2:4: an alias (*)",
        "  w: *a",
        "     ^",
        "hint: write the value out; quote a value that begins with *",
    ]


def test_nesting_has_an_end():
    """Eight levels of nesting are read, and a ninth is refused at its bracket."""
    inside = DEEPEST - 1
    assert value_of(f"v: {'[' * inside}{']' * inside}") is not None
    error = fault_of(f"v: {'[' * DEEPEST}{']' * DEEPEST}")
    assert error.message == "nested deeper than 8 levels"
    assert str(error.at) == "a.yaml:1:11"


LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))

BOMBS = {
    "billion laughs": LAUGHS,
    "a list that holds itself": "v: &v [*v]\n",
    "merged mappings": "a: &a {x: 1}\nv: {<<: [*a, *a]}\n",
    "3,000 brackets": "v: " + "[" * 3000,
    "3,000 braces": "v: " + "{a: " * 3000,
    "3,000 dashes": "- " * 3000 + "a",
    "3,000 question marks": "? " * 3000 + "a",
    "3,000 indented mappings": "".join(f"{' ' * n}a:\n" for n in range(3000)),
    "100,000 brackets, closed": "v: " + "[" * 100_000 + "]" * 100_000,
    "a tag that runs code": "v: !!python/object/apply:os.system [echo]\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_once(bomb):
    """A file that would fill memory, overflow the stack or run code is refused within a second, with its place."""
    begun = process_time()
    error = fault_of(BOMBS[bomb])
    assert in_time(process_time() - begun, 1)
    assert error.at is not None


@pytest.mark.parametrize("line", ["key" * 50_000, "://" * 50_000, "_" * 150_000, "key: " * 30_000, " " * 150_000 + "x"])
def test_a_long_line_s_error_is_shown_at_once(line):
    """The error for a very long line is made within a second and shows at most 200 characters."""
    begun = process_time()
    error = fault_of(f"'{line}\n")
    assert in_time(process_time() - begun, 1)
    assert max(map(len, note_lines(error.note))) < 200


# ---- behind what comes before


def test_an_error_in_a_part_of_a_file_is_at_its_place_in_the_whole():
    """An error in a part of a file has its line and column in the whole file."""
    for text, place in (("v: *a", "1:6"), ("v: 1\nw: *a", "2:4"), ("v: a\0", "1:7")):
        with pytest.raises(ProfileError) as caught:
            Document("a.yaml", text, ProfileError, before="{#")
        assert str(caught.value.at) == f"a.yaml:{place}"
    assert note_lines(caught.value.note)[1].startswith("  {#v: a")


# ---- tables


def table(text: str, *known: str) -> Table:
    """Return a table of ``text``, called "a thing"."""
    document = read(text)
    return Table(document, document.root, "a thing", known or ("name", "flag", "size"))


def test_a_table_gives_its_values_as_text():
    """A table gives a key's text, or a default for an absent key; ``get`` gives None."""
    things = table("name: 01\n")
    assert things.text("name") == "01"
    assert things.text("size", "7") == "7"
    assert things.get("size") is None


@pytest.mark.parametrize(("text", "flag"), [("flag: true", True), ("flag: false", False), ("name: a", True)])
def test_a_flag_is_true_or_false(text, flag):
    """A flag is true or false, and the default if the key is absent."""
    assert table(text).flag("flag", default=True) is flag


NO_TABLE = {
    "nothing": ("", "a.yaml:1:1: a thing is empty", "its keys are name, flag, size"),
    "a text": ("abc", "a.yaml:1:1: a thing is a mapping, not text", "write KEY: VALUE"),
    "a list": ("- abc", "a.yaml:1:1: a thing is a mapping, not a list", "keys: name, flag, size"),
    "an unknown key": ("name: a\nsiez: 1", "a.yaml:2:1: a thing has no 'siez'", "did you mean size?"),
    "a key like no other": ("zzz: 1", "a.yaml:1:1: a thing has no 'zzz'", "keys: name, flag, size"),
}


@pytest.mark.parametrize("case", NO_TABLE)
def test_what_is_no_table_is_refused(case):
    """A table that is not a mapping with known keys is refused, and the hint names the keys."""
    text, message, hint = NO_TABLE[case]
    with pytest.raises(ProfileError) as caught:
        table(text)
    first, *_, last = note_lines(caught.value.note)
    assert first == f"error: {message}"
    assert hint in last


def test_a_value_of_the_wrong_shape_is_refused_where_it_stands():
    """A value of the wrong type and a missing key are errors with their places."""
    things = table("name: [a]\nflag: yes\n")
    for ask, message in (
        (lambda: things.text("name"), "a.yaml:1:7: 'name' is text, not a list"),
        (lambda: things.flag("flag", default=False), "a.yaml:2:7: 'flag' is true or false, not 'yes'"),
        (lambda: things.text("size"), "a.yaml:1:1: a thing needs 'size'"),
        (lambda: things.fail("size", "too small", "write size: 3"), "a.yaml:1:1: too small"),
    ):
        with pytest.raises(ProfileError) as caught:
            ask()
        assert note_lines(caught.value.note)[0] == f"error: {message}"
        assert caught.value.hint
