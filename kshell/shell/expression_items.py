"""Completions inside an expression of ``expect`` or ``capture``: names, operators, and the value that a name has now."""

import json
import re
from collections.abc import Iterator, Mapping

from kshell.core.terminal import cut, safe_line
from kshell.syntax.diagnostics import ANSWER_NAMES, ARRIVAL_NAMES, PLACE_NAMES

_WHOLE = re.compile(r"\s*(?:kshell\s+)?(?:expect\s+|capture\s+\w+\s*=)(.*)", re.DOTALL)
_COMPARED = re.compile(r"""([\w.]+)\s*(?:==|!=)\s*(["']?[^\s"']*)$""")
_TOKEN = re.compile(r"[\w.]*$")
_OPERAND = re.compile(r"""[\w\])"']\s+$""")
_AWAITS_OPERAND = re.compile(r"\b(?:and|or|not|in|if|else)\s+$")
_OPERATORS = {
    "==": "equal", "!=": "not equal", "<": "less", ">": "greater", "in": "is one of a list", "and": "both hold",
    "or": "one of two holds", "is defined": "the answer has it", "| length": "how many characters or items",
}  # fmt: skip
_BEFORE_AN_ANSWER = ("body.code", "body.message", "body.data.message_id")
_ON_THE_PHONE = tuple(f"phone.{name}" for name in ("code", "button_code", "template_name", "language", "ref"))
_DEEPEST = 4  # names in a path, such as body.data.message_id
_MOST_SHOWN = 40  # columns of a value in the menu


def expression_at(text: str) -> str | None:
    """Return the expression that is typed at the end of ``text``; None if the line is no ``expect`` or ``capture``."""
    found = _WHOLE.fullmatch(text)
    return found[1] if found else None


def items_in(expression: str, names: Mapping[str, object]) -> tuple[str, dict[str, str]]:
    """Return the word at the end of an expression, and its completions with what each means.

    ``names`` are the names that the expression can read, with their values.
    """
    paths = dict(_paths(names))
    compared = _COMPARED.search(expression)
    if compared and isinstance(paths.get(compared[1]), str | int | float):
        value = json.dumps(paths[compared[1]], ensure_ascii=False)
        return compared[2], {value: f"what {compared[1]} is now", **_names(paths)}
    word = _TOKEN.search(expression)
    token = word[0] if word else ""
    before = expression[: len(expression) - len(token)]
    awaits_operator = _OPERAND.search(before) and not _AWAITS_OPERAND.search(before)
    return token, _OPERATORS if awaits_operator else _names(paths)


def _names(paths: Mapping[str, object]) -> dict[str, str]:
    ordered = sorted(paths.items(), key=lambda it: it[0].partition(".")[0] not in ANSWER_NAMES)
    known = {path: _shown(value) for path, value in ordered}
    answer = () if "body" in paths else (*ANSWER_NAMES, *_BEFORE_AN_ANSWER)
    further = {
        **dict.fromkeys(answer, "of the last answer"),
        **dict.fromkeys(PLACE_NAMES, "where the last message went"),
        **dict.fromkeys((*ARRIVAL_NAMES, *_ON_THE_PHONE), "what came of it, on the simulator"),
    }
    return known | {name: says for name, says in further.items() if name not in known}


def _paths(values: Mapping[str, object], before: str = "", depth: int = 1) -> Iterator[tuple[str, object]]:
    """Yield every path that can be written with dots, and its value: ``body``, ``body.code``."""
    for name, value in values.items():
        if not name.isidentifier():
            continue
        yield f"{before}{name}", value
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _paths(value, f"{before}{name}.", depth + 1)


def _shown(value: object) -> str:
    return cut(
        safe_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)), _MOST_SHOWN
    )
