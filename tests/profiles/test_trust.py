"""Trust: a folder from someone else cannot have a key sent to its own host."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kshell.core.errors import TrustError
from kshell.profiles.files import Places, shipped_folder
from kshell.profiles.profiles import load_pod
from kshell.profiles.trust import remember, require_trust
from kshell.transport import client

POD = "base_url: https://api.evil.example\n"
ACCOUNT = "pod: {pod}\nsid: HX1IN\napi_key: {key}\nphone_number: '+911234567890'\n"
SEND = ("to=+919812345678", "otp=123456", "template_name=auth1", "language=en_US")

_watches: list[list[str]] = []  # an audit hook cannot be removed, so it records only for these lists


def _watch(event: str, details: tuple[object, ...]) -> None:
    for watch in _watches:
        if event == "open":
            watch.append(str(details[0]))


sys.addaudithook(_watch)


@pytest.fixture
def opened():
    """Yield a list to which the path of every opened file is added."""
    _watches.append([])
    yield _watches[-1]
    _watches.pop()


class Watched(dict):
    """An environment that remembers which names were read."""

    names_read: set[object]

    def __getitem__(self, name):
        self.names_read.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        """Return the value of ``name``, or ``default``."""
        self.names_read.add(name)
        return super().get(name, default)


@pytest.fixture
def environment(monkeypatch):
    """Return the environment with a key in it, watched."""
    watched = Watched({**os.environ, "CANARY_KEY": "Acanary"})
    watched.names_read = set()
    monkeypatch.setattr(os, "environ", watched)
    return watched


@pytest.fixture(autouse=True)
def requests(monkeypatch):
    """Return the URLs of all requests that are sent; each is answered with 202."""
    urls: list[str] = []

    def attempt(self: client.Attempt) -> client.Exchange:
        assert self.key
        urls.append(self.request.url)
        return client.Exchange(self.request, client.Response(202, "Accepted", (), b"{}"), client.Delivery.ACCEPTED, 1)

    monkeypatch.setattr(client.Attempt, "run", attempt)
    return urls


@pytest.fixture
def foreign(write):
    """Return the pod's file of a folder that has its own pod and an account that names it."""
    write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="mine", key="Aliteral"))
    return write("profiles/pods/mine.yaml", POD)


def sends(cli, *words: str) -> bool:
    """Return whether a send goes out; if not, assert that it is refused for lack of trust."""
    ran = cli("send", "-a", "acme", *SEND, *words)
    assert (ran.code, "would have the API key sent to" in ran.err) in ((0, False), (3, True)), ran.err
    return ran.code == 0


@pytest.mark.usefixtures("foreign")
def test_a_pod_of_the_working_directory_on_a_foreign_host_is_refused(cli, requests):
    """A send to an untrusted pod exits with 3; the error names the file, the host and the command that trusts it."""
    ran = cli("send", "-a", "acme", *SEND)
    assert (ran.code, ran.out, requests) == (3, "", [])
    assert ran.err.endswith(
        "error: not sent: profiles/pods/mine.yaml, from this folder, would have the API key sent to "
        "https://api.evil.example\nhint: read the file; if you trust it, kshell trust profiles/pods/mine.yaml\n"
    )


def test_no_key_is_read_before_a_pod_is_trusted(cli, write, environment, opened, tmp_path):
    """A send to an untrusted pod is refused before the key's file or variable is read."""
    (tmp_path / "key.txt").write_text("Acanary")
    write("profiles/pods/mine.yaml", POD)
    for key in (f"file:{tmp_path}/key.txt", "env:CANARY_KEY"):
        write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="mine", key=key))
        environment.names_read.clear()
        opened.clear()
        assert not sends(cli)
        assert f"{Path.cwd()}/profiles/pods/mine.yaml" in opened
        assert f"{tmp_path}/key.txt" not in opened
        assert "CANARY_KEY" not in environment.names_read


def test_the_watch_on_keys_works(cli, write, environment, opened, tmp_path):
    """A send to a pod that needs no trust reads the key, so the test before this one can fail."""
    (tmp_path / "key.txt").write_text("Acanary")
    for key in (f"file:{tmp_path}/key.txt", "env:CANARY_KEY"):
        write("profiles/accounts/acme.yaml", ACCOUNT.format(pod="in", key=key))
        assert sends(cli)
    assert f"{tmp_path}/key.txt" in opened
    assert "CANARY_KEY" in environment.names_read


def test_a_trusted_file_is_used(cli, foreign, requests):
    """``kshell trust FILE`` says what it allows, and the next send goes out."""
    ran = cli("trust", str(foreign))
    assert (ran.code, ran.err) == (
        0,
        "trusted: profiles/pods/mine.yaml; keys may be sent to https://api.evil.example\n",
    )
    assert sends(cli)
    assert requests == ["https://api.evil.example/v2/HX1IN/whatsapp/+911234567890/messages"]


@pytest.mark.parametrize(
    "change", ["base_url: https://api.worse.example\n", POD + "# a comment\n", POD + "proxy: http://a.b:1\n"]
)
def test_a_changed_file_asks_again(cli, write, foreign, change):
    """Trust holds for the file's content: any change ends it, and the former content is still trusted."""
    cli("trust", str(foreign))
    write("profiles/pods/mine.yaml", change)
    assert not sends(cli)
    write("profiles/pods/mine.yaml", POD)
    assert sends(cli)


def test_trust_is_the_user_s_not_the_folder_s(cli, foreign, tmp_path):
    """Trust is remembered in the user's folder, in a file with mode 0600."""
    before = set(Path.cwd().rglob("*"))
    cli("trust", str(foreign))
    file = tmp_path / "user/.config/kshell/trusted"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert set(Path.cwd().rglob("*")) == before


def test_several_files_are_trusted_at_once(write):
    """Several files are trusted at the same time."""
    places = Places.standard()
    for n in (1, 2):
        write(f"profiles/pods/p{n}.yaml", f"base_url: https://h{n}.example\n")
        remember(places, load_pod(places, f"p{n}"))
    for n in (1, 2):
        require_trust(places, load_pod(places, f"p{n}"))


def test_what_was_loaded_is_what_must_be_trusted(write):
    """Trust is checked for the content that was loaded, not for the file's present content."""
    places = Places.standard()
    file = write("profiles/pods/mine.yaml", "base_url: https://good.example\n")
    remember(places, load_pod(places, "mine"))
    write("profiles/pods/mine.yaml", "base_url: https://api.evil.example\n")
    evil = load_pod(places, "mine")
    file.write_text("base_url: https://good.example\n")
    with pytest.raises(TrustError):
        require_trust(places, evil)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("profiles/accounts/acme.yaml", "pod: in\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\n"),
        ("templates/mine.json.j2", '{"to": "{{ to }}"}\n'),
    ],
)
def test_what_is_no_pod_s_file_is_said_to_be_none(cli, write, name, text):
    """``trust`` of an account or a template says that it is not a pod's file."""
    write(name, text)
    ran = cli("trust", name)
    assert ran.code == 3
    assert f"error: {name} is not a pod's file: " in ran.err
    assert "hint: trust a file of profiles/pods" in ran.err


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("garbage", [b"\xff\xfe", b"nonsense\n", None])
def test_a_damaged_memory_trusts_nothing(cli, tmp_path, garbage):
    """A damaged file of trusted fingerprints trusts nothing."""
    file = tmp_path / "user/.config/kshell/trusted"
    file.parent.mkdir(parents=True)
    if garbage is None:
        file.mkdir()
    else:
        file.write_bytes(garbage)
    assert not sends(cli)


@pytest.mark.parametrize("text", [None, "base_url: ftp://x\n", "title: x\n", "- a\n"])
def test_only_a_whole_pod_is_trusted(cli, write, text):
    """``trust`` of a faulty or missing pod exits with 3 and trusts nothing."""
    file = write("profiles/pods/mine.yaml", text) if text else Path("nowhere.yaml")
    ran = cli("trust", str(file))
    assert ran.code == 3
    assert "trusted" not in ran.err


NEEDS_NONE = {
    "a shipped host": "base_url: https://api.in.kaleyra.io\n",
    "a shipped host, with a slash": "base_url: https://api.in.kaleyra.io/\n",
    "this machine by name": "base_url: http://localhost:8255\n",
    "this machine by number": "base_url: https://127.0.0.1:8443\n",
    "the embedded simulator": "base_url: https://api.evil.example\nembedded: true\n",
}


@pytest.mark.parametrize("case", NEEDS_NONE)
def test_a_host_that_ships_and_this_machine_need_no_trust(cli, write, foreign, case):
    """A pod for a shipped host, for loopback or for the embedded simulator needs no trust."""
    write("profiles/pods/mine.yaml", NEEDS_NONE[case])
    assert sends(cli)


@pytest.mark.parametrize(
    "host",
    ["https://api.in.kaleyra.io:8443", "https://api.in.kaleyra.io.evil.example", "https://API.EVIL.EXAMPLE", "https://10.0.0.1"],
)  # fmt: skip
def test_a_host_that_only_looks_like_a_shipped_one_needs_trust(cli, write, foreign, host):
    """A host that only resembles a shipped one, by its port or ending, needs trust."""
    write("profiles/pods/mine.yaml", f"base_url: {host}\n")
    assert not sends(cli)


@pytest.mark.parametrize("case", NEEDS_NONE)
def test_a_proxy_needs_trust_whatever_the_host(cli, write, foreign, case):
    """A pod with a proxy needs trust for any host, and the error names the proxy."""
    # an http:// pod may only have a proxy on loopback
    proxy = "http://127.0.0.1:3128" if "http:" in NEEDS_NONE[case] else "http://proxy.evil.example:3128"
    write("profiles/pods/mine.yaml", NEEDS_NONE[case] + f"proxy: {proxy}\n")
    ran = cli("send", "-a", "acme", *SEND)
    assert ran.code == 3
    assert f"would have the API key sent to {proxy}" in ran.err
    cli("trust", "profiles/pods/mine.yaml")
    assert sends(cli)


def test_a_home_elsewhere_needs_no_trust(cli, foreign, tmp_path, monkeypatch):
    """A pod of a folder that ``--home`` or KSHELL_HOME names needs no trust."""
    home = tmp_path / "mine"
    Path("profiles").rename(home.with_suffix(".tmp"))
    home.mkdir()
    home.with_suffix(".tmp").rename(home / "profiles")
    assert sends(cli, "--home", str(home))
    monkeypatch.setenv("KSHELL_HOME", str(home))
    assert sends(cli)


@pytest.mark.parametrize("home", [".", "profiles/.."])
def test_a_home_that_is_the_working_directory_needs_trust(cli, foreign, home):
    """``--home`` with the working directory does not make its pods trusted."""
    assert not sends(cli, "--home", home)


def test_a_home_in_the_environment_that_is_the_working_directory_needs_trust(cli, foreign, monkeypatch):
    """KSHELL_HOME with the working directory does not make its pods trusted."""
    monkeypatch.setenv("KSHELL_HOME", str(Path.cwd()))
    assert not sends(cli)


def test_the_user_s_own_pod_needs_no_trust(cli, foreign, tmp_path):
    """A pod of the user's folder needs no trust."""
    own = tmp_path / "user/.config/kshell/profiles/pods"
    own.mkdir(parents=True)
    foreign.rename(own / "mine.yaml")
    assert sends(cli)


# ---- a hostile folder


def test_a_folder_that_shadows_a_shipped_pod_gets_no_key(cli, write, requests, tmp_path):
    """A folder's own pod ``in`` on another host gets no key of an account from elsewhere."""
    own = tmp_path / "user/.config/kshell/profiles/accounts"
    own.mkdir(parents=True)
    (own / "acme.yaml").write_text(ACCOUNT.format(pod="in", key="Aliteral"))
    assert sends(cli)
    write("profiles/pods/in.yaml", POD)
    assert not sends(cli)
    assert requests == ["https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages"]


def test_a_folder_that_shadows_the_demo_account_gets_no_key(cli, write, requests):
    """A folder's own account ``demo`` with its own pod cannot have the user's key sent there."""
    write("profiles/pods/sandbox.yaml", POD)
    write("profiles/accounts/demo.yaml", ACCOUNT.format(pod="sandbox", key="env:KALEYRA_API_KEY"))
    ran = cli("send", *SEND)
    assert (ran.code, requests) == (3, [])
    assert "would have the API key sent to https://api.evil.example" in ran.err


@pytest.mark.parametrize("name", ["in", "sandbox"])
def test_a_folder_that_looks_like_a_clone_gets_no_key(cli, clone, requests, name):
    """A changed pod among copies of all shipped files needs trust."""
    (clone / f"profiles/pods/{name}.yaml").write_text(POD)
    ran = cli("send", "-p", name, *SEND)
    assert (ran.code, requests) == (3, [])
    assert (
        f"profiles/pods/{name}.yaml, from this folder, would have the API key sent to https://api.evil.example"
        in ran.err
    )


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("name", ["in", "sg", "eu", "sandbox"])
def test_a_clone_s_shipped_pods_need_no_trust(name):
    """The shipped pods of a clone need no trust."""
    places = Places.standard()
    assert load_pod(places, name).origin.place == "shipped"
    require_trust(places, load_pod(places, name))


def test_a_folder_cannot_trust_itself(cli, write, foreign):
    """A file called ``trusted`` in the folder trusts nothing."""
    import hashlib

    digest = hashlib.sha256(foreign.read_bytes()).hexdigest()
    for name in ("trusted", "profiles/trusted", "kshell/trusted", ".config/kshell/trusted"):
        write(name, f"{digest}\n")
    assert not sends(cli)


def test_shipped_hosts_are_those_that_ship(write):
    """A folder's pod with a shipped name does not make its host a shipped one."""
    write("profiles/pods/in.yaml", POD)
    places = Places.standard()
    with pytest.raises(TrustError):
        require_trust(places, load_pod(places, "in"))
    shipped = Places(None, shipped_folder(), Path("/nowhere"), shipped_folder())
    require_trust(shipped, load_pod(shipped, "in"))


@pytest.mark.parametrize("words", [("render",), ("check",), ("curl",), ("curl", "--reveal")])
def test_what_only_shows_needs_no_trust(cli, foreign, words):
    """Commands that send nothing need no trust."""
    assert cli(*words, "-a", "acme", *SEND).code == 0
