"""Time that can be compared between machines, and between a quiet and a busy one."""

from __future__ import annotations

import sys
from time import perf_counter, process_time
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

_TURNS = 1_000_000
_NOMINAL = 0.03  # seconds for that many turns on a quiet machine of 2026
_SHORT = 0.3  # seconds


def seconds_of(work: Callable[[], object], short: float = _SHORT) -> float:
    """Return the processor seconds that ``work`` would take on a quiet machine, or more.

    If it took ``short`` seconds or longer, a loop shows how much slower this machine is at the moment. A test that measures
    coverage is skipped: the measuring slows kshell and not the loop.
    """
    if sys.gettrace() is not None:
        pytest.skip("measuring coverage slows what is timed")
    begun = process_time()
    work()
    took = process_time() - begun
    return took if took < short else took * _NOMINAL / max(_NOMINAL, *(_loop() for _ in range(5)))


def in_time(seconds: float, most: float) -> bool:
    """Return whether work that took ``seconds`` of the clock or the processor would take less than ``most`` on a quiet machine.

    If it took longer, a loop shows how much slower this machine is at the moment.
    """
    if seconds < most:
        return True
    begun = perf_counter()
    for _ in range(5):
        _loop()
    return seconds < most * (perf_counter() - begun) / (5 * _NOMINAL)


def with_limit(
    attempt: Callable[[float], Result], is_late: Callable[[Result], bool], short: float = 0.3, long: float = 10
) -> Result:
    """Return the result of ``attempt`` with a time limit of ``short`` seconds, or of ``long`` ones if the first is late.

    A busy machine may need more than the short limit for what must be done within it. Then the long one decides.
    """
    result = attempt(short)
    return attempt(long) if is_late(result) else result


def _loop() -> float:
    """Return the processor seconds that a loop takes."""
    begun, turns = process_time(), 0
    while turns < _TURNS:
        turns += 1
    return process_time() - begun
