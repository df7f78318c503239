"""``init`` makes an account from answers, and ``doctor`` finds faults in a setup."""

from __future__ import annotations

import io
import stat
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from support.programs import needs
from support.screen import Terminal

from kshell.core.errors import ProfileError
from kshell.profiles.files import Places
from kshell.profiles.preferences import CHOICES, Preferences, documented, load_preferences

KEY = "Acanary0000000000000000000000001"
ANSWERS = ("acme", "in", "HXAP1698765497IN", "+911234567890", "auth1", "en_US")


@pytest.fixture
def answer(cli, monkeypatch):
    """Return a function that runs ``init`` with these lines on stdin."""

    def ran(*lines: str):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("init")

    return ran


def user() -> Path:
    """Return the user's configuration directory."""
    return Places.standard().user


def test_init_writes_an_account_that_works(answer, cli):
    """An account that ``init`` wrote renders a message, and ``doctor`` finds no fault."""
    assert answer(*ANSWERS, KEY).code == 0
    assert "https://api.in.kaleyra.io/v2/HXAP1698765497IN/" in cli("curl", "-a", "acme", "to=+919812345678").out
    assert cli("doctor").code == 0


def test_init_never_shows_the_key(answer, cli):
    """``init`` puts the key in a file that the account refers to, and shows it in no output."""
    ran = answer(*ANSWERS, KEY)
    assert KEY not in ran.out + ran.err + cli("accounts", "acme").out
    assert KEY not in (user() / "profiles/accounts/acme.yaml").read_text()
    assert KEY in cli("curl", "-a", "acme", "to=+919812345678", "--reveal").out


def test_init_can_leave_the_key_in_the_environment(answer):
    """An empty key makes ``init`` ask for an environment variable, to which the account then refers."""
    answer(*ANSWERS, "", "ACME_KEY")
    assert 'api_key: "env:ACME_KEY"' in (user() / "profiles/accounts/acme.yaml").read_text()


def test_what_init_writes_is_private(answer):
    """``init`` makes files with mode 0600 and folders with mode 0700, the configuration directory included."""
    answer(*ANSWERS, KEY)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [user(), *user().rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_init_asks_again_where_an_answer_is_wrong(answer):
    """``init`` asks again after a wrong pod, number or key, and says the fault without showing the key."""
    name, _, sid, _, *rest = ANSWERS
    ran = answer(name, "inn", "in", sid, "12", "+911234567890", *rest, "a bad key", KEY)
    assert ran.code == 0
    assert "did you mean in?" in ran.err
    assert "write + and country code" in ran.err
    assert "the API key holds a space" in ran.err
    assert "a bad key" not in ran.err


def test_init_says_why_it_asks_again_after_an_empty_answer(answer):
    """After an empty answer to a question without a default, ``init`` gives the reason and asks again."""
    name, pod, sid, number, template_name, language = ANSWERS
    ran = answer(name, pod, "", sid, "", number, "", template_name, language, KEY)
    assert ran.code == 0
    assert "Error: a SID looks like HXAP1698765497IN" in ran.err
    assert "Error: write + and country code" in ran.err
    assert "Error: write the name as WhatsApp shows it" in ran.err


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("english", "en, en_US, en_GB"),
        ("English (UK)", "en_GB"),
        ("en-us", "en_US"),
        ("hnidi", "hi"),
        ("pt", "pt_BR, pt_PT"),
    ],
)
def test_init_offers_the_likeliest_codes_of_a_language(answer, text, hint):
    """``init`` answers the name of a language with its codes, the likeliest first, of the country that was named."""
    assert f"Error: did you mean {hint}?\n" in answer(*ANSWERS[:-1], text, "en", KEY).err


def test_init_ends_with_a_try_on_the_simulator(answer, cli):
    """``init`` ends by naming a send to the simulator, and that command is accepted."""
    ran = answer(*ANSWERS, KEY)
    typed = next(line for line in ran.err.splitlines() if "kshell send" in line).partition("kshell ")[2]
    words = typed.partition(" tries it")[0].split()
    assert words == ["send", "-a", "acme", "to=+919812345678", "-p", "sandbox"]
    assert cli(*words).code == 0


def test_init_overwrites_nothing(answer):
    """``init`` refuses a name that is taken and leaves existing preferences unchanged."""
    answer(*ANSWERS, KEY)
    (user() / "preferences.yaml").write_text("keys: vi\n")
    ran = answer("acme", "acme2", *ANSWERS[1:], KEY)
    assert "exists already" in ran.err
    assert (user() / "preferences.yaml").read_text() == "keys: vi\n"


def test_init_offers_the_account_as_the_shell_s(answer):
    """After a yes the preferences name the new account, and their other lines stay; without an answer nothing names it."""
    answer(*ANSWERS, KEY)
    assert load_preferences(Places.standard()).account == ""
    (user() / "preferences.yaml").write_text("# mine\nkeys: vi\n")
    for name in ("second", "third"):
        ran = answer(name, *ANSWERS[1:], KEY, "y")
        assert (user() / "preferences.yaml").read_text() == f"# mine\nkeys: vi\naccount: {name}\n"
    assert "kshell starts the shell with it" in ran.err


def test_init_given_up_writes_no_account(answer):
    """``init`` writes no file if the answers end early; exit code 130."""
    ran = answer("acme", "in")
    assert ran.code == 130
    assert not user().exists()


def test_init_documents_the_preferences(answer):
    """``init`` writes a preferences file that names every preference with its values and reads as the defaults."""
    answer(*ANSWERS, KEY)
    text = (user() / "preferences.yaml").read_text()
    assert all(" | ".join(known) in text for known, _ in CHOICES.values())
    assert load_preferences(Places.standard()) == Preferences()


@pytest.mark.parametrize("preferences", [Preferences("vi", "never", "always"), Preferences("emacs", "always", "never")])
def test_preferences_are_read_as_they_are_written(write, preferences):
    """``load_preferences`` reads the preferences that ``documented`` wrote."""
    write(str(user() / "preferences.yaml"), documented(preferences))
    assert load_preferences(Places.standard()) == preferences


@pytest.mark.parametrize(("text", "message"), [("keys: vim\n", "'keys' is not 'vim'"), ("kyes: vi\n", "no 'kyes'")])
def test_a_preference_that_is_none_is_an_error_with_its_line(write, text, message):
    """An unknown preference or value is an error with its line."""
    write(str(user() / "preferences.yaml"), text)
    with pytest.raises(ProfileError, match=message) as caught:
        load_preferences(Places.standard())
    assert caught.value.at.line == 1


def test_an_empty_preferences_file_is_the_defaults(write):
    """A preferences file with only comments gives the defaults."""
    write(str(user() / "preferences.yaml"), "# keys: vi\n")
    assert load_preferences(Places.standard()) == Preferences()


def test_doctor_finds_nothing_wrong_in_an_empty_directory(cli):
    """In an empty directory ``doctor`` finds no fault and says how to make an account."""
    ran = cli("doctor")
    assert ran.code == 0
    assert "mend: kshell init" in ran.out


ACCOUNT = "pod: in\nsid: HX1IN\napi_key: {key}\nphone_number: '+911234567890'\n"


@pytest.mark.parametrize(
    ("files", "what", "mend"),
    [
        ({"profiles/pods/x.yaml": "bse_url: 1\n"}, "a pod has no 'bse_url'", "vi +1 profiles/pods/x.yaml"),
        ({"templates/t.json.j2": "{{% if %}"}, "templates/t.json.j2:1: ", "vi +1 templates/t.json.j2"),
        ({"profiles/accounts/a.yaml": ACCOUNT.format(key="env:NO_KEY")}, "NO_KEY", "stty -echo; read -r NO_KEY"),
        (
            {"profiles/accounts/a.yaml": ACCOUNT.format(key="file:k")},
            "is not a file",
            "touch profiles/accounts/k && chmod 600 profiles/accounts/k && cat > profiles/accounts/k",
        ),
        ({"profiles/accounts/a.yaml": ACCOUNT.format(key=KEY)}, "the API key is in the profile", "vi +3 "),
        (
            {"profiles/accounts/a.yaml": ACCOUNT.format(key=KEY) + "template: nothing"},
            "there is no template 'nothing'",
            "vi +5 profiles/accounts/a.yaml",
        ),
        (
            {"profiles/accounts/a.yaml": ACCOUNT.format(key=KEY).replace("pod: in", "pod: nowhere")},
            "there is no pod 'nowhere'",
            "vi +1 profiles/accounts/a.yaml",
        ),
        (
            {"profiles/pods/x.yaml": "base_url: https://evil.example\n"},
            "pod x comes from this folder and is not trusted",
            "kshell trust profiles/pods/x.yaml",
        ),
    ],
)
def test_doctor_says_what_is_wrong_and_what_mends_it(cli, write, files, what, mend):
    """``doctor`` shows each fault with the command that repairs it, and exits with 3."""
    for name, text in files.items():
        write(name, text)
    ran = cli("doctor")
    assert ran.code == 3
    assert what in ran.out
    assert f"mend: {mend}" in ran.out
    assert KEY not in ran.out


def test_doctor_sees_what_others_can_read(cli, answer):
    """``doctor`` finds a key's file of mode 0644 and names the chmod that repairs it."""
    answer(*ANSWERS, KEY)
    (user() / "keys/acme").chmod(0o644)
    ran = cli("doctor")
    assert ran.code == 3
    assert f"mend: chmod 600 {user() / 'keys/acme'}" in ran.out


def own_account(write, key: str) -> Path:
    """Write an account of the user's with mode 0644; return its path."""
    file = write(str(user() / "profiles/accounts/mine.yaml"), ACCOUNT.format(key=key))
    file.chmod(0o644)
    return file


def test_doctor_does_not_mind_who_reads_an_account_without_a_key_in_it(cli, write):
    """``doctor`` accepts an account that others can read if it has only a reference to the key."""
    own_account(write, "env:KALEYRA_API_KEY")
    ran = cli("doctor")
    assert (ran.code, "can be read by others" in ran.out) == (0, False)


def test_doctor_minds_who_reads_an_account_with_a_key_in_it(cli, write):
    """``doctor`` finds an account with a literal key that others can read."""
    file = own_account(write, "Aliteral1")
    assert f"{file} can be read by others\n       mend: chmod 600 {file}\n" in cli("doctor").out


@pytest.mark.parametrize(("pod", "wrong"), [("sandbox", 0), ("local", 2), ("nowhere", 2)])
def test_doctor_minds_a_literal_key_unless_the_account_s_pod_is_embedded(cli, write, pod, wrong):
    """``doctor`` accepts a literal key only for the embedded pod, not for a local or an unknown pod."""
    write("profiles/pods/local.yaml", "base_url: http://127.0.0.1:1\n")
    file = write("profiles/accounts/acme.yaml", ACCOUNT.format(key="Aliteral1").replace("pod: in", f"pod: {pod}"))
    file.chmod(0o644)
    out = cli("doctor").out
    assert out.count("the API key is in the profile") + out.count("can be read by others") == wrong


def test_doctor_finds_nothing_wrong_in_a_clone(cli, clone):
    """``doctor`` finds no fault in a clone, and says that the user has no account yet."""
    ran = cli("doctor")
    assert (ran.code, "wrong" in ran.out) == (0, False)
    assert "you have no account of your own" in ran.out


@pytest.mark.parametrize("key", ["file:x'$(touch run)", "file:x;touch run", "keyring:x;touch run;/u"])
def test_what_doctor_says_to_type_is_not_run_by_what_a_profile_holds(cli, write, key):
    """Text from a profile is quoted in the commands that ``doctor`` shows, so that a shell cannot run it."""
    write("profiles/accounts/acme.yaml", f"pod: in\nsid: HX1IN\napi_key: \"{key}\"\nphone_number: '+911234567890'\n")
    mends = [check["mend"] for check in cli("doctor", "--json").json if "acme" in check["what"]]
    for mend in mends:
        words = mend.replace("cat >", "true").replace("keyring", "true").replace("vi +", "true +")
        subprocess.run(["sh", "-c", words], stdin=subprocess.DEVNULL, capture_output=True)
    assert mends
    assert not Path("run").exists()


def test_doctor_looks_for_a_key_s_file_where_the_account_does(cli, write, tmp_path):
    """``doctor`` reads ``~`` in the path of a key's file as the user's home."""
    (tmp_path / "user").mkdir(exist_ok=True)
    file = write(str(tmp_path / "user/key"), "A1\n")
    file.chmod(0o644)
    write("profiles/accounts/a.yaml", ACCOUNT.format(key="file:~/key"))
    assert f"mend: chmod 600 {file}" in cli("doctor").out


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, marks=needs(words[0]))
        for words in (["dash", "-i"], ["bash", "--norc", "-i"], ["zsh", "-f", "-i"], ["fish", "--no-config", "-i"])
    ],
    ids=lambda words: words[0],
)
def test_what_reads_a_missing_key_works_in_the_user_s_shell(cli, write, monkeypatch, tmp_path, words):
    """The command for a missing key, typed at a prompt, reads a line without echo and exports the variable."""
    monkeypatch.setenv("SHELL", words[0])
    write("profiles/accounts/a.yaml", ACCOUNT.format(key="env:NO_KEY"))
    mend = next(line for line in cli("doctor").out.splitlines() if "NO_KEY" in line and "mend: " in line)
    terminal = Terminal(*words, env={"PS1": "> "}, cwd=str(tmp_path))
    terminal.enter("echo rea''dy").until("ready\n").enter(mend.partition("mend: ")[2])
    terminal.until(lambda text: reads_unseen(terminal) or "read>" in text)  # text typed earlier would be echoed
    terminal.enter("unseen").enter("printenv NO_KEY | tr a-z A-Z").until("UNSEEN")
    assert "unseen" not in terminal.text
    terminal.close()


def reads_unseen(terminal: Terminal) -> bool:
    """Return whether the terminal reads whole lines without echo."""
    flags = termios.tcgetattr(terminal.child.fileno())[3]
    return bool(flags & termios.ICANON) and not flags & termios.ECHO


def test_doctor_sees_a_wrong_preference(cli, write):
    """``doctor`` finds an unknown value in the preferences."""
    write(str(user() / "preferences.yaml"), "keys: vim\n")
    assert "'keys' is not 'vim'" in cli("doctor").out


def test_doctor_sees_an_editor_that_is_not_there(cli, monkeypatch):
    """``doctor`` finds an editor that is not installed, which would make ``edit`` fail."""
    monkeypatch.setenv("VISUAL", "no-such-editor-here")
    assert "edit would open no-such-editor-here, which is not installed" in cli("doctor").out


def test_doctor_is_one_json_document(cli):
    """``doctor --json`` gives a list of objects with state, what and mend."""
    assert {tuple(check) for check in cli("doctor", "--json").json} == {("state", "what", "mend")}


def test_doctor_sends_nothing(cli, monkeypatch):
    """``doctor`` opens no socket."""
    import socket

    monkeypatch.setattr(socket, "socket", None)
    assert cli("doctor").code == 0


def test_a_variable_of_an_account_that_its_template_does_not_have_is_said(cli, write):
    """A message of an account warns of a variable that the account's template does not have, with its place and a hint."""
    write(
        "profiles/accounts/a.yaml", ACCOUNT.format(key="env:KALEYRA_API_KEY") + "variables:\n  lang: en\n  index: '1'\n"
    )
    ran = cli("render", "-a", "a", "to=+919812345678", "template_name=auth1", "language=en")
    assert ran.code == 0
    assert ran.err.startswith(
        "warning: profiles/accounts/a.yaml:6:3: account a: the template auth has no variable 'lang'\n"
        "    lang: en\n    ^\nhint: did you mean language?\n"
    )


def test_a_misspelt_variable_of_an_account_is_said_where_the_right_one_is_missing(cli, write):
    """The error for a missing variable names a variable of the account that the template does not have, and its place."""
    write("profiles/accounts/a.yaml", ACCOUNT.format(key="env:KALEYRA_API_KEY") + "variables:\n  template_nam: x\n")
    ran = cli("render", "-a", "a", "to=+919812345678", "language=en")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: not set: template_name\n"
        "  profiles/accounts/a.yaml:6:3: account a: the template auth has no variable 'template_nam'; "
        "did you mean template_name?\nhint: add template_name=…\n"
    )


def test_a_variable_of_an_account_may_be_for_its_own_template_alone(cli, write):
    """With another template than the account's, nothing is said of the account's variables."""
    write("profiles/accounts/a.yaml", ACCOUNT.format(key="env:KALEYRA_API_KEY") + "variables: {language: en}\n")
    write("templates/other.json.j2", '{"messaging_object": {"to": "{{ to }}"}}')
    assert "no variable" not in cli("render", "-a", "a", "-t", "other", "to=+919812345678").err
