"""The inbox: what is kept, and what is dropped."""

from __future__ import annotations

import json

from kshell.simulator.inbox import INBOX_BYTES, INBOX_SIZE, Delivered, Inbox

TO = "+919812345678"


def filled(*messages: tuple[str, int], recipients: tuple[str, ...] = (TO,)) -> Inbox:
    """An inbox to which messages were added: an id and the characters of a payload for each."""
    inbox = Inbox()
    for message_id, size in messages:
        inbox.add(recipients, Delivered("", "+911", message_id, "auth1", "en", "1", "1", {"ref": "x" * size}))
    return inbox


def ids(inbox: Inbox) -> list[str]:
    """The ids of what is kept."""
    return [delivered.message_id for delivered in inbox.messages()]


def test_a_message_is_kept_as_it_was() -> None:
    """What comes out equals what went in, with its recipient."""
    delivered = Delivered("", "+911", "A1", "é\n", "en", "1", "1", {"ref": ["\x9b", 1.5, None, {"a": True}]})
    inbox = Inbox()
    inbox.add([TO], delivered)
    assert inbox.messages() == (delivered._replace(recipient=TO),)


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
    inbox = filled(*[(f"A{number}", 1) for number in range(INBOX_SIZE + 5)])
    number, line = inbox.next_line(0) or (0, b"")
    assert (number, json.loads(line)["message_id"]) == (5, "A5")
    number, line = inbox.next_line(7) or (0, b"")
    assert (number, json.loads(line)["message_id"]) == (7, "A7")
    assert inbox.next_line(INBOX_SIZE + 5) is None
