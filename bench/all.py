"""Print every table of this folder, with the date, the machine and the versions: one report of how fast kshell is.

Usage: python bench/all.py [HTTPIE]

HTTPIE is the ``http`` program of an environment of its own (``python -m venv peers && peers/bin/pip install httpie``). Without
one, and without wrk or Prism on the ``PATH``, the rows beside them are left out, and the report says so. Nothing is asserted:
times depend on the machine, so compare the ratios of one run.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
LIBRARIES = ("kaleyra-shell", "httpx", "jinja2", "click", "prompt_toolkit", "uvicorn", "httptools", "uvloop", "vcrpy")
SECONDS = 5


def main() -> None:
    """Print the head of the report, then each table."""
    httpie = sys.argv[1] if len(sys.argv) > 1 else shutil.which("http") or ""
    print(f"{date.today()}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores")
    print(", ".join(f"{name} {found(name)}" for name in LIBRARIES))
    for name in filter(None, (httpie, shutil.which("wrk"), shutil.which("prism"))):
        first = subprocess.run([name, "--version"], check=False, capture_output=True, text=True).stdout.partition("\n")[
            0
        ]
        print(f"{name}: {first}")
    if httpie:
        table("start.py", "10", httpie)
    else:
        print("\nstart.py: left out, it compares with HTTPie")
    if (HERE / "shell_start.py").exists():
        table("shell_start.py")
    table("sandbox.py", "20000", "500", "1000")
    simulators()
    completions()
    if (HERE / "ledger.py").exists():
        table("ledger.py")


def found(package: str) -> str:
    """Return the version of a package, or that it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def table(*words: str) -> None:
    """Run another bench, which prints its own table."""
    print(f"\n{' '.join(words)}", flush=True)
    subprocess.run([sys.executable, HERE / words[0], *words[1:]], check=False)


def simulators() -> None:
    """Print how many messages a second wrk sends to the simulator and, if it is installed, to Prism with kshell's OpenAPI."""
    from kshell.commands.schemas import openapi_text

    wrk, prism = shutil.which("wrk"), shutil.which("prism")
    if not wrk:
        print("\nthe simulator by wrk: left out, there is no wrk")
        return
    kshell = str(Path(sys.executable).parent / "kshell")
    print("\nrequests a second by wrk, 64 connections", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(openapi_text())
        servers = {"kshell sandbox": [kshell, "sandbox", "--port", "8799", "--quiet"]}
        if prism:
            servers["Prism"] = [prism, "mock", "--port", "8799", str(document)]
        for name, words in servers.items():
            print(f"{name:<36} {rate(wrk, words, Path(folder)):>9}/s", flush=True)


def rate(wrk: str, words: list[str], folder: Path) -> str:
    """Start a server on port 8799 and return the requests a second that wrk counts."""
    sys.path.insert(0, str(HERE))
    from sandbox import request

    body = request("+919812345678").partition(b"\r\n\r\n")[2].decode()
    script = folder / "post.lua"
    headers = 'wrk.headers["api-key"] = "any" wrk.headers["Content-Type"] = "application/json"'
    script.write_text(f"wrk.method = 'POST' wrk.body = [==[{body}]==] {headers}")
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        url = "http://127.0.0.1:8799/v2/HXSANDBOXIN/whatsapp/+15005550000/messages"
        load = [wrk, "-c", "64", "-t", "1", "-d", str(SECONDS), "-s", str(script), url]
        out = subprocess.run(load, check=True, capture_output=True, text=True).stdout
        number = re.search(r"Requests/sec:\s+([\d.]+)", out)
        return f"{float(number[1]):,.0f}" + (" with refusals" if "Non-2xx" in out else "") if number else "?"
    finally:
        server.terminate()
        server.wait()


def completions() -> None:
    """Print the milliseconds of a key after ``use account `` with 1,000 accounts: of the first, and the least of ten more."""
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

    from kshell.profiles.files import Places, shipped_folder
    from kshell.session.session import Session
    from kshell.shell.completer import CommandCompleter

    text = (shipped_folder() / "profiles/accounts/demo.yaml").read_text()
    with tempfile.TemporaryDirectory() as folder:
        accounts = Path(folder) / "profiles/accounts"
        accounts.mkdir(parents=True)
        for number in range(1_000):
            (accounts / f"mine{number}.yaml").write_text(text)
        completer = CommandCompleter(
            Session(Places.standard(folder))
        )  # which waits 4 ms, so that the key is drawn first
        times = []
        for _ in range(11):
            begun = time.perf_counter()
            list(completer.get_completions(Document("use account "), CompleteEvent(text_inserted=True)))
            times.append((time.perf_counter() - begun) * 1_000)
    print(f"\na key after use account, 1,000 accounts: first {times[0]:.0f} ms, then {min(times[1:]):.0f} ms")


if __name__ == "__main__":
    main()
