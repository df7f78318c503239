"""Compile a template into a ``Program``, which renders values to the JSON text of a payload."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from jinja2 import Template as JinjaTemplate
from jinja2 import TemplateSyntaxError, Undefined, nodes

from kshell.templating.environment import CountWork, SandboxEnvironment, Unset, bounded_text, make_environment
from kshell.templating.payload_text import MARK_EDGE, UNSET_MARK, assemble, mark

# These statements make a text from a text. A payload template would insert it as one value, in quotes.
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


_INSERTING = (nodes.Output, nodes.TemplateData, nodes.Name)


class Program:
    """A compiled template. ``names`` are the variables it reads, each with the first line that reads it.

    ``lines`` is its number of lines, 0 if it has a loop. A rendered text with as many lines matches the file line by line.
    ``inserts_only`` is whether it has nothing but text and variables: no statement, no filter, no operation.
    """

    def __init__(self, template: JinjaTemplate, names: Mapping[str, int], lines: int, *, inserts_only: bool) -> None:
        self._template = template
        self.names = names
        self.lines = lines
        self.inserts_only = inserts_only

    def render(self, values: Mapping[str, str | int]) -> str:
        """Return the JSON text. A name without a value is ``Unset``. Raise what the template raises."""
        unset = {name: Unset(name=name) for name in self.names if name not in values}
        return assemble(bounded_text(self._template.generate({**unset, **values})))


@lru_cache(maxsize=16)  # a template without a header is compiled whenever it is read
def compile_template(source: str, file: str) -> Program:
    """Compile a template. Raise ``jinja2.TemplateSyntaxError``, with a line, if it is not Jinja or has a refused statement.

    Raise Python's own error if it is nested too deep or has a number with too many digits.
    """
    tree = _ENVIRONMENT.parse(source, filename=file)
    for node in tree.find_all(tuple(_REFUSED)):
        raise TemplateSyntaxError(f"a payload template has no {_REFUSED[type(node)]}", node.lineno, filename=file)
    loops = list(tree.find_all(nodes.For))
    for loop in loops:
        if loop.recursive:
            raise TemplateSyntaxError("a payload template has no recursive loop", loop.lineno, filename=file)
    for edge in MARK_EDGE.finditer(source):
        raise TemplateSyntaxError("a control character", source.count("\n", 0, edge.start()) + 1, filename=file)
    inserts_only = all(isinstance(node, _INSERTING) for node in tree.find_all(nodes.Node))
    tree = CountWork().visit(tree)
    code = _ENVIRONMENT.compile(tree, name=file, filename=file)
    template = _ENVIRONMENT.template_class.from_code(_ENVIRONMENT, code, _ENVIRONMENT.make_globals(None))
    return Program(template, _names(tree), 0 if loops else source.count("\n") + 1, inserts_only=inserts_only)


def _names(tree: nodes.Template) -> dict[str, int]:
    uses = list(tree.find_all(nodes.Name))
    defined = {node.name for node in uses if node.ctx != "load"} | {"loop"} | _ENVIRONMENT.globals.keys()
    names: dict[str, int] = {}
    for node in uses:
        if node.name not in defined:
            names[node.name] = min(node.lineno, names.get(node.name, node.lineno))
    return names


def _finalize(value: object) -> str:
    if isinstance(value, Unset):
        return UNSET_MARK
    if isinstance(value, Undefined):
        return str(value)  # raises with the undefined name
    return mark(value)


_ENVIRONMENT = make_environment(SandboxEnvironment, finalize=_finalize, keep_trailing_newline=True)


def line_of(error: BaseException, file: str) -> int:
    """Return the line of the template ``file`` that raised ``error``; 0 if it is not known."""
    return max(_lines(error, file), default=0)


def _lines(error: BaseException, file: str) -> Iterator[int]:
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            yield trace.tb_lineno
        trace = trace.tb_next
