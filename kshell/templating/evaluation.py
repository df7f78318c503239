"""Check the expressions of ``{{ … }}``, ``expect`` and ``capture``, split them into tokens, and evaluate them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import TemplateAssertionError, TemplateSyntaxError, Undefined, nodes

from kshell.templating.environment import BoundNodes, SandboxEnvironment, make_environment

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Expressions(SandboxEnvironment):
    """An environment in which ``a.b`` on a mapping is a key, never a method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


_EXPRESSIONS = make_environment(_Expressions)


def evaluate(expression: str, names: Mapping[str, object]) -> object:
    """Return the value of a Jinja expression over plain values. Raise what evaluation raises, also for an unknown name."""
    tree = _EXPRESSIONS.parse("{{" + expression + "}}")
    tree = BoundNodes().visit(tree)
    assign = nodes.Assign(nodes.Name("result", "store"), _single(tree), lineno=1)
    program = nodes.Template([assign], lineno=1)
    program.set_environment(_EXPRESSIONS)
    code = _EXPRESSIONS.compile(program)
    module = _EXPRESSIONS.template_class.from_code(_EXPRESSIONS, code, _EXPRESSIONS.make_globals(None))
    value = getattr(module.make_module(dict(names)), "result")  # noqa: B009 - a name of the template, not of the class
    if isinstance(value, Undefined):
        str(value)  # raises with the undefined name
    return value


def _single(tree: nodes.Template) -> nodes.Expr:
    output = tree.body[0] if len(tree.body) == 1 else None
    if (
        not isinstance(output, nodes.Output)
        or len(output.nodes) != 1
        or isinstance(output.nodes[0], nodes.TemplateData)
    ):
        raise TemplateSyntaxError("write exactly one expression", 1)
    return output.nodes[0]


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


def tokens(expression: str) -> list[tuple[str, str, int]]:
    """Return (kind, text, offset) of each token of an expression, without blanks."""
    result: list[tuple[str, str, int]] = []
    offset = -2
    for _, kind, text in _EXPRESSIONS.lexer.tokeniter("{{" + expression + "}}", None):
        if kind not in ("whitespace", "variable_begin", "variable_end"):
            result.append((kind, text, offset))
        offset += len(text)
    return result
