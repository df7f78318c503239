"""``run`` and ``source``: run scripts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kshell.commands.run_options import ledger_of, plan_of, refuse_combinations, shard_of
from kshell.console.command import SHOW, Assignment, File, Number, command, offering, pass_caller
from kshell.core.errors import (
    EXIT_DONE,
    EXIT_REFUSED,
    EXIT_SETUP,
    Note,
    ScriptError,
    SetupError,
    UsageError,
    listed,
)
from kshell.core.models import Result
from kshell.profiles.files import write_named
from kshell.scripts.rows import RowFile
from kshell.scripts.script import STDIN, Script, absent_names, check_script, read_script
from kshell.scripts.script_run import Case, ScriptRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from kshell.console.caller import Caller
    from kshell.scripts.reports import Reports
    from kshell.scripts.runs import Plan, Run
    from kshell.session.session import Session


@command("source", examples=["source sessions/demo.kshell"])
@click.argument("name", type=File(), metavar="FILE")
@pass_caller
def source(caller: Caller, name: Path) -> Result:
    """Run the lines of another script in this session.

    In a script, FILE is relative to that script.
    """
    from kshell.scripts.summary import joined

    run = caller if isinstance(caller, ScriptRun) else ScriptRun(caller.session, outer=caller)
    file = run.included(name)
    try:
        script = read_script(file)
    except ScriptError as error:
        raise error.placed(caller.line.place(1) if caller.line else None) from None
    absent = frozenset[str]() if caller.session.sent else absent_names(caller.session.values())
    faults = check_script(script, run.files, absent=absent)
    if faults:
        return _faulty(faults)
    steps = list(run.play(script))
    caller.ended = run.ended
    failed = next((step.result.exit_code for step in steps if step.failed), EXIT_DONE)
    return joined([step.result for step in steps])._replace(exit_code=failed)


def _faulty(faults: list[Note]) -> Result:
    return Result(notes=faults, exit_code=EXIT_SETUP)


class Report(NamedTuple):
    """A report to write: its kind, and its file; None for stdout."""

    kind: str
    file: Path | None


class _ReportType(click.ParamType[Report]):
    """``KIND=FILE``, or ``tap`` alone."""

    name = "KIND=FILE"
    kinds = ("junit", "json", "jsonl", "html", "tap")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """The kinds of reports; ``tap`` needs no file."""
        from click.shell_completion import CompletionItem

        offers = [*(f"{kind}=" for kind in self.kinds), "tap"]
        return [CompletionItem(offer) for offer in offers if offer.startswith(incomplete)]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Report:  # noqa: ARG002
        """Return the report. Raises ``UsageError`` for an unknown kind, a missing file name or a directory."""
        kind, _, name = str(value).partition("=")
        if kind not in self.kinds:
            raise UsageError(
                f"there is no report {kind!r}", hint=f"reports: {listed(self.kinds)}; as in junit=report.xml"
            )
        if not name and kind != "tap":
            raise UsageError(f"--report {kind} needs a file", hint=f"write --report {kind}=FILE")
        if name and os.path.isdir(name):
            raise UsageError(f"{name} is a directory", hint=f"write --report {kind}=FILE")
        return Report(kind, Path(name) if name else None)


def _writes(options: Mapping[str, Any]) -> tuple[str, str] | None:
    if any(report.file for report in options["reports"]):
        return "--report KIND=FILE", "name the report where the script is run from; --report tap goes to stdout"
    if options["cassette"] and options["mode"] != "none":
        return "--cassette", "add --record none, or name the cassette where the script is run from"
    if options["ledger"]:
        return "--ledger", "name the ledger where the script is run from"
    return ("--update --yes", "leave --yes out: the diff is shown") if options["update"] and options["yes"] else None


@command("run", examples=["run sessions/demo.kshell", "run --check sessions/demo.kshell"], writes=_writes)
@click.argument("files", nargs=-1, required=True, type=File(), metavar="FILE...")
@click.option("--check", "only_check", is_flag=True, help="Report the faults of the scripts, and run nothing.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    type=Assignment(),
    shell_complete=offering("assignments"),
    help="Set a variable before the first line.",
)
@click.option(
    "--rows",
    type=File(),
    help="Run the scripts once for each row of a .csv or .jsonl file; columns become variables. Failures and the "
    "number of warnings are shown, not the output of the lines; --report json=FILE keeps requests and answers.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Run N scripts or rows at a time, in threads: they share one core, and pay while they wait for answers.",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=_ReportType(),
    metavar="KIND=FILE",
    help="Write a report: junit=FILE, json=FILE, jsonl=FILE, html=FILE, tap=FILE, or tap for stdout. It holds no key, "
    "no code and no full number.",
)
@click.option("--cassette", type=File(), help="Record requests and answers in FILE, and replay them from it.")
@click.option(
    "--record",
    "mode",
    type=click.Choice(["none", "once", "new", "all"]),
    help="With --cassette, what to send: nothing; all if FILE does not exist (the default); what FILE lacks; all.",
)
@click.option(
    "--update",
    is_flag=True,
    help="Show a diff that makes the expect lines match the answers of this run.",
)
@click.option(
    "--ledger",
    type=File(),
    help="With --rows: keep in FILE what became of each message, and pass over the rows that an earlier run sent. A run "
    "with other columns in a .csv file, with an edited script, or with a script that has a run line or computes the name "
    "of a command or of a sourced script is refused.",
)
@click.option(
    "--resend",
    type=click.Choice(["unknown"]),
    help="With --ledger and --yes: send the messages again whose outcome is unknown. They may be delivered twice.",
)
@click.option("--yes", is_flag=True, help="With --update: write the changes to the scripts. With --resend: send.")
@click.option(
    "--rate",
    type=Number(0, 10_000),
    metavar="N",
    help="Send at most N messages a second, over all jobs. The default is 80 on a live pod, and no limit (0) elsewhere.",
)
@click.option(
    "--shard",
    metavar="I/N",
    help="With --rows: run every Nth row, beginning with row I, counted from 0. The default is the index of a Kubernetes job "
    "(JOB_COMPLETION_INDEX, with KSHELL_SHARDS) or of a Slurm array, else all rows.",
)
@click.option("--bail", is_flag=True, help="Stop after the first failure.")
@click.option(
    "--retry",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Let a failed expect look again at phone and statuses, up to N times. Nothing is sent again.",
)
@click.option(
    "--delay", type=Number(0, 3600), default=1.0, show_default=True, metavar="S",
    help="Wait S seconds before each repetition.",
)  # fmt: skip
@click.pass_context
def run(context: click.Context, /, **options: Any) -> Result:
    """Run scripts, each in a separate session, and print a summary.

    All lines of a script are checked before the first one runs. A script stops at the first line that fails. A refused send
    fails, unless an expect follows before the next send. - is stdin. The exit code is 0 if everything passed, else the most
    severe code of the failed lines.
    """
    refuse_combinations(options)
    outer = context.obj if isinstance(context.obj, ScriptRun) else None
    files = [outer.included(file) if outer and file != STDIN else file for file in options["files"]]
    scripts = [read_script(file) for file in files]
    shard = shard_of(options, outermost=outer is None)
    rows = RowFile(options["rows"]) if options["rows"] else None
    columns = rows.columns if rows else ()
    absent = absent_names((*dict(options["variables"]), *columns, *context.obj.session.values()))
    faults = [fault for script in scripts for fault in check_script(script, absent=absent)]
    if faults:
        return _faulty(faults)
    notes = _unread(scripts, context.obj.session, columns, options)
    if options["only_check"]:
        done = (Note("info", f"{len(script.lines)} lines, no fault: {script.file}") for script in scripts)
        return Result(notes=[*notes, *done])
    cases = (
        Case(script, row) for script in scripts for row in rows or [None] if not row or not shard or shard.has(row)
    )
    plan = plan_of(context.obj.session, options, outer)._replace(
        ledger=ledger_of(scripts[0], columns, options),
        shard=shard,
        rows=rows.estimate() * len(scripts) // (shard.parts if shard else 1) if rows else None,
    )
    if options["update"]:
        return _update([*cases], plan, write=options["yes"])
    return _run(context, cases, plan, options["reports"], notes=notes)


def _unread(scripts: list[Script], session: Session, columns: Iterable[str], options: Mapping[str, Any]) -> list[Note]:
    """Return a warning for each variable and each column that nothing reads; with ``--check``, for ``set`` lines too."""
    if not (options["variables"] or columns or options["only_check"]):
        return []
    from kshell.scripts.names import ReadNames

    read = ReadNames(scripts, session)
    notes = [note for name, _ in options["variables"] for note in read.unread(name, "the variable")]
    notes += [note for name in columns for note in read.unread(name, "the column")]
    return notes + (read.unread_settings() if options["only_check"] else [])


def _update(cases: list[Case], plan: Plan, *, write: bool) -> Result:
    """Run the scripts, and show or write the changes that make their expect lines match the answers."""
    from kshell.scripts.runs import Run
    from kshell.scripts.summary import joined, run_all
    from kshell.scripts.updates import update_file

    failures: list[Result] = []
    run = Run(cases, plan, lambda result: failures.append(result._replace(output="")))
    summary = run_all(run, brief=True)
    updates = dict.fromkeys(update for case in cases if case.script_run for update in case.script_run.updates or ())
    files = dict.fromkeys(update.at.file for update in updates)
    diffs = [
        update_file(Path(file), [update for update in updates if update.at.file == file], write=write) for file in files
    ]
    changed = Result("".join(diffs), exit_code=EXIT_REFUSED if diffs and not write else EXIT_DONE)
    notes = [Note("hint", "add --yes to write this")] if diffs and not write else []
    if not diffs and not summary.exit_code:
        notes = [Note("info", "nothing to update: every expect line holds")]
    return joined([*(failures if summary.exit_code else []), changed, summary, Result(notes=notes)])


def _run(
    context: click.Context,
    cases: Iterable[Case],
    plan: Plan,
    reports: tuple[Report, ...],
    *,
    notes: Sequence[Note] = (),
    brief: bool = False,
) -> Result:
    """Run the cases. Show ``notes`` and the results at once if the caller can; a report on stdout suppresses the output."""
    from kshell.scripts.runs import Run
    from kshell.scripts.summary import joined, run_all

    unshown: list[Result] = []
    show = context.meta.get(SHOW) or unshown.append
    show(Result(notes=notes))
    report_on_stdout = any(report.file is None for report in reports)
    masked = _masked(reports) if reports else None
    shown = (lambda result: show(result._replace(output=""))) if report_on_stdout else show
    run = Run(cases, plan, shown, masked.take if masked else lambda _: None)
    ran = run_all(run, lambda run: _report(run, reports, masked) if masked else Result(), brief=brief)
    return joined([*unshown, ran])._replace(exit_code=ran.exit_code)


def _masked(reports: Sequence[Report]) -> Reports:
    from kshell.scripts.reports import JsonLines, Reports

    lines = [JsonLines(report.file) for report in reports if report.kind == "jsonl" and report.file]
    return Reports({report.kind for report in reports} - {"jsonl"}, lines)


def _report(run: Run, reports: tuple[Report, ...], masked: Reports) -> Result:
    from kshell.scripts.progress import Progress

    progress = Progress(1 if reports else 0)
    progress.show("writing the reports")
    texts = masked.texts(run)
    output = ""
    for lines in masked.lines:
        lines.close()
    notes = [lines.error.note for lines in masked.lines if lines.error]
    for report in (report for report in reports if report.kind in texts):
        if report.file is None:
            output += texts[report.kind]
            continue
        try:
            write_named(report.file, texts[report.kind])
        except SetupError as error:
            notes.append(error.note)
    progress.clear()
    return Result(output, notes, EXIT_SETUP if notes else EXIT_DONE)


def run_stdin(context: click.Context) -> Result:
    """Run stdin as a script; print a summary only if it fails."""
    from kshell.scripts.runs import Plan

    script = read_script(STDIN)
    faults = check_script(script)
    plan = Plan(context.obj.session.places)
    return _faulty(faults) if faults else _run(context, [Case(script)], plan, (), brief=True)
