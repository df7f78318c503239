"""The inbox: what is kept, and what is dropped."""

from __future__ import annotations

import json
from typing import Any

from kshell.simulator.inbox import INBOX_BYTES, INBOX_SIZE, Delivered, Inbox
from kshell.simulator.payload import Message

TO = "+919812345678"


def message(payload: Any = None) -> Message:
    """A message to anyone."""
    return Message((), "auth1", "en", "1", "2", "r", "", "é", json.dumps(payload or {}).encode())


def filled(*messages: tuple[str, int], recipients: tuple[str, ...] = (TO,)) -> Inbox:
    """An inbox to which messages were added: an id and the characters of a payload for each."""
    inbox = Inbox()
    for message_id, size in messages:
        inbox.add(dict.fromkeys(recipients, 0), "+911", message_id, message({"ref": "x" * size}))
    return inbox


def ids(inbox: Inbox) -> list[str]:
    """The ids of what is kept."""
    return [message.message_id for message in inbox.messages()]


def test_a_message_is_kept_as_it_was() -> None:
    """What comes out equals what went in, with its recipient."""
    payload = {"ref": ["\x9b", 1.5, None, {"a": True}]}
    inbox = Inbox(clock=lambda: 1764114651.1239)
    inbox.add({TO: 0}, "+911", "A1", message(payload))
    [kept] = inbox.messages()
    expected = Delivered(TO, "+911", "A1", "auth1", "en", "1", "2", "r", "", "é", payload, 1, 1764114651.124)
    assert kept._replace(statuses=()) == expected


def test_the_oldest_bytes_are_dropped() -> None:
    """Messages that hold more than 16 MiB together push out the oldest."""
    quarter = INBOX_BYTES // 4 - 1_000
    assert ids(filled(*[(f"A{number}", quarter) for number in range(6)])) == ["A2", "A3", "A4", "A5"]


def test_the_newest_is_kept_whatever_its_size() -> None:
    """A message larger than the whole inbox is in it alone."""
    assert ids(filled(("A1", 1), ("A2", INBOX_BYTES + 1))) == ["A2"]


def test_bytes_count_for_each_recipient() -> None:
    """A message of 4 MiB to six recipients reaches six and is kept for the last three; older ones are dropped."""
    inbox = filled(("A1", 1), ("A2", 4 << 20), recipients=tuple(f"+9198{number}" for number in range(6)))
    assert [(kept.message_id, kept.recipient) for kept in inbox.messages()] == [("A2", f"+9198{n}") for n in (3, 4, 5)]
    assert inbox.added == 12


def test_numbers_go_on_where_messages_were_dropped() -> None:
    """A reader that asks for a dropped message gets the oldest one that is kept, and its number."""
    inbox = filled(*[(f"A{number}", 1) for number in range(1, INBOX_SIZE + 6)])
    number, line = inbox.next_line(0) or (0, b"")
    assert (number, json.loads(line)["message_id"], json.loads(line)["id"]) == (6, "A6", 6)
    number, line = inbox.next_line(7) or (0, b"")
    assert (number, json.loads(line)["message_id"]) == (8, "A8")
    assert inbox.next_line(INBOX_SIZE + 5) is None


def test_a_cleared_inbox_is_empty_and_counts_on() -> None:
    """After ``clear`` there is no message, and the next one has the next number."""
    inbox = filled(("A1", 1), ("A2", 1))
    inbox.clear()
    assert inbox.messages() == ()
    inbox.add({TO: 0}, "+911", "A3", message())
    assert [message.id for message in inbox.messages()] == [3]


def test_messages_of_one_recipient_after_one_of_them() -> None:
    """``to`` and ``after`` choose the messages of a number that are newer than the one with that id."""
    inbox = filled(("A1", 1), ("A2", 1), recipients=("+91111111", TO))
    assert [(message.id, message.message_id) for message in inbox.messages(TO)] == [(2, "A1"), (4, "A2")]
    assert [message.id for message in inbox.messages(TO, after=2)] == [4]
    assert inbox.messages("+91999999") == ()


def test_statuses_follow_the_time() -> None:
    """Statuses are ``delay`` apart; each has the time at which it came."""
    now = [100.0]
    inbox = Inbox(delay=2, clock=lambda: now[0])
    inbox.add({TO: 0}, "+911", "A1", message())
    seen = []
    for now[0] in (101, 102, 104, 106, 500):
        seen.append([(status.status, status.timestamp) for status in inbox.messages()[0].statuses])
    sent, got, read = ("sent", 102), ("delivered", 104), ("read", 106)
    assert seen == [[], [sent], [sent, got], [sent, got, read], [sent, got, read]]


def test_without_a_delay_all_statuses_are_there_at_once() -> None:
    """With a delay of 0 the statuses exist as soon as the message, even if the clock is set back."""
    now = [100.0]
    inbox = Inbox(clock=lambda: now[0])
    inbox.add({TO: 0, "+91111111": 131026}, "+911", "A1", message())
    now[0] = 50
    good, bad = inbox.messages()
    assert [status.status for status in good.statuses] == ["sent", "delivered", "read"]
    assert [status.status for status in bad.statuses] == ["sent", "failed"]
    assert (good.fails_with, bad.fails_with) == (0, 131026)
    assert [error["code"] for error in bad.statuses[-1].errors] == [131026]
