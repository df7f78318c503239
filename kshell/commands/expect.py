"""``expect`` and ``capture``: assert on, or keep a value of, the last answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_caller
from kshell.core.errors import EXIT_REFUSED, Note
from kshell.core.json_text import text_of
from kshell.core.models import Result
from kshell.scripts.script import capture_parts, check_expression_at
from kshell.scripts.script_run import Retry, ScriptRun
from kshell.scripts.updates import updates_of
from kshell.syntax.expressions import AbsentError, value_of
from kshell.syntax.failed_expect import blames
from kshell.syntax.lines import Line

if TYPE_CHECKING:
    from kshell.console.caller import Caller
    from kshell.core.errors import Place
    from kshell.syntax.failed_expect import Blame

_SIDES = ("left", "right")


@command("expect", examples=['expect status == 202 and body.code == "WA202"', "expect delivery in ['accepted']"])
@click.argument("expression", required=False, default="")
@pass_caller
def expect(caller: Caller, expression: str) -> Result:
    """Say nothing where an expression holds; where it does not, show the values on both sides, and exit 1.

    The rest of the line is a Jinja expression over the last answer (status, body, headers, elapsed_ms, delivery) and the
    variables that vars shows with a value. What needs something the answer lacks does not hold; body.data.x is defined
    asks whether it is there. An expression is made of names, numbers, texts in quotes, lists, == != < <= > >=, in, not,
    and, or, brackets, and filters such as length, lower and default.
    """
    session = caller.session
    line = caller.line or Line("line", 1, (f"expect {expression}",))
    column = line.rest()[1]
    check_expression_at(line, expression, column)
    hint = ""
    script_run = caller if isinstance(caller, ScriptRun) else None
    retry = script_run.retry if script_run else Retry()
    for looks_left in range(retry.times, -1, -1):
        try:
            if value_of(expression, session.names(), lambda offset: line.place(column + offset)):
                return Result()
        except AbsentError as error:
            hint = error.hint
        if looks_left:
            time.sleep(retry.delay)
    if script_run and script_run.updates is not None:
        found = updates_of(expression, session.names(), line, session.privacy())
        script_run.updates += found
        if found:
            return Result()
    notes = [_note(blame, line.place(column + blame.offset), hint) for blame in blames(expression, session.names())]
    return Result(notes=[note.masked(session.without_key) for note in notes], exit_code=EXIT_REFUSED)


def _note(blame: Blame, place: Place, hint: str) -> Note:
    names = _SIDES if len(blame.sides) == 2 else ["value"] * len(blame.sides)
    sides = (
        f"{name:<5}  {side.value}" + (f"  ({side.text})" if side.text != side.value else "")
        for name, side in zip(names, blame.sides, strict=True)
    )
    how = "it does not hold" if blame.wanted else "it holds, and must not"
    return Note("error", f"{how}: {blame.text}", place, hint, tuple(sides))


@command("capture", examples=["capture code = body.code"])
@click.argument("assignment", required=False, default="")
@pass_caller
def capture(caller: Caller, assignment: str) -> Result:
    """Keep the value of an expression over the last answer as a variable of the session.

    What stands behind the = is an expression, as expect takes them. {{ NAME }} in a later line gives the value.
    """
    session = caller.session
    line = caller.line or Line("line", 1, (f"capture {assignment}",))
    rest, column = line.rest()
    name, start = capture_parts(line)
    check_expression_at(line, rest[start:], column + start)
    try:
        value = value_of(rest[start:], session.names(), lambda offset: line.place(column + start + offset))
    except AbsentError as error:
        return Result(notes=[error.note.masked(session.without_key)], exit_code=EXIT_REFUSED)
    session.set(name, text_of(value), source="captured")
    return Result()
