"""Measure how long kshell's commands take, beside other programs in the same run.

Usage: pip install . && python bench/start.py [ROUNDS [HTTP]]

HTTP is the ``http`` program of HTTPie, by default the one of this environment. Better give one of another environment:
HTTPie brings the package rich, and where rich is installed httpx imports its own command line, which costs kshell 30 ms.

Programs run in turns, so a slow moment of the machine affects all of them. Each row shows the least and the median time in
milliseconds and, against another row, the ratio of the least times and the median of the rounds' ratios. Nothing is asserted,
because times depend on the machine. The goal of each ratio is printed beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

PROGRAMS = Path(sys.executable).parent


class Row(NamedTuple):
    """A command to time, the name of the row to compare it with, and the goal for the ratio."""

    name: str
    words: list[str]
    against: str = ""
    wanted: float = 0


def program(name: str) -> str:
    """Return the path of a program of this environment."""
    return str(PROGRAMS / name)


def rows(base_url: str, body: str) -> list[Row]:
    """Return the rows: kshell beside a bare Python, and beside HTTPie with the same request."""
    http = [sys.argv[2] if len(sys.argv) > 2 else program("http"), "--ignore-stdin"]
    url = f"{base_url}/v2/HXSANDBOXIN/whatsapp/+15005550000/messages"
    request = ["POST", url, "api-key:k", "--raw", body]
    return [
        Row("python -c pass", [sys.executable, "-c", "pass"]),
        Row("kshell --version", [program("kshell"), "--version"], "python -c pass", 4),
        Row("http --offline", [*http, "--offline", *request]),
        Row("kshell curl -a docs", [program("kshell"), "curl", "-a", "docs"], "http --offline", 0.35),
        Row("http POST", [*http, *request]),
        Row("kshell send -p local", [program("kshell"), "send", "-p", "local", "to=+919812345678"], "http POST", 0.65),
    ]


def timed(words: list[str]) -> float:
    """Return the seconds of one run. Raises ``CalledProcessError`` if the run fails."""
    start = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Start the simulator, time every row in turn, and print the table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    os.environ["PYTHONDONTWRITEBYTECODE"] = ""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = subprocess.Popen([program("kshell"), "sandbox", "--port", "0", "--quiet"], stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            base_url = server.stdout.readline().decode().strip()
            pod = Path("user/kshell/profiles/pods/local.yaml")  # of the user, so that it needs no trust
            pod.parent.mkdir(parents=True)
            pod.write_text(f"base_url: {base_url}\n", encoding="utf-8")
            os.environ["XDG_CONFIG_HOME"] = str(Path("user").absolute())
            body = subprocess.run([program("kshell"), "render", "to=+919812345678"], check=True, capture_output=True)
            table(rows(base_url, json.dumps(json.loads(body.stdout))), rounds)
        finally:
            server.terminate()
            server.wait()


def table(wanted: list[Row], rounds: int) -> None:
    """Time the rows in turns, and print one line for each."""
    times: dict[str, list[float]] = {row.name: [] for row in wanted}
    for row in wanted:
        timed(row.words)
    for _ in range(rounds):
        for row in wanted:
            times[row.name].append(timed(row.words))
    print(f"{'':22} {'least ms':>9} {'median ms':>9}  ratio: least, median")
    for row in wanted:
        least, median = min(times[row.name]) * 1000, statistics.median(times[row.name]) * 1000
        line = f"{row.name:22} {least:9.1f} {median:9.1f}"
        if row.against:
            ratios = [own / other for own, other in zip(times[row.name], times[row.against], strict=True)]
            both = f"{least / 1000 / min(times[row.against]):.2f}, {statistics.median(ratios):.2f}"
            line += f"  {both} of {row.against} (wanted: at most {row.wanted:g})"
        print(line)


if __name__ == "__main__":
    main()
