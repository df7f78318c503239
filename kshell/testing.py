"""The simulator for tests: ``kshell.sandbox`` serves it in this process, so that an application can be tested against it.

The page ``docs/testing.md`` describes it; its examples are run as tests. Nothing slow is imported before a sandbox begins.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from kshell.core.arguments import require, require_seconds, require_text

if TYPE_CHECKING:
    from kshell.simulator.inbox import Delivered
    from kshell.simulator.simulator import Simulator

_END_SECONDS = 5.0  # a test that replaces the clock may leave the server asleep


class Sandbox:
    """A simulator that listens on a free port of this machine. ``kshell.sandbox`` starts it.

    ``url`` is what an application uses in place of the API's host, with ``sid``, ``key`` and ``phone_number``; any other SID,
    key and number are accepted too. Several threads may use one sandbox.
    """

    sid = "HXSANDBOXIN"
    key = "Asandbox0000000000000000000000000"
    phone_number = "+15005550000"

    def __init__(self, simulator: Simulator, url: str, lines: deque[str]) -> None:
        self.url = url
        self._simulator = simulator
        self._lines = lines  # the newest lines about requests and callbacks
        self._taken: dict[str, int] = {}  # the id of the message whose code was returned last, by recipient
        self._arrived = threading.Condition()
        self._callbacks = ExitStack()

    @property
    def inbox(self) -> tuple[Delivered, ...]:
        """The accepted messages, oldest first; each has its recipient, codes, template, refs, payload and statuses."""
        return self._simulator.inbox

    def code_for(self, number: str, timeout: float = 5) -> str:
        """Return the one-time password of the newest message to ``number`` that this method has not returned yet.

        Without one, wait for it for ``timeout`` seconds. A message that fails does not reach the phone, so it is passed over.
        Raises ``TimeoutError``, which says what the sandbox got instead, and ``UsageError`` for a number that is no text and
        for a timeout that is not from 0 to 3600.
        """
        require_text(number=number)
        require_seconds("timeout", timeout, zero=True)
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._newest(number), timeout):
                raise TimeoutError(f"no code for {number} within {timeout:g} s: {self._instead(number)}")
            message = self._newest(number)
            assert message  # noqa: S101 - it was there a moment ago, under the same lock
            self._taken[number] = message.id
        return message.code

    def _newest(self, number: str) -> Delivered | None:
        messages = self._simulator.kept.messages(number, after=self._taken.get(number, 0))
        return next((message for message in reversed(messages) if not message.fails_with), None)

    def _instead(self, number: str) -> str:
        if failed := [message for message in self._simulator.kept.messages(number) if message.fails_with]:
            return f"its newest message fails with {failed[-1].fails_with}; kshell explain {failed[-1].fails_with}"
        others = {message.recipient for message in self.inbox} - {number}
        if number in self._taken:
            return "the newest one was returned already"
        if others:
            return f"there are messages to {', '.join(sorted(others)[:3])}"
        return f"the last request was answered {self._lines[-1]}" if self._lines else "no request reached the sandbox"

    def statuses_of(self, number: str) -> list[str]:
        """Return the statuses of the newest message to ``number`` so far, such as ``["sent", "delivered", "read"]``."""
        require_text(number=number)
        messages = self._simulator.kept.messages(number)
        return [status.status for status in messages[-1].statuses] if messages else []

    def fail_next(self, answer: str | int, to: str = "") -> None:
        """Let the next message fail; with ``to``, the next one to that number.

        ``answer`` is the name of a documented failure, such as ``low-balance``, with which the request is refused, or a code
        of Meta's, such as 131026, with which the accepted message fails. Raises ``ValueError`` for another.
        """
        self._simulator.fail_next(answer, to)

    def callbacks_to(self, url: str) -> None:
        """POST each status of each message from now on to ``url``, and no more to an earlier one; to none if it is empty.

        Raises ``UsageError`` if ``url`` is not an address to post to.
        """
        require_text(url=url)
        self._callbacks.close()
        if url:
            from kshell.simulator.posting import callbacks_to

            self._callbacks.enter_context(callbacks_to(url, self._simulator.kept, self._lines.append))

    def clear(self) -> None:
        """Forget all messages, their coming callbacks, and the answers that were asked for."""
        with self._arrived:
            self._simulator.clear()
            self._taken.clear()
            self._lines.clear()

    def on_added(self, *_: object) -> None:
        """Wake those who wait for a code. The inbox calls this."""
        with self._arrived:
            self._arrived.notify_all()


@contextmanager
def sandbox(
    callback: str = "", *, delay: float = 0, approved: Mapping[str, Collection[str]] | None = None
) -> Iterator[Sandbox]:
    """Serve the simulator on a free port of this machine until the block ends; yield its ``Sandbox``.

    ``callback`` is a URL that gets each status of each message, ``delay`` the seconds between them. With ``approved``, which
    maps names of templates to languages, a message with another template fails with 132001.
    Raises ``UsageError`` for another URL, for a delay that is not from 0 to 3600, and for ``approved`` of another form.
    """
    require_text(callback=callback)
    require_seconds("delay", delay, zero=True)
    require(_is_approved(approved), "approved", approved, "mapping of lists", "{'auth1': ['en_US', 'hi']}")
    from kshell.commands.sandbox import knowledge
    from kshell.simulator.server import HttpServer
    from kshell.simulator.simulator import Simulator

    lines: deque[str] = deque(maxlen=20)
    simulator = Simulator(delay=delay, approved=approved)
    server = HttpServer(simulator, 0, on_request=lines.append, knowledge=knowledge())
    serving = threading.Thread(target=server.run, args=(lambda _url: None,), daemon=True, name="kshell sandbox")
    box = Sandbox(simulator, server.url, lines)
    serving.start()
    try:
        with simulator.kept.listening(box.on_added):
            box.callbacks_to(callback)
            yield box
    finally:
        box.callbacks_to("")
        server.stop()
        serving.join(_END_SECONDS)


def _is_approved(approved: object) -> bool:
    """Whether this is None or maps names to collections of languages; a text would be a collection of letters."""
    return approved is None or (
        isinstance(approved, Mapping)
        and all(isinstance(name, str) for name in approved)
        and all(isinstance(codes, Collection) and not isinstance(codes, str) for codes in approved.values())
    )
