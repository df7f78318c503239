"""Shards: the rows of one file, divided among several runs by their numbers."""

import re
from collections.abc import Mapping
from typing import NamedTuple, Self

from kshell.core.errors import UsageError
from kshell.scripts.rows import Row

MOST = 1_000_000
_NUMBER = re.compile(r"\d{1,9}\Z", re.ASCII)
_HINT = "write I/N as in 0/4: of 4 runs, I is 0, 1, 2 or 3"


class Shard(NamedTuple):
    """The rows whose number, counted from 0, is ``part`` modulo ``parts``."""

    part: int
    parts: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard ``I/N``. Raises ``UsageError``."""
        index, _, count = text.partition("/")
        return cls.of(index, count, text)

    @classmethod
    def of(cls, index: str, count: str, source: str, *, first: str = "0") -> Self:
        """Return a shard from texts; indexes begin with ``first``. Raises ``UsageError``, which names ``source``."""
        if not all(_NUMBER.match(text) for text in (index, count, first)):
            raise UsageError(f"{source} is not a shard", hint=_HINT)
        shard = cls(int(index) - int(first), int(count))
        if not 0 <= shard.part < shard.parts <= MOST:
            raise UsageError(f"{source}: there is no shard {shard}", hint=_HINT)
        return shard

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Self | None:
        """Return the shard of a Kubernetes Indexed Job or of a Slurm array, or None outside of them. Raises ``UsageError``.

        Each of their tasks would otherwise send every row.
        """
        if index := environment.get("JOB_COMPLETION_INDEX"):
            if not (count := environment.get("KSHELL_SHARDS")):
                hint = "set it to the job's completions; or add --shard 0/1 if this task has rows of its own"
                raise UsageError("JOB_COMPLETION_INDEX is set, but KSHELL_SHARDS is not", hint=hint)
            return cls.of(index, count, f"JOB_COMPLETION_INDEX={index} KSHELL_SHARDS={count}")
        if index := environment.get("SLURM_ARRAY_TASK_ID"):
            count, first = environment.get("SLURM_ARRAY_TASK_COUNT", ""), environment.get("SLURM_ARRAY_TASK_MIN") or "0"
            source = f"SLURM_ARRAY_TASK_ID={index} SLURM_ARRAY_TASK_COUNT={count} SLURM_ARRAY_TASK_MIN={first}"
            return cls.of(index, count, source, first=first)
        return None

    def __str__(self) -> str:
        return f"{self.part}/{self.parts}"

    def has(self, row: Row) -> bool:
        """Whether a row belongs to this shard."""
        return (row.number - 1) % self.parts == self.part
