"""Promise 10: rendering a template ends within 2 seconds, whatever the template does."""

from __future__ import annotations

import pytest
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from support.clock import seconds_of

from kshell.templating.program import compile_template

LONG = (
    "{% set s = range(1000) | join %}{% set s = [s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s] | join %}"
)


def looped(body: str) -> str:
    """``body`` in a million turns, with the long text ``s``."""
    return f"{LONG}{{% for a in range(1000) %}}{{% for b in range(1000) %}}{body}{{% endfor %}}{{% endfor %}}"


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
    **{name: looped(f"{{% if {expression} %}}{{% endif %}}") for name, expression in EXPRESSIONS.items()},
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_template_that_works_too_long_is_refused_in_time(program):
    """The work of all turns is counted together, also of those that a loop's ``if`` passes over."""
    compiled = compile_template(program, "mine")

    def render():
        with pytest.raises(SecurityError, match="its loops do too much work"):
            compiled.render({})

    assert seconds_of(render) < 2


def test_the_work_of_one_rendering_is_not_the_next_ones():
    """A template that stays within the bound stays within it however often it is rendered."""
    compiled = compile_template("{% for a in range(1000) if a is odd %}{% endfor %}{}", "mine")
    assert {compiled.render({}) for _ in range(300)} == {"{}"}


@pytest.mark.parametrize("name", ["iteration(-9)", "weighed", "#iteration(-9)", "'#iteration'(-9)"])
def test_no_template_can_name_what_counts(name):
    """A template that could count less than nothing would have no bound."""
    with pytest.raises(TemplateSyntaxError):
        compile_template(f"{{{{ 1 | {name} }}}}", "mine")
