"""``ledger``: what became of the rows of a run, from its ledger."""

from __future__ import annotations

import csv
import time
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kshell.console.command import File, as_json, command, refuse_both
from kshell.core.errors import Note
from kshell.core.json_text import dumps
from kshell.core.models import Payload, Result
from kshell.core.terminal import columns

if TYPE_CHECKING:
    from kshell.scripts.ledger import Entry, State

_STATES: tuple[State, ...] = ("accepted", "refused", "not-sent", "unknown", "claimed")
_FIELDS = {
    "row": "number", "line": "line", "send": "ordinal", "state": "state", "to": "masked", "pseudonym": "recipient",
    "status": "status", "code": "code", "message_id": "message_id", "claimed_at": "claimed_at", "ended_at": "ended_at",
}  # fmt: skip


@command("ledger", examples=["ledger run.ledger", "ledger run.ledger --rows unknown --csv"])
@click.argument("file", type=File())
@click.option(
    "--rows",
    type=click.Choice([*_STATES, "all"]),
    help="List the rows in this state. unknown lists the claimed ones too: their run was killed, or has not ended.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print the rows as CSV.")
@as_json
def ledger(file: Path, *, rows: str | None, as_csv: bool, as_json: bool) -> Result:
    """Count the messages in a run's ledger by their state, or list the rows in one state.

    A ledger is made by run --rows ROWS --ledger FILE. It holds no code and no full number; row and line find a row in ROWS.
    """
    from kshell.scripts.ledger import counts, entries

    refuse_both(csv=as_csv, json=as_json)
    states = ("unknown", "claimed") if rows == "unknown" else _STATES if rows in (None, "all") else (rows,)
    listed = [entry for entry in entries(file) if entry.state in states] if rows or as_csv or as_json else []
    known = counts(file)
    counted: Payload = {str(state): known[state] for state in _STATES if known[state]}
    if as_csv:
        return Result(_csv(listed))
    if as_json:
        return Result(dumps({"file": str(file), "counts": counted, "rows": [_data(entry) for entry in listed]}) + "\n")
    if rows:
        cells = [(f"row {it.number}", f"line {it.line}", it.state, it.masked, it.code, it.message_id) for it in listed]
        return Result(columns(cells), [] if listed else [Note("info", f"no row is {rows}")])
    text = ", ".join(f"{count} {state}" for state, count in counted.items())
    unsure = known["unknown"] + known["claimed"]
    notes = [Note("hint", f"kshell ledger {file} --rows unknown lists those that may have been sent")] if unsure else []
    notes += [] if text else [Note("info", f"{file} is empty: no message was begun")]
    return Result(f"messages: {text or 'none'}\n", notes)


def _data(entry: Entry) -> dict[str, Any]:
    values = entry._asdict()
    for name in ("claimed_at", "ended_at"):
        values[name] = values[name] and time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(values[name]))
    return {name: values[field] for name, field in _FIELDS.items()}


def _csv(listed: list[Entry]) -> str:
    stream = StringIO()
    writer = csv.DictWriter(stream, [*_FIELDS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_data, listed))
    return stream.getvalue()
