r"""Snippets that are files of other tools: a raw request, HAR, a Postman collection, Hurl.

If a tool expands ``{{name}}``, the key is written as such a name, and a brace in a value as ``\u007b``.
"""

from typing import Any

from kshell import __version__
from kshell.api.request import read_address
from kshell.core.json_text import dumps
from kshell.core.models import Request
from kshell.snippets.targets import body, headers, key_variable, refuse, refuse_half_characters, target

_POSTMAN_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


@target("http", "the raw request, as the .http files of editors have it", "http")
def _http(request: Request, key: str | None) -> str:
    refuse(key, "{", "editors read as a variable")
    pairs = headers(request, key, str, lambda variable: f"{{{{$processEnv {variable}}}}}")
    about = [_PROCESS_ENV] if key_variable(request, key) else []
    lines = (*about, f"{request.method} {request.url} HTTP/1.1", *(f"{name}: {value}" for name, value in pairs))
    text = body(request, avoid="{")
    return "\n".join((*lines, *(["", text] if text else [])))


_PROCESS_ENV = "# for VS Code with REST Client, Visual Studio and httpYac; other editors do not know $processEnv"


@target("hurl", "a Hurl file", "hurl")
def _hurl(request: Request, key: str | None) -> str:
    refuse(key, "{\\#", "Hurl reads as a variable, an escape or a comment")
    variable = key_variable(request, key)
    pairs = headers(request, key, str, lambda name: f"{{{{{name}}}}}")
    lines = [f'# hurl --variable {variable}="${variable}" message.hurl'] if variable else []
    lines += [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in pairs)]
    refuse_half_characters(request, "Hurl")
    # in a string only {{…}} has a meaning beyond JSON's own escapes
    text = body(request, avoid="{")
    lines += [text] if text else []
    success = request.endpoint.success
    # a success whose body is not valid JSON, such as the page's sample, is one too
    codes = [f'body contains "{answer.code}"' for answer in request.endpoint.answers if answer.status == success]
    return "\n".join((*lines, "", f"HTTP {success}", *(["[Asserts]", *codes] if codes else [])))


@target("har", "an HTTP archive (HAR 1.2) with the request", "json")
def _har(request: Request, key: str | None) -> str:
    pairs = _named(request, key)
    text = body(request, avoid="{")
    details: dict[str, Any] = {
        "method": request.method,
        "url": request.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in pairs],
        "queryString": [],
        **({"postData": {"mimeType": request.endpoint.media_type, "text": text}} if text else {}),
        "headersSize": -1,
        "bodySize": len(text.encode()),
    }
    entry: dict[str, Any] = {
        # HAR requires a time and a response although nothing was sent; these values mean "not known"
        "startedDateTime": "1970-01-01T00:00:00.000Z",
        "time": 0,
        "request": details,
        "response": _NO_RESPONSE,
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }
    creator: dict[str, Any] = {"name": "kshell", "version": __version__}
    return dumps({"log": {"version": "1.2", "creator": creator, "entries": [entry]}})


_NO_RESPONSE: dict[str, Any] = {
    "status": 0,
    "statusText": "",
    "httpVersion": "",
    "cookies": [],
    "headers": [],
    "content": {"size": 0, "mimeType": "x-unknown"},
    "redirectURL": "",
    "headersSize": -1,
    "bodySize": -1,
}


@target("postman", "a Postman collection (v2.1) with variables for key and account", "json")
def _postman(request: Request, key: str | None) -> str:
    pairs = _named(request, key)
    endpoint, text = request.endpoint, body(request, avoid="{")
    address = read_address(endpoint, request.url)
    variables = {"base_url": address.base_url, **address.parameters} if address else {}
    variables |= {value[2:-2]: "" for _, value in pairs if value.startswith("{{")}
    path = endpoint.path.replace("{", "{{").replace("}", "}}").strip("/").split("/")
    details: dict[str, Any] = {
        "method": request.method,
        "header": [{"key": name, "value": value} for name, value in pairs],
        "url": {"raw": "/".join(("{{base_url}}", *path)), "host": ["{{base_url}}"], "path": path},
        **({"body": {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}} if text else {}),
    }
    item: dict[str, Any] = {
        "name": endpoint.summary,
        "request": details,
        "protocolProfileBehavior": {"followRedirects": False},
    }
    return dumps(
        {
            "info": {"name": f"Kaleyra: {endpoint.title}", "schema": _POSTMAN_SCHEMA},
            "item": [item],
            "variable": [{"key": name, "value": value, "type": "string"} for name, value in variables.items()],
        }
    )


def _named(request: Request, key: str | None) -> list[tuple[str, str]]:
    refuse(key, "{", "Postman reads as a variable")
    return headers(request, key, str, lambda variable: f"{{{{{variable}}}}}")
