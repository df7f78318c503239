"""Print a shell session as text for the README. This script types into the real program in a pseudo-terminal.

    python docs/record_session.py > session.txt

Two runs print the same text: message ids are masked as on the API's page, and every duration is 1 ms.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.screen import Terminal

# each line, and the end of its output
LINES = (
    ("set to=+919812345678 otp=482913", "auth>"),
    ("check", "no findings"),
    ("curl --compact | wc -l", "1"),
    ("send", '"error": {}'),
    ("inbox", "╰"),
    ("send -a low-balance", "You have a low balance!"),
    ("diff 1 2 --answers", '"message": "Please check'),
    ("history", "2  low-balance"),
    ("sned", "did you mean send?"),
)
PROMPT = "demo@sandbox auth"
WIDTH, HEIGHT = 100, 120


def record() -> str:
    """Return the screen after the last line, with the menu and the toolbar of the next one."""
    with tempfile.TemporaryDirectory() as home:
        terminal = Terminal.kshell(columns=WIDTH, lines=HEIGHT, env={"HOME": home, "XDG_CONFIG_HOME": home}, cwd=home)
        for number, (line, ending) in enumerate(LINES, 1):
            terminal.enter(line).until(lambda text, number=number: text.count(f"{PROMPT}>") > number).until(ending)
        terminal.type("send wa_source=z").until("zapier").until("a source the API knows")
        text = terminal.text
        terminal.close()
    return steady(text)


def steady(text: str) -> str:
    """Return ``text`` without the values that differ between runs, and with at most one empty line in a row."""
    text = re.sub(r"\bA[A-Z0-9]{19}\b", "AXXXXXXXXXXXXXXXXXXX", text)
    text = re.sub(r"\b\d+ ms\b", "1 ms", text)
    return re.sub(r"\n{3,}", "\n\n", text) + "\n"


if __name__ == "__main__":
    sys.stdout.write(record())
