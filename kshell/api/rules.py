"""Register rules, check a payload by them, and derive rules from a table of fields.

A rule does no I/O and does not change the payload.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from operator import attrgetter

from kshell.api.payload import MISSING, Located, token
from kshell.core.endpoint import Endpoint, Field, Hit, Rule, Severity
from kshell.core.errors import did_you_mean
from kshell.core.json_text import Payload
from kshell.core.models import Account, Finding

Fields = tuple[Field, ...]
Find = Callable[..., Iterator[Hit]]


def check(endpoint: Endpoint, payload: Payload | Located, account: Account | None = None) -> tuple[Finding, ...]:
    """Return every finding about ``payload``, errors first. Without the account that sends, its rules do not run."""
    located = payload if isinstance(payload, Located) else Located(payload)
    rules = endpoint.rules.values()
    return errors_first(found(rule, located, account) for rule in rules if account or not rule.of_account)


def found(rule: Rule, located: Located, account: Account | None) -> list[Finding]:
    """Return what a rule finds in a payload."""
    if rule.fields:
        hits = rule.find(rule.fields, located)
    else:
        hits = rule.find(located, account) if rule.of_account else rule.find(located)
    return [Finding(rule.severity, rule.code, hit.pointer, hit.message, hit.fix, rule.prevents) for hit in hits]


def errors_first(findings: Iterable[Iterable[Finding]]) -> tuple[Finding, ...]:
    """Return the findings of several rules in one tuple: errors first, then in their order."""
    return tuple(sorted(chain.from_iterable(findings), key=attrgetter("severity")))


def rule_decorator(rules: dict[str, Rule]) -> Callable[..., Callable[[Find], Find]]:
    """Return a decorator that registers a function in ``rules``. The function's docstring is what the rule says.

    The decorator's arguments after the third are the pointers of the texts and numbers that the function reads.
    """

    def rule(
        code: str, severity: Severity, page: str, *reads: str, prevents: str = "", of_account: bool = False
    ) -> Callable[[Find], Find]:
        def register(find: Find) -> Find:
            rules[code] = Rule(code, severity, find.__doc__ or "", page, find, reads, prevents, of_account)
            return find

        return register

    return rule


# ---- rules that follow from a table of fields


def rules_of_fields(fields: Fields) -> dict[str, Rule]:
    """Return the rules of a table of fields: mandatory fields, types, allowed values, unknown fields."""
    inside = [field for field in fields if field.pointer]
    rules: dict[str, Rule] = {}
    for code, severity, page, concerns, find, prevents in _RULES_OF_FIELDS:
        concerned = tuple(filter(concerns, inside))
        reads = tuple(field.pointer for field in concerned)
        rules[code] = Rule(code, severity, find.__doc__ or "", page, find, reads, prevents, fields=concerned)
    names: dict[str, list[str]] = {}
    for field in inside:
        parent, _, name = field.pointer.rpartition("/")
        names.setdefault(parent, []).append(name)
    says, find_unknown = _unknown.__doc__ or "", partial(_unknown, names)
    return rules | {
        "field-unknown": Rule("field-unknown", "warning", says, "Request Format", find_unknown, prevents="100")
    }


def _missing(fields: Fields, located: Located) -> Iterator[Hit]:
    """A mandatory field is present."""
    for field in fields:
        for pointer, value in located[field.pointer]:
            if value is MISSING:
                yield Hit(pointer, f"{field.name} is missing, but mandatory", f"add it, such as {field.example}")
            if value == "":
                yield Hit(pointer, f"{field.name} is empty, but mandatory", f"write a value, such as {field.example}")


_TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "list": (list,), "text": (str,), "integer": (int,)}


def _type(fields: Fields, located: Located) -> Iterator[Hit]:
    """A field has the type that its table gives."""
    for field in fields:
        for pointer, value in located[field.pointer]:
            if value is MISSING or (isinstance(value, _TYPES[field.kind]) and not isinstance(value, bool)):
                continue
            shown = f": {value!r}" if isinstance(value, str) else ""
            number = field.kind == "integer"
            fix = f"write a whole number, such as {field.example}" if number else f"write {field.example}"
            yield Hit(pointer, f"{field.name} is {type_of(value)}, not {field.kind}{shown}", fix)


def type_of(value: object) -> str:
    """Return the type of a JSON value for a message, such as ``an object``."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _value(fields: Fields, located: Located) -> Iterator[Hit]:
    """A field that allows only certain values has one of them."""
    for field in fields:
        for pointer, value in located[field.pointer]:
            if isinstance(value, str) and value and value not in field.allowed:
                yield Hit(pointer, f"{field.name} is {value!r}", f"write {' or '.join(field.allowed)}")


def _unknown(names: dict[str, list[str]], located: Located) -> Iterator[Hit]:
    """The page documents every field."""
    for parent, known in names.items():
        for pointer, value in located[parent]:
            for name in value if isinstance(value, dict) else ():
                if name not in known:
                    near = did_you_mean(name, known)
                    yield Hit(f"{pointer}/{token(name)}", f"the page has no field {name!r} here", near or "remove it")


_Row = tuple[str, Severity, str, Callable[[Field], object], Callable[[Fields, Located], Iterator[Hit]], str]
_RULES_OF_FIELDS: tuple[_Row, ...] = (
    ("field-missing", "error", "the column Mandatory? of every table", attrgetter("mandatory"), _missing, "131008"),
    ("field-type", "error", "the column Data Type of every table", attrgetter("kind"), _type, "131009"),
    ("field-value", "error", '"Only allowed value is …"', attrgetter("allowed"), _value, "131009"),
)
