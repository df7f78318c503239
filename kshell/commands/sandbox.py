"""``sandbox``: serves the embedded simulator over HTTP, for curl and other clients."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from kshell.console.command import command, pass_session
from kshell.core.models import Result

if TYPE_CHECKING:
    from kshell.session.session import Session

DEFAULT_PORT = 8255  # the port of the pod sandbox, so that its snippets run unchanged


@command("sandbox", examples=["sandbox", "sandbox --port 0"])
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0 takes a free port."
)
@click.option("--quiet", is_flag=True, help="Do not print a line for each request.")
@pass_session
def sandbox(session: Session, *, port: int, quiet: bool) -> Result:
    """Serve the embedded simulator on this machine, until Ctrl-C.

    The first line on stdout is its base URL. Any SID, key and number are valid, except the magic values that cause each
    documented failure: see GET / there, and the shipped accounts. GET /inbox shows the delivered messages.
    """
    from kshell.simulator.server import serve

    serve(
        session.simulator,
        "127.0.0.1",
        port,
        on_ready=_print_line,
        on_request=(lambda _line: None) if quiet else (lambda line: _print_line(line, err=True)),
    )
    return Result()


def _print_line(line: str, *, err: bool = False) -> None:
    with suppress(OSError):  # keep serving after the reader of stdout has ended (| head -1)
        click.echo(line, err=err)
