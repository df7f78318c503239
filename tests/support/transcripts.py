"""Run the console blocks of a Markdown file, to compare or to rewrite them.

A line that begins with ``$ `` is a command, a line with ``> `` continues it, and the lines below are what a terminal of 100
columns shows. All blocks of a file run in one bash, in an empty directory, with kshell on the PATH. Run as a program, it
rewrites the named files.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pexpect

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"


def run_again(text: str) -> str:
    """Return ``text`` with the present output of every console command; ids and times are replaced by fixed ones."""
    blocks = [_commands(block) for block in _BLOCK.findall(text)]
    outputs = iter(_outputs([command for block in blocks for command in block]))
    shown = iter("".join(_shown(command, next(outputs)) for command in block) for block in blocks)
    return _BLOCK.sub(lambda _: f"```console\n{next(shown)}```", text)


def _commands(block: str) -> list[str]:
    found: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(line[2:])
        elif line.startswith("> "):
            found[-1] += f"\n{line[2:]}"
    return found


def _shown(command: str, output: str) -> str:
    lines = command.split("\n")
    return "".join([f"$ {lines[0]}\n", *(f"> {line}\n" for line in lines[1:]), output])


def _outputs(commands: list[str]) -> list[str]:
    script = "".join(f"{command}\nprintf '{_MARK}'\n" for command in commands)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "here"
        place.mkdir()
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": folder,
            "TMPDIR": folder,
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            "NO_COLOR": "1",
        }
        bash = pexpect.spawn("bash", ["-c", script], dimensions=(50, 100), cwd=place, env=environment, timeout=300)
        try:
            bash.expect(pexpect.EOF)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(bash.pid, signal.SIGKILL)  # what a command left running
    return [_steady(part) for part in bash.before.decode().split(_MARK)[:-1]]


def _steady(output: str) -> str:
    output = re.sub(r"[^\n]*\r\x1b\[K", "", output.replace("\r\n", "\n"))  # a progress line is erased
    output = re.sub(r"\bA[A-Z0-9]{19}\b", "AXXXXXXXXXXXXXXXXXXX", output)
    output = re.sub(r"\b\d+ ms\b", "2 ms", output)
    output = re.sub(r"\b\d+\.\d s\b", "0.1 s", output)
    return output if not output or output.endswith("\n") else f"{output}\n"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        file = Path(name)
        file.write_text(run_again(file.read_text(encoding="utf-8")), encoding="utf-8")
