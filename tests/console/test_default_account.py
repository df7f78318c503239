"""The default account: ``demo``, what ``KSHELL_ACCOUNT`` names, and for the shell what the preferences name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kshell
from kshell.profiles.files import Places
from kshell.profiles.preferences import Preferences
from kshell.session.session import Overrides, Session
from kshell.shell import loop

ACCOUNT = """
pod: sandbox
sid: HX1IN
api_key: env:NO
phone_number: "+15005550001"
variables: {template_name: t1, language: en}
"""


@pytest.fixture
def own(write, monkeypatch):
    """Write the account ``mine``, which KSHELL_ACCOUNT names."""
    write("profiles/accounts/mine.yaml", ACCOUNT)
    monkeypatch.setenv("KSHELL_ACCOUNT", "mine")


@pytest.mark.usefixtures("own")
def test_the_variable_holds_on_the_command_line_and_in_scripts(cli, write):
    """A command and a script use the account that KSHELL_ACCOUNT names, unless the line names another."""
    write("s.kshell", "set to=+919812345678 otp=1\nrender\n")
    for words in (("render", "to=+919812345678", "otp=1"), ("run", "s.kshell")):
        assert json.loads(cli(*words).out)["messaging_object"]["template"]["name"] == "t1"
    named = cli("render", "-a", "demo", "to=+919812345678", "otp=1")
    assert named.json["messaging_object"]["template"]["name"] == "auth1"


@pytest.mark.usefixtures("own")
def test_the_variable_holds_in_python():
    """``kshell.message`` uses the account that KSHELL_ACCOUNT names."""
    assert kshell.message(to="+919812345678", otp="1").payload["messaging_object"]["template"]["name"] == "t1"


@pytest.mark.usefixtures("own")
def test_a_recording_names_the_account(typed_script):
    """A recording names its account where KSHELL_ACCOUNT is set: the script does not depend on that."""
    assert typed_script("set ref=a").startswith("use account mine\n")
    assert typed_script("use account demo").startswith("use account mine\nuse account demo\n")


@pytest.fixture
def typed_script():
    """Return a function that records a line and returns the script."""
    from kshell.console.dispatch import perform_line
    from kshell.shell.running import Shell

    def recorded(line: str) -> str:
        shell = Shell(Session(Places.standard()))
        for typed in ("record r.kshell", line, "record stop"):
            assert perform_line(typed, shell).exit_code == 0
        text = Path("r.kshell").read_text()
        Path("r.kshell").unlink()
        return text

    return recorded


def test_an_account_that_is_not_there_is_said_with_what_names_it(cli, monkeypatch):
    """The error of a missing default account says that KSHELL_ACCOUNT names it; an empty variable names nothing."""
    monkeypatch.setenv("KSHELL_ACCOUNT", "dmo")
    ran = cli("render", "to=+919812345678")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: there is no account 'dmo', which KSHELL_ACCOUNT names\nhint: did you mean demo?")
    monkeypatch.setenv("KSHELL_ACCOUNT", "")
    assert cli("render", "to=+919812345678").code == 0


@pytest.mark.parametrize(
    ("chosen", "variable", "preferred", "begins"),
    [
        (Overrides("docs", "sandbox"), "demo", "low-balance", ("docs", "sandbox", "")),
        (Overrides(), "docs", "low-balance", ("docs", "", "KSHELL_ACCOUNT")),
        (Overrides(), "", "low-balance", ("low-balance", "", "preferences.yaml")),
        (Overrides(pod="in"), "", "low-balance", ("low-balance", "in", "preferences.yaml")),
        (Overrides(), "", "", ("demo", "", "")),
    ],
)
def test_the_shell_begins_with_the_nearest_choice(monkeypatch, chosen, variable, preferred, begins):
    """Options come before KSHELL_ACCOUNT, which comes before the preferences, which come before ``demo``."""
    monkeypatch.setenv("KSHELL_ACCOUNT", variable)
    monkeypatch.setattr(loop, "load_preferences", lambda _: Preferences(account=preferred))
    monkeypatch.setattr(loop.Loop, "run", lambda _: 0)
    session = Session(Places.standard())
    loop.run(session, chosen)
    assert (session.account, session.pod, session.account_source) == begins


@pytest.mark.parametrize("words", [("-a", "docs", "curl"), ("-p", "in", "send", "to=+919812345678")])
def test_the_shell_s_options_do_not_stand_before_a_command(cli, words):
    """``kshell -a NAME COMMAND`` is an error with the right order, because the command would not use the account."""
    ran = cli(*words)
    assert ran.code == 2
    assert f"hint: kshell {words[2]} {words[0]} {words[1]}\n" in ran.err


@pytest.mark.parametrize(
    ("variable", "preferences", "row"),
    [
        ("docs", "", "ok     every command uses the account docs by default, as KSHELL_ACCOUNT says\n"),
        (
            "dosc",
            "",
            "wrong  there is no account 'dosc', which KSHELL_ACCOUNT names\n       mend: unset KSHELL_ACCOUNT\n",
        ),
        ("", "account: docs\n", "ok     the shell uses the account docs by default, as "),
        ("", "account: dosc\n", "wrong  there is no account 'dosc', which "),
    ],
)
def test_doctor_says_where_the_default_comes_from(cli, write, monkeypatch, variable, preferences, row):
    """``doctor`` names the default account with the setting that chose it, and finds one that there is not."""
    monkeypatch.setenv("KSHELL_ACCOUNT", variable)
    if preferences:
        write(str(Places.standard().user / "preferences.yaml"), preferences)
    assert row in cli("doctor").out
