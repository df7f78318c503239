"""Shards: each row belongs to exactly one, and the engine's own variables name it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.counting import rows_csv

from kshell.core.errors import UsageError
from kshell.scripts.rows import Row
from kshell.scripts.shards import Shard


@given(st.integers(1, 20), st.integers(1, 1000))
def test_each_row_belongs_to_one_shard(count, number):
    """Of all shards exactly one has a row: the one whose index is its number from 0 modulo the count."""
    having = [index for index in range(count) if Shard(index, count).has(Row(number, number, {}))]
    assert having == [(number - 1) % count]


@pytest.mark.parametrize(
    "text", ["4/4", "-1/4", "0/0", "1", "/", "a/b", "0/1000001", "\u0660/4", "0/4/4", "9" * 5000 + "/1"]
)
def test_another_text_is_wrong_usage(cli, write, text):
    """A shard that there is not is wrong usage, and nothing is sent."""
    write("s.kshell", "send\n")
    write("r.csv", rows_csv(1))
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--shard", text)
    assert ran.code == 2
    assert "hint: write I/N as in 0/4" in ran.err


@pytest.mark.parametrize(
    ("environment", "shard"),
    [
        ({"JOB_COMPLETION_INDEX": "2", "KSHELL_SHARDS": "4"}, Shard(2, 4)),
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4"}, Shard(3, 4)),
        ({"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"}, Shard(2, 4)),
        ({"KSHELL_SHARDS": "4"}, None),
    ],
)
def test_the_variables_of_an_engine_name_the_shard(environment, shard):
    """A task of a Kubernetes Indexed Job or of a Slurm array has the shard of its index."""
    assert Shard.of_environment(environment) == shard


@pytest.mark.parametrize(
    "environment",
    [
        {"JOB_COMPLETION_INDEX": "2"},
        {"JOB_COMPLETION_INDEX": "4", "KSHELL_SHARDS": "4"},
        {"SLURM_ARRAY_TASK_ID": "3"},
        {"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "0"},
    ],
)
def test_a_task_without_a_shard_is_refused(environment):
    """A task that would send every row, or none, because the count is missing or too small, is wrong usage."""
    with pytest.raises(UsageError):
        Shard.of_environment(environment)


def test_a_shard_sends_its_rows_and_the_summary_names_it(cli, write, monkeypatch):
    """``--shard 1/3`` of five rows sends the second and the fifth; it replaces what the environment names."""
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "0")
    write("s.kshell", "expect to == '+919800000001' or to == '+919800000004'\nsend\n")
    write("r.csv", rows_csv(5))
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--shard", "1/3")
    assert ran.code == 0
    assert ran.err.startswith("rows: 2 passed; messages: 2 accepted; ")
    assert ran.err.endswith(" s · shard 1/3 · simulated\n")


def test_a_shard_without_rows_is_no_fault(cli, write):
    """A shard that has no row of a short file ends with 0."""
    write("s.kshell", "send\n")
    write("r.csv", rows_csv(2))
    ran = cli("run", "s.kshell", "--rows", "r.csv", "--shard", "3/4")
    assert (ran.code, ran.err.split(";")[:2]) == (0, ["rows: none", " messages: none"])


def test_a_shard_needs_rows(cli, write):
    """``--shard`` without ``--rows`` is wrong usage."""
    write("s.kshell", "send\n")
    assert cli("run", "s.kshell", "--shard", "0/1").code == 2
