"""Templates: described by their header, rendered to a payload, sandboxed and bounded, with errors at their own lines."""

from __future__ import annotations

import json
import sys
from time import process_time

import pytest
from support.clock import in_time

from kshell.core.errors import TemplateError
from kshell.core.models import Variable
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places
from kshell.templating.templates import describe, load_template, render, unknown_variable_hint

VALUES = {"to": "+919812345678", "otp": "123456", "template_name": "auth1", "language": "en_US", "index": "0"}


@pytest.fixture
def template(write):
    """Return a function that loads a template from a text."""

    def loaded(text: str):
        write("templates/mine.json.j2", text)
        return load_template(Places.standard(), "mine")

    return loaded


@pytest.fixture
def rendered(template):
    """Return a function that renders a template with values: ``rendered("…", otp="1")``."""

    def payload(text: str, **values: str):
        return render(template(text), values)

    return payload


@pytest.fixture
def fault(rendered):
    """Return a function that returns the error of a template with values."""

    def caught(text: str, **values: str) -> TemplateError:
        with pytest.raises(TemplateError) as error:
            rendered(text, **values)
        return error.value

    return caught


def auth():
    """Return the shipped template."""
    return load_template(Places.standard(), "auth")


# ---- the header


def test_the_header_says_title_and_variables(template):
    """A header gives the title, and each variable's help, default, required and type in its order."""
    mine = template(
        "{#\ntitle: Mine\nvariables:\n  otp: {help: the code}\n  index: {default: 0, type: integer}\n"
        "  ref: {required: false}\n  to:\n  note: {default: ''}\n  also: {default: a, required: true}\n#}\n{}"
    )
    assert (mine.name, mine.title, mine.origin.place) == ("mine", "Mine", "here")
    assert mine.variables == (
        Variable("otp", help="the code"),
        Variable("index", default="0", required=False, kind="integer"),
        Variable("ref", required=False),
        Variable("to"),
        Variable("note", default="", required=False),
        Variable("also", default="a", required=True),
    )


@pytest.mark.parametrize(
    "text",
    ["{#\ntitle: A\n#}\n{}", "\n\n  {#- title: A -#}{}", "{#\r\ntitle: A\r\n#}\r\n{}", "{# title: A #}{# more #}{}"],
)  # fmt: skip
def test_a_header_is_the_leading_comment(template, text):
    """The header is the first comment, also after blank lines, with whitespace control or with CRLF."""
    assert template(text).title == "A"


def test_a_header_may_begin_beside_its_mark(template):
    """The first key may stand on the line of ``{#``, and the others at the beginning of the lines below."""
    mine = template("{# title: A\nvariables: {to: {}}\n#}\n{}")
    assert (mine.title, [variable.name for variable in mine.variables]) == ("A", ["to"])


def test_the_default_of_a_variable_is_text_as_typed(template):
    """The default of a variable is the typed text, also for 012345 and no."""
    mine = template("{#\nvariables:\n  a: {default: 012345}\n  b: {default: no}\n#}\n{}")
    assert [variable.default for variable in mine.variables] == ["012345", "no"]


def test_a_template_without_a_header_takes_the_names_it_reads(template):
    """Without a header each name that the template reads is a required text variable."""
    mine = template(
        '{% set own = otp %}{"a": "{{ own }}{{ to }}", "b": [{% for i in range(2) %}{{ loop.index }}{% endfor %}]}'
    )
    assert (mine.title, mine.variables) == ("", (Variable("otp"), Variable("to")))


def test_a_header_without_variables_takes_the_names_too(template):
    """With only a title in the header each name that the template reads is a variable."""
    assert template('{# title: A #}{"a": "{{ otp }}"}').variables == (Variable("otp"),)


def test_a_bom_and_crlf_are_understood(write):
    """A template with a byte order mark and CRLF gives the same payload."""
    write("templates/mine.json.j2", '\ufeff{#\r\ntitle: A\r\n#}\r\n{\r\n"a": "{{ otp }}"\r\n}\r\n'.encode())
    mine = load_template(Places.standard(), "mine")
    assert (mine.title, render(mine, {"otp": "1"})) == ("A", {"a": "1"})


HEADERS = {
    "a misspelt key": ("{#\ntitel: A\n#}\n{}", "2:1: a template's header has no 'titel'", "did you mean title?"),
    "a misspelt key beside the mark": ("{# titel: A #}{}", "1:4: a template's header has no 'titel'", "mean title?"),
    "a misspelt property": (
        "{#\nvariables:\n  a: {hlep: x}\n#}\n{}",
        "3:7: the variable a has no 'hlep'",
        "mean help?",
    ),
    "words": ("{# what this is #}\n{}", "1:4: a template's header is a mapping, not text", "keys: title, variables"),
    "nothing": ("{##}{}", "1:1: a template's header is empty", "its keys are title, variables"),
    "a list of variables": ("{#\nvariables: [a]\n#}\n{}", "2:12: 'variables' is a mapping, not a list", "{help: …"),
    "a variable that is a text": (
        "{#\nvariables: {a: b}\n#}\n{}",
        "2:16: the variable a is a mapping, not text",
        "keys:",
    ),
    "a bad name": ("{#\nvariables:\n  a-b: {}\n#}\n{}", "3:3: 'a-b' cannot name a variable", "letters, digits and _"),
    "an unknown type": (
        "{#\nvariables: {a: {type: int}}\n#}\n{}",
        "2:23: a type is text or integer, not 'int'",
        "write type: integer",
    ),
    "required: yes": (
        "{#\nvariables: {a: {required: yes}}\n#}\n{}",
        "2:27: 'required' is true or false, not 'yes'",
        "write required: true",
    ),
    "a duplicate variable": ("{#\nvariables:\n  a: {}\n  a: {}\n#}\n{}", "4:3: 'a' is set twice", "on line 3"),
    "an alias": ("{#\nvariables: *a\n#}\n{}", "2:12: an alias (*)", "write the value out"),
    "a tab": ("\n{#\nvariables:\n\ta:\n#}\n{}", "4:1: a tab where YAML wants spaces", "indent with spaces"),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_faulty_header_is_an_error_at_its_place(fault, case):
    """The error for a faulty header has the line and column in the template's file."""
    text, message, hint = HEADERS[case]
    error = fault(text)
    assert f"{error.at}: {error.message}" == f"templates/mine.json.j2:{message}"
    assert hint in error.hint


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        (Variable("a"), "required"),
        (Variable("a", required=False), "optional"),
        (Variable("a", default="0"), "default 0"),
        (Variable("a", help="what it is"), "what it is (required)"),
        (Variable("otp", help="the code"), "the code (generated when not set)"),
        (Variable("otp", default="1"), "default 1"),
    ],
)
def test_a_variable_is_described(variable, text):
    """A variable's description has its help, and whether it is required, optional, generated or has a default."""
    assert describe(variable) == text


# ---- variables


def test_every_missing_variable_is_named():
    """``missing`` returns every required variable without a value, in the header's order."""
    assert [variable.name for variable in auth().missing({"otp": "1"})] == ["to", "template_name", "language"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("wa_sorce", "did you mean wa_source?"),
        ("zzz", "variables of auth: to, otp, template_name, language, index, ref"),
    ],
)
def test_an_unknown_variable_has_a_hint(name, hint):
    """The hint for an unknown variable is the nearest name or all names."""
    assert unknown_variable_hint(auth(), name).startswith(hint)


def test_an_undeclared_name_is_an_error_at_its_line(fault):
    """An undeclared name is an error at the place where the template first reads it."""
    text = '{#\nvariables: {otp: {help: otpp}, to: }\n#}\n{\n"otpp": "otpp",\n"a": "{{ otpp }}",\n"b": "{{ aa }}"\n}'
    error = fault(text, otp="1", to="2")
    assert f"{error.at}: {error.message}" == "templates/mine.json.j2:6:10: 'otpp' is not declared"
    assert note_lines(error.note)[1:3] == ['  "a": "{{ otpp }}",', "           ^"]
    assert error.hint == "did you mean otp?"


def test_an_undeclared_name_like_no_other_is_to_be_declared(fault):
    """The hint for an undeclared name without a similar one says where to declare it."""
    error = fault('{# variables: {otp: } #}\n{"a": "{{ colour }}"}', otp="1")
    assert error.hint == "add it to the header's variables: colour:"


def test_an_undeclared_name_is_found_also_where_it_is_not_reached(fault):
    """An undeclared name in a branch that is not taken is an error."""
    assert (
        "'b' is not declared" in fault('{# variables: {a: } #}\n{% if a == "x" %}{{ b }}{% endif %}{}', a="1").message
    )


# ---- the payload


def test_the_shipped_template_makes_the_page_s_message():
    """The shipped template renders the page's message, with an integer index and no empty ``extra_info``."""
    assert render(auth(), VALUES) == {
        "messaging_object": {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+919812345678",
            "type": "template",
            "template": {
                "name": "auth1",
                "language": {"code": "en_US"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                    {
                        "type": "button",
                        "sub_type": "url",
                        "index": 0,
                        "parameters": [{"type": "text", "text": "123456"}],
                    },
                ],
            },
        }
    }


@pytest.mark.parametrize("name", ["ref", "ref1", "ref2", "wa_source"])
def test_an_unset_optional_field_is_left_out(name):
    """An optional field that is not set is left out; one that is set to an empty text is kept."""
    assert render(auth(), {**VALUES, name: "x"})["extra_info"] == {name: "x"}
    assert render(auth(), {**VALUES, name: ""})["extra_info"] == {name: ""}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("9", 9), ("-1", -1), ("123456789012345678", 123456789012345678)]
    + [(text, text) for text in ("", "abc", "1.0", "00", "-0", "+1", " 1", "1 ", "٣", "1_0", "0x1", "1" * 5000)],
)
def test_an_index_is_an_integer_where_it_is_one(text, value):
    """A decimal index becomes an integer, and any other text stays a text."""
    button = render(auth(), {**VALUES, "index": text})["messaging_object"]["template"]["components"][1]
    assert button["index"] == value
    assert type(button["index"]) is type(value)


def test_an_index_of_letters_is_a_finding(cli):
    """``check`` finds an index of letters as a field of the wrong type."""
    ran = cli("check", "to=+919812345678", "otp=1", "index=abc", "--json")
    assert ran.code == 1
    pointer = "/messaging_object/template/components/1/index"
    assert [(finding["code"], finding["pointer"]) for finding in ran.json] == [("field-type", pointer)]


BODIES = {
    "in a string": ('{"a": "{{ v }}"}', {"a": "x"}),
    "in a string, with text": ('{"a": "<{{ v }}-{{ v }}>"}', {"a": "<x-x>"}),
    "without quotes": ('{"a": {{ v }}}', {"a": "x"}),
    "with tojson": ('{"a": {{ v | tojson }}}', {"a": "x"}),
    "with tojson in a string": ('{"a": "{{ v | tojson }}"}', {"a": "x"}),
    "in an array": ('{"a": [{{ v }}, "{{ v }}", 1]}', {"a": ["x", "x", 1]}),
    "as a name": ('{"{{ v }}": 1}', {"x": 1}),
    "a filter": ('{"a": "{{ v | upper }}"}', {"a": "X"}),
    "a default": ('{"a": "{{ u | default("d") }}"}', {"a": "d"}),
    "a default that is not wanted": ('{"a": "{{ v | d("d") }}"}', {"a": "x"}),
    "joined": ('{"a": "{{ v ~ "-" ~ 1 }}", "b": {{ [v, "y"] | join(", ") }}}', {"a": "x-1", "b": "x, y"}),
    "replaced": ('{"a": "{{ v | replace("x", "y\\"") }}", "b": "{{ "ab" | replace("", "-") }}"}', {"a": 'y"', "b": "-a-b-"}),
    "truncated": ('{"a": "{{ "abcdefgh" | truncate(5, true, "…", 0) }}"}', {"a": "abcd…"}),
    "a number": ('{"a": {{ 1 + 2 * 3 - 4 // 2 }}, "b": {{ 7 % 4 }}, "c": {{ 1 / 2 }}, "d": {{ "1" | int }}}',
                 {"a": 5, "b": 3, "c": 0.5, "d": 1}),
    "a list": ('{"a": {{ [v, 1, none, true] }}, "b": {{ {"k": [v]} }}}', {"a": ["x", 1, None, True], "b": {"k": ["x"]}}),
    "a list in a string": ('{"a": "{{ [v] }}"}', {"a": '["x"]'}),
    "added": ('{"a": {{ [v] + [1] }}, "b": {{ v + "y" }}}', {"a": ["x", 1], "b": "xy"}),
    "a tuple": ('{ {% for k, w in [(v, 1)] %}"{{ k }}": {{ w }}{% endfor %} }', {"x": 1}),
    "a slice": ('{"a": "{{ "abcdef"[1:3] }}", "b": "{{ "abc"[-1] }}"}', {"a": "bc", "b": "c"}),
    "a loop": ('{"a": [{% for i in range(3) %}"{{ v }}{{ i }}"{% if not loop.last %},{% endif %}{% endfor %}]}',
                           {"a": ["x0", "x1", "x2"]}),
    "a loop over nothing": ('{"a": [{% for i in [] %}1{% else %}2{% endfor %}]}', {"a": [2]}),
    "a branch": ('{"a": {% if v == "x" %}1{% else %}2{% endif %}, "b": {% if u %}1{% else %}2{% endif %}}', {"a": 1, "b": 2}),
    "an expression's branch": ('{"a": {{ v if v | length == 1 else 0 }}}', {"a": "x"}),
    "a set": ('{% set w = v ~ v %}{% with z = w %}{"a": "{{ z }}"}{% endwith %}', {"a": "xx"}),
    "raw": ('{"a": "{% raw %}{{ v }}{% endraw %}"}', {"a": "{{ v }}"}),
    "unset, in quotes": ('{"a": "{{ u }}", "b": 1}', {"b": 1}),
    "unset, without quotes": ('{"a": {{ u }}, "b": 1}', {"b": 1}),
    "unset, with tojson": ('{"a": {{ u | tojson }}, "b": 1}', {"b": 1}),
    "unset, through a filter": ('{"a": "{{ u | upper }}", "b": {{ u | trim | replace("a", "b") }}, "c": 1}', {"c": 1}),
    "unset, with a default": ('{"a": "{{ u | default("x") | upper }}"}', {"a": "X"}),
    "unset, beside text": ('{"a": "<{{ u }}>"}', {"a": "<>"}),
    "unset, beside a value": ('{"a": "{{ u }}{{ v }}", "b": "{{ v }}{{ u }}"}', {"a": "x", "b": "x"}),
    "unset, in an array": ('{"a": ["{{ u }}", "{{ v }}", {{ u }}]}', {"a": ["x"]}),
    "unset, alone in an array": ('{"a": [["{{ u }}"], [[]]], "b": {"c": {"d": {{ u }}}}}', {"a": [[[]]]}),
    "unset, alone": ('{"a": "{{ u }}"}', {}),
    "unset, behind an escaped quote": ('{"a": "\\"{{ u }}"}', {"a": '"'}),
    "empty by itself": ('{"a": {}, "b": [], "c": [{}]}', {"a": {}, "b": [], "c": [{}]}),
    "a value like a token": ('{"a": "{{ "\\x01\\x00" }}"}', {"a": "\x01\x00"}),
    "an escaped backslash before it": ('{"a": "\\\\{{ v }}"}', {"a": "\\x"}),
    "without any value": ('{"a": 1}', {"a": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", BODIES)
def test_a_template_makes_what_it_says(rendered, case):
    """Each way to insert a set or unset value gives the expected payload."""
    text, payload = BODIES[case]
    assert rendered("{# variables: {v: , u: {required: false}} #}" + text, v="x") == payload


def test_what_is_rendered_is_not_rendered_again(rendered):
    """A value that looks like a template is kept as text."""
    assert rendered('{"a": "{{ v }}"}', v="{{ 7 * 7 }}{% raw %}") == {"a": "{{ 7 * 7 }}{% raw %}"}


def test_a_value_is_text_or_an_integer(rendered):
    """A template sees a value as a string or an integer."""
    kinds = '{"a": {{ v is string }}, "b": {{ n is integer }}, "c": {{ v is iterable and n is not iterable }}}'
    assert rendered("{# variables: {v: , n: {type: integer}} #}" + kinds, v="x", n="3") == {
        "a": True,
        "b": True,
        "c": True,
    }


@pytest.mark.parametrize(
    "name", ["kshell", "account", "session", "config", "env", "environ", "api_key", "request", "self"]
)
def test_a_template_is_given_nothing_but_its_variables(fault, name):
    """A template can read no name except its variables."""
    assert fault(f'{{# variables: {{v: }} #}}\n{{"a": {{{{ {name} }}}}}}', v="x").message == f"{name!r} is not declared"


# ---- a template that is wrong

# Python 3.13 and later point at the comma; earlier versions point at what follows it
A_COMMA_TOO_MANY = (
    ("5:7", "Illegal trailing comma") if sys.version_info >= (3, 13) else ("6:1", "Expecting property name")
)

HEADER = "{#\nvariables: {v: , u: {required: false}}\n#}\n"
FAULTS = {
    # a syntax error
    "an open expression": ('{\n"a": {{ v\n}', "6:1", "unexpected '}'"),
    "an open block": ("{% if v %}\n{}", "4:4", "Unexpected end of template"),
    "an unknown tag": ('{\n{% loop %}\n}', "5:4", "Encountered unknown tag 'loop'."),
    "an unknown filter": ('{\n"a": {{ v | shout }}\n}', "5:13", "No filter named 'shout'."),
    "an unknown test": ('{\n"a": {{ v is shouted }}\n}', "5:14", "No test named 'shouted'."),
    "the last line, indented": ('{\n  {{ v v }}', "5", "expected token 'end of print statement', got 'v'"),
    "an indented line": ('{\n    "a": {{ v v }}\n}', "5", "expected token 'end of print statement', got 'v'"),
    "a macro": ("\n{% macro m() %}{% endmacro %}", "5", "a payload template has no macro"),
    "a call": ("\n{% call v() %}{% endcall %}", "5", "a payload template has no call"),
    "a filter block": ("\n{% filter upper %}{% endfilter %}", "5", "a payload template has no filter block"),
    "a set block": ("\n{% set a %}{% endset %}", "5", "a payload template has no set block"),
    "a block": ("\n{% block a %}{% endblock %}", "5", "a payload template has no block"),
    "an extends": ('\n{% extends "a" %}', "5", "a payload template has no extends"),
    "an include": ('\n{% include "/etc/passwd" %}', "5", "a payload template has no include"),
    "an import": ('\n{% import "a" as b %}', "5", "a payload template has no import"),
    "a from import": ('\n{% from "a" import b %}', "5", "a payload template has no import"),
    "an autoescape": ("\n{% autoescape true %}{% endautoescape %}", "5", "a payload template has no autoescape"),
    "a recursive loop": ("\n{% for i in [] recursive %}{% endfor %}", "5", "a payload template has no recursive loop"),
    "a control character": ('{\n"a": "\0"\n}', "5", "a control character"),
    # a runtime error
    "a division by zero": ('{\n"a": 1,\n  "b": {{ 1 // 0 }}\n}', "6", "integer division or modulo by zero"),
    "an attribute": ('{\n"a": {{ v.__class__ }}\n}', "5:11", "access to attribute '__class__' of 'str' object is unsafe."),
    "a method": ('{\n"a": {{ v.upper() }}\n}', "5:11", "access to attribute 'upper' of 'str' object is unsafe."),
    "what is not set, looked into": ('{\n"a": {{ u.x }}\n}', "5:9", "'u' is undefined"),
    "an index too far": ('{\n"a": {{ [][1] }}\n}', "5", "list object has no element 1"),
    "a name set later": ('{\n"a": {{ w }}\n}{% set w = 1 %}', "5:9", "'w' is undefined"),
    "text and a number": ('{\n"a": {{ v + 1 }}\n}', "5", "can only concatenate str (not \"int\") to str"),
    "a range": ('{\n"a": {{ range(3) }}\n}', "5", "Object of type range is not JSON serializable"),
    "an infinity": ('{\n"a": {{ "inf" | float }}\n}', "5:17", "No filter named 'float'."),
    # not JSON
    "a comma too many": ('{\n"a": 1,\n}', A_COMMA_TOO_MANY[0], f"it does not render to JSON: {A_COMMA_TOO_MANY[1]}"),
    "a comma too few": ('{\n"a": 1\n"b": 2\n}', "6:1", "it does not render to JSON: Expecting ',' delimiter"),
    "an open string": ('{\n"a": "x\n}', "5:8", "it does not render to JSON: Invalid control character at"),
    "text behind it": ("{}\n\n  x", "6:3", "it does not render to JSON: Extra data"),
    "unset, in a number": ('{\n"a": 1{{ u }}\n}', "5:7", "it does not render to JSON: Expecting ',' delimiter"),
    "a value behind a value": ('{\n"a": {{ v }}{{ v }}\n}', "5:9", "it does not render to JSON: Expecting ',' delimiter"),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_template_is_an_error_at_its_line(fault, case):
    """A syntax, runtime or JSON error has the line and column in the template's file."""
    text, place, message = FAULTS[case]
    error = fault(HEADER + text, v="x")
    assert str(error.at) == f"templates/mine.json.j2:{place}"
    assert error.message.startswith(message)
    assert error.hint


def test_blank_lines_before_the_header_are_lines(fault):
    """Blank lines before the header count for the line of an error."""
    assert str(fault("\n\n{# variables: {v: } #}\n{{ v v }}", v="x").at) == "templates/mine.json.j2:4"


def test_a_line_that_ends_as_only_jinja_knows_is_told_by_its_number(fault):
    """After a carriage return an error has Jinja's line number and does not show the line."""
    error = fault("\r{{ v v }}", v="x")
    assert (str(error.at), error.at.text) == ("templates/mine.json.j2:2", "")


WHOLE = {
    "nothing": ("", "templates/mine.json.j2: it renders to nothing"),
    "nothing but lines": ("\n{% if u %}{}{% endif %}\n", "templates/mine.json.j2: it renders to nothing"),
    "a list": ("[1]", "it does not render to a JSON object"),
    "a number": ("1", "it does not render to a JSON object"),
    "a field twice": ('{"a": 1, "a": 2}', "templates/mine.json.j2: it does not render to JSON: the field 'a' is written twice"),
    "a field twice by a value": ('{"x": 1, "{{ v }}": 2}', "templates/mine.json.j2: it does not render to JSON: the field 'x'"),
    "no number": ('{"a": NaN}', "templates/mine.json.j2: it does not render to JSON: JSON has no number NaN"),
    "an infinity": ('{"a": Infinity}', "templates/mine.json.j2: it does not render to JSON: JSON has no number Infinity"),
    "a number too large": ('{"a": 1e999}', "it does not render to JSON: 1e999 is too large a number"),
    "a negative infinity": ('{"a": -Infinity}', "it does not render to JSON: JSON has no number -Infinity"),
    "a long number": ('{"a": ' + "1" * 5000 + "}", "templates/mine.json.j2: it does not render to JSON: Exceeds the limit"),
    "a deep list": ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "it does not render to JSON: it is nested too deep"),
    "a number that Python will not read": ("{{ " + "9" * 5000 + " }}", "templates/mine.json.j2: Jinja cannot compile it: Val"),
    "a backslash before a value": ('{"a": "\\{{ v }}"}', "templates/mine.json.j2: a value directly after a backslash"),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_what_is_wrong_with_the_whole_is_an_error_of_the_file(fault, case):
    """An error without a line names the template's file."""
    text, message = WHOLE[case]
    error = fault("{# variables: {v: , u: {required: false}} #}" + text, v="x")
    assert message in note_lines(error.note)[0]
    assert note_lines(error.note)[0].startswith("error: templates/mine.json.j2") or case in ("a list", "a number")


@pytest.mark.parametrize(
    "text",
    [
        '{% for i in range(2) %}\n{% endfor %}{\n"a": x}',
        '{\n{% if not v %}\n"b": 1,\n{% endif %}\n"a": x}',
        '{#\na\n#}{\n"a": x}',
        '{\n{%- if v %}\n{% endif %}\n"a": x}',
    ],
)
def test_where_lines_came_twice_or_not_at_all_the_rendered_line_is_told(fault, text):
    """After a loop, a branch or a comment, a JSON error shows the rendered line and says so."""
    error = fault(HEADER + text, v="x")
    assert error.at.file == "templates/mine.json.j2 (rendered)"
    assert error.at.text == '"a": x}'


def test_a_template_s_error_is_exit_code_3(cli, write):
    """A template's error exits with 3 and prints its line and a hint; without a column there is no caret."""
    write("templates/mine.json.j2", '{\n"a": {{ 1 // 0 }}\n}')
    ran = cli("render", "-t", "mine")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        'error: templates/mine.json.j2:2: integer division or modulo by zero\n  "a": {{ 1 // 0 }}\n'
        "hint: mend line 2 of templates/mine.json.j2, then kshell render -t mine\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{\n  "a": {{ v | shout }}\n}', ['    "a": {{ v | shout }}', "                ^"]),
        ('{\n  "a": {{ v v }}\n}', ['    "a": {{ v v }}']),
    ],
)
def test_a_caret_stands_below_what_the_error_names(fault, text, shown):
    """A caret is shown if the faulty name appears once in the line."""
    lines = note_lines(fault(HEADER + text, v="x").note)
    assert lines[1:-1] == shown


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('{\n"a": 1\n"b": 2\n}', "the line above is the rendered one; mend line 6 of templates/mine.json.j2"),
        (
            '{\n{% if not v %}\n"b": 1,\n{% endif %}\n"a": x}',
            "the line above is the rendered one; mend templates/mine.json.j2",
        ),
        ('{\n"a": 1,\n', "the payload ends too early; mend templates/mine.json.j2"),
    ],
)
def test_a_rendered_line_is_told_to_be_one(fault, text, hint):
    """The hint says that the line above is rendered, if that line is shown."""
    error = fault(HEADER + text, v="x")
    assert error.hint == f"{hint}, then kshell render -t mine"
    assert bool(error.at.caret()) == hint.startswith("the line above")


# ---- the sandbox

ESCAPES = [
    "v.__class__.__mro__[1].__subclasses__()", "v.__init__.__globals__", "v.format", '"{0.__class__}".format(v)',
    '"%s" % v', "v['__class__']", "v['upper']()", 'v | attr("__class__")', "[].__class__", "{}.__class__", "().__class__",
    "(1).__class__", "range.__self__", "range(3).__class__", "range(1).count(1)", "tojson.__globals__",
    "self.__init__.__globals__", "self._TemplateReference__context", "cycler.__init__.__globals__.os.popen('id').read()",
    "joiner.__init__", "namespace.__init__", "lipsum.__globals__", "dict.__base__", "config", "request.application",
    "get_flashed_messages", "url_for.__globals__", "caller()", "varargs", "super()", "loop.__class__", "loop.__init__",
    "v.encode()", "{}.update({})", "[].append(1)", "[1].pop()", "v.__add__('x')", "v.join(['a'])", "v.upper()", "v()",
    "[v] | map('upper') | list", "[v] | map(attribute='__class__') | list", "[v] | select | list", "[v] | sort",
    "v | e", "v | safe", "v | xmlattr", "v | pprint", "v | random", "v | format", "v | urlize", "v | wordwrap(1)",
    "v | center(9)", "v | indent(9)", "[v] | batch(2) | list", "[v] | groupby('x')", "none.__class__", "true.__class__",
    "1.5.__class__", "v.__doc__", "{}['__class__']", "__builtins__", "__import__('os')", "open('/etc/passwd')",
    "_.__class__", "g", "context", "environment", "resolve('v')", "undefined_name.__class__", "u.__class__",
]  # fmt: skip


@pytest.mark.parametrize("escape", ESCAPES)
def test_a_sandbox_escape_is_refused(fault, escape):
    """Each known sandbox escape by attribute, method, call, format or name is an error."""
    for text in (f'{{"a": {{{{ {escape} }}}}}}', f"{{% set x = {escape} %}}{{{{ x }}}}{{}}"):
        error = fault("{# variables: {v: , u: {required: false}} #}" + text, v="x")
        assert error.exit_code == 3


@pytest.mark.parametrize(
    "escape", ["loop.__class__", "loop._iterable", "loop.__init__.__globals__", "loop.cycle.__func__"]
)
def test_a_loop_is_no_way_out(fault, escape):
    """Of Jinja's loop object only the public properties can be read."""
    fault(f'{{"a": [{{% for i in range(1) %}}{{{{ {escape} }}}}{{% endfor %}}]}}')


DOUBLED = "".join(f"{{% set s{n} = s{n - 1} ~ s{n - 1} %}}" for n in range(1, 40))
ADDED = "".join(f"{{% set s{n} = s{n - 1} + s{n - 1} %}}" for n in range(1, 40))
NESTED = "".join(f"{{% set s{n} = [{', '.join([f's{n - 1}'] * 10)}] %}}" for n in range(1, 40))
TUPLES = "".join(f"{{% set s{n} = (s{n - 1}, s{n - 1}) %}}" for n in range(1, 40))
DICTS = "".join(f'{{% set s{n} = {{"a": s{n - 1}, "b": s{n - 1}}} %}}' for n in range(1, 40))
LOOPS = "".join(f"{{% for a{n} in range(1000) %}}" for n in range(4))
BOMBS = {
    "text times a number": '{{ "a" * 1000000000 }}',
    "a list times a number": "{{ [1] * 1000000000 }}",
    "a format's width": '{{ "%1000000000d" % 1 }}',
    "a power": "{{ 9 ** 9 ** 9 }}",
    "a product": "{{ 999999999 * 999999999 * 999999999 }}",
    "a difference": "{{ 0 - 999999999 * 999999999 * 999999999 }}",
    "a range": "{{ range(1000000000) | list }}",
    "text doubled": f'{{% set s0 = "xxxxxxxx" %}}{DOUBLED}{{{{ s39 }}}}',
    "text added": f'{{% set s0 = "xxxxxxxx" %}}{ADDED}{{{{ s39 }}}}',
    "a list added": f"{{% set s0 = [1] %}}{ADDED}{{{{ s39 }}}}",
    "lists of lists": f'{{% set s0 = "x" %}}{NESTED}{{{{ s39 }}}}',
    "lists of lists, as text": f'{{% set s0 = "x" %}}{NESTED}{{{{ s39 | string }}}}',
    "lists of lists, joined": f'{{% set s0 = "x" %}}{NESTED}{{{{ s39 ~ "" }}}}',
    "lists of lists, in an error": f'{{% set s0 = "x" %}}{NESTED}{{{{ {{}}[s39] }}}}',
    "tuples of tuples": f'{{% set s0 = "x" %}}{TUPLES}{{{{ s39 }}}}',
    "mappings of mappings": f'{{% set s0 = "x" %}}{DICTS}{{{{ s39 }}}}',
    "a replacement": f'{{% set s = "{"x" * 1000}" %}}{{{{ s | replace("x", s) | replace("x", s) }}}}',
    "a replacement of nothing": f'{{% set s = "{"x" * 1000}" %}}{{{{ s | replace("", s) }}}}',
    "a join": f'{{% set s = "{"x" * 1000}" %}}{{{{ range(1000) | join(s) }}}}',
    "loops that write": f"{LOOPS}x{'{% endfor %}' * 4}",
    "loops that write a value": f"{LOOPS}{{{{ a0 }}}}{'{% endfor %}' * 4}",
    "loops that write nothing": f"{LOOPS}{'{% endfor %}' * 4}",
    "a deep expression": f"{{{{ {'(' * 5000}1{')' * 5000} }}}}",
    "a deep branch": "{% if 1 %}" * 500 + "{% endif %}" * 500,
    "a deep loop": "{% for a in [1] %}" * 100 + "{% endfor %}" * 100,
    "a chain of filters": f"{{{{ 1{' | abs' * 5000} }}}}",
    "a long number": f"{{{{ {'9' * 5000} }}}}",
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_once(template, bomb):
    """A template that would fill memory or run on is refused within two seconds, with a short message."""
    begun = process_time()
    with pytest.raises(TemplateError) as caught:
        render(template(f'{{"a": {BOMBS[bomb]} }}'), {})
    assert in_time(process_time() - begun, 2)
    assert len("".join(note_lines(caught.value.note))) < 1000


def test_a_large_value_is_refused(fault):
    """A value that makes the payload larger than 256 KiB is refused."""
    assert "more than 256 KiB" in fault('{"a": "{{ v }}"}', v="x" * 300_000).message


def test_a_payload_of_many_values_is_not_refused(rendered):
    """A payload with a thousand values from a loop is rendered."""
    text = '{"a": [{% for i in range(1000) %}"{{ v }}"{% if not loop.last %}, {% endif %}{% endfor %}]}'
    assert rendered(text, v="x" * 100) == {"a": ["x" * 100] * 1000}


def test_the_rendered_payload_is_plain_json(rendered):
    """A rendered payload can be written as JSON and read back."""
    payload = rendered('{"a": "{{ v }}", "b": {{ [v, 1] }}}', v="\ud800\x00")
    assert json.loads(json.dumps(payload)) == {"a": "\ud800\x00", "b": ["\ud800\x00", 1]}


@pytest.mark.parametrize(
    ("expression", "hint"),
    [
        ("ref.upper()", "write | upper"),
        ("ref.strip()", "write | trim"),
        ("ref | uppr", "did you mean upper?"),
        ("ref.startswith('a')", "filters: abs, capitalize"),
    ],
)
def test_a_method_and_an_unknown_filter_name_the_filter_to_write(cli, write, expression, hint):
    """The error of a method or of an unknown filter has a hint with the filter to write, in templates and in expressions."""
    write("templates/t.json.j2", f'{{# variables: {{ref: }} #}}\n{{"a": "{{{{ {expression} }}}}"}}\n')
    write("s.kshell", f"set ref=x\nexpect {expression} == 1\n")
    for words in (("render", "-t", "t", "ref=x"), ("run", "s.kshell")):
        ran = cli(*words)
        assert (ran.code, f"hint: {hint}" in ran.err) == (3, True), ran.err


def test_a_value_can_be_split_for_a_loop(cli, write):
    """``split`` makes a list of a text, by default at commas; of a variable without a value, an empty list."""
    loop = "{% for part in ref | split %}{{ part | trim }};{% endfor %}"
    write("templates/t.json.j2", '{# variables: {ref: {required: false}} #}\n{"b": 1, "a": "' + loop + '"}\n')
    assert cli("render", "-t", "t", "ref=x, y").json == {"b": 1, "a": "x;y;"}
    assert cli("render", "-t", "t").json == {"b": 1, "a": ""}
