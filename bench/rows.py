"""Measure how many rows a second ``kshell run --rows`` sends, beside httpx, curl and newman.

Usage: python bench/rows.py [ROWS [ROUNDS]]

By default 5,000 rows and 5 rounds. All send the same payloads to one server, which answers every request at once with the same
202 (``server.py``). Programs are run as a user runs them, so each time includes their start. A ratio over 1 means that kshell
is faster. xargs and newman are left out if they are not on the ``PATH``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from httpx_loop import payload
from rounds import HERE, KSHELL, Cost, best, compare, cost, fixed_answers, folder, numbers, point_to, run

TLS_ROWS = 1_000
TRIAL = 4  # the best number of jobs is looked for with a fourth of the rows
JOBS = (1, 2, 4, 8)
NEWMAN_ROWS = 500  # it keeps every answer, so more make it no faster


def httpx_loop(url: str, rows: int, threads: int = 1) -> Cost:
    """Send the rows with httpx."""
    return cost([sys.executable, str(HERE / "httpx_loop.py"), url, "rows.csv", str(threads)], rows)


def beside_httpx(rows: int, rounds: int) -> None:
    """Print the rows beside a loop with one client: with one job, and with the best number of jobs."""
    with folder(rows), fixed_answers() as base:
        url = point_to(base)
        compare("one job, beside an httpx loop", lambda: run(rows), lambda: httpx_loop(url, rows), rounds, ">= 0.5")
    with folder(rows // TRIAL), fixed_answers() as base:
        point_to(base)
        jobs = str(best(JOBS, lambda number: run(rows // TRIAL, "--jobs", str(number))))
    with folder(rows), fixed_answers() as base:
        url = point_to(base)
        what = f"--jobs {jobs}, the best of {JOBS}, beside the same loop"
        compare(what, lambda: run(rows, "--jobs", jobs), lambda: httpx_loop(url, rows), rounds, ">= 0.8")
        beside_curl(rows, rounds, url, jobs)
        beside_newman(base, jobs, rounds)


def beside_curl(rows: int, rounds: int, url: str, jobs: str) -> None:
    """Print the row beside xargs, which starts a curl for each row, so many at a time as is best."""
    if not (shutil.which("curl") and shutil.which("xargs")):
        print("xargs and curl are left out: they are not installed")
        return
    bodies = [json.dumps(payload({"to": f"+9198{number:08}", "otp": f"{number:06}"})) for number in range(rows)]
    some = rows // TRIAL // 2  # curl is slow
    Path("bodies").write_text("\n".join(bodies[: rows // TRIAL]))
    Path("some").write_text("\n".join(bodies[:some]))
    post = [
        "curl",
        "-sS",
        "-o",
        "reply",
        "-H",
        "api-key: any",
        "-H",
        "Content-Type: application/json",
        url,
        "--data-raw",
    ]

    def xargs(file: str, count: int, parallel: int) -> Cost:
        words = ["xargs", "-d", "\n", "-n", "1", "-P", str(parallel), *post]
        return cost([os.devnull if word == "reply" else word for word in words], count, stdin=file)

    parallel = best((1, 2, 4, 8, 16), lambda number: xargs("some", some, number))
    what = f"the same, beside xargs -P {parallel} curl, the best of 1 to 16"
    compare(what, lambda: run(rows, "--jobs", jobs), lambda: xargs("bodies", rows // TRIAL, parallel), rounds, ">= 5")


def beside_newman(base: str, jobs: str, rounds: int) -> None:
    """Print the row beside newman, which runs the collection of ``kshell snippet postman`` for each row."""
    newman = shutil.which("newman")
    if not newman:
        print("newman is left out: it is not installed")
        return
    words = [KSHELL, "snippet", "postman", "to=+910000000000", "otp=000000"]
    snippet = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    Path("collection.json").write_text(snippet.replace("+910000000000", "{{to}}").replace("000000", "{{otp}}"))
    lines = Path("rows.csv").read_text().splitlines()
    few = min(NEWMAN_ROWS, len(lines) - 1)
    Path("few.csv").write_text("\n".join(lines[: few + 1]))
    Path("keys.json").write_text(
        json.dumps({"values": [{"key": "KALEYRA_API_KEY", "value": "any"}, {"key": "base_url", "value": base}]})
    )
    words = [newman, "run", "collection.json", "-d", "few.csv", "-e", "keys.json", "-r", "progress", "--bail"]
    rows = len(lines) - 1
    compare("the same, beside newman", lambda: run(rows, "--jobs", jobs), lambda: cost(words, few), rounds, ">= 12")


def over_tls(rows: int, rounds: int) -> None:
    """Print the row over TLS. Both sides trust the server's certificate beside all usual ones."""
    if not shutil.which("openssl"):
        print("TLS is left out: there is no openssl")
        return
    with folder(rows):
        words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bench"]
        words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "own.pem"]
        subprocess.run(words, check=True, capture_output=True)
        import certifi

        trusted = Path("trusted.pem").absolute()
        trusted.write_text(Path(certifi.where()).read_text() + Path("own.pem").read_text())  # as many as usual
        Path("modules").mkdir()
        Path("modules/certifi.py").write_text(f"def where():\n    return {str(trusted)!r}\n")
        os.environ |= {"PYTHONPATH": str(Path("modules").absolute()), "SSL_CERT_FILE": str(trusted)}  # httpx obeys both
        with fixed_answers("--tls", "own.pem", "key.pem") as base:
            url = point_to(base)
            what = f"{rows} rows over TLS, one job, beside an httpx loop"
            compare(what, lambda: run(rows), lambda: httpx_loop(url, rows), rounds, ">= 0.5")
        del os.environ["PYTHONPATH"], os.environ["SSL_CERT_FILE"]


def with_ledger(rows: int, rounds: int) -> None:
    """Print the row with a ledger, new for each run, beside the same without."""

    def with_new_ledger() -> Cost:
        for file in Path().glob("run.ledger*"):
            file.unlink()
        return run(rows, "--jobs", "8", "--ledger", "run.ledger")

    with folder(rows), fixed_answers() as base:
        point_to(base)
        what = "--ledger, --jobs 8, beside the same without --ledger"
        compare(what, with_new_ledger, lambda: run(rows, "--jobs", "8"), rounds, ">= 0.9")


def with_latency(rows: int, rounds: int) -> None:
    """Print the row with a server that answers after 50 ms."""
    with folder(rows), fixed_answers("--delay", "0.05") as base:
        url = point_to(base)
        what = "50 ms latency, --jobs 64, beside 64 threads of httpx"
        compare(what, lambda: run(rows, "--jobs", "64"), lambda: httpx_loop(url, rows, 64), rounds, ">= 0.9")


def main() -> None:
    """Print every row."""
    rows, rounds = numbers(5_000, 5)
    print(f"{rows} rows, {rounds} rounds; ratios: least, median; then the median rates of both sides")
    beside_httpx(rows, rounds)
    over_tls(min(rows, TLS_ROWS), rounds)
    with_ledger(rows, rounds)
    with_latency(rows, rounds)


if __name__ == "__main__":
    main()
