"""A cassette's file, in vcrpy's format: ``version`` and ``interactions``, and under ``kshell`` a note and the salt.

No other module imports vcrpy. Its YAML serializer reads and writes the file, so plain vcrpy can replay it too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vcr.serializers import yamlserializer

from kshell.core.errors import CassetteError, Place
from kshell.core.exchange import Response
from kshell.core.models import is_loopback
from kshell.profiles.files import shown, write_private
from kshell.profiles.strict_yaml import anchor_in
from kshell.transport.tape_requests import KeptExchange, KeptRequest, facts_of, text_of

MOST_BYTES = 64 * 1024 * 1024
_MOST_SALT = 64  # bytes
_VERSION = 1  # of vcrpy's format
_SIMULATED = "Recorded from kshell's simulator, not from the API; key, code and numbers are pseudonyms."
_LIVE = "Recorded from the API; key, code and numbers are pseudonyms."


def read_cassette(file: Path) -> tuple[str, list[KeptExchange]]:
    """Return the salt and the exchanges of a cassette.

    Raises ``CassetteError`` if ``file`` cannot be read, is larger than ``MOST_BYTES`` bytes, or was not written by kshell.
    """
    try:
        text = _read(file)
        if (mark := anchor_in(text)) is not None:
            raise _AnchorError(mark)
        data = yamlserializer.deserialize(text)
        salt = data["kshell"]["salt"]
        if not 0 < len(bytes.fromhex(salt)) <= _MOST_SALT:
            raise ValueError("a salt of another length")
        return salt, [_exchange(interaction) for interaction in data["interactions"]]
    except Exception as error:  # noqa: BLE001 - any part of the file can be wrong
        raise _unusable(file, error) from None


def write_cassette(file: Path, salt: str, exchanges: Sequence[KeptExchange]) -> None:
    """Write a cassette, whole and readable by its owner only. Raises ``SetupError``."""
    note = _SIMULATED if all(is_loopback(kept.request.url) for kept in exchanges) else _LIVE
    head = yamlserializer.serialize({"kshell": {"note": note, "salt": salt}})
    data = {"interactions": [_interaction(kept) for kept in exchanges], "version": _VERSION}
    write_private(file, f"{head}{yamlserializer.serialize(data)}")


def _read(file: Path) -> str:
    if not file.is_file():
        raise ValueError("it is not a regular file")
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES // 1024 // 1024} MiB")
    return file.read_text(encoding="utf-8")


class _AnchorError(ValueError):
    """A cassette has an anchor or an alias: a few bytes of them can be expanded to any size."""

    def __init__(self, mark: Any) -> None:
        super().__init__()
        self.problem_mark = mark


def _unusable(file: Path, error: Exception) -> CassetteError:
    why = error.strerror if isinstance(error, OSError) else "it is not a cassette that kshell recorded"
    mark = getattr(error, "problem_mark", None)  # where vcrpy's YAML loader stopped
    at = Place(shown(file), mark.line + 1, mark.column + 1) if mark else None
    hint = "name another file, or remove this one"
    return CassetteError(f"the cassette {shown(file)} cannot be used: {why}", hint=hint, at=at)


# ---- one interaction, as vcrpy writes it


def _exchange(interaction: Mapping[str, Any]) -> KeptExchange:
    """Return an interaction as an exchange. Raises ``ValueError`` and others for another shape than vcrpy writes."""
    sent, answer = interaction["request"], interaction["response"]
    headers = {_text(name).lower(): value for name, value in _pairs(sent["headers"])}
    body = sent["body"] or ""
    request = KeptRequest(_text(sent["method"]), _text(sent["uri"]), headers, text_of(_bytes(body)))
    facts_of(request)  # raises for an invalid URL
    status, reason = answer["status"]["code"], _text(answer["status"]["message"] or "")
    if type(status) is not int or not reason.isascii():
        raise ValueError("a status is not a number and an ASCII text")
    return KeptExchange(
        request, Response(status, reason, tuple(_pairs(answer["headers"])), _bytes(answer["body"]["string"]))
    )


def _pairs(headers: Mapping[Any, Any]) -> list[tuple[str, str]]:
    if not all(isinstance(values, list) for values in headers.values()):
        raise ValueError("the values of a header are not a list")
    return [(_text(name), _text(value)) for name, values in headers.items() for value in values]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is of another type")
    return value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else _text(value).encode("utf-8", "surrogateescape")


def _interaction(kept: KeptExchange) -> dict[str, Any]:
    request, response = kept
    headers: dict[str, list[str]] = {}
    for name, value in response.headers:
        headers.setdefault(name, []).append(value)
    return {
        "request": {
            "method": request.method,
            "uri": request.url,
            "body": _readable(request.body.encode("utf-8", "surrogateescape")),
            "headers": {name: [value] for name, value in request.headers.items()},
        },
        "response": {
            "status": {"code": response.status, "message": response.reason},
            "headers": headers,
            "body": {"string": _readable(response.body)},
        },
    }


def _readable(body: bytes) -> str | bytes:
    """Return a body as text if it is UTF-8: YAML writes bytes as base64."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
