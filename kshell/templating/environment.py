"""The sandbox: a Jinja environment in which a template sees only plain values.

Everything that a template can do is bounded: the text that it makes, its numbers, the iterations of its loops, and the work of
one rendering, which is counted and not timed.
"""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from kshell.core.errors import did_you_mean, listed

MOST_CHARACTERS = 256 * 1024
MOST_ITERATIONS = 1000
MOST_WORK = 10_000_000  # a character that is looked at is 1; the slowest filter takes 0.1 microseconds for each
_WORK_OF_NODE = 20
_WEIGHED, _ITERATION = "#weighed", "#iteration"  # filters that no template can name
_MOST_INTEGER = 10**18


class Unset(Undefined):
    """A declared variable without a value. It is false and empty; a field that holds only it is left out."""


class _CountedContext(Context):
    """The state of one rendering, which counts its work."""

    work = 0

    def spend(self, work: int) -> None:
        """Count ``work``. Raise ``SecurityError`` where it is more than ``MOST_WORK`` in all."""
        self.work += work
        if self.work > MOST_WORK:
            raise SecurityError("its loops do too much work")


class SandboxEnvironment(ImmutableSandboxedEnvironment):
    """An environment that allows only the attributes of a loop, calls of ``range``, and operators with small results."""

    context_class = _CountedContext
    intercepted_binops = frozenset(["+", "*", "**", "%", "//", "/", "-"])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow only the attributes of a loop, such as ``loop.index``."""
        return isinstance(obj, LoopContext) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Calculate with integers, or join with ``+``. Raise ``SecurityError`` for any other use or a result past 10^18."""
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
    """Return ``value``. Raise ``SecurityError`` if its texts are too long together; a text held twice counts twice."""
    _size(value)
    return value


@pass_context
def _weighed_value(context: _CountedContext, value: Any) -> Any:
    """Return ``value``, which is about to be read whole. Count its size as work."""
    context.spend(_size(value))
    return value


@pass_context
def _counted_iteration(context: _CountedContext, passes: Any, work: int) -> Any:
    """Return ``passes``, whether a loop takes an item. Count the work of the iteration in either case."""
    context.spend(work)
    return passes


def _size(value: Any) -> int:
    """Return the size of all that ``value`` holds, counted as often as it is held. Raise ``SecurityError`` for too much."""
    if isinstance(value, range):
        return 20 * len(value)
    size = 0
    held = [value]
    while held:
        item = held.pop()
        size += len(item) if isinstance(item, str) else 20
        _check_size(size)
        held += [*item, *item.values()] if isinstance(item, dict) else item if isinstance(item, list | tuple) else []
    return size


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


def _split(text: object, separator: str = ",") -> list[str]:
    if not separator:
        raise SecurityError("split needs a separator")
    parts = str(text).split(separator)
    _size(parts)
    return parts


def _unless_unset(change: Callable[..., Any]) -> Callable[..., Any]:
    """Make a text filter return an unset variable unchanged, so that its field is left out."""

    @wraps(change)  # keeps the attribute that tells Jinja to pass its context to a filter
    def changed(*arguments: Any, **options: Any) -> Any:
        unset = next((value for value in arguments if isinstance(value, Unset)), None)
        return change(*arguments, **options) if unset is None else unset

    return changed


def _range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > MOST_ITERATIONS:
        raise SecurityError(f"a range of more than {MOST_ITERATIONS}")
    return numbers


def _unchanged(value: object) -> object:
    """Return ``value``. This is the filter ``tojson``: an inserted value always becomes JSON."""
    return value


def make_environment(kind: type[SandboxEnvironment], **options: Any) -> SandboxEnvironment:
    """Return an environment of the class ``kind`` with the few allowed filters; ``options`` are Jinja's."""
    environment = kind(undefined=StrictUndefined, optimized=False, cache_size=0, **options)
    general = "abs count d default first int items last length list string"
    of_text = "capitalize lower title trim truncate upper"
    environment.filters = {name: FILTERS[name] for name in general.split()}
    environment.filters |= {name: _unless_unset(FILTERS[name]) for name in of_text.split()}
    environment.filters |= {"replace": _unless_unset(_replace), "split": _unless_unset(_split)}
    environment.filters |= {"join": _join, "tojson": _unchanged}
    environment.filters |= {"bounded": _bounded_value, _WEIGHED: _weighed_value, _ITERATION: _counted_iteration}
    environment.globals = {"range": _range}
    return environment


def filter_hint(message: str) -> str:
    """Return a hint for Jinja's ``message`` about a method or an unknown filter: the filter to write; else empty."""
    method = re.match(r"access to attribute '(\w+)' of '\w+' object is unsafe", message)
    unknown = re.match(r"No filter named '(\w+)'", message)
    if not method and not unknown:
        return ""
    name = (method or unknown)[1]  # type: ignore[index]
    known = [name for name in make_environment(SandboxEnvironment).filters if name.isidentifier() and name != "bounded"]
    name = _FILTERS_OF_METHODS.get(name, name)
    near = f"write | {name}" if name in known else did_you_mean(name, known)
    return near or f"filters: {listed(sorted(known), most=40)}"


_FILTERS_OF_METHODS = {"strip": "trim", "lstrip": "trim", "rstrip": "trim", "splitlines": "split", "len": "length"}


class BoundNodes(NodeTransformer):
    """Rewrite a parsed expression: operations that the environment cannot bound become filters that it can bound."""

    literal = "bounded"

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - the name is Jinja's
        """Turn ``a ~ b`` into the filter ``join``."""
        self.generic_visit(node)
        return _filter(_filter(nodes.List(node.nodes, lineno=node.lineno), self.literal), "join")

    def _visit_literal(self, node: nodes.Literal) -> nodes.Node:
        """Bound a list: it may hold another list many times, and so on, so a few lines could make gigabytes."""
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else _filter(node, self.literal)

    visit_List = visit_Tuple = visit_Dict = _visit_literal  # noqa: N815 - the names are Jinja's


class CountWork(BoundNodes):
    """Do the same for a template, and count its work: each turn of a loop, each value that an operation looks at whole."""

    literal = _WEIGHED

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the name is Jinja's
        """Count the parts of the loop at every iteration, also at one that the loop's ``if`` passes over."""
        parts = sum(1 for _ in node.find_all(nodes.Node))
        self.generic_visit(node)
        passes = nodes.Const(1, lineno=node.lineno) if node.test is None else node.test
        node.test = _filter(
            cast("nodes.Expr", passes), _ITERATION, nodes.Const(parts * _WORK_OF_NODE, lineno=node.lineno)
        )
        return node

    def _visit_operation(self, node: nodes.Node) -> nodes.Node:
        self.generic_visit(node)
        for name, value in node.iter_fields(exclude=("arg", "dyn_args", "dyn_kwargs")):
            if isinstance(value, nodes.Expr):
                setattr(node, name, _filter(value, _WEIGHED))
            elif isinstance(value, list):
                setattr(node, name, [_filter(it, _WEIGHED) if isinstance(it, nodes.Expr) else it for it in value])
        return node

    visit_Filter = visit_Test = visit_Compare = visit_Operand = visit_Add = _visit_operation  # noqa: N815

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802 - the name is Jinja's
        """A slice copies what it is taken from."""
        self.generic_visit(node)
        node.node = _filter(node.node, _WEIGHED)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Call:  # noqa: N802 - the name is Jinja's
        """``loop.changed`` compares what it is given."""
        self.generic_visit(node)
        node.args = [_filter(argument, _WEIGHED) for argument in node.args]
        return node


def _filter(node: nodes.Expr, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def bounded_text(pieces: Iterable[str]) -> str:
    """Join the pieces of a rendered text. Raise ``SecurityError`` as soon as they are too long together."""
    joined: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        _check_size(size)
        joined.append(piece)
    return "".join(joined)


def _check_size(size: int) -> None:
    if size > MOST_CHARACTERS:
        raise SecurityError(f"it makes more than {MOST_CHARACTERS // 1024} KiB of text")
