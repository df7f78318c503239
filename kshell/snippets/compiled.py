"""Snippets that are programs in compiled languages: Go, Java, C#.

No program follows a redirect, which would give the key to another host, and no program sends again.
"""

import json

from kshell.core.models import Request
from kshell.snippets.literals import CSHARP, GO, payload_of
from kshell.snippets.targets import body, bounded, headers, key_variable, status_name, target

JAVA_MOST = 65_535  # bytes of a string constant in a class file


@target("go", "Go, with net/http", "go", "golang")
def _go(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    payload = payload_of(request, GO, 1)
    imports = ["fmt", "io", "log", "net/http", "time", *(["bytes", "encoding/json"] if payload else [])]
    imports += ["errors", "os"] if variable else []
    read = [
        f'\tkey := os.Getenv("{variable}")',
        '\tif key == "" {',
        f'\t\treturn errors.New("{variable} is not set")',
        "\t}",
    ]
    encode = [f"\tpayload := {payload}", "\tbody, err := json.Marshal(payload)", *_GO_CHECK]
    pairs = headers(request, key, GO.text, lambda _: "key")
    reader = "bytes.NewReader(body)" if payload else "nil"
    return "\n".join(
        (
            "package main",
            "",
            "import (",
            *(f'\t"{name}"' for name in sorted(imports)),
            ")",
            "",
            *_GO_MAIN,
            "func send() error {",
            *(read if variable else []),
            *(encode if payload else []),
            "",
            f'\turl := "{request.url}"',
            f"\treq, err := http.NewRequest(http.Method{request.method.capitalize()}, url, {reader})",
            *_GO_CHECK,
            *(f'\treq.Header.Set("{name}", {value})' for name, value in pairs),
            "",
            *_GO_SEND,
            f"\tif resp.StatusCode != http.Status{status_name(request)} {{",
            *_GO_END,
        )
    )


_GO_CHECK = ("\tif err != nil {", "\t\treturn err", "\t}")
_GO_MAIN = ("func main() {", "\tif err := send(); err != nil {", "\t\tlog.Fatal(err)", "\t}", "}", "")
_GO_SEND = (
    "\tclient := &http.Client{",
    "\t\tTimeout: 30 * time.Second,",
    "\t\tCheckRedirect: func(*http.Request, []*http.Request) error {",
    "\t\t\treturn http.ErrUseLastResponse",
    "\t\t},",
    "\t}",
    "\tresp, err := client.Do(req)",
    *_GO_CHECK,
    "\tdefer resp.Body.Close()",
    "\tanswer, err := io.ReadAll(resp.Body)",
    *_GO_CHECK,
)
_GO_END = (
    '\t\treturn fmt.Errorf("refused: %s %s", resp.Status, answer)',
    "\t}",
    "\tfmt.Println(string(answer))",
    "\treturn nil",
    "}",
)


@target("java", "Java 15 or newer, with java.net.http", "java")
def _java(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    pairs = headers(request, key, json.dumps, lambda _: "key")
    read = [f'        String key = System.getenv("{variable}");', "        if (key == null || key.isEmpty()) {"]
    read += [f'            throw new IllegalStateException("{variable} is not set");', "        }"]
    publisher = "HttpRequest.BodyPublishers.ofString(body)" if request.endpoint.takes_payload else ""
    return "\n".join(
        (
            "import java.io.IOException;",
            "import java.net.URI;",
            "import java.net.http.HttpClient;",
            "import java.net.http.HttpRequest;",
            "import java.net.http.HttpResponse;",
            "import java.time.Duration;",
            "",
            "public class Message {",
            "    public static void main(String[] args) throws IOException, InterruptedException {",
            *(read if variable else []),
            *(_java_body(request) if request.endpoint.takes_payload else []),
            f'        String url = "{request.url}";',
            "        HttpRequest request = HttpRequest.newBuilder(URI.create(url))",
            "            .timeout(Duration.ofSeconds(30))",
            *(f'            .header("{name}", {value})' for name, value in pairs),
            f"            .{request.method}({publisher})",
            "            .build();",
            "        HttpResponse<String> response =",
            "            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());",
            f"        if (response.statusCode() != {request.endpoint.success}) {{",
            '            throw new IOException("refused: " + response.statusCode() + " " + response.body());',
            "        }",
            "        System.out.println(response.body());",
            "    }",
            "}",
        )
    )


def _java_body(request: Request) -> list[str]:
    # javac before 18 reads a source file in the system's encoding, so the text is ASCII
    text = body(request, avoid='"\\', ascii_only=True)
    bounded(text, len(text), JAVA_MOST, "a string constant of Java")
    block = text.replace("\\", "\\\\").replace("\n", "\n            ")
    return ['        String body = """', f'            {block}""";']


@target("csharp", "C#, with HttpClient: .NET 7 or newer", "csharp", "c#", "cs", "dotnet")
def _csharp(request: Request, key: str | None) -> str:
    variable = key_variable(request, key)
    ((name, value),) = headers(request, key, CSHARP.text, lambda _: "key")[-1:]  # the content sets its own type
    payload = payload_of(request, CSHARP)
    method = f"HttpMethod.{request.method.capitalize()}"
    usings = ["using System.Net.Http.Headers;", "using System.Text.Json.Nodes;"]
    media_type = CSHARP.text(request.endpoint.media_type)
    content = f"    Content = new StringContent(payload.ToJsonString(), new MediaTypeHeaderValue({media_type})),"
    read = [f'var key = Environment.GetEnvironmentVariable("{variable}");', "if (string.IsNullOrEmpty(key))", "{"]
    read += [f'    throw new InvalidOperationException("{variable} is not set");', "}", ""]
    return "\n".join(
        (
            "using System.Net;",
            *(usings if payload else []),
            "",
            *(read if variable else []),
            *([f"var payload = {payload};"] if payload else []),
            f'var url = "{request.url}";',
            "",
            "using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false })",
            "{",
            "    Timeout = TimeSpan.FromSeconds(30),",
            "};",
            f"using var request = new HttpRequestMessage({method}, url)" + ("" if payload else ";"),
            *(["{", content, "};"] if payload else []),
            f'request.Headers.Add("{name}", {value});',
            "using var response = await client.SendAsync(request);",
            "var answer = await response.Content.ReadAsStringAsync();",
            f"if (response.StatusCode != HttpStatusCode.{status_name(request)})",
            "{",
            '    throw new HttpRequestException($"refused: {(int)response.StatusCode} {answer}");',
            "}",
            "Console.WriteLine(answer);",
        )
    )
