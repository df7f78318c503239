"""The forms of a run's payloads: each row gets the payload that rendering its template makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kshell.core.errors import TemplateError
from kshell.core.models import Origin, Template, Variable
from kshell.templating import forms
from kshell.templating.environment import MOST_CHARACTERS
from kshell.templating.forms import Forms
from kshell.templating.templates import render

NAMES = ("a", "b", "n")
PIECES = [
    "{{ a }}", "{{ b }}", "{{ n }}", "{{ a | upper }}", "{% if n %}1{% endif %}", '"', "\\", "{", "}", "[", "]", ":", ",",
    '"k": ', '"x{{ a }}y"', '"{{ b }}"', "{{n}}", "-", "0", '{"k": "{{ a }}", "m": {{ n }}}', '{"{{ a }}": 1}', "\\u00020",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["7", '"', "\\", "{{ a }}", "\x02", ""]
)
VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, TEXTS))


def template(source: str) -> Template:
    """Return a template with the text ``source`` and three optional variables, of which ``n`` is an integer."""
    variables = [Variable(name, required=False, kind="integer" if name == "n" else "text") for name in NAMES]
    return Template("t", "", tuple(variables), Origin(Path("t.json.j2"), "here"), source)


def outcome(function, *arguments) -> object:
    """Return what a function returns, or the text of the ``TemplateError`` that it raises."""
    try:
        return function(*arguments)
    except TemplateError as error:
        return str(error)


SOURCES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
OBJECTS = st.lists(st.sampled_from(PIECES), max_size=3).map(lambda pieces: '{"k": ' + "".join(pieces) + "}")


@given(source=SOURCES | OBJECTS, rows=st.lists(VALUES, min_size=1, max_size=4))
@example('{"k": {{ n }}, "m": "{{ n }}"}', [{"n": "1"}, {"n": "2"}, {"n": "x"}])
@example('{"{{ a }}": 1, "b": 2}', [{"a": "a"}, {"a": "b"}])
@example('{"k": -{{ n }}}', [{"n": "1"}, {"n": "0"}])
def test_a_row_gets_what_rendering_makes(source, rows):
    """Whatever a template is and a row holds, the run's payload is the one that rendering makes, or its error is the same."""
    kept, made = Forms(), template(source)
    for values in rows:
        assert outcome(kept.render, made, values) == outcome(render, made, values)


def test_a_template_that_inserts_is_rendered_for_its_first_row_only(monkeypatch):
    """After its first row, a template that only inserts variables is not rendered again."""
    kept, made = Forms(), template('{"k": "{{ a }}", "m": [{{ n }}, "x{{ b }}"]}')
    kept.render(made, {"a": "1", "b": "2", "n": "3"})
    monkeypatch.setattr(forms, "render", None)
    assert kept.render(made, {"a": "4", "b": '"5', "n": "6"}) == {"k": "4", "m": [6, 'x"5']}


def test_a_payload_is_a_copy():
    """Two rows share no part of their payloads, so that a change of one leaves the other as it was."""
    kept, made = Forms(), template('{"k": [{"m": "{{ a }}"}]}')
    first = kept.render(made, {"a": "1"})
    kept.render(made, {"a": "2"})["k"][0]["m"] = "3"
    assert first == {"k": [{"m": "1"}]}
    assert kept.render(made, {"a": "1"}) == first


def test_a_text_that_is_too_long_is_refused():
    """Values that make too long a text are refused in every row, as they are by rendering."""
    kept, made = Forms(), template('{"k": "{{ a }}", "m": "{{ a }}"}')
    kept.render(made, {"a": "1"})
    with pytest.raises(TemplateError, match="KiB of text"):
        kept.render(made, {"a": "x" * (MOST_CHARACTERS // 2)})
