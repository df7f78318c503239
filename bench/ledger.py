"""Kill runs with a ledger at random moments, run them again to the end, and count what a server received.

    python bench/ledger.py [COUNT] [SEED]

COUNT rows, 10,000 by default, are sent with one job, with eight jobs, and by two runs at once. A fault is a row that was sent
twice, a row that is missing in the ledger, or more rows of unknown outcome than were under way at the kills. The exit code is
1 if there is a fault.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.counting import accept_all, messages_by_recipient, rows_csv  # noqa: E402 - see above
from support.servers import Server, local_pod  # noqa: E402

from kshell.scripts.ledger import entries  # noqa: E402

KILLS = 10


def started(jobs: int) -> subprocess.Popen[bytes]:
    """Start a run of all rows."""
    words = ("run", "s.kshell", "--rows", "r.csv", "--ledger", "run.ledger", "--jobs", str(jobs))
    return subprocess.Popen(
        [sys.executable, "-m", "kshell", *words], stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def faults(count: int, jobs: int, runs: int, chance: random.Random) -> list[str]:
    """Kill ``runs`` runs at once ``KILLS`` times, let them end, print what became of the rows, and return what is wrong."""
    with Server(accept_all) as server:
        Path("s.kshell").write_text(f"send -p {local_pod(server.url)}\n", encoding="utf-8")
        Path("r.csv").write_text(rows_csv(count), encoding="utf-8")
        for kill in range(KILLS):
            processes = [started(jobs) for _ in range(runs)]
            wanted = (kill + chance.random()) * count / KILLS
            while len(server.requests) < wanted and processes[0].poll() is None:
                time.sleep(0.001)
            for process in processes:
                process.send_signal(signal.SIGKILL)
                process.wait()
        for process in [started(jobs) for _ in range(runs)]:
            process.wait()
        sent = messages_by_recipient(server)
    states = Counter(entry.state for entry in entries(Path("run.ledger")))
    print(f"{count} rows, {jobs} jobs, {runs} runs: {len(sent)} received, {dict(states)}")
    wrong = [f"{number} was sent {times} times" for number, times in sent.items() if times > 1]
    wrong += [f"{states.total()} rows in the ledger"] if states.total() != count else []
    return wrong + (["too many unknown"] if states["claimed"] > KILLS * jobs * runs else [])


def main(count: int, seed: int) -> int:
    """Print the faults of every kind of run."""
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    wrong: list[str] = []
    for jobs, runs in ((1, 1), (8, 1), (4, 2)):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.environ["XDG_CONFIG_HOME"] = folder
            wrong += faults(count, jobs, runs, chance)
            os.chdir(ROOT)
    print("\n".join(wrong) or "no fault")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main(int((sys.argv[1:] or ["10000"])[0]), int((sys.argv[2:] or ["1"])[0])))
