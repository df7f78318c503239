"""Profiles: a YAML file becomes a pod or an account, or one error with its position that never shows a key."""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

import pytest

from kshell.core.errors import ProfileError
from kshell.core.models import OtpPolicy, Secret
from kshell.core.terminal import note_lines
from kshell.profiles.files import Places, shipped_folder
from kshell.profiles.profiles import load_account, load_pod

REST = "pod: sandbox\nsid: HX1IN\nphone_number: '+911234567890'\n"
ACCOUNT = f"{REST}api_key: env:ACME_KEY\n"
KEY = "Acanary0123456789"


@pytest.fixture
def account(write):
    """Return a function that loads an account from a text: ``account("pod: …")``."""

    def loaded(text: str):
        write("profiles/accounts/acme.yaml", text)
        return load_account(Places.standard(), "acme")

    return loaded


@pytest.fixture
def pod(write):
    """Return a function that loads a pod from a text."""

    def loaded(text: str):
        write("profiles/pods/mine.yaml", text)
        return load_pod(Places.standard(), "mine")

    return loaded


# ---- what a profile says


def test_an_account_with_every_key(account):
    """Each key of an account's file is in the field of that name."""
    acme = account(
        "title: Acme\npod: in\nsid: HX1IN\napi_key: env:ACME_KEY\nphone_number: '+911234567890'\ntemplate: other\n"
        "variables: {template_name: auth1, language: en_US}\notp: {length: 8, alphabet: letters}\n"
        "approved: {auth1: [en_US, no]}\n"
    )
    assert acme._replace(origin=None) == (
        "acme", "Acme", "in", "HX1IN", Secret("env", "ACME_KEY"), "+911234567890", "other",
        {"template_name": "auth1", "language": "en_US"}, OtpPolicy(8, "letters"), None, {"auth1": ("en_US", "no")},
    )  # fmt: skip
    assert acme.origin == (Path.cwd() / "profiles/accounts/acme.yaml", "here")


def test_an_account_with_the_mandatory_keys_only(account):
    """An account with only the mandatory keys has the template auth, six-digit codes and no variables."""
    acme = account(ACCOUNT)
    assert (acme.title, acme.template, acme.variables, acme.otp) == ("", "auth", {}, OtpPolicy(6, "digits"))


def test_a_pod_with_every_key(pod):
    """Each key of a pod's file is in the field of that name, and a slash after the host is dropped."""
    mine = pod("title: Mine\nbase_url: https://api.example.com:8443/\nembedded: true\nproxy: http://10.0.0.1:3128\n")
    assert mine[:5] == ("mine", "Mine", "https://api.example.com:8443", True, "http://10.0.0.1:3128")


def test_a_pod_with_a_host_only(pod):
    """A pod with only a host is not embedded and has no proxy."""
    assert pod("base_url: https://api.example.com")[1:5] == ("", "https://api.example.com", False, "")


@pytest.mark.parametrize("text", ["012345", "+919812345678", "no", "12:34", "1e3", "0x10", "2024-01-31", "null", "~"])
def test_a_variable_is_the_text_that_was_typed(account, text):
    """A variable's value stays the typed text, also if YAML reads it as a number, boolean, time or null."""
    assert account(f"{ACCOUNT}variables:\n  to: {text}\n").variables == {"to": text}


@pytest.mark.parametrize("number", ["+911234567", "+911234567890", "+123456789012345", "+91XXXXXXXXXX"])
def test_a_phone_number_is_e164_where_an_x_may_stand_for_a_digit(account, number):
    """A phone number is in E.164 form, and X may stand for a digit as in the page's sample."""
    assert account(ACCOUNT.replace("'+911234567890'", number)).phone_number == number


def test_the_shipped_profiles_are_read():
    """Every shipped pod and account loads, and no shipped key is a secret."""
    places = Places(None, Path("/nowhere"), Path("/nowhere"), shipped_folder())
    hosts = {name: load_pod(places, name).base_url for name in places.names("pod")}
    assert hosts == {
        "in": "https://api.in.kaleyra.io",
        "sg": "https://api.ap.kaleyra.io",
        "eu": "https://api.eu.kaleyra.io",
        "sandbox": "http://127.0.0.1:8255",
    }
    accounts = [load_account(places, name) for name in places.names("account")]
    assert {account.pod for account in accounts} <= set(hosts)
    assert {account.api_key.scheme for account in accounts if account.name != "docs"} == {"literal"}


# ---- a whole file that is wrong


def unreadable(path: Path) -> None:
    """Make a link to a missing file."""
    path.symlink_to("nowhere")


FILES = {
    "empty": (b"", ":1:1: an account is empty"),
    "a comment": (b"# nothing yet\n", ":1:1: an account is empty"),
    "a list": (b"- pod: in\n", ":1:1: an account is a mapping, not a list"),
    "a text": (b"hello\n", ":1:1: an account is a mapping, not text"),
    "a tab": (b"pod: in\notp:\n\tlength: 6\n", ":3:1: a tab where YAML wants spaces"),
    "a duplicate key": (b"pod: in\nsid: HX1\npod: sg\n", ":3:1: 'pod' is set twice"),
    "an unknown key": (b"pod: in\nphone_numbr: 1\n", ":2:1: an account has no 'phone_numbr'"),
    "an alias": (b"pod: in\nsid: *pod\n", ":2:6: an alias (*)"),
    "an anchor": (b"pod: &pod in\n", ":1:6: an anchor (&)"),
    "a tag": (b"pod: !!str in\n", ":1:6: a tag (!)"),
    "two documents": (b"pod: in\n---\npod: sg\n", ":2:1: a second document"),
    "NUL": (b"pod: in\nsid: a\0b\n", ":2:7: a character that YAML does not allow: U+0000"),
    "an escape sequence": (b"pod: \x1b]0;owned\x07\n", ":1:6: a character that YAML does not allow: U+001B"),
    "not UTF-8": (b"pod: in\ntitle: caf\xe9\n", ":2:11: not UTF-8: byte 0xe9"),
    "3,000 brackets": (b"pod: " + b"[" * 3000, ":1:13: nested deeper than 8 levels"),
    "two megabytes": (b"#" * 2_000_000, " is larger than 256 KiB"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_faulty_file_is_one_error_with_its_place(cli, write, case):
    """A faulty file is one error with file, line, column and a hint, exit code 3."""
    raw, message = FILES[case]
    write("profiles/accounts/acme.yaml", raw)
    ran = cli("render", "-a", "acme", "to=+919812345678")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"error: profiles/accounts/acme.yaml{message}")
    assert ran.err.splitlines()[-1].startswith("hint: ")
    assert ran.err.count("error: ") == 1
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("case", ["a tab", "a duplicate key", "an unknown key", "an alias", "a tag"])
def test_the_faulty_line_is_shown_with_a_caret(cli, write, case):
    """An error shows the faulty line with a caret under its column."""
    raw, message = FILES[case]
    write("profiles/accounts/acme.yaml", raw)
    _, line, caret, _ = cli("accounts", "acme").err.splitlines()
    number, column = map(int, message.split(":")[1:3])
    shown = raw.decode().splitlines()[number - 1]
    assert shown.startswith(line[2:].rstrip())
    assert line[2:].strip()
    assert caret == f"  {' ' * (column - 1)}^"


PATHS = {
    "a directory": (Path.mkdir, "is a directory"),
    "a FIFO": (os.mkfifo, "is not a regular file"),
    "a link to nothing": (unreadable, "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("case", PATHS)
def test_what_is_no_file_is_one_error(cli, case):
    """A directory, a FIFO or a dangling link in a profile's place is one error with exit code 3."""
    make, message = PATHS[case]
    Path("profiles/accounts").mkdir(parents=True)
    make(Path("profiles/accounts/acme.yaml"))
    ran = cli("accounts", "acme")
    assert ran.code == 3
    assert ran.err.startswith(f"error: profiles/accounts/acme.yaml {message}")


def test_a_profile_that_may_not_be_read_is_one_error(cli, write, monkeypatch):
    """A profile without read permission is one error with the system's message, exit code 3."""
    write("profiles/accounts/acme.yaml", ACCOUNT)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    ran = cli("accounts", "acme")
    assert ran.code == 3
    assert ran.err.startswith("error: profiles/accounts/acme.yaml cannot be read: Permission denied")


@pytest.mark.parametrize(
    "encode", [lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.replace("\n", "\r\n").encode()]
)
def test_a_bom_and_crlf_are_understood(write, encode):
    """A profile with a byte order mark or CRLF gives the same account."""
    write("profiles/accounts/acme.yaml", encode(ACCOUNT))
    acme = load_account(Places.standard(), "acme")
    assert (acme.pod, acme.api_key) == ("sandbox", Secret("env", "ACME_KEY"))


# ---- a value that is wrong

LOOPBACK = ["http://localhost", "http://localhost:8255", "http://127.0.0.1:8255", "http://127.1.2.3", "http://[::1]:80"]


@pytest.mark.parametrize("url", ["https://api.example.com", "https://a-b.c.:65535", "https://10.0.0.1", *LOOPBACK])
def test_a_base_url_is_https_or_loopback(pod, url):
    """A base URL is https with a host and a port, or http for loopback."""
    assert pod(f"base_url: '{url}'").base_url == url


@pytest.mark.parametrize(
    "host",
    [
        "api.in.kaleyra.io", "127.0.0.1.evil.com", "localhost.evil.com", "127.0.0.1x", "10.0.0.1", "0.0.0.0",  # noqa: S104
        "128.0.0.1", "2130706433", "0x7f000001", "[::2]", "[fe80::1]", "my-localhost",
        "127.0.0.1.", "localhost.",
    ],
)  # fmt: skip
def test_http_is_refused_for_any_other_host(pod, host):
    """An http URL for a host that is not loopback is refused, and the hint writes it with https."""
    with pytest.raises(ProfileError) as caught:
        pod(f"base_url: 'http://{host}:80'")
    assert caught.value.message == "http:// would show the API key to the network"
    assert caught.value.hint == f"write https://{host}:80"


def test_a_proxy_elsewhere_is_refused_where_the_key_would_pass_it_in_clear(pod):
    """A pod with an http URL may only have a proxy on loopback."""
    assert pod("base_url: http://127.0.0.1:1\nproxy: http://127.0.0.1:3128").proxy
    assert pod("base_url: https://api.example\nproxy: http://proxy.example:3128").proxy
    with pytest.raises(ProfileError, match="would see the API key"):
        pod("base_url: http://127.0.0.1:1\nproxy: http://proxy.example:3128")


@pytest.mark.parametrize(
    "url",
    [
        "", "api.example.com", "https://", "https:///", "https://user@api.example.com", "https://user:p@api.example.com",
        "https://api.example.com/v2", "https://api.example.com//", "https://api.example.com?", "https://api.example.com#a",
        "https://api example.com", "https://api.example.com:", "https://api.example.com:99999", "https://api.example.com:0",
        "https://api.example.com:\uff18\uff10", "https://api..example.com", "https://.example.com", "https://exämple.com",
        "https://a\\b", "ftp://api.example.com", "HTTPS://api.example.com", "file:///etc/passwd", "https://[:::]",
        "https://[::1", "https://[1]", "http://[:::]", "https://api.example.com\n", "//api.example.com",
    ],
)  # fmt: skip
def test_a_base_url_is_a_scheme_and_a_host(pod, url):
    """A base URL with a user, path, query, wrong host or wrong port is refused at its place."""
    quoted = url.replace("\\", "\\\\").replace("\n", "\\n")
    with pytest.raises(ProfileError) as caught:
        pod(f'base_url: "{quoted}"')
    assert caught.value.message == "not a base URL"
    assert str(caught.value.at) == "profiles/pods/mine.yaml:1:11"


@pytest.mark.parametrize("key", ["base_url", "proxy"])
def test_a_password_in_a_url_is_refused_and_not_shown(pod, key):
    """A URL with a password is refused, and the error shows stars in its place."""
    with pytest.raises(ProfileError) as caught:
        pod(f"{key}: https://user:hunter2@10.0.0.1:3128\n" + ("base_url: https://a.b\n" if key == "proxy" else ""))
    assert "hunter2" not in repr(caught.value.note)
    assert caught.value.at.text == f"{key}: https://***@10.0.0.1:3128"


ACCOUNTS = {
    "no pod": (ACCOUNT.replace("pod: sandbox\n", ""), "1:1: an account needs 'pod'", "add a line: pod: …"),
    "no sid": (ACCOUNT.replace("sid: HX1IN\n", ""), "1:1: an account needs 'sid'", "add a line: sid: …"),
    "no key": (REST, "1:1: an account needs 'api_key'", "add a line: api_key: …"),
    "an empty sid": (ACCOUNT.replace("HX1IN", ""), "2:5: the SID is empty", "HXAP1698765497IN"),
    "a sid of two words": (ACCOUNT.replace("HX1IN", "HX 1"), "2:6: 'HX 1' is not a SID: it is a part of the URL", "HXAP16987"),
    "a sid with an accent": (ACCOUNT.replace("HX1IN", "HXé"), "2:6: 'HXé' is not a SID: it is a part of the URL", "HXAP16987"),
    "a sid that is a step": (ACCOUNT.replace("HX1IN", ".."), "2:6: '..' is not a SID: it is a part of the URL", "HXAP16987"),
    "a list as the sid": (ACCOUNT.replace("HX1IN", "[HX1IN]"), "2:6: 'sid' is text, not a list", "write sid: VALUE"),
    "a number without plus": (ACCOUNT.replace("+91", "91"), "3:15: '911234567890' is not a phone number", "with +"),
    "a number with spaces": (ACCOUNT.replace("+91", "+91 "), "3:15: '+91 1234567890' is not a phone number", "with +"),
    "a number too short": (ACCOUNT.replace("1234567890", "1"), "3:15: '+911' is not a phone number", "country code"),
    "a number too long": (ACCOUNT.replace("1234567890", "1" * 14), "3:15: '+9111111111111111' is not a phone", "X may"),
    "a number of other digits": (ACCOUNT.replace("+9", "+\u0669"), "3:15: '+\u066911234567890' is not a phone", "with +"),
    "a list of variables": (f"{ACCOUNT}variables: [a]", "5:12: 'variables' is a mapping, not a list", "{NAME: VALUE}"),
    "a variable that is a list": (f"{ACCOUNT}variables: {{to: [a]}}", "5:17: 'to' is text, not a list", "to: VALUE"),
    "a variable's bad name": (f"{ACCOUNT}variables:\n  a-b: 1", "6:3: 'a-b' cannot name a variable", "letters"),
    "a variable without a blank": (f"{ACCOUNT}variables: {{a:1}}", "5:13: 'a:1' cannot name a variable", "a blank after"),
    "a code as the policy": (f"{ACCOUNT}otp: 012345", "5:6: 'otp' is the policy for generated codes", "below variables:"),
    "an empty policy": (f"{ACCOUNT}otp: []", "5:6: otp is a mapping, not a list", "keys: length, alphabet"),
    "a policy's misspelt key": (f"{ACCOUNT}otp: {{lenght: 6}}", "5:7: otp has no 'lenght'", "did you mean length?"),
    "a code too long": (f"{ACCOUNT}otp: {{length: 16}}", "5:15: a code has 1 to 15 characters, not '16'", "length: 6"),
    "a code of nothing": (f"{ACCOUNT}otp: {{length: 0}}", "5:15: a code has 1 to 15 characters, not '0'", "length: 6"),
    "a length in words": (f"{ACCOUNT}otp: {{length: six}}", "5:15: a code has 1 to 15 characters, not 'six'", "length: 6"),
    "a length of other digits": (
        f"{ACCOUNT}otp: {{length: \u0666}}",
        "5:15: a code has 1 to 15 characters, not '\u0666'",
        "length: 6",
    ),
    "a misspelt alphabet": (f"{ACCOUNT}otp: {{alphabet: digit}}", "5:17: there is no alphabet 'digit'", "mean digits?"),
    "an alphabet of one's own": (f"{ACCOUNT}otp: {{alphabet: abc}}", "5:17: there is no alphabet 'abc'", "unambiguous"),
    "approved names alone": (f"{ACCOUNT}approved: [auth1]", "5:11: 'approved' is a mapping, not a list", "write"),
    "a language alone": (f"{ACCOUNT}approved: {{auth1: hi}}", "5:19: 'auth1' is a list of languages, not text", "write"),
    "no approved language": (f"{ACCOUNT}approved: {{auth1: []}}", "5:19: 'auth1' is a list of languages, not empty", "write"),
    "an approved mapping": (f"{ACCOUNT}approved: {{auth1: [{{a: b}}]}}", "5:20: 'auth1' is text, not a mapping", "write auth1"),
    "a misspelt reference": (f"{REST}api_key: evn:K", "4:10: an api_key that looks like a reference, but is not one", "env?"),
    "a shell's variable": (f"{REST}api_key: $MY_KEY", "4:10: an api_key that looks like a reference", "api_key: env:MY_KEY"),
    "a variable's name": (f"{REST}api_key: MY_KEY", "4:10: an api_key that looks", "write api_key: env:MY_KEY"),
    "a variable's name with a digit": (f"{REST}api_key: MY_KEY_2", "4:10: an api_key that looks", "write api_key: env:NAME"),
    "an address": (f"{REST}api_key: op://vault/key", "4:10: an api_key that looks", "write api_key: env:NAME"),
    "a shell's variable in braces": (f"{REST}api_key: ${{MY_KEY}}", "4:10: an api_key that looks", "api_key: env:MY_KEY"),
    "a scheme in capitals": (f"{REST}api_key: ENV:MY_KEY", "4:10: an api_key that looks", "write api_key: env:MY_KEY"),
    "a path's scheme in capitals": (f"{REST}api_key: File:k", "4:10: an api_key that looks", "did you mean file?"),
    "PowerShell's variable": (f"{REST}api_key: $env:MY_KEY", "4:10: an api_key that looks", "did you mean env?"),
    "no variable's name": (f"{REST}api_key: env:A-B", "4:10: the text after env: is not a variable name", "env:NAME"),
    "no path": (f"{REST}api_key: 'file: '", "4:10: file: without a path", "file:PATH"),
    "no user": (f"{REST}api_key: keyring:svc", "4:10: the text after keyring: is not SERVICE/USER", "keyring:SERVICE/USER"),
    "an empty key": (f"{REST}api_key:", "4:9: the API key is empty", "write api_key: env:NAME"),
    "a key with a space": (f"{REST}api_key: A b", "4:10: the API key holds a space, a line break", "api_key: env:NAME"),
    "a key with an accent": (f"{REST}api_key: Aé", "4:10: the API key holds a space, a line break", "api_key: env:NAME"),
}  # fmt: skip


def test_a_faulty_value_is_an_error_at_the_value(account):
    """The error for a faulty value has its place, the fault and a hint."""
    for case, (text, message, hint) in ACCOUNTS.items():
        with pytest.raises(ProfileError) as caught:
            account(text)
        error = caught.value
        assert f"{error.at}: {error.message}".startswith(f"profiles/accounts/acme.yaml:{message}"), case
        assert hint in error.hint, case


@pytest.mark.parametrize(("key", "line"), [("pod", 1), ("template", 5)])
@pytest.mark.parametrize("command", ["render", "curl", "send"])
def test_a_name_that_an_account_has_in_vain_is_an_error_at_its_line(cli, write, command, key, line):
    """An unknown pod or template in an account is an error at its line in the account's file."""
    text = ACCOUNT.replace("pod: sandbox", "pod: nope") if key == "pod" else f"{ACCOUNT}template: nope\n"
    write("profiles/accounts/acme.yaml", text)
    ran = cli(command, "-a", "acme", "to=+919812345678")
    column = len(key) + 3
    assert ran.code == 3
    assert f"error: profiles/accounts/acme.yaml:{line}:{column}: there is no {key} 'nope'\n  {key}: nope\n" in ran.err
    assert f"hint: {key}s: " in ran.err


def test_a_name_in_vain_does_not_matter_where_another_is_typed(cli, write):
    """``-p`` replaces an unknown pod of an account."""
    write("profiles/accounts/acme.yaml", ACCOUNT.replace("pod: sandbox", "pod: nope"))
    ran = cli("render", "-a", "acme", "-p", "sandbox", "to=+919812345678", "template_name=a", "language=en")
    assert ran.code == 0


PODS = {
    "no base_url": ("title: Mine", "1:1: a pod needs 'base_url'"),
    "an unknown key": ("base_url: https://a.b\nurl: c", "2:1: a pod has no 'url'"),
    "embedded: yes": ("base_url: https://a.b\nembedded: yes", "2:11: 'embedded' is true or false, not 'yes'"),
    "a proxy without a scheme": (
        "base_url: https://a.b\nproxy: c:1",
        "2:8: a proxy is http://HOST:PORT or https://HOST:PORT",
    ),
    "a list of hosts": ("base_url: [https://a.b]", "1:11: 'base_url' is text, not a list"),
}


@pytest.mark.parametrize("case", PODS)
def test_a_faulty_pod_is_an_error_at_its_place(pod, case):
    """The error for a faulty pod has its place, and says what to write."""
    text, message = PODS[case]
    with pytest.raises(ProfileError) as caught:
        pod(text)
    assert f"{caught.value.at}: {caught.value.message}" == f"profiles/pods/mine.yaml:{message}"
    assert caught.value.hint


# ---- a literal key is shown nowhere

FAULTY_WITH_A_KEY = {
    "a later line": f"api_key: {KEY}\nsidd: HX1\n",
    "its own line, plain": f"api_key: {KEY}: x\n",
    "its own line, quoted": f"api_key: '{KEY}': x\n",
    "its own line, double quoted": f'api_key: "{KEY}": x\n',
    "an apostrophe in it": f"api_key: 'it''s{KEY}': x\n",
    "an escaped quote in it": f'api_key: "a\\"{KEY}" x\n',
    "an unknown escape in it": f'api_key: "\\q{KEY}"\n',
    "an open quote": f'api_key: "{KEY}\n',
    "a comma in it": f"api_key: A,{KEY}: x\n",
    "a brace in it": f"api_key: A}}{KEY}: x\n",
    "a space in it": f"api_key: A {KEY}\n",
    "an accent in it": f"api_key: é{KEY}\n",
    "a control character in it": f"api_key: \x07{KEY}\n",
    "a reference misspelt": f"api_key: fiel:{KEY}\n",
    "behind a dollar": f"api_key: ${KEY}\n",
    "behind a scheme in capitals": f"api_key: ENV:{KEY}\n",
    "a reference in vain": f"api_key: env:{KEY}-\n",
    "a block scalar": f"api_key: |\n  {KEY}\n  x: y\n",
    "a tab in its block": f"api_key: |\n   {KEY}\n \t{KEY}\nsid: HX1\n\tx\n",
    "an error below its block": f"api_key: >-\n  {KEY}\n  sid: {KEY}\n  {KEY}\n nope {KEY}\n",
    "the next line": f"api_key:\n  {KEY}\n  sid: x\n",
    "the next line's quote": f"api_key:\n  '{KEY}' {KEY}\n",
    "a list": f"api_key: [{KEY}]\n",
    "a list of lines": f"api_key:\n  - {KEY}\n",
    "a mapping": f"api_key: {{a: {KEY}}}\n",
    "an open bracket": f"api_key: [{KEY}\n",
    "an alias": f"api_key: *{KEY}\n",
    "an anchor": f"api_key: &{KEY} x\n",
    "a tag": f"api_key: !{KEY} x\n",
    "a tag's handle": f"api_key: !{KEY}!x y\n",
    "a flow": f"{{pod: in, api_key: {KEY}, sidd: x}}",
    "a flow without a space": f"{{pod: in, api_key:{KEY}}}",
    "a flow that is open": f"{{pod: in, api_key: {KEY}",
    "a flow over lines": f"{{pod: in, api_key:\n {KEY}, pod: x}}",
    "a flow in JSON": f'{{"api_key":"{KEY}","sidd":"x"}}',
    "a flow in JSON over lines": f'{{\n  "api_key":\n    "{KEY}" "{KEY}"\n}}',
    "a quoted name": f'"api_key": {KEY}: x\n',
    "a name of its own line": f"? api_key\n: {KEY}: x\n",
    "another name": f"apikey: {KEY}\n",
    "another name, and a colon": f"api-key: {KEY}: x\n",
    "a name in capitals": f"API_KEY: {KEY}: x\n",
    "a name with a letter swapped": f"api_kye: {KEY}: x\n",
    "a name like no key": f"auth: {KEY}\n",
    "a quoted name like no key": f"'auth': {KEY}\n",
    "a name like no key in a flow": f"{{pod: in, auth: {KEY}}}",
    "no colon": f"api_key {KEY}\n",
    "no colon but one behind it": f"api_key {KEY}: x\n",
    "an equals sign": f"api_key={KEY}: x\n",
    "twice": f"api_key: {KEY}\napi_key: {KEY}\n",
    "twice another name": f"{{api_key:{KEY}, api_key:{KEY}}}",
    "below variables": f"variables:\n  api_key: {KEY}: x\n",
    "as a variable's name": f"variables: {{api_key:{KEY}: x}}",
    "at the end of a file that is not UTF-8": f"api_key: {KEY}\udce9\n",
    "in a second document": f"pod: in\n--- {{api_key: {KEY}}}\n",
}


def test_a_literal_key_is_in_no_error(write):
    """Whatever is wrong with an account, its literal key is not in the error, its repr or a traceback."""
    for case, text in FAULTY_WITH_A_KEY.items():
        whole = text if text.startswith("{") else f"{REST.partition('sid')[0]}{text}"
        write("profiles/accounts/acme.yaml", whole.encode("utf-8", "surrogateescape"))
        with pytest.raises(ProfileError) as caught:
            load_account(Places.standard(), "acme")
        error = caught.value
        shown = [*note_lines(error.note), str(error), repr(error), repr(error.at), *traceback.format_exception(error)]
        assert KEY not in "\n".join(shown), case
    assert KEY[1:9] not in "\n".join(note_lines(error.note))


def test_the_line_of_a_key_is_shown_with_stars(account):
    """In an error's line each character of the key is a star, and the caret keeps its column."""
    with pytest.raises(ProfileError) as caught:
        account("pod: in\napi_key: abc: d\n")
    assert note_lines(caught.value.note)[1:3] == ["  api_key: **** *", "              ^"]


def test_a_literal_key_is_in_no_text_of_the_account(account):
    """``str``, ``repr`` and ``format`` of an account show its literal key as ``(redacted)``."""
    acme = account(f"{REST}api_key: {KEY}\n")
    assert acme.api_key == Secret("literal", KEY)
    texts = [str(acme), repr(acme), f"{acme}", repr([acme]), repr(acme._asdict()), f"{acme.api_key!s}{acme.api_key!r}"]
    assert all("(redacted)" in text and KEY not in text for text in texts)


def test_a_reference_is_no_secret(account):
    """``str`` of a reference shows it as it was written."""
    assert str(account(ACCOUNT).api_key) == "env:ACME_KEY"


LITERAL = f"{REST}variables: {{template_name: a, language: en}}\napi_key: {KEY}\n"
WARNED = {
    "an account of a live pod": ("in", (), True),
    "an account of a live pod, sent to the simulator": ("in", ("-p", "sandbox"), False),
    "an account of the simulator": ("sandbox", (), False),
    "an account of the simulator, sent to a live pod": ("sandbox", ("-p", "in"), True),
    "an account of the simulator, sent to this machine": ("sandbox", ("-p", "local"), True),
    "a shipped account": (None, (), False),
    "a shipped account, sent to a live pod": (None, ("-a", "demo", "-p", "in"), True),
}


@pytest.mark.parametrize("case", WARNED)
def test_a_literal_key_is_warned_about_where_the_pod_is_not_embedded(cli, write, case):
    """A literal key gives a warning if the message's pod is not embedded, whether the account or ``-p`` names the pod."""
    pod, words, warned = WARNED[case]
    write("profiles/pods/local.yaml", "base_url: http://127.0.0.1:1\n")
    file = write("profiles/accounts/acme.yaml", LITERAL.replace("sandbox", pod)) if pod else Path("demo.yaml")
    ran = cli("curl", *(("-a", "acme") if pod else ()), *words, "to=+919812345678", "otp=123456")
    assert ran.code == 0
    assert (f"{file}; write api_key: env:NAME and keep it in the environment" in ran.err) is warned
    assert ("the API key stands in" in ran.err) is warned
    assert KEY not in ran.out + ran.err


def test_the_pod_that_a_session_uses_decides_on_the_warning(cli, write):
    """``use pod in`` makes a literal key of a simulator's account give the warning."""
    write("s.kshell", "set to=+919812345678 otp=123456\ncheck\n")
    assert "the API key stands in" not in cli("run", "s.kshell").err
    write("s.kshell", "set to=+919812345678 otp=123456\nuse pod in\ncheck\n")
    assert "the API key stands in" in cli("run", "s.kshell").err
