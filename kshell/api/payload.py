"""Find the values, codes and recipients in a payload by the pointers of fields, and copy a payload with other values."""

from collections.abc import Iterable, Mapping

from kshell.core.endpoint import Endpoint
from kshell.core.json_text import Json, Payload
from kshell.core.pointers import Located, token


def texts_at(payload: Json | Located, pointers: Iterable[str]) -> list[tuple[str, str]]:
    """Return (JSON pointer, text) for every text that the pointers of fields match, in order."""
    located = payload if isinstance(payload, Located) else Located(payload)
    spots = [spot for pointer in pointers for spot in located[pointer]]
    return [(pointer, text) for pointer, text in spots if isinstance(text, str)]


def codes_of(endpoint: Endpoint, payload: Payload) -> list[str]:
    """Return the one-time passwords of a payload, in order, one for each field that holds one."""
    return [code for _, code in texts_at(payload, endpoint.pointers("code"))]


def recipients_of(endpoint: Endpoint, payload: Payload) -> list[str]:
    """Return the phone numbers of a payload's recipients, unchanged."""
    return numbers_at(payload, endpoint.pointers("recipients"))


def numbers_at(payload: Json | Located, pointers: Iterable[str]) -> list[str]:
    """Return the comma-separated numbers in the texts at the pointers of fields."""
    return [number for _, text in texts_at(payload, pointers) for number in text.split(",")]


def cut_texts(endpoint: Endpoint, payload: Payload) -> Payload:
    """Return ``payload`` with each text cut that the API would cut, such as a ``ref`` of more than 255 characters."""
    located = Located(payload)
    cut = {
        place: text[: field.cut_at]
        for field in endpoint.fields
        if field.cut_at
        for place, text in texts_at(located, [field.pointer])
        if len(text) > field.cut_at
    }
    return replaced(payload, cut) if cut else payload


def replaced(payload: Payload, values: Mapping[str, str]) -> Payload:
    """Return a copy of ``payload`` with the texts of ``values`` at its JSON pointers."""
    return {name: _replaced(item, f"/{token(name)}", values) for name, item in payload.items()}


def _replaced(value: Json, pointer: str, values: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _replaced(item, f"{pointer}/{token(name)}", values) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, f"{pointer}/{position}", values) for position, item in enumerate(value)]
    return values.get(pointer, value)
