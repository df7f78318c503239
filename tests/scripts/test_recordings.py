"""Recordings and updates: typed lines become a script that does the same, and ``--update`` adapts a script to answers."""

from __future__ import annotations

import stat
from itertools import count
from pathlib import Path

import pytest
from conftest import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from support.servers import Server, answer, local_pod, read

from kshell.console.dispatch import perform, perform_line
from kshell.core.errors import Note
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.running import Shell
from kshell.syntax.lines import quote

TO, CODE = "+919812345678", "482913"
KEY = "Bsecond0000000000000000000000key"


@pytest.fixture
def codes(monkeypatch):
    """Make generated codes a sequence of numbers; return a function that restarts the sequence."""
    numbers = count(100001)
    for module in ("kshell.profiles.code_policy", "kshell.commands.session"):
        monkeypatch.setattr(f"{module}.generate", lambda _: str(next(numbers)))

    def begin(first: int = 100001) -> None:
        nonlocal numbers
        numbers = count(first)

    return begin


@pytest.fixture
def shell(codes):
    """Return a function that types lines into a shell and returns the shell: ``shell("set a=b", …)``."""

    def typed(*lines: str, shell: Shell | None = None) -> Shell:
        shell = shell or Shell(Session(Places.standard()))
        for line in lines:
            perform_line(line, shell)
        return shell

    return typed


def state(session: Session) -> tuple[object, ...]:
    """Return the session's account, pod, template, own variables and sent requests; ids and a run's values are left out."""
    own = {name: setting.text for name, setting in session.settings.items() if setting.source not in ("var", "row")}
    own.pop("id", None)  # the simulator's ids differ from run to run
    requests = [(sent.exchange.request.url, sent.exchange.request.body) for sent in session.sent]
    return session.account, session.pod, session.template, own, requests


def recorded(name: str = "r.kshell") -> str:
    """Return the text of a recording."""
    return Path(name).read_text()


def replay(shell, recording, record: str = "") -> Session:
    """Run a recording with the values it needs, in a new session that may record too; return that session."""
    session = Session(Places.standard())
    for text, name in recording.references.names.items():
        if f"--var {name}=" in recording.command("FILE"):
            session.set(name, text, source="var")
    lines = [f"record {record}"] if record else []
    return shell(*lines, f"source {recording.file}", shell=Shell(session)).session


def test_what_is_typed_becomes_a_script(shell):
    """A recording leaves out lines that failed, has references for secrets, and begins with the command that runs it."""
    shell("record r.kshell", f"set to={TO} ref='a b'", "snd", f"otp {CODE}", "send", "record stop", "set ref=late")
    assert recorded() == (
        "# kshell run FILE --var to_1=… --var otp_1=…\nset to={{ to_1 }} ref='a b'\n".replace("'a b'", "'a b'")
        + "otp {{ otp_1 }}\nsend\n"
    )
    assert stat.S_IMODE(Path("r.kshell").stat().st_mode) == 0o600


def test_the_recording_is_run_as_its_first_line_says(shell, cli):
    """A recording runs with the command of its first line, and names the values that are missing without them."""
    shell("record r.kshell", f"set to={TO}", f"otp {CODE}", "send", "record stop")
    assert cli("run", "r.kshell", "--var", f"to_1={TO}", "--var", f"otp_1={CODE}").code == 0
    err = cli("run", "r.kshell").err
    assert "'to_1' is undefined" in err
    assert "--var to_1=…" in err


def test_no_secret_is_in_a_recording(shell, write, monkeypatch):
    """A recording has no key, code or number, whether typed in its own variable, in another or in an expression."""
    key = "Acanary00000000000000000000000key"
    monkeypatch.setenv("CANARY", key)
    write("profiles/accounts/c.yaml", "pod: sandbox\nsid: HX1IN\napi_key: env:CANARY\nphone_number: '+14155550100'\n"
          "variables: {template_name: a, language: en}\n")  # fmt: skip
    shell("use account c", "record r.kshell --expect", f"set to={TO} x='call {TO} with {CODE}'", f"otp {CODE}",
          f"set y='{CODE} {key}' z=+4989{CODE}", f"send ref={CODE}", f"expect '{CODE}' == otp and '{TO}' == to",
          f"expect 'a {CODE}' != ref", f"send to=+447700900123,{TO}", "record stop")  # fmt: skip
    text = recorded()
    for secret in (key, CODE, TO, "+447700900123"):
        assert secret not in text
    assert "expect otp_1 == otp and to_1 == to" in text


PASSCODE = (PROJECT / "templates" / "auth.json.j2").read_text().replace("otp", "passcode")
LINES_WITH_A_CODE = [
    ("send passcode=QXZWVB",), ("set x=QXZWVB", "send passcode=QXZWVB"), ("set passcode=QXZWVB",),
    ("send passcode=QXZWVB ref=qxzwvb",), ("send passcode=QXZWVB", "set x=UVhaV1ZC"), ("send passcode={{ 'QXZWVB' }}",),
    ("set x=QXZWVB", "check passcode=QXZWVB index=x"), ("set x=QXZWVB", "send passcode=QXZWVB to=nobody"),
    ("send passcode=QXZWVB", "set x={{ 'a QXZWVB' }}"),
]  # fmt: skip


@pytest.mark.parametrize("lines", LINES_WITH_A_CODE, ids="; ".join)
def test_a_code_is_known_by_the_message_that_held_it(shell, write, lines):
    """A recording has no code of a message, whatever its variable is called, however it is written, sent or not."""
    write("templates/other.json.j2", PASSCODE)
    shell("use template other", f"set to={TO}", "record r.kshell", *lines, "record stop")
    assert "qxzwvb" not in recorded().lower()
    assert "UVhaV1ZC" not in recorded()


def test_a_code_of_another_name_is_given_to_the_run(shell, write, cli):
    """A recording with a code in another variable runs with the command of its first line."""
    write("templates/other.json.j2", PASSCODE)
    shell("use template other", "record r.kshell", f"send to={TO} passcode=QXZWVB", "record stop")
    assert recorded().splitlines()[0] == "# kshell run FILE --var to_1=… --var otp_1=…"
    assert cli("run", "r.kshell", "--var", f"to_1={TO}", "--var", "otp_1=QXZWVB").code == 0


@pytest.mark.parametrize("text", [TO[1:], f"x{TO[1:]}x", f"%2B{TO[1:]}", "447700900123", "'+91 98123 45678'"])
def test_a_number_needs_no_plus_to_be_left_out_of_a_recording(shell, text):
    """A recording has no phone number, with or without a plus, a recipient's or another."""
    shell("record r.kshell", f"set ref={text}", f"set to={TO}", "send", "record stop")
    assert TO[1:] not in recorded()
    assert "7700" not in recorded()
    assert "98123" not in recorded()


def test_a_recording_begins_with_the_session_as_it_is(shell):
    """A recording begins with the session's account, pod, variables and code."""
    begun = shell("use account low-balance", "use pod in", f"set to={TO} ref=x", "otp new")
    shell("record r.kshell", "record stop", shell=begun)
    assert recorded().splitlines()[1:] == [
        "use account low-balance",
        "use pod in",
        "set to={{ to_1 }}",
        "set ref=x",
        "otp new",
    ]


def test_an_expect_for_each_answer_is_written_on_request(shell):
    """``record --expect`` adds an expect for each answer; without it only an answer that is not accepted gets one."""
    lines = [f"set to={TO}", "send", "send -a low-balance", "render"]
    shell("record a.kshell --expect", *lines)
    shell("record b.kshell", *lines)
    assert 'send\nexpect status == 202 and body.code == "WA202"\n' in recorded("a.kshell")
    assert 'low-balance\nexpect status == 400 and body.code == "E110"\nrender\n' in recorded("a.kshell")
    assert 'send\nsend -a low-balance\nexpect delivery == "refused"\nrender\n' in recorded("b.kshell")


REFUSED = 'expect delivery == "refused"'
AGAIN = [
    (["send", "again"], ["send", "send"]),
    (["send", "otp new", "again 1"], ["send", "otp new", "send otp={{ otp_1 }}"]),
    (
        ["send -a low-balance ref=x", "again --yes"],
        ["send -a low-balance ref=x", REFUSED, "send -a low-balance ref=x --yes", REFUSED],
    ),
    (
        ["send", "use account low-balance", "use pod in", "again 1"],
        ["send", "use account low-balance", "use pod in", "send -a demo -p sandbox"],
    ),
    (
        ["send to=+919812345679", "again --timeout 5 --allow otp-twice"],
        ["send to={{ to_2 }}", "send to={{ to_2 }} --timeout 5 --allow otp-twice"],
    ),
    (["send ref='a b'", "again"], ["send ref='a b'", "send ref='a b'"]),
]


@pytest.mark.parametrize(("typed", "lines"), AGAIN, ids=[", ".join(row[0]) for row in AGAIN])
def test_again_is_recorded_as_the_send_that_it_is(shell, codes, typed, lines):
    """``again`` is recorded as a ``send`` line that sends the same message in a run."""
    recording = shell(f"set to={TO}", "record r.kshell", *typed)
    assert recorded().splitlines()[2:] == lines
    codes()
    assert state(replay(shell, recording.recording)) == state(recording.session)


def test_what_no_send_line_makes_is_said_to_be_missing(shell, monkeypatch):
    """A message that no ``send`` line can make gives a warning at once and a comment in the recording."""
    begun = shell(f"set to={TO}", "record r.kshell", "send", "set ref=x")
    result = perform_line("again 1", begun)
    assert (result.exit_code, len(begun.session.sent)) == (0, 2)
    assert result.notes[-1] == Note("warning", "r.kshell lacks this message: no send line makes what again sent")
    assert recorded().endswith("set ref=x\n# again: not kept, no send line makes the message it sent\n")
    monkeypatch.setattr("click.edit", lambda text, **_: text.replace("auth1", "auth2"))
    result = perform_line("edit --yes", begun)
    assert "what edit sent" in result.notes[-1].text
    assert recorded().endswith("# edit: not kept, no send line makes the message it sent\n")


def test_an_edit_that_changes_nothing_of_the_message_is_a_send(shell, monkeypatch):
    """An ``edit`` that does not change the message is recorded as a ``send`` line with its variables."""
    monkeypatch.setattr("click.edit", lambda text, **_: f"{text} ")
    shell(f"set to={TO}", "record r.kshell", "edit ref=x --yes")
    assert recorded().splitlines()[2:] == ["send ref=x --yes"]


def test_stop_tells_how_to_run_the_recording(shell):
    """``record stop`` prints the command that runs the recording, with the variables it needs."""
    begun = shell("record 'a b.kshell'", f"set to={TO}", f"otp {CODE}")
    result = perform_line("record stop", begun)
    assert result.notes == [Note("info", "recorded: kshell run 'a b.kshell' --var to_1=… --var otp_1=…")]
    assert recorded("a b.kshell").startswith("# kshell run FILE --var to_1=… --var otp_1=…\n")


@pytest.mark.parametrize("before", [["otp 482913", "record r.kshell"], ["record r.kshell", "otp 482913", "set ref=x"]])
def test_a_code_that_is_replaced_before_it_is_used_is_not_wanted(shell, before):
    """A code that ``otp new`` replaces before any line uses it is left out, so that a run needs no value for it."""
    shell(f"set to={TO}", *before, "otp new", "send", "record stop")
    assert recorded().startswith("# kshell run FILE --var to_1=…\nset to={{ to_1 }}\n")
    assert recorded().endswith("otp new\nsend\n")


def test_every_code_that_is_replaced_unused_is_left_out(shell):
    """Of codes that follow each other and that ``otp new`` replaces before any line uses one, none is kept."""
    shell("record r.kshell", "otp 482913", "set otp=111111", "otp 482913", "otp new", "record stop")
    assert recorded() == "otp new\n"


def test_a_code_that_is_used_before_it_is_replaced_is_kept(shell):
    """A code that a line uses before ``otp new`` replaces it stays in the recording."""
    shell("record r.kshell", f"set to={TO}", "otp 482913", "send", "otp new", "send")
    assert recorded().splitlines()[2:] == ["otp {{ otp_1 }}", "send", "otp new", "send"]


def test_a_file_that_there_is_wants_force(shell, write):
    """``record`` needs ``--force`` for an existing file, and refuses a second recording at the same time."""
    write("r.kshell", "vars\n")
    begun = shell("record r.kshell")
    assert recorded() == "vars\n"
    shell("record r.kshell --force", "record s.kshell", shell=begun)
    assert recorded() == ""
    assert not Path("s.kshell").exists()


TYPED = "573920"  # may be in a recording if nothing marks it as a code

VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(["{{ ref }}", "'", '"', TO, TYPED, "a b", "#"]),
)
LINES = st.lists(st.one_of(
    st.sampled_from(["use account demo", "use account low-balance", "use account server-error", "use pod sandbox",
                     "use template auth", "otp new", f"otp {TYPED}", "otp 000111", "unset otp", "unset ref", "send", "render",
                     "send -a incorrect-key", "send ref=once", f"send to={TO},+919812345679", "check",
                     "check otp=1234567890123456",
                     "send otp=1234567890123456", "send otp=999999", "expect 1 == 2", "expect status > 0", "vars", "nonsense",
                     "capture id = body.data.message_id", "set ref1={{ ref }}", 'set ref2="x {{ ref }} y"',
                     f"set to={TO}", "set to=+919812345679"]),
    VALUES.map(lambda text: ("set", text))), max_size=12)  # fmt: skip


@given(before=LINES, after=LINES, expects=st.booleans())
def test_running_what_was_recorded_gives_the_same_session_and_requests(shell, codes, before, after, expects):
    """Running a recording gives the same session and requests, and recording that run gives the same file."""
    for name in ("one.kshell", "two.kshell"):
        Path(name).unlink(missing_ok=True)
    option = " --expect" if expects else ""
    begun = shell(f"set to={TO}", *map(typed, before))
    session = begun.session
    session.sent.clear()
    generated = session.settings.get("otp", ("", ""))[1] == "generated"
    if generated:  # a run generates it again, as the first of the sequence
        session.set("otp", "100001", source="generated")
    codes(100002 if generated else 100001)
    shell(f"record one.kshell{option}", *map(typed, after), shell=begun)
    codes()
    again = replay(shell, begun.recording, f"two.kshell{option}")
    assert state(again) == state(session)
    assert recorded("two.kshell") == recorded("one.kshell")


def typed(line: str | tuple[str, str]) -> str:
    """Return a generated line as the user types it."""
    return line if isinstance(line, str) else f"set ref={quote(line[1])}"


# ---- updates

STALE = """set to=+919812345678
send -a low-balance
expect status == 202 and \\
  'WA202' == body.code # why
expect status < 500
""".replace("\n", "\r\n")


def test_update_shows_a_diff_and_changes_nothing(cli, write):
    """``--update`` without ``--yes`` prints a diff, names ``--yes``, changes no file and exits with 1."""
    file = write("s.kshell", STALE)
    ran = cli("run", "s.kshell", "--update")
    assert ran.code == 1
    assert "-expect status == 202 and \\" in ran.out
    assert "+expect status == 400 and \\" in ran.out
    assert '+  "E110" == body.code # why' in ran.out
    assert "--yes" in ran.err
    assert file.read_bytes() == STALE.encode()


def test_update_with_yes_writes_what_holds_now(cli, write):
    """``--update --yes`` changes only the compared values; line ends, comments and the file's mode stay."""
    file = write("s.kshell", STALE)
    file.chmod(0o640)
    assert cli("run", "s.kshell", "--update", "--yes").code == 0
    assert file.read_bytes() == STALE.replace("202", "400", 1).replace("'WA202'", '"E110"').encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    ran = cli("run", "s.kshell", "--update")
    assert (ran.code, ran.out) == (0, "")
    assert cli("run", "s.kshell").code == 0


@pytest.mark.parametrize("words", [(), ("--yes",)], ids=str)
def test_update_says_that_nothing_changed(cli, write, words):
    """Where every expect holds, ``--update`` writes nothing to stdout and one line to stderr, and exits with 0."""
    write("s.kshell", "set to=+919812345678 otp=1\nsend\nexpect status == 202\n")
    ran = cli("run", "s.kshell", "--update", *words)
    assert (ran.code, ran.out, ran.err) == (0, "", "nothing to update: every expect line holds\n")


def test_update_leaves_what_it_cannot_make_hold(cli, write):
    """``--update`` reports a comparison without ``==`` as a failure and changes nothing."""
    write("s.kshell", "set to=+919812345678 a=1\nsend\nexpect status > 300\n")
    ran = cli("run", "s.kshell", "--update")
    assert (ran.code, ran.out) == (1, "")
    assert "it does not hold: status > 300" in ran.err


def test_update_reaches_an_included_script(cli, write):
    """``--update`` changes the included script that has the expect."""
    write("a.kshell", "set to=+919812345678\nsend\nsource deep/b.kshell\n")
    file = write("deep/b.kshell", "expect status == 1\n")
    assert cli("run", "a.kshell", "--update", "--yes").code == 0
    assert file.read_text() == "expect status == 202\n"


@pytest.mark.parametrize("secret", [KEY, KEY.lower(), CODE, TO, TO[1:], "447700900123"])
def test_update_writes_no_secret_into_a_script(cli, write, monkeypatch, secret):
    """``--update`` writes no key, code or number that a server echoes; the expect fails instead."""
    monkeypatch.setenv("SECOND", KEY)
    write("profiles/accounts/own.yaml", "pod: local\nsid: HX1IN\napi_key: env:SECOND\nphone_number: '+447700900100'\n"
          "variables: {template_name: a, language: en}\n")  # fmt: skip
    script = f"use account own\nsend to={TO} otp={CODE}\nexpect headers['x-k'] == 'old'\n"
    file = write("s.kshell", script)
    with Server(read, answer(202, b"{}", ("X-K", f"a {secret}"))) as server:
        local_pod(server.url)
        shown, written = cli("run", "s.kshell", "--update"), cli("run", "s.kshell", "--update", "--yes")
    assert (shown.code, shown.out, written.code) == (1, "", 1)
    assert file.read_text() == script


def test_update_writes_a_number_that_is_none_to_be_called(cli, write):
    """``--update`` writes a count that has as many digits as a phone number."""
    file = write("s.kshell", f"set to={TO} otp={CODE}\nsend -p local\nexpect body.count == 1\n")
    with Server(read, answer(202, b'{"count": 123456789}')) as server:
        local_pod(server.url)
        assert cli("run", "s.kshell", "--update", "--yes").code == 0
    assert "body.count == 123456789" in file.read_text()


# ---- cassettes in a run


def test_a_script_is_played_from_its_cassette(cli, write, monkeypatch):
    """A script recorded once is played from its cassette in every mode without a send, even if it generates its code."""
    write("s.kshell", f"set to={TO}\notp new\nsend\ncapture id = body.data.message_id\nexpect status == 202\n")
    assert cli("run", "s.kshell", "--cassette", "tape.yaml").code == 0
    from kshell.simulator.simulator import Simulator

    monkeypatch.setattr(Simulator, "handle", None)
    for mode in ((), ("--record", "none"), ("--record", "once"), ("--record", "new")):
        ran = cli("run", "s.kshell", "--cassette", "tape.yaml", *mode)
        assert ran.code == 0, ran.err


def test_rows_are_played_from_a_cassette_several_at_a_time(cli, write, monkeypatch):
    """Rows played from a cassette by several jobs each get their own answer."""
    write("s.kshell", "send\nexpect status == 202\n")
    write("r.csv", "to,ref\n" + "".join(f"+9198{number:08d},{number}\n" for number in range(30)))
    words = ("run", "s.kshell", "--rows", "r.csv", "--jobs", "4", "--cassette", "tape.yaml", "--report")
    first, second = (cli(*words, f"json={name}.json") for name in ("a", "b"))
    assert (first.code, second.code) == (0, 0)
    import json

    def ids(name: str) -> list[str]:
        cases = json.loads(Path(f"{name}.json").read_text())["cases"]
        return [case["steps"][0]["exchange"]["response"]["body"]["data"]["message_id"] for case in cases]

    assert ids("a") == ids("b")
    assert len(set(ids("a"))) == 30


def test_a_request_that_is_not_in_the_cassette_fails_its_line(cli, write):
    """A request that the cassette lacks is not sent; the error has the line and the nearest request, exit code 3."""
    write("s.kshell", f"set to={TO}\notp 111111\nsend\n")
    assert cli("run", "s.kshell", "--cassette", "tape.yaml").code == 0
    write("s.kshell", f"set to={TO}\notp 222222\nsend\n")
    ran = cli("run", "s.kshell", "--cassette", "tape.yaml")
    assert ran.code == 3
    assert (
        "error: s.kshell:3:1: not sent: the cassette tape.yaml has no such request; nearest is its request 1" in ran.err
    )


def test_what_a_nested_run_sends_is_played_from_the_cassette_too(cli, write, monkeypatch):
    """A nested run with several jobs is recorded in the cassette and played from it."""
    write("s.kshell", f"set to={TO} otp=111111\nsend\nrun inner.kshell inner.kshell --jobs 2\n")
    write("inner.kshell", f"set to={TO} otp=222222\nsend\n")
    assert cli("run", "s.kshell", "--cassette", "tape.yaml").code == 0
    from kshell.simulator.simulator import Simulator

    monkeypatch.setattr(Simulator, "handle", None)
    ran = cli("run", "s.kshell", "--cassette", "tape.yaml", "--record", "none")
    assert (ran.code, "messages: 3 accepted" in ran.err) == (0, True), ran.err


@pytest.mark.parametrize("words", [("--record", "none"), ("--yes",), ("--update", "--rows", "r.csv")])
def test_options_that_do_not_go_together_are_refused(cli, write, words):
    """Options of ``run`` that exclude each other are a usage error, exit code 2."""
    write("s.kshell", "vars\n")
    assert cli("run", "s.kshell", *words).code == 2


def test_the_shell_s_own_commands_are_not_in_a_recording(shell):
    """A recording leaves out ``help``."""
    begun = shell("record r.kshell", "help", "vars")
    assert recorded() == "vars\n"
    assert perform(["record", "stop"], begun).exit_code == 0


def test_a_recording_that_cannot_be_written_ends_and_says_so(shell):
    """A recording that cannot be written ends with a note; the line is run and the session goes on."""
    begun = shell("record deep/r.kshell")
    Path("deep/r.kshell").unlink()
    Path("deep").rmdir()
    Path("deep").touch()
    result = perform_line("set ref=x", begun)
    assert result.exit_code == 0
    assert "cannot be written" in result.notes[-1].text
    assert begun.recording is None
    assert begun.session.variables == {"ref": "x"}
