"""Every target is right for every value: a program runs it, or a schema validates its file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.csharp import as_mono_reads
from support.payloads import KEY, everything, exact, generated, payload, request_of, request_without_payload
from support.powershell import request_of_program
from support.programs import needs, node_package
from support.recording import Recorder, recording

from kshell.core.errors import UsageError
from kshell.snippets.catalog import TARGETS
from kshell.transport.client import Route, send

HERE = Path(__file__).parents[1]
GO_CACHE = HERE.parent / ".pytest_cache" / "go-build"  # compiling net/http again takes half a minute


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Yield a recording server."""
    with recording() as recorder:
        yield recorder


class FailedError(Exception):
    """A program ended with another exit code than 0; its text is what the program wrote."""


def run(*words: str) -> None:
    """Run a program with this process's API key in its environment. Raises ``FailedError``."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "KALEYRA_API_KEY") if name in os.environ}
    environment |= {"LC_ALL": "C", "GOCACHE": str(GO_CACHE)}
    done = subprocess.run(words, env=environment, capture_output=True, stdin=subprocess.DEVNULL, text=True)
    if done.returncode:
        raise FailedError(done.stdout[-1000:] + done.stderr[-2000:])


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variable with the API key."""
    monkeypatch.setenv("KALEYRA_API_KEY", KEY)


def write(name: str, text: str) -> str:
    """Write a file in the working directory; return its name."""
    Path(name).write_text(text + "\n", encoding="utf-8")
    return name


K6_HTTP = """
const request = (method) => (url, ...rest) => {
  const params = rest.pop();
  Object.assign(globalThis.sent = {}, { method, url, body: rest[0], params });
  return { status: globalThis.status ?? 202 };
};
export default { get: request("GET"), post: request("POST") };
"""
K6_CHECK = """
export const check = (answer, checks) => {
  for (const [name, holds] of Object.entries(checks))
    if (!holds(answer)) throw new Error(`not ${name}: ${answer.status}`);
};
"""
K6_RUN = """
globalThis.__ENV = process.env;
const script = await import("./script.mjs");
script.default();
const { method, url, body, params } = globalThis.sent;
if (params.redirects !== 0) throw new Error("it follows redirects");
const response = await fetch(url, { method, body, headers: params.headers, redirect: "manual" });
globalThis.status = response.status;
script.default();
"""


def k6(file: str) -> None:
    """Run a k6 script in Node.js, with substitutes for k6's two modules; k6 itself is not needed.

    The script's function runs twice: for its request, and to check the status that the request got.
    """
    write("http.mjs", K6_HTTP)
    write("k6.mjs", K6_CHECK)
    script = Path(file).read_text(encoding="utf-8").replace('"k6/http"', '"./http.mjs"').replace('"k6"', '"./k6.mjs"')
    write("script.mjs", script)
    run("node", write("run.mjs", K6_RUN))


def axios(file: str) -> None:
    """Run a module that imports axios, which is installed elsewhere."""
    folder = node_package("axios")
    assert folder
    Path("node_modules").unlink(missing_ok=True)
    Path("node_modules").symlink_to(folder.parent)
    run("node", file)


def csharp(file: str) -> None:
    """Compile and run a C# program with Mono."""
    Path(file).write_text(as_mono_reads(Path(file).read_text(encoding="utf-8")), encoding="utf-8")
    run("mcs", "-nologo", "-r:System.Net.Http.dll", "-out:message.exe", file)
    run("mono", "message.exe")


def powershell(file: str) -> None:
    """Send what PowerShell would send, by its rules; PowerShell itself is not needed."""
    sent = request_of_program(Path(file).read_text(encoding="ascii"), {"KALEYRA_API_KEY": KEY})
    assert (sent["MaximumRedirection"], sent["TimeoutSec"], sent["ErrorAction"]) == (0, 30, "Stop")
    url = urlsplit(sent["Uri"])
    content = {"Content-Type": sent["ContentType"]} if "ContentType" in sent else {}
    connection = HTTPConnection(url.netloc)
    connection.request(sent["Method"].upper(), url.path, sent.get("Body"), {**content, **sent["Headers"]})
    connection.getresponse().read()
    connection.close()


def newman(file: str) -> None:
    """Run a collection with Postman's own runner."""
    run("newman", "run", file, "--env-var", f"KALEYRA_API_KEY={KEY}", "--bail")


def replay(archive: dict[str, Any]) -> None:
    """Send the request of a HAR archive, as a tool that reads HAR does."""
    sent = archive["log"]["entries"][0]["request"]
    url = urlsplit(sent["url"])
    text = sent["postData"]["text"].encode() if "postData" in sent else None
    connection = HTTPConnection(url.netloc)
    connection.request(sent["method"], url.path, text, {header["name"]: header["value"] for header in sent["headers"]})
    connection.getresponse().read()
    connection.close()


def har(file: str) -> None:
    """Replay an archive with the key in place of its variable."""
    replay(json.loads(Path(file).read_text(encoding="utf-8").replace("{{KALEYRA_API_KEY}}", KEY)))


def line(file: str) -> None:
    """Run a shell command with sh."""
    run("sh", file)


RUN: dict[str, tuple[str, Callable[[str], None], tuple[str, ...]]] = {
    "curl": ("message.sh", line, ("curl",)),
    "wget": ("message.sh", line, ("wget",)),
    "httpie": ("message.sh", line, ("http",)),
    "python": ("message.py", lambda file: run(sys.executable, file), ()),
    "python-requests": ("message.py", lambda file: run(sys.executable, file), ("requests",)),
    "javascript": ("message.mjs", lambda file: run("node", file), ("node",)),
    "axios": ("message.mjs", axios, ("node", "axios")),
    "k6": ("message.js", k6, ("node",)),
    "go": ("message.go", lambda file: run("go", "run", file), ("go",)),
    "java": ("Message.java", lambda file: run("java", file), ("java",)),
    "csharp": ("message.cs", csharp, ("mcs", "mono")),
    "php": ("message.php", lambda file: run("php", file), ("php",)),
    "ruby": ("message.rb", lambda file: run("ruby", "-w", file), ("ruby",)),
    "powershell": ("message.ps1", powershell, ("tree_sitter", "tree_sitter_powershell")),
    "hurl": ("message.hurl", lambda file: run("hurl", "--variable", f"KALEYRA_API_KEY={KEY}", file), ("hurl",)),
    "postman": ("message.json", newman, ("newman", "node")),
    "http": ("message.http", lambda file: run("httpyac", "send", file, "--all"), ("httpyac", "node")),
    "har": ("message.har", har, ()),
}
"""For each target the file that its text goes to, the function that runs it, and the programs that this needs."""

LONG = bool(os.environ.get("KSHELL_PAYLOADS"))
SLOW = pytest.mark.skipif(not LONG, reason="compiling takes seconds; KSHELL_PAYLOADS=1 runs it")


def running(*names: str, slow: tuple[str, ...] = ()) -> pytest.MarkDecorator:
    """Parametrize a test that runs targets by their ``name``; the ``slow`` ones wait for KSHELL_PAYLOADS."""
    return pytest.mark.parametrize(
        "name",
        [pytest.param(name, marks=[needs(*RUN[name][2]), *([SLOW] if name in slow else [])]) for name in names],
    )


BODIES = [everything(), *generated(12)[-2:]]
PROGRAMS = ("python", "python-requests", "javascript", "axios", "k6", "go", "csharp", "php", "ruby", "powershell")
"""The targets that have the payload as a literal of their language."""


ENDING = (*(name for name in PROGRAMS if name != "powershell"), "java")
"""The programs that are run here, not only read."""


@running(*RUN)
def test_a_target_sends_what_send_sends(server: Recorder, name: str) -> None:
    """Each target sends the method, URL, content type, key and JSON that ``send`` sends."""
    file, start, _ = RUN[name]
    for body in BODIES if LONG else BODIES[:1]:
        request = request_of(server.url, exact(body) if name in (*PROGRAMS, "hurl") else body)
        send(request, KEY, Route())
        expected = server.take()
        start(write(file, TARGETS[name].write(request, None)))
        assert server.take() == expected


@running(*RUN)
def test_a_target_sends_a_request_without_a_payload(server: Recorder, name: str) -> None:
    """For an endpoint without a payload each target sends no body and no content type, as ``send`` does."""
    file, start, _ = RUN[name]
    request = request_without_payload(server.url)
    request = request._replace(endpoint=request.endpoint._replace(success=202))  # what the server answers
    send(request, KEY, Route())
    expected = server.take()
    start(write(file, TARGETS[name].write(request, None)))
    assert server.take() == expected
    assert (expected[0].method, expected[0].content_type, expected[0].json) == ("GET", "", b"")


@needs("jsonschema")
@pytest.mark.parametrize(("name", "schema"), [("har", "har-1.2.json"), ("postman", "postman-2.1.0.json")])
def test_a_file_without_a_payload_is_valid_by_its_published_schema(name: str, schema: str) -> None:
    """Without a payload, HAR has no ``postData`` and a Postman collection has no ``body``, and both are valid."""
    text = TARGETS[name].write(request_without_payload("https://api.in.kaleyra.io"), None)
    _validate(schema, text)
    assert "postData" not in text
    assert '"body"' not in text


@running(*ENDING, slow=("go", "java", "csharp"))
@pytest.mark.parametrize("status", [401, 307])
def test_a_program_tells_a_refusal(server: Recorder, name: str, status: int) -> None:
    """A program ends with an error that tells of the answer if it is a refusal or a redirect, which it does not follow."""
    file, start, _ = RUN[name]
    server.status = status
    with pytest.raises(FailedError, match=rf"{status}|WA202"):
        start(write(file, TARGETS[name].write(request_of(server.url, payload("x")), None)))
    assert len(server.take()) == 1


@running(*ENDING, slow=("go", "java", "csharp"))
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_program_fails_early_without_the_key(
    server: Recorder, name: str, value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the environment variable is unset or empty, a program says which one is not set, and sends nothing."""
    file, start, _ = RUN[name]
    monkeypatch.delenv("KALEYRA_API_KEY")
    if value is not None:
        monkeypatch.setenv("KALEYRA_API_KEY", value)
    with pytest.raises(FailedError, match="KALEYRA_API_KEY is not set"):
        start(write(file, TARGETS[name].write(request_of(server.url, payload("x")), None)))
    assert server.take() == []


@running("python", "javascript", "axios", "go", "java", "csharp", "php", "ruby", slow=("go", "java", "csharp"))
@pytest.mark.parametrize("key", ["a'b\"c\\d$e`f{g}\\u0041"])
def test_a_revealed_key_arrives(server: Recorder, name: str, key: str) -> None:
    """A key of any characters that a header allows is sent unchanged by every program."""
    file, start, _ = RUN[name]
    start(write(file, TARGETS[name].write(request_of(server.url, payload("x")), key)))
    assert [received.key for received in server.take()] == [key]


@pytest.mark.parametrize("name", ["http", "hurl", "postman", "har"])
def test_a_key_that_reads_as_a_variable_is_refused(name: str) -> None:
    """A key with double braces is refused for tools that expand them."""
    with pytest.raises(UsageError, match=r"reads? as a variable"):
        TARGETS[name].write(request_of("https://api.in.kaleyra.io", payload("x")), "a{{b}}")


@pytest.mark.parametrize("name", ["http", "hurl", "postman", "har"])
def test_no_value_is_a_variable(name: str) -> None:
    """Double braces in a value are escaped, so that the tool does not look up a variable."""
    text = TARGETS[name].write(request_of("https://api.in.kaleyra.io", payload("{{x}} {{$guid}}")), "")
    assert "{{x" not in text
    assert "{{$guid" not in text


# ---- files


def _validate(schema: str, text: str) -> None:
    import jsonschema

    published = json.loads((HERE / "schemas" / schema).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(published).validate(json.loads(text))


@needs("jsonschema")
@pytest.mark.parametrize(("name", "schema"), [("har", "har-1.2.json"), ("postman", "postman-2.1.0.json")])
@pytest.mark.parametrize("key", [None, KEY], ids=["reference", "revealed"])
def test_a_file_is_valid_by_its_published_schema(name: str, schema: str, key: str | None) -> None:
    """A HAR or Postman file is valid by its published schema, whatever the payload has."""
    _validate(schema, TARGETS[name].write(request_of("https://api.in.kaleyra.io", everything()), key))


@needs("jsonschema")
def test_the_schemas_refuse_what_is_wrong() -> None:
    """The schemas reject a collection without info and an archive without entries, so the other tests can fail."""
    import jsonschema

    for schema, document in (("har-1.2.json", {"log": {}}), ("postman-2.1.0.json", {"item": []})):
        with pytest.raises(jsonschema.ValidationError):
            _validate(schema, json.dumps(document))


def test_an_archive_holds_the_request(server: Recorder) -> None:
    """A replayed HAR makes the request that ``send`` makes, and its body size is right."""
    request = request_of(server.url, everything())
    archive = json.loads(TARGETS["har"].write(request, KEY))
    send(request, KEY, Route())
    replay(archive)
    first, second = server.take()
    assert first == second
    sent = archive["log"]["entries"][0]["request"]
    assert sent["bodySize"] == len(sent["postData"]["text"].encode())


def test_a_collection_has_variables_for_key_and_account() -> None:
    """A collection has variables for base URL, SID, number and key; only the key has no value."""
    collection = json.loads(TARGETS["postman"].write(request_of("https://api.in.kaleyra.io", payload("x")), None))
    assert {variable["key"]: variable["value"] for variable in collection["variable"]} == {
        "base_url": "https://api.in.kaleyra.io",
        "sid": "HX0IN",
        "phone_number": "+911234567890",
        "KALEYRA_API_KEY": "",
    }
