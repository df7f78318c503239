"""``sandbox``: the embedded simulator over HTTP, for curl and every other client."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_session
from kshell.core.models import Result

if TYPE_CHECKING:
    from kshell.session.session import Session

DEFAULT_PORT = 8025  # the port of the pod sandbox, so that a snippet made for it runs as it is


@command("sandbox", examples=["sandbox", "sandbox --port 0"])
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 takes a free one."
)
@click.option("--quiet", is_flag=True, help="Do not print a line for each request.")
@pass_session
def sandbox(session: Session, *, port: int, quiet: bool) -> Result:
    """Serve the embedded simulator on this machine, until Ctrl-C.

    The first line on stdout is its base URL. Any SID, key and number are taken as right, but for the magic ones that get
    each documented failure: see GET / there, and the shipped accounts. GET /inbox shows what was delivered.
    """
    from kshell.simulator.server import serve

    serve(
        session.simulator,
        "127.0.0.1",
        port,
        on_ready=_say,
        on_request=(lambda _line: None) if quiet else (lambda line: _say(line, err=True)),
    )
    return Result()


def _say(line: str, *, err: bool = False) -> None:
    # who reads the first line and goes (| head -1) is served all the same
    with suppress(OSError):
        click.echo(line, err=err)
