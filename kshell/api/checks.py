"""Cut and check a payload, alone or as one of many that differ only in the values of variables."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from kshell.api.payload import Located, codes_of, cut_texts, long_texts, numbers_at, recipients_of, replaced, texts_at
from kshell.api.rules import check, errors_first, found
from kshell.core.endpoint import Endpoint
from kshell.core.models import Account, Finding, Payload

Values = Mapping[str, str | int]


class Checked(NamedTuple):
    """A payload in which each text is cut that the API would cut, and the findings about the payload before.

    ``codes`` and ``recipients`` are the one-time passwords and the phone numbers in it.
    """

    payload: Payload
    findings: tuple[Finding, ...]
    codes: Sequence[str]
    recipients: Sequence[str]


def checked(endpoint: Endpoint, account: Account, payload: Payload) -> Checked:
    """Cut and check a payload."""
    located = Located(payload)
    findings = check(endpoint, located, account)
    codes, recipients = codes_of(endpoint, located), recipients_of(endpoint, located)
    return Checked(cut_texts(endpoint, payload), findings, codes, recipients)


class Hole(NamedTuple):
    """A text or a number of a payload that depends on variables. ``fill`` returns it for values of the variables ``names``."""

    names: Collection[str]
    fill: Callable[[Values], str | int]


class _Known(NamedTuple):
    """What is known of a payload: its values, its followed pointers, the texts to cut, and what each rule finds."""

    values: Values
    located: Located
    cuts: Mapping[str, str]
    findings: Mapping[int, list[Finding]]


class FormCheck:
    """Check payloads of one form: they have one shape, and the values of variables in the same ``holes`` (by JSON pointer).

    A rule runs again only if a value that it reads differs from that of the payload before, and a rule of a table of fields
    only for the fields that differ. Threads may share a check.
    """

    def __init__(
        self, endpoint: Endpoint, account: Account, payload: Payload, values: Values, holes: Mapping[str, Hole]
    ) -> None:
        self._endpoint = endpoint
        self._account = account
        self._codes, self._recipients = endpoint.pointers("code"), endpoint.pointers("recipients")
        self._rules = tuple(chain.from_iterable(rule.by_field() for rule in endpoint.rules.values()))
        located = Located(payload)
        inside = [field.pointer for field in endpoint.fields if field.pointer]
        cutting = [field.pointer for field in endpoint.fields if field.cut_at]
        self._spots: dict[str, dict[str, list[tuple[str, Hole | None, object]]]] = defaultdict(dict)
        for pointer in {*inside, *(pointer for rule in self._rules for pointer in rule.reads)}:
            spots = [(place, holes.get(place), value) for place, value in located[pointer]]
            for name in (name for _, hole, _ in spots if hole for name in hole.names):
                self._spots[name][pointer] = spots
        self._readers = {
            name: {number for number, rule in enumerate(self._rules) if not spots.keys().isdisjoint(rule.reads)}
            for name, spots in self._spots.items()
        }
        self._cutting = {name for name, spots in self._spots.items() if not spots.keys().isdisjoint(cutting)}
        findings = self._found(range(len(self._rules)), located)
        self._last = _Known(values, located, long_texts(endpoint, located), findings)

    def checked(self, payload: Payload, values: Values) -> Checked:
        """Return what the function ``checked`` returns."""
        last = self._last
        changed = [name for name in self._spots if values[name] != last.values[name]]
        located, again = Located(payload), set[int]()
        located.update(last.located)
        for name in changed:
            again |= self._readers[name]
            for pointer, spots in self._spots[name].items():
                located[pointer] = [(place, hole.fill(values) if hole else value) for place, hole, value in spots]
        findings = {at: known for at, known in last.findings.items() if at not in again} | self._found(again, located)
        cuts = last.cuts if self._cutting.isdisjoint(changed) else long_texts(self._endpoint, located)
        self._last = _Known(values, located, cuts, findings)
        in_order = errors_first(findings[number] for number in sorted(findings))
        codes, recipients = [code for _, code in texts_at(located, self._codes)], numbers_at(located, self._recipients)
        return Checked(replaced(payload, cuts) if cuts else payload, in_order, codes, recipients)

    def _found(self, numbers: Iterable[int], located: Located) -> dict[int, list[Finding]]:
        """Return what the rules with these numbers find, without those that find nothing."""
        findings = {number: found(self._rules[number], located, self._account) for number in numbers}
        return {number: known for number, known in findings.items() if known}
