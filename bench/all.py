"""Print every table of this folder, with the date, the machine and the versions: one report of how fast kshell is.

Usage: python bench/all.py [--peers FOLDER] [--quick]

The programs that kshell is compared with come from PyPI and npm into FOLDER, each in an environment of its own; by default it
is a temporary folder. What FOLDER has already is used again. A program that cannot be installed is left out, and the report
says so. wrk, curl, xargs, openssl and node are used if they are installed.

``--quick`` takes small numbers, for a look at every row in a few minutes. Without it the report takes two hours, most of them
for the runs of a million rows. Nothing is asserted: times depend on the machine, so compare the ratios of one run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = ("kshell[fast]", "httpie")
NODE = ("newman", "@stoplight/prism-cli")
PROGRAMS = ("wrk", "curl", "node", "newman", "prism")
LIBRARIES = (
    "kaleyra-shell",
    "httpx",
    "jinja2",
    "click",
    "prompt_toolkit",
    "uvicorn",
    "starlette",
    "httptools",
    "uvloop",
)

QUICK = {
    "start.py": ["3"],
    "shell_start.py": ["2"],
    "drafts.py": ["500", "3"],
    "rows.py": ["500", "2"],
    "scale.py": ["5000", "1000", "1"],
    "simulator.py": ["1", "2"],
    "sandbox.py": ["2000", "20", "100"],
    "ledger.py": ["--rows", "200", "--kills", "4"],
}


def main() -> None:
    """Print the head of the report, then each table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peers = (given.peers or Path(folder)).absolute()
        fast, httpie = (environment(peers, package) for package in PYTHON)
        packages_of_node(peers)
        os.environ["PATH"] += f":{peers / 'node_modules/.bin'}"
        head(fast)
        report(fast, httpie, quick=given.quick)


def report(fast: Path | None, httpie: Path | None, *, quick: bool) -> None:
    """Print each table."""

    def table(name: str, *more: str, python: str = sys.executable) -> None:
        words = QUICK[name] if quick else []
        print(f"\n{name}", flush=True)
        subprocess.run([python, HERE / name, *words, *more], check=False)

    if httpie:
        print("\nstart.py", flush=True)
        rounds = QUICK["start.py"] if quick else ["20"]
        subprocess.run([sys.executable, HERE / "start.py", *rounds, httpie / "bin/http"], check=False)
    table("shell_start.py")
    table("drafts.py")
    table("rows.py")
    table("simulator.py")
    if fast:
        table("simulator.py", python=str(fast / "bin/python"))
    table("sandbox.py")
    table("ledger.py")
    table("scale.py")


def environment(peers: Path, package: str) -> Path | None:
    """Return an environment with a package from PyPI, or with this kshell; None if it cannot be installed."""
    folder = peers / package.partition("[")[0]
    wanted = package.replace("kshell", str(HERE.parent))
    if not (folder / "bin/python").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
            subprocess.run([folder / "bin/pip", "install", "--quiet", wanted], check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder, ignore_errors=True)
            print(f"{package} is left out, it cannot be installed: {last_line(error)}")
            return None
    return folder


def packages_of_node(peers: Path) -> None:
    """Install the packages from npm that ``peers`` lacks."""
    if (peers / "node_modules").exists():
        return
    if not shutil.which("npm"):
        print(f"{' and '.join(NODE)} are left out: there is no npm")
        return
    peers.mkdir(parents=True, exist_ok=True)
    words = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(peers), *NODE]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        print(f"{' and '.join(NODE)} are left out, they cannot be installed: {last_line(error)}")


def last_line(error: subprocess.CalledProcessError) -> str:
    """Return the last line that a program printed to stderr."""
    return str((error.stderr.decode().strip().splitlines() or ["no reason given"])[-1])


def head(fast: Path | None) -> None:
    """Print the date, the machine and the versions, those of kshell's environment and those of the one with ``fast``."""
    print(f"{date.today()}, Python {platform.python_version()}, {platform.platform()}, {os.cpu_count()} cores")
    lines = [f"from importlib.metadata import version; print({name!r}, version({name!r}))" for name in LIBRARIES]
    for python in (sys.executable, *([str(fast / "bin/python")] if fast else [])):
        found = [
            subprocess.run([python, "-c", line], check=False, capture_output=True, text=True).stdout.strip()
            for line in lines
        ]
        print(", ".join(filter(None, found)))
    for name in PROGRAMS:
        if shutil.which(name):
            ran = subprocess.run([name, "--version"], check=False, capture_output=True, text=True)
            print(f"{name}: {(ran.stdout or ran.stderr).partition(chr(10))[0]}")
        else:
            print(f"{name}: left out, it is not installed")


if __name__ == "__main__":
    main()
