"""Find a template, read its header (the leading comment), and render it to a payload.

``environment`` defines what Jinja may do in a template; the rules in ``api`` define what a payload must look like.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from kshell.core.errors import Note, Place, TemplateError, did_you_mean, listed
from kshell.core.models import Account, Payload, Reference, Template, Variable
from kshell.profiles.files import Places, read_text, shown
from kshell.profiles.keys import HEADER_KEYS, NAME, VARIABLE_KEYS
from kshell.profiles.strict_yaml import Document, Node, Table, document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kshell.templating.program import Program

_HEADER = re.compile(r"\s*\{#-?[ \t]*+(.*?)-?#\}", re.DOTALL)
_INTEGER = re.compile(r"(0|-?[1-9][0-9]{0,17})\Z")
_MOST_BYTES = 64 * 1024  # to compile a template takes a second for 64 KiB


def load_template(places: Places, name: str) -> Template:
    """Return the template called ``name``, with its header read. Raises ``TemplateError``.

    The header is a Jinja comment in YAML: ``title`` and ``variables``, each with ``help``, ``default``, ``required`` and
    ``type`` (``text`` or ``integer``). Without ``variables`` every name that the template reads is a required variable.
    """
    origin = places.find("template", name)
    source = read_text(origin.file, TemplateError, most=_MOST_BYTES)
    title, variables = _header(source, shown(origin.file))
    template = Template(name, title, variables or (), origin, source)
    if variables is None:
        names = sorted(_compile(template).names)
        return template._replace(variables=tuple(Variable(name) for name in names))
    return template


def render(template: Template, values: Mapping[str, str]) -> Payload:
    """Return the payload for ``values``, each of which may be any text. Raises ``TemplateError`` with a line.

    ``values`` must hold every required variable. A field that holds only an absent variable is left out.
    """
    program = _checked_program(template)
    text = _run(template, program, typed_values(template, values))
    return _payload(template, text, program)


def inserts_only(template: Template) -> bool:
    """Whether a template only inserts variables. Raises ``TemplateError``."""
    return _checked_program(template).inserts_only


def typed_values(template: Template, values: Mapping[str, str]) -> dict[str, str | int]:
    """Return the values of the template's variables, as text or as integers."""
    return {
        variable.name: _typed(variable, values[variable.name])
        for variable in template.variables
        if variable.name in values
    }


def _typed(variable: Variable, text: str) -> str | int:
    """Return an integer if the variable has that kind and the text is one; else the text, which the rules will report."""
    return int(text) if variable.kind == "integer" and _INTEGER.match(text) else text


# ---- the header


@lru_cache(
    maxsize=64
)  # the shell calls it at every key press; the cache key is the text, so an edited file is read again
def _header(source: str, file: str) -> tuple[str, tuple[Variable, ...] | None]:
    match = _HEADER.match(source)
    if not match:
        return "", None
    header = document(file, match[1], TemplateError, before=source[: match.start(1)])
    table = Table(header, header.root, "a template's header", HEADER_KEYS)
    title = table.text("title", "")
    if table.get("variables") is None:
        return title, None
    entries = table.mapping("variables", "NAME: {help: …, default: …}")
    return title, tuple(_variable(header, key, value) for key, value in entries.values())


def _variable(document: Document, key: Node, node: Node) -> Variable:
    name = cast("str", key.value)
    if not re.fullmatch(NAME, name):
        document.fail(key, f"{name!r} cannot name a variable", "a name is letters, digits and _")
    if node.value == "":
        return Variable(name)
    table = Table(document, node, f"the variable {name}", VARIABLE_KEYS)
    default = table.text("default") if table.get("default") else None
    kind = table.text("type", "text")
    if kind not in ("text", "integer"):
        table.fail("type", f"a type is text or integer, not {kind!r}", "write type: integer, or remove the line")
    return Variable(
        name=name,
        help=table.text("help", ""),
        default=default,
        required=table.flag("required", default=default is None),
        kind="integer" if kind == "integer" else "text",
    )


# ---- the body


def _compile(template: Template) -> Program:
    from jinja2 import TemplateSyntaxError

    from kshell.templating.environment import filter_hint
    from kshell.templating.program import compile_template

    header = _HEADER.match(template.source)
    # empty lines replace the header, so that line numbers in the compiled and in the rendered text are those of the file
    body = "\n" * header[0].count("\n") + template.source[header.end() :] if header else template.source
    try:
        return compile_template(body, shown(template.origin.file))
    except TemplateSyntaxError as error:
        # Jinja's offset counts from the template's first character
        message = re.sub(r" at \d+\Z", "", error.message or "not Jinja")
        hint = filter_hint(message) or _mend_hint(template, error.lineno)
        raise _fault(template, error.lineno, message, hint) from None
    except Exception as error:  # noqa: BLE001 - nesting too deep raises different errors
        raise _fault(template, 0, f"Jinja cannot compile it: {type(error).__name__}", "make it simpler") from None


@lru_cache(maxsize=16)  # the rows of a file, and a payload's two previews, have one template
def _checked_program(template: Template) -> Program:
    """Return the compiled template. Raise ``TemplateError`` for a name that its header does not declare."""
    program = _compile(template)
    declared = [variable.name for variable in template.variables]
    for name, line in sorted(program.names.items(), key=itemgetter(1)):
        if name not in declared:
            hint = did_you_mean(name, declared) or f"add it to the header's variables: {name}:"
            raise _fault(template, line, f"{name!r} is not declared", hint)
    return program


def _run(template: Template, program: Program, values: Mapping[str, str | int]) -> str:
    from kshell.templating.environment import filter_hint
    from kshell.templating.program import line_of

    try:
        return program.render(values)
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        message = str(error) or type(error).__name__
        line = line_of(error, shown(template.origin.file))
        raise _fault(template, line, message, filter_hint(message) or _mend_hint(template, line)) from None


def _payload(template: Template, text: str, program: Program) -> Payload:
    from kshell.templating.payload_text import parse

    if not text.strip():
        raise _fault(template, 0, "it renders to nothing", "a payload begins with { and ends with }")
    try:
        payload = parse(text)
    except json.JSONDecodeError as error:
        raise _not_json(template, text, error, program) from None
    except (ValueError, RecursionError) as error:
        raise _fault(template, 0, f"it does not render to JSON: {error}", _mend_hint(template, 0)) from None
    if not isinstance(payload, dict):
        raise _fault(template, 0, "it does not render to a JSON object", "a payload begins with { and ends with }")
    return cast("Payload", payload)


def _not_json(template: Template, text: str, error: json.JSONDecodeError, program: Program) -> TemplateError:
    file = shown(template.origin.file)
    same = text.count("\n") + 1 == program.lines  # else the lines of the text are not those of the file
    place = Place.in_text(file if same else f"{file} (rendered)", text, error.lineno, error.colno)
    hint = f"the line above is the rendered one; {_mend_hint(template, error.lineno if same else 0)}"
    if not place.text.strip():
        hint = f"the payload ends too early; {_mend_hint(template, 0)}"
    return TemplateError(f"it does not render to JSON: {error.msg}", hint=hint, at=place)


def _mend_hint(template: Template, line: int) -> str:
    where = f"line {line} of {shown(template.origin.file)}" if line else shown(template.origin.file)
    return f"mend {where}, then kshell render -t {template.name}"


def _fault(template: Template, line: int, message: str, hint: str) -> TemplateError:
    if line == 0:
        return TemplateError(f"{shown(template.origin.file)}: {message}", hint=hint)
    place = Place.in_text(shown(template.origin.file), template.source, line, 0)
    return TemplateError(message, hint=hint, at=place._replace(column=_column(place.text, message)))


def _column(line: str, message: str) -> int:
    """Return the column of a name that ``message`` quotes; 0 if ``line`` contains none of them exactly once."""
    for quoted in re.findall("'([^']+)'", message):
        columns = [match.start() + 1 for match in re.finditer(rf"(?<!\w){re.escape(quoted)}(?!\w)", line)]
        if len(columns) == 1:
            return columns[0]
    return 0


def describe(variable: Variable) -> str:
    """Return a variable's help, and what happens if it is not set."""
    ending = f"default {variable.default}" if variable.default is not None else ""
    ending = ending or ("required" if variable.required else "optional")
    if variable.name == "otp" and variable.default is None:
        ending = "generated when not set"
    return f"{variable.help} ({ending})" if variable.help else ending


def unread_variables(account: Account, template: Template) -> list[Note]:
    """Return a warning for each variable of an account that ``template``, which is the account's, does not have."""
    return [
        Note(
            "warning",
            f"account {account.name}: the template {template.name} has no variable {str(name)!r}",
            name.place() if isinstance(name, Reference) else None,
            unknown_variable_hint(template, name),
        )
        for name in template.unknown(account.variables)
    ]


def unknown_variable_hint(template: Template, name: str) -> str:
    """Return a hint for ``name``, which is not a variable of the template: a similar name, or all names."""
    names = [variable.name for variable in template.variables]
    return did_you_mean(name, names) or f"variables of {template.name}: {listed(names, most=20)}"
