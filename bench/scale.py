"""Measure the memory of a long run, the time to its first message, and its reports.

Usage: python bench/scale.py [ROWS [REPORTED [ROUNDS]]]

By default 1,000,000 rows, which takes the better part of an hour, reports of 10,000 rows, and 3 rounds.
"""

from __future__ import annotations

import socket
import subprocess
import time

from rounds import KSHELL, Cost, fixed_answers, folder, numbers, point_to, run, show

REPORTS = ("junit", "json", "jsonl", "html")


def first_send(rows: int, rounds: int) -> None:
    """Print how long after its start a run of many rows sends its first byte."""
    times = []
    with folder(rows), socket.create_server(("127.0.0.1", 0)) as listener:
        point_to(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(rounds):
            begun = time.perf_counter()
            process = subprocess.Popen([KSHELL, "run", "s.kshell", "--rows", "rows.csv"], stderr=subprocess.DEVNULL)
            stream, _ = listener.accept()
            with stream:
                assert stream.recv(1)
                times.append(time.perf_counter() - begun)
                process.kill()
                process.wait()
    show(f"the first message of {rows} rows after the start", times, "s", "<= 1")


def memory(rows: int) -> None:
    """Print the most memory of a run, without and with a ledger."""
    for words in ((), ("--ledger", "run.ledger")):
        with folder(rows), fixed_answers() as base:
            point_to(base)
            ran = run(rows, "--jobs", "8", *words)
            what = f"memory, {rows} rows, --jobs 8 {' '.join(words[:1])} ({ran.rate:,.0f}/s)"
            show(what, [ran.memory / (1 << 20)], "MiB", "<= 150")


def reports(rows: int, rounds: int) -> None:
    """Print how much longer a run takes with every kind of report."""
    wanted = [word for kind in REPORTS for word in ("--report", f"{kind}=report.{kind}")]
    with folder(rows), fixed_answers() as base:
        point_to(base)
        pairs: list[tuple[Cost, Cost]] = [(run(rows, *wanted, "--report", "tap"), run(rows)) for _ in range(rounds)]
    show(
        f"{rows} rows with every report: longer than without",
        [own.seconds - bare.seconds for own, bare in pairs],
        "s",
        "<= 3",
    )
    show("the same by the processor's time", [own.cpu - bare.cpu for own, bare in pairs], "s", "<= 3")


def main() -> None:
    """Print the rows."""
    rows, reported, rounds = numbers(1_000_000, 10_000, 3)
    print(f"{rows} rows, reports of {reported}, {rounds} rounds; least, median")
    first_send(rows, rounds)
    reports(reported, rounds)
    memory(rows)


if __name__ == "__main__":
    main()
