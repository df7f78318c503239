"""Snippets in JavaScript: for Node.js with fetch and with axios, and for k6.

No program follows a redirect, which would give the key to another host, and no program sends again.
"""

from kshell.core.models import Request
from kshell.snippets.literals import JAVASCRIPT, payload_of
from kshell.snippets.targets import headers, key_variable, status_name, target

_MODULE = "// an ES module: save it as message.mjs"
_WIDTH = 80  # of a line, for the formatter prettier


@target(
    "javascript", "JavaScript, with fetch: Node.js 18 or newer, Deno, Bun", "javascript",
    "js", "node", "fetch", "ts", "typescript",
)  # fmt: skip
def _javascript(request: Request, key: str | None) -> str:
    return "\n".join(
        (
            _MODULE,
            *_start(request, key, "process.env"),
            "const response = await fetch(url, {",
            f'  method: "{request.method}",',
            *_headers(request, key),
            *(["  body: JSON.stringify(payload),"] if request.endpoint.takes_payload else []),
            '  redirect: "manual",',
            "  signal: AbortSignal.timeout(30_000),",
            "});",
            "const answer = await response.text();",
            f"if (response.status !== {request.endpoint.success}) {{",
            "  throw new Error(`refused: ${response.status} ${answer}`);",
            "}",
            "console.log(answer);",
        )
    )


@target("axios", "JavaScript, with axios", "javascript")
def _axios(request: Request, key: str | None) -> str:
    payload = "payload, " if request.endpoint.takes_payload else ""
    return "\n".join(
        (
            _MODULE,
            'import axios from "axios";',
            "",
            *_start(request, key, "process.env"),
            "try {",
            f"  const response = await axios.{request.method.lower()}(url, {payload}{{",
            *(f"  {line}" for line in _headers(request, key)),
            "    maxRedirects: 0,",
            "    timeout: 30_000,",
            f"    validateStatus: (status) => status === {request.endpoint.success},",
            "  });",
            "  console.log(response.data);",
            "} catch (error) {",
            "  // the error itself holds the request with its key",
            "  console.error(error.message, error.response?.data);",
            "  process.exitCode = 1;",
            "}",
        )
    )


@target("k6", "a k6 script, for load beyond one machine", "javascript")
def _k6(request: Request, key: str | None) -> str:
    success = request.endpoint.success
    payload = "JSON.stringify(payload), " if request.endpoint.takes_payload else ""
    return "\n".join(
        (
            'import { check } from "k6";',
            'import http from "k6/http";',
            "",
            "export const options = {",
            '  thresholds: { checks: ["rate==1"] },',
            "};",
            "",
            *_start(request, key, "__ENV"),
            "const params = {",
            *_headers(request, key),
            "  redirects: 0,",
            '  timeout: "30s",',
            "};",
            "",
            "export default function () {",
            f"  const response = http.{request.method.lower()}(url, {payload}params);",
            f'  check(response, {{ "{success} {status_name(request)}": ({{ status }}) => status === {success} }});',
            "}",
        )
    )


def _start(request: Request, key: str | None, environment: str) -> list[str]:
    """Return the lines that declare ``key``, ``url`` and ``payload``."""
    variable = key_variable(request, key)
    lines = []
    if variable:
        lines += [f"const key = {environment}.{variable};", "if (!key) {"]
        lines += [f'  throw new Error("{variable} is not set");', "}", ""]
    url = f'const url = "{request.url}";'
    lines.append(url if len(url) <= _WIDTH else url.replace(" = ", " =\n  ", 1))
    if payload := payload_of(request, JAVASCRIPT):
        lines.append(f"const payload = {payload};")
    return [*lines, ""]


def _headers(request: Request, key: str | None) -> list[str]:
    pairs = headers(request, key, JAVASCRIPT.text, lambda _: "key")
    return ["  headers: {", *(f'    "{name}": {value},' for name, value in pairs), "  },"]
