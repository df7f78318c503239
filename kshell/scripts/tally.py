"""The counts of a run. Each case is added once, when it has ended; the run keeps nothing else of it."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kshell.core.errors import EXIT_DONE
from kshell.scripts.script_run import FROM_LEDGER, STATES, Case

MOST_SHOWN = 100
_MOST_GROUPS = 1000


class _Group(NamedTuple):
    """Neighbouring cases with one verdict: the positions of the first and the last, and their rows' numbers (0: no row)."""

    first: int
    last: int
    name: str
    verdict: str
    first_row: int
    last_row: int

    def joins(self, other: _Group) -> bool:
        """Whether ``other`` begins where this group ends, and is of the same script and verdict."""
        return self.last + 1 == other.first and (self.name, self.verdict) == (other.name, other.verdict)

    def joined(self, other: _Group) -> _Group:
        """Return both as one group."""
        return self._replace(last=other.last, last_row=other.last_row)


def in_order(counts: Mapping[str, int], order: Iterable[str]) -> list[tuple[str, int]]:
    """Return (name, count) of what was counted in a fixed order: the cases of several jobs end in any."""
    return [(name, counts[name]) for name in order if name in counts]


class Tally:
    """The counts of the cases that were added.

    ``states`` counts cases, and ``earlier`` those that were passed over, by what the ledger says of them; ``deliveries`` and
    ``marks`` count messages, of which ``messages`` were new. ``exit_code`` is the highest. ``warnings`` has the numbers of
    the rows and the first of them for each rule.
    """

    def __init__(self) -> None:
        self.states: Counter[str] = Counter()
        self.earlier: Counter[str] = Counter()
        self.warnings: dict[str, tuple[int, int]] = {}
        self.deliveries: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        self.messages = 0
        self.exit_code = EXIT_DONE
        self._groups: list[_Group] = []
        self._unlisted = 0

    def add(self, case: Case) -> None:
        """Count a case that has ended, or that was not begun."""
        self.states[case.state] += 1
        if case.earlier:
            self.earlier[" and ".join(dict.fromkeys(case.earlier))] += 1
        for exchange in case.all_exchanges():
            if FROM_LEDGER not in exchange.marks:
                self.deliveries[str(exchange.delivery)] += 1  # Counter.update takes several times as long
                self.messages += 1
            for mark in exchange.marks:
                self.marks[mark] += 1
        self.exit_code = max(self.exit_code, case.exit_code)
        row = case.row.number if case.row else 0
        for code in case.warnings:
            count, first = self.warnings.get(code, (0, row))
            self.warnings[code] = (count + 1, min(first, row))
        self._list(_Group(case.position, case.position, case.script.name, case.verdict, row, row))

    def _list(self, group: _Group) -> None:
        """Add a group between its neighbours. Cases of several jobs do not end in order."""
        at = bisect(self._groups, group.first, key=lambda known: known.first)
        if at < len(self._groups) and group.joins(self._groups[at]):
            group = group.joined(self._groups.pop(at))
        if at and self._groups[at - 1].joins(group):
            self._groups[at - 1] = self._groups[at - 1].joined(group)
        elif len(self._groups) < _MOST_GROUPS:
            self._groups.insert(at, group)
        else:
            self._unlisted += group.last - group.first + 1

    def shown_states(self) -> str:
        """Return the counts of the states, with what became earlier of the rows that were passed over."""
        several = len(self.earlier) > 1
        earlier = ", ".join(f"{count} {fate}" if several else fate for fate, count in self.earlier.items())
        known = {"passed over": f" ({earlier})"} if earlier else {}
        return ", ".join(f"{count} {state}{known.get(state, '')}" for state, count in in_order(self.states, STATES))

    def shown_warnings(self) -> list[str]:
        """Return for each rule in how many rows it gave a warning."""
        rows = self.warnings.items()
        return [
            f"{code} in row {first}" if count == 1 else f"{code} in {count} rows, first in row {first}"
            for code, (count, first) in rows
        ]

    def shown_marks(self) -> list[str]:
        """Return the marks, such as ``simulated``, with a count if not every new message has it."""
        marks = self.marks.items()
        return [mark if count == self.messages and mark != FROM_LEDGER else f"{count} {mark}" for mark, count in marks]

    def verdicts(self) -> Iterator[str]:
        """Yield a line for each group of neighbouring cases, at most ``MOST_SHOWN``, and then how many cases are left."""
        for group in self._groups[:MOST_SHOWN]:
            rows = (
                f" rows {group.first_row} to {group.last_row}"
                if group.first < group.last
                else f" row {group.first_row}"
            )
            yield f"{group.name}{rows if group.first_row else ''}: {group.verdict}"
        rest = self._unlisted + sum(group.last - group.first + 1 for group in self._groups[MOST_SHOWN:])
        if rest:
            yield f"and {rest} more"
