"""``kshell sandbox``: what its options do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.payloads import payload

from kshell.simulator.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The simulators that were to be served; the command ends at once."""
    simulators: list[Any] = []
    monkeypatch.setattr("kshell.simulator.server.serve", lambda simulator, *_, **__: simulators.append(simulator))
    return simulators


def test_the_delay_between_statuses(cli: Callable[..., Any], served: list[Simulator]) -> None:
    """``--delay`` is in seconds, and 0.2 by default."""
    assert cli("sandbox").code == cli("sandbox", "--delay", "3").code == 0
    assert [simulator.kept.delay for simulator in served] == [0.2, 3]


@pytest.mark.parametrize("text", ["approved: {auth1: [hi]}", "pod: in\nsid: HX1\napproved:\n  auth1:\n    - hi\n"])
def test_approved_templates_are_those_of_an_account(
    cli: Callable[..., Any], write: Any, served: list[Any], text: str
) -> None:
    """``--approved`` reads the key ``approved:`` of a file that has it alone, or of an account's."""
    write("file.yaml", text)
    assert cli("sandbox", "--approved", "file.yaml").code == 0
    [simulator] = served
    for name, language in (("auth1", "hi"), ("auth1", "en"), ("auth2", "hi")):
        message = payload("customer-42")
        message["messaging_object"]["template"] |= {"name": name, "language": {"code": language}}
        headers = [("content-type", "application/json"), ("api-key", "any")]
        simulator.handle("POST", "/v2/HX1/whatsapp/+15005550000/messages", headers, json.dumps(message).encode())
    assert [message.fails_with for message in simulator.inbox] == [0, 132001, 132001]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--approved", "none.yaml"), 3, "none.yaml"),
        (("--approved", "empty.yaml"), 3, "empty.yaml:1:1: no approved templates are listed"),
        (("--callback", "127.0.0.1:5000"), 2, "write http://HOST:PORT/PATH"),
        (("--delay", "-1"), 2, "--delay"),
    ],
)
def test_a_wrong_option_is_said(
    cli: Callable[..., Any], write: Any, served: list[Any], words: tuple[str, ...], code: int, says: str
) -> None:
    """A file without approved templates, a URL that is none and a negative time are errors before anything listens."""
    write("empty.yaml", "pod: in\n")
    ran = cli("sandbox", *words)
    assert (ran.code, says in ran.err, served) == (code, True, [])
