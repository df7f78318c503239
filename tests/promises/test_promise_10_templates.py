"""Promise 10: rendering a template ends within 2 seconds, whatever the template does."""

from __future__ import annotations

from contextlib import suppress

import pytest
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from support.clock import seconds_of

from kshell.core.errors import TemplateError
from kshell.profiles.files import Places
from kshell.templating.program import compile_template
from kshell.templating.templates import load_template, render

LONG = (
    "{% set s = range(1000) | join %}{% set s = [s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s] | join %}"
)


WIDE = "{% set w = [s, s, s, s] | join | replace('0', '😀') %}"  # four bytes for each of its characters


def looped(body: str) -> str:
    """``body`` in a million turns, with the long texts ``s`` and ``w``."""
    return f"{LONG}{WIDE}{{% for a in range(1000) %}}{{% for b in range(1000) %}}{body}{{% endfor %}}{{% endfor %}}"


EXPRESSIONS = {
    "a range made text": "range(1000) | list | join | length",
    "a list made text": "range(1000) | list | string",
    "a filter": "s | title",
    "a search": "'zzz' in s",
    "a replacement": "s | replace('zzz', 'a')",
    "a slice": "s[1:]",
    "a sum": "s + 'a'",
    "a comparison": "s ~ 'a' == s ~ 'b'",
    "a test": "s is eq(s ~ 'b')",
    "a list of lists": "[[s, s], [s, s]]",
    "a change": "loop.changed(s ~ b)",
}
PROGRAMS = {
    "an if that lets nothing through": (
        "{% for a in range(1000) %}{% for b in range(1000) if (range(1000) | list | join | length) < 0 %}"
        "{% endfor %}{% endfor %}"
    ),
    "an else in an if": (
        "{% for a in range(1000) %}{% for b in range(1000) if false %}{% else %}{% for c in range(1000) if false %}"
        "{% endfor %}{% endfor %}{% endfor %}"
    ),
    "characters": f"{LONG}{{% for a in range(1000) %}}{{% for b in s if false %}}{{% endfor %}}{{% endfor %}}",
    "loops without anything": looped(""),
    "a long body": looped("{% set c = b %}" * 2000),
    "slices of wide characters": looped("{% set c = w[1:] %}" * 10),
    "sums of wide characters": looped("{% set c = w + 'a' %}" * 10),
    **{name: looped(f"{{% if {expression} %}}{{% endif %}}") for name, expression in EXPRESSIONS.items()},
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_template_that_works_too_long_is_refused_in_time(program):
    """The work of all turns is counted together, also of those that a loop's ``if`` passes over."""
    compiled = compile_template(program, "mine")

    def render():
        with pytest.raises(SecurityError, match="its loops do too much work"):
            compiled.render({})

    assert seconds_of(render, 2) < 2


def test_the_work_of_one_rendering_is_not_the_next_ones():
    """A template that stays within the bound stays within it however often it is rendered."""
    compiled = compile_template("{% for a in range(1000) if a is odd %}{% endfor %}{}", "mine")
    assert {compiled.render({}) for _ in range(300)} == {"{}"}


@pytest.mark.parametrize("name", ["iteration(-9)", "weighed", "#iteration(-9)", "'#iteration'(-9)"])
def test_no_template_can_name_what_counts(name):
    """A template that could count less than nothing would have no bound."""
    with pytest.raises(TemplateSyntaxError):
        compile_template(f"{{{{ 1 | {name} }}}}", "mine")


DENSE = {"{{ to }}": '{"a": "%s"}', "{% if to %}{% endif %}": '{"a": "%s"}', "1,": '{"a": {{ [%s1] | length }}}'}


@pytest.mark.parametrize("unit", DENSE)
def test_the_largest_template_is_compiled_and_rendered_in_time(write, unit):
    """A template of 64 KiB is read, compiled and rendered or refused within 2 seconds, and a larger one is not read."""

    def work() -> None:
        with suppress(TemplateError):
            render(load_template(places, "dense"), values)

    head = "{#\ntitle: dense\nvariables:\n  to: {help: whom}\n#}\n"
    places, values = Places.standard(), {"to": "1"}
    write("templates/dense.json.j2", head + DENSE[unit] % (unit * (65_000 // len(unit))))
    assert any(seconds_of(work, 2) < 2 for _ in range(3))
    write("templates/dense.json.j2", head + DENSE[unit] % (unit * (66_000 // len(unit))))
    with pytest.raises(TemplateError, match="is larger than 64 KiB"):
        load_template(places, "dense")
