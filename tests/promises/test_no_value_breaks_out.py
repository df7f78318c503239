"""No value can add, remove or change a field of the payload other than its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kshell.core.errors import TemplateError
from kshell.core.models import Origin, Template, Variable
from kshell.profiles.files import Places, shipped_folder
from kshell.templating.templates import load_template, render

AUTH = load_template(Places(None, Path("/nowhere"), Path("/nowhere"), shipped_folder()), "auth")
NAMES = [variable.name for variable in AUTH.variables]

# text that is likely to end a string, open a field, or run as code
HOSTILE = st.sampled_from(
    [
        '"', '\\', '\\"', '",', '": "', '"}', '", "to": "+1', '"}, "x": {"y": "', "\\u0022", "\\\\", "\x00", "\x01", "\x00\x01",
        '\x00"\x01', "\n", "\r\n", "\u2028", "\ud800", "\udc00", "{{ 7*7 }}", "{% raw %}", "{#", "#}", "NaN", "null", "[", "]",
        "{", "}", ",", ":", "1", "-", "e9", "'", "//", "/*", "\ufeff", "\x7f", "\x1b[2J", "😀", "]]>", "${x}", "%s",
    ]
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=())) | st.lists(HOSTILE, max_size=6).map("".join)


def template(body: str) -> Template:
    """Return a template with the variables v, w and u; u is never set."""
    variables = (Variable("v"), Variable("w"), Variable("u", required=False))
    return Template("mine", "", variables, Origin(Path("mine.json.j2"), "here"), body)


def leaves(value: Any, path: tuple[object, ...] = ()) -> dict[tuple[object, ...], Any]:
    """Return every leaf of a payload by its path; an empty container is a leaf."""
    if isinstance(value, dict) and value:
        return {spot: leaf for name, item in value.items() for spot, leaf in leaves(item, (*path, name)).items()}
    if isinstance(value, list) and value:
        return {spot: leaf for place, item in enumerate(value) for spot, leaf in leaves(item, (*path, place)).items()}
    return {path: value}


def joined(text: str) -> str:
    """Return ``text`` as JSON reads it: a high surrogate and the low one after it become one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


FIELDS = {
    "to": [("messaging_object", "to")],
    "template_name": [("messaging_object", "template", "name")],
    "language": [("messaging_object", "template", "language", "code")],
    "otp": [("messaging_object", "template", "components", place, "parameters", 0, "text") for place in (0, 1)],
    "index": [("messaging_object", "template", "components", 1, "index")],
    "ref": [("extra_info", "ref")],
    "ref1": [("extra_info", "ref1")],
    "ref2": [("extra_info", "ref2")],
    "wa_source": [("extra_info", "wa_source")],
}
PLAIN = {name: f"plain-{name}" for name in NAMES}
EXPECTED = leaves(render(AUTH, PLAIN))


def test_every_variable_of_the_message_is_proved():
    """The table ``FIELDS`` names every variable of the shipped template, and the fields that hold its value."""
    assert list(FIELDS) == ["to", "template_name", "language", "otp", "index", "ref", "ref1", "ref2", "wa_source"]
    assert set(FIELDS) == set(NAMES)
    own = {spot: PLAIN[name] for name, spots in FIELDS.items() for spot in spots}
    assert {spot: value for spot, value in EXPECTED.items() if spot in own} == own


@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, TEXT)))
@example(values=dict.fromkeys(NAMES, '", "to": "+1'))
@example(values={"otp": '\\", "x": "', "index": '0, "x": 1'})
def test_a_value_changes_its_own_fields_only(values):
    """For any values of all variables, each variable's fields hold its value and all other fields stay the same."""
    own = {spot: joined(value) for name, value in values.items() if name != "index" for spot in FIELDS[name]}
    payload = leaves(render(AUTH, {**PLAIN, **values}))
    (index,) = FIELDS["index"]
    assert {spot: value for spot, value in payload.items() if spot != index} == {
        spot: own.get(spot, value) for spot, value in EXPECTED.items() if spot != index
    }
    assert str(payload[index]) == joined(values.get("index", PLAIN["index"]))


INSERTIONS = {
    "in quotes": ('{"v": "{{ v }}", "n": "{{ w }}", "o": 1}', lambda v, w: {"v": v, "n": w, "o": 1}),
    "without quotes": ('{"v": {{ v }}, "n": {{ w }}, "o": 1}', lambda v, w: {"v": v, "n": w, "o": 1}),
    "with tojson": ('{"v": {{ v | tojson }}, "n": "{{ w | tojson }}"}', lambda v, w: {"v": v, "n": w}),
    "side by side": ('{"v": "{{ v }}{{ w }}", "o": "x"}', lambda v, w: {"v": v + w, "o": "x"}),
    "between text": ('{"v": "<\\"{{ v }}\\\\{{ w }}\\">", "o": "x"}', lambda v, w: {"v": f'<"{v}\\{w}">', "o": "x"}),
    "beside what is not set": ('{"v": "{{ u }}{{ v }}{{ u }}", "u": "{{ u }}", "n": {{ w }}}', lambda v, w: {"v": v, "n": w}),
    "in arrays": ('{"a": [{{ v }}, "{{ w }}", [{{ v }}], 1], "o": "x"}', lambda v, w: {"a": [v, w, [v], 1], "o": "x"}),
    "in a list": ('{"a": {{ [v, {"k": w}] }}, "o": "x"}', lambda v, w: {"a": [v, {"k": w}], "o": "x"}),
    "with a filter": ('{"v": "{{ v | default("d") | string }}", "n": {{ w | d }}}', lambda v, w: {"v": v, "n": w}),
    "joined": (
        '{"v": "{{ v ~ "\\"" ~ w }}", "n": {{ [v, w] | join("\\\\") }}}',
        lambda v, w: {"v": f'{v}"{w}', "n": f"{v}\\{w}"},
    ),
    "added": ('{"v": "{{ v + w }}", "o": {{ v + w }}}', lambda v, w: {"v": v + w, "o": v + w}),
    "in a loop": (
        '{"a": [{% for i in range(3) %}"{{ v }}{{ i }}"{% if not loop.last %}, {% endif %}{% endfor %}], "n": "{{ w }}"}',
        lambda v, w: {"a": [f"{v}{i}" for i in range(3)], "n": w},
    ),
    "by its characters": (
        '{"a": [{% for c in v %}"{{ c }}", {% endfor %}"{{ w }}"], "n": {{ v | length }}}',
        lambda v, w: {"a": [*v, w], "n": len(v)},
    ),
    "in a branch": ('{"v": "{% if v == w %}{{ v }}{% else %}{{ w }}{% endif %}", "o": 1}', lambda _, w: {"v": w, "o": 1}),
    "in an expression's branch": ('{"v": "{{ v if v else "x" }}", "n": {{ w }}}', lambda v, w: {"v": v or "x", "n": w}),
    "set": ('{% set x = v %}{% with y = w %}{"v": "{{ x }}", "n": "{{ y }}"}{% endwith %}', lambda v, w: {"v": v, "n": w}),
    "upper": ('{"v": "{{ v | upper }}", "n": {{ w | lower }}}', lambda v, w: {"v": v.upper(), "n": w.lower()}),
    "replaced": ('{"v": "{{ v | replace("a", w) }}", "o": 1}', lambda v, w: {"v": v.replace("a", w), "o": 1}),
    "cut": ('{"v": "{{ v[1:] }}", "n": {{ w[:1] }}}', lambda v, w: {"v": v[1:], "n": w[:1]}),
    "as a name": ('{"o": {"{{ v }}": "{{ w }}"}}', lambda v, w: {"o": {v: w}}),
}  # fmt: skip


def each_joined(value: Any) -> Any:
    """Return ``value`` with every text in it as JSON reads it."""
    if isinstance(value, dict):
        return {joined(name): each_joined(item) for name, item in value.items()}
    if isinstance(value, list):
        return [each_joined(item) for item in value]
    return joined(value) if isinstance(value, str) else value


@pytest.mark.parametrize("insertion", INSERTIONS)
@given(v=TEXT, w=TEXT)
@example(v='", "n": "x', w='"')
@example(v="\\", w='"')
@example(v='"\\', w='\\"')
@example(v="\x00\x01", w='\x00"\x01')
@example(v="0123", w="NaN")
def test_a_value_is_only_where_the_template_puts_it(insertion, v, w):
    """However a template inserts a value, the payload has it unchanged in that place and nothing else changes."""
    body, expected = INSERTIONS[insertion]
    assert render(template(body), {"v": v, "w": w}) == each_joined(expected(v, w))


@given(v=TEXT, w=TEXT)
@example(v='",', w='"')
def test_a_template_that_would_let_a_value_out_is_refused(v, w):
    """A template with a backslash directly before a value is refused, because the two would join."""
    with pytest.raises(TemplateError, match="directly after a backslash"):
        render(template('{"a": ["\\{{ v }}", "\\\\\\{{ w }}"]}'), {"v": v, "w": w})


@given(v=TEXT)
def test_an_integer_field_is_an_integer_or_the_text(v):
    """A value for an integer field becomes a whole number or stays a text, and no other field changes."""
    typed = template('{"v": {{ v }}, "o": 1}')._replace(variables=(Variable("v", kind="integer"),))
    payload = render(typed, {"v": v})
    assert list(payload) == ["v", "o"]
    assert payload["v"] == joined(v) or (isinstance(payload["v"], int) and payload["v"] == int(v))


@given(values=st.fixed_dictionaries(dict.fromkeys(("v", "w"), TEXT)))
def test_a_field_that_a_value_names_cannot_replace_another(values):
    """A value used as a field's name is refused if it is also another field's name; it never replaces that field."""
    mine = template('{"o": "kept", "{{ v }}": "{{ w }}"}')
    if joined(values["v"]) == "o":
        with pytest.raises(TemplateError, match="written twice"):
            render(mine, values)
    else:
        assert render(mine, values) == {"o": "kept", joined(values["v"]): joined(values["w"])}


def test_a_field_that_a_value_names_as_another_is_refused():
    """A value that repeats the name of the field ``o`` gives the error "the field 'o' is written twice"."""
    with pytest.raises(TemplateError, match="the field 'o' is written twice"):
        render(template('{"o": "kept", "{{ v }}": "{{ w }}"}'), {"v": "o", "w": "replaced"})
