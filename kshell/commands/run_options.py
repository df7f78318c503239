"""What the options of ``run`` mean: its sender, its pace and its ledger, and which options go together."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from kshell.core.errors import UsageError
from kshell.scripts.script import Script, whole_text
from kshell.scripts.script_run import Retry, ScriptRun
from kshell.scripts.shards import Shard
from kshell.session.session import Session, keeping_connections, send_attempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kshell.scripts.ledger import Ledger
    from kshell.scripts.pace import Pace
    from kshell.scripts.runs import Plan
    from kshell.session.session import Sender
    from kshell.transport.tapes import Mode


def refuse_combinations(options: Mapping[str, Any]) -> None:
    """Raise ``UsageError`` for options that do not go together."""
    if options["mode"] and not options["cassette"]:
        raise UsageError("--record goes with --cassette FILE", hint="add --cassette FILE")
    if options["yes"] and not (options["update"] or options["resend"]):
        raise UsageError("--yes goes with --update and --resend", hint="add --update, or --resend unknown")
    if options["resend"] and not options["ledger"]:
        raise UsageError("--resend goes with --ledger FILE", hint="add --ledger FILE")
    if options["ledger"] and (not options["rows"] or len(options["files"]) > 1 or options["cassette"]):
        hint = "write run FILE --rows ROWS --ledger LEDGER"
        raise UsageError("--ledger goes with --rows and one script, and without --cassette", hint=hint)
    if options["shard"] and not options["rows"]:
        raise UsageError("--shard goes with --rows FILE", hint="add --rows FILE")
    if options["update"] and (options["rows"] or options["reports"]):
        raise UsageError("--update goes without --rows and --report", hint="run --update separately")


def plan_of(session: Session, options: Mapping[str, Any], outer: ScriptRun | None) -> Plan:
    """Return how to run, without the ledger and the shard."""
    from kshell.scripts.runs import Plan

    return Plan(
        places=session.places,
        variables=dict(options["variables"]),
        retry=Retry(options["retry"], options["delay"]),
        bail=options["bail"],
        jobs=options["jobs"],
        sender=_sender_of(session, options["cassette"], options["mode"]),
        update=options["update"],
        outer=outer,
        pace=_pace_of(session, options),
    )


def _sender_of(session: Session, file: Path | None, mode: Mode | None) -> AbstractContextManager[Sender]:
    """Return the sender of the run: a tape for ``--cassette``, else this session's sender."""
    if file is None:
        return keeping_connections() if session.sender is send_attempt else nullcontext(session.sender)
    from kshell.transport.tapes import Tape

    return Tape(file, mode or "once")


def shard_of(options: Mapping[str, Any], *, outermost: bool) -> Shard | None:
    """Return the shard of ``--shard``, or that of the engine which runs this process. Raises ``UsageError``."""
    if not options["rows"] or not (options["shard"] or outermost):
        return None
    return Shard.parse(options["shard"]) if options["shard"] else Shard.of_environment(os.environ)


def _pace_of(session: Session, options: Mapping[str, Any]) -> Pace | None:
    """Return the pace of the run. A replay, and a run within a run, have none of their own unless ``--rate`` is given."""
    if options["rate"] is None and (options["cassette"] or session.sender is not send_attempt):
        return None
    from kshell.scripts.pace import Pace

    return Pace(options["rate"])


def ledger_of(script: Script, columns: Iterable[str], options: Mapping[str, Any]) -> Ledger | None:
    """Open the ledger of the rows. Raises ``LedgerError``, and ``UsageError`` for ``--resend`` without ``--yes``."""
    file: Path | None = options["ledger"]
    if file is None:
        return None
    from kshell.scripts.ledger import Ledger, counts

    if options["resend"] and not options["yes"]:
        known = counts(file)
        message = f"messages that --resend unknown may deliver twice: {known['unknown'] + known['claimed']}"
        raise UsageError(message, hint="add --yes to send them")
    known_columns = columns if options["rows"].suffix.lower() == ".csv" else ()
    return Ledger(file, whole_text(script), known_columns, resend=bool(options["resend"]))
