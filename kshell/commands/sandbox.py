"""``sandbox``: serves the simulator over HTTP, for applications, browsers, curl and other clients."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kshell.console.command import File, Number, command
from kshell.core.models import Result
from kshell.profiles.profiles import read_approved

if TYPE_CHECKING:
    from kshell.simulator.pages import Knowledge

DEFAULT_PORT = 8255  # the port of the pod sandbox, so that its snippets run unchanged
_LONGEST_DELAY = 3600.0  # seconds


@command("sandbox", examples=["sandbox", "sandbox --port 0 --callback http://127.0.0.1:5000/hook"])
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    help="0 takes a free port.",
)
@click.option("--callback", default="", metavar="URL", help="POST each status of each message there.")
@click.option(
    "--delay",
    type=Number(0, _LONGEST_DELAY),
    default=0.2,
    show_default=True,
    metavar="SECONDS",
    help="The time between the statuses of a message.",
)
@click.option(
    "--approved",
    type=File(),
    metavar="FILE",
    help="An account's file, or one with its key approved: alone. Other templates fail with 132001.",
)
@click.option("--quiet", is_flag=True, help="Do not print a line for each request and each callback.")
def sandbox(*, port: int, callback: str, delay: float, approved: Path | None, quiet: bool) -> Result:
    """Serve the simulator on this machine, until Ctrl-C.

    The first line on stdout is its base URL; open it in a browser to see the recipients' phones. Any SID, key and number are
    valid, except the magic values that cause each documented failure: see the shipped accounts. A message to +1500<code>0
    is accepted and fails with that code of Meta's: +15001310260 with 131026. GET /inbox shows the messages as JSON.
    """
    from kshell.simulator.posting import callbacks_to
    from kshell.simulator.server import serve
    from kshell.simulator.simulator import Simulator

    simulator = Simulator(delay=delay, approved=read_approved(approved) if approved else None)
    log = (lambda _line: None) if quiet else (lambda line: _print_line(line, err=True))
    with callbacks_to(callback, simulator.kept, log) if callback else nullcontext():
        serve(simulator, port, on_ready=_print_line, on_request=log, knowledge=knowledge())
    return Result()


@cache  # each test of a program may have its own sandbox
def knowledge() -> Knowledge:
    """Return what kshell tells the simulator, which states the API on its own: meanings of Meta's codes, and OpenAPI."""
    from kshell.api.statuses import OUTCOMES
    from kshell.commands.schemas import openapi_text
    from kshell.simulator.pages import Knowledge

    meanings = {
        int(row.code): f"{row.meaning} Whose move? {row.who[0].upper()}{row.who[1:]}."
        for row in OUTCOMES
        if row.code.isdecimal()
    }
    return Knowledge(meanings, openapi_text())


def _print_line(line: str, *, err: bool = False) -> None:
    with suppress(OSError):  # keep serving after the reader of stdout has ended (| head -1)
        click.echo(line, err=err)
