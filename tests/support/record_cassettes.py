"""Run as a program, record ``cassettes/`` from the embedded simulator, one for each documented answer."""

from __future__ import annotations

from pathlib import Path

from kshell.api.authentication.answers import ANSWERS
from kshell.profiles.files import Places, shipped_folder
from kshell.session.session import Overrides, Session
from kshell.simulator.simulator import Simulator
from kshell.transport.tapes import Tape

FOLDER = Path(__file__).parents[2] / "cassettes"
TO, CODE, MESSAGE_ID = "+919812345678", "482913", "AXXXXXXXXXXXXXXXXXXX"
NAMES = tuple(answer.name for answer in ANSWERS if answer.name)


def record(name: str, folder: Path) -> None:
    """Send the shipped message as the account ``name``, and record the exchange in ``folder``."""
    shipped = shipped_folder()
    session = Session(Places(None, shipped, shipped, shipped), simulator=Simulator(new_id=lambda: MESSAGE_ID))
    draft = session.draft(Overrides(account=name, variables={"to": TO, "otp": CODE}))
    with Tape(folder / f"{name}.yaml", "all") as session.sender:
        session.send(draft, timeout=5)


if __name__ == "__main__":
    for known in NAMES:
        record(known, FOLDER)
