"""docs/ledger.md and docs/scale.md: their commands print what the pages show, and their engines send every row once."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from conftest import PROJECT
from support.counting import accept_all, messages_by_recipient, rows_csv
from support.programs import needs, path_of
from support.servers import Server, local_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

LEDGER = (PROJECT / "docs" / "ledger.md").read_text(encoding="utf-8")
SCALE = (PROJECT / "docs" / "scale.md").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.fixture
def server(write) -> Iterator[Server]:
    """Yield a server that counts, with the files that the examples name."""
    with Server(accept_all) as server:
        write("row.kshell", f"send -p {local_pod(server.url)}\n")
        write("rows.csv", rows_csv(12))
        yield server


@pytest.fixture
def path(tmp_path) -> str:
    """Return a ``PATH`` that has ``kshell``."""
    file = tmp_path / "bin" / "kshell"
    file.parent.mkdir()
    file.write_text(f'#!/bin/sh\nPYTHONPATH={PROJECT} exec {sys.executable} -m kshell "$@"\n', encoding="utf-8")
    file.chmod(0o755)
    return f"{file.parent}{os.pathsep}{os.environ['PATH']}"


def test_the_commands_of_the_ledger_page_print_what_it_shows(cli, write):
    """Each command of docs/ledger.md, in order, prints what stands below it, but for the time it takes."""
    script, rows = blocks(LEDGER, "text")
    write("row.kshell", script)
    write("rows.csv", rows)
    for command, shown in re.findall(
        r"^\$ kshell (.*)\n((?:[^$].*\n)+)", "".join(blocks(LEDGER, "console")), re.MULTILINE
    ):
        ran = cli(*shlex.split(command))
        assert re.sub(r"\d+\.\d s", "0.1 s", ran.out + ran.err) == shown


def test_the_ledger_page_has_every_state():
    """The table of docs/ledger.md has every state of a message."""
    from kshell.scripts.ledger import STATES

    assert {*re.findall(r"^\| `([\w-]+)` \|", LEDGER, re.MULTILINE)} == {*STATES}


@needs("parallel", "perl")
def test_gnu_parallel_sends_every_row_once(server, path):
    """The example for GNU parallel sends each row once, and nothing more when it is run again."""
    command = next(block for block in blocks(SCALE, "bash") if "parallel" in block)
    for _ in range(2):
        done = subprocess.run(
            [path_of("sh"), "-c", command],
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": path, "HOME": str(Path.cwd())},
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert sorted(messages_by_recipient(server).values()) == [1] * 12


def test_a_slurm_script_sends_its_shard(server, path):
    """The script for Slurm, run as two of its four tasks, sends each of their rows once."""
    script = next(block for block in blocks(SCALE, "bash") if "SBATCH" in block)
    for part in (0, 3):
        environment = {**os.environ, "PATH": path, "SLURM_ARRAY_TASK_ID": str(part), "LEDGERS": os.getcwd()}
        subprocess.run([path_of("sh"), "-c", script], check=True, capture_output=True, env=environment, timeout=120)
    assert sorted(messages_by_recipient(server).values()) == [1] * 6
    assert sorted(file.name for file in Path().glob("*.ledger")) == ["shard-0.ledger", "shard-3.ledger"]


@needs("distributed")
def test_dask_sends_every_row_once(server, monkeypatch):
    """The function for Dask, called twice for each shard by its workers, sends each row once."""
    from distributed import Client

    program = next(block for block in blocks(SCALE, "python") if "dask" in block)
    names: dict[str, object] = {"__name__": "page"}
    exec(compile(program, "scale.md", "exec"), names)  # noqa: S102 - a page of this project
    with Client(processes=False, n_workers=1, threads_per_worker=2, dashboard_address=None) as client:
        parts = [0, 1, 2, 3, 0, 1, 2, 3]
        counts = client.gather(client.map(names["send"], parts, pure=False))
    assert sum(deliveries.get("accepted", 0) for _, deliveries in counts) == 40
    assert sorted(messages_by_recipient(server).values()) == [1] * 40


def test_the_other_examples_are_programs_and_manifests():
    """The example for Celery is Python; the one for Kubernetes is a Job whose count is that of its shards."""
    for block in blocks(SCALE, "python"):
        ast.parse(block)
    [job] = map(yaml.safe_load, blocks(SCALE, "yaml"))
    [container] = job["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert (job["kind"], job["spec"]["completionMode"]) == ("Job", "Indexed")
    assert int(environment["KSHELL_SHARDS"]) == job["spec"]["completions"]


def test_the_options_of_every_example_are_those_of_run(cli):
    """Each ``kshell run`` of docs/scale.md uses options that ``run`` has."""
    known = {*re.findall(r"--[a-z]+", cli("run", "--help").out)}
    used = {
        option for line in SCALE.splitlines() if "kshell run " in line for option in re.findall(r" (--[a-z]+)", line)
    }
    assert used - {"--retries", "--array", "--nodelist"} <= known


def test_the_k6_snippet_is_written(cli):
    """The command for load tests prints a k6 script."""
    command = next(block for block in blocks(SCALE, "bash") if "k6" in block)
    assert "k6/http" in cli(*shlex.split(command.split(">")[0])[1:]).out
