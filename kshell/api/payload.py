"""Follow the pointers of an endpoint's fields in a payload: find its values, codes and recipients, and change them."""

from collections.abc import Iterable, Mapping

from kshell.core.endpoint import Endpoint
from kshell.core.json_text import Json, Payload

MISSING = object()
"""The value of a field that a payload does not have."""


class Located(dict[str, list[tuple[str, object]]]):
    """A payload in which the pointers of fields are followed, each at its first use.

    ``located[pointer]`` is a list of every (JSON pointer, value) that a field's pointer matches. The value is ``MISSING`` if
    the parent lacks the field.
    """

    def __init__(self, payload: Json) -> None:
        super().__init__({"": [("", payload)]})

    def __missing__(self, pointer: str) -> list[tuple[str, object]]:
        parent, _, step = pointer.rpartition("/")
        spots = self[pointer] = []
        for path, value in self[parent]:
            if isinstance(value, dict):
                spots.append((f"{path}/{step}", value.get(step, MISSING)))
            elif isinstance(value, list):
                spots += [
                    (f"{path}/{position}", item)
                    for position, item in enumerate(value)
                    if step == "*" or (isinstance(item, dict) and item.get("type") == step)
                ]
        return spots


def token(name: str) -> str:
    """Return ``name`` escaped as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def texts_at(payload: Json | Located, pointers: Iterable[str]) -> list[tuple[str, str]]:
    """Return (JSON pointer, text) for every text that the pointers of fields match, in order."""
    located = payload if isinstance(payload, Located) else Located(payload)
    return [(place, text) for pointer in pointers for place, text in located[pointer] if isinstance(text, str)]


def codes_of(endpoint: Endpoint, payload: Payload | Located) -> list[str]:
    """Return the one-time passwords of a payload, in order, one for each field that holds one."""
    return [code for _, code in texts_at(payload, endpoint.pointers("code"))]


def recipients_of(endpoint: Endpoint, payload: Payload | Located) -> list[str]:
    """Return the phone numbers of a payload's recipients, unchanged."""
    return numbers_at(payload, endpoint.pointers("recipients"))


def numbers_at(payload: Json | Located, pointers: Iterable[str]) -> list[str]:
    """Return the comma-separated numbers in the texts at the pointers of fields."""
    return [number for _, text in texts_at(payload, pointers) for number in text.split(",")]


def cut_texts(endpoint: Endpoint, payload: Payload) -> Payload:
    """Return ``payload`` with each text cut that the API would cut, such as a ``ref`` of more than 255 characters."""
    cuts = long_texts(endpoint, Located(payload))
    return replaced(payload, cuts) if cuts else payload


def long_texts(endpoint: Endpoint, located: Located) -> dict[str, str]:
    """Return each text that the API would cut, by its JSON pointer, as the API would cut it."""
    return {
        place: text[: field.cut_at]
        for field in endpoint.fields
        if field.cut_at
        for place, text in texts_at(located, [field.pointer])
        if len(text) > field.cut_at
    }


def replaced(payload: Payload, values: Mapping[str, str]) -> Payload:
    """Return a copy of ``payload`` with the texts of ``values`` at its JSON pointers."""
    return {name: _replaced(item, f"/{token(name)}", values) for name, item in payload.items()}


def _replaced(value: Json, pointer: str, values: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _replaced(item, f"{pointer}/{token(name)}", values) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, f"{pointer}/{position}", values) for position, item in enumerate(value)]
    return values.get(pointer, value)
