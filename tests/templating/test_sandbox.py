"""Expressions over plain values, as in ``{{ … }}``, ``expect`` and ``capture``."""

from __future__ import annotations

import re
import tracemalloc
from time import process_time

import pytest
from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from support.clock import in_time

from kshell.core.json_text import text_of
from kshell.templating.evaluation import evaluate
from kshell.templating.program import compile_template

ANSWER = {
    "status": 202,
    "elapsed_ms": 38.5,
    "body": {"code": "WA202", "data": {"message_id": "A1"}, "items": [1, 2], "keys": None, "__class__": "mine"},
    "ref": "customer-42",
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("status", 202),
        ("status == 202 and body.code == 'WA202'", True),
        ("body.data.message_id", "A1"),
        ("body['data']['message_id']", "A1"),
        ("body.items", [1, 2]),
        ("body.items[1]", 2),
        ("body.items | length", 2),
        ("body.keys", None),
        ("body.__class__", "mine"),
        ("'x' in ref", False),
        ("ref ~ '-' ~ status", "customer-42-202"),
        ("ref | upper", "CUSTOMER-42"),
        ("elapsed_ms < 1000", True),
        ("nothing is defined", False),
        ("nothing | default('d')", "d"),
        ("body.nothing is defined", False),
        ("ref | replace('-', ':')", "customer:42"),
        ("'ab' | replace('', '.')", ".a.b."),
        ("1000000000 * 1000000000", 10**18),
        ("range(1000) | length", 1000),
        ("[ref, {'a': status}]", ["customer-42", {"a": 202}]),
        ("result", "own"),
    ],
)
def test_an_expression_is_of_plain_values(expression, value):
    """An expression may compare, read parts of the answer and filter; a mapping's keys come before its methods."""
    assert evaluate(expression, {**ANSWER, "result": "own"}) == value


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        ("nothing", UndefinedError, "'nothing' is undefined"),
        ("body.nothing", UndefinedError, "'dict object' has no attribute 'nothing'"),
        ("body.data.nothing.more", UndefinedError, "'dict object' has no attribute 'nothing'"),
        ("", TemplateSyntaxError, "Expected an expression"),
        ("status }} and {{ status", TemplateSyntaxError, "write exactly one expression"),
        ("status }}{% for i in range(9) %}{% endfor %}{{ 1", TemplateSyntaxError, "write exactly one expression"),
        ("status status", TemplateSyntaxError, "expected token 'end of print statement', got 'status'"),
        ("ref.upper()", SecurityError, "access to attribute 'upper' of 'str' object is unsafe"),
        ("ref.__class__", SecurityError, "access to attribute '__class__' of 'str' object is unsafe"),
        ("body.get('code')", UndefinedError, "'dict object' has no attribute 'get'"),
        ("ref * 1000000000", SecurityError, "* is for whole numbers only"),
        ("1000000000 * 1000000000 + 1", SecurityError, "a number past 10^18"),
        ("range(1001) | length", SecurityError, "a range of more than 1000"),
        ("status ** 2", SecurityError, "** is not allowed"),
    ],
)
def test_what_an_expression_may_not_is_an_error(expression, error, message):
    """A forbidden or faulty expression raises a Jinja TemplateError with its reason."""
    with pytest.raises(error) as caught:
        evaluate(expression, ANSWER)
    assert message in str(caught.value)
    assert isinstance(caught.value, TemplateError)


@pytest.mark.parametrize(
    ("value", "text"), [("a b", "a b"), (202, "202"), (True, "true"), (None, "null"), (["é"], '["é"]'), (38.5, "38.5")]
)
def test_a_value_as_a_word_is_text_or_json(value, text):
    """``text_of`` returns a text unchanged and any other value as JSON."""
    assert text_of(value) == text


def test_an_expression_sees_lists_of_any_size():
    """An expression reads a list of 100,000 items within a second."""
    begun = process_time()
    assert evaluate("body.items | length", {"body": {"items": list(range(100_000))}}) == 100_000
    assert in_time(process_time() - begun, 1)


@pytest.mark.parametrize("operator", ["-", "*", "/", "//", "%"])
def test_arithmetic_is_of_whole_numbers(operator):
    """Each arithmetic operator except ``+`` refuses fractions and texts."""
    for left, right in (("7.5", "2"), ("7", "2.5"), ("'a'", "2")):
        with pytest.raises(SecurityError, match=rf"^{re.escape(operator)} is for whole numbers only"):
            evaluate(f"{left} {operator} {right}", {})


@pytest.mark.parametrize("sign", ["~", "+"])
def test_text_joined_in_a_list_is_bounded_before_it_is_made(sign):
    """A list of joined or added texts of 100 MB is refused after at most 20 MB of memory."""
    tracemalloc.start()
    with pytest.raises(SecurityError):
        evaluate(f"[{f' {sign} '.join(['text'] * 100)}]", {"text": "x" * 1_000_000})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000


def test_a_template_is_compiled_once():
    """A template is compiled once for each text and file."""
    assert compile_template("{}", "a") is compile_template("{}", "a")
    assert compile_template("{}", "a") is not compile_template("{}", "b")


def test_the_names_a_template_reads_have_their_first_line():
    """A program lists each name that the template reads with its first line, without Jinja's and its own names."""
    program = compile_template(
        "{% set own = b %}\n{{ a }}{{ range(2) }}\n{{ b }}{{ own }}{% for c in a %}{{ loop }}{% endfor %}", "f"
    )
    assert dict(program.names) == {"b": 1, "a": 2}
