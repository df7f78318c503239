r"""What PowerShell would send: the literals of a program, read from tree-sitter's tree by PowerShell's published rules.

Read are the constructs that a snippet uses and no others. Microsoft: *about_Quoting_Rules*, *about_Special_Characters*,
*about_Hash_Tables*, *about_Arrays*, *about_Operators* (the comma).
"""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_PART = re.compile(r"`(.)|\$\(\[char\](?:::ConvertFromUtf32\()?0x([0-9a-f]+)\)?\)|[^`$]", re.DOTALL)


def request_of_program(text: str, environment: dict[str, str]) -> dict[str, Any]:
    """Return the hashtable that the program gives to Invoke-RestMethod, with its Body as JSON text."""
    import tree_sitter
    import tree_sitter_powershell as grammar

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
    text = node.text.decode()
    match node.type:
        case "verbatim_string_characters":
            return text[1:-1].replace("''", "'")
        case "expandable_string_literal":
            return _expanded(text)
        case "variable":
            return variables[text[1:]]
        case "decimal_integer_literal" | "real_literal":
            return json.loads(text)
        case "hash_literal_expression":
            return _hashtable(node, variables)
        case "array_expression":
            return _array(node, variables)
        case "array_literal_expression" if len(node.named_children) > 1:
            return [_value(child, variables) for child in node.named_children]
        case "expression_with_unary_operator":
            return _unary(text, _value(node.named_children[-1], variables))
        case "cast_expression":
            assert text.startswith("[ordered]@{")
            return _value(node.named_children[-1], variables)
        case "invokation_expression":
            assert text == "[Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $payload -Depth 100))"
            return json.dumps(variables["payload"])
    (child,) = node.named_children
    return _value(child, variables)


def _unary(text: str, value: Any) -> Any:
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
