"""Run a script once for each of many rows, from Python: what a task of an engine calls.

The page ``docs/scale.md`` shows it under Dask and Celery.
"""

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, NamedTuple

from kshell.core.arguments import is_number, path_of, require
from kshell.core.errors import EXIT_INTERRUPTED, ScriptError
from kshell.profiles.files import Places
from kshell.scripts.ledger import Ledger
from kshell.scripts.pace import Pace
from kshell.scripts.rows import rows_of
from kshell.scripts.runs import Plan, Run
from kshell.scripts.script import Script, check_script, read_script, whole_text
from kshell.scripts.script_run import Case
from kshell.scripts.shards import Shard
from kshell.session.session import keeping_connections

MOST_JOBS = 64
MOST_RATE = 10_000  # messages a second


class RowCounts(NamedTuple):
    """What became of the rows of a run.

    ``states`` counts rows: ``passed``, ``failed``, ``passed over`` (an earlier run sent them, or may have) and ``not run``.
    ``deliveries`` counts the messages of this run: ``accepted``, ``refused``, ``not-sent``, ``unknown``. ``exit_code`` is what
    ``kshell run`` exits with: 0 if every row passed or was sent earlier, 5 if an outcome is unknown.
    """

    states: Mapping[str, int]
    deliveries: Mapping[str, int]
    exit_code: int


def run_rows(
    script: str | PathLike[str],
    rows: Iterable[Mapping[str, str | int | None]],
    *,
    ledger: str | PathLike[str] | None = None,
    shard: tuple[int, int] | None = None,
    jobs: int = 1,
    rate: float | None = None,
    home: str | PathLike[str] | None = None,
) -> RowCounts:
    """Run the script in the file ``script`` once for each row, as ``kshell run --rows`` does, and count the outcomes.

    The values of a row become variables; None leaves one unset. ``ledger``, ``shard`` (``(0, 4)`` is 0/4), ``jobs`` and
    ``rate`` are those of ``kshell run``; ``home`` is that of ``kshell.message``. A faulty row, a refusal and a failure of the
    network are counted. The environment of an engine does not choose the shard.

    Raises ``ScriptError`` for a faulty script, ``LedgerError`` if the ledger cannot be used, ``UsageError`` for wrong
    arguments, and ``KeyboardInterrupt`` after an interrupted run.
    """
    _require_ranges(rows, shard, jobs, rate)
    part = Shard.parse("{}/{}".format(*shard)) if shard is not None else None
    known = _checked(read_script(path_of("script", script, "row.kshell")))
    cases = (Case(known, row) for row in rows_of(rows) if not part or part.has(row))
    plan = Plan(
        Places.standard(str(home) if home is not None else None),
        sender=keeping_connections(),
        jobs=jobs,
        pace=Pace(rate),
        ledger=Ledger(path_of("ledger", ledger, "run.ledger"), whole_text(known)) if ledger is not None else None,
        shard=part,
        rows=0,
    )
    run = Run(cases, plan, lambda _: None)
    run.go()
    if run.exit_code == EXIT_INTERRUPTED:
        raise KeyboardInterrupt
    if run.ledger_error:
        raise run.ledger_error
    return RowCounts(dict(run.tally.states), dict(run.tally.deliveries), run.exit_code)


def _require_ranges(rows: object, shard: Any, jobs: Any, rate: Any) -> None:
    """Raise ``UsageError`` for an argument of a wrong type or out of its range."""
    is_list = isinstance(rows, Iterable) and not isinstance(rows, str | bytes | Mapping)
    require(is_list, "rows", rows, "list of rows", "[{'to': '+919812345678'}]")
    fits = is_number(jobs, whole=True) and 1 <= jobs <= MOST_JOBS
    require(fits, "jobs", jobs, f"whole number from 1 to {MOST_JOBS}", "8")
    fits = rate is None or (is_number(rate) and 0 <= rate <= MOST_RATE)
    require(fits, "rate", rate, f"number from 0 to {MOST_RATE}", "80")
    fits = shard is None or (isinstance(shard, tuple | list) and len(shard) == 2)
    require(fits, "shard", shard, "pair of numbers", "(0, 4)")


def _checked(script: Script) -> Script:
    """Return a script without faults; what its rows have is not known here."""
    if faults := check_script(script, absent=frozenset()):
        raise ScriptError(faults[0].text, hint=faults[0].hint, at=faults[0].place)
    return script
