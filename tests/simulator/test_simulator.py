"""The answers of the embedded simulator: those of the API page, and those that its docstring defines."""

from __future__ import annotations

import copy
import json
import re
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.page import PAGE

from kshell.core.exchange import Response
from kshell.simulator import documented, payload
from kshell.simulator import simulator as simulator_module
from kshell.simulator.documented import (
    FAILURES,
    MAGIC_KEYS,
    MAGIC_RECIPIENTS,
    MAGIC_SENDERS,
    MAGIC_SIDS,
    NO_SUCH_PATH,
    WRONG_METHOD,
    Failure,
)
from kshell.simulator.inbox import INBOX_SIZE, Delivered
from kshell.simulator.payload import BODY_LIMIT
from kshell.simulator.simulator import Simulator

SID = "HXAP16XXXXXX97IN"
SENDER = "+91XXXXXXXXXX"
KEY = "Axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3"
TARGET = f"/v2/{SID}/whatsapp/{SENDER}/messages"
TYPE = ("Content-Type", "application/json")

SAMPLE = PAGE.split("-d '")[1].removesuffix("'\n")  # the page's sample request, character by character

# The page's sample failures, character by character.
PAGE_FAILURES = """401 Unauthorized
{
"code": "RBC001",
"message": "Incorrect SID or API key.",
"data": [],
"error": {
"error": "Incorrect SID or API key."
}
}
401 Unauthorized phone number
{
"code": "WA401",
"message": "Phone number is not present or does not belong to the account.",
"data": {},
"error": {
"phone_number": "Phone number is not present or does not belong to the account."
}
}
400 Incorrect payload
{
"code": "WA400",
"message": "Refer to correct payload format",
"data": {},
"error": {
"payload": "Incorrect payload format"
}
}
500 Internal Server Error
{
"code": "WA500",
"message": "Please try again later",
"data": {},
"error": {
"error": "Internal server error"
}
}
400 Low balance
{
"code": "E110",
"message": "Please check your balance, You have a low balance!",
"data": {},
"error": {
"balance": "Please check your balance, You have a low balance!"
}
}
401 Unauthorised Account type
{
"code": "WA-401",
"message": "API is not available for given customer.Please contact support for more info",
"data": {},
"error": {
"account": "API is not available for given customer.Please contact support for more info"
}
}
401 Unauthorized phone number version
{
"code": "WA-401",
"message": "The phone number you're using is associated with different Version of our WA API. Please use the appropriate endpoint.",
"data": {},
"error": {
"phone_number": "The phone number you're using is associated with different Version of our WA API. Please use the appropriate endpoint."
}
}"""  # noqa: E501

ON_PAGE = [
    (heading, json.loads(body))
    for heading, body in re.findall(r"^(\d{3} [^\n]*)\n(\{.*?\n\}\n\})", PAGE_FAILURES, re.S | re.M)
]
MESSAGING, TEMPLATE = "messaging_object", "messaging_object.template"
BODY, BUTTON = f"{TEMPLATE}.components.0", f"{TEMPLATE}.components.1"
BODY_PARAMETER, BUTTON_PARAMETER = f"{BODY}.parameters.0", f"{BUTTON}.parameters.0"
GONE = object()


def sample(changes: dict[str, Any] | None = None) -> Any:
    """Return the page's payload; ``changes`` maps dotted paths to values, or to ``GONE``."""
    payload = json.loads(SAMPLE)
    for path, value in (changes or {}).items():
        *parents, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        place: Any = payload
        for step in parents:
            place = place[step]
        if value is GONE:
            del place[last]
        else:
            place[last] = copy.deepcopy(value)
    return payload


def post(
    body: bytes | str | dict[str, Any] = SAMPLE,
    *,
    simulator: Simulator | None = None,
    target: str = TARGET,
    key: str = KEY,
    headers: list[tuple[str, str]] | None = None,
) -> Response:
    """Return the answer to the page's sample request with these changes."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    sent = [TYPE, ("api-key", key)] if headers is None else headers
    return (simulator or Simulator()).handle("POST", target, sent, content)


def kept(changes: dict[str, Any]) -> Delivered:
    """Return the first recipient's message of the page's sample with ``changes``."""
    simulator = Simulator()
    assert post(sample(changes), simulator=simulator).status == 202
    return simulator.inbox[0]


def code(response: Response) -> str:
    """Return the answer's status and code."""
    return f"{response.status} {json.loads(response.body)['code']}"


def button(**changes: Any) -> dict[str, Any]:
    """Return the sample's button with these changes."""
    return {**sample()["messaging_object"]["template"]["components"][1], **changes}


BODY_COMPONENT = sample()["messaging_object"]["template"]["components"][0]


# The page's own words


def test_the_page_s_sample_request_is_accepted_verbatim() -> None:
    """The page's sample request, masked as on the page, gets the page's 202."""
    response = Simulator(new_id=lambda: "AXXXXXXXXXXXXXXXXXXX").handle(
        "POST", TARGET, [("Content-Type", "application/json"), ("api-key", KEY)], SAMPLE.encode()
    )
    assert (response.status, response.reason) == (202, "Accepted")
    assert json.loads(response.body) == {
        "code": "WA202",
        "message": "Request Accepted",
        "data": {"message_id": "AXXXXXXXXXXXXXXXXXXX"},
        "error": {},
    }


def test_a_message_id_looks_like_the_page_s() -> None:
    """A message id is ``A`` and 19 capitals or digits, different for each message."""
    simulator = Simulator()
    ids = {json.loads(post(simulator=simulator).body)["data"]["message_id"] for _ in range(20)}
    assert len(ids) == 20
    assert all(re.fullmatch(r"A[A-Z0-9]{19}", message_id) for message_id in ids)


def test_an_answer_says_that_it_is_json() -> None:
    """Every answer has its content type and length."""
    response = post()
    assert dict(response.headers) == {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(response.body)),
    }


@pytest.mark.parametrize(("failure", "page"), list(zip(FAILURES.values(), ON_PAGE, strict=True)), ids=FAILURES)
def test_a_failure_is_the_page_s(failure: Failure, page: tuple[str, Any]) -> None:
    """Title, status and body of each documented failure are those of the page."""
    assert (failure.title, failure.body) == page
    assert failure.title.startswith(str(failure.status))


def test_the_simulator_uses_none_of_kshell_s_own_rules() -> None:
    """The simulator imports only the data types of ``kshell.core``, so it cannot repeat a mistake of the rules."""
    text = "".join(
        Path(module.__file__).read_text(encoding="utf-8") for module in (documented, payload, simulator_module)
    )
    imports = set(re.findall(r"(?:from|import) (kshell\S*)", text))
    others = {name for name in imports if not name.startswith("kshell.simulator.")}
    assert others == {"kshell.core.exchange", "kshell.core.models"}


# Failures on demand


@pytest.mark.parametrize(("number", "failure"), list(MAGIC_RECIPIENTS.items()))
def test_a_magic_recipient_fails_as_its_table_says(number: str, failure: Failure) -> None:
    """A message to a magic number gets its failure and is not delivered."""
    simulator = Simulator()
    response = post(sample({f"{MESSAGING}.to": number}), simulator=simulator)
    assert (response.status, response.reason) == (failure.status, failure.reason)
    assert json.loads(response.body) == failure.body
    assert simulator.inbox == ()


def test_there_is_a_magic_recipient_for_every_failure() -> None:
    """Each documented failure has a magic recipient and a magic account value."""
    documented = list(FAILURES.values())
    assert list(MAGIC_RECIPIENTS.values()) == documented
    accounts = [*MAGIC_KEYS.values(), *MAGIC_SIDS.values(), *MAGIC_SENDERS.values()]
    assert sorted(accounts) == sorted(documented)


def test_one_magic_recipient_among_several_is_enough() -> None:
    """The first magic number among several recipients decides the answer."""
    to = "+919812345678,+15005550005,+15005550001"
    assert code(post(sample({f"{MESSAGING}.to": to}))) == "400 E110"


@pytest.mark.parametrize(("key", "failure"), MAGIC_KEYS.items())
def test_a_magic_key_fails_as_its_table_says(key: str, failure: Failure) -> None:
    """A request with a magic key gets its failure, whatever the body."""
    assert json.loads(post(b"?", key=key).body) == failure.body


@pytest.mark.parametrize(("sid", "failure"), MAGIC_SIDS.items())
def test_a_magic_sid_fails_as_its_table_says(sid: str, failure: Failure) -> None:
    """A request for a magic SID gets its failure, whatever the body."""
    assert json.loads(post(b"?", target=f"/v2/{sid}/whatsapp/{SENDER}/messages").body) == failure.body


@pytest.mark.parametrize(("sender", "failure"), MAGIC_SENDERS.items())
def test_a_magic_sender_fails_as_its_table_says(sender: str, failure: Failure) -> None:
    """A request for a magic sender number gets its failure, whatever the body."""
    assert json.loads(post(b"?", target=f"/v2/{SID}/whatsapp/{sender}/messages").body) == failure.body


PROFILES = Path(__file__).parents[2] / "profiles" / "accounts"


@pytest.mark.parametrize("name", ["demo", *FAILURES])
def test_a_shipped_account_shows_what_its_name_says(name: str) -> None:
    """Each shipped account gets the answer of its name: acceptance or a documented failure."""
    account = yaml.safe_load((PROFILES / f"{name}.yaml").read_text())
    target = f"/v2/{account['sid']}/whatsapp/{account['phone_number']}/messages"
    answer = json.loads(post(target=target, key=account["api_key"]).body)
    answer["data"] = answer["data"] and {}
    assert answer == (FAILURES[name].body if name in FAILURES else {**answer, "code": "WA202"})


# Path, method, headers


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "*",
        "/v2",
        f"/v1/{SID}/whatsapp/{SENDER}/messages",
        f"/v2/{SID}/whatsapp/{SENDER}/messages/",
        f"/v2/{SID}/whatsapp/{SENDER}",
        f"/v2//whatsapp/{SENDER}/messages",
        f"/v2/{SID}/whatsapp//messages",
        f"/v2/{SID}/WhatsApp/{SENDER}/messages",
        f"https://api.in.kaleyra.io/v2/{SID}/whatsapp/{SENDER}/messages",
    ],
)
def test_another_path_is_not_found(target: str) -> None:
    """A path that the page does not have gets 404 in the form of the page's failures."""
    response = post(target=target)
    assert (response.status, response.reason) == (404, "Not Found")
    assert json.loads(response.body) == NO_SUCH_PATH.body


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "post", ""])
def test_another_method_is_not_allowed(method: str) -> None:
    """A method other than POST gets 405 with an Allow header."""
    response = Simulator().handle(method, TARGET, [TYPE, ("api-key", KEY)], SAMPLE.encode())
    assert (response.status, response.reason) == (405, "Method Not Allowed")
    assert json.loads(response.body) == WRONG_METHOD.body
    assert ("allow", "POST") in response.headers


@pytest.mark.parametrize(
    "target", [TARGET.replace("+", "%2B"), TARGET.replace("+", "%2b"), TARGET.replace("S", "%53"), f"{TARGET}?to=x"]
)
def test_a_path_may_be_percent_encoded_and_have_a_query(target: str) -> None:
    """A percent-encoded path or a query does not change the answer."""
    assert code(post(target=target)) == "202 WA202"


@pytest.mark.parametrize(
    "sender", ["911234567890", "+", "+0123456789", "+12345", "+1234567890123456", "+91 123456789", "x"]
)
def test_a_sender_that_is_no_number_is_unknown(sender: str) -> None:
    """A sender that is not in E.164 form gets WA401."""
    assert code(post(target=f"/v2/{SID}/whatsapp/{sender}/messages")) == "401 WA401"


@pytest.mark.parametrize(
    "headers",
    [[TYPE], [TYPE, ("api-key", "")], [TYPE, ("api-key", "  ")], [TYPE, ("api-key", KEY), ("API-Key", KEY)]],
    ids=["absent", "empty", "blank", "twice"],
)
def test_a_key_is_needed_once(headers: list[tuple[str, str]]) -> None:
    """A missing, empty or repeated key gets RBC001."""
    assert code(post(headers=headers)) == "401 RBC001"


@pytest.mark.parametrize("value", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_the_content_type_is_json(value: str) -> None:
    """The content type is compared without case and parameters."""
    assert code(post(headers=[("content-type", value), ("API-KEY", KEY)])) == "202 WA202"


@pytest.mark.parametrize("values", [[], [""], ["text/plain"], ["application/jsonp"], ["application/json"] * 2])
def test_another_content_type_is_incorrect(values: list[str]) -> None:
    """A missing, different or repeated content type gets WA400."""
    headers = [("api-key", KEY), *(("Content-Type", value) for value in values)]
    assert code(post(headers=headers)) == "400 WA400"


@pytest.mark.parametrize(
    ("key", "sid", "sender", "body", "answer"),
    [
        ("", "HXACCOUNTTYPEIN", "x", "?", "401 RBC001"),
        (KEY, "HXACCOUNTTYPEIN", "x", "?", "401 WA-401"),
        (KEY, SID, "x", "?", "401 WA401"),
        (KEY, SID, SENDER, "?", "400 WA400"),
    ],
)
def test_the_first_fault_is_the_answer(key: str, sid: str, sender: str, body: str, answer: str) -> None:
    """Key, SID, sender number and payload are checked in this order."""
    assert code(post(body, target=f"/v2/{sid}/whatsapp/{sender}/messages", key=key)) == answer


# The payload


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"?",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        SAMPLE.encode("utf-16"),
        b"\xef\xbb\xbf" + SAMPLE.encode(),
        SAMPLE.replace("auth1", "\xff").encode("latin-1"),
        SAMPLE.encode() + b"{}",
        SAMPLE.replace('"ref":', '"ref": "twice", "ref":').encode(),
        SAMPLE.replace('"customer1"', r'"\ud800"').encode(),
        SAMPLE.replace('"ref":', '"more": NaN, "ref":').encode(),
        SAMPLE.replace('"ref":', '"more": 1e999, "ref":').encode(),
        SAMPLE.replace('"ref":', f'"more": {"9" * 5_000}, "ref":').encode(),
        SAMPLE.replace('"ref":', f'"more": {"[" * 31}{"]" * 31}, "ref":').encode(),
        SAMPLE.replace('"ref":', f'"more": {"[" * 100_000}{"]" * 100_000}, "ref":').encode(),
        SAMPLE.encode() + b" " * BODY_LIMIT,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_proper_json_object_is_incorrect(body: bytes) -> None:
    """A body that is not one strict JSON object within the limits gets WA400."""
    assert code(post(body)) == "400 WA400"


def test_a_body_may_be_as_large_as_the_limit() -> None:
    """A body of exactly 1 MiB is accepted."""
    assert code(post(SAMPLE.ljust(BODY_LIMIT))) == "202 WA202"


@pytest.mark.parametrize("more", ["[" * 30 + "]" * 30, '{"a": null}', '"' + "x" * 1_000 + '"'])
def test_a_field_that_the_page_does_not_name_is_kept(more: str) -> None:
    """An unknown field is accepted and kept, up to 32 levels deep."""
    simulator = Simulator()
    post(SAMPLE.replace('"ref":', f'"more": {more}, "ref":'), simulator=simulator)
    assert simulator.inbox[0].payload["extra_info"]["more"] == json.loads(more)  # type: ignore[call-overload, index]


MANDATORY = [
    MESSAGING,
    f"{MESSAGING}.messaging_product",
    f"{MESSAGING}.to",
    TEMPLATE,
    f"{TEMPLATE}.name",
    f"{TEMPLATE}.language",
    f"{TEMPLATE}.language.code",
    f"{TEMPLATE}.components",
    BODY,
    f"{BODY}.type",
    f"{BODY}.parameters",
    BODY_PARAMETER,
    f"{BODY_PARAMETER}.type",
    f"{BODY_PARAMETER}.text",
    BUTTON,
    f"{BUTTON}.type",
    f"{BUTTON}.sub_type",
    f"{BUTTON}.index",
    f"{BUTTON}.parameters",
    BUTTON_PARAMETER,
    f"{BUTTON_PARAMETER}.type",
    f"{BUTTON_PARAMETER}.text",
]
OPTIONAL = [
    f"{MESSAGING}.recipient_type",
    f"{MESSAGING}.type",
    "extra_info",
    "extra_info.ref",
    "extra_info.ref1",
    "extra_info.ref2",
    "extra_info.wa_source",
]


def test_a_mandatory_field_may_not_be_missing() -> None:
    """A payload without a mandatory field gets WA400."""
    assert [path for path in MANDATORY if code(post(sample({path: GONE}))) != "400 WA400"] == []


def test_an_optional_field_may_be_missing() -> None:
    """A payload without an optional field is accepted."""
    assert [path for path in OPTIONAL if code(post(sample({path: GONE}))) != "202 WA202"] == []


def test_a_field_of_another_type_is_incorrect() -> None:
    """``null`` or a value of a wrong type gets WA400, also in an optional field."""
    for path, value in product([*MANDATORY, *OPTIONAL], (None, 5, 0.5, True, [], {}, [""], {"a": ""})):
        proper = (path, value) in [(f"{BUTTON}.index", 5), ("extra_info", {}), ("extra_info", {"a": ""})]
        assert code(post(sample({path: value}))) == ("202 WA202" if proper else "400 WA400"), (path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{MESSAGING}.messaging_product", "WhatsApp"),
        (f"{MESSAGING}.recipient_type", "group"),
        (f"{MESSAGING}.type", "text"),
        (f"{MESSAGING}.to", ""),
        (f"{MESSAGING}.to", "919812345678"),
        (f"{MESSAGING}.to", "+0919812345678"),
        (f"{MESSAGING}.to", "+12345"),
        (f"{MESSAGING}.to", "+1234567890123456"),
        (f"{MESSAGING}.to", "+91 98123 45678"),
        (f"{MESSAGING}.to", "+91981234567٣"),
        (f"{MESSAGING}.to", "+919812345678\n"),
        (f"{MESSAGING}.to", "+919812345678, +919812345679"),
        (f"{MESSAGING}.to", "+919812345678;+919812345679"),
        (f"{MESSAGING}.to", "+919812345678,"),
        (f"{MESSAGING}.to", "+919812345678,nobody"),
        (f"{TEMPLATE}.name", ""),
        (f"{TEMPLATE}.language.code", ""),
        (f"{BODY}.type", "header"),
        (f"{BODY_PARAMETER}.type", "currency"),
        (f"{BODY_PARAMETER}.text", ""),
        (f"{BODY_PARAMETER}.text", "482913"),
        (f"{BUTTON}.type", "footer"),
        (f"{BUTTON}.sub_type", "URL"),
        (f"{BUTTON}.index", -1),
        (f"{BUTTON}.index", 10),
        (f"{BUTTON}.index", "0"),
        (f"{BUTTON}.index", 0.0),
        (f"{BUTTON}.index", False),
        (f"{BUTTON_PARAMETER}.type", "payload"),
        (f"{BUTTON_PARAMETER}.text", ""),
        (f"{BUTTON_PARAMETER}.text", "482913"),
        (f"{BODY}.parameters", {"type": "text", "text": "J$FpXXXX"}),
        (f"{BODY}.parameters", [{"type": "text", "text": "J$FpXXXX"}] * 2),
        (f"{BUTTON}.parameters", [{"type": "text", "text": "J$FXXXXp"}] * 2),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, BODY_COMPONENT, button()]),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, button(), {"type": "header", "parameters": []}]),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, button(), "button"]),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, button(), button()]),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, *(button(index=index) for index in (*range(10), 9))]),
    ],
)
def test_a_value_that_is_not_allowed_is_incorrect(path: str, value: object) -> None:
    """A value that the page does not allow gets WA400."""
    assert code(post(sample({path: value}))) == "400 WA400"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{MESSAGING}.to", "+1234567"),
        (f"{MESSAGING}.to", "+123456789012345"),
        (f"{TEMPLATE}.language.code", "tlh"),
        (f"{BUTTON}.index", 9),
        (f"{BUTTON}.sub_type", "quick_reply"),
        (f"{BUTTON}.sub_type", "catalog"),
        (f"{TEMPLATE}.components", [button(), BODY_COMPONENT]),
        (f"{TEMPLATE}.components", [BODY_COMPONENT, *(button(index=index) for index in range(10))]),
        ("extra_info.ref", ""),
    ],
)
def test_a_value_at_the_edge_of_what_is_allowed_is_correct(path: str, value: object) -> None:
    """A value at the end of an allowed range is accepted."""
    assert code(post(sample({path: value}))) == "202 WA202"


@pytest.mark.parametrize(
    ("body", "in_button", "same"),
    [
        ("482913", "482913", True),
        ("J$FpnYnP", "J$FpnYnP", True),
        ("123456789012345", "123456789012345", True),
        ("1234567890123456", "1234567890123456", False),
        ("é" * 15, "é" * 15, True),
        ("482913", "482914", False),
        ("482913", "48291", False),
        ("J$FpXXXX", "J$FXXXXp", True),
        ("J$FpXXXX", "J$GXXXXp", False),
        ("J$FpXXXX", "J$FXXXXpp", False),
        ("J$FpXXXX", "J$Fpabcd", False),
        ("48XXX3", "482XX3", False),
    ],
)
def test_the_code_appears_twice(body: str, in_button: str, same: bool) -> None:  # noqa: FBT001
    """Both places must have the same code of at most 15 characters; masked characters are not compared."""
    changes = {f"{BODY_PARAMETER}.text": body, f"{BUTTON_PARAMETER}.text": in_button}
    assert code(post(sample(changes))) == ("202 WA202" if same else "400 WA400")


# The inbox


def test_the_inbox_holds_what_a_recipient_got() -> None:
    """An inbox entry has recipient, sender, ids, template, language, both codes, the refs, the payload and the time."""
    simulator = Simulator(new_id=lambda: "A1", clock=lambda: 7.5)
    post(simulator=simulator, target=TARGET.replace("+", "%2B"))
    [kept] = simulator.inbox
    codes, refs = ("J$FpXXXX", "J$FXXXXp"), ("customer1", "marketing", "dictionary")
    message = Delivered("+91XXXXXXXXX", SENDER, "A1", "auth1", "en_US", *codes, *refs, json.loads(SAMPLE), 1, 7.5)
    assert kept._replace(statuses=()) == message


def test_several_recipients_are_one_request() -> None:
    """Recipients separated by commas get one message each with the same id; a repeated number gets one."""
    simulator = Simulator()
    answer = json.loads(post(sample({f"{MESSAGING}.to": "+9198123,+9198124,+9198123"}), simulator=simulator).body)
    assert [delivered.recipient for delivered in simulator.inbox] == ["+9198123", "+9198124"]
    assert {delivered.message_id for delivered in simulator.inbox} == {answer["data"]["message_id"]}


@pytest.mark.parametrize("ref", ["ref", "ref1", "ref2"])
def test_a_long_ref_is_cut(ref: str) -> None:
    """A ref is cut to 255 characters."""
    extra: Any = kept({f"extra_info.{ref}": "é" * 256}).payload["extra_info"]
    assert extra[ref] == "é" * 255


@pytest.mark.parametrize(
    ("given", "source"), [("api", "api"), ("moengage", "moengage"), ("kshell", "API"), ("Zoho", "API"), ("", "API")]
)
def test_an_unknown_source_is_overridden(given: str, source: str) -> None:
    """An unknown ``wa_source`` becomes ``API``."""
    extra: Any = kept({"extra_info.wa_source": given}).payload["extra_info"]
    assert extra["wa_source"] == source


def test_defaults_are_filled_in() -> None:
    """``recipient_type`` and ``type`` get a default, and ``wa_source`` does not."""
    changes = {f"{MESSAGING}.recipient_type": GONE, f"{MESSAGING}.type": GONE, "extra_info.wa_source": GONE}
    payload: Any = kept(changes).payload
    assert payload["messaging_object"]["recipient_type"] == "individual"
    assert payload["messaging_object"]["type"] == "template"
    assert "wa_source" not in payload["extra_info"]


@pytest.mark.parametrize("more", ["", '"é\u2028": 1.50,\r\n', r'"\u00e9": "\n",'])
@pytest.mark.parametrize("change", [{}, {f"{MESSAGING}.type": GONE}], ids=["unchanged", "changed"])
def test_a_kept_message_is_one_line_of_ascii_however_it_was_written(more: str, change: dict[str, Any]) -> None:
    """Line breaks between the values of a body, and characters that are not ASCII, are not in its line of the inbox."""
    simulator = Simulator()
    body = json.dumps(sample(change), indent=2).replace('"extra_info":', f'{more}"extra_info":')
    assert code(post(body, simulator=simulator)) == "202 WA202"
    [line] = simulator.kept.lines()
    assert line.isascii()
    assert line.splitlines() == [line]
    expected = json.loads(body)
    expected["messaging_object"].setdefault("type", "template")
    assert json.loads(line)["payload"] == expected


def test_the_inbox_keeps_the_newest() -> None:
    """The inbox keeps the newest ten thousand messages, oldest first."""
    simulator = Simulator()
    for start in range(0, INBOX_SIZE + 1, 50):
        post(sample({f"{MESSAGING}.to": ",".join(f"+91{start + n:07}" for n in range(50))}), simulator=simulator)
    lines = list(simulator.kept.lines())
    assert len(lines) == INBOX_SIZE
    assert (json.loads(lines[0])["recipient"], json.loads(lines[-1])["recipient"]) == ("+910000050", "+910010049")


# What becomes of a message


@pytest.mark.parametrize(
    ("number", "code"), [("+15001310260", 131026), ("+15001001", 0), ("+15001000", 100), ("+15000000020", 2)]
)
def test_a_magic_recipient_s_message_fails_with_the_code_in_its_number(number: str, code: int) -> None:
    """A message to ``+1500<code>0`` is accepted and fails with that code of Meta's; with another ending it arrives."""
    assert kept({f"{MESSAGING}.to": number}).fails_with == code


def test_a_number_with_a_code_that_meta_does_not_have_is_delivered() -> None:
    """A number that looks like a magic one, with a code that is not Meta's, gets its message."""
    assert kept({f"{MESSAGING}.to": "+15009999990"}).fails_with == 0


def test_the_next_request_is_refused() -> None:
    """``fail_next`` with a documented failure refuses one request and no other; nothing is delivered."""
    simulator = Simulator()
    simulator.fail_next("low-balance")
    assert [code(post(simulator=simulator)) for _ in range(2)] == ["400 E110", "202 WA202"]
    assert len(simulator.inbox) == 1


def test_the_next_message_to_a_number_fails() -> None:
    """``fail_next`` with a code of Meta's and a number waits for that number, and leaves the request's other recipients."""
    simulator = Simulator()
    simulator.fail_next(131049, to="+9198124")
    simulator.fail_next(131056, to="+9198124")
    post(simulator=simulator)
    for _ in range(3):
        post(sample({f"{MESSAGING}.to": "+9198123,+9198124"}), simulator=simulator)
    assert [(kept.recipient, kept.fails_with) for kept in simulator.inbox[1:]] == [
        ("+9198123", 0),
        ("+9198124", 131049),
        ("+9198123", 0),
        ("+9198124", 131056),
        ("+9198123", 0),
        ("+9198124", 0),
    ]


def test_the_next_message_without_a_number_fails_for_all_recipients() -> None:
    """Without a number every recipient's message of the next request fails with the code."""
    simulator = Simulator()
    simulator.fail_next(131000)
    post(sample({f"{MESSAGING}.to": "+9198123,+9198124"}), simulator=simulator)
    assert [kept.fails_with for kept in simulator.inbox] == [131000, 131000]


def test_an_incorrect_request_takes_no_answer_that_was_asked_for() -> None:
    """A request that is refused for its own fault leaves the answer for the next one."""
    simulator = Simulator()
    simulator.fail_next("server-error")
    assert code(post(b"?", simulator=simulator)) == "400 WA400"
    assert code(post(simulator=simulator)) == "500 WA500"


@pytest.mark.parametrize(("answer", "to"), [("low", ""), (131027, ""), ("low-balance", "91981234567")])
def test_an_unknown_answer_or_number_is_not_taken(answer: str | int, to: str) -> None:
    """``fail_next`` raises for an answer that no page has, and for a number that is not in E.164 form."""
    with pytest.raises(ValueError, match=r"there is no answer .*131026|is not a number in E\.164 form"):
        Simulator().fail_next(answer, to)


def test_answers_that_were_asked_for_are_limited() -> None:
    """A thousand answers may wait for their messages, and no more."""
    simulator = Simulator()
    for _ in range(1_000):
        simulator.fail_next(2)
    with pytest.raises(ValueError, match="1000 answers are waiting"):
        simulator.fail_next(2)


def test_a_cleared_simulator_remembers_nothing() -> None:
    """``clear`` forgets the messages and the answers that were asked for."""
    simulator = Simulator()
    post(simulator=simulator)
    simulator.fail_next("low-balance")
    simulator.clear()
    assert simulator.inbox == ()
    assert code(post(simulator=simulator)) == "202 WA202"


@pytest.mark.parametrize(
    ("name", "language", "fails_with"), [("auth1", "hi", 0), ("auth1", "en", 132001), ("auth2", "hi", 132001)]
)
def test_a_template_that_is_not_approved_fails(name: str, language: str, fails_with: int) -> None:
    """With approved templates a message with another name or language is accepted and fails with 132001."""
    simulator = Simulator(approved={"auth1": ["en_US", "hi"]})
    changes = {f"{TEMPLATE}.name": name, f"{TEMPLATE}.language.code": language}
    assert code(post(sample(changes), simulator=simulator)) == "202 WA202"
    assert simulator.inbox[0].fails_with == fails_with


# Any input

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)
DOCUMENTED = {"202 WA202", *(f"{failure.status} {failure.code}" for failure in FAILURES.values())}


@given(st.text(), st.text(), st.lists(st.tuples(st.text(), st.text())), st.binary())
def test_any_request_is_answered(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> None:
    """Any request is answered, without an exception."""
    assert code(Simulator().handle(method, target, headers, body)) in {"404 404", "405 405"}


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_body_is_answered(body: bytes) -> None:
    """Any body is answered with WA400, without an exception."""
    assert code(post(body)) == "400 WA400"


@given(st.sampled_from([*MANDATORY, *OPTIONAL]), JSON)
def test_any_value_in_any_place_is_answered(path: str, value: object) -> None:
    """Any value in any field gets a documented answer."""
    assert code(post(sample({path: value}))) in DOCUMENTED


def test_a_body_nested_to_the_limit_of_the_stack_is_answered() -> None:
    """A deeply nested body gets WA400, even near the recursion limit."""

    def deeper(levels: int) -> str:
        return deeper(levels - 1) if levels else code(post('{"a":' * 400 + "1" + "}" * 400))

    assert deeper(sys.getrecursionlimit() - 450) == "400 WA400"
