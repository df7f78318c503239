"""A literal is written by the rules of its language, laid out as the language's formatter prints it."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.payloads import everything, request_of

from kshell.core.errors import UsageError
from kshell.snippets.catalog import TARGETS
from kshell.snippets.literals import CSHARP, GO, JAVASCRIPT, PHP, POWERSHELL, PYTHON, RUBY, Grammar, literal

GRAMMARS = (JAVASCRIPT, PYTHON, GO, PHP, RUBY, CSHARP, POWERSHELL)
VALUE = {"a": "x", "long_name": 1, "list": [None, True, {"b": []}], "c": {}, "d e": False}

WRITTEN = {
    "JavaScript": """{
  a: "x",
  long_name: 1,
  list: [
    null,
    true,
    {
      b: [],
    },
  ],
  c: {},
  "d e": false,
}""",
    "Python": """{
    "a": "x",
    "long_name": 1,
    "list": [
        None,
        True,
        {
            "b": [],
        },
    ],
    "c": {},
    "d e": False,
}""",
    "Go": """map[string]any{
\t"a":         "x",
\t"long_name": 1,
\t"list": []any{
\t\tnil,
\t\ttrue,
\t\tmap[string]any{
\t\t\t"b": []any{},
\t\t},
\t},
\t"c":   map[string]any{},
\t"d e": false,
}""",
    "PHP": """[
    'a' => 'x',
    'long_name' => 1,
    'list' => [
        null,
        true,
        [
            'b' => [],
        ],
    ],
    'c' => (object) [],
    'd e' => false,
]""",
    "Ruby": """{
  a: 'x',
  long_name: 1,
  list: [
    nil,
    true,
    {
      b: []
    }
  ],
  c: {},
  'd e': false
}""",
    "C#": """new JsonObject
{
    ["a"] = "x",
    ["long_name"] = 1,
    ["list"] = new JsonArray
    {
        null,
        true,
        new JsonObject
        {
            ["b"] = new JsonArray(),
        },
    },
    ["c"] = new JsonObject(),
    ["d e"] = false,
}""",
    "PowerShell": """[ordered]@{
    a = 'x'
    long_name = 1
    list = @(
        $null,
        $true,
        [ordered]@{
            b = @()
        }
    )
    c = @{}
    'd e' = $false
}""",
}


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.language)
def test_a_literal_is_nested_as_the_language_s_formatter_prints_it(grammar: Grammar) -> None:
    """Maps, lists, texts, numbers, booleans, null and what is empty are written in the form of the language."""
    assert literal(VALUE, grammar) == WRITTEN[grammar.language]


@settings(max_examples=50)
@given(st.text())
def test_a_literal_holds_nothing_that_controls_a_terminal(text: str) -> None:
    """Every language writes a text on one line, in printable characters."""
    assert all(literal(text, grammar).isprintable() for grammar in GRAMMARS)


TEXTS = {
    "JavaScript": (r"""'"\\\n\u{0}${x}😀</script>'""", '"\\\n\0${x}😀</script>'),
    "Python": (r"""'"{x}\u0000\U0010ffff'""", '"{x}\0\U0010ffff'),
    "Go": (r'"`\\\u0000\U0010ffff"', "`\\\0\U0010ffff"),
    "C#": (r'"{x}\"\u001b\U0010ffff"', '{x}"\x1b\U0010ffff'),
    "PHP": (r'"it\'s \$x {\$y} \u{200e}"'.replace(r"\'", "'"), "it's $x {$y} \u200e"),
    "Ruby": (r'"it' + "'" + r's \#{x} \#$y \u{7f}"', "it's #{x} #$y \x7f"),
    "PowerShell": (
        '"`$x ``n `" $([char]0xe9)$([char]0x2019)$([char]::ConvertFromUtf32(0x1f600))`n"',
        '$x `n " é\u2019😀\n',
    ),
}


@pytest.mark.parametrize(("language", "written", "text"), [(name, *pair) for name, pair in TEXTS.items()])
def test_a_text_is_quoted_by_the_rules_of_the_language(language: str, written: str, text: str) -> None:
    """Quotes, backslashes, expansions and unprintable characters are escaped as the language reads them."""
    (grammar,) = [grammar for grammar in GRAMMARS if grammar.language == language]
    assert literal(text, grammar) == written


@pytest.mark.parametrize("text", ["$x", '"', "J$FpnYnP", "#{x}"])
def test_single_quotes_need_no_escape(text: str) -> None:
    """PHP, Ruby and PowerShell write a text in single quotes if nothing in it needs an escape."""
    assert {literal(text, grammar) for grammar in (PHP, RUBY, POWERSHELL)} == {f"'{text}'"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=50)
@given(_JSON)
def test_python_reads_its_literal_as_the_value(value: Any) -> None:
    """Python reads the literal of any JSON value as that value."""
    assert ast.literal_eval(literal(value, PYTHON)) == value


def test_a_name_that_javascript_gives_a_meaning_is_a_name() -> None:
    """``__proto__`` is written in brackets, so it is a name and does not set the prototype."""
    assert literal({"__proto__": 1}, JAVASCRIPT) == '{\n  ["__proto__"]: 1,\n}'


def test_a_map_whose_names_count_from_0_is_an_object_in_php() -> None:
    """PHP would write ``{"0": 1}`` as a list; a cast makes it an object."""
    assert literal({"0": 1, "1": 2}, PHP).startswith("(object) [")
    assert literal({"1": 1, "0": 2}, PHP).startswith("[")


def test_powershell_does_not_unroll_the_only_list_of_a_list() -> None:
    """The only list of a list has a comma before it, which keeps PowerShell from unrolling it."""
    assert literal([[1]], POWERSHELL) == "@(\n    , @(\n        1\n    )\n)"
    assert "," not in literal([[1], [2]], POWERSHELL).replace("),\n", "")


PROGRAMS = ("javascript", "axios", "k6", "python", "python-requests", "go", "php", "ruby", "csharp", "powershell")


@pytest.mark.parametrize("name", [*PROGRAMS, "hurl"])
def test_half_of_a_surrogate_pair_is_refused(name: str) -> None:
    """Half of a surrogate pair, which a JSON body can hold and most languages cannot, is refused with another target."""
    with pytest.raises(UsageError, match=r"half of a surrogate pair, which .* cannot send") as caught:
        TARGETS[name].write(request_of("https://host", everything()), None)
    assert "kshell snippet curl" in caught.value.hint


@pytest.mark.parametrize(
    ("names", "number"),
    [(("javascript", "axios", "k6"), 2**53), (("go", "php", "csharp", "powershell"), -(2**63))],
)
def test_a_number_that_a_language_would_change_is_refused(names: tuple[str, ...], number: int) -> None:
    """An integer beyond what the language keeps exactly is refused; the next smaller one is written."""
    for name in names:
        with pytest.raises(UsageError, match=f"cannot send the number {number} exactly"):
            TARGETS[name].write(request_of("https://host", {"n": number}), None)
        smaller = number - 1 if number > 0 else number + 1
        assert str(smaller) in TARGETS[name].write(request_of("https://host", {"n": smaller}), None)


def test_names_that_differ_only_in_case_are_refused_by_powershell() -> None:
    """PowerShell would take ``a`` and ``A`` for one name, so it is refused."""
    with pytest.raises(UsageError, match="two names that differ only in their case"):
        TARGETS["powershell"].write(request_of("https://host", {"a": 1, "A": 2}), None)
