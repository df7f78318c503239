"""The sandbox: a Jinja environment in which a program sees plain values, and can make neither much text nor large numbers.

Everything that it lets a program do is bounded: the text that it makes, its numbers, the turns of its loops, and the work of
one rendering, which is counted and not timed.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, cast

from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_CHARACTERS = 256 * 1024
MOST_TURNS = 1000
MOST_WORK = 10_000_000  # a character that is looked at is 1; the slowest filter takes 0.1 microseconds for each
_WORK_OF_NODE = 20
_MOST_INTEGER = 10**18


class Unset(Undefined):
    """A declared variable that has no value: false, empty in text, and the field that holds only it is left out."""


class _CountedContext(Context):
    """The state of one rendering, which counts its work."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.work = 0

    def spend(self, work: int) -> None:
        """Count ``work``. Raise ``SecurityError`` where it is more than ``MOST_WORK`` in all."""
        self.work += work
        if self.work > MOST_WORK:
            raise SecurityError("its loops do too much work")


class SandboxEnvironment(ImmutableSandboxedEnvironment):
    """An environment without attributes but a loop's, calls but ``range``, and operators that make much of little."""

    context_class = _CountedContext
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
    """``value``, where all that it holds is not too much."""
    _size(value)
    return value


@pass_context
def _weighed_value(context: _CountedContext, value: Any) -> Any:
    """``value``, which is about to be looked at whole. Its size is counted as work."""
    context.spend(_size(value))
    return value


@pass_context
def _counted_turn(context: _CountedContext, passes: Any, work: int) -> Any:
    """``passes``, which says whether a loop takes an item. The work of the turn is counted either way."""
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
    made.filters |= {"bounded": _bounded_value, "weighed": _weighed_value, "turn": _counted_turn}
    made.globals = {"range": _range}
    return made


class BoundNodes(NodeTransformer):
    """Replace in a parsed expression the operations that the environment cannot bound by filters that it can."""

    literal = "bounded"

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802 - the name is Jinja's
        """``a ~ b`` becomes a filter."""
        self.generic_visit(node)
        return _filter(_filter(nodes.List(node.nodes, lineno=node.lineno), self.literal), "join")

    def _visit_literal(self, node: nodes.Literal) -> nodes.Node:
        """A list may hold another many times over, and that one too: a few lines would make gigabytes."""
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else _filter(node, self.literal)

    visit_List = visit_Tuple = visit_Dict = _visit_literal  # noqa: N815 - the names are Jinja's


class CountWork(BoundNodes):
    """Do the same for a template, and count its work: each turn of a loop, each value that an operation looks at whole."""

    literal = "weighed"

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the name is Jinja's
        """Every turn counts the parts of the loop, also a turn that the loop's ``if`` passes over."""
        parts = sum(1 for _ in node.find_all(nodes.Node))
        self.generic_visit(node)
        passes = nodes.Const(1, lineno=node.lineno) if node.test is None else node.test
        node.test = _filter(cast("nodes.Expr", passes), "turn", nodes.Const(parts * _WORK_OF_NODE, lineno=node.lineno))
        return node

    def _visit_operation(self, node: nodes.Node) -> nodes.Node:
        self.generic_visit(node)
        for name, value in node.iter_fields(exclude=("arg", "dyn_args", "dyn_kwargs")):
            if isinstance(value, nodes.Expr):
                setattr(node, name, _filter(value, "weighed"))
            elif isinstance(value, list):
                setattr(node, name, [_filter(it, "weighed") if isinstance(it, nodes.Expr) else it for it in value])
        return node

    visit_Filter = visit_Test = visit_Compare = visit_Operand = visit_Add = _visit_operation  # noqa: N815

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802 - the name is Jinja's
        """A slice copies what it is taken from."""
        self.generic_visit(node)
        node.node = _filter(node.node, "weighed")
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Call:  # noqa: N802 - the name is Jinja's
        """``loop.changed`` compares what it is given."""
        self.generic_visit(node)
        node.args = [_filter(argument, "weighed") for argument in node.args]
        return node


def _filter(node: nodes.Expr, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=node.lineno)


def bounded_text(pieces: Iterable[str]) -> str:
    """Join the pieces of a rendered text. Raise ``SecurityError`` as soon as they are too much."""
    done: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        _check_size(size)
        done.append(piece)
    return "".join(done)


def _check_size(size: int) -> None:
    if size > MOST_CHARACTERS:
        raise SecurityError(f"it makes more than {MOST_CHARACTERS // 1024} KiB of text")
