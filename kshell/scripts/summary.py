"""Run every case of a run, and return its report and its summary, also if a signal ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kshell.core.errors import EXIT_DONE, EXIT_INTERRUPTED, CassetteError, LedgerError, Note, ScriptError
from kshell.core.exchange import Delivery
from kshell.core.models import Result
from kshell.core.signals import Held
from kshell.scripts.tally import in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kshell.scripts.runs import Run


def summary(run: Run) -> list[str]:
    """Return the counts of a run, in one line; before it a verdict for each case, unless all have the same state."""
    tally = run.tally
    sent = ", ".join(f"{count} {delivery}" for delivery, count in in_order(tally.deliveries, Delivery))
    counted = f"{tally.shown_states() or 'none'}{'' if run.all_counted else ', and more not counted'}"
    what = f"{'rows' if run.by_rows else 'scripts'}: {counted}"
    shard = [f"shard {run.plan.shard}"] if run.plan.shard else []
    total = f"{what}; messages: {sent or 'none'}; {run.seconds:.1f} s"
    line = " · ".join((total, *shard, *tally.shown_marks()))
    return [*tally.verdicts(), line] if len(tally.states) > 1 or run.interrupted else [line]


def run_all(run: Run, report: Callable[[Run], Result] = lambda _: Result(), *, brief: bool = False) -> Result:
    """Run every case and return its report and the summary; with ``brief``, return a summary only if something failed.

    A signal ends the run. The report and the summary are made then, too.
    """
    with Held(holding=False) as held:
        failed = Result()
        try:
            run.go()
            held.holding = True
        except KeyboardInterrupt:
            held.holding = True
            run.interrupt()
        except (CassetteError, LedgerError, ScriptError) as error:
            held.holding = True
            failed = Result(notes=[error.note], exit_code=error.exit_code)
        reported, summed_up = report(run), _summary(run, brief=brief)
    code = max(failed.exit_code, summed_up.exit_code) or reported.exit_code
    late = [Note("info", "interrupted")] if held.interrupted else []
    # a refused send before an expect has an exit code but is not a failure, so the summary decides
    both = joined([reported, failed, summed_up, Result(notes=late)])
    return both._replace(exit_code=EXIT_INTERRUPTED if held.interrupted else code)


def _summary(run: Run, *, brief: bool) -> Result:
    notes: list[Note] = []
    if run.by_rows or run.plan.update:  # the notes of the lines are not shown then
        notes += run.folder_notes()
    if run.by_rows:
        notes += [Note("warning", text) for text in run.tally.shown_warnings()]
    if not brief or run.exit_code:
        notes += [Note("info", line) for line in summary(run)]
    return Result(notes=notes, exit_code=run.exit_code)


def joined(results: Sequence[Result]) -> Result:
    """Join the results of several lines. The exit code is the last that is not 0."""
    output = b"".join(result.data for result in results)
    notes = [note for result in results for note in result.notes]
    return Result(
        output, notes, next((result.exit_code for result in reversed(results) if result.exit_code), EXIT_DONE)
    )
