"""Check the expressions of ``{{ … }}``, ``expect`` and ``capture``, split them into tokens, and evaluate them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import Template, TemplateAssertionError, TemplateSyntaxError, Undefined, nodes

from kshell.templating.environment import BoundNodes, SandboxEnvironment, make_environment


class _Expressions(SandboxEnvironment):
    """An environment in which ``a.b`` on a mapping is a key, never a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


_EXPRESSIONS = make_environment(_Expressions)


def evaluate(expression: str, names: Mapping[str, object]) -> object:
    """Return the value of a Jinja expression over plain values. Raise what evaluation raises, also for an unknown name."""
    value = getattr(_program(expression).make_module(dict(names)), "result")  # noqa: B009 - a name of the template
    if isinstance(value, Undefined):
        str(value)  # raises with the undefined name
    return value


@lru_cache(maxsize=64)  # a script's expressions are the same for each of its rows
def _program(expression: str) -> Template:
    """Compile an expression to a template that assigns its value to ``result``."""
    tree = BoundNodes().visit(_EXPRESSIONS.parse("{{" + expression + "}}"))
    assign = nodes.Assign(nodes.Name("result", "store"), _single(tree), lineno=1)
    program = nodes.Template([assign], lineno=1)
    program.set_environment(_EXPRESSIONS)
    code = _EXPRESSIONS.compile(program)
    return _EXPRESSIONS.template_class.from_code(_EXPRESSIONS, code, _EXPRESSIONS.make_globals(None))


def _single(tree: nodes.Template) -> nodes.Expr:
    output = tree.body[0] if len(tree.body) == 1 else None
    if (
        not isinstance(output, nodes.Output)
        or len(output.nodes) != 1
        or isinstance(output.nodes[0], nodes.TemplateData)
    ):
        raise TemplateSyntaxError("write exactly one expression", 1)
    return output.nodes[0]


@lru_cache(maxsize=64)
def check_expression(expression: str) -> None:
    """Raise ``jinja2.TemplateSyntaxError`` if the text is not one expression or has an unknown filter or test."""
    tree = _EXPRESSIONS.parse("{{" + expression + "}}")
    _single(tree)
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = (
            ("filter", _EXPRESSIONS.filters) if isinstance(node, nodes.Filter) else ("test", _EXPRESSIONS.tests)
        )
        if node.name not in known:  # as Jinja says it when it compiles, which takes five times as long
            raise TemplateAssertionError(f"No {kind} named {node.name!r}.", node.lineno)


class NameToken(NamedTuple):
    """A name that an expression reads, and its offset. ``optional`` says that the expression allows it to be undefined."""

    text: str
    offset: int
    optional: bool


def names_in(expression: str) -> list[NameToken]:
    """Return the names that an expression reads, in order. Raises as ``check_expression`` does."""
    names = {node.name for node in _EXPRESSIONS.parse("{{" + expression + "}}").find_all(nodes.Name)}
    found = [("", "", 0), *tokens(expression), ("", "", 0), ("", "", 0)]
    return [
        NameToken(text, offset, after[0][1] == "is" or (after[0][1], after[1][1]) in (("|", "default"), ("|", "d")))
        for (_, before, _), (kind, text, offset), *after in zip(found, found[1:], found[2:], found[3:], strict=False)
        if kind == "name" and text in names and before not in (".", "|", "is") and after[0][1] != "="
    ]


def tokens(expression: str) -> list[tuple[str, str, int]]:
    """Return (kind, text, offset) of each token of an expression, without blanks."""
    result: list[tuple[str, str, int]] = []
    offset = -2
    for _, kind, text in _EXPRESSIONS.lexer.tokeniter("{{" + expression + "}}", None):
        if kind not in ("whitespace", "variable_begin", "variable_end"):
            result.append((kind, text, offset))
        offset += len(text)
    return result
