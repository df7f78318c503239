"""``import`` turns a curl command into a script that makes the same request."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.page import FORMAT, PAGE
from support.payloads import TYPED
from support.programs import needs

from kshell.console.caller import Caller
from kshell.console.dispatch import perform_line
from kshell.core.errors import ScriptError
from kshell.curl import to_script
from kshell.curl.command import read_curl
from kshell.curl.words import split
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.snippets.shells import SHELLS

KEY = "A1b2c3d4e5f6071829304a5b6c7d8e9f0"
BODY = json.dumps(
    {
        "messaging_object": {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": "+919812345678",
            "type": "template",
            "template": {
                "name": "auth1",
                "language": {"code": "en_US"},
                "components": [
                    {"type": "body", "parameters": [{"type": "text", "text": "482913"}]},
                    {
                        "type": "button",
                        "sub_type": "url",
                        "index": 0,
                        "parameters": [{"type": "text", "text": "482913"}],
                    },
                ],
            },
        },
        "extra_info": {"wa_source": "api"},
    }
)
DEMO = "http://127.0.0.1:8255/v2/HXSANDBOXIN/whatsapp/+15005550000/messages"
DOCS = "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages"
THE_SCRIPT = ["use account demo", "set to=+919812345678 otp=482913"]


@pytest.fixture
def imported(cli, write):
    """Return a function that imports a text from a file: ``imported(text, "--account", "acme")`` gives a ``Ran``."""

    def ran(text: str, *words: str):
        write("command.txt", text)
        return cli("import", "command.txt", *words)

    return ran


def script(out: str) -> list[str]:
    """Return the lines of a script."""
    return out.splitlines()


def same(one: list[str], other: list[str]) -> bool:
    """Return whether two scripts differ at most in the order of their variables."""
    return [sorted(line.split()) for line in one] == [sorted(line.split()) for line in other]


def test_the_page_s_sample_is_the_account_docs(imported):
    """The page's sample is imported as the account docs alone."""
    ran = imported(PAGE)
    assert (ran.code, ran.out, ran.err) == (0, "use account docs\n", "")


def test_the_page_s_format_is_understood(imported):
    """The page's Request Format is imported without its placeholders, and a warning names them."""
    ran = imported(FORMAT)
    assert ran.code == 0
    assert "<" not in ran.out
    assert ran.err == (
        "warning: command.txt:2:1: the command is a form; fill in its placeholders: <api_domain>, <sid>, "
        "<phone_number>, <api-key>, <to_number>, <one_time_password>, <index_value>\n"
        "hint: create your account with kshell init; then type kshell curl -a NAME to=… otp=…\n"
    )


@pytest.mark.parametrize("sid", ["<sid>", "[sid]", "{{sid}}", "{sid}", "${SID}", "$SID", "YOUR_SID"])
def test_a_form_is_no_account(imported, sid):
    """Placeholders in the URL are an error that names them, and no account is written."""
    ran = imported(
        OWN.replace("HX1698IN", sid).replace("'https", '"https').replace("messages'", 'messages"'), "--account", "acme"
    )
    assert (ran.code, ran.out) == (3, "")
    assert f"error: command.txt:1:17: the command is a form; an account cannot have its placeholders: {sid}" in ran.err
    assert "hint: replace them by your values and import it again, or type kshell init" in ran.err
    assert not Path("profiles").exists()


def test_placeholders_of_the_message_alone_are_said(imported):
    """Placeholders in the message alone give a warning, and the script uses the account."""
    ran = imported(POSTMAN.replace("+919812345678", "<to_number>").replace("482913", "<one_time_password>"))
    assert ran.out == "use account demo\n"
    assert ran.err == (
        "warning: command.txt:1:17: the command is a form; fill in its placeholders: <to_number>, "
        "<one_time_password>\n"
        "hint: add a line to the script: set to=… otp=…\n"
    )


def test_no_json_is_said_where_it_breaks(imported):
    """A payload that is not JSON is an error at the wrong character."""
    ran = imported(f'curl {DEMO} -d \'{{\n  "a": 1\n  "b": 2}}\'')
    assert "error: command.txt:3:3: the payload is not JSON" in ran.err


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("NaN", "JSON has no number NaN"),
        ("-Infinity", "JSON has no number -Infinity"),
        ("1e999", "1e999 is too large a number"),
        ("[" * 5_000 + "]" * 5_000, "it is nested too deep"),
    ],
)
def test_what_json_does_not_have_is_refused(imported, number, why):
    """Python's reader would take these numbers, and fails at so many levels; the API would refuse them."""
    ran = imported(f"curl {DEMO} -d '{{\"a\": {number}}}'")
    assert (ran.code, ran.out) == (3, "")
    assert f"the payload is not JSON: {why}\n" in ran.err


def test_a_url_on_a_line_of_its_own_is_understood(imported):
    """A URL after a line without a backslash is read, with a warning."""
    ran = imported(PAGE.replace("POST \\", "POST"))
    assert ran.out == "use account docs\n"
    assert "command.txt:1:13: a line that ends without a backslash" in ran.err


def test_a_space_after_a_backslash_is_understood(imported):
    """A space after a line's backslash is read as a continued line, with a warning."""
    ran = imported(PAGE.replace("POST \\", "POST \\ "))
    assert (ran.code, ran.out) == (0, "use account docs\n")
    assert ran.err == "warning: command.txt:1:14: a space after the backslash; remove it: a backslash ends its line\n"


def test_a_line_without_its_backslash_is_understood(imported):
    """An option after a line without a backslash belongs to the command, with a warning."""
    ran = imported(PAGE.replace("json' \\", "json'"))
    assert ran.out == "use account docs\n"
    assert "command.txt:3:36: a line that ends without a backslash" in ran.err


def test_typographic_quotes_are_understood(imported):
    """Typographic quotes are read as quotes, with a warning."""
    ran = imported(f"curl {DEMO} -H \u2018api-key: $KALEYRA_API_KEY\u2019 -d '{BODY}'")
    assert same(script(ran.out), THE_SCRIPT)
    assert "a typographic quote" in ran.err


@pytest.mark.parametrize("one", "\u2010\u2012\u2013\u2014\u2015\u2212\uff0d")
def test_typographic_dashes_are_understood(imported, one):
    """A dash that a word processor made of one hyphen or of two is read as the option's, with a warning at its place."""
    ran = imported(f"curl {one}s {DEMO} {one}X POST {one}{one}header 'a: b' {one}data-raw '{BODY}' -H 'api-key: $K'")
    assert same(script(ran.out), THE_SCRIPT)
    assert ran.err.count("a typographic dash before an option; write - before a letter and -- before a name") == 4
    assert "command.txt:1:6: a typographic dash" in ran.err


def test_a_line_that_begins_with_a_typographic_dash_belongs_to_the_command(imported):
    """After a line without a backslash, such an option is read as one with a hyphen is."""
    ran = imported(f"curl {DEMO}\n  \u2013H 'api-key: $K'\n  \u2014data '{BODY}'")
    assert same(script(ran.out), THE_SCRIPT)
    assert "a line that ends without a backslash" in ran.err


def test_a_typographic_dash_in_a_value_is_kept(imported):
    """A dash in quotes, or within a word, is text."""
    body = BODY.replace("auth1", "\u2014auth\u20131")
    assert "template_name='\u2014auth\u20131'" in imported(f"curl {DEMO} --data-raw '{body}'").out


def test_no_break_spaces_are_understood(imported):
    """The spaces of web pages and word processors separate words, with a warning; in quotes they are text."""
    body = BODY.replace("auth1", "auth\u00a01")
    ran = imported(f"curl\u00a0{DEMO} -d\u202f'{body}'")
    assert 'template_name={{ "auth\\u00a01" }}' in ran.out
    assert ran.err.count("a no-break space between two words; write a space") == 2


POSTMAN = f"""curl --location '{DEMO}' \\
--header 'Content-Type: application/json' \\
--header 'api-key: {KEY}' \\
--data-raw '{BODY}'"""

ESCAPED = BODY.replace("auth1", r"auth\u0031")
CHROME_BASH = f"""curl '{DEMO}' \\
  -H 'accept: */*' \\
  -H 'content-type: application/json' \\
  -H 'api-key: {KEY}' \\
  -H 'sec-ch-ua: "Chromium";v="130"' \\
  --data-raw $'{ESCAPED}' \\
  --compressed"""

CHROME_CMD = (
    f'curl ^"{DEMO}^" ^\r\n'
    '  -H ^"accept: */*^" ^\r\n'
    '  -H ^"content-type: application/json^" ^\r\n'
    f'  -H ^"api-key: {KEY}^" ^\r\n'
    '  --data-raw ^"' + BODY.replace('"', '^\\^"').replace("{", "^{").replace("}", "^}") + '^"'
)

FIREFOX = f"""curl '{DEMO}' --compressed -X POST -H 'User-Agent: Mozilla/5.0' -H 'Accept: */*' -H 'Origin: null' \
-H 'api-key: {KEY}' -H 'Content-Type: application/json' --data-raw '{BODY}'"""

SHORT = f"curl -sSL -XPOST {DEMO} -H'api-key:{KEY}' -HContent-Type:application/json -d'{BODY}'"


@pytest.mark.parametrize(
    "text", [POSTMAN, CHROME_BASH, CHROME_CMD, FIREFOX, SHORT], ids=["postman", "chrome", "cmd", "firefox", "short"]
)
def test_what_other_tools_copy_is_understood(imported, text):
    """Commands copied from Postman, Chrome and Firefox and a terse one give the same script, without the key."""
    ran = imported(text)
    assert ran.code == 0
    assert same(script(ran.out), THE_SCRIPT)
    assert KEY not in ran.out + ran.err


def test_what_is_not_understood_is_said(imported):
    """An option or header that is not supported is left out, with a warning."""
    ran = imported(f"curl --insecure -u me:secret -H 'x-trace: 1' -H 'api-key: {KEY}' {DEMO} -d '{BODY}' | jq .")
    assert same(script(ran.out), THE_SCRIPT)
    assert "command.txt:1:6: curl's option --insecure" in ran.err
    assert "curl's option --user" in ran.err
    assert "the header x-trace" in ran.err
    assert "what follows the command" in ran.err
    assert "secret" not in ran.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not a curl command"),
        ("wget https://x", "this is not a curl command"),
        ("Invoke-WebRequest -Uri https://x", "copy it as curl, for bash or for cmd"),
        ("curl.exe -H 'api-key: A", "a quote that is not closed"),
        ('curl.exe -H "api-key: A', "a quote that is not closed"),
        ("curl", "no URL"),
        (f"curl {DEMO}", "no payload"),
        (f"curl {DEMO} -d @body.json", "is in another file, body.json"),
        (f"curl {DEMO} -d '{{'", "the payload is not JSON"),
        (f"curl {DEMO} -d '[]'", "not a JSON object"),
        (f"curl -H 'api-key: {KEY} {DEMO} -d {{}}", "command.txt:1:9: a quote that is not closed"),
        (f'curl -H ^"api-key: {KEY}', "a quote that is not closed"),
    ],
)  # fmt: skip
def test_what_is_no_such_command_is_an_error(imported, text, message):
    """A text that is not such a command is an error with a hint and exit code 3, without the key."""
    ran = imported(text)
    assert (ran.code, ran.out) == (3, "")
    assert message in ran.err
    assert "hint: " in ran.err
    assert KEY not in ran.err


def test_it_reads_stdin(program):
    """``import`` without a file reads stdin."""
    assert same(script(program("import", input=POSTMAN.encode()).out), THE_SCRIPT)


def test_the_account_s_own_key_decides_between_two(imported):
    """Of two accounts with the same SID and number, the one with the command's key is used."""
    ran = imported(POSTMAN.replace(KEY, "Aincorrect00000000000000000000000"))
    assert ran.out.startswith("use account incorrect-key\n")


def test_another_pod_is_used(imported, write):
    """An account of another host is used with the pod of the command's host."""
    write("profiles/accounts/mine.yaml", "pod: sg\nsid: HX1IN\napi_key: env:K\nphone_number: '+911234567890'\n")
    ran = imported(POSTMAN.replace(DEMO, "https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages"))
    assert ran.out.startswith("use account mine\nuse pod in\nset ")


def test_a_variable_that_the_account_adds_is_said(imported):
    """A variable that the account adds to the command gives a warning."""
    ran = imported(PAGE.replace('"ref2": "dictionary",\n', ""))
    assert "warning: account docs sets ref2, which the command does not have" in ran.err


# ---- an account, a template

OWN = POSTMAN.replace(DEMO, "https://api.in.kaleyra.io/v2/HX1698IN/whatsapp/+911234567890/messages")


def test_an_account_is_written_without_the_key(imported, monkeypatch):
    """``--account`` writes an account with mode 0600 and a reference to the key, and the script makes the request."""
    ran = imported(OWN, "--account", "acme")
    file = Path("profiles/accounts/acme.yaml")
    assert ran.code == 0
    assert same(script(ran.out), ["use account acme", "set to=+919812345678 otp=482913"])
    assert KEY not in file.read_text() + ran.err
    assert 'api_key: "env:KALEYRA_API_KEY"' in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "export KALEYRA_API_KEY=…" in ran.err
    drafted = _drafted(script(ran.out))
    assert json.loads(drafted.body) == json.loads(BODY)
    assert drafted.url == "https://api.in.kaleyra.io/v2/HX1698IN/whatsapp/+911234567890/messages"


@pytest.mark.parametrize(
    "option", [f"--header='api-key: {KEY}'", f"-H 'api-key: ${KEY}'", f"-H 'api-key: %{KEY}%'", f"--api-key={KEY}"]
)
def test_a_key_in_an_odd_place_is_not_repeated(imported, option):
    """A key in an unusual place is neither printed nor written."""
    ran = imported(f"curl {DEMO} {option} -d '{BODY}'", "--account", "acme")
    assert KEY not in ran.out + ran.err + "".join(file.read_text() for file in Path("profiles").rglob("*.yaml"))


@pytest.mark.parametrize("reference", ["$ACME_KEY", "${ACME_KEY}"])
def test_a_reference_to_the_key_is_kept(imported, reference):
    """A variable in place of the key becomes the account's reference."""
    imported(OWN.replace(f"'api-key: {KEY}'", f'"api-key: {reference}"'), "--account", "acme")
    assert "env:ACME_KEY" in Path("profiles/accounts/acme.yaml").read_text()


def test_an_account_is_not_overwritten(imported, write):
    """``--account`` refuses the name of an existing file."""
    file = write("profiles/accounts/acme.yaml", "mine")
    ran = imported(OWN, "--account", "acme")
    assert ran.code == 2
    assert "is there already" in ran.err
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["../x", "", "a b", ".x"])
def test_a_name_that_is_none_is_refused(imported, name):
    """``--account`` refuses a name that is not valid."""
    ran = imported(OWN, f"--account={name}")
    assert ran.code == (2 if name else 0)
    assert not Path("profiles").exists()


def test_an_unknown_host_needs_a_pod(imported):
    """``--account`` for an unknown host is an error that says how to write a pod."""
    ran = imported(OWN.replace("api.in.kaleyra.io", "api.na.kaleyra.ai"), "--account", "acme")
    assert ran.code == 2
    assert "no pod has the host of https://api.na.kaleyra.ai" in ran.err
    assert "profiles/pods/NAME.yaml" in ran.err
    assert not Path("profiles").exists()


def test_an_account_that_cannot_be_is_not_left_behind(imported):
    """An account that would not load is not left on the disk."""
    ran = imported(OWN.replace("+911234567890", "somebody"), "--account", "acme")
    assert ran.code == 3
    assert not Path("profiles/accounts/acme.yaml").exists()


MEDIA = json.dumps(
    {
        "messaging_object": {
            "to": "+919812345678",
            "type": "template",
            "template": {
                "name": "{{ order }}",
                "components": [{"type": "header", "parameters": [{"text": "{% x %}"}]}],
            },
        },
        "extra_info": {"ref": "customer1", "note": "a \\ b"},
    }
)


def test_an_unknown_payload_becomes_a_template(imported):
    """``--template`` writes a template with which the script makes the payload again."""
    ran = imported(POSTMAN.replace(BODY, MEDIA), "--template", "media")
    assert ran.code == 0
    assert script(ran.out)[:2] == ["use account demo", "use template media"]
    assert json.loads(_drafted(script(ran.out)).body) == json.loads(MEDIA)


def test_a_template_is_suggested_in_comments(imported):
    """Without ``--template`` the template is printed in comments, and the script runs."""
    ran = imported(POSTMAN.replace(BODY, MEDIA))
    assert "# use template imported, once templates/imported.json.j2 holds:\n" in ran.out
    _run(script(ran.out))
    assert '#     "to": "{{ to }}",' in ran.out
    assert "import … --template NAME" in ran.err
    assert not Path("templates").exists()


def test_nothing_is_written_where_something_fails(imported):
    """If the account cannot be written, the template is not written either."""
    text = OWN.replace("api.in.kaleyra.io", "api.na.kaleyra.ai").replace(BODY, MEDIA)
    assert imported(text, "--account", "acme", "--template", "media").code == 2
    assert not Path("profiles").exists()
    assert not Path("templates").exists()


def test_a_payload_without_the_page_s_fields_becomes_a_template(imported):
    """A payload without the page's fields becomes a template without variables."""
    ran = imported(POSTMAN.replace(BODY, '{"a": [1, "b"]}'), "--template", "odd")
    assert json.loads(_drafted(script(ran.out)).body) == {"a": [1, "b"]}


@pytest.mark.parametrize("header", [KEY, f"api-key {KEY}", f"api-key={KEY}"])
def test_a_key_in_a_header_without_a_colon_is_not_shown(imported, header):
    """A header without a colon is a warning that does not show it, since it may be the key."""
    ran = imported(f"curl {DEMO} -H '{header}' -d '{BODY}'")
    assert "a header without a colon" in ran.err
    assert KEY not in ran.out + ran.err


# ---- import(curl(x)) == x

FAMILIES = {curl: shell for shell, curl in SHELLS.items()}.values()  # one shell of those that have the same function
HOSTILE = 'it\'s "x" `id` $HOME ${a} $(id) %PATH% !a ^& | <b> \\ \\\\ \\" {{ 1 }} # é😀\n\tend\''


@pytest.mark.parametrize("shell", FAMILIES)
def test_one_command_reads_what_another_prints(cli, shell):
    """``kshell curl | kshell import`` keeps any text, for every family of shells."""
    printed = cli("curl", "to=+919812345678", "otp=482913", f"ref={HOSTILE}", "--shell", shell)
    ran = cli("import", input=printed.out.encode())
    assert (printed.code, ran.code, ran.err) == (0, 0, "")
    rendered = cli("run", "-", input=f"{ran.out}render\n".encode())
    assert rendered.json["extra_info"]["ref"] == HOSTILE


def _drafted(lines):
    """Return the request that a session makes after these lines of a script."""
    return _run(lines).draft(Overrides()).request


def _run(lines):
    """Return a session in which these lines were run."""
    session = Session(Places.standard())
    for line in lines:
        done = perform_line(line, Caller(session, "script"))
        assert done.exit_code == 0, (line, done.notes)
    return session


def _back(request, shell, compact, around=("", "")):
    """Return the request of the script that is imported from the request's curl command, with text around it."""
    text = SHELLS[shell](request, None, compact).join(around)
    places = Places.standard()
    copied = read_curl(text, "test")
    imported = to_script.find_template(copied, to_script.find_profiles(copied, places, "demo"), places)
    assert imported.template
    assert not copied.notes
    return _drafted(to_script.script(imported, "new"))


values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
variables = st.fixed_dictionaries(
    {"to": values, "otp": values}, optional=dict.fromkeys(("ref", "ref1", "ref2", "template_name", "index"), values)
)


@pytest.mark.parametrize("shell", FAMILIES)
@given(variables, st.booleans(), st.sampled_from([("", ""), ("Send it:\n\n```\n", "\n```\n\nIt's sent.\n")]))
def test_what_curl_prints_is_imported_unchanged(shell, typed, compact, around):
    """Importing the output of ``curl``, in a fence too, gives the same request, for any text in any variable."""
    request = Session(Places.standard()).draft(Overrides(variables=typed)).request
    assert _back(request, shell, compact, around) == request


@given(variables, st.sampled_from(["$ ", "time ", "export K=x\n\n", "K='a b' ", "cd 'a b' && "]))
def test_what_stands_before_curl_changes_nothing(typed, before):
    """A prompt, assignments and other commands before ``curl`` change no request."""
    request = Session(Places.standard()).draft(Overrides(variables=typed)).request
    assert _back(request, "bash", compact=False, around=(before, "")) == request


@pytest.mark.parametrize("shell", FAMILIES)
@pytest.mark.parametrize("kind", TYPED)
def test_hostile_text_is_imported_unchanged(shell, kind):
    """Importing the output of ``curl`` gives the same request for the hostile corpus."""
    names = ("to", "otp", "ref", "ref1", "ref2")
    session = Session(Places.standard())
    for texts in zip(*[iter(TYPED[kind])] * len(names), strict=True):
        request = session.draft(Overrides(variables=dict(zip(names, texts, strict=True)))).request
        assert _back(request, shell, compact=False) == request


@pytest.mark.parametrize("account", ["docs", "low-balance", "number-version"])
def test_every_account_is_found_again(account):
    """The host, SID and number of a command find its account."""
    request = (
        Session(Places.standard()).draft(Overrides(account, variables={"to": "+919812345678", "otp": "1"})).request
    )
    assert _back(request, "bash", compact=False) == request


@given(st.text())
def test_any_text_is_read_or_refused(text):
    """Any text after ``curl`` is read or raises ScriptError."""
    try:
        read_curl(f"curl {text}", "test")
    except ScriptError:
        return


@given(st.lists(st.text(st.sampled_from("abc '\"\\$`!#~=-.{}\t"), max_size=6), max_size=4))
def test_words_are_those_of_bash(words):
    """Words quoted by ``shlex.join`` are read as the same words."""
    import shlex

    assert [word.text for word in split("curl " + shlex.join(words)).words] == ["curl", *words]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (r"$'a\nb\t\'\\'", "a\nb\t'\\"),
        (r"$'\x41\u00e9\U0001f600\101'", "Aé😀A"),
        (r"$'\ud83d\ude00'", "😀"),
        (r'"a\"b\\c\$d`"', 'a"b\\c$d`'),
        ('"a\\\nb"', "ab"),
        ("a'b'\"c\"d", "abcd"),
        ("a\\ b", "a b"),
    ],
)
def test_a_word_of_bash(text, word):
    """Each kind of bash quoting is read as in bash."""
    assert split(f"curl {text}").words[1].text == word


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("$x = 'a''b'; curl.exe $x $y", ["curl.exe", "a'b", "$y"]),
        ("curl.exe `\n  'a b' \"c`\"d\" e`'f", ["curl.exe", "a b", 'c"d', "e'f"]),
        ('curl.exe "k: $env:KEY" | x', ["curl.exe", "k: $env:KEY"]),
        ("curl.exe\nother", ["curl.exe"]),
    ],
)
def test_words_of_powershell(text, words):
    """PowerShell's quotes, backticks and variables are read, up to the end of the command."""
    assert [word.text for word in split(text).words] == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('curl ^"a b^" ^\n  c^&d & x', ["curl", "a b", "c&d"]),
        ('curl "a^b" ^"c\\\\^" d\\\n^', ["curl", "a^b", "c\\", "d\\"]),
        ('curl ^ \n  ^"a^\n\nb^"', ["curl", "a\nb"]),
    ],
)
def test_words_of_cmd(text, words):
    """The carets, quotes and backslashes of cmd.exe are read, up to the end of the command."""
    assert [word.text for word in split(text).words] == words


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('curl "$(id)"', "a command within the command"),
        ("curl $'a", "a quote that is not closed"),
        ('curl ^ \n  ^"a^"', "a space after the caret"),
        ("curl a\nls", "what follows the command"),
    ],
)
def test_what_is_odd_is_told(text, message):
    """A command substitution, an open quote, a space after a caret and a second command are reported."""
    assert [odd.message for odd in split(text).oddities] == [message]


def test_what_a_message_cannot_hold_is_told(imported):
    """Another method, a variable in the payload and another URL are reported."""
    body = BODY.replace('"', '\\"').replace("auth1", "$NAME")
    ran = imported(f'curl -X PUT -# -5 --data "{body}" https://api.in.kaleyra.io/v1/other')
    assert "the method PUT; the API takes POST" in ran.err
    assert "the shell's variable NAME in the payload" in ran.err
    assert "a URL that is not this API's" in ran.err
    assert "curl's option -5" in ran.err


def test_too_much_on_stdin_is_an_error(cli):
    """More than 256 KiB on stdin is an error with exit code 3."""
    ran = cli("import", input=b"x" * 300_000)
    assert ran.code == 3
    assert "stdin is larger than 256 KiB" in ran.err


def test_an_account_of_another_host_is_said(imported):
    """A known SID and number on an unknown host gives a warning."""
    ran = imported(PAGE.replace("api.in.kaleyra.io", "api.na.kaleyra.ai"))
    assert "no pod has the host of the command; the pod of docs is in" in ran.err


@needs("bash")
def test_bash_agrees():
    """Quoted words are read as bash passes them to a program."""
    text = r"""$'a\nb\'\\\x41é' "a\"b\\c" 'x'"'"'y' a\ b"""
    code = [sys.executable, "-c", "import sys, json; print(json.dumps(sys.argv[1:]))"]
    ran = subprocess.run(["bash", "-c", f'"$0" "$1" "$2" {text}', *code], capture_output=True, text=True)
    assert [word.text for word in split(f"curl {text}").words[1:]] == json.loads(ran.stdout)
