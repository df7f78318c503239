"""Promise 4: the key goes to the pod's host over https, past no certificate that is not vouched for, and nowhere else.

The host is ``api.evil.example``, a name that the tests resolve to 127.0.0.2. Its certificate has an authority of its own.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from conftest import Ran
from support import canary
from support.programs import needs
from support.servers import ACCEPTED, Server, answer, read

from kshell.console.dispatch import perform_line
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places
from kshell.session.session import Session
from kshell.shell.running import Shell

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST, ADDRESS = "api.evil.example", "127.0.0.2"
USER = "../user/.config/kshell"
SEND = "send -a mine -p evil to=+919812345672 otp=7316"
MINE = (
    "pod: in\nsid: HX1IN\napi_key: env:KALEYRA_API_KEY\nphone_number: '+911234500067'\n"
    "variables: {template_name: auth1, language: en_US}\n"
)
FRONTENDS = ["command line", "shell", "run", "run --jobs", "run --rows", "source in the shell"]


def openssl(*words: str) -> None:
    """Run openssl in silence."""
    subprocess.run(["openssl", *words], check=True, capture_output=True)


class Authority(NamedTuple):
    """An authority's certificate, and the TLS contexts of servers that it vouches for, by the servers' names."""

    certificate: Path
    contexts: dict[str, ssl.SSLContext]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Make an authority with openssl, and certificates for the host and for another one."""
    folder = tmp_path_factory.mktemp("authority")
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    root = ["-CA", str(folder / "root.pem"), "-CAkey", str(folder / "root.key")]
    openssl(*made, "-subj", "/CN=root", "-keyout", str(folder / "root.key"), "-out", str(folder / "root.pem"))
    contexts = {}
    for name in (HOST, "other.example"):
        files = [str(folder / f"{name}.pem"), str(folder / f"{name}.key")]
        names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        openssl(*made, *names, "-addext", "basicConstraints=CA:FALSE", *root, "-out", files[0], "-keyout", files[1])
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[name].load_cert_chain(*files)
    return Authority(folder / "root.pem", contexts)


@pytest.fixture
def serve(write: Any, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a context of an https server at ``HOST`` that the folder's pod ``evil`` names; an account ``mine`` of the user."""
    resolve = socket.getaddrinfo

    def resolved(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve(ADDRESS if host in (HOST, HOST.encode()) else host, *rest, **options)

    @contextmanager
    def served(*steps: Any, name: str = HOST) -> Iterator[Server]:
        with Server(*steps, tls=authority.contexts[name], host=ADDRESS) as server:
            write("profiles/pods/evil.yaml", f"base_url: https://{HOST}:{server.port}\n")
            yield server

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    write(f"{USER}/profiles/accounts/mine.yaml", MINE)
    return served


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the authority the only one in the bundle that kshell uses."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.certificate))


@pytest.fixture(params=FRONTENDS)
def sent(request: pytest.FixtureRequest, cli: Any, write: Any) -> Any:
    """Return a function that sends by a frontend."""

    def typed(line: str) -> Ran:
        result = perform_line(line, Shell(Session(Places.standard())))
        return Ran(result.exit_code, "", "".join(f"{line}\n" for note in result.notes for line in note_lines(note)))

    def ran() -> Ran:
        write("s.kshell", f"{SEND}\n")
        write("rows.csv", "ref\nx\n")
        words = {"run --jobs": ("--jobs", "2"), "run --rows": ("--rows", "rows.csv")}.get(request.param, ())
        if "shell" in request.param:
            return typed("source s.kshell" if "source" in request.param else f"{SEND} --yes")
        return cli(*SEND.split()) if request.param == "command line" else cli("run", "s.kshell", *words)

    return ran


@needs("openssl")
@pytest.mark.usefixtures("trusted")
def test_a_folder_s_pod_with_a_good_certificate_gets_nothing_without_trust(serve, sent):
    """That the certificate is in order is no word of the user: exit 3, and the server sees no connection."""
    with serve(read, answer(202, ACCEPTED)) as server:
        ran = sent()
    assert (ran.code, server.connections) == (3, 0), ran
    assert f"would have the API key sent to https://{HOST}:{server.port}\n" in ran.err


@needs("openssl")
@pytest.mark.usefixtures("trusted")
def test_a_trusted_pod_gets_the_key_over_tls(serve, cli):
    """After ``trust`` the key is sent to it, once: the tests around this one can fail."""
    with serve(read, answer(202, ACCEPTED)) as server:
        assert cli("trust", "profiles/pods/evil.yaml").code == 0
        ran = cli(*SEND.split())
    assert (ran.code, [request.header("api-key") for request in server.requests]) == (0, [[canary.KEY]])


@needs("openssl")
@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_nobody_knows_is_refused(serve, cli, authority, monkeypatch, variable):
    """A certificate of another authority ends the send before its first byte, also if the environment names the authority."""
    monkeypatch.setenv(variable, str(authority.certificate))
    with serve(read, answer(202, ACCEPTED)) as server:
        assert cli("trust", "profiles/pods/evil.yaml").code == 0
        ran = cli(*SEND.split())
    assert (ran.code, server.connections, server.received) == (4, 1, b"")
    assert "error: not sent: " in ran.err
    assert "certificate" in ran.err.lower()


@needs("openssl")
@pytest.mark.usefixtures("trusted")
def test_a_certificate_of_another_host_is_refused(serve, cli):
    """A certificate that a known authority made for another name is refused too."""
    with serve(read, answer(202, ACCEPTED), name="other.example") as server:
        assert cli("trust", "profiles/pods/evil.yaml").code == 0
        ran = cli(*SEND.split())
    assert (ran.code, server.received) == (4, b"")


@needs("openssl")
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_over_tls_sends_nothing_to_its_target(serve, cli, authority, status):
    """The target has a certificate that is in order, and sees no connection."""
    with Server(read, tls=authority.contexts[HOST], host=ADDRESS) as target:
        location = ("Location", f"https://{HOST}:{target.port}/")
        with serve(read, answer(status, b"", location)) as server:
            assert cli("trust", "profiles/pods/evil.yaml").code == 0
            ran = cli(*SEND.split())
    assert (ran.code, len(server.requests), target.connections) == (1, 1, 0)
