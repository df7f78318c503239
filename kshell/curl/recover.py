"""A payload -> the values with which a template renders to it, or a new template for it.

A template is rendered with a marker for each variable. The text of the payload at a marker is the variable's value.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import cast

from kshell.api.endpoints import FIELDS
from kshell.api.payload import texts_at, token
from kshell.core.errors import KshellError
from kshell.core.json_text import dumps
from kshell.core.models import Json, Payload, Template
from kshell.curl.command import PLACEHOLDER
from kshell.templating import templates

_OPEN, _CLOSE = "\ue000", "\ue001"  # of the private use area
_MARKER = re.compile(f"{_OPEN}(\\w+){_CLOSE}")
_CODE_MASKED, _CODE_MASKED_AGAIN = "J$FpXXXX", "J$FXXXXp"  # the page's sample masks one code as two texts


def recover(template: Template, payload: Payload) -> dict[str, str] | None:
    """Return the values with which ``template`` renders to ``payload``, or None if it cannot."""
    markers = {variable.name: f"{_OPEN}{variable.name}{_CLOSE}" for variable in template.variables}
    values: dict[str, str] = {}
    try:
        skeleton = templates.render(template, markers)
        payload = cast("Payload", _normalised(skeleton, payload))
        _compare(skeleton, payload, values)
        rendered = templates.render(template, values)
    except KshellError:
        return None
    if json.dumps(rendered, sort_keys=True) != json.dumps(payload, sort_keys=True):  # 1 is not True
        return None
    return {variable.name: values[variable.name] for variable in template.variables if variable.name in values}


def _normalised(skeleton: Json, value: Json) -> Json:
    """Return ``value`` without peculiarities of the API's page: placeholders like ``<type>``, a second mask of one code."""
    if isinstance(skeleton, dict) and isinstance(value, dict):
        return {name: _normalised(skeleton.get(name), item) for name, item in value.items()}
    if isinstance(skeleton, list) and isinstance(value, list) and len(skeleton) == len(value):
        return [_normalised(inner, item) for inner, item in zip(skeleton, value, strict=True)]
    if value == _CODE_MASKED_AGAIN:
        return _CODE_MASKED
    if not isinstance(value, str) or not PLACEHOLDER.fullmatch(value):
        return value
    marked = not isinstance(skeleton, str) or _MARKER.search(skeleton)
    return value.replace("-", "_") if marked else skeleton  # the page has <one-time-password> and <one_time_password>


def _compare(skeleton: Json, value: Json, values: dict[str, str]) -> None:
    """Add to ``values`` the texts that ``value`` has at the markers of ``skeleton``; the first one of a variable counts."""
    if isinstance(skeleton, dict) and isinstance(value, dict):
        for name in filter(value.__contains__, skeleton):  # a set would have no order
            _compare(skeleton[name], value[name], values)
    elif isinstance(skeleton, list) and isinstance(value, list):
        for inner, item in zip(skeleton, value, strict=False):
            _compare(inner, item, values)
    elif isinstance(skeleton, str) and isinstance(value, str | int) and not isinstance(value, bool):
        _match_text(skeleton, str(value), values)


def _match_text(skeleton: str, text: str, values: dict[str, str]) -> None:
    pieces = _MARKER.split(skeleton)  # texts and names, alternating
    pattern = "".join(re.escape(piece) if index % 2 == 0 else "(.*)" for index, piece in enumerate(pieces))
    match = re.fullmatch(pattern, text, re.DOTALL)
    for name, value in zip(pieces[1::2], match.groups() if match else (), strict=False):
        values.setdefault(name, value)


# ---- a new template


def new_template(payload: Payload) -> tuple[str, dict[str, str]]:
    """Return a template's source with variables at the API's fields, and the values they have in ``payload``."""
    names = dict(_variable_names(payload))
    values: dict[str, str] = {}
    body = _with_variables(payload, "", names, values)
    terms = {field.variable: field.name.replace("_", " ") for field in reversed(FIELDS)}
    header = "".join(f"  {name}: {{help: {dumps(terms[name])}}}\n" for name in values)
    text = dumps(body, avoid="{")
    for name in values:
        text = text.replace(dumps(f"{_OPEN}{name}{_CLOSE}"), f'"{{{{ {name} }}}}"')
    title = "{#\ntitle: A message imported from a curl command\n"
    return f"{title}{'variables:' if values else 'variables: {}'}\n{header}#}}\n{text}\n", values


def _variable_names(payload: Payload) -> Iterator[tuple[str, str]]:
    """Yield (pointer, variable) of every text in ``payload`` that is a field with a variable.

    A parameter is a code only where each field of the code has the same single text; else it is another kind of message's.
    """
    codes = [texts_at(payload, [field.pointer]) for field in FIELDS if field.role == "code"]
    has_code = all(len(texts) == 1 for texts in codes) and len({text for [(_, text)] in codes}) == 1
    for field in FIELDS:
        if field.variable and field.kind == "text" and (has_code or field.role != "code"):
            yield from ((pointer, field.variable) for pointer, _ in texts_at(payload, [field.pointer]))


def _with_variables(value: Json, pointer: str, names: Mapping[str, str], values: dict[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _with_variables(item, f"{pointer}/{token(name)}", names, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_variables(item, f"{pointer}/{index}", names, values) for index, item in enumerate(value)]
    name = names.get(pointer, "")
    if not name or not isinstance(value, str) or values.setdefault(name, value) != value:
        return value
    return f"{_OPEN}{name}{_CLOSE}"
