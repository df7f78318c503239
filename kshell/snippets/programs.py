"""Snippets that are programs in scripting languages: Python, PHP, Ruby, PowerShell.

No program follows a redirect, which would give the key to another host, and no program sends again.
"""

from kshell.core.models import Request
from kshell.snippets.literals import PHP, POWERSHELL, PYTHON, RUBY, payload_of
from kshell.snippets.targets import headers, key_variable, status_name, target


@target("python", "Python, with httpx", "python", "py", "httpx")
def _httpx(request: Request, key: str | None) -> str:
    payload = ", json=payload" if request.endpoint.takes_payload else ""
    return _python(request, key, "httpx", f"(url, headers=headers{payload}, timeout=30)")


@target("python-requests", "Python, with requests", "python", "requests")
def _requests(request: Request, key: str | None) -> str:
    payload = "json=payload, " if request.endpoint.takes_payload else ""
    return _python(
        request, key, "requests", f"(\n    url, headers=headers, {payload}timeout=30, allow_redirects=False\n)"
    )


def _python(request: Request, key: str | None, library: str, arguments: str) -> str:
    variable = key_variable(request, key)
    payload = payload_of(request, PYTHON)
    # json= sets the content type
    ((name, value),) = headers(request, key, PYTHON.text, lambda _: "key")[-1:]
    return "\n".join(
        (
            *(["import os"] if variable else []),
            "import sys",
            "",
            f"import {library}",
            "",
            *([f'key = os.environ.get("{variable}") or sys.exit("{variable} is not set")'] if variable else []),
            f'url = "{request.url}"',
            f'headers = {{"{name}": {value}}}',
            *([f"payload = {payload}"] if payload else []),
            "",
            f"response = {library}.{request.method.lower()}{arguments}",
            f"if response.status_code != {request.endpoint.success}:",
            '    sys.exit(f"refused: {response.status_code} {response.text}")',
            "print(response.text)",
        )
    )


@target("php", "PHP, with its curl extension", "php")
def _php(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    pairs = headers(request, key, lambda text: text, lambda _: "")
    lines = [PHP.text(f"{name}: {text}") + ("" if text else " . $key") for name, text in pairs]
    method = "CURLOPT_POST => true" if request.method == "POST" else f"CURLOPT_CUSTOMREQUEST => '{request.method}'"
    read = [
        f"$key = getenv('{variable}');",
        "if (!$key) {",
        f"    throw new RuntimeException('{variable} is not set');",
        "}",
    ]
    payload = payload_of(request, PHP)
    return "\n".join(
        (
            "<?php",
            "",
            *(read if variable else []),
            *([f"$payload = {payload};"] if payload else []),
            "",
            f"$curl = curl_init({PHP.text(request.url)});",
            "curl_setopt_array($curl, [",
            f"    {method},",
            "    CURLOPT_HTTPHEADER => [",
            *(f"        {line}," for line in lines),
            "    ],",
            *(["    CURLOPT_POSTFIELDS => json_encode($payload, JSON_THROW_ON_ERROR),"] if payload else []),
            "    CURLOPT_RETURNTRANSFER => true,",
            "    CURLOPT_TIMEOUT => 30,",
            "]);",
            "$answer = curl_exec($curl);",
            "if ($answer === false) {",
            "    throw new RuntimeException(curl_error($curl));",
            "}",
            "$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);",
            f"if ($status !== {request.endpoint.success}) {{",
            '    throw new RuntimeException("refused: $status $answer");',
            "}",
            "echo $answer, PHP_EOL;",
        )
    )


@target("ruby", "Ruby, with net/http", "ruby", "rb")
def _ruby(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    pairs = headers(request, key, RUBY.text, lambda _: "key")
    read = [f"key = ENV.fetch('{variable}', '')", f"abort '{variable} is not set' if key.empty?", ""]
    tls = "use_ssl: true, " if request.url.startswith("https:") else ""
    payload = payload_of(request, RUBY)
    return "\n".join(
        (
            "# frozen_string_literal: true",
            "",
            *(["require 'json'"] if payload else []),
            "require 'net/http'",
            "",
            *(read if variable else []),
            f"uri = URI({RUBY.text(request.url)})",
            *([f"payload = {payload}"] if payload else []),
            "",
            f"request = Net::HTTP::{request.method.capitalize()}.new(uri)",
            *(f"request['{name}'] = {value}" for name, value in pairs),
            *(["request.body = JSON.generate(payload)"] if payload else []),
            "",
            f"options = {{ {tls}open_timeout: 10, read_timeout: 30, max_retries: 0 }}",
            "response = Net::HTTP.start(uri.host, uri.port, options) { |http| http.request(request) }",
            f'abort "refused: #{{response.code}} #{{response.body}}" unless response.is_a?(Net::HTTP{status_name(request)})',
            "",
            "puts response.body",
        )
    )


@target("powershell", "PowerShell 5.1 or newer, with Invoke-RestMethod", "powershell", "pwsh", "ps1")
def _powershell(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    ((name, value),) = headers(request, key, POWERSHELL.text, lambda _: "$key")[-1:]
    payload = payload_of(request, POWERSHELL)
    # Windows PowerShell sends a text in Latin-1, so the body is bytes
    content = [
        f"    ContentType = {POWERSHELL.text(request.endpoint.media_type)}",
        "    Body = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $payload -Depth 100))",
    ]
    read = [f"$key = $env:{variable}", f"if (-not $key) {{ throw '{variable} is not set' }}"]
    return "\n".join(
        (
            *(read if variable else []),
            *([f"$payload = {payload}"] if payload else []),
            "$request = @{",
            f"    Method = {POWERSHELL.text(request.method.capitalize())}",
            f"    Uri = {POWERSHELL.text(request.url)}",
            f"    Headers = @{{ {POWERSHELL.text(name)} = {value} }}",
            *(content if payload else []),
            "    MaximumRedirection = 0",
            "    TimeoutSec = 30",
            "    ErrorAction = 'Stop'",
            "}",
            "try {",
            "    Invoke-RestMethod @request | ConvertTo-Json -Depth 100",
            "} catch {",
            '    throw "$($_.Exception.Message) $($_.ErrorDetails)"',
            "}",
        )
    )
