"""Find the values, codes and recipients in a payload by the pointers of fields, and copy a payload with other values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kshell.core.endpoint import Endpoint
    from kshell.core.json_text import Json, Payload


class _Missing:
    """The type of ``MISSING``, the value of a field that a payload does not have."""


MISSING = _Missing()


def places_of(value: Json, pointer: str) -> Iterator[tuple[str, Json | _Missing]]:
    """Yield every (JSON pointer, value) that a field's pointer matches; ``MISSING`` if the parent lacks the field."""
    spots: list[tuple[str, Json | _Missing]] = [("", value)]
    for step in pointer.split("/")[1:]:
        spots = [spot for path, inner in spots for spot in _step(path, inner, step)]
    yield from spots


def _step(path: str, value: Json | _Missing, step: str) -> Iterator[tuple[str, Json | _Missing]]:
    if isinstance(value, dict):
        yield f"{path}/{token(step)}", value.get(step, MISSING)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if step == "*" or (isinstance(item, dict) and item.get("type") == step):
                yield f"{path}/{position}", item


def token(name: str) -> str:
    """Return ``name`` escaped as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def texts_at(value: Json, pointers: Iterable[str]) -> list[tuple[str, str]]:
    """Return (JSON pointer, text) for every text that the pointers of fields match, in order."""
    spots = [spot for pointer in pointers for spot in places_of(value, pointer)]
    return [(pointer, text) for pointer, text in spots if isinstance(text, str)]


def codes_of(endpoint: Endpoint, payload: Payload) -> list[str]:
    """Return the one-time passwords of a payload, in order, one for each field that holds one."""
    return [code for _, code in texts_at(payload, endpoint.pointers("code"))]


def recipients_of(endpoint: Endpoint, payload: Payload) -> list[str]:
    """Return the phone numbers of a payload's recipients, unchanged."""
    return numbers_at(payload, endpoint.pointers("recipients"))


def numbers_at(value: Json, pointers: Iterable[str]) -> list[str]:
    """Return the comma-separated numbers in the texts at the pointers of fields."""
    return [number for _, text in texts_at(value, pointers) for number in text.split(",")]


def cut_texts(endpoint: Endpoint, payload: Payload) -> Payload:
    """Return ``payload`` with each text cut that the API would cut, such as a ``ref`` of more than 255 characters."""
    cut = {
        place: text[: field.cut_at]
        for field in endpoint.fields
        if field.cut_at
        for place, text in texts_at(payload, [field.pointer])
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
