"""Snippets that are programs, with the standard or the most used HTTP client of each language.

No program follows a redirect, which would give the key to another host, and no program sends again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kshell.snippets.targets import body, bounded, headers, target

if TYPE_CHECKING:
    from kshell.core.models import Request

JAVA_MOST = 65_535  # bytes of a string constant in a class file


@target("python", "Python, with httpx", "python")
def _httpx(request: Request, key: str | None) -> str:
    return _python(request, key, "httpx", ", content=body")


@target("python-requests", "Python, with requests", "python")
def _requests(request: Request, key: str | None) -> str:
    return _python(request, key, "requests", ", data=body.encode()", ", allow_redirects=False")


def _python(request: Request, key: str | None, library: str, content: str, options: str = "") -> str:
    text = body(request, avoid=_QUOTES)
    content = content if text else ""
    pairs = headers(request, key, json.dumps, lambda variable: f'os.environ["{variable}"]')
    lines = ["import os\n"] if key is None else []
    lines += [f"import {library}\n", f'url = "{request.url}"', "headers = {"]
    lines += [f'    "{name}": {value},' for name, value in pairs]
    # " and \ are written \uXXXX, so nothing inside of the raw string can end it
    lines += ["}", f'body = r"""{text}"""\n'] if text else ["}\n"]
    lines.append(f"response = {library}.request({json.dumps(request.method)}, url, headers=headers{content}{options})")
    lines.append("print(response.status_code, response.text)")
    return "\n".join(lines)


_QUOTES = '"\\'


@target("javascript", "JavaScript, with fetch: Node.js 18 or newer, Deno, Bun", "javascript")
def _javascript(request: Request, key: str | None) -> str:
    pairs = headers(request, key, json.dumps, lambda variable: f"process.env.{variable}")
    return "\n".join(
        (
            "// an ES module: save it as message.mjs",
            f'const response = await fetch("{request.url}", {{',
            f'  method: "{request.method}",',
            "  headers: {",
            *(f'    "{name}": {value},' for name, value in pairs),
            "  },",
            f"  body: {_raw(request)},",
            '  redirect: "manual",',
            "});",
            "console.log(response.status, await response.text());",
        )
    )


@target("k6", "a k6 script, for load beyond one machine", "javascript")
def _k6(request: Request, key: str | None) -> str:
    from http import HTTPStatus

    pairs = headers(request, key, json.dumps, lambda variable: f"__ENV.{variable}")
    success = HTTPStatus(request.endpoint.success)
    return "\n".join(
        (
            'import { check } from "k6";',
            'import http from "k6/http";',
            "",
            f'const url = "{request.url}";',
            f"const body = {_raw(request)};",
            "const options = {",
            "  headers: {",
            *(f'    "{name}": {value},' for name, value in pairs),
            "  },",
            "  redirects: 0,",
            "};",
            "",
            "export default function () {",
            f'  const response = http.request("{request.method}", url, body, options);',
            f'  check(response, {{ "{success} {success.phrase}": (answer) => answer.status === {success} }});',
            "}",
        )
    )


def _raw(request: Request) -> str:
    # in a raw template literal only a backtick and ${ have a meaning
    text = body(request, avoid="`{")
    return f"String.raw`{text}`" if text else "null"


@target("go", "Go, with net/http", "go")
def _go(request: Request, key: str | None) -> str:
    pairs = headers(request, key, json.dumps, lambda variable: f'os.Getenv("{variable}")')
    imports = ["fmt", "io", "net/http", *(["os"] if key is None else []), "strings"]
    return "\n".join(
        (
            "package main",
            "",
            "import (",
            *(f'\t"{name}"' for name in imports),
            ")",
            "",
            "func main() {",
            f"\tbody := `{body(request, avoid='`')}`",
            f'\trequest, err := http.NewRequest("{request.method}", "{request.url}", strings.NewReader(body))',
            *_GO_CHECK,
            *(f'\trequest.Header.Set("{name}", {value})' for name, value in pairs),
            "\tclient := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {",
            "\t\treturn http.ErrUseLastResponse",
            "\t}}",
            "\tresponse, err := client.Do(request)",
            *_GO_CHECK,
            "\tdefer response.Body.Close()",
            "\tanswer, err := io.ReadAll(response.Body)",
            *_GO_CHECK,
            "\tfmt.Println(response.Status, string(answer))",
            "}",
        )
    )


_GO_CHECK = ("\tif err != nil {", "\t\tpanic(err)", "\t}")


@target("java", "Java 15 or newer, with java.net.http", "java")
def _java(request: Request, key: str | None) -> str:
    pairs = headers(request, key, json.dumps, lambda variable: f'System.getenv("{variable}")')
    # javac before 18 reads a source file in the system's encoding, so the text is ASCII
    text = body(request, avoid=_QUOTES, ascii_only=True)
    bounded(text, len(text), JAVA_MOST, "a string constant of Java")
    block = text.replace("\\", "\\\\").replace("\n", "\n            ")
    declared = ['        String body = """', f'            {block}""";'] if text else []
    publisher = "ofString(body)" if text else "noBody()"
    return "\n".join(
        (
            "import java.net.URI;",
            "import java.net.http.HttpClient;",
            "import java.net.http.HttpRequest;",
            "import java.net.http.HttpResponse;",
            "",
            "public class Message {",
            "    public static void main(String[] arguments) throws Exception {",
            *declared,
            f'        HttpRequest request = HttpRequest.newBuilder(URI.create("{request.url}"))',
            *(f'            .header("{name}", {value})' for name, value in pairs),
            f'            .method("{request.method}", HttpRequest.BodyPublishers.{publisher})',
            "            .build();",
            "        HttpResponse<String> response =",
            "            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());",
            '        System.out.println(response.statusCode() + " " + response.body());',
            "    }",
            "}",
        )
    )


@target("php", "PHP, with its curl extension", "php")
def _php(request: Request, key: str | None) -> str:
    pairs = headers(request, key, lambda text: text, lambda _: "")
    references = headers(request, key, lambda _: "", lambda variable: f" . getenv('{variable}')")
    lines = [
        f"        {_php_quote(f'{name}: {text}')}{reference},"
        for (name, text), (_, reference) in zip(pairs, references, strict=True)
    ]
    text = body(request)
    return "\n".join(
        (
            "<?php",
            "",
            # a nowdoc expands nothing, and no line of JSON begins with its closing word
            *(["$body = <<<'JSON'", text, "JSON;", ""] if text else []),
            f"$request = curl_init({_php_quote(request.url)});",
            "curl_setopt_array($request, [",
            f"    CURLOPT_CUSTOMREQUEST => {_php_quote(request.method)},",
            "    CURLOPT_HTTPHEADER => [",
            *lines,
            "    ],",
            *(["    CURLOPT_POSTFIELDS => $body,"] if text else []),
            "    CURLOPT_RETURNTRANSFER => true,",
            "]);",
            "$answer = curl_exec($request);",
            "echo curl_getinfo($request, CURLINFO_RESPONSE_CODE), ' ', $answer, PHP_EOL;",
        )
    )


def _php_quote(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
