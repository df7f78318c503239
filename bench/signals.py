"""Send SIGINT, SIGTERM and SIGHUP at random moments to sends and runs, and count what goes wrong.

    python bench/signals.py [COUNT]

COUNT is 1,000 by default. Each process sends to a server of this program, which counts what it received. A fault is a
traceback, an end by the signal itself after the first instruction, an exit code that is not 128 plus the signal, "not sent"
although the server has the message, a second message, or a report that is missing or not whole. The exit code is 1 if there
is a fault.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from support.servers import ACCEPTED, Server, answer, pause, read  # noqa: E402 - found through the line above

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# the line is printed when signals are handled: how long Python itself takes to start is no matter of kshell's
STARTED = (
    "from kshell.__main__ import entry\nfrom kshell.core.signals import handle, leave\n"
    "handle(leave)\nprint(flush=True)\nentry()"
)
SCRIPT = "send -p local to=+919812345678 otp=1\n"


def faults(home: Path, chance: random.Random) -> tuple[str, list[str]]:
    """Run one process, end it by a signal at a random moment, and return the outcome and what is wrong with it."""
    number, report = chance.choice(NUMBERS), home / "report.json"
    report.unlink(missing_ok=True)
    words = chance.choice([SCRIPT.split(), ["run", "s.kshell", "--report", f"json={report}"]])
    with Server(pause(0.01), read, pause(0.05), answer(202, ACCEPTED)) as server:
        (home / "profiles" / "pods" / "local.yaml").write_text(f"base_url: {server.url}\n")
        process = subprocess.Popen(
            [sys.executable, "-c", STARTED, *words],
            cwd=home / "work",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(PROJECT), "KSHELL_HOME": "", "XDG_CONFIG_HOME": str(home)},
        )
        with process:
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.5))
            process.send_signal(number)
            _, err = process.communicate(timeout=30)
    code, wrong = process.returncode, []
    wrong += ["traceback"] if "Traceback" in err else []
    wrong += [f"exit code {code}"] if code not in (0, 128 + number) else []
    wrong += ["a second message"] if len(server.requests) > 1 else []
    said_not_sent = code and ("nothing was sent" in err or "not-sent" in err)
    wrong += ["said not sent, but it was"] if said_not_sent and server.requests else []
    begun = "scripts: " in err
    try:
        wrong += ["no report"] if words[0] == "run" and begun and not json.loads(report.read_text())["cases"] else []
    except (OSError, ValueError):
        wrong += ["no whole report"]
    return f"{number.name} {code}", wrong


def main(count: int) -> int:
    """Print the outcomes and the faults of ``count`` processes."""
    chance = random.Random(1)  # noqa: S311 - moments, not secrets
    outcomes: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "profiles" / "pods").mkdir(parents=True)
        (home / "kshell").symlink_to(home)  # the user's own configuration, which needs no trust
        (home / "work").mkdir()
        (home / "work" / "s.kshell").write_text(SCRIPT)
        for _ in range(count):
            outcome, found = faults(home, chance)
            outcomes[outcome] += 1
            wrong.update(found)
    for name, number in [*sorted(outcomes.items()), *wrong.items()]:
        print(f"{number:6}  {name}")
    print(f"{sum(wrong.values())} faults of {count}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 1000))
