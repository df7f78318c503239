"""Promise 14, at every statement: a run that kills itself before or after any statement of its ledger sends no row twice."""

from __future__ import annotations

from pathlib import Path

from support.counting import accept_all, messages_by_recipient, rows_csv
from support.killing import killed_at_every_moment
from support.servers import Server, local_pod

from kshell.scripts.ledger import entries

ROWS = 2
MOST = 60  # moments of a run with so many rows


def test_a_kill_at_any_statement_sends_no_row_twice(write):
    """A run is killed at a moment, and run again: each row is sent once, or is unknown if it was under way at the kill."""
    with Server(accept_all, backlog=128) as server:
        write("s.kshell", f"send -p {local_pod(server.url)}\n")
        for n in range(MOST):
            write(f"{n}.csv", rows_csv(ROWS, first=ROWS * n))
        ended = killed_at_every_moment("before", 1, "run", "s.kshell", "--rows", "{n}.csv", "--ledger", "{n}.ledger")
        sent = messages_by_recipient(server)
    assert len(ended) > 20
    assert {*sent.values()} == {1}
    for n, kills, code in ended:
        known = list(entries(Path(f"{n}.ledger")))
        unknown = [entry for entry in known if entry.state == "claimed"]
        times = {entry.number: sent[f"+9198{ROWS * n + entry.number - 1:08}"] for entry in known}
        assert [*times] == [1, 2]
        assert len(unknown) <= kills
        assert all(times[entry.number] == 1 for entry in known if entry.state == "accepted")
        assert code == (5 if unknown else 0)
    assert {kills for _, kills, _ in ended} == {0, 1}
    assert any(code for _, _, code in ended)
