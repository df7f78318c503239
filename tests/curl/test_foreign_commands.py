"""curl commands that others wrote are read as curl and their shell read them."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from support.programs import needs
from support.servers import ACCEPTED, Server, answer, read

from kshell.core.errors import ScriptError
from kshell.curl.command import read_curl
from kshell.curl.lint import all_faults
from kshell.curl.options import parse, values
from kshell.curl.recover import new_template
from kshell.curl.words import split

URL = "https://api.in.kaleyra.io/v2/HX1IN/whatsapp/+911234567890/messages"
HOSTS = {"https://api.in.kaleyra.io"}


def urls(text: str) -> list[str]:
    """Return the URLs of a command's options."""
    return [word.text for word in values(parse(split(text).words[1:]), "--url")]


def told(text: str) -> list[str]:
    """Return what is reported of a command."""
    return [odd.message for odd in read_curl(text, "f").notes]


# ---- options


@needs("curl")
def test_every_option_of_the_installed_curl_is_known():
    """An option takes the next word as its value if ``curl --help all`` says so, in its long and in its short form."""
    listed = subprocess.run(["curl", "--help", "all"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^ (?:(-\S),|   ) (--\S+) +([<\[]?)", listed, re.MULTILINE)
    assert len(rows) > 200
    for short, long, value in rows:
        for name in filter(None, [short, long]):
            valued = value and long not in ("--help", "--url")  # --help alone is a command
            assert (name, urls(f"curl {name} x {URL}")) == (name, [URL] if valued else ["x", URL])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("-sSLo out", [URL]),
        ("-sSLoout", [URL]),
        ("-XPOST -m5 -D -", [URL]),
        ("--max-redirs 5 --noproxy x --oauth2-bearer T", [URL]),
        ("--no-location --no-buffer --no-keepalive", [URL]),
        ("--no-max-time", [URL]),
        ("--dump-he h --sile", [URL]),
        ("--ca x", ["x", URL]),
        ("--ech x --sigalgs x --ip-tos x --vlan-priority x --upload-flags x", [URL]),
        ("--mptcp --skip-existing --tls-earlydata --out-null", [URL]),
        ("--", [URL]),
        ("-- -x", ["-x", URL]),
        ("-", ["-", URL]),
    ],
)
def test_an_option_s_value_is_no_url(words, found):
    """Clusters, attached values, negations, unique beginnings, ``--`` and new options are read by curl's rules."""
    assert urls(f"curl {words} {URL}") == found


def test_an_option_with_an_equals_sign_is_reported():
    """Curl does not take ``--option=value``; the report does not show the value."""
    assert told(f"curl --header='api-key: secret' {URL} -d '{{}}'") == ["curl's option --header=…"]


@needs("curl")
def test_several_bodies_are_joined_as_curl_joins_them():
    """Curl writes ``&`` before each further body, but not before ``--json``."""
    words = ["--json", '{"a":', "--json", '"', "-d", 'b"', "--json", "}"]
    with Server(read, answer(202, ACCEPTED)) as server:
        subprocess.run(["curl", "-s", server.url, *words], check=True, capture_output=True)
    assert json.loads(server.requests[0].body) == {"a": "&b"}
    assert read_curl(f"curl {URL} --json '{{\"a\":' --json '\"' -d 'b\"' --json '}}'", "f").payload == {"a": "&b"}


def test_only_the_first_request_is_read():
    """``--next`` and a second URL are reported, and their options do not mix with the first request's."""
    copied = read_curl(f"curl {URL} -d '{{}}' --next https://x.example -d 1 -X PUT", "f")
    assert copied.payload == {}
    assert [odd.message for odd in copied.notes] == ["a second request, after --next"]
    assert told(f"curl {URL} https://x.example -d '{{}}'") == ["a second URL"]


@pytest.mark.parametrize("body", [r"""$'{"a": "\ud800"}'""", r"""'{"a": "\ud800"}'"""])
def test_half_a_character_is_refused(body):
    """A lone surrogate, of the shell or of JSON, is an error that names it."""
    with pytest.raises(ScriptError, match=r"\\ud800") as caught:
        read_curl(f"curl {URL} -d {body}", "f")
    assert (caught.value.note.place.line, caught.value.note.place.column) == (1, len(URL) + 10)


# ---- words


ANSI = {
    r"caf\xc3\xa9": "café",
    r"caf\303\251": "café",
    r"\xe2\x82\xac\u20ac": "€€",
    r"\xf0\x9f\x98\x80": "😀",
    r"\x4G\18": "\x04G\x018",
    r"a\0b": "a",
    r"\q\cA": "\\q\x01",
}


@pytest.mark.parametrize("text", ANSI)
def test_an_escape_is_a_byte(text):
    r"""``\xHH`` and ``\OOO`` in ``$'…'`` are bytes of UTF-8."""
    assert split(f"curl $'{text}'").words[1].text == ANSI[text]


@needs("bash")
def test_bash_reads_the_escapes_alike():
    """Bash gives a program the same texts for these escapes."""
    script = "".join(f"printf '%s\\0' $'{text}'\n" for text in ANSI)
    ran = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert ran.stdout.decode().split("\0")[:-1] == list(ANSI.values())


def test_bytes_that_are_no_text_are_reported():
    """Bytes that are not UTF-8 are reported."""
    assert [odd.message for odd in split(r"curl $'\xff'").oddities] == ["bytes that are not UTF-8"]


HERE = {
    "<<'EOF'\n{\"a\": \"$x \\n \\\" `id`\"}\nEOF": '{"a": "$x \\n \\" `id`"}\n',
    '<<EOF\n\\$5 \\` \\\\ \\" \\n a\\\nb\nEOF': '$5 ` \\ \\" \\n ab\n',
    "<<-EOF\n\t\t{\n\t}\n\tEOF": "{\n}\n",
    "<<\"E F\" >out 2>&1\nx\nE F": "x\n",
    "<<A <<B\na\nA\nb\nB": "b\n",
    "<<<'x y'": "x y",
    "<<EOF | cat\nx\nEOF": "x\n",
}  # fmt: skip


@pytest.mark.parametrize("text", HERE)
def test_a_here_document_is_curl_s_stdin(text):
    """A here-document or a here-string is curl's stdin, with its escapes and tabs read as in bash."""
    read = split(f"curl -d @- {text}\n")
    assert read.stdin.text == HERE[text]
    assert [odd.message for odd in read.oddities] == ["what follows the command"] * text.count("|")
    assert [word.text for word in read.words] == ["curl", "-d", "@-"]


@needs("bash")
def test_bash_reads_the_here_documents_alike():
    """Bash gives a program the same texts as stdin."""
    for text, stdin in HERE.items():
        script = f"cat {text.replace('>out', '')}\n"
        ran = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
        assert ran.stdout.decode().removesuffix("\n") == stdin.removesuffix("\n")


@pytest.mark.parametrize(
    "text",
    [
        f"curl -X POST {URL} \\\n  -d @- <<'EOF'\n{{\"a\": 1}}\nEOF\n",
        f'curl -d @- <<EOF {URL} >/dev/null 2>&1\n{{"a": 1}}\nEOF',
        f"cat <<'EOF' | curl -d @- {URL}\n{{\"a\": 1}}\nEOF",
        f"echo '{{\"a\": 1}}' | curl --json @- {URL}",
        f"curl --data-binary @- {URL} <<< '{{\"a\": 1}}'",
    ],
)
def test_a_body_from_stdin_is_the_payload(text):
    """``@-`` is the text that the shell gives to curl."""
    copied = read_curl(text, "f")
    assert (copied.payload, copied.notes) == ({"a": 1}, ())


PRINTED = {
    '"$(cat <<EOF\n{\\\\ \\$y \'"}\n\n\nEOF\n)"': "{\\ $y '\"}",
    "\"a $(cat <<'EOF'\n$x )\nEOF\n) b\"": "a $x ) b",
    '"$(cat <<-E\n\t{\n\tE\n)"': "{",
    '"$(cat <<EOF\r\n{\r\nEOF\r\n)"': "{\r",
}


@pytest.mark.parametrize("text", PRINTED)
def test_what_cat_prints_of_a_here_document_is_the_text(text):
    """``$(cat <<EOF …)``, with which scripts write a body of several lines, is its text."""
    read = split(f"curl {text} x")
    assert ([word.text for word in read.words], read.oddities) == (["curl", PRINTED[text], "x"], ())


@needs("bash")
def test_bash_reads_what_cat_prints_alike():
    """Bash gives a program the same words."""
    for text, word in PRINTED.items():
        ran = subprocess.run(["bash", "-c", f"printf %s {text}"], capture_output=True, check=True)
        assert ran.stdout.decode() == word


@pytest.mark.parametrize("inner", ["cat <<EOF | tr a b\nx\nEOF\n", "cat <<EOF\nx\nEOF\n| tr a b", "cat x", "cat <<< x"])
def test_what_another_command_prints_is_reported(inner):
    """Any other command within the command is reported."""
    assert "a command within the command" in [odd.message for odd in split(f'curl "$({inner})"').oddities]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ('-d "$BODY"', "the payload is in a variable of the shell, $BODY"),
        ('-d "${BODY}"', "the payload is in a variable of the shell, ${BODY}"),
        ('-d "$(jq -n 1)"', "the payload is what another command prints"),
        ("-d @body.json", "the payload is in another file, body.json"),
        ('-d "{"a": 1}"', "double quotes around the payload, which end at the first one in it"),
        ("-F a=b", "a form, not JSON, is the payload of the command"),
        ("--data-urlencode a=b", "a form, not JSON, is the payload of the command"),
    ],
)
def test_an_error_says_where_the_payload_is(words, message):
    """A payload that is not in the command, or whose quotes the shell takes, is an error that says so."""
    with pytest.raises(ScriptError) as caught:
        read_curl(f"curl {URL} {words}", "f")
    assert caught.value.note.text == message
    assert "'{…}'" in caught.value.hint


def test_another_site_s_url_needs_no_account(cli, write):
    """For a URL that is not this API's no account is missed."""
    write("c.txt", "curl https://x.example/v1 -d '{}'")
    assert "a URL that is not this API's" in cli("import", "c.txt").err
    assert "no account" not in cli("import", "c.txt").err


def test_a_variable_of_a_here_document_is_reported():
    """A variable in a here-document whose delimiter is not quoted is reported; in a quoted one it is text."""
    for quote, messages in (("", ["the shell's variable TO in the payload"]), ("'", [])):
        assert told(f'curl {URL} -d @- <<{quote}EOF{quote}\n{{"to": "$TO"}}\nEOF') == messages


def test_a_here_document_without_an_end_is_an_error():
    """A here-document without its last line is an error that says what to write."""
    with pytest.raises(ScriptError, match="a here-document without an end") as caught:
        read_curl(f"curl {URL} -d @- <<EOF\n{{}}\n", "f")
    assert caught.value.hint == "end it with the line EOF"


# ---- line ends of Windows

RETURNS = {
    "'x\r\ny'": "x\r\ny",
    '"x\r\ny"': "x\r\ny",
    "$'x\r\ny'": "x\r\ny",
    "x\ry": "x\ry",
    "@- <<'EOF'\r\nx\r\nEOF\r\n": "x\r\n",
    "@- <<EOF\r\nx\r\nEOF\r\n": "x\r\n",
}


@pytest.mark.parametrize("text", RETURNS)
def test_a_carriage_return_of_a_text_is_kept(text):
    """A carriage return in a quoted word, in a word and in a here-document belongs to the text, and is not reported."""
    read = split(f"curl {text}")
    assert ((read.stdin or read.words[1]).text, read.oddities) == (RETURNS[text], ())


@needs("bash")
def test_bash_keeps_the_carriage_returns_too():
    """Bash gives a program the same carriage returns."""
    for text, kept in RETURNS.items():
        script = f"cat {text.removeprefix('@-')}" if text.startswith("@") else f"printf %s {text}"
        assert (text, subprocess.run(["bash", "-c", script], capture_output=True, check=True).stdout.decode()) == (
            text,
            kept,
        )


@needs("bash", "curl")
def test_a_file_of_windows_gives_the_payload_that_bash_and_curl_send():
    """A raw CRLF in a string of the body is imported as bash and curl send it, and reported at its place."""
    body = '--data-raw \'{\r\n  "a": "x\r\ny"\r\n}\'\r\n'
    with Server(read, answer(202, ACCEPTED)) as server:
        subprocess.run(["bash", "-c", f"curl -s {server.url} {body}"], check=True, capture_output=True)
    copied = read_curl(f"curl {URL} {body}", "f")
    assert copied.payload == json.loads(server.requests[0].body, strict=False) == {"a": "x\r\ny"}
    (odd,) = copied.notes
    assert (odd.line, odd.column, odd.fix) == (2, 10, "it was read as \\r\\n")


@pytest.mark.parametrize(
    "text",
    [
        f"curl {URL} \\\r\n  -H 'a: b' \\\r\n  -d '{{}}'\r\n",
        f"curl \\ \r\n  {URL} -d '{{}}'",
        f'curl {URL} -d "{{\\\r\n}}"',
        f"curl {URL} -d @- <<EOF\r\n{{\\\r\n}}\r\nEOF\r\n",
        f"curl -d '{{}}' {URL}\r\n",
    ],
)
def test_a_carriage_return_at_which_bash_fails_is_reported_once(text):
    """A carriage return after a backslash or after the URL breaks the command in bash; it is read as a line end."""
    copied = read_curl(text, "f")
    assert (copied.url, copied.payload) == (URL, {})
    returns = [odd for odd in copied.notes if "carriage return" in odd.message]
    assert [odd.fix for odd in returns] == ["save the file with Unix line ends"]


@pytest.mark.parametrize("text", ["curl ^\r\n  a", "curl.exe `\r\n  a", "curl.exe --% a\r\nb"])
def test_the_shells_of_windows_take_its_line_ends(text):
    """For cmd.exe and PowerShell CRLF is a line end like another."""
    read = split(text)
    assert [word.text for word in read.words[1:]] == ["a"]
    assert [odd.message for odd in read.oddities if "carriage" in odd.message] == []


@pytest.mark.parametrize(("raw", "escaped"), [("\n", "\\n"), ("\t", "\\t"), ("\0", "\\u0000")])
def test_a_raw_control_character_in_a_string_is_reported(raw, escaped):
    """JSON has control characters in a string only as escapes, so a raw one is reported; between the strings it is a blank."""
    (odd,) = read_curl(f'curl {URL} -d \'{{\n\t"a": "x{raw}"\n}}\'', "f").notes
    assert (odd.line, odd.column, odd.fix) == (2, 9, f"it was read as {escaped}")


def test_stdin_that_is_not_utf_8_is_refused(cli):
    """Bytes that are not UTF-8 are an error at their place, not replaced in the message."""
    ran = cli("import", input=f'curl {URL}\n -d \'{{"a": "'.encode() + b"caf\xe9\"}'")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: stdin:2:16: not UTF-8: byte 0xe9")


# ---- where curl stands

BEFORE = [
    "$ ", "> ", "user@host:~/a$ ", "root@host:/# ", "PS C:\\work> ", "C:\\a b>", "  ", "KEY=secret ", "KEY='a b' URL=\"x y\" ",
    "time ",
    "sudo -u bob ", "env A=b ", "cd 'my dir' && ", "cd a; LOG=1 ", "if ! ", "for i in 1 2; do ", "timeout 5 ", "/opt/bin/",
    "export KEY=secret\n", "export KEY=secret\n\n# send it\n$ ", "#!/bin/sh\nset -e\n", "Some text:\n\n```bash\n",
    "> Quoted:\n>\n> ```sh\n> ", "RESPONSE=$(", 'RESPONSE="$(', "(",
]  # fmt: skip
AFTER = {
    "RESPONSE=$(": ")",
    'RESPONSE="$(': ')"',
    "(": ")",
    "Some text:\n\n```bash\n": "\n```\n\nMore text; it's here.\n",
}


def test_curl_need_not_be_the_first_word():
    """What stands before curl is passed over, and places are those in the text."""
    for before in BEFORE:
        text = f"{before}curl {URL} -d '{{}}' -H 'x: 1'{AFTER.get(before, '')}"
        copied = read_curl(text, "f")
        assert copied.payload == {}
        (odd,) = copied.notes
        assert odd.message == "the header x"
        assert text.split("\n")[odd.line - 1][odd.column - 1 :].startswith("'x: 1'")


def test_the_check_of_documents_sees_it_too():
    """A fault of a command is found wherever curl stands on its line."""
    for before in BEFORE:
        text = f"{before}curl https://api.na.kaleyra.io/v2/x"
        (fault,) = all_faults(text, HOSTS)
        assert fault.message == "an unknown host, https://api.na.kaleyra.io"
        assert text.split("\n")[fault.line - 1][fault.column - 1 :] == "https://api.na.kaleyra.io/v2/x"


@pytest.mark.parametrize("before", ["export API_KEY=", "KEY=", "set KALEYRA_API_KEY=", '$ KEY="'])
def test_a_real_key_before_curl_is_found(before):
    """A key that a variable gets in the block of a command is found as one in a header is; a placeholder is not."""
    (fault,) = all_faults(f"\n{before}A1b2c3d4e5f6071829304a5b6c7d8e9f0\ncurl https://x.example\n", HOSTS)
    assert (fault.line, fault.column, fault.message) == (2, len(before) + 1, "what looks like a real API key")
    for other in ("YOURAPIKEYGOESHERE", "$OTHER", "xxxxxxxxxxxxxxxx1", "…"):
        assert list(all_faults(f"{before}{other}\ncurl https://x.example\n", HOSTS)) == []


@pytest.mark.parametrize(
    "text",
    [
        "# curl x",
        "echo curl 'x",
        "it's curl x",
        'echo "curl x"',
        "curling 'x",
        "see `curl x`",
        "brew install curl 'x",
        "",
    ],
)
def test_a_word_in_a_text_is_no_command(text):
    """A comment, a quoted text, an argument and prose hold no command."""
    assert list(all_faults(text, HOSTS)) == []
    with pytest.raises(ScriptError, match="this is not a curl command"):
        read_curl(text, "f")


def test_the_prompts_of_further_lines_are_no_text():
    """The ``> `` that a shell prints before a further line is not part of the command."""
    copied = read_curl(f"$ curl {URL} \\\n> -d '{{\n>   \"a\": 1\n> }}'\nok\n", "f")
    assert copied.payload == {"a": 1}
    assert [(odd.line, odd.message) for odd in copied.notes] == [(4, "what follows the command")]


def test_a_command_in_the_command_has_its_own_quotes():
    """``$(…)`` is one piece, whatever quotes are in it, and is reported."""
    text = f"""curl {URL} -H "api-key: $(cat "$HOME/a b" | tr ")" x)" -d '{{}}'"""
    assert told(text) == ["a command within the command"]


# ---- PowerShell

HERE_STRINGS = {
    '@\'\n{"a": "it\'s $x `n """}\n\'@': '{"a": "it\'s $x `n """}',
    "@'\r\nx\r\ny\r\n'@": "x\r\ny",
    "@' \t\n x\n '@\n\n'@": " x\n '@\n",
    "@'\n'@": "",
    "@'\n\n'@": "",
    '@"\n"a" `"b`" ""\t`t`u{e9}`$x\n"@': '"a" "b" ""\t\té$x',
    '@"\n$to $To ${to} $toto `\n $env:KEY\n"@': "+91 +91 +91 $toto \n $env:KEY",
    '"{""a"": 1}"': '{"a": 1}',
    "$TO": "+91",
    "$env:KEY": "$env:KEY",
}


@pytest.mark.parametrize(
    "command",
    ["curl.exe -d {}\n", "{} | curl.exe -d '@-'", "$body = {}\n\ncurl -d $body", "$body = {}\n$Body | curl x"],
)
def test_a_here_string_is_read_as_powershell_reads_it(command):
    """A here-string, a quoted text or a variable is an argument, a variable's value, or curl's stdin."""
    for text, value in HERE_STRINGS.items():
        read = split(f"$to = '+91'\r\n{command.format(text)}")
        assert (read.stdin or read.words[2]).text == value
        assert read.words[0].text.startswith("curl")
        assert read.oddities == ()


@needs("tree_sitter", "tree_sitter_powershell")
def test_a_published_grammar_ends_the_here_strings_alike():
    """tree-sitter's grammar of PowerShell finds the same ends; it has no empty here-string."""
    import tree_sitter
    import tree_sitter_powershell as grammar

    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    for text in HERE_STRINGS:
        if len(text.split("\n")) > 2:
            root = parser.parse(f"$x = {text}\ncurl.exe -d $x".encode()).root_node
            assert (text, root.has_error, root.named_children[0].named_child_count) == (text, False, 2)


def test_an_error_in_a_here_string_has_its_place():
    """A payload that is not JSON is an error at its place in the here-string that a variable holds."""
    with pytest.raises(ScriptError, match="the payload is not JSON") as caught:
        read_curl(f"$body = @'\n{{\n  \"a\": x\n}}\n'@\n$body | curl.exe {URL} --json '@-'", "f")
    assert (caught.value.note.place.line, caught.value.note.place.column) == (3, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"curl.exe {URL} -d @'\n{{}}\n  '@", "a here-string that is not closed"),
        (f"curl {URL} -d @'\n{{}}\n  '@", "a here-string that is not closed"),
        (f"$b = '{{' + '}}'\ncurl.exe -d $b {URL}", r"the payload is in a variable of the shell, \$b"),
        (f"Get-Content x | curl.exe -d '@-' {URL}", "the payload comes from stdin"),
    ],
)
def test_a_payload_that_powershell_would_compute_is_an_error(text, message):
    """A here-string whose end is indented, an expression and a program's output are refused."""
    with pytest.raises(ScriptError, match=message):
        read_curl(text, "f")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (f"$response = (curl.exe -d @'\n{{}}\n'@ {URL})\n", []),
        (f'curl.exe -d "{{`"a`": 1}}`n" {URL}', []),
        (f"$h = @{{\n  a = 'b'\n}}\n# it's\n$u = \"{URL}\"\n$b = '{{}}'\ncurl.exe -d $b $u # it's", []),
        (f'curl.exe -d "{{`"a`": `"$TO`"}}" {URL}', ["the shell's variable TO in the payload"]),
        (f'curl.exe -d "{{`"a`": `"$(id)`"}}" {URL}', ["a command within the command"]),
        (f"curl.exe -d '{{\\\"a\\\": 1}}' {URL}", ["quotes with backslashes, for PowerShell before 7.3"]),
        (f"curl.exe {URL} ` \n  -d '{{}}'", ["a space after the backtick"]),
    ],
)
def test_what_powershell_reads_otherwise_is_reported(text, messages):
    """What stands around a command is passed over; a variable, a command in a text and older escapes are reported."""
    assert told(text) == messages


def test_quotes_that_are_escaped_for_powershell_5_are_quotes():
    """The backslashes that PowerShell needs before 7.3 are no part of the payload."""
    assert read_curl(f'curl.exe -d \'{{\\"a\\": \\"x \\\\\\" y\\"}}\' {URL}', "f").payload == {"a": 'x " y'}


def test_a_variable_that_is_piped_is_no_powershell_of_bash():
    """``$NAME | curl`` without an assignment is read as bash."""
    assert read_curl(f"$NAME | curl -d '{{}}' {URL}", "f").payload == {}


# ---- Postman


@pytest.mark.parametrize("quote", ['"', "'"])
def test_postman_s_pretty_body_for_cmd_is_read(quote):
    """A body of several lines after carets is read as Postman means it, and reported: cmd.exe cannot run it."""
    body = '{\n    "a": "b c"\n}'.replace('"', '\\"' if quote == '"' else '"')
    text = f"curl --location {quote}{URL}{quote} ^\n--header {quote}api-key: x{quote} ^\n--data {quote}{body}{quote}"
    copied = read_curl(text, "f")
    assert copied.payload == {"a": "b c"}
    assert {odd.message for odd in copied.notes} == {
        "a line break in quotes, at which cmd.exe ends the command"
        if quote == '"'
        else "a caret at the end of a line, as in cmd.exe"
    }


def test_postman_s_escapes_in_a_body_are_read():
    """Postman writes a backslash before ``#`` and ``!`` in double quotes; JSON has no such escape, so it is left out."""
    copied = read_curl(f'curl {URL} -d "{{\\"a\\": \\"\\#1\\! \\\\\\\\# \\$\\"}}"', "f")
    assert copied.payload == {"a": "#1! \\# $"}
    assert [odd.message for odd in copied.notes] == [
        "\\# in the payload, which is not JSON",
        "\\! in the payload, which is not JSON",
    ]


# ---- messages of another kind


def _message(*texts: str, button: str = "") -> dict:
    def parts(*values: str) -> list:
        return [{"type": "text", "text": text} for text in values]

    components = [{"type": "body", "parameters": parts(*texts)}]
    components += [{"type": "button", "sub_type": "url", "index": 0, "parameters": parts(button)}] if button else []
    return {"messaging_object": {"to": "+919812345678", "template": {"name": "x", "components": components}}}


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (_message("482913", button="482913"), {"to", "template_name", "otp"}),
        (_message("Ann"), {"to", "template_name"}),
        (_message("Ann", "tomorrow"), {"to", "template_name"}),
        (_message("Ann", button="order/7"), {"to", "template_name"}),
        (_message("Ann", "Ann", button="Ann"), {"to", "template_name"}),
    ],
)
def test_a_parameter_is_a_code_only_in_both_places(payload, names):
    """A new template has ``otp`` only if the body's one parameter is the button's one parameter too."""
    _, found = new_template(payload)
    assert found.keys() == names
