"""Measure how many messages a second the simulator takes over HTTP, beside a bare ASGI application and beside Prism.

Usage: python bench/simulator.py [SECONDS [ROUNDS]]

wrk sends the same message over 64 connections for SECONDS (4 by default) to one server after the other, in 5 rounds. The bare
application (``bare_app.py``) is on the same server library and checks the same; both use httptools and uvloop if this
environment has them. Prism mocks the document of ``kshell openapi``; it is left out if it is not on the ``PATH``. ``CPU``
compares the requests in a second of the servers' processor time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from httpx_loop import payload
from rounds import HERE, KSHELL, Cost, compare, folder, numbers, server

if TYPE_CHECKING:
    from collections.abc import Callable

TICKS = os.sysconf("SC_CLK_TCK")


def cpu(process: subprocess.Popen[str]) -> float:
    """Return the processor time in seconds that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def loaded(process: subprocess.Popen[str], url: str, seconds: int) -> Callable[[], Cost]:
    """Return a function that lets wrk send to a server. It raises ``SystemExit`` if the server refuses a message."""

    def load() -> Cost:
        before = cpu(process)
        words = [
            "wrk",
            "-c",
            "64",
            "-t",
            "1",
            "-d",
            str(seconds),
            "-s",
            "post.lua",
            f"{url}/v2/HXSANDBOXIN/whatsapp/+15005550000/messages",
        ]
        said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        found = re.search(r"(\d+) requests in ([\d.]+)s", said)
        if not found or "Non-2xx" in said:
            raise SystemExit(f"{url} refused messages:\n{said}")
        return Cost(int(found[1]), float(found[2]), cpu(process) - before)

    return load


def prism(stack: ExitStack) -> tuple[subprocess.Popen[str], str]:
    """Start Prism with kshell's document."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    Path("openapi.json").write_bytes(subprocess.run([KSHELL, "openapi"], check=True, capture_output=True).stdout)
    process, _ = stack.enter_context(server("prism", "mock", "--port", str(port), "-v", "fatal", "openapi.json"))
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.2)


def main() -> None:
    """Print the rows."""
    seconds, rounds = numbers(4, 5)
    if not shutil.which("wrk"):
        print("left out: there is no wrk")
        return
    fast = all(map(find_spec, ("httptools", "uvloop")))
    print(f"wrk, 64 connections, {seconds} s, {rounds} rounds, {'with' if fast else 'without'} the extra fast")
    body = json.dumps(payload({"to": "+919812345678", "otp": "482913"}))
    headers = 'wrk.headers["api-key"] = "any" wrk.headers["Content-Type"] = "application/json"'
    with folder(1), ExitStack() as stack:
        Path("post.lua").write_text(f"wrk.method = 'POST' wrk.body = [==[{body}]==] {headers}")
        own = loaded(*stack.enter_context(server(KSHELL, "sandbox", "--port", "0", "--quiet")), seconds)
        bare = loaded(*stack.enter_context(server(sys.executable, str(HERE / "bare_app.py"))), seconds)
        own(), bare()
        compare("kshell sandbox, beside a bare ASGI application", own, bare, rounds, ">= 0.8")
        if shutil.which("prism"):
            mock = loaded(*prism(stack), seconds)
            mock(), mock()  # Node compiles what runs often
            compare("kshell sandbox, beside Prism", own, mock, rounds, ">= 3")
        else:
            print("Prism is left out: it is not installed")


if __name__ == "__main__":
    main()
