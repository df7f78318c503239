"""``expect`` and ``capture``: test the last answer, or store a value from it."""

import click

from kshell.console.caller import Caller
from kshell.console.command import command, pass_caller
from kshell.core.errors import EXIT_REFUSED, Note, Place
from kshell.core.json_text import text_of
from kshell.core.models import Result
from kshell.scripts.script import capture_parts, check_expression_at
from kshell.scripts.script_run import Retry, ScriptRun
from kshell.scripts.updates import updates_of
from kshell.syntax.diagnostics import ARRIVAL_NAMES
from kshell.syntax.expressions import AbsentError, value_of
from kshell.syntax.failed_expect import FailedPart, failed_parts
from kshell.syntax.lines import Line

_SIDES = ("left", "right")


@command("expect", examples=['expect status == 202 and body.code == "WA202"', "expect delivery in ['accepted']"])
@click.argument("words", nargs=-1, metavar="EXPRESSION")
@pass_caller
def expect(caller: Caller, words: tuple[str, ...]) -> Result:
    """Test an expression. If it is false, show the values on both sides, and exit 1.

    The rest of the line is a Jinja expression over the last answer (status, body, headers, elapsed_ms, delivery), where it
    went (account, pod, template, live), what came of it on the simulator (phone, the message to the first recipient, such as
    phone.code; statuses, a list) and the variables that vars shows with a value. An expression that reads a member that the
    answer lacks is false; test with body.data.x is defined whether it exists. An expression consists of names, numbers,
    strings in quotes, lists, == != < <= > >=, in, not, and, or, brackets, and filters such as length, lower and default.
    """
    session, expression = caller.session, " ".join(words)
    line = caller.line or Line("line", 1, (f"expect {expression}",))
    column = line.rest()[1]
    check_expression_at(line, expression, column)
    hint = ""
    script_run = caller if isinstance(caller, ScriptRun) else None
    retry = script_run.retry if script_run else Retry()
    later = any(name in expression for name in ARRIVAL_NAMES)  # an answer stays the same, however often it is read
    for retries_left in range(retry.times if later else 0, -1, -1):
        names = session.names(expression)
        try:
            if value_of(expression, names, lambda offset: line.place(column + offset)):
                return Result()
        except AbsentError as error:
            hint = error.hint
        if retries_left:
            retry.wait(retry.delay)
    if script_run and script_run.updates is not None:
        updates = updates_of(expression, names, line, session.privacy())
        script_run.updates += updates
        if updates:
            return Result()
    notes = [_note(part, line.place(column + part.offset), hint) for part in failed_parts(expression, names)]
    return Result(notes=[note.masked(session.without_key) for note in notes], exit_code=EXIT_REFUSED)


def _note(part: FailedPart, place: Place, hint: str) -> Note:
    names = _SIDES if len(part.sides) == 2 else ["value"] * len(part.sides)
    sides = (
        f"{name:<5}  {side.value}" + (f"  ({side.text})" if side.text != side.value else "")
        for name, side in zip(names, part.sides, strict=True)
    )
    verdict = "it does not hold" if part.expected else "it holds, and must not"
    return Note("error", f"{verdict}: {part.text}", place, hint, tuple(sides))


@command("capture", examples=["capture code = body.code"])
@click.argument("assignment", required=False, default="")
@pass_caller
def capture(caller: Caller, assignment: str) -> Result:
    """Store the value of an expression over the last answer in a variable of the session.

    The text after the = is an expression, as for expect. {{ NAME }} in a later line inserts the value.
    """
    session = caller.session
    line = caller.line or Line("line", 1, (f"capture {assignment}",))
    rest, column = line.rest()
    name, start = capture_parts(line)
    check_expression_at(line, rest[start:], column + start)
    try:
        value = value_of(rest[start:], session.names(rest), lambda offset: line.place(column + start + offset))
    except AbsentError as error:
        return Result(notes=[error.note.masked(session.without_key)], exit_code=EXIT_REFUSED)
    session.set(name, text_of(value), source="captured")
    return Result()
