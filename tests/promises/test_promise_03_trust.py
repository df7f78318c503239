"""A folder that someone else made has no key sent to a host of its own, loopback included, and what it replaces is named."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from conftest import Ran
from support import canary
from support.servers import ACCEPTED, Server, answer, local_pod, read

from kshell.console.dispatch import perform_line
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places
from kshell.profiles.profiles import load_pod
from kshell.profiles.trust import folder_notes, remember, require_trust
from kshell.session.session import Overrides, Session
from kshell.shell.running import Shell

TO = "+919812345672"
SEND = f"send {{}} to={TO} otp=7316"
ACCOUNT = (
    "pod: {pod}\nsid: HX1IN\napi_key: {key}\nphone_number: '+911234500067'\n"
    "variables: {{template_name: auth1, language: en_US}}\n"
)
USER = "../user/.config/kshell"
REFUSED = "would have the API key sent to"
FRONTENDS = (
    "command line", "shell", "run", "run --jobs", "run --rows", "run --update", "source in the shell", "run in the shell",
    "source in a script", "run in a script", "stdin",
)  # fmt: skip

Frontend = Callable[[str], Ran]


def _typed(line: str) -> Ran:
    """Return what a line comes to that the user typed into a new shell."""
    result = perform_line(line, Shell(Session(Places.standard())))
    output = result.output if isinstance(result.output, str) else result.output.decode()
    return Ran(result.exit_code, output, "".join(f"{line}\n" for note in result.notes for line in note_lines(note)))


@pytest.fixture(params=FRONTENDS)
def perform(request: pytest.FixtureRequest, cli: Any, write: Any) -> Frontend:
    """Return a function that runs one line by a frontend, and gives the exit code, stdout and stderr."""

    def by_file(*words: str, outer: str = "") -> Frontend:
        def ran(line: str) -> Ran:
            write("s.kshell", f"{line}\n")
            write("outer.kshell", outer)
            write("rows.csv", "ref\nx\n")
            return cli(*words)

        return ran

    def by_shell(words: str) -> Frontend:
        return lambda line: write("s.kshell", f"{line}\n") and _typed(words)

    return {
        "command line": lambda line: cli(*shlex.split(line)),
        "shell": _typed,
        "run": by_file("run", "s.kshell"),
        "run --jobs": by_file("run", "s.kshell", "--jobs", "2"),
        "run --rows": by_file("run", "s.kshell", "--rows", "rows.csv"),
        "run --update": by_file("run", "s.kshell", "--update"),
        "source in the shell": by_shell("source s.kshell"),
        "run in the shell": by_shell("run s.kshell"),
        "source in a script": by_file("run", "outer.kshell", outer="source s.kshell\n"),
        "run in a script": by_file("run", "outer.kshell", outer="run s.kshell\n"),
        "stdin": lambda line: cli(input=line.encode()),
    }[request.param]


@pytest.fixture
def users(write: Any) -> None:
    """Make an account of the user's own, ``mine``, whose key is in the environment, for the pod ``in``."""
    write(f"{USER}/profiles/accounts/mine.yaml", ACCOUNT.format(pod="in", key="env:KALEYRA_API_KEY"))


def _link(write: Any, url: str) -> None:
    """Make an account of the folder that is a link to the user's own."""
    write("profiles/pods/evil.yaml", f"base_url: {url}\n")
    write(f"{USER}/profiles/accounts/own.yaml", ACCOUNT.format(pod="evil", key="env:KALEYRA_API_KEY"))
    write("profiles/accounts/linked.yaml", "").unlink()
    Path("profiles/accounts/linked.yaml").symlink_to(Path(f"{USER}/profiles/accounts/own.yaml").resolve())


def _pod(name: str, text: str = "base_url: {url}\n") -> Callable[[Any, str], None]:
    """Return what makes a pod of the folder."""
    return lambda write, url: write(f"profiles/pods/{name}.yaml", text.format(url=url)) and None


def _own(write: Any, url: str) -> None:
    """Make an account of the folder that sends the user's key through the folder's own proxy."""
    _pod("evil", "base_url: https://api.evil.example\nproxy: {url}\n")(write, url)
    write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="evil", key="env:KALEYRA_API_KEY"))


HOSTILE = {
    "the user's account, the folder's pod": (_pod("evil"), "-a mine -p evil"),
    "the user's account, a folder's pod that has a shipped name": (_pod("in"), "-a mine"),
    "a shipped account that reads the user's key": (_pod("in"), "-a docs"),
    "the default account": (_pod("sandbox"), "template_name=auth1 language=en"),
    "a folder's account that is a link to the user's": (_link, "-a linked"),
    "the folder's account, the folder's proxy": (_own, "-a acme"),
}


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("case", HOSTILE)
def test_no_key_goes_to_a_folder_s_pod_on_loopback(perform, write, case):
    """Whichever frontend sends it: exit 3, the file is named with what to type, and not one byte reaches the server."""
    make, words = HOSTILE[case]
    with Server(read, answer(202, ACCEPTED)) as server:
        make(write, server.url)
        ran = perform(SEND.format(f"--force {words}"))
    assert (ran.code, server.connections) == (3, 0), ran
    assert REFUSED in ran.err
    assert "kshell trust profiles/pods/" in ran.err


@pytest.mark.usefixtures("users")
def test_the_user_s_word_lets_it_be_sent(perform, cli, write):
    """After ``trust`` on the command line every frontend sends: the test above can fail."""
    with Server(read, answer(202, ACCEPTED)) as server:
        write("profiles/pods/evil.yaml", f"base_url: {server.url}\n")
        assert cli("trust", "profiles/pods/evil.yaml").code == 0
        ran = perform(SEND.format("-a mine -p evil"))
    assert (ran.code, len(server.requests)) == (0, 1), ran


# ---- an account and a pod of the folder, both on loopback

SECRETS = {
    "a variable": ("env:KALEYRA_API_KEY", "the environment variable KALEYRA_API_KEY"),
    "a file of the user": ("file:~/.token", "read from the file {home}/.token"),
    "a file beside the folder": ("file:../../../.token", "read from the file "),
    "a link to a file of the user": ("file:linked", "read from the file {home}/.token"),
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_of_the_user_that_a_folder_names_is_named_at_every_send(perform, write, case):
    """An account of a folder sends to the folder's own pod on loopback without trust, and it is said which secret went."""
    key, words = SECRETS[case]
    for file in ("../user/.token", "../.token"):
        write(file, canary.KEY)
    with Server(read, answer(202, ACCEPTED)) as server:
        write("profiles/pods/evil.yaml", f"base_url: {server.url}\n")
        write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="evil", key=key))
        Path("profiles/accounts/linked").symlink_to(Path("../user/.token").resolve())
        ran = perform(SEND.format("-a acme"))
    for file in ("../user/.token", "../.token"):
        Path(file).unlink()
    assert (ran.code, [request.header("api-key") for request in server.requests]) == (0, [[canary.KEY]])
    said = f"the API key for {server.url} is {words.format(home=os.environ['HOME'])}"
    assert [line for line in ran.err.splitlines() if line.startswith(said)], ran.err
    assert "as profiles/accounts/acme.yaml, from this folder, says\n" in ran.err


def test_a_secret_is_named_for_a_pod_that_is_not_the_folder_s(perform, write):
    """An account of a folder that sends to the user's own pod: each send names the variable that it uses as the key."""
    with Server(read, answer(202, ACCEPTED)) as server:
        write(f"{USER}/profiles/pods/mine.yaml", f"base_url: {server.url}\n")
        write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="mine", key="env:KALEYRA_API_KEY"))
        ran = perform(SEND.format("-a acme"))
    assert (ran.code, len(server.requests)) == (0, 1)
    said = f"the API key for {server.url} is the environment variable KALEYRA_API_KEY, as profiles/accounts/acme.yaml, "
    assert ran.err.count(said) == 1, ran.err


@pytest.mark.parametrize("pod", ["in", "sg", "eu"])
def test_a_secret_is_named_for_a_shipped_pod(write, pod):
    """An account of a folder for a pod that ships: the note names the variable and the host that gets it."""
    write("profiles/accounts/acme.yaml", ACCOUNT.format(pod=pod, key="env:AWS_SECRET_ACCESS_KEY"))
    session = Session(Places.standard())
    draft = session.draft(Overrides("acme", variables={"to": TO, "otp": "1"}))
    (note,) = folder_notes(session.places, draft)
    secret = "the environment variable AWS_SECRET_ACCESS_KEY, as profiles/accounts/acme.yaml, from this folder, says"
    assert note.text == f"the API key for {draft.pod.base_url} is {secret}"


@pytest.mark.usefixtures("users")
def test_the_key_of_the_user_s_own_account_is_not_named(write):
    """What an account of the user reads is the user's own choice, also through a link in the folder."""
    write("profiles/accounts/linked.yaml", "").unlink()
    Path("profiles/accounts/linked.yaml").symlink_to(Path(f"{USER}/profiles/accounts/mine.yaml").resolve())
    session = Session(Places.standard())
    for name in ("mine", "linked"):
        draft = session.draft(Overrides(name, variables={"to": TO, "otp": "1"}))
        assert [*folder_notes(session.places, draft)] == []


def test_a_program_in_python_gets_the_same_notes_and_marks(write):
    """``Answer.notes`` names what a folder replaces, and ``Answer.marks`` says that no network was used."""
    import kshell

    write("profiles/pods/sandbox.yaml", SANDBOX)
    answer = kshell.message(to=TO, otp="7316").send()
    assert answer.marks == ("simulated",)
    assert [note.text for note in answer.notes] == [
        "profiles/pods/sandbox.yaml, from this folder, is used in place of the shipped pod sandbox"
    ]


@pytest.mark.parametrize("key", ["file:key", "'Aliteral0000'"])
def test_a_key_of_the_folder_itself_is_not_named(cli, write, key):
    """What the folder brought along it may have."""
    write("profiles/accounts/key", "Aliteral0000\n")
    with Server(read, answer(202, ACCEPTED)) as server:
        write("profiles/pods/evil.yaml", f"base_url: {server.url}\n")
        write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="evil", key=key))
        ran = cli("send", "-a", "acme", f"to={TO}", "otp=7316")
    assert (ran.code, "the API key for" in ran.err) == (0, False)


# ---- what a folder replaces

TEMPLATE = '{"messaging_object": {"to": "+919000000000", "type": "template"}}\n'
SANDBOX = "base_url: http://127.0.0.1:9\nembedded: true\n"
ACME = ACCOUNT.format(pod="sandbox", key="A1key")
REPLACING = {
    "a shipped pod": ("profiles/pods/in.yaml", SANDBOX, "-a mine", "the shipped pod in"),
    "a shipped account": ("profiles/accounts/demo.yaml", ACME, "", "the shipped account demo"),
    "a shipped template": ("templates/auth.json.j2", TEMPLATE, "-p sandbox", "the shipped template auth"),
    "the user's account": ("profiles/accounts/mine.yaml", ACME, "-a mine", "yours, {user}/profiles/accounts/mine.yaml"),
}


@pytest.mark.usefixtures("users")
@pytest.mark.parametrize("case", REPLACING)
def test_what_a_folder_replaces_is_named_at_every_send(perform, write, case):
    """A pod, an account or a template of the folder in place of a shipped one or the user's: a warning names both."""
    name, text, words, other = REPLACING[case]
    write(name, text)
    values = "" if name.startswith("templates") else f"to={TO} otp=7316"
    ran = perform(f"send --force {words} {values}")
    assert ran.code in (0, 1), ran  # the simulator refuses what this template makes
    other = other.format(user=Path(USER).resolve())
    assert f"warning: {name}, from this folder, is used in place of {other}\n" in ran.err


@pytest.mark.parametrize("words", [("send", "--json"), ("send", "--raw")])
def test_it_is_named_beside_every_kind_of_output(cli, write, words):
    """On stderr, so that what goes into a pipe is what was asked for."""
    write("profiles/pods/sandbox.yaml", SANDBOX)
    ran = cli(*words, f"to={TO}", "otp=7316")
    assert (ran.code, ran.json is not None) == (0, True)
    assert (
        "warning: profiles/pods/sandbox.yaml, from this folder, is used in place of the shipped pod sandbox\n"
        in ran.err
    )


def test_it_is_named_in_the_question_before_a_send(write):
    """Who is asked whether to send knows it before the answer."""
    write("profiles/pods/sandbox.yaml", SANDBOX)
    shell = Shell(Session(Places.standard()))
    asked: list[Any] = []
    shell.confirm, shell.asks = lambda _, notes: bool(asked.append(notes)), lambda _: True
    perform_line(SEND.format(""), shell)
    assert asked[0][0].text.startswith("profiles/pods/sandbox.yaml, from this folder, is used in place of ")


@pytest.mark.usefixtures("clone")
def test_a_clone_replaces_nothing(perform):
    """Files with the bytes of the shipped ones count as shipped, as in a checkout of kshell."""
    ran = perform(SEND.format(""))
    assert (ran.code, "from this folder" in ran.err) == (0, False)


@pytest.mark.usefixtures("clone")
def test_a_clone_that_is_named_as_home_replaces_nothing(cli):
    """Naming the working directory as home makes no other file of a copy."""
    ran = cli("send", "--home", ".", f"to={TO}", "otp=7316")
    assert (ran.code, "from this folder" in ran.err) == (0, False)


def test_a_home_that_the_user_names_replaces_without_a_word(cli, write):
    """``--home`` with a folder elsewhere is the user's own word."""
    write("../home/profiles/pods/sandbox.yaml", SANDBOX)
    ran = cli("send", "--home", "../home", f"to={TO}", "otp=7316")
    assert (ran.code, "sandbox.yaml" in ran.err) == (0, False)


# ---- where a message went


def test_a_status_line_ends_in_simulated_where_no_network_was_used(request, perform, write):
    """A folder's pod ``in`` that is embedded cannot pass for the API: the status line or the run's counts say it."""
    write("profiles/pods/in.yaml", SANDBOX)
    write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="in", key="A1key"))
    ran = perform(SEND.format("-a acme"))
    ends = [line for line in ran.err.splitlines() if line.startswith(("202 Accepted · ", "rows: ", "scripts: "))]
    assert (ran.code, bool(ends)) == (0, request.node.callspec.params["perform"] != "run --update")
    assert all(line.endswith(" · simulated") for line in ends), ends


def test_a_message_over_the_network_is_not_simulated(cli):
    """The word says something: it is not at the end of every status line."""
    with Server(read, answer(202, ACCEPTED)) as server:
        words = ("send", "-p", local_pod(server.url), f"to={TO}", "otp=7316", "template_name=a", "language=en")
        ran, document = cli(*words), cli(*words, "--json").json
    assert (ran.code, ran.err.rstrip().endswith(" ms")) == (0, True)
    assert document["marks"] == []


def test_the_document_has_the_marks(cli, write):
    """``send --json`` and the JSON report list the marks that stand at the end of a status line."""
    assert cli("send", f"to={TO}", "otp=7316", "--json").json["marks"] == ["simulated"]
    write("s.kshell", f"{SEND.format('')}\n")
    for words, marks in (("--record=once", ["simulated", "recorded"]), ("--record=none", ["replayed"])):
        cli("run", "s.kshell", "--cassette", "c.yaml", words, "--report", "json=r.json")
        assert json.loads(Path("r.json").read_text())["cases"][0]["steps"][0]["exchange"]["marks"] == marks


def test_a_message_with_a_cassette_is_recorded_and_then_replayed(cli, write):
    """The status line and the counts of the run end in the word; a replay of what was simulated is replayed alone."""
    write("s.kshell", f"{SEND.format('')}\n")
    for words, mark in ((), "simulated · recorded"), (("--record", "none"), "replayed"):
        lines = cli("run", "s.kshell", "--cassette", "c.yaml", *words).err.splitlines()
        assert [line.partition(" ms · " if "202" in line else " s · ")[2] for line in lines] == [mark, mark]


def test_the_counts_of_a_run_say_of_how_many_messages_it_is_true(cli, write):
    """Where not every message was simulated, the word has its number."""
    with Server(read, answer(202, ACCEPTED)) as server:
        local_pod(server.url)
        write(
            "s.kshell", "".join(f"{SEND.format(words)}\n" for words in ("", "", "-p local template_name=a language=en"))
        )
        ran = cli("run", "s.kshell")
    assert (ran.code, ran.err.splitlines()[-1].endswith(" s · 2 simulated")) == (0, True)


# ---- the user's word, typed many times at once


def test_every_word_of_many_at_once_is_remembered(write):
    """Sixteen files that are trusted at the same moment are all trusted afterwards."""
    places, barrier = Places.standard(), Barrier(16)
    for number in range(16):
        write(f"profiles/pods/p{number}.yaml", f"base_url: https://h{number}.example\n")
    pods = [load_pod(places, f"p{number}") for number in range(16)]

    def trust(number: int) -> None:
        barrier.wait()
        remember(places, pods[number])

    for _ in range(5):
        (places.user / "trusted").unlink(missing_ok=True)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(trust, range(16)))
        for pod in pods:
            require_trust(places, pod)


@pytest.mark.parametrize("damage", [b"nonsense", b"\xff\xfe\n"])
def test_a_word_counts_in_a_damaged_file_too(write, damage):
    """What else stands in the file, with a line break at its end or not, takes nothing from the word."""
    places = Places.standard()
    write(f"{USER}/trusted", damage)
    write("profiles/pods/p.yaml", "base_url: https://h.example\n")
    remember(places, load_pod(places, "p"))
    require_trust(places, load_pod(places, "p"))
    assert (places.user / "trusted").stat().st_mode & 0o777 == 0o600
