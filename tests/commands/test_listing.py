"""``accounts``, ``pods`` and ``templates`` list what is found and its files, and never show a key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kshell.profiles.files import shipped_folder

KEY = "Acanary0123456789"
ACCOUNT = f"title: Acme\npod: in\nsid: HX1IN\napi_key: {KEY}\nphone_number: '+911234567890'\n"
POD = "title: Mine\nbase_url: https://api.example.com\nproxy: http://10.0.0.1:3128\n"
HEADER = "{#\ntitle: Mine\nvariables:\n  otp: {help: the code}\n  index: {default: 0, type: integer}\n#}\n"
TEMPLATE = HEADER + '{"a": "{{ otp }}"}\n'
FILES = {
    "accounts": ("profiles/accounts/acme.yaml", ACCOUNT, "acme"),
    "pods": ("profiles/pods/mine.yaml", POD, "mine"),
    "templates": ("templates/mine.json.j2", TEMPLATE, "mine"),
}
SHIPPED = {
    "accounts": [
        "account-type", "demo", "docs", "incorrect-key", "incorrect-payload", "low-balance", "number-version",
        "server-error", "unknown-number",
    ],
    "pods": ["eu", "in", "sandbox", "sg"],
    "templates": ["auth"],
}  # fmt: skip
KINDS = list(FILES)


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of a listing by each line's first cell; two spaces or more separate cells."""
    cells = ([cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines())
    return {first: rest for first, *rest in cells}


@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_is_listed_everywhere(cli, kind):
    """In an empty directory a listing has every shipped name, sorted and marked as shipped, and stderr is empty."""
    ran = cli(kind)
    assert (ran.code, ran.err) == (0, "")
    assert list(rows(ran.out)) == SHIPPED[kind]
    assert {row[-2] for row in rows(ran.out).values()} == {"shipped"}
    assert max(map(len, ran.out.splitlines())) < 100  # columns of a terminal


@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_is_listed_as_shipped_in_a_clone_too(cli, clone, kind):
    """In a clone a copy of a shipped file is listed as shipped, and a file that the clone adds has its path."""
    file, text, name = FILES[kind]
    (clone / file).write_text(text)
    listed = rows(cli(kind).out)
    assert list(listed) == sorted([*SHIPPED[kind], name])
    assert {row[-2] for known, row in listed.items() if known != name} == {"shipped"}
    assert listed[name][-2] == file
    assert {thing["origin"] for thing in cli(kind, "--json").json} == {"shipped", "here"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_the_working_directory_is_listed_with_its_path(cli, write, kind):
    """A file of the working directory is listed with its path, sorted among the shipped names."""
    file, text, name = FILES[kind]
    write(file, text)
    listed = rows(cli(kind).out)
    assert list(listed) == sorted([*SHIPPED[kind], name])
    assert listed[name][-2] == file


def test_the_columns_say_what_one_looks_for(cli, write):
    """The columns are an account's pod and number, a pod's host, and of each the file and the title."""
    for file, text, _ in FILES.values():
        write(file, text)
    assert rows(cli("accounts").out)["acme"] == ["in", "+911234567890", "profiles/accounts/acme.yaml", "Acme"]
    assert rows(cli("pods").out)["mine"] == ["https://api.example.com", "profiles/pods/mine.yaml", "Mine"]
    assert rows(cli("templates").out)["mine"] == ["templates/mine.json.j2", "Mine"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_nearest_file_of_a_name_is_the_one_that_is_listed(cli, write, tmp_path, kind):
    """A file that shadows a shipped one is listed in its place; ``--home`` replaces the working directory."""
    file, text, name = FILES[kind]
    shadow = str(Path(file).with_name(Path(file).name.replace(name, SHIPPED[kind][0])))
    write(shadow, text)
    listed = rows(cli(kind).out)
    assert list(listed) == SHIPPED[kind]
    assert listed[SHIPPED[kind][0]][-2] == shadow
    home = tmp_path / "home"
    (home / shadow).parent.mkdir(parents=True)
    (home / shadow).write_text(text)
    assert rows(cli("--home", str(home), kind).out)[SHIPPED[kind][0]][-2] == str(home / shadow)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_file_does_not_hide_the_others(cli, write, kind):
    """A broken file is an error on stderr with exit code 3, and all other files are listed on stdout."""
    file, text, name = FILES[kind]
    write(file.replace(name, "broken"), text.replace("title", "titel", 1))
    write(file, text)
    ran = cli(kind)
    assert ran.code == 3
    assert list(rows(ran.out)) == sorted([*SHIPPED[kind], name])
    assert f"error: {file.replace(name, 'broken')}:" in ran.err
    assert "did you mean title?" in ran.err
    assert KEY not in ran.out + ran.err


@pytest.mark.parametrize("kind", KINDS)
def test_every_broken_file_is_told_of(cli, write, kind):
    """Each broken file is an error: a wrong header, bytes that are not UTF-8, and a directory."""
    file, _, name = FILES[kind]
    write(file.replace(name, "b1"), b"{# titel: x #}")
    write(file.replace(name, "b2"), b"\xff")
    Path(file.replace(name, "b3")).mkdir()
    ran = cli(kind, "--json")
    assert ran.code == 3
    assert [entry["name"] for entry in ran.json] == SHIPPED[kind]
    assert [line.split(":")[1] for line in ran.err.splitlines() if line.startswith("error: ")] == [
        f" {file.replace(name, 'b1')}",
        f" {file.replace(name, 'b2')}",
        f" {file.replace(name, 'b3')} is a directory",
    ]


# ---- one


def test_one_account_is_shown_with_its_file_and_without_its_key(cli, write):
    """``accounts NAME`` shows every key of the account, the API key masked, and the account's file."""
    file = write("profiles/accounts/acme.yaml", ACCOUNT + "variables: {language: en_US, ref: x}\n")
    shown = rows(cli("accounts", "acme").out)
    assert shown == {
        "name": ["acme"], "title": ["Acme"], "pod": ["in"], "sid": ["HX1IN"], "api_key": ["(redacted)"],
        "phone_number": ["+911234567890"], "template": ["auth"], "variables": ["language=en_US, ref=x"],
        "otp": ["length=6, alphabet=digits"], "origin": ["here"], "file": [str(file)],
    }  # fmt: skip


def test_a_reference_to_a_key_is_shown(cli, write):
    """``accounts NAME`` shows a reference to an API key unmasked."""
    write("profiles/accounts/acme.yaml", ACCOUNT.replace(KEY, "env:ACME_KEY"))
    assert rows(cli("accounts", "acme").out)["api_key"] == ["env:ACME_KEY"]


def test_one_pod_is_shown_with_its_file(cli, write):
    """``pods NAME`` shows the host, the file, whether the pod is embedded and whether its messages reach a person."""
    file = write("profiles/pods/mine.yaml", POD)
    assert rows(cli("pods", "mine").out) == {
        "name": ["mine"], "title": ["Mine"], "base_url": ["https://api.example.com"], "embedded": ["false"],
        "proxy": ["http://10.0.0.1:3128"], "origin": ["here"], "file": [str(file)], "live": ["true"],
    }  # fmt: skip
    assert rows(cli("pods", "sandbox").out)["live"] == ["false"]


def test_one_template_is_shown_with_its_variables(cli, write):
    """``templates NAME`` shows the file, and the help and default of each variable."""
    file = write("templates/mine.json.j2", TEMPLATE)
    assert cli("templates", "mine").out == (
        f"name   mine\ntitle  Mine\nfile   {file}\nvariables\n  otp    the code (generated when not set)\n  index  default 0\n"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_there_is_not_is_exit_code_3(cli, kind):
    """An unknown name gives exit code 3, a did-you-mean and the known names."""
    ran = cli(kind, SHIPPED[kind][-1] + "x")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith(f"error: there is no {kind[:-1]} '{SHIPPED[kind][-1]}x'\n")
    assert f"did you mean {SHIPPED[kind][-1]}?" in ran.err
    assert SHIPPED[kind][0] in ran.err


@pytest.mark.parametrize("name", ["../accounts/acme", "a/b", "acme\n", "", "/etc/passwd", "acme.yaml"])
def test_a_name_is_no_path(cli, write, name):
    """A name with a slash, a line break or a file ending is unknown; an empty name lists all."""
    write("profiles/accounts/acme.yaml", ACCOUNT)
    ran = cli("accounts", name)
    assert ran.code == (3 if name else 0)
    assert ("there is no account" in ran.err) is bool(name)


# ---- for programs

KEYS = {
    "accounts": [
        "name",
        "title",
        "pod",
        "sid",
        "api_key",
        "phone_number",
        "template",
        "variables",
        "otp",
        "origin",
        "approved",
        "file",
    ],
    "pods": ["name", "title", "base_url", "embedded", "proxy", "origin", "file", "live"],
    "templates": ["name", "title", "variables", "origin", "source", "file"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_one_stable_list(cli, write, kind):
    """``--json`` gives each entry the same keys in the same order; one name gives that entry's object alone."""
    file, text, name = FILES[kind]
    write(file, text)
    data = cli(kind, "--json").json
    assert [entry["name"] for entry in data] == sorted([*SHIPPED[kind], name])
    assert {tuple(entry) for entry in data} == {tuple(KEYS[kind])}
    assert cli(kind, name, "--json").json == next(entry for entry in data if entry["name"] == name)


def test_the_approved_templates_are_shown_with_their_languages(cli, write):
    """``accounts NAME`` shows each approved template with its languages; ``--json`` as lists."""
    file, text, name = FILES["accounts"]
    write(file, f"{text}approved: {{auth1: [en_US, hi], login: [en]}}\n")
    assert re.search("^approved +auth1=en_US hi, login=en$", cli("accounts", name).out, re.MULTILINE)
    assert cli("accounts", name, "--json").json["approved"] == {"auth1": ["en_US", "hi"], "login": ["en"]}


def test_json_has_the_types_of_what_it_says(cli, write):
    """``--json`` has booleans, mappings and objects with their types, and absolute paths of files."""
    for file, text, _ in FILES.values():
        write(file, text)
    account, pod, template = (cli(kind, FILES[kind][2], "--json").json for kind in KINDS)
    assert account["otp"] == {"length": 6, "alphabet": "digits"}
    assert (account["variables"], account["api_key"], account["origin"]) == ({}, "(redacted)", "here")
    assert (pod["embedded"], pod["live"]) == (False, True)
    assert template["variables"] == [
        {"name": "otp", "help": "the code", "default": None, "required": True, "kind": "text"},
        {"name": "index", "help": "", "default": "0", "required": False, "kind": "integer"},
    ]
    assert template["source"] == TEMPLATE
    assert account["file"] == str(Path.cwd() / "profiles/accounts/acme.yaml")


@pytest.mark.parametrize("words", [(), ("acme",), ("--json",), ("acme", "--json")])
def test_a_literal_key_is_in_no_output(cli, write, words):
    """``accounts`` shows a literal key neither in a list nor for one account, in text or JSON."""
    write("profiles/accounts/acme.yaml", ACCOUNT)
    ran = cli("accounts", *words)
    assert ran.code == 0
    assert "acme" in ran.out
    assert KEY not in ran.out + ran.err


HOSTILE = '"\\e]0;owned\\a\\u202e\\u009b2J\\nx"'


@pytest.mark.parametrize("words", [(), ("acme",), ("--json",), ("acme", "--json")])
@pytest.mark.parametrize("kind", KINDS)
def test_a_title_cannot_control_the_terminal(cli, write, kind, words):
    """Control characters in a title are shown escaped, on one line; ``--json`` keeps them as JSON escapes."""
    file, text, name = FILES[kind]
    title = next(line for line in text.splitlines() if line.startswith("title:"))
    write(file, text.replace(title, f"title: {HOSTILE}"))
    ran = cli(kind, *(name if word == "acme" else word for word in words))
    assert ran.code == 0
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(ran.out)
    assert "]0;owned" in ran.out
    if "--json" in words:
        things = ran.json if isinstance(ran.json, list) else [ran.json]
        assert "\x1b]0;owned\x07\u202e\x9b2J\nx" in [thing["title"] for thing in things]
    else:
        assert "\\x1b]0;owned\\x07\\u202e\\x9b2J\\nx" in ran.out


def test_the_shipped_files_are_where_they_say(cli):
    """``--json`` names the file of a shipped pod by its absolute path."""
    assert cli("pods", "in", "--json").json["file"] == str(shipped_folder() / "profiles/pods/in.yaml")


def test_what_cannot_be_listed_is_not_there(cli):
    """A file in the place of the folder ``profiles`` is no error: the shipped pods are listed."""
    Path("profiles").write_text("not a folder")
    ran = cli("pods")
    assert (ran.code, list(rows(ran.out))) == (0, SHIPPED["pods"])


def test_the_source_of_a_template_can_be_copied(cli, write):
    """``templates NAME --source`` prints the text of the file, which makes another template of the same message."""
    to = "to=+919812345678"
    source = cli("templates", "auth", "--source").out
    assert source == (shipped_folder() / "templates" / "auth.json.j2").read_text()
    write("templates/mine.json.j2", source)
    assert cli("render", "-t", "mine", to, "otp=1").out == cli("render", to, "otp=1").out
    assert "templates auth --source" in cli("templates", "--source").err
