"""Follow the pointers of an endpoint's fields in a payload."""

from collections.abc import Iterator

from kshell.core.json_text import Json

Spot = tuple[str, "Json | _Missing"]


class _Missing:
    """The type of ``MISSING``, the value of a field that a payload does not have."""


MISSING = _Missing()


class Located(dict[str, "list[Spot]"]):
    """A payload in which the pointers of fields are followed, each at its first use.

    ``located[pointer]`` is a list of every (JSON pointer, value) that a field's pointer matches. The value is ``MISSING`` if
    the parent lacks the field.
    """

    def __init__(self, payload: Json) -> None:
        super().__init__({"": [("", payload)]})

    def __missing__(self, pointer: str) -> list[Spot]:
        parent, _, step = pointer.rpartition("/")
        spots = self[pointer] = []
        for path, value in self[parent]:
            if isinstance(value, dict):
                spots.append((f"{path}/{step}", value.get(step, MISSING)))
            elif isinstance(value, list):
                spots += _items(path, value, step)
        return spots


def _items(path: str, items: list[Json], step: str) -> Iterator[Spot]:
    for position, item in enumerate(items):
        if step == "*" or (isinstance(item, dict) and item.get("type") == step):
            yield f"{path}/{position}", item


def token(name: str) -> str:
    """Return ``name`` escaped as a step of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
