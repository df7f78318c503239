"""An endpoint is data: its method, path, media type, fields and answers decide how kshell handles it."""

from __future__ import annotations

from typing import Any

import pytest
from support.payloads import LIST_TEMPLATES, request_without_payload
from support.servers import Server, answer, local_pod, read, refusal

from kshell.api import answers, endpoints
from kshell.api.answers import exchange_of
from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.endpoints import ENDPOINTS
from kshell.api.request import header_names
from kshell.core.errors import UsageError
from kshell.core.exchange import Delivery, Response
from kshell.profiles.files import Places
from kshell.session.session import Overrides, Session
from kshell.snippets.placeholders import with_placeholders
from kshell.transport.exchange_text import document

LISTED = b'{"code": "WA200", "message": "Success", "data": [{"name": "auth1"}]}'
URL = "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/1234567/message_templates"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Add one endpoint to those that kshell knows."""
    monkeypatch.setattr(endpoints, "ENDPOINTS", (*ENDPOINTS, LIST_TEMPLATES))


# ---- the tables agree


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_every_part_of_a_request_is_a_field(endpoint: Any) -> None:
    """Each path parameter and header is in the table of fields; every other field is in the payload."""
    outside = [field.name.lower() for field in endpoint.fields if not field.pointer]
    assert sorted(outside) == sorted([*endpoint.parameters, *header_names(endpoint)])


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_what_is_private_is_not_cut(endpoint: Any) -> None:
    """The API cuts no code and no number, so the private values of a draft are those that are sent."""
    assert [field.name for field in endpoint.fields if field.role and field.cut_at] == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=str)
def test_the_status_of_success_is_documented(endpoint: Any) -> None:
    """The status that means success belongs to a documented answer."""
    assert endpoint.success in {row.status for row in endpoint.answers}


# ---- an endpoint that takes no payload


def test_a_request_without_a_payload_has_no_body() -> None:
    """A request without a payload has no body and no content type, and its URL has the parameters."""
    request = request_without_payload("https://host")
    assert (request.method, request.body) == ("GET", "")
    assert [name for name, _ in request.headers] == ["api-key"]
    assert request.url == "https://host/v2/HX0IN/whatsapp/1234567/message_templates"


def test_placeholders_stand_in_the_url_of_any_endpoint() -> None:
    """A draft of an endpoint without a payload gets a placeholder for each parameter of its URL."""
    draft = Session(Places.standard()).draft(Overrides(variables={"waba_id": "1234567"}), LIST_TEMPLATES)
    request = with_placeholders(draft).request
    assert request == draft.request._replace(url=request.url)
    assert request.url.endswith("/v2/SID/whatsapp/WABA_ID/message_templates")


@pytest.mark.parametrize(
    ("status", "body", "delivery"),
    [
        (200, LISTED, Delivery.ACCEPTED),
        (200, b"", Delivery.ACCEPTED),
        (202, b"", Delivery.UNKNOWN),
        (202, refusal("WA202"), Delivery.UNKNOWN),
        (401, refusal("RBC001"), Delivery.REFUSED),
    ],
)
def test_the_endpoint_says_what_is_success(status: int, body: bytes, delivery: Delivery) -> None:
    """The endpoint's own status and codes mean success; those of another endpoint do not."""
    exchange = exchange_of(request_without_payload("https://host"), Response(status, "", (), body), 1)
    assert exchange.delivery is delivery


def test_an_answer_without_a_message_has_no_message_id() -> None:
    """An endpoint without a pointer to an id gives an empty message id."""
    exchange = exchange_of(request_without_payload("https://host"), Response(200, "", (), LISTED), 1)
    assert exchange.answer.message_id == ""
    assert exchange.answer.json == {"code": "WA200", "message": "Success", "data": [{"name": "auth1"}]}


def test_a_session_sends_to_an_endpoint_without_a_payload() -> None:
    """A session sends a GET without a body to an endpoint without a payload, with a path parameter as a variable."""
    with Server(read, answer(200, LISTED)) as server:
        session = Session(Places.standard())
        overrides = Overrides(pod=local_pod(server.url), variables={"waba_id": "1234567"})
        draft = session.draft(overrides, LIST_TEMPLATES)
        exchange = session.send(draft, timeout=60)
    (got,) = server.requests
    assert (got.method, got.body, got.header("content-type"), got.header("content-length")) == ("GET", b"", [], [])
    assert got.target == "/v2/HXSANDBOXIN/whatsapp/1234567/message_templates"
    assert (exchange.delivery, draft.options, draft.findings) == (Delivery.ACCEPTED, "-a demo -p local", ())
    assert document(exchange, None)["request"]["body"] is None


def test_a_further_parameter_is_a_variable_beside_the_template_s() -> None:
    """An endpoint with a payload and a path parameter takes the template's variables and that parameter."""
    path = "/v2/{sid}/whatsapp/{waba_id}/messages"
    overrides = Overrides(variables={"waba_id": "a/b", "to": "+919812345678", "otp": "1"})
    draft = Session(Places.standard()).draft(overrides, SEND_AUTHENTICATION._replace(path=path))
    assert draft.request.url.endswith("/whatsapp/a%2Fb/messages")
    assert draft.payload["messaging_object"]["to"] == "+919812345678"


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "not set: waba_id"),
        ({"waba": "1"}, "List templates has no variable 'waba'"),
        ({"waba_id": ".."}, "waba_id is '..', which cannot be a part of a URL"),
        ({"waba_id": ""}, "waba_id is '', which cannot be a part of a URL"),
    ],
    ids=["missing", "unknown", "path", "empty"],
)
def test_a_parameter_of_the_path_is_checked(variables: dict[str, str], message: str) -> None:
    """A missing or unsafe path parameter and an unknown variable are usage errors."""
    with pytest.raises(UsageError) as caught:
        Session(Places.standard()).draft(Overrides(variables=variables), LIST_TEMPLATES)
    assert caught.value.message == message


# ---- curl


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", ""),
        ("-X GET", ""),
        ("-G", ""),
        ("-X POST", "the method POST; the API takes GET; write -X GET"),
        ("-d '{}'", "a payload, which the API does not take here; remove it"),
    ],
)
def test_a_curl_command_is_held_to_its_endpoint(cli: Any, write: Any, words: str, fault: str) -> None:
    """``docs --check`` compares a curl command with the method and payload of its endpoint."""
    write("page.md", f'```bash\ncurl {words} {URL} -H "api-key: $KALEYRA_API_KEY"\n```\n')
    ran = cli("docs", "--check", "page.md")
    assert (ran.code, fault in ran.err) == (1 if fault else 0, True)


@pytest.mark.usefixtures("known")
def test_a_curl_command_without_a_payload_is_imported(cli: Any, write: Any) -> None:
    """``import`` of a curl command without a payload gives a script that uses the account of its URL."""
    write("command.txt", f'curl {URL} -H "api-key: $KALEYRA_API_KEY"')
    ran = cli("import", "command.txt")
    assert (ran.code, ran.out, ran.err) == (0, "use account docs\n", "")


# ---- read once


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_an_answer_is_parsed_once(cli: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """``send`` parses the body of a refusal once."""
    parsed: list[bytes] = []
    real = answers.parse

    def parse(body: bytes) -> Any:
        parsed.append(body)
        return real(body)

    monkeypatch.setattr(answers, "parse", parse)
    with Server(read, answer(401, refusal("RBC001"))) as server:
        ran = cli("send", "-p", local_pod(server.url), "to=+919812345678", "otp=1", *words)
    assert (ran.code, parsed) == (1, [refusal("RBC001")])
