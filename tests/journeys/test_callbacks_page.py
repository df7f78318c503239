"""docs/callbacks.md shows what the commands print, and its application gets what the page says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import transcripts
from support.programs import needs
from support.servers import unused_port, wait_until

import kshell
from kshell.console.dispatch import check_words
from kshell.syntax.lines import split

PAGE = Path(__file__).parents[2] / "docs" / "callbacks.md"
TEXT = PAGE.read_text(encoding="utf-8")


def block(before: str, language: str) -> str:
    """Return the fenced block that follows a text of the page."""
    found = re.search(rf"{re.escape(before)}.*?\n```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@needs("bash")
def test_the_page_shows_what_the_commands_print():
    """Each console block is what its commands print; tests/support/transcripts.py writes them."""
    assert transcripts.run_again(TEXT) == TEXT


def test_docs_finds_nothing_to_mend(cli):
    """``kshell docs --check`` finds every block and the table of the page current."""
    ran = cli("docs", "--check", str(PAGE))
    assert (ran.code, ran.out) == (0, "")


@pytest.mark.parametrize("line", re.findall(r"^kshell .*", TEXT, re.MULTILINE))
def test_its_commands_are_commands(line):
    """Each command that the page does not run has the options that kshell has."""
    _, *words = split(line)
    check_words([word.plain for word in words], frontend="line", whole=True)


ACCOUNT = "pod: here\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\nvariables: {template_name: a, language: en}\n"


def test_the_page_s_application_gets_the_page_s_lines(cli, write, monkeypatch):
    """Two messages to the sandbox, one to a number that fails, reach the page's application as the page says."""
    monkeypatch.setenv("K", "Acanary00000000000000000000000key")
    port = unused_port()
    url = f"http://127.0.0.1:{port}/hook"
    hook, log = write("hook.py", block("<!-- file: hook.py -->", "python")), Path("log.txt")

    def lines() -> list[str]:
        return [line for line in log.read_text().splitlines() if "customer-" in line]

    with log.open("wb") as out, kshell.sandbox(callback=url) as sandbox:
        application = subprocess.Popen([sys.executable, str(hook), str(port)], stdout=out)
        try:
            assert wait_until(lambda: cli("trigger", "sent", "--url", url).code == 0)
            write("profiles/pods/here.yaml", f"base_url: {sandbox.url}\n")
            write("profiles/accounts/here.yaml", ACCOUNT)
            for ref, to, count in (("customer-41", "+919812345678", 3), ("customer-42", "+15001310260", 5)):
                assert cli("send", "-a", "here", f"to={to}", f"ref={ref}", "otp=482913").code == 0
                assert wait_until(lambda count=count: len(lines()) == count)
        finally:
            application.terminate()
            application.wait()
    assert lines() == block("The application writes:", "text").splitlines()
    assert json.loads(Path("failed.json").read_text())["extra_info"]["ref"] == "customer-42"
    assert "131026 · Undeliverable" in cli("explain", "--from", "failed.json").out
