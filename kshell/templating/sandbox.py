"""The one door to Jinja: a sandbox in which a template sees plain values, makes JSON, and stays small.

A value inserted by ``{{ … }}`` leaves Jinja as a token (U+0000, its JSON, U+0001) and becomes text only in ``assemble``, which
knows whether the token stands inside a JSON string. That is why no value can break out of its string or add a field.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from jinja2 import Template as JinjaTemplate

MOST_CHARACTERS = 256 * 1024
MOST_TURNS = 1000
_MOST_INTEGER = 10**18

_TOKEN_EDGE = re.compile("[\x00\x01]")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_UNSET = "-Infinity"  # no value writes it: values are strings, integers or quoted; nor does anybody who writes JSON

# A payload is JSON with values in it; what makes text of text would be inserted as one value, in quotes.
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter block",
    nodes.AssignBlock: "set block",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.ScopedEvalContextModifier: "autoescape",
}


class Unset(Undefined):
    """A declared variable that has no value: false, empty in text, and the field that holds only it is left out."""


class Program:
    """A template, compiled. ``names`` are the variables it reads, each with the line that reads it first.

    ``lines`` is how many lines it has, 0 where a line can come out twice: what renders to as many is line for line the file.
    """

    def __init__(self, template: JinjaTemplate, names: Mapping[str, int], lines: int) -> None:
        self._template = template
        self.names = names
        self.lines = lines

    def render(self, values: Mapping[str, str | int]) -> str:
        """The JSON text. A name without a value is ``Unset``. Raises what the template raises."""
        unset = {name: Unset(name=name) for name in self.names if name not in values}
        return assemble(_bounded(self._template.generate({**unset, **values})))


@lru_cache(maxsize=16)  # the rows of a file, and a payload's two previews, have one template
def compile_template(source: str, file: str) -> Program:
    """Raises ``jinja2.TemplateSyntaxError``, with a line, for what is not Jinja or not allowed here.

    Nesting too deep, or a number too long, is whatever Python raises for it.
    """
    tree = _ENVIRONMENT.parse(source, filename=file)
    for node in tree.find_all(tuple(_REFUSED)):
        raise TemplateSyntaxError(f"a payload template has no {_REFUSED[type(node)]}", node.lineno, filename=file)
    loops = list(tree.find_all(nodes.For))
    for loop in loops:
        if loop.recursive:
            raise TemplateSyntaxError("a payload template has no recursive loop", loop.lineno, filename=file)
    for edge in _TOKEN_EDGE.finditer(source):
        raise TemplateSyntaxError("a control character", source.count("\n", 0, edge.start()) + 1, filename=file)
    tree = _Bound().visit(tree)
    code = _ENVIRONMENT.compile(tree, name=file, filename=file)
    template = _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, _ENVIRONMENT.make_globals(None))
    return Program(template, _names(tree), 0 if loops else source.count("\n") + 1)


def assemble(text: str) -> str:
    """Turn every token into text: quoted outside of a JSON string, escaped inside of one.

    An unset variable that has a string to itself takes its quotes with it, so that ``parse`` can leave the field out.
    Raises ``ValueError`` where a backslash would become one with what is inserted behind it.
    """
    pieces = _TOKEN_EDGE.split(text)  # text and tokens by turns
    done: list[str] = []
    inside = False
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            inside = _ends_inside(piece, inside=inside)
            done.append(piece)
            if index + 1 < len(pieces) and _ESCAPED.sub("_", piece).endswith("\\"):
                raise ValueError("a value stands right behind a backslash")
        elif piece or not inside:
            done.append(_inner(piece) if inside else piece or _UNSET)
        elif _just_opened(done[-1]) and pieces[index + 1].startswith('"'):
            done[-1] = done[-1][:-1]
            pieces[index + 1] = pieces[index + 1][1:]
            done.append(_UNSET)
            inside = False
    return "".join(done)


def parse(text: str) -> object:
    """The JSON value of an assembled text, its unset fields left out. Raises ``json.JSONDecodeError``, ``ValueError``.

    A container that is empty because all of it was unset is left out too.
    """
    decoded = _pruned(json.loads(text, parse_constant=_constant, object_pairs_hook=_members))
    return {} if decoded is _LEFT_OUT else decoded


_LEFT_OUT = object()


def _constant(name: str) -> object:
    if name == _UNSET:
        return _LEFT_OUT
    raise ValueError(f"{name} is not JSON")


def _members(pairs: list[tuple[str, object]]) -> object:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"the field {name!r} is written twice")
        members[name] = _pruned(value)
    return members


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        kept: object = {name: item for name, item in value.items() if item is not _LEFT_OUT}
    elif isinstance(value, list):
        kept = [item for item in map(_pruned, value) if item is not _LEFT_OUT]
    else:
        return value
    return _LEFT_OUT if value and not kept else kept


def _ends_inside(piece: str, *, inside: bool) -> bool:
    quotes = _ESCAPED.sub("_", piece).count('"')
    return inside ^ (quotes % 2 == 1)


def _just_opened(piece: str) -> bool:
    return _ESCAPED.sub("_", piece).endswith('"')


def _inner(token: str) -> str:
    value = json.loads(token)
    text = value if isinstance(value, str) else token
    return json.dumps(text)[1:-1]


def _finalize(value: object) -> str:
    if isinstance(value, Unset):
        return "\x00\x01"
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is not defined
    return f"\x00{json.dumps(value, allow_nan=False)}\x01"


def _bounded(pieces: Iterable[str]) -> str:
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


def _names(tree: nodes.Template) -> dict[str, int]:
    found = list(tree.find_all(nodes.Name))
    own = {node.name for node in found if node.ctx != "load"} | {"loop"} | _ENVIRONMENT.globals.keys()
    names: dict[str, int] = {}
    for node in found:
        if node.name not in own:
            names[node.name] = min(node.lineno, names.get(node.name, node.lineno))
    return names


class _Bound(NodeTransformer):
    """What the sandbox does not let be bounded becomes something that is."""

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


class _Environment(ImmutableSandboxedEnvironment):
    """No attribute but a loop's, no call but ``range``, no operator that makes much of little."""

    intercepted_binops = frozenset(["+", "*", "**", "%", "//", "/", "-"])

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return isinstance(obj, LoopContext) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
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


class _Expressions(_Environment):
    """For ``{{ … }}``, ``expect`` and ``capture``: a mapping's own keys stand before its methods."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def evaluate(expression: str, names: Mapping[str, object]) -> object:
    """The value of a Jinja expression over plain values. Raises what the expression raises, and for an unknown name."""
    tree = _EXPRESSIONS.parse("{{" + expression + "}}")
    tree = _Bound().visit(tree)
    assign = nodes.Assign(nodes.Name("result", "store"), _single(tree), lineno=1)
    program = nodes.Template([assign], lineno=1)
    program.set_environment(_EXPRESSIONS)
    code = _EXPRESSIONS.compile(program)
    module = _EXPRESSIONS.template_class.from_code(_EXPRESSIONS, code, _EXPRESSIONS.make_globals(None))
    value = getattr(module.make_module(dict(names)), "result")  # noqa: B009 - a name of the template, not of the class
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is not defined
    return value


def _single(tree: nodes.Template) -> nodes.Expr:
    output = tree.body[0] if len(tree.body) == 1 else None
    if (
        not isinstance(output, nodes.Output)
        or len(output.nodes) != 1
        or isinstance(output.nodes[0], nodes.TemplateData)
    ):
        raise TemplateSyntaxError("one expression is wanted", 1)
    return output.nodes[0]


def check_expression(expression: str) -> None:
    """Raises ``jinja2.TemplateSyntaxError`` for what is not one expression, or names a filter or a test that there is not."""
    _EXPRESSIONS.from_string("{{" + expression + "}}")
    _single(_EXPRESSIONS.parse("{{" + expression + "}}"))


def tokens(expression: str) -> list[tuple[str, str, int]]:
    """(kind, text, offset) of what an expression is made of, blanks left out."""
    found: list[tuple[str, str, int]] = []
    offset = -2
    for _, kind, text in _EXPRESSIONS.lexer.tokeniter("{{" + expression + "}}", None):
        if kind not in ("whitespace", "variable_begin", "variable_end"):
            found.append((kind, text, offset))
        offset += len(text)
    return found


def text_of(value: object) -> str:
    """A value as a word: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _environment(kind: type[_Environment], **options: Any) -> _Environment:
    environment = kind(undefined=StrictUndefined, optimized=False, cache_size=0, **options)
    kept = "abs count d default first int items last length list string"
    of_text = "capitalize lower title trim truncate upper"
    environment.filters = {name: FILTERS[name] for name in kept.split()}
    environment.filters |= {name: _unless_unset(FILTERS[name]) for name in of_text.split()}
    environment.filters |= {"replace": _unless_unset(_replace), "join": _join, "tojson": _itself}
    environment.filters["bounded"] = _bounded_value
    environment.globals = {"range": _range}
    return environment


_ENVIRONMENT = _environment(_Environment, finalize=_finalize, keep_trailing_newline=True)
_EXPRESSIONS = _environment(_Expressions)


def line_of(error: BaseException, file: str) -> int:
    """The template's line an exception came from; 0 where it is not known."""
    return max(_lines(error, file), default=0)


def _lines(error: BaseException, file: str) -> Iterator[int]:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            yield trace.tb_lineno
        trace = trace.tb_next
