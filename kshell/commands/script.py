"""``run`` and ``source``: scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kshell.commands import SHOW, Assignment, Result, command, pass_session
from kshell.errors import EXIT_SETUP, KshellError, ScriptError
from kshell.script import STDIN, check_script, included, play, read_script
from kshell.session import Retry

if TYPE_CHECKING:
    from kshell.session import Session

_FILE = click.Path(path_type=Path)


@command("source", examples=["source sessions/setup.kshell"])
@click.argument("name", metavar="FILE")
@pass_session
def source(session: Session, name: str) -> Result:
    """Run the lines of another script here, as if they stood in this place.

    In a script, FILE is relative to the script that names it.
    """
    from kshell.runs import joined

    file = included(session, name)
    try:
        script = read_script(file)
    except ScriptError as error:
        error.at = error.at or (session.at.place(1) if session.at else None)
        raise
    faults = check_script(script, session.scripts)
    if faults:
        return _faulty(faults)
    return joined([step.result for step in play(session, script)])


def _faulty(faults: list[KshellError]) -> Result:
    return Result(notes=[line for fault in faults for line in fault.lines()], exit_code=EXIT_SETUP)


@command("run", examples=["run sessions/demo.kshell", "run --check sessions/demo.kshell"])
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--check", "only_check", is_flag=True, help="Say what is wrong with the scripts, and run nothing.")
@click.option("--var", "variables", multiple=True, type=Assignment(), help="Set a variable before the first line.")
@click.option(
    "--rows", type=_FILE, help="Run the scripts once for each row of a .csv or .jsonl file; columns become variables."
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help="Run N scripts or rows at a time.")
@click.option("--bail", is_flag=True, help="Run nothing more once something has failed.")
@click.option("--retry", type=click.IntRange(0, 1000), default=0, metavar="N", help="Let an expect look N times more.")
@click.option(
    "--delay", type=click.FloatRange(0, 3600), default=1.0, show_default=True, metavar="S",
    help="Wait S seconds before an expect looks again.",
)  # fmt: skip
@click.pass_context
def run(context: click.Context, /, **options: Any) -> Result:
    """Run scripts, each in a session of its own, and say what they came to.

    A script is checked whole before its first line runs, and stops at the first line that fails. A send that is refused
    fails, unless an expect stands between it and the next send. - is stdin. The exit code is 0 where everything passed, else
    the gravest of the lines that failed.
    """
    from kshell.rows import read_rows
    from kshell.runs import Plan, run_all

    scripts = [read_script(file) for file in options["files"]]
    faults = [fault for script in scripts for fault in check_script(script)]
    if faults:
        return _faulty(faults)
    if options["only_check"]:
        return Result(notes=[f"{len(script.lines)} lines, no fault: {script.file}" for script in scripts])
    retry = Retry(options["retry"], options["delay"])
    plan = Plan(context.obj.places, dict(options["variables"]), retry, options["bail"], options["jobs"])
    rows = read_rows(options["rows"]) if options["rows"] else None
    return run_all(scripts, plan, rows=rows, show=context.meta.get(SHOW))


def run_stdin(context: click.Context) -> Result:
    """Run what stands on stdin as a script; there is no summary where it passes."""
    from kshell.runs import Plan, run_all

    script = read_script(STDIN)
    faults = check_script(script)
    return (
        _faulty(faults)
        if faults
        else run_all([script], Plan(context.obj.places), show=context.meta.get(SHOW), brief=True)
    )
