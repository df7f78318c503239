r"""What PowerShell would send: the literals of a program, read from tree-sitter's tree by PowerShell's published rules.

Read are the constructs that a snippet uses and no others. Microsoft: *about_Quoting_Rules*, *about_Special_Characters*,
*about_Hash_Tables*, *about_Arrays*, *about_Operators* (the comma).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_PART = re.compile(r"`(.)|\$\(\[char\](?:::ConvertFromUtf32\()?0x([0-9a-f]+)\)?\)|[^`$]", re.DOTALL)


def request_of_program(text: str, environment: dict[str, str]) -> dict[str, Any]:
    """Return the hashtable that the program gives to Invoke-RestMethod, with its Body as JSON text."""
    import tree_sitter
    import tree_sitter_powershell as grammar

    text = text.replace("`n#", "`n`#")  # the same text, which this grammar otherwise reads as a comment
    root = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(text.encode()).root_node
    assert not root.has_error
    assert "Invoke-RestMethod @request |" in text
    variables: dict[str, Any] = {"null": None, "true": True, "false": False}
    variables |= {f"env:{name}": value for name, value in environment.items()}
    for node in _all(root, "assignment_expression"):
        name = node.named_children[0].text.decode().removeprefix("$")
        variables[name] = _value(node.named_children[-1], variables)
    return variables["request"]


def _all(node: Any, kind: str) -> list[Any]:
    return [node] if node.type == kind else [found for child in node.named_children for found in _all(child, kind)]


def _value(node: Any, variables: dict[str, Any]) -> Any:
    read = _READERS.get(node.type)
    if read:
        return read(node, variables)
    (child,) = node.named_children
    return _value(child, variables)


def _text(node: Any) -> str:
    return node.text.decode()


def _items(node: Any, variables: dict[str, Any]) -> Any:
    items = [_value(child, variables) for child in node.named_children]
    return items if len(items) > 1 else items[0]  # without a comma it is no list


def _cast(node: Any, variables: dict[str, Any]) -> Any:
    assert _text(node).startswith("[ordered]@{")
    return _value(node.named_children[-1], variables)


def _body(node: Any, variables: dict[str, Any]) -> str:
    assert _text(node) == "[Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $payload -Depth 100))"
    return json.dumps(variables["payload"])


def _unary(node: Any, variables: dict[str, Any]) -> Any:
    text, value = _text(node), _value(node.named_children[-1], variables)
    return -value if text.startswith("-") else [value] if text.startswith(",") else value


def _hashtable(node: Any, variables: dict[str, Any]) -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for entry in _entries(node):
        key, item = entry.named_children
        name = key.text.decode() if key.named_children[0].type == "simple_name" else _value(key, variables)
        assert name.upper() not in {known.upper() for known in entries}
        entries[name] = _value(item, variables)
    return entries


def _entries(node: Any) -> list[Any]:
    return [entry for body in node.named_children for entry in body.named_children if entry.type == "hash_entry"]


def _array(node: Any, variables: dict[str, Any]) -> list[Any]:
    if not node.named_children:
        return []
    value = _value(node.named_children[0], variables)
    return value if isinstance(value, list) else [value]  # a list is unrolled


def _expanded(text: str) -> str:
    done, position = [], 1
    while position < len(text) - 1:
        part = _PART.match(text, position)
        assert part, text[position:]
        escaped, code = part.groups()
        done.append(_ESCAPES.get(escaped, escaped) if escaped else chr(int(code, 16)) if code else part[0])
        position = part.end()
    return "".join(done)


_READERS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "verbatim_string_characters": lambda node, _: _text(node)[1:-1].replace("''", "'"),
    "expandable_string_literal": lambda node, _: _expanded(_text(node)),
    "variable": lambda node, variables: variables[_text(node)[1:]],
    "decimal_integer_literal": lambda node, _: int(_text(node)),
    "real_literal": lambda node, _: float(_text(node)),
    "hash_literal_expression": _hashtable,
    "array_expression": _array,
    "array_literal_expression": _items,
    "expression_with_unary_operator": _unary,
    "cast_expression": _cast,
    "invokation_expression": _body,
}
