"""Measure ``session.draft`` beside bare Jinja, and a key after ``use account `` with 1,000 accounts.

Usage: python bench/drafts.py [DRAFTS [ROUNDS]]

By default 5,000 drafts and 7 rounds. The other side renders the same template in Jinja's sandbox, and reads and writes the
JSON.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2.sandbox import ImmutableSandboxedEnvironment
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from rounds import Cost, compare, numbers, show

from kshell.profiles.files import Places, shipped_folder
from kshell.session.files import KeptFiles
from kshell.session.session import Overrides, Session
from kshell.shell.completer import CommandCompleter

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNTS = 1_000


def timed(count: int, work: Callable[[str], object]) -> Cost:
    """Call ``work`` with a new code each time."""
    clock, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        work(f"{number:06}")
    return Cost(count, time.perf_counter() - clock, time.process_time() - cpu)


def drafts(count: int, rounds: int) -> None:
    """Print the row of the drafts."""
    places = Places.standard(None)
    session = Session(places, files=KeptFiles(places))  # a run keeps the files that it has read
    values = {"to": "+919812345678", "template_name": "auth1", "language": "en_US", "index": "0", "wa_source": "api"}
    values |= {"ref": "a", "ref1": "b", "ref2": "c"}
    template = ImmutableSandboxedEnvironment().from_string((shipped_folder() / "templates/auth.json.j2").read_text())

    def own(code: str) -> object:
        return session.draft(Overrides("demo", variables={**values, "otp": code}))

    def bare(code: str) -> object:
        return json.dumps(json.loads(template.render({**values, "otp": code})))

    own("1"), bare("1")
    what = "session.draft, beside sandboxed Jinja, loads and dumps"
    compare(what, lambda: timed(count, own), lambda: timed(count, bare), rounds, ">= 0.25")


def completions() -> None:
    """Print the row of a key; the first one, which reads every file, and the later ones."""
    text = (shipped_folder() / "profiles/accounts/demo.yaml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        accounts = Path(folder) / "profiles/accounts"
        accounts.mkdir(parents=True)
        for number in range(ACCOUNTS):
            (accounts / f"mine{number}.yaml").write_text(text)
        completer = CommandCompleter(Session(Places.standard(folder)))

        def key(_: str) -> None:
            list(completer.get_completions(Document("use account "), CompleteEvent(text_inserted=True)))

        first = timed(1, key).seconds * 1_000
        times = [timed(1, key).seconds * 1_000 for _ in range(11)]
    what = f"a key after use account, {ACCOUNTS} accounts (the first: {first:.0f} ms)"
    show(what, times, "ms", "<= 20")


def main() -> None:
    """Print the rows."""
    count, rounds = numbers(5_000, 7)
    print(f"{count} drafts, {rounds} rounds; least, median")
    drafts(count, rounds)
    completions()


if __name__ == "__main__":
    main()
