"""A curl command for Windows is right for every value, by the published rules of PowerShell, cmd.exe and the C runtime."""

from __future__ import annotations

import json
import os

import pytest
from support.payloads import CORPUS, KEY, payload, proof, request_of, request_without_payload
from support.programs import needs
from support.windows import VERSIONS, RefusedError, Version, cmd, crt_argv, powershell
from support.wine import arguments

from kshell.core.errors import UsageError
from kshell.core.models import Request, Secret
from kshell.snippets.shells import SHELLS

ENVIRONMENT = {"KALEYRA_API_KEY": KEY, "PATH": "C:\\", "PATH:~0,1": "x", "=": "x"}
URL = "https://api.in.kaleyra.io"


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ('"a b c" d e', ["a b c", "d", "e"]),
        (r'"ab\"c" "\\" d', ['ab"c', "\\", "d"]),
        (r'a\\\b d"e f"g h', [r"a\\\b", "de fg", "h"]),
        (r"a\\\"b c d", [r"a\"b", "c", "d"]),
        (r'a\\\\"b c" d e', [r"a\\b c", "d", "e"]),
        ("a\\ b\\", ["a\\", "b\\"]),
    ],
)
def test_the_c_runtime_s_rules_are_the_published_ones(line: str, argv: list[str]) -> None:
    """The test's reader of C arguments gives the results of Microsoft's examples."""
    assert crt_argv(line) == argv


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ('x "a&b" c^&d', ["x", "a&b", "c&d"]),
        ("x a^\n  b", ["x", "a", "b"]),
        ("x %KALEYRA_API_KEY% %%", ["x", KEY, "%"]),
        ('x ^"a b^"', ["x", "a b"]),
    ],
)
def test_cmd_s_rules_are_the_known_ones(text: str, argv: list[str]) -> None:
    """The test's reader of cmd.exe handles quotes, carets, continued lines and percent expansion as a batch file does."""
    assert cmd(text, ENVIRONMENT, batch=True) == argv


def test_another_command_in_a_line_of_cmd_is_found() -> None:
    """The test's reader of cmd.exe rejects a line that runs a second command."""
    with pytest.raises(RefusedError):
        cmd('x "a" & del b', ENVIRONMENT, batch=True)


def test_a_program_gets_its_quotes_unescaped_from_powershell_5() -> None:
    """PowerShell 5.1 drops the quotes inside an argument, which the snippet has to avoid."""
    assert powershell("x '{ \"a\": 1 }'", {}, VERSIONS[0]) == ["x", "{ a: 1 }"]


def test_a_line_after_the_stop_parsing_token_ends_at_a_pipe() -> None:
    """The test's reader of PowerShell expands variables after ``--%`` and rejects a line that ends before its end."""
    argv = ["curl.exe", "a'b", KEY, "a|b", "%X%"]
    assert powershell('curl.exe --% a\'b %kaleyra_api_key% "a|b" %X%', ENVIRONMENT, VERSIONS[0]) == argv
    with pytest.raises(RefusedError):
        powershell("curl.exe --% a | b", ENVIRONMENT, VERSIONS[0])


def written(shell: str, request: Request, key: str | None = None, *, compact: bool = False) -> str:
    """Return the curl command for a shell."""
    return SHELLS[shell](request, key, compact)


def _expect(argv: list[str], program: str, request: Request, key: str = KEY) -> None:
    *head, body = argv
    assert head == [
        program, "-X", "POST", request.url, "-H", "Content-Type: application/json", "-H", f"api-key: {key}", "--data-raw",
    ]  # fmt: skip
    assert json.loads(body) == json.loads(request.body)


PAYLOADS = proof()


@pytest.mark.parametrize("compact", [False, True], ids=["lines", "compact"])
@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)
def test_powershell_gives_curl_the_request(version: Version, compact: bool) -> None:  # noqa: FBT001
    """In every PowerShell version curl.exe gets the method, URL, headers and JSON of the request."""
    for body in PAYLOADS:
        request = request_of(URL, body)
        text = written("powershell", request, compact=compact)
        assert text.isascii()
        _expect(powershell(text, ENVIRONMENT, version), "curl.exe", request)


@pytest.mark.parametrize("compact", [False, True], ids=["lines", "compact"])
@pytest.mark.parametrize(
    ("batch", "delayed"), [(True, False), (False, False), (True, True)], ids=["batch", "prompt", "delayed"]
)
def test_cmd_gives_curl_the_request(batch: bool, delayed: bool, compact: bool) -> None:  # noqa: FBT001
    """In a batch file, at a prompt and with delayed expansion, curl gets the request."""
    for body in PAYLOADS:
        request = request_of(URL, body)
        text = written("cmd", request, compact=compact)
        assert text.isascii()
        _expect(cmd(text, ENVIRONMENT, batch=batch, delayed=delayed), "curl", request)


@pytest.mark.skipif("KSHELL_PAYLOADS" not in os.environ, reason="Wine makes 700 MB of files; KSHELL_PAYLOADS=1 runs it")
@needs("wine", "x86_64-w64-mingw32-gcc")
def test_wine_s_cmd_gives_curl_the_request() -> None:
    """Wine's cmd.exe gives a program for Windows the request, for three hostile texts of each kind, on lines and compact."""
    requests = [request_of(URL, payload(text, otp=text)) for texts in CORPUS.values() for text in texts[:3]]
    forms = [(request, compact) for request in requests for compact in (False, True)]
    assert len(forms) == 90
    got = arguments([written("cmd", request, compact=compact) for request, compact in forms], KALEYRA_API_KEY=KEY)
    for (request, _), argv in zip(forms, got, strict=True):
        _expect(argv, "curl", request)


@pytest.mark.parametrize("compact", [False, True], ids=["lines", "compact"])
def test_curl_is_given_no_body_without_a_payload(compact: bool) -> None:  # noqa: FBT001
    """For an endpoint without a payload PowerShell and cmd.exe give curl no body and no content type."""
    request = request_without_payload(URL)
    words = ["-X", "GET", request.url, "-H", f"api-key: {KEY}"]
    assert cmd(written("cmd", request, compact=compact), ENVIRONMENT, batch=True) == ["curl", *words]
    text = written("powershell", request, compact=compact)
    assert [powershell(text, ENVIRONMENT, version) for version in VERSIONS] == [["curl.exe", *words]] * len(VERSIONS)


def test_cmd_s_curl_is_one_line_of_readable_json() -> None:
    """The command for cmd.exe has readable JSON if no character needs escaping."""
    text = written("cmd", request_of(URL, payload("customer 42")))
    assert '    \\"ref\\": \\"customer 42\\", ^\n' in text


@pytest.mark.parametrize("key", ["a'b", "a$b", "a`b", "a^b&c|d<e>f", "a;b", "a(b)c", "a,b=c"])
@pytest.mark.parametrize("shell", ["powershell", "cmd"])
@pytest.mark.parametrize("compact", [False, True], ids=["lines", "compact"])
def test_a_revealed_key_arrives(shell: str, key: str, compact: bool) -> None:  # noqa: FBT001
    """A key with special characters of the shell is passed unchanged."""
    request = request_of(URL, payload("x"), secret=Secret("literal", key))
    text = written(shell, request, key, compact=compact)
    if shell == "cmd":
        _expect(cmd(text, ENVIRONMENT, batch=True), "curl", request, key)
        _expect(cmd(text, ENVIRONMENT, batch=False), "curl", request, key)
    else:
        for version in VERSIONS:
            _expect(powershell(text, ENVIRONMENT, version), "curl.exe", request, key)


@pytest.mark.parametrize(
    ("shell", "key"),
    [("cmd", "a%b"), ("cmd", "a!b"), ("cmd", 'a"b'), ("powershell", 'a"b'), ("powershell", "a\\")],
)
def test_what_a_shell_cannot_carry_is_refused(shell: str, key: str) -> None:
    """A key that a Windows shell cannot pass is refused, and the error does not show it."""
    with pytest.raises(
        UsageError, match=r"^the key or the URL holds .*, which (cmd\.exe|PowerShell before 7\.3) "
    ) as caught:
        written(shell, request_of(URL, payload("x")), key)
    assert key not in caught.value.message
    assert "kshell snippet python" in caught.value.hint


def test_a_key_that_ends_in_a_backslash_is_whole_in_cmd() -> None:
    """A key that ends in a backslash is passed unchanged by cmd.exe."""
    request = request_of(URL, payload("x"))
    _expect(cmd(written("cmd", request, "ab\\"), ENVIRONMENT, batch=True), "curl", request, "ab\\")


@pytest.mark.parametrize(("shell", "reader"), [("cmd", r"cmd\.exe expands"), ("powershell", "PowerShell expands")])
def test_a_url_that_a_shell_would_expand_is_refused(shell: str, reader: str) -> None:
    """A URL with a percent sign is refused for cmd.exe, and for the compact form of PowerShell."""
    request = request_of(URL, payload("x"))._replace(url=f"{URL}/v2/H%20X/whatsapp/+911234567890/messages")
    with pytest.raises(UsageError, match=f"holds %, which {reader}"):
        written(shell, request, compact=True)


@pytest.mark.parametrize("key", ['a"b', "a%b"])
def test_a_key_that_powershell_would_expand_is_refused(key: str) -> None:
    """The compact form of PowerShell refuses a key with a quote or a percent sign."""
    with pytest.raises(UsageError, match="which PowerShell expands or does not pass"):
        written("powershell", request_of(URL, payload("x")), key, compact=True)


@pytest.mark.parametrize(
    ("shell", "what", "most"),
    [
        ("cmd", "a line of cmd.exe", 8191 - 256),
        ("powershell", "a command line of Windows", 32767 - 256),
        ("bash", "one argument of a command", 131071),
    ],
)
def test_what_is_too_long_for_a_shell_is_refused(shell: str, what: str, most: int) -> None:
    """A command longer than the shell's limit is refused, with a hint for another target."""
    with pytest.raises(UsageError, match=f"^{what} takes at most {most} characters") as caught:
        written(shell, request_of(URL, payload("x" * (most // 3))))
    assert "kshell snippet python" in caught.value.hint


def test_what_just_fits_is_not_refused() -> None:
    """A request of exactly 131071 bytes fits into a bash command, and one more byte is refused."""
    spare = 131071 - len(request_of(URL, {"a": ""}).body)
    assert written("bash", request_of(URL, {"a": "x" * spare}))
    with pytest.raises(UsageError, match="this request needs 131072"):
        written("bash", request_of(URL, {"a": "x" * (spare + 1)}))


def test_the_corpus_is_as_large_as_it_says() -> None:
    """The corpus has fifteen texts of each kind."""
    assert {len(texts) for texts in CORPUS.values()} == {15}


@needs("tree_sitter", "tree_sitter_powershell")
def test_a_published_grammar_reads_powershell_s_form() -> None:
    """tree-sitter's grammar of PowerShell reads the snippet as an assignment, a condition and a command."""
    import tree_sitter
    import tree_sitter_powershell as grammar

    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    for body in proof():
        root = parser.parse(written("powershell", request_of(URL, body)).encode()).root_node
        assert not root.has_error
        (statements,) = root.named_children
        assert [node.type for node in statements.named_children] == ["pipeline", "if_statement", "pipeline"]
        command = statements.named_children[2].named_children[0].named_children[0]
        _, elements = command.named_children
        assert sum(node.type != "command_argument_sep" for node in elements.named_children) == 9
