"""Write the endpoints as an OpenAPI 3.1 document, from the same tables that rules, explanations and completion use."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter

from kshell.api.authentication.fields import E164, INDEX_RANGE, OTP_LIMIT
from kshell.api.endpoints import ENDPOINTS
from kshell.core.endpoint import DocumentedAnswer, Endpoint, Field
from kshell.core.json_text import Json, Payload

BEYOND_SCHEMA = (
    "JSON Schema cannot say that the code in the body and the codes in the buttons are the same, or that each button has an "
    "index of its own: the API refuses other payloads with WA400."
)
_ABOUT = (
    "Sends one-time passwords over WhatsApp. Written by kshell from Kaleyra's public page *Send Authentication Template "
    f"Messages*; Kaleyra does not publish it. {BEYOND_SCHEMA}"
)
_TYPES = {"object": "object", "list": "array", "text": "string", "integer": "integer"}
_COMPONENTS = {"body": (1, 1), "button": (1, len(INDEX_RANGE))}  # the least and the most of each in a message
_KEY = "apiKey"


def openapi(servers: Iterable[tuple[str, str]], bodies: Mapping[str, Payload]) -> Payload:
    """Return the document. ``servers`` are base URLs with their titles; ``bodies`` are answers by their names."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kaleyra WhatsApp API: authentication messages", "version": "2", "description": _ABOUT},
        "servers": [{"url": url, "description": title} for url, title in servers],
        "paths": {endpoint.path: {endpoint.method.lower(): _operation(endpoint, bodies)} for endpoint in ENDPOINTS},
        "components": {
            "schemas": {"Answer": _ANSWER, **{endpoint.name: payload_schema(endpoint) for endpoint in ENDPOINTS}},
            "securitySchemes": {_KEY: {"type": "apiKey", "in": "header", "name": ENDPOINTS[0].key_header}},
        },
    }


_ANSWER: Payload = {
    "type": "object",
    "required": ["code", "message", "data", "error"],
    "properties": {
        "code": {"type": "string", "description": "What became of the request; kshell explain CODE says more."},
        "message": {"type": "string"},
        "data": {
            "type": ["object", "array"],
            "properties": {"message_id": {"type": "string", "description": "Comes back in status callbacks."}},
        },
        "error": {"type": "object"},
    },
}


def _operation(endpoint: Endpoint, bodies: Mapping[str, Payload]) -> Payload:
    status_of = attrgetter("status")
    by_status = groupby(sorted(endpoint.answers, key=status_of), status_of)
    reference = f"#/components/schemas/{endpoint.name}"
    return {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [_parameter(endpoint, name) for name in endpoint.parameters],
        "security": [{_KEY: []}],
        "requestBody": {"required": True, "content": {endpoint.media_type: {"schema": {"$ref": reference}}}},
        "responses": {str(status): _response(endpoint, [*found], bodies) for status, found in by_status},
    }


def _parameter(endpoint: Endpoint, name: str) -> Payload:
    field = next(field for field in endpoint.fields if field.name == name)
    form: Payload = {"type": "string", "pattern": f"^{E164}$" if field.role == "sender" else "^[!-~]+$"}
    return {"name": name, "in": "path", "required": True, "description": field.says, "schema": form}


def _response(endpoint: Endpoint, answers: list[DocumentedAnswer], bodies: Mapping[str, Payload]) -> Payload:
    examples: Payload = {
        answer.name: {
            "summary": f"{answer.code}: {answer.title}",
            "description": answer.meaning,
            "value": bodies[answer.name],
        }
        for answer in answers
        if answer.name in bodies
    }
    content: Payload = {"schema": {"$ref": "#/components/schemas/Answer"}}
    titles = (f"{answer.code}: {answer.title}." for answer in answers)
    return {
        "description": " ".join(titles),
        "content": {endpoint.media_type: content | ({"examples": examples} if examples else {})},
    }


# ---- the payload as JSON Schema


def payload_schema(endpoint: Endpoint) -> Payload:
    """Return the JSON Schema (2020-12) of an endpoint's payload."""
    return _object(endpoint.title, "", [field for field in endpoint.fields if field.pointer])


def _object(says: str, pointer: str, fields: list[Field]) -> Payload:
    members = [field for field in fields if field.pointer.rpartition("/")[0] == pointer]
    required = [_name(field) for field in members if field.mandatory]
    properties = {_name(field): _value(field, fields) for field in members}
    needed: Payload = {"required": [*required]} if required else {}
    return {"type": "object", "description": says, **needed, "properties": {**properties}}


def _name(field: Field) -> str:
    return field.pointer.rpartition("/")[2]


def _value(field: Field, fields: list[Field]) -> Payload:
    if field.kind == "object":
        return _object(field.says, field.pointer, fields)
    schema: Payload = {"type": _TYPES[field.kind], "description": field.says}
    if field.kind == "list":
        return schema | _items(field, fields)
    return schema | dict(_limits(field))


def _items(field: Field, fields: list[Field]) -> Payload:
    """Return what a list holds: one parameter, or the components, which are told apart by their type."""
    kinds = [kind for kind in _COMPONENTS if any(it.pointer.startswith(f"{field.pointer}/{kind}/") for it in fields)]
    if not kinds:
        return {"items": _object("The code.", f"{field.pointer}/*", fields), "minItems": 1, "maxItems": 1}
    return {
        "description": f"{field.says} {BEYOND_SCHEMA}",
        "items": {"oneOf": [_object(f"A {kind}.", f"{field.pointer}/{kind}", fields) for kind in kinds]},
        "allOf": [
            {
                "contains": {"type": "object", "required": ["type"], "properties": {"type": {"const": kind}}},
                "minContains": _COMPONENTS[kind][0],
                "maxContains": _COMPONENTS[kind][1],
            }
            for kind in kinds
        ],
    }


def _limits(field: Field) -> Iterator[tuple[str, Json]]:
    if field.allowed:
        yield "enum", [*field.allowed]
    elif field.role == "recipients":
        yield "pattern", f"^{E164}(,{E164})*$"
    elif field.kind == "integer":
        yield from (("minimum", INDEX_RANGE[0]), ("maximum", INDEX_RANGE[-1]))
    elif field.mandatory:
        yield "minLength", 1
    if field.role == "code":
        yield "maxLength", OTP_LIMIT
    example = int(field.example) if field.kind == "integer" else field.example.replace("X", "9")
    yield "examples", [*(field.known or field.allowed)] or [example]
