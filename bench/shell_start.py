"""Measure the time to the shell's first prompt and the time of a key press, beside a bare prompt_toolkit prompt.

Both run alternately in the same environment, in a real pseudo-terminal; the table shows medians and their ratio. Goals: the
start takes at most 1.3 times as long as the bare prompt; a key press with the completion menu open is no slower than at a bare
prompt whose menu shows the same words. (prompt_toolkit redraws the menu at every key; that is nearly all of the time in both.)

    python bench/shell_start.py [STARTS]
"""

from __future__ import annotations

import select
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.screen import Terminal

STARTS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
KEYS = "eoart" * 12  # each letter is in the names of several variables, so the menu stays open
LEAD = "send "
WORDS = "to= otp= template_name= language= index= ref= ref1= ref2= wa_source="
BARE = "from prompt_toolkit import PromptSession\nPromptSession().prompt('> ')"
MENU = f"""
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
words = {WORDS.split()!r}
about = {{word: 'context that comes back in reports and callbacks; cut at 255 characters' for word in words}}
completer = WordCompleter(words, meta_dict=about, match_middle=True)
PromptSession(completer=completer, complete_in_thread=True).prompt('> ')
"""
KINDS = {
    "bare": ([sys.executable, "-c", BARE], ">"),
    "menu": ([sys.executable, "-c", MENU], ">"),
    "kshell": ([str(Path(sys.executable).with_name("kshell"))], "auth>"),
}


def started(kind: str, home: str) -> tuple[Terminal, float]:
    """Return a terminal with a prompt of that kind, and the seconds until the prompt appeared."""
    words, prompt = KINDS[kind]
    begun = time.perf_counter()
    terminal = Terminal(*words, env={"HOME": home, "XDG_CONFIG_HOME": home}, cwd=home)
    while prompt not in terminal.text:
        terminal.read(0.001)
    return terminal, time.perf_counter() - begun


def key(terminal: Terminal, pressed: str) -> float:
    """Return the seconds from a key press to the next output, with the menu open before and after."""
    terminal.type(LEAD)
    settle(terminal)
    begun = time.perf_counter()
    terminal.type(pressed)
    select.select([terminal.child.child_fd], [], [])
    seconds = time.perf_counter() - begun
    settle(terminal)
    terminal.type("\x15")
    settle(terminal)
    return seconds


def settle(terminal: Terminal) -> None:
    """Wait 0.06 s, until the menu is drawn."""
    end = time.perf_counter() + 0.06
    while time.perf_counter() < end:
        terminal.read(0.01)


def main() -> None:
    """Measure alternately and print the table."""
    starts: dict[str, list[float]] = {"bare": [], "kshell": []}
    keys: dict[str, list[float]] = {"menu": [], "kshell": []}
    with tempfile.TemporaryDirectory() as home:
        for turn in range(STARTS + 1):
            for kind in starts:
                terminal, seconds = started(kind, home)
                terminal.close()
                if turn:  # the first one warms the disk
                    starts[kind].append(seconds)
        terminals = {kind: started(kind, home)[0] for kind in keys}
        time.sleep(1.5)  # the shell finishes its imports behind the prompt
        for pressed in KEYS:
            for kind, terminal in terminals.items():
                keys[kind].append(key(terminal, pressed))
        for terminal in terminals.values():
            terminal.close()
    for what, pair in (("start to prompt", starts), ("key, menu open", keys)):
        bare, own = (statistics.median(times) * 1000 for times in pair.values())
        print(f"{what:<16} bare {bare:7.1f} ms   kshell {own:7.1f} ms   ratio {own / bare:.2f}")


if __name__ == "__main__":
    main()
