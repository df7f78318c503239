"""The request: one function builds its URL and headers, and they are the page's."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kshell.api.authentication.endpoint import SEND_AUTHENTICATION
from kshell.api.endpoints import read_url
from kshell.api.request import Address, build
from kshell.core.models import Account, Origin, OtpPolicy, Pod, Secret

ORIGIN = Origin(Path("x.yaml"), "user")
POD = Pod("in", "", "https://api.in.kaleyra.io", embedded=False, proxy="", origin=ORIGIN)
SECRET = Secret("env", "ACME_KEY")


def account(sid: str = "HXAP16XXXXXX97IN", number: str = "+91XXXXXXXXXX") -> Account:
    """Return an account with this SID and business number."""
    return Account("acme", "", "in", sid, SECRET, number, "auth", {}, OtpPolicy(), ORIGIN)


def test_the_url_is_the_page_s():
    """The method and the URL are the page's, and the plus of the number is not encoded."""
    request = build(SEND_AUTHENTICATION, POD, account(), {})
    assert request.method == "POST"
    assert request.url == "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages"


def test_the_headers_are_the_page_s():
    """The headers are Content-Type and api-key, whose value is the reference and not the key."""
    assert build(SEND_AUTHENTICATION, POD, account(), {}).headers == (
        ("Content-Type", "application/json"),
        ("api-key", SECRET),
    )


@pytest.mark.parametrize("host", ["https://api.eu.kaleyra.io", "http://127.0.0.1:8255", "http://[::1]:1"])
def test_the_host_is_the_pod_s(host):
    """The URL begins with the pod's base URL."""
    assert build(SEND_AUTHENTICATION, POD._replace(base_url=host), account(), {}).url.startswith(f"{host}/v2/HX")


@given(sid=st.text("!~/?#%\\:@&=+;,a0.\"'<>|^`{}[]", min_size=1).filter(lambda sid: sid.strip(".")))
def test_a_sid_is_one_segment_of_the_path(sid):
    """No SID adds a segment, a query or a fragment to the URL."""
    url = urlsplit(build(SEND_AUTHENTICATION, POD, account(sid), {}).url)
    assert (url.netloc, url.query, url.fragment) == ("api.in.kaleyra.io", "", "")
    _, version, segment, *rest = url.path.split("/")
    assert (version, unquote(segment), rest) == ("v2", sid, ["whatsapp", "+91XXXXXXXXXX", "messages"])


def test_the_body_is_the_payload_as_json():
    """The body is the payload as printable JSON."""
    payload = {"messaging_object": {"to": "+91", "é\x1b\ud800": [1, True, None]}}
    body = build(SEND_AUTHENTICATION, POD, account(), payload).body
    assert json.loads(body) == payload
    assert body.replace("\n", "").isprintable()


def test_a_request_never_shows_the_key():
    """The text of a request does not show a literal key."""
    request = build(SEND_AUTHENTICATION, POD, account()._replace(api_key=Secret("literal", "Acanary")), {})
    assert "Acanary" not in repr(request) + str(request)


@pytest.mark.parametrize("host", ["https://api.eu.kaleyra.io", "http://127.0.0.1:8255", "http://[::1]:1"])
def test_a_url_is_read_back_to_its_parts(host):
    """``read_url`` returns the host, SID and number of a URL that ``build`` made."""
    url = build(SEND_AUTHENTICATION, POD._replace(base_url=host), account(), {}).url
    parameters = {"sid": "HXAP16XXXXXX97IN", "phone_number": "+91XXXXXXXXXX"}
    assert read_url(url) == read_url(f"{url}/") == Address(SEND_AUTHENTICATION, host, parameters)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://a.b",
        "https://a.b/v2/HX1/messages",
        "https://u:p@a.b/v2/HX1/whatsapp/+91/messages",
        "ftp://a.b/v2/H/whatsapp/1/messages",
        "https://a.b/v2/HX1/whatsapp/+91/messages?x=1",
        "https://a.b/v1/HX1/whatsapp/+91/messages",
        "https://a.b/v2//whatsapp/1/messages",
    ],
)
def test_another_url_has_no_parts(url):
    """``read_url`` returns None for a URL of another form or with a user."""
    assert read_url(url) is None
