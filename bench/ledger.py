"""Kill runs with a ledger, start them again until they end, and count what a server received.

    python bench/ledger.py [--rows N] [--kills N] [--seed N] [WAY...]

| way | what is killed |
| --- | --- |
| statements | a run of two rows, before and after each statement of SQLite and each write to the server, three times |
| one | a run with one job, at random moments, as in the ways below |
| jobs | a run with eight jobs |
| two | one of two runs with four jobs each, which use one ledger |
| parallel | shards that GNU parallel starts, and starts again, with one ledger for all |
| dask | workers of Dask, which runs their tasks again, with one ledger for all |
| all | in each of these ways; this is the default |

Each prints a line: the rows, the kills, the messages that the server received, the rows of which it received two, the rows
whose outcome is unknown, and the rows that the ledger does not have. The exit code is 1 if a row was sent twice or is missing,
or if more are unknown than were under way at the kills. ``parallel`` and ``dask`` (distributed) have to be installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "bench")]

from server import Answers  # noqa: E402 - see above
from support.counting import rows_csv  # noqa: E402
from support.killing import killed_at_every_moment  # noqa: E402
from support.servers import local_pod  # noqa: E402

from kshell.scripts.ledger import entries  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARDS = 4
LATENCY = 0.002  # seconds until the server answers, so that a kill often meets a message under way
RUN = ("run", "s.kshell", "--rows", "r.csv")


class Load(NamedTuple):
    """How many rows to send, how many processes to kill, and the source of the moments."""

    rows: int
    kills: int
    chance: random.Random


class Received(Answers):
    """A connection to the server; ``recipients`` are those of the messages of all connections."""

    recipients: ClassVar[list[str]] = []

    def take(self, body: bytes) -> None:
        """Keep the recipient of a message."""
        self.recipients.append(json.loads(body)["messaging_object"]["to"])


@contextmanager
def counting() -> Iterator[str]:
    """Serve until the block ends. Yield the base URL."""
    Received.recipients.clear()
    loop = asyncio.new_event_loop()
    listening = loop.create_server(lambda: Received(LATENCY), "127.0.0.1", 0, backlog=1000)
    server = loop.run_until_complete(listening)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def started(*words: str) -> subprocess.Popen[bytes]:
    """Start kshell."""
    return subprocess.Popen([sys.executable, "-m", "kshell", *words], stderr=subprocess.DEVNULL)


def kill_at_random(load: Load, pids: Callable[[], list[int]], has_ended: Callable[[], bool]) -> int:
    """Kill one of the processes ``pids`` at each of ``load.kills`` random moments. Return how many were killed."""
    kills = 0
    for wanted in sorted(load.chance.sample(range(load.rows), load.kills)):
        while len(Received.recipients) < wanted and not has_ended():
            time.sleep(0.0005)
        time.sleep(load.chance.random() * 2 * LATENCY)
        if known := pids():
            with suppress(ProcessLookupError):
                os.kill(load.chance.choice(known), signal.SIGKILL)
                kills += 1
    return kills


def by_processes(load: Load, jobs: int, count: int) -> int:
    """Kill one of ``count`` runs on one ledger, and start it again at once. Return how many were killed."""
    words = (*RUN, "--ledger", "run.ledger", "--jobs", str(jobs))
    runs = [started(*words) for _ in range(count)]
    ended = False

    def pids() -> list[int]:
        for position, run in enumerate(runs):
            if run.poll() == -signal.SIGKILL:
                runs[position] = started(*words)
        return [run.pid for run in runs if run.poll() is None]

    def has_ended() -> bool:
        return not pids()

    kills = kill_at_random(load, pids, has_ended)
    while not ended:
        ended = has_ended()
        time.sleep(0.01)
    return kills


def by_parallel(load: Load) -> int:
    """Kill the shards of GNU parallel. Return how many were killed."""
    command = f"{sys.executable} -m kshell {' '.join(RUN)} --shard {{}}/{SHARDS} --ledger run.ledger || [ $? = 5 ]"
    words = [
        "parallel",
        "--jobs",
        str(SHARDS),
        "--retries",
        str(load.kills + 1),
        command,
        ":::",
        *map(str, range(SHARDS)),
    ]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as parallel:
        return kill_at_random(load, lambda: shards_below(parallel.pid), lambda: parallel.poll() is not None)


def shards_below(pid: int) -> list[int]:
    """Return the processes of kshell that a process has started, itself or through others."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    parents = {
        int(words[0]): (int(words[1]), words[2]) for words in (line.split(None, 2) for line in listed.splitlines())
    }

    def is_below(one: int) -> bool:
        return one == pid or (one in parents and is_below(parents[one][0]))

    return [one for one, (_, words) in parents.items() if words.startswith(f"{sys.executable} -m") and is_below(one)]


def send_shard(part: int, rows: int) -> int:
    """Send the rows of a shard: the task of Dask. Return the exit code."""
    import kshell

    cells = (dict(zip(("to", "otp"), line.split(","), strict=True)) for line in rows_csv(rows).splitlines()[1:])
    return kshell.run_rows("s.kshell", cells, ledger="run.ledger", shard=(part, SHARDS)).exit_code


def by_dask(load: Load) -> int:
    """Kill the workers of Dask. Return how many were killed."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.scheduler.allowed-failures": load.kills})
    with (
        LocalCluster(n_workers=SHARDS, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster,
        Client(cluster) as client,
    ):
        tasks = client.map(send_shard, range(SHARDS), rows=load.rows, pure=False)

        def pids() -> list[int]:
            running = (nanny for nanny in cluster.workers.values() if nanny.status.name == "running")
            return [
                nanny.pid for nanny in running if nanny.pid
            ]  # Dask does not restart one that was killed at its start

        kills = kill_at_random(load, pids, lambda: all(task.done() for task in tasks))
        client.gather(tasks)
        return kills


def at_every_moment() -> tuple[int, int]:
    """Kill runs of two rows at every moment, three times each. Return how many rows and kills there were."""
    for number in range(200):
        Path(f"{number}.csv").write_text(rows_csv(2, first=2 * number), encoding="utf-8")
    ended = killed_at_every_moment("around", 3, "run", "s.kshell", "--rows", "{n}.csv", "--ledger", "{n}.ledger")
    return 2 * (len(ended) + 1), sum(one.kills for one in ended)


WAYS: dict[str, tuple[Callable[[Load], int], int]] = {
    "one": (lambda load: by_processes(load, 1, 1), 1),
    "jobs": (lambda load: by_processes(load, 8, 1), 8),
    "two": (lambda load: by_processes(load, 4, 2), 4),
    "parallel": (by_parallel, 1),
    "dask": (by_dask, 1),
}  # with the number of messages that a killed process has under way at most


def faults(way: str, load: Load) -> int:
    """Run in one way, print its line, and return how many faults there are."""
    with tempfile.TemporaryDirectory() as folder, counting() as url:
        os.chdir(folder)
        os.environ |= {"XDG_CONFIG_HOME": folder, "PYTHONPATH": str(ROOT)}
        Path("s.kshell").write_text(f"send -p {local_pod(url)}\n", encoding="utf-8")
        Path("r.csv").write_text(rows_csv(load.rows), encoding="utf-8")
        begun = time.monotonic()
        if way == "statements":
            (rows, kills), under_way = at_every_moment(), 1
        else:
            run, under_way = WAYS[way]
            rows, kills = load.rows, run(load)
        states = Counter(entry.state for file in Path().glob("*.ledger") for entry in entries(file))
        os.chdir(ROOT)
    twice = sum(times > 1 for times in Counter(Received.recipients).values())
    unknown, missing = states["claimed"] + states["unknown"], rows - states.total()
    counts = {
        "rows": rows,
        "kills": kills,
        "sent": len(Received.recipients),
        "twice": twice,
        "unknown": unknown,
        "missing": missing,
    }
    print(f"{way}: {', '.join(f'{count} {name}' for name, count in counts.items())}; {time.monotonic() - begun:.0f} s")
    return twice + abs(missing) + max(0, unknown - kills * under_way)


def main() -> int:
    """Read the command line, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ways", nargs="*", metavar="WAY", default="all", choices=("all", "statements", *WAYS))
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 - moments, not secrets
    found = 0
    for way in ("statements", *WAYS) if "all" in options.ways else options.ways:
        if (way == "parallel" and not shutil.which("parallel")) or (way == "dask" and not find_spec("distributed")):
            print(f"{way}: left out, it is not installed")
        else:
            found += faults(way, Load(options.rows, options.kills, chance))
    return min(1, found)


if __name__ == "__main__":
    sys.exit(main())
