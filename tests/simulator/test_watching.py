"""Waiting for messages of an inbox: who is woken, and who is not."""

from __future__ import annotations

import asyncio

import pytest

from kshell.simulator.inbox import Inbox
from kshell.simulator.payload import Message
from kshell.simulator.watching import Watch

ONE, TWO, THREE = "+919812345671", "+919812345672", "+919812345673"


@pytest.mark.parametrize(
    ("recipients", "woken"),
    [([ONE], ["", ONE]), ([ONE, TWO], ["", ONE, TWO]), (["+15550000000"], [""])],
)
def test_those_who_wait_for_a_recipient_or_for_anybody_are_woken(recipients: list[str], woken: list[str]) -> None:
    """A request wakes who waits for one of its recipients and who waits for any message; the others wait on."""

    async def waited() -> list[str]:
        inbox = Inbox()
        watch = Watch(inbox)
        waiting = {to: asyncio.create_task(watch.message(to, 0, 30)) for to in ("", ONE, TWO, THREE)}
        await asyncio.sleep(0)
        message = Message((), "auth1", "en", "1", "1", "", "", "", b"{}")
        inbox.add(dict.fromkeys(recipients, 0), "+911", "A1", message)
        watch.wake(dict.fromkeys(recipients, 0))
        for _ in range(5):
            await asyncio.sleep(0)
        done = [to for to, task in waiting.items() if task.done()]
        for task in waiting.values():
            task.cancel()
        return done

    assert asyncio.run(waited()) == woken


def test_a_loop_that_has_ended_is_no_obstacle() -> None:
    """A message that comes after the end of those who waited raises nothing."""
    watch = Watch(Inbox())

    async def begin() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        task = asyncio.create_task(watch.message("", 0, 30))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(begin())
    watch.wake({ONE: 0})
