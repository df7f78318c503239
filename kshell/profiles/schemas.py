"""JSON Schemas (2020-12) of pods, accounts and template headers, for editors, from the tables that the loaders use."""

from collections.abc import Mapping

from kshell.api.authentication.fields import OTP_LIMIT
from kshell.api.endpoints import FIELDS
from kshell.core.json_text import Payload
from kshell.profiles.code_policy import ALPHABETS
from kshell.profiles.files import Kind
from kshell.profiles.keys import ACCOUNT_KEYS, HEADER_KEYS, NAME, OTP_KEYS, POD_KEYS, SEGMENT, VARIABLE_KEYS, Key

# kshell reads every value as the text that was typed; an editor sees 012345 as a number and no as a boolean
_TEXT: Payload = {"type": ["string", "number", "boolean"]}
_OR_EMPTY: Payload = {"type": ["string", "number", "boolean", "null"]}


def schema(kind: Kind) -> Payload:
    """Return the schema of a kind of file; of a template that of its header."""
    titles = {
        "pod": "A pod of kshell",
        "account": "An account of kshell",
        "template": "The header of a kshell template",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": titles[kind], **_SCHEMAS[kind]}


def _table(keys: Mapping[str, Key], **parts: Payload) -> Payload:
    """Return the schema of a mapping with ``keys`` and no others; ``parts`` are the schemas of those that are not text."""
    table: Payload = {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _described(key, parts.get(name)) for name, key in keys.items()},
    }
    required = [name for name, key in keys.items() if key.required]
    return table | {"required": [*required]} if required else table


def _described(key: Key, part: Payload | None) -> Payload:
    text = {**_TEXT, "pattern": f"^({key.pattern})$"} if key.pattern else _TEXT if key.required else _OR_EMPTY
    form = part or text
    return {"description": key.says, **form}


def _variables() -> Payload:
    """Return the schema of an account's variables, with those of the shipped template described."""
    known: Payload = {
        field.variable: {"description": field.says, **_OR_EMPTY} for field in FIELDS if field.variable and field.pointer
    }
    return _mapping(NAME, {"additionalProperties": _OR_EMPTY, "properties": known})


def _mapping(pattern: str, parts: Payload) -> Payload:
    return {"type": "object", "propertyNames": {"pattern": f"^{pattern}$"}, **parts}


_SCHEMAS: Mapping[Kind, Payload] = {
    "pod": _table(POD_KEYS),
    "account": _table(
        ACCOUNT_KEYS,
        variables=_variables(),
        otp=_table(
            OTP_KEYS,
            length={"type": ["integer", "string"], "minimum": 1, "maximum": OTP_LIMIT},
            alphabet={"enum": [*ALPHABETS]},
        ),
        approved=_mapping(
            SEGMENT,
            {"additionalProperties": {"type": "array", "minItems": 1, "items": {"type": ["string", "boolean"]}}},
        ),
    ),
    "template": _table(
        HEADER_KEYS,
        variables=_mapping(NAME, {"additionalProperties": {"anyOf": [{"type": "null"}, _table(VARIABLE_KEYS)]}}),
    ),
}
