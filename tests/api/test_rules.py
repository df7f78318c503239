"""Rules: each rule of the API page, with payloads that break it and payloads that keep it."""

from __future__ import annotations

import copy
import re
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import category

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.authentication.fields import E164, FIELDS, LANGUAGES, NAME_LIMIT, OTP_LIMIT, REF_LIMIT, WA_SOURCES
from kshell.api.authentication.rules import RULES
from kshell.api.payload import Located, cut_texts, recipients_of, texts_at
from kshell.api.rules import check as check_by
from kshell.api.rules import found
from kshell.api.statuses import find_outcome
from kshell.core.models import Account, Origin, OtpPolicy, Secret
from kshell.core.terminal import finding_line

APPROVED = {"auth1": ("en_US", "hi"), "login": ("en",)}
SENDER = "+911234567890"
ACCOUNT = Account(
    "acme", "", "in", "HX1IN", Secret("env", "K"), SENDER, "auth", {}, OtpPolicy(), Origin(Path("x"), "here"), APPROVED
)
check = partial(check_by, SEND_AUTHENTICATION, account=ACCOUNT)
cut_refs = partial(cut_texts, SEND_AUTHENTICATION)

NUMBER = "+919812345678"
GOOD: dict[str, Any] = {
    "messaging_object": {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": NUMBER,
        "type": "template",
        "template": {
            "name": "auth1",
            "language": {"code": "en_US"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "123456"}]},
                {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "123456"}]},
            ],
        },
    },
    "extra_info": {"ref": "a", "ref1": "b", "ref2": "c", "wa_source": "api"},
}
TO = "/messaging_object/to"
NAME, LANGUAGE = "/messaging_object/template/name", "/messaging_object/template/language/code"
COMPONENTS = "/messaging_object/template/components"
BODY, BUTTON = f"{COMPONENTS}/0", f"{COMPONENTS}/1"
BODY_CODE, BUTTON_CODE = f"{BODY}/parameters/0/text", f"{BUTTON}/parameters/0/text"
GONE = object()


def steps_of(pointer: str) -> list[str]:
    """Return the reference tokens of a JSON pointer, unescaped by RFC 6901."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def at(payload: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer; ``GONE`` if its last step finds nothing."""
    *steps, last = steps_of(pointer)
    for step in steps:
        payload = payload[int(step)] if isinstance(payload, list) else payload[step]
    return payload[int(last)] if isinstance(payload, list) else payload.get(last, GONE)


def changed(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the good payload with other values at some pointers; ``GONE`` deletes a value."""
    payload = copy.deepcopy(GOOD)
    for pointer, value in changes.items():
        parent, _, last = pointer.rpartition("/")
        holder = at(payload, parent) if parent else payload
        (name,) = steps_of(f"/{last}")
        if value is GONE:
            del holder[int(name) if isinstance(holder, list) else name]
        elif isinstance(holder, list):
            holder[int(name) : int(name) + 1] = [value]
        else:
            holder[name] = value
    return payload


def place_in_good(pointer: str) -> str:
    """Return the JSON pointer of the place in the good payload that a field's pointer leads to."""
    return pointer.replace("/body", "/0").replace("/button", "/1").replace("/*", "/0")


def codes(otp: Any) -> dict[str, Any]:
    """Return the change that puts one code into both places."""
    return {BODY_CODE: otp, BUTTON_CODE: otp}


def button(index: Any, otp: str = "123456") -> dict[str, Any]:
    """Return a button component."""
    return {"type": "button", "sub_type": "url", "index": index, "parameters": [{"type": "text", "text": otp}]}


class Case(NamedTuple):
    """A change of the good payload, and the one finding of a rule that it gives: pointer, message and fix."""

    changes: dict[str, Any]
    pointer: str
    message: str
    fix: str


TEXT = "text"
ARABIC, WIDE = (f"+{''.join(chr(zero + int(digit)) for digit in NUMBER[1:])}" for zero in (0x660, 0xFF10))
BROKEN: dict[str, list[Case]] = {
    "field-missing": [
        Case({"/messaging_object": GONE}, "/messaging_object", "messaging_object is missing, but mandatory", "add it"),
        Case({TO: GONE}, TO, "to_number is missing, but mandatory", "add it, such as +91XXXXXXXXX"),
        Case({TO: ""}, TO, "to_number is empty, but mandatory", "write a value, such as +91XXXXXXXXX"),
        Case({BUTTON_CODE: GONE}, BUTTON_CODE, "one_time_password is missing, but mandatory", "add it, such as J$FXXXXp"),
        Case({BODY_CODE: ""}, BODY_CODE, "one_time_password is empty, but mandatory", "write a value, such as J$FpXXXX"),
        Case({f"{BUTTON}/index": GONE}, f"{BUTTON}/index", "index_value is missing, but mandatory", "add it, such as 0"),
    ],
    "field-type": [
        Case({TO: 919812345678}, TO, "to_number is a number, not text", "write +91XXXXXXXXX"),
        Case({TO: None}, TO, "to_number is null, not text", "write +91XXXXXXXXX"),
        Case({f"{BUTTON}/index": "0"}, f"{BUTTON}/index", "index_value is text, not integer: '0'",
             "write a whole number, such as 0"),
        Case({f"{BUTTON}/index": True}, f"{BUTTON}/index", "index_value is true or false, not integer", "write a whole number"),
        Case({f"{BUTTON}/index": 0.0}, f"{BUTTON}/index", "index_value is a number, not integer", "write a whole number"),
        Case({"/extra_info": []}, "/extra_info", "extra_info is a list, not object", "write {…}"),
        Case({f"{BODY}/parameters": {}}, f"{BODY}/parameters", "parameters is an object, not list", "write […]"),
        Case({"/extra_info/ref": False}, "/extra_info/ref", "ref is true or false, not text", "write customer1"),
    ],
    "field-value": [
        Case({"/messaging_object/messaging_product": "sms"}, "/messaging_object/messaging_product",
             "messaging_product is 'sms'", "write whatsapp"),
        Case({"/messaging_object/recipient_type": "group"}, "/messaging_object/recipient_type",
             "recipient_type is 'group'", "write individual"),
        Case({"/messaging_object/type": TEXT}, "/messaging_object/type", "type is 'text'", "write template"),
        Case({f"{BUTTON}/sub_type": "URL"}, f"{BUTTON}/sub_type", "sub_type is 'URL'", "write quick_reply or url or catalog"),
        Case({f"{BODY}/parameters/0/type": "image"}, f"{BODY}/parameters/0/type", "type is 'image'", "write text"),
    ],
    "field-unknown": [
        Case({"/extra": 1}, "/extra", "the page has no field 'extra' here", "did you mean extra_info?"),
        Case({"/messaging_object/text": {}}, "/messaging_object/text", "the page has no field 'text' here", "remove it"),
        Case({"/messaging_object/template/langauge": 1}, "/messaging_object/template/langauge",
             "the page has no field 'langauge' here", "did you mean language?"),
        Case({f"{BODY}/index": 0}, f"{BODY}/index", "the page has no field 'index' here", "remove it"),
        Case({f"{BUTTON}/parameters/0/txt": ""}, f"{BUTTON}/parameters/0/txt", "the page has no field 'txt' here",
             "did you mean text?"),
        Case({"/extra_info/a~1b~0c": 1}, "/extra_info/a~1b~0c", "the page has no field 'a/b~c' here", "remove it"),
    ],
    "type-omitted": [
        Case({"/messaging_object/type": GONE}, "/messaging_object/type", "type is left out, which the page says means text",
             "add it: template"),
    ],
    "to-e164": [
        Case({TO: to}, TO, f"{to!r} is not a number in E.164 form", f"write {NUMBER}")
        for to in (
            "00919812345678", "919812345678", "+91 98123 45678", "+91-98123-45678", "+91 (98123) 45678", "+91.98123.45678",
            " +919812345678", "+919812345678\n", "+919812345678;ext=5", "0091 98123 45678",
            ARABIC, WIDE,
        )
    ] + [
        Case({TO: to}, TO, f"{to!r} is not a number in E.164 form", "write + and 7 to 15 digits")
        for to in ("abc", "+", "+0919812345678", "+1234567890123456", "+12345", "tel:x", "+91X8123456", "customer@x.io", " ",
                   "9812345678", "7911123456", "09812345678")  # of which country?
    ] + [
        Case({TO: f"{NUMBER},"}, TO, "a comma has no number beside it", "remove the comma"),
        Case({TO: f",{NUMBER}"}, TO, "a comma has no number beside it", "remove the comma"),
        Case({TO: f"{NUMBER}, ,+919812345679"}, TO, "a comma has no number beside it", "remove the comma"),
        Case({TO: f"{NUMBER}, +919812345679"}, TO, "' +919812345679' is not a number in E.164 form", "write +919812345679"),
    ] + [
        Case({TO: text}, TO, f"{text!r} is not a number in E.164 form", "write a comma between recipients, and no blank")
        for text in (f"{NUMBER};+919812345679", f"{NUMBER} +919812345679")
    ],
    "to-impossible": [
        Case({TO: "+9198123"}, TO, "no country has a number like +9198123", "count the digits once more"),
        Case({TO: "+1202555012345"}, TO, "no country has a number like +1202555012345", "count the digits once more"),
        Case({TO: "+999812345678"}, TO, "no country has a number like +999812345678", "count the digits once more"),
        Case({TO: f"{NUMBER},+9198123"}, TO, "no country has a number like +9198123", "count the digits once more"),
    ],
    "to-trunk": [
        Case({TO: faulty}, TO, f"{faulty} has a prefix after +{country} that is dialled only inside the country", fix)
        for faulty, country, fix in (
            ("+4407911123456", 44, "write +447911123456"), ("+9109812345678", 91, "write +919812345678"),
            ("+789123456789", 7, "write +79123456789"), ("+3606201234567", 36, "write +36201234567"),
            ("+5703211234567", 57, "write +573211234567"), ("+550219112345678", 55, "leave that prefix out"),
        )
    ],
    "to-repeated": [
        Case({TO: f"{NUMBER},+919812345679,{NUMBER}"}, TO, f"{NUMBER} is named 2 times, and may get as many messages",
             "name it once"),
    ],
    "to-sender": [
        Case({TO: to}, TO, f"{SENDER} is the account's own number, which sends", "name another recipient")
        for to in (SENDER, f"{NUMBER},{SENDER}")
    ],
    "components": [
        Case({COMPONENTS: [button(0)]}, COMPONENTS, "there are 0 components of type body", "write exactly one"),
        Case({COMPONENTS: [*GOOD["messaging_object"]["template"]["components"][:1] * 2, button(0)]}, COMPONENTS,
             "there are 2 components of type body", "write exactly one"),
        Case({BUTTON: GONE}, COMPONENTS, "there are 0 components of type button", "write 1 to 10"),
        Case({COMPONENTS: [GOOD["messaging_object"]["template"]["components"][0], *map(button, range(11))]}, COMPONENTS,
             "there are 11 components of type button", "write 1 to 10"),
        Case({f"{COMPONENTS}/2": {"type": "header"}}, f"{COMPONENTS}/2", "a component of type 'header'", "write body or"),
        Case({f"{COMPONENTS}/2": 1}, f"{COMPONENTS}/2", "a component of type None", "write body or button"),
    ],
    "otp-twice": [
        Case({BUTTON_CODE: "654321"}, BUTTON_CODE, "this code differs from the first one", "write the same code"),
        Case({f"{COMPONENTS}/2": button(1, "654321")}, f"{COMPONENTS}/2/parameters/0/text",
             "this code differs from the first one", "write the same code in both"),
        Case({f"{BODY}/parameters": []}, f"{BODY}/parameters", "the body has 0 parameters; the code is the only one",
             "write one"),
        Case({f"{BODY}/parameters": ["123456"]}, f"{BODY}/parameters/0", "the body's parameter is text, not an object",
             'write {"type": "text", "text": CODE}'),
        Case({f"{BUTTON}/parameters": []}, f"{BUTTON}/parameters", "the button has 0 parameters; the code is the only one",
             "write one"),
        Case({f"{BODY}/parameters/1": {"type": TEXT, "text": "123456"}}, f"{BODY}/parameters",
             "the body has 2 parameters; the code is the only one", "write one"),
        Case({f"{BODY}/parameters": [{"type": TEXT, "text": text} for text in ("Asha", "42", "tomorrow")]},
             f"{BODY}/parameters", "the body has 3 parameters; the code is the only one", "write one"),
    ],
    "otp-length": [
        Case({f"{COMPONENTS}/1": GONE, BODY_CODE: "1" * 16}, BODY_CODE, "the code has 16 characters", "use at most 15"),
        Case({f"{BODY}/parameters": [{"type": TEXT, "text": text} for text in ("Asha", "a week from tomorrow")]},
             f"{BODY}/parameters/1/text", "this text has 20 characters", "use at most 15"),
    ],
    "otp-control": [
        Case({BODY_CODE: "12\n34", BUTTON: GONE}, BODY_CODE, "the code has invisible characters: U+000A",
             "use letters, digits and signs"),
        Case({BODY_CODE: "1\u200b2\u202e\u200b", BUTTON: GONE}, BODY_CODE,
             "the code has invisible characters: U+200B, U+202E", "use letters, digits and signs"),
        Case({BODY_CODE: "\ud8001", BUTTON: GONE}, BODY_CODE, "the code has invisible characters: U+D800",
             "use letters, digits and signs"),
    ],
    "otp-media": [
        Case({BODY_CODE: code, BUTTON: GONE}, BODY_CODE, "WhatsApp accepts no emoji and no URL in a code",
             "use letters, digits and signs")
        for code in ("12😀34", "⌚1", "\u2190", "http://a.b", "www.a.b")
    ],
    "index-range": [
        Case({f"{BUTTON}/index": 10}, f"{BUTTON}/index", "index is 10", "write 0 to 9"),
        Case({f"{BUTTON}/index": -1}, f"{BUTTON}/index", "index is -1", "write 0 to 9"),
        Case({f"{COMPONENTS}/2": button(0)}, f"{COMPONENTS}/2/index", "another button also has index 0",
             "give each button its own"),
    ],
    "ref-cut": [
        Case({f"/extra_info/{name}": "x" * 243 + "abcdefghijkl" + "y" * more}, f"/extra_info/{name}",
             f"{name} has {255 + more} characters and is cut after the 255th, after 'abcdefghijkl'", "use at most 255")
        for name in ("ref", "ref1", "ref2") for more in (1, 45)
    ] + [
        Case({"/extra_info/ref": "😀" * 256}, "/extra_info/ref",
             f"ref has 256 characters and is cut after the 255th, after '{'😀' * 12}'", "use at most 255"),
    ],
    "template-name": [
        Case({NAME: name}, NAME, f"WhatsApp has no template {name!r}: names have lower-case letters, digits and _", fix)
        for name, fix in (("Auth-1", "did you mean auth_1?"), ("login code", "did you mean login_code?"), ("é", "look the"))
    ] + [
        Case({NAME: "a" * 513}, NAME, "the name has 513 characters", "use at most 512"),
    ],
    "wa-source": [
        Case({"/extra_info/wa_source": "zapir"}, "/extra_info/wa_source", "the API will replace 'zapir' by API",
             "did you mean zapier?"),
        Case({"/extra_info/wa_source": "API"}, "/extra_info/wa_source", "the API will replace 'API' by API",
             "did you mean api?"),
        Case({"/extra_info/wa_source": ""}, "/extra_info/wa_source", "the API will replace '' by API",
             "write one of api, clevertap"),
    ],
    "language-code": [
        Case({"/messaging_object/template/language/code": code}, "/messaging_object/template/language/code",
             f"{code!r} is not a WhatsApp language that kshell knows", fix)
        for code, fix in (("en-US", "did you mean en_US?"), ("en_us", "did you mean en_US?"), ("klingon", "look the code up"))
    ],
    "approved": [
        Case({NAME: "auth"}, NAME, "'auth' is not among the account's approved templates", "did you mean auth1?"),
        Case({NAME: "x"}, NAME, "'x' is not among the account's approved templates", "approved: auth1, login; or add it"),
        Case({LANGUAGE: "en"}, LANGUAGE, "auth1 is not approved in 'en'", "did you mean en_US?"),
        Case({LANGUAGE: "de"}, LANGUAGE, "auth1 is not approved in 'de'", "approved in: en_US, hi"),
        Case({NAME: "login"}, LANGUAGE, "login is not approved in 'en_US'", "did you mean en?"),
    ],
}  # fmt: skip

KEPT: dict[str, list[dict[str, Any]]] = {
    "field-missing": [{"/messaging_object/recipient_type": GONE}, {"/extra_info": GONE}, {"/extra_info": {}}],
    "field-type": [{f"{BUTTON}/index": 9}, {"/extra_info/ref": "5"}],
    "field-value": [{f"{BUTTON}/sub_type": sub_type} for sub_type in ("quick_reply", "url", "catalog")],
    "field-unknown": [{"/extra_info": {"ref2": "x"}}],
    "type-omitted": [{"/messaging_object/type": "template"}],
    "to-e164": [{TO: to} for to in (NUMBER, f"{NUMBER},+919812345679", "+12025550123", "+1234567", "+123456789012345")],
    "to-impossible": [
        {TO: to}
        for to in (NUMBER, f"{NUMBER},+12025550123", "+6591234567", "+491512345678", "+5215512345678", "+5491123456789")
    ],  # Mexico's and Argentina's as WhatsApp writes them
    "to-trunk": [{TO: to} for to in (NUMBER, "+390612345678", "+2250123456789", "+3780549886377", "+78123456789")],
    "to-repeated": [{TO: f"{NUMBER},+919812345679"}],
    "to-sender": [{TO: NUMBER}, {TO: SENDER[:-1]}, {TO: ""}],
    "components": [{COMPONENTS: [GOOD["messaging_object"]["template"]["components"][0], *map(button, range(10))]}],
    "otp-twice": [codes("J$FpnYnP"), {f"{COMPONENTS}/2": button(1)}],
    "otp-length": [codes("1"), codes("1" * 15), codes("é" * 15)],
    "otp-control": [codes("J$FpnYnP"), codes("12 34"), codes("'\"\\")],
    "otp-media": [codes("J$FpnYnP"), codes("a/b:c"), codes("wwwa.b"), codes("é"), codes("\u218b")],
    "index-range": [{f"{BUTTON}/index": index} for index in range(10)] + [{f"{COMPONENTS}/2": button(1)}],
    "ref-cut": [{"/extra_info/ref": "x" * 255}, {"/extra_info/ref1": "😀" * 255}, {"/extra_info/wa_source": "x" * 300}],
    "template-name": [{NAME: "auth1"}, {NAME: "login_code_2"}, {NAME: "a" * 512}, {NAME: ""}],
    "wa-source": [{"/extra_info/wa_source": source} for source in WA_SOURCES] + [{"/extra_info/wa_source": GONE}],
    "language-code": [{"/messaging_object/template/language/code": code} for code in ("en", "en_US", "hi", "zh_TW")],
    "approved": [{LANGUAGE: "hi"}, {NAME: "login", LANGUAGE: "en"}, {NAME: GONE}, {LANGUAGE: ""}],
}

BREAKING = [(code, case) for code, cases in BROKEN.items() for case in cases]
KEEPING = [(code, changes) for code, all_changes in KEPT.items() for changes in all_changes]


def findings(payload: dict[str, Any], code: str) -> list[Any]:
    """Return the findings of one rule."""
    return [finding for finding in check(payload) if finding.code == code]


@pytest.mark.parametrize("code", BROKEN)
def test_a_rule_finds_what_breaks_it(code):
    """A broken rule gives one finding with its severity, pointer, message and fix."""
    for case in BROKEN[code]:
        (finding,) = findings(changed(case.changes), code)
        assert finding.severity == RULES[code].severity
        assert (finding.pointer, finding.message) == (case.pointer, case.message)
        assert finding.fix.startswith(case.fix)


def test_a_pointer_leads_to_the_spot():
    """A finding's pointer is a JSON pointer to a field of the payload, or to the place of a missing one."""
    for code, case in BREAKING:
        payload = changed(case.changes)
        (finding,) = findings(payload, code)
        missing = " is missing" in case.message or " is left out" in case.message
        assert (at(payload, finding.pointer) is GONE) is missing, case


def test_a_rule_lets_pass_what_keeps_it():
    """A payload at the limit of a rule gives no finding of that rule."""
    assert [(code, changes) for code, changes in KEEPING if findings(changed(changes), code)] == []


ERRORS = {
    "field-missing", "field-type", "field-value", "to-e164", "components", "otp-twice", "otp-length", "otp-control",
    "index-range",
}  # fmt: skip


def test_what_the_api_would_refuse_is_an_error_and_the_rest_a_warning():
    """A rule that the API enforces is an error, and any other rule is a warning."""
    assert {code: RULES[code].severity for code in BROKEN} == {
        code: "error" if code in ERRORS else "warning" for code in BROKEN
    }
    assert set(RULES) > ERRORS


def test_a_rule_says_what_it_is_and_what_it_rests_on():
    """Each rule has a sentence and the source on the page."""
    for code, rule in RULES.items():
        assert rule.code == code
        assert re.fullmatch(r"[A-Za-z].*\.", rule.says), code
        assert rule.page, code


class Followed(Located):
    """A payload that notes which pointers are followed."""

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__(payload)
        self.followed: set[str] = set()

    def __getitem__(self, pointer: str) -> list[tuple[str, object]]:
        self.followed.add(pointer)
        return super().__getitem__(pointer)


@pytest.mark.parametrize("code", RULES)
def test_a_rule_reads_only_what_it_declares(code):
    """A rule reads no text and no number beside those that it declares and each type, so that a run need not ask it again."""
    texts = {field.pointer for field in FIELDS if field.pointer and field.kind in ("text", "integer")}
    for changes in [*(case.changes for _, case in BREAKING), *(changes for _, changes in KEEPING)]:
        payload = Followed(changed(changes))
        found(RULES[code], payload, ACCOUNT)
        undeclared = texts & payload.followed - {*RULES[code].reads}
        assert [pointer for pointer in undeclared if not pointer.endswith("/type")] == []


@pytest.mark.parametrize(
    ("code", "limit"), [("otp-length", OTP_LIMIT), ("ref-cut", REF_LIMIT), ("template-name", NAME_LIMIT)]
)
def test_a_rule_states_the_limit_that_it_checks(code, limit):
    """The sentence of a rule has the limit of the table of fields."""
    assert re.findall(r"\d+", RULES[code].says) == [str(limit)]


def test_an_account_that_lists_no_templates_gets_no_finding_about_them():
    """Without a list of approved templates, any name and language pass the rule ``approved``."""
    assert check_by(SEND_AUTHENTICATION, changed({NAME: "x"})) == ()


def test_a_finding_names_the_error_of_meta_s_that_it_prevents():
    """A finding has the code of its rule's Meta error, which its line ends with; every such code is explained."""
    (finding,) = findings(changed({NAME: "auth"}), "approved")
    assert finding.prevents == RULES["approved"].prevents == "132001"
    assert finding_line(finding).endswith("did you mean auth1? (Meta's 132001)")
    assert all(find_outcome(rule.prevents) for rule in RULES.values() if rule.prevents)


def test_a_good_payload_has_no_finding():
    """A correct payload gives no finding."""
    assert check(GOOD) == ()


def test_findings_are_errors_first():
    """Findings are sorted with errors first."""
    found = check(
        changed({TO: f"x,{NUMBER},{NUMBER}", "/extra_info/wa_source": "x", f"{BUTTON}/index": 11, "/extra": 1})
    )
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities)
    assert set(severities) == {"error", "warning"}


def test_an_empty_payload_lacks_the_message():
    """An empty payload gives one finding, for the missing message."""
    assert [finding.pointer for finding in check({})] == ["/messaging_object"]


# ---- recipients


@pytest.mark.parametrize("length", [7, 8, 14, 15])
def test_a_number_has_seven_to_fifteen_digits(length):
    """A number has 7 to 15 digits."""
    assert findings(changed({TO: "+" + "1" * length}), "to-e164") == []
    assert findings(changed({TO: "+" + "1" * (6 if length < 10 else 16)}), "to-e164")


def test_every_faulty_recipient_is_found():
    """Each faulty number among several recipients gives a finding."""
    found = findings(changed({TO: f"abc,{NUMBER},00919812345678,+1"}), "to-e164")
    assert [finding.message.split()[0] for finding in found] == ["'abc'", "'00919812345678'", "'+1'"]


@pytest.mark.parametrize(
    ("to", "recipients"),
    [(NUMBER, [NUMBER]), ("+1,+2", ["+1", "+2"]), ("+1,", ["+1", ""]), ("", [""]), (5, []), (None, []), ([NUMBER], [])],
)
def test_recipients_are_what_commas_separate(to, recipients):
    """Recipients are the parts of a text between commas; any other value has no recipients."""
    assert recipients_of(SEND_AUTHENTICATION, changed({TO: to})) == recipients


def test_a_payload_without_a_message_names_nobody():
    """A payload without ``to`` has no recipients."""
    assert recipients_of(SEND_AUTHENTICATION, {}) == []


@given(digits=st.text("0123456789", min_size=1, max_size=18), before=st.sampled_from(["", "00", "+", " ", "("]))
def test_a_fix_of_a_number_is_a_number(digits, before):
    """The number that a fix offers is in E.164 form."""
    for finding in findings(changed({TO: before + digits}), "to-e164"):
        offered = finding.fix.removeprefix("write ")
        assert re.fullmatch(E164, offered) or offered.startswith("+ and 7 to 15 digits")


def test_of_several_parameters_none_is_compared_with_a_code():
    """A body with three parameters gives one finding: it is another kind of message, and says nothing of differing codes."""
    texts = [{"type": "text", "text": text} for text in ("Asha", "42", "tomorrow")]
    assert [finding.pointer for finding in check(changed({f"{BODY}/parameters": texts}))] == [f"{BODY}/parameters"]


COUNTRIES = [
    "GB", "IN", "US", "DE", "FR", "IT", "ES", "BR", "MX", "AR", "AU", "JP", "CN", "ID", "NG", "ZA",
    "TR", "RU", "HU", "LT", "EG", "CI", "SM", "KE",
]  # fmt: skip


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_number_in_its_country_s_habit_is_corrected(country):
    """Each usual spelling of a number of a country is corrected to the number in E.164 form, which has no finding."""
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    styles = phonenumbers.PhoneNumberFormat
    e164 = phonenumbers.format_number(example, styles.E164)
    national = phonenumbers.national_significant_number(example)
    trunk = phonenumbers.ndd_prefix_for_region(country, True)  # noqa: FBT003 - its name is strip_non_digits
    spellings = {
        phonenumbers.format_number(example, styles.INTERNATIONAL),
        phonenumbers.format_number(example, styles.RFC3966),
        f"00{example.country_code} {national}",
        f"{example.country_code}-{national}",
        f"+{example.country_code} {f'({trunk})' if trunk else ''}{national}",
        f"(+{example.country_code}) {national}",
        f"+00{example.country_code}{national}",
    }
    fixes = {text: finding.fix for text in spellings for finding in findings(changed({TO: text}), "to-e164")}
    assert fixes == dict.fromkeys(spellings - {e164}, f"write {e164}")
    assert check(changed({TO: e164})) == ()


# ---- codes

ONE_PLACE = {
    "no body": {BODY: GONE},
    "no button": {BUTTON: GONE},
    "no parameters in the body": {f"{BODY}/parameters": GONE},
    "no parameters in the button": {f"{BUTTON}/parameters": GONE},
    "an empty list in the body": {f"{BODY}/parameters": []},
    "an empty list in the button": {f"{BUTTON}/parameters": []},
    "no text in the body": {BODY_CODE: GONE},
    "no text in the button": {BUTTON_CODE: GONE},
    "an empty text in the body": {BODY_CODE: ""},
    "an empty text in the button": {BUTTON_CODE: ""},
    "a number in the body": {BODY_CODE: 123456},
    "null in the button": {BUTTON_CODE: None},
    "a list in the body": {BODY_CODE: ["123456"]},
    "a parameter that is text": {f"{BODY}/parameters": ["123456"]},
    "a list that is text": {f"{BUTTON}/parameters": "123456"},
    "a list that is an object": {f"{BUTTON}/parameters": {"type": "text", "text": "123456"}},
    "another code in the button": {BUTTON_CODE: "123457"},
    "the same code in other letters": {**codes("abc"), BUTTON_CODE: "ABC"},
    "the same code with a space": {BUTTON_CODE: "123456 "},
    "the code in the parameter's type": {f"{BODY}/parameters": [{"type": "123456"}]},
    "the code under another name": {f"{BODY}/parameters": [{"type": "text", "txt": "123456"}]},
    "a component of another type": {f"{BODY}/type": "header"},
    "a component in capitals": {f"{BUTTON}/type": "BUTTON"},
    "components as an object": {COMPONENTS: {"body": {}, "button": {}}},
    "no components": {COMPONENTS: []},
    "components gone": {COMPONENTS: GONE},
}


def test_a_code_that_is_not_in_both_places_is_an_error():
    """A payload without the same code in both places gives an error in its components."""
    for case, changes in ONE_PLACE.items():
        errors = [finding for finding in check(changed(changes)) if finding.severity == "error"]
        assert errors, case
        assert all(finding.pointer.startswith(COMPONENTS) for finding in errors), case


@pytest.mark.parametrize(
    ("body", "button_code", "codes_found"),
    [
        ('{"type": "text", "text": "{{ otp }}"}', '"{{ otp }}"', []),
        ('{"type": "text", "text": {{ otp }}}', "{{ otp | tojson }}", []),
        ('{% for i in range(1) %}{"type": "text", "text": "{{ otp }}"}{% endfor %}', '"{{ otp ~ "" }}"', []),
        ('{% if otp == "x" %}{"type": "text", "text": "{{ otp }}"}{% endif %}', '"{{ otp }}"', ["otp-twice"]),
        ('{"type": "text", "text": "{{ otp }}"}', '"{{ unset }}"', ["field-missing"]),
        ('{"type": "text", "text": "{{ otp }}"}', '"{{ otp | upper }}"', ["otp-twice"]),
        ('{"type": "text", "text": "{{ otp }}"}', '"{{ otp[:3] }}"', ["otp-twice"]),
        ('{"type": "text", "text": "Your code is {{ otp }}"}', '"{{ otp }}"', ["otp-length", "otp-twice"]),
        ('{"type": "text", "text": "{{ otp }}"}', "123456", ["field-type"]),
    ],
)
def test_a_template_of_one_s_own_is_checked_by_what_it_renders(cli, write, body, button_code, codes_found):
    """A user's template is checked by the payload that it renders."""
    write(
        "templates/mine.json.j2",
        '{# variables: {otp: , unset: {required: false}} #}\n{"messaging_object": {"messaging_product": "whatsapp", "to": '
        '"+919812345678", "type": "template", "template": {"name": "a", "language": {"code": "en"}, "components": [\n'
        f'{{"type": "body", "parameters": [{body}]}},\n{{"type": "button", "sub_type": "url", "index": 0, "parameters": '
        f'[{{"type": "text", "text": {button_code}}}]}}]}}}}}}',
    )
    ran = cli("check", "-t", "mine", "otp=abcdef", "--json")
    assert sorted({finding["code"] for finding in ran.json}) == codes_found
    assert ran.code == (1 if codes_found else 0)


def test_two_buttons_are_checked_each():
    """Each of several buttons must have the code and its own index."""
    two = {f"{COMPONENTS}/2": button(1)}
    assert check(changed(two)) == ()
    assert texts_at(changed(two), SEND_AUTHENTICATION.pointers("code")) == [
        (BODY_CODE, "123456"), (BUTTON_CODE, "123456"), (f"{COMPONENTS}/2/parameters/0/text", "123456"),
    ]  # fmt: skip
    assert [(hit.code, hit.pointer) for hit in check(changed({f"{COMPONENTS}/2": button("1", "0")}))] == [
        ("field-type", f"{COMPONENTS}/2/index"), ("otp-twice", f"{COMPONENTS}/2/parameters/0/text"),
    ]  # fmt: skip


# ---- refs


@pytest.mark.parametrize("character", ["x", "😀", "é", "e\u0301", "\ud800"])
@pytest.mark.parametrize("length", [0, 1, 254, 255, 256, 300])
def test_a_ref_is_cut_at_255_characters(character, length):
    """A ref is cut to 255 characters, without a change to the original payload."""
    text = (character * length)[:length]
    payload = changed({f"/extra_info/{name}": text for name in ("ref", "ref1", "ref2", "wa_source")})
    before = copy.deepcopy(payload)
    cut = cut_refs(payload)
    assert cut["extra_info"] == {**dict.fromkeys(("ref", "ref1", "ref2"), text[:255]), "wa_source": text}
    assert cut["messaging_object"] == payload["messaging_object"]
    assert payload == before
    assert len(findings(payload, "ref-cut")) == (3 if length > 255 else 0)
    assert findings(cut, "ref-cut") == []


@pytest.mark.parametrize("extra", [GONE, None, [], "x", {"ref": None, "ref1": 5, "ref2": ["x" * 300]}])
def test_what_is_no_text_is_not_cut(extra):
    """A ref that is not a text is not cut."""
    payload = changed({"/extra_info": extra})
    assert cut_refs(payload) == payload


@pytest.mark.parametrize("length", [255, 256, 300])
def test_a_long_ref_is_cut_where_check_says(cli, length):
    """``render`` cuts a long ref, and its warning names the length and the last characters kept."""
    text = "".join(chr(0x4E00 + place) for place in range(length))
    ran = cli("render", "to=+919812345678", "otp=1", f"ref={text}")
    assert ran.code == 0
    assert ran.json["extra_info"]["ref"] == text[:255]
    warning = f"warning ref-cut /extra_info/ref ref has {length} characters and is cut after the 255th, after '{text[243:255]}'"
    assert (warning in ran.err) is (length > 255)


# ---- tables


def test_the_limits_are_the_page_s():
    """The limits are 15 characters of code, 255 of ref, 13 sources, and at least 71 languages."""
    assert (OTP_LIMIT, REF_LIMIT, len(WA_SOURCES), len(set(WA_SOURCES))) == (15, 255, 13, 13)
    assert len(set(LANGUAGES)) == len(LANGUAGES) >= 71


def test_each_of_the_thirteen_sources_is_known():
    """Each of the thirteen sources is accepted in lower case only."""
    for source in WA_SOURCES:
        assert check(changed({"/extra_info/wa_source": source})) == ()
        (finding,) = check(changed({"/extra_info/wa_source": source.upper()}))
        assert finding.fix == f"did you mean {source}?"


def test_each_language_is_known():
    """Each known language code gives no finding."""
    payloads = (changed({"/messaging_object/template/language/code": code}) for code in LANGUAGES)
    assert [payload for payload in payloads if check_by(SEND_AUTHENTICATION, payload)] == []


# ---- any JSON

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SPOTS = [
    "/messaging_object", "/messaging_object/template", COMPONENTS, BODY, BUTTON, f"{BODY}/parameters", f"{BUTTON}/parameters",
    f"{BODY}/parameters/0", f"{BUTTON}/parameters/0", f"{BODY}/type", f"{BUTTON}/type", "/messaging_object/template/language",
    TO, BODY_CODE, BUTTON_CODE, f"{BUTTON}/index", f"{BUTTON}/sub_type", "/extra_info", "/extra_info/ref",
    "/extra_info/wa_source", "/messaging_object/template/language/code", "/messaging_object/type",
]  # fmt: skip
WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    float("nan"),
    "",
    "x",
    [],
    [None],
    [[]],
    {},
    {"type": "body"},
    {"": {"a/b~": 0}},
]


def judged(payload: dict[str, Any]) -> None:
    """Check a payload, and assert that every finding is printable and has a valid pointer."""
    for finding in check(payload):
        assert not {"Cc", "Cs"} & {category(character) for character in finding_line(finding).replace("\t", "")}
        at(payload, finding.pointer)
    cut_refs(payload)


def test_any_shape_at_any_spot_is_judged():
    """Any value in any place gives valid findings, without an exception."""
    for spot, value in product(SPOTS, WRONG):
        judged(changed({spot: value}))


def test_every_field_of_the_table_is_a_spot_that_was_tried():
    """A null at each field of the table gives a finding of the wrong type there."""
    for field in FIELDS:
        pointer = place_in_good(field.pointer)
        if pointer:
            judged(changed({pointer: None}))
            where = [finding.pointer for finding in check(changed({pointer: None})) if finding.code == "field-type"]
            # a component without its type is no longer a body or a button
            assert where == ([pointer] if pointer not in (f"{BODY}/type", f"{BUTTON}/type") else [])


@given(
    payload=st.dictionaries(st.text(max_size=5), ANYTHING, max_size=4)
    | st.builds(lambda spot, value: changed({spot: value}), st.sampled_from(SPOTS), ANYTHING)
)
def test_any_json_is_judged(payload):
    """Any JSON object gives valid findings, without an exception."""
    judged(payload)
