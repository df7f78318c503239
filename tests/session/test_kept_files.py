"""The files of a run: each row gets the payload and the findings that it gets alone."""

from __future__ import annotations

import json
from itertools import accumulate
from operator import or_
from pathlib import Path
from typing import Any

import pytest
from api.test_rules import ACCOUNT, BODY_CODE, NUMBER, TO, changed, place_in_good
from hypothesis import example, given
from hypothesis import strategies as st

from kshell.api import checks
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.authentication.fields import FIELDS
from kshell.api.authentication.rules import RULES
from kshell.core.errors import TemplateError
from kshell.core.models import Origin, Template, Variable
from kshell.profiles.files import Places
from kshell.session import files
from kshell.session.files import Files, KeptFiles
from kshell.templating import forms
from kshell.templating.environment import MOST_CHARACTERS
from kshell.templating.forms import form_of

REF = "/extra_info/ref"
NAMES = ("a", "b", "n")
ORIGIN = Origin(Path("t.json.j2"), "here")


def template(source: str) -> Template:
    """Return a template with the text ``source`` and three optional variables, of which ``n`` is an integer."""
    variables = [Variable(name, required=False, kind="integer" if name == "n" else "text") for name in NAMES]
    return Template("t", "", tuple(variables), ORIGIN, source)


def outcome(kept: Files, made: Template, values: dict[str, str]) -> object:
    """Return the payload and its findings, or the text of the ``TemplateError``."""
    try:
        return kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, values)
    except TemplateError as error:
        return str(error)


def payload(kept: Files, made: Template, values: dict[str, str]) -> Any:
    """Return the payload that a template makes."""
    return kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, values).payload


def compare(made: Template, rows: list[dict[str, str]]) -> None:
    """Assert that the rows of a run get what each of them gets alone."""
    kept = KeptFiles(Places.standard())
    for values in rows:
        compare_row(kept, made, values)


def compare_row(kept: KeptFiles, made: Template, values: dict[str, str]) -> None:
    """Assert that a row gets in a run what it gets alone."""
    assert outcome(kept, made, values) == outcome(Files(Places.standard()), made, values)


PIECES = [
    "{{ a }}", "{{ b }}", "{{ n }}", "{{ a | upper }}", "{% if n %}1{% endif %}", '"', "\\", "{", "}", "[", "]", ":", ",",
    '"k": ', '"x{{ a }}y"', '"{{ b }}"', "{{n}}", "-", "0", '{"k": "{{ a }}", "m": {{ n }}}', '{"{{ a }}": 1}', "\\u00020",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ["7", '"', "\\", "{{ a }}", "\x02", ""]
)
VALUES = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, TEXTS))
SOURCES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
OBJECTS = st.lists(st.sampled_from(PIECES), max_size=3).map(lambda pieces: '{"k": ' + "".join(pieces) + "}")


@given(source=SOURCES | OBJECTS, rows=st.lists(VALUES, min_size=1, max_size=4))
@example('{"k": {{ n }}, "m": "{{ n }}"}', [{"n": "1"}, {"n": "2"}, {"n": "x"}])
@example('{"{{ a }}": 1, "b": 2}', [{"a": "a"}, {"a": "b"}])
@example('{"k": -{{ n }}}', [{"n": "1"}, {"n": "0"}])
def test_a_row_gets_what_its_template_makes_of_it_alone(source, rows):
    """Whatever a template is and a row holds, the run's payload is the one that rendering makes, or its error is the same."""
    compare(template(source), rows)


PLACES = [place_in_good(field.pointer) for field in FIELDS if field.pointer]
INSERTED = st.sampled_from(['"{{ a }}"', '"{{ b }}"', "{{ n }}", '"{{ a }}{{ b }}"', '"x{{ n }}"', "{{ a }}"])
FAULTY = st.sampled_from(
    [
        "", "body", "button", "text", "template", "url", "auth1", "Auth 1", "login", "en", "en_US", "api", "Api", "123456",
        "123457", "www.x", "\x07", "x" * 20, "x" * 300, "\U0001f600", "+919812345678", "+911234567890", "+1,+1", "+520", "x,y",
        "0", "3", "11", "-1",
    ]
)  # fmt: skip


def message(holes: dict[str, str]) -> Template:
    """Return a template of the page's message, with ``holes`` at its places."""
    outer = [place for place in holes if not any(place.startswith(f"{other}/") for other in holes)]
    source = json.dumps(changed({place: f"@{place}@" for place in outer}))
    for place in outer:
        source = source.replace(f'"@{place}@"', holes[place])
    return template(source)


@given(
    holes=st.dictionaries(st.sampled_from(PLACES), INSERTED, min_size=1, max_size=6),
    first=st.fixed_dictionaries(dict.fromkeys(NAMES, FAULTY)),
    changes=st.lists(st.dictionaries(st.sampled_from(NAMES), FAULTY, max_size=2), max_size=5),
)
@example({REF: '"{{ a }}"'}, {"a": "1"}, [{"a": "x" * 300}, {"a": "y" * 256}, {"a": "2"}])
@example({TO: '"{{ a }}"', "/extra_info/wa_source": '"{{ b }}"'}, {"a": NUMBER, "b": "x"}, [{"a": "+1,+1"}])
def test_a_row_gets_the_findings_that_it_gets_alone(holes, first, changes):
    """Wherever the message has a variable and whatever changes from row to row, each row has its own findings, in order."""
    rows = [*accumulate(changes, or_, initial=first)]
    compare(message(holes), rows)


def test_a_template_that_inserts_is_rendered_for_its_first_row_only(monkeypatch):
    """After its first row, a template that only inserts variables is not rendered again."""
    kept, made = KeptFiles(Places.standard()), template('{"k": "{{ a }}", "m": [{{ n }}, "x{{ b }}"]}')
    payload(kept, made, {"a": "1", "b": "2", "n": "3"})
    monkeypatch.setattr(files, "render", None)
    assert payload(kept, made, {"a": "4", "b": '"5', "n": "6"}) == {"k": "4", "m": [6, 'x"5']}


def test_a_rule_runs_again_only_if_a_value_that_it_reads_has_changed(monkeypatch):
    """A row whose recipient alone differs is not checked by the rules of the code."""
    kept, made = KeptFiles(Places.standard()), message({TO: '"{{ a }}"', BODY_CODE: '"{{ b }}"'})
    row = {"a": NUMBER, "b": "123456", "n": "1"}
    kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, row)
    ran: list[str] = []
    monkeypatch.setattr(checks, "found", lambda rule, *_: ran.append(rule.code) or [])
    kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, row | {"a": "+919812345679"})
    assert {"to-e164", "field-missing"} <= {*ran} <= {code for code, rule in RULES.items() if TO in rule.reads}


def test_a_rule_of_the_fields_runs_again_only_for_those_that_have_changed(monkeypatch):
    """Of a row whose recipient alone differs, a rule of the table of fields looks at that field and at no other."""
    kept, made = KeptFiles(Places.standard()), message({TO: '"{{ a }}"', BODY_CODE: '"{{ b }}"'})
    row = {"a": NUMBER, "b": "123456", "n": "1"}
    kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, row)
    looked_at: set[str] = set()
    monkeypatch.setattr(checks, "found", lambda rule, *_: looked_at.update(f.pointer for f in rule.fields) or [])
    kept.checked(SEND_AUTHENTICATION, ACCOUNT, made, row | {"a": "+919812345679"})
    assert looked_at == {TO}


def test_a_payload_is_a_copy():
    """Two rows share no part of their payloads, so that a change of one leaves the other as it was."""
    kept, made = KeptFiles(Places.standard()), template('{"k": [{"m": "{{ a }}"}]}')
    first = payload(kept, made, {"a": "1"})
    payload(kept, made, {"a": "2"})["k"][0]["m"] = "3"
    assert first == {"k": [{"m": "1"}]}
    assert payload(kept, made, {"a": "1"}) == first


def test_a_text_that_is_too_long_is_refused():
    """Values that make too long a text are refused in every row, as they are by rendering."""
    kept, made = KeptFiles(Places.standard()), template('{"k": "{{ a }}", "m": "{{ a }}"}')
    payload(kept, made, {"a": "1"})
    with pytest.raises(TemplateError, match="KiB of text"):
        payload(kept, made, {"a": "x" * (MOST_CHARACTERS // 2)})


def test_a_row_that_is_checked_within_another_s_check_changes_nothing_in_it(monkeypatch):
    """Threads share the files of a run: at any moment of a row's check, other rows may be checked, also of other kinds."""
    monkeypatch.setattr(files, "MOST_PREPARED", 1)
    kept, made = KeptFiles(Places.standard()), message({TO: '"{{ a }}"', BODY_CODE: '"{{ b }}"', REF: '"{{ n }}"'})
    rows = [{"a": f"+{number}", "b": "1" * number, "n": "x" * 300} for number in (12, 13, 14, 15, 16)]
    waiting = [{"a": NUMBER}, *rows[2:]]
    check = checks.found

    def checked_within(*arguments):
        if waiting:
            compare_row(kept, made, waiting.pop())
        return check(*arguments)

    compare_row(kept, made, rows[0])
    monkeypatch.setattr(checks, "found", checked_within)
    compare_row(kept, made, rows[1])
    assert waiting == []


def test_rows_of_many_kinds_are_not_all_kept(monkeypatch):
    """What a run keeps for the rows to come is bounded, and a row whose kind was forgotten gets the same again."""
    monkeypatch.setattr(files, "MOST_PREPARED", 1)
    made: list[object] = []
    monkeypatch.setattr(forms, "form_of", lambda *form: made.append(form) or form_of(*form))
    compare(template('{"k": "{{ a }}", "m": "{{ b }}"}'), [{"a": "1"}, {"b": "2"}, {"a": "3"}, {"a": "4"}, {"b": "5"}])
    assert len(made) == 4
