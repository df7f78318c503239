"""kshell as a library: ``kshell.message``, and the page that documents it."""

from __future__ import annotations

import doctest
import json
import re
import socket
import subprocess
import sys
from typing import Any

import pytest
from conftest import PROJECT
from support.servers import local_pod

import kshell

PAGE = PROJECT / "docs" / "python.md"


def test_the_examples_of_the_page_are_true() -> None:
    """Every example of docs/python.md gives the output below it."""
    examples = "\n".join(
        re.findall(r"^```pycon\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    )
    test = doctest.DocTestParser().get_doctest(examples, {}, "python.md", str(PAGE), 0)
    output: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=output.append)
    assert results.attempted > 10
    assert results.failed == 0, "".join(output)


def test_every_public_name_is_there() -> None:
    """Every name in ``kshell.__all__`` can be imported."""
    assert [name for name in kshell.__all__ if getattr(kshell, name, None) is None] == []


def test_importing_kshell_imports_nothing_else() -> None:
    """``import kshell`` imports no other module of the package and no library."""
    program = "import sys, kshell; print([name for name in sys.modules if name.split('.')[0] in ('kshell', 'httpx', 'click')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "['kshell']\n"


def test_the_curl_command_is_the_one_of_the_command_line(cli) -> None:
    """``message.curl()`` returns what ``kshell curl`` prints."""
    printed = cli("curl", "-a", "docs", "to=+919812345678", "otp=482913").out
    message = kshell.message("docs", to="+919812345678", otp="482913")
    assert f"{message.curl()}\n" == printed


def test_the_payload_is_the_one_of_the_command_line(cli) -> None:
    """``message.payload`` is what ``kshell render`` prints."""
    printed = cli("render", "to=+919812345678", "otp=482913").out
    assert kshell.message(to="+919812345678", otp="482913").payload == json.loads(printed)


def test_a_generated_code_can_be_asked_for() -> None:
    """Without an ``otp`` a code of six digits is generated and put in both places of the payload."""
    message = kshell.message(to="+919812345678")
    code = message.variables["otp"]
    assert len(code) == 6
    assert json.dumps(message.payload).count(f'"{code}"') == 2


def test_an_integer_is_taken_for_its_digits() -> None:
    """A variable may be given as an integer."""
    message = kshell.message(to="+919812345678", otp="1", index=3)
    assert message.variables["index"] == "3"


@pytest.mark.parametrize("value", [None, True, ["+919812345678"], 1.5], ids=repr)
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    """A variable that is neither text nor an integer raises ``UsageError``: ``None`` is not sent as the word None."""
    with pytest.raises(kshell.UsageError, match="which is no text"):
        kshell.message(to="+919812345678", otp=value)


@pytest.mark.parametrize("name", ["account", "pod", "template", "home"])
@pytest.mark.parametrize("given", [5, b"demo", ["demo"]], ids=repr)
def test_a_name_is_text(name: str, given: Any) -> None:
    """An account, a pod, a template or a home that is no text raises ``UsageError``."""
    with pytest.raises(kshell.UsageError):
        kshell.message(to="+919812345678", **{name: given})


def test_none_names_no_account() -> None:
    """``account=None``, such as a setting that is missing, raises ``UsageError``: it does not mean the account demo."""
    with pytest.raises(kshell.UsageError, match="account is None, which is no text"):
        kshell.message(None, to="+919812345678")  # type: ignore[arg-type]


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), None, "5", True])
def test_a_timeout_is_above_zero(timeout: Any) -> None:
    """A timeout that is no number above 0, or is over an hour, raises ``UsageError``, and nothing is sent."""
    with pytest.raises(kshell.UsageError, match="timeout is"):
        kshell.message(to="+919812345678").send(timeout=timeout)


def test_force_sends_what_has_errors() -> None:
    """``send(force=True)`` sends a payload with errors and returns the API's refusal."""
    answer = kshell.message(to="9812345678", otp="482913").send(force=True)
    assert (answer.delivery.value, answer.status) == ("refused", 400)


def test_one_rule_is_passed_over_by_its_name() -> None:
    """``send(allow=[RULE])`` passes over that rule alone, and raises ``UsageError`` for an unknown one."""
    message = kshell.message(to="9812345678", otp="1234567890123456")
    with pytest.raises(kshell.PayloadError) as caught:
        message.send(allow=["to-e164"])
    assert {finding.code for finding in caught.value.findings} == {"otp-length"}
    assert message.send(allow=["to-e164", "otp-length"]).status == 400
    with pytest.raises(kshell.UsageError, match="no rule 'otp'"):
        message.send(allow=["otp"])


def test_the_error_of_a_payload_holds_its_findings() -> None:
    """``PayloadError.findings`` has the findings that are errors."""
    message = kshell.message(to="9812345678", otp="1234567890123456")
    with pytest.raises(kshell.PayloadError) as caught:
        message.send()
    assert {finding.code for finding in caught.value.findings} == {"to-e164", "otp-length"}


@pytest.mark.parametrize("allow", [None, "to-e164", 5, [5], [[]]], ids=repr)
def test_allow_is_a_list_of_rules(allow: Any) -> None:
    """``allow`` with anything but names of rules raises ``UsageError``, and nothing is sent."""
    with pytest.raises(kshell.UsageError, match=r"^allow is|there is no rule"):
        kshell.message(to="+919812345678").send(allow=allow)


@pytest.mark.parametrize("given", [None, 5, []], ids=repr)
def test_a_target_is_text(given: Any) -> None:
    """A shell or a target that is no text raises ``UsageError``."""
    message = kshell.message(to="+919812345678")
    for call in (lambda: message.curl(shell=given), lambda: message.snippet(given)):
        with pytest.raises(kshell.UsageError, match="which is no text"):
            call()


@pytest.mark.parametrize(("call", "hint"), [("snippet", "did you mean python?"), ("curl", "did you mean bash?")])
def test_an_unknown_target_names_the_nearest(call: str, hint: str) -> None:
    """A misspelt target or shell is a UsageError with a did-you-mean."""
    message = kshell.message("docs", to="+919812345678", otp="1")
    with pytest.raises(kshell.UsageError) as caught:
        message.snippet("pyhton") if call == "snippet" else message.curl(shell="bsh")  # noqa: S604
    assert caught.value.hint == hint


def test_a_home_holds_the_profiles(tmp_path, write) -> None:
    """``home`` names the folder in which profiles are searched first."""
    home = tmp_path / "home"
    account = home / "profiles" / "accounts" / "mine.yaml"
    account.parent.mkdir(parents=True)
    account.write_text(
        'pod: sandbox\nsid: HX1IN\napi_key: env:NOBODY\nphone_number: "+15005550000"\n'
        "variables: {template_name: mine, language: en}\n"
    )
    message = kshell.message("mine", home=home, to="+919812345678", otp="1")
    assert message.payload["messaging_object"]["template"]["name"] == "mine"


def test_nothing_is_sent_where_nobody_listens() -> None:
    """A closed port gives the delivery ``not-sent``, an error, and status 0."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        pod = local_pod(f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = kshell.message(pod=pod, to="+919812345678", otp="1").send()
    assert (answer.delivery.value, answer.status, answer.json) == ("not-sent", 0, None)
    assert answer.error is not None
