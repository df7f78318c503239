"""The main job on the command line: from a few values to an accepted message."""

from __future__ import annotations

import pytest

PAGE_SAMPLE = {  # except for the button's code, which the page masks as J$FXXXXp
    "messaging_object": {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+91XXXXXXXXX",
        "type": "template",
        "template": {
            "name": "auth1",
            "language": {"code": "en_US"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "J$FpXXXX"}]},
                {
                    "type": "button",
                    "sub_type": "url",
                    "index": 0,
                    "parameters": [{"type": "text", "text": "J$FpXXXX"}],
                },
            ],
        },
    },
    "extra_info": {"ref": "customer1", "ref1": "marketing", "ref2": "dictionary", "wa_source": "api"},
}


def test_a_message_is_accepted_in_an_empty_directory(program):
    """``kshell send`` to one recipient in an empty directory exits with 0 and the code WA202."""
    ran = program("send", "to=+919812345678")
    assert ran.code == 0
    assert ran.json["code"] == "WA202"
    assert "202 Accepted · WA202 Request Accepted · A" in ran.err


@pytest.mark.usefixtures("clone")
def test_the_first_command_in_a_clone_warns_of_nothing(program):
    """The first send in a clone writes two lines on stderr: the generated code and the answer."""
    ran = program("send", "to=+919812345678")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.err.splitlines()] == ["otp", "202"]


def test_docs_renders_the_page_s_sample(cli):
    """The account docs renders the page's sample payload, with the same code in both places."""
    assert cli("render", "-a", "docs").json == PAGE_SAMPLE


def test_docs_curl_has_the_page_s_url_method_and_headers(cli):
    """``curl -a docs`` has the method, URL and headers of the page's sample; a variable stands in the key's place."""
    out = cli("curl", "-a", "docs").out
    assert out.startswith(
        "curl -X POST 'https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages' \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -H "api-key: $KALEYRA_API_KEY" \\\n'
        "  --data-raw '{\n"
    )


FAILURES = {
    "incorrect-key": (401, "RBC001"),
    "unknown-number": (401, "WA401"),
    "incorrect-payload": (400, "WA400"),
    "server-error": (500, "WA500"),
    "low-balance": (400, "E110"),
    "account-type": (401, "WA-401"),
    "number-version": (401, "WA-401"),
}


@pytest.mark.parametrize("account", FAILURES)
def test_each_documented_failure_has_an_account(cli, account):
    """Each documented failure has a shipped account that gets its status, code and explanation, and exit code 1."""
    ran = cli("send", "-a", account, "to=+919812345678", "--json")
    status, code = FAILURES[account]
    assert ran.code == 1
    assert (ran.json["response"]["status"], ran.json["response"]["body"]["code"]) == (status, code)
    assert ran.json["delivery"] == "refused"
    assert ran.json["explanation"]["code"] == code


def test_the_two_wa_401_are_told_apart(cli):
    """The two failures with the code WA-401, account type and number version, have different explanations."""
    titles = [
        cli("send", "-a", account, "to=+919812345678", "--json").json["explanation"]["title"]
        for account in ("account-type", "number-version")
    ]
    assert "API is not available" in titles[0]
    assert "another version" in titles[1]


def test_an_otp_that_is_not_set_is_generated_and_said(cli):
    """If otp is not set, a code of 6 digits is generated, shown on stderr and put in both places of the payload."""
    ran = cli("render", "to=+919812345678")
    body, button = (part["parameters"][0]["text"] for part in ran.json["messaging_object"]["template"]["components"])
    assert body == button
    assert len(body) == 6
    assert body.isdigit()
    assert f"otp {body} generated" in ran.err


def test_every_missing_variable_is_named_at_once(cli, write):
    """One error names every required variable that is not set, and the hint says what to add."""
    write(
        "profiles/accounts/bare.yaml",
        "pod: sandbox\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\n",
    )
    ran = cli("render", "-a", "bare")
    assert ran.code == 2
    assert "not set: to, template_name, language" in ran.err
    assert "add to=… template_name=… language=…" in ran.err


def test_a_variable_the_template_does_not_have_is_refused(cli):
    """A misspelt variable is an error with a did-you-mean and exit code 2."""
    ran = cli("render", "to=+919812345678", "wa_sorce=api")
    assert ran.code == 2
    assert "did you mean wa_source?" in ran.err


@pytest.mark.parametrize("otp", ["012345", "J$FpnYnP", "a'b\"c\\d", "123456789012345"])
def test_a_code_of_any_characters_is_in_both_places(cli, otp):
    """A code of at most 15 characters is in both places of the payload as typed, and ``check`` finds nothing."""
    ran = cli("render", "to=+919812345678", f"otp={otp}")
    codes = [part["parameters"][0]["text"] for part in ran.json["messaging_object"]["template"]["components"]]
    assert codes == [otp, otp]
    assert cli("check", "to=+919812345678", f"otp={otp}").code == 0


@pytest.mark.parametrize(("otp", "rule"), [("1234567890123456", "otp-length"), ("12\n34", "otp-control")])
def test_a_code_that_cannot_be_delivered_is_an_error(cli, otp, rule):
    """A code of 16 characters or with a line break is refused by ``send`` unless ``--force`` is given."""
    found = cli("check", "to=+919812345678", f"otp={otp}", "--json")
    assert found.code == 1
    assert [finding["code"] for finding in found.json] == [rule, rule]
    refused = cli("send", "to=+919812345678", f"otp={otp}")
    assert refused.code == 1
    assert refused.out == ""
    assert "--force" in refused.err
    assert "WA400" in cli("send", "to=+919812345678", "otp=1234567890123456", "--force").err


def test_one_rule_can_be_passed_over(cli):
    """``--allow RULE`` sends a payload with errors of that rule alone; another rule's error still refuses, and is named."""
    refused = cli("send", "to=9198", "otp=1234567890123456", "--allow", "otp-length")
    assert refused.code == 1
    assert "error: not sent: the payload has errors, by the rule to-e164\n" in refused.err
    assert "add --allow to-e164 (--force: all rules)" in refused.err
    assert "WA400" in cli("send", "to=9198", "otp=1234567890123456", "--allow", "otp-length", "--allow=to-e164").err


def test_a_rule_that_there_is_not_cannot_be_passed_over(cli):
    """``--allow`` with an unknown rule is a wrong usage with a did-you-mean, and nothing is sent."""
    ran = cli("send", "to=+919812345678", "--allow", "otptwice")
    assert (ran.code, ran.err) == (2, "error: there is no rule 'otptwice'\nhint: did you mean otp-twice?\n")


def test_a_refused_message_of_another_kind_is_told_what_the_page_is_for(cli, write):
    """The refusal of a user's own template says which messages the API's page covers."""
    write(
        "templates/text.json.j2", '{"messaging_object": {"to": "{{ to }}", "type": "text", "text": {"body": "hello"}}}'
    )
    err = cli("send", "-t", "text", "to=+919812345678").err
    assert "  the API's page is for no other kind of message: Send Authentication Template Messages\n" in err
    assert "no other kind" not in cli("send", "to=9198").err


def test_several_recipients_are_one_request(cli):
    """Recipients separated by commas are sent in one request and get one answer."""
    ran = cli("send", "to=+919812345678,+919812345679", "--json")
    assert ran.code == 0
    assert ran.json["request"]["body"]["messaging_object"]["to"] == "+919812345678,+919812345679"


@pytest.mark.parametrize("words", [("render",), ("curl",), ("check", "--json"), ("send", "--json")])
def test_stdout_holds_nothing_but_what_was_asked_for(cli, words):
    """Notes, warnings and findings go to stderr; stdout has only the payload, the snippet or the document."""
    ran = cli(*words, "to=+919812345678", "wa_source=unheard-of")
    assert ran.out.startswith(("{\n", "[\n", "curl -X POST"))
    if words[0] != "check":
        assert "warning wa-source" in ran.err
