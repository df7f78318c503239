"""The library of sessions has one for each documented answer, and each gives the same result from every source."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.record_cassettes import FOLDER
from support.registered import SHOWN_ANSWERS

from kshell.api.authentication.answers import ANSWERS

PROJECT = Path(__file__).parents[2]
SESSIONS = PROJECT / "sessions"


@pytest.fixture(scope="module")
def sandbox():
    """Yield the base URL of a ``kshell sandbox`` process."""
    with subprocess.Popen(
        [sys.executable, "-m", "kshell", "sandbox", "--port", "0", "--quiet"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    ) as process:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)


@pytest.fixture
def results(cli):
    """Return a function that runs a session and returns its outcome without times, hosts and ids."""

    def ran(name: str, *words: str) -> Any:
        ran = cli("run", str(SESSIONS / f"{name}.kshell"), "--report", "json=report.json", *words)
        assert ran.code == 0, ran.err
        (case,) = json.loads(Path("report.json").read_text())["cases"]
        return case["state"], case["deliveries"], [outcome_of(step) for step in case["steps"]]

    return ran


def outcome_of(step: dict[str, Any]) -> list[Any]:
    """What a step came to."""
    exchange = step["exchange"]
    if exchange is None:
        return [step["line"], step["passed"]]
    body = exchange["response"]["body"]
    body["data"] = [*body["data"]] if isinstance(body["data"], dict) else body["data"]
    path = exchange["request"]["url"].partition("/v2/")[2]
    return [
        step["line"],
        step["passed"],
        path,
        exchange["request"]["body"],
        exchange["response"]["status"],
        body,
        exchange["explanation"],
    ]


def test_the_first_line_of_a_session_says_its_answer():
    """The first line of each session begins with the status and code of its answer."""
    for answer in ANSWERS:
        if answer.name in SHOWN_ANSWERS:
            first = (SESSIONS / f"{answer.name}.kshell").read_text().splitlines()[0]
            assert first.startswith(f"# {answer.status} {answer.code}")


@pytest.mark.parametrize("name", SHOWN_ANSWERS)
def test_a_session_gives_the_same_from_the_simulator_over_http_and_from_its_cassette(
    name, results, sandbox, write, monkeypatch
):
    """A session gives the same result embedded, over HTTP, and from its cassette with sockets blocked."""
    embedded = results(name)
    write("../home/profiles/pods/sandbox.yaml", f"base_url: {sandbox}\n")
    over_http = results(name, "--home", "../home")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was made")

    monkeypatch.setattr(socket, "socket", refuse)
    played = results(name, "--cassette", str(FOLDER / f"{name}.yaml"), "--record", "none")
    assert embedded == over_http == played


def test_the_whole_library_runs_at_once(cli):
    """All sessions of the library pass in one run with four jobs."""
    ran = cli("run", *(str(SESSIONS / f"{name}.kshell") for name in SHOWN_ANSWERS), "--jobs", "4")
    assert ran.code == 0
    assert f"scripts: {len(SHOWN_ANSWERS)} passed; messages: " in ran.err
