"""The sandbox: a Jinja environment in which a program sees plain values, and can make neither much text nor large numbers.

Everything that it lets a program do is bounded: the text that it makes, its numbers, the turns of its loops.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_CHARACTERS = 256 * 1024
MOST_TURNS = 1000
_MOST_INTEGER = 10**18


class Unset(Undefined):
    """A declared variable that has no value: false, empty in text, and the field that holds only it is left out."""


class SandboxEnvironment(ImmutableSandboxedEnvironment):
    """An environment without attributes but a loop's, calls but ``range``, and operators that make much of little."""

    intercepted_binops = frozenset(["+", "*", "**", "%", "//", "/", "-"])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow the attributes of a loop alone, such as ``loop.index``."""
        return isinstance(obj, LoopContext) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate with whole numbers, and join with ``+``. Raise ``SecurityError`` for another use, or too large a result."""
        numbers = isinstance(left, int) and isinstance(right, int)
        if operator == "**" or not (numbers or operator == "+"):
            raise SecurityError(f"{operator} is for whole numbers only" if operator != "**" else "** is not allowed")
        if not numbers:
            _bounded_value([left, right])
        result = super().call_binop(context, operator, left, right)
        if isinstance(result, int) and abs(result) > _MOST_INTEGER:
            raise SecurityError("a number past 10^18")
        return result


def _bounded_value(value: Any) -> Any:
    """``value``, where all that it holds is not too much, counted as often as it is held."""
    size = 0
    held = [value]
    while held:
        item = held.pop()
        size += len(item) if isinstance(item, str) else 20
        _check_size(size)
        held += [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list | tuple) else []
    return value


def _join(items: Iterable[object], separator: str = "") -> str:
    texts: list[str] = []
    size = 0
    for item in items:
        texts.append(str(item))
        size += len(texts[-1]) + len(separator)
        _check_size(size)
    return separator.join(texts)


def _replace(text: object, old: str, new: str) -> str:
    original = str(text)
    _check_size(len(original) + original.count(old) * len(new))
    return original.replace(old, new)


def _unless_unset(change: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that makes other text of a text leaves an unset variable unset, so that its field is left out."""

    @wraps(change)  # with the mark by which Jinja knows what else a filter is given
    def changed(*arguments: Any, **options: Any) -> Any:
        unset = next((value for value in arguments if isinstance(value, Unset)), None)
        return change(*arguments, **options) if unset is None else unset

    return changed


def _range(*arguments: int) -> range:
    turns = range(*arguments)
    if len(turns) > MOST_TURNS:
        raise SecurityError(f"a range of more than {MOST_TURNS}")
    return turns


def _itself(value: object) -> object:
    """``tojson``: what is inserted always becomes JSON, so there is nothing left to do."""
    return value


def make_environment(kind: type[SandboxEnvironment], **options: Any) -> SandboxEnvironment:
    """Make an environment of the class ``kind`` with the few filters that are allowed; ``options`` are Jinja's."""
    made = kind(undefined=StrictUndefined, optimized=False, cache_size=0, **options)
    kept = "abs count d default first int items last length list string"
    of_text = "capitalize lower title trim truncate upper"
    made.filters = {name: FILTERS[name] for name in kept.split()}
    made.filters |= {name: _unless_unset(FILTERS[name]) for name in of_text.split()}
    made.filters |= {"replace": _unless_unset(_replace), "join": _join, "tojson": _itself}
    made.filters["bounded"] = _bounded_value
    made.globals = {"range": _range}
    return made


class BoundNodes(NodeTransformer):
    """Replace in a parsed program the operations that the environment cannot bound by filters that it can."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - the name is Jinja's
        """``a ~ b`` becomes a filter."""
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "join")

    def _visit_literal(self, node: nodes.Literal) -> nodes.Node:
        """A list may hold another many times over, and that one too: a few lines would make gigabytes."""
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else _filter(node, "bounded")

    visit_List = visit_Tuple = visit_Dict = _visit_literal  # noqa: N815 - the names are Jinja's

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the name is Jinja's
        """Every turn of a loop puts out a piece, if an empty one."""
        self.generic_visit(node)
        node.body.insert(0, nodes.Output([nodes.TemplateData("")], lineno=node.lineno))
        return node


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def bounded_text(pieces: Iterable[str]) -> str:
    """Join the pieces of a rendered text. Raise ``SecurityError`` as soon as they are too much."""
    done: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece) + 1  # an empty piece is a turn of a loop, and these are bounded too
        _check_size(size)
        done.append(piece)
    return "".join(done)


def _check_size(size: int) -> None:
    if size > MOST_CHARACTERS:
        raise SecurityError(f"it makes more than {MOST_CHARACTERS // 1024} KiB of text")
